// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench: rounds in which every contestant has its turn, medians, ratios.
 */
#include "tools/command.h"
#include "tools/bench/bench.h"
#include "tools/bench/common.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CONTESTANTS 6

struct work {
	struct bench_end *pair;
	uint8_t *call, *reply;
	size_t call_len, reply_len;
	unsigned int n;
};

static const struct bench_case {
	const char *title;
	size_t body;
	bool one_way;
	unsigned int share;	/* of --count, as 1 in */
} cases[] = {
	{ "round trip 200 B", 200, false, 1 },
	{ "one way 200 B", 200, true, 1 },
	{ "round trip 8 KiB", 8192, false, 2 },
	{ "one way 8 KiB", 8192, true, 2 },
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static struct bench_result results[N_CONTESTANTS][N_CASES];
static struct bench_end pairs[N_CONTESTANTS][2];

struct options {
	unsigned int rounds, count;
	const char *only;
	bool json;
};

static _Noreturn void echo(const struct work *w)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (client_read(w->pair[1].fd, 1) < 0 ||
		    client_write(w->pair[1].fd, w->reply, w->reply_len) < 0)
			_exit(1);
	_exit(0);
}

static _Noreturn void flood(const struct work *w)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (client_write(w->pair[0].fd, w->call, w->call_len) < 0)
			_exit(1);
	_exit(0);
}

static int call_all(const struct work *w)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < w->n && r >= 0; i++) {
		r = client_write(w->pair[0].fd, w->call, w->call_len);
		if (r >= 0)
			r = client_read(w->pair[0].fd, 1);
	}
	return r;
}

/* Microseconds a message, or a round trip; negative: -errno. */
static double run(const struct work *w, bool one_way)
{
	double start;
	int r, status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		alarm(BENCH_STUCK_S);
		if (one_way)
			flood(w);
		echo(w);
	}
	start = bench_now_us();
	r = one_way ? client_read(w->pair[1].fd, w->n) : call_all(w);
	start = bench_now_us() - start;
	if (r < 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (r < 0)
		return r;
	return status ? -EPIPE : start / w->n;
}

static int measure(size_t who, size_t what, const struct options *o)
{
	struct bench_end *pair = pairs[who];
	struct work w = {
		.pair = pair,
		.n = o->count / cases[what].share,
	};
	struct bench_result *res = &results[who][what];
	double us;

	w.call = client_message(pair[1].name, cases[what].one_way ?
				CLIENT_ONE_WAY : CLIENT_CALL,
				cases[what].body, &w.call_len);
	w.reply = client_message(pair[0].name, CLIENT_REPLY, cases[what].body,
				 &w.reply_len);
	us = w.call && w.reply ? run(&w, cases[what].one_way) : -ENOMEM;
	free(w.call);
	free(w.reply);
	if (us < 0)
		return (int)us;
	res->us[res->n++] = us;
	return 0;
}

/* ---- output ---- */

static void table(const struct options *o)
{
	size_t i, k;

	printf("microseconds, median of %u interleaved rounds (times the direct pair)\n",
	       o->rounds);
	printf("%-22s", "");
	for (k = 0; k < N_CASES; k++)
		printf(" %18s", cases[k].title);
	putchar('\n');
	for (i = 0; i < n_contestants; i++) {
		printf("%-22s", contestants[i].title);
		for (k = 0; k < N_CASES; k++)
			bench_cell(bench_median(&results[i][k]), bench_median(&results[0][k]));
		putchar('\n');
	}
	for (i = 0; i < n_contestants; i++)
		if (contestants[i].why[0])
			printf("missing: %s: %s\n", contestants[i].title,
			       contestants[i].why);
}

static void json(const struct options *o)
{
	const char *sep = "";
	size_t i, k;

	printf("{\"unit\":\"us\",\"rounds\":%u,\"medians\":{", o->rounds);
	for (i = 0; i < n_contestants; i++) {
		if (!results[i][0].n)
			continue;
		printf("%s\"%s\":{", sep, contestants[i].name);
		sep = ",";
		for (k = 0; k < N_CASES; k++)
			printf("%s\"%s\":%.2f", k ? "," : "", cases[k].title,
			       bench_median(&results[i][k]));
		putchar('}');
	}
	puts("}}");
}

/* ---- */

static int start_all(const struct options *o)
{
	size_t i;
	int r, n = 0;

	for (i = 0; i < n_contestants; i++) {
		struct contestant *c = &contestants[i];

		if (!bench_chosen(o->only, c->name)) {
			snprintf(c->why, sizeof(c->why), "not asked for");
			continue;
		}
		r = contestant_start(c);
		if (!r)
			r = contestant_pair(c, pairs[i]);
		if (r < 0 && c->on) {
			snprintf(c->why, sizeof(c->why), "%s", strerror(-r));
			contestant_stop(c);
		}
		n += c->on;
	}
	return n;
}

static void round_of_all(const struct options *o)
{
	struct contestant *c;
	size_t i, k;
	int r;

	for (k = 0; k < N_CASES; k++) {
		for (i = 0; i < n_contestants; i++) {
			c = &contestants[i];
			if (!c->on)
				continue;
			r = measure(i, k, o);
			if (r < 0) {
				snprintf(c->why, sizeof(c->why), "%s: %s",
					 cases[k].title, strerror(-r));
				contestant_stop(c);
			}
		}
	}
}

static int bench(const struct options *o)
{
	unsigned int r;
	bool complete = true;
	size_t i;

	if (!start_all(o)) {
		fprintf(stderr, "afbus bench: nothing to measure\n");
		return 1;
	}
	for (r = 0; r < o->rounds; r++) {
		fprintf(stderr, "\rafbus bench: round %u of %u", r + 1,
			o->rounds);
		round_of_all(o);
	}
	fprintf(stderr, "\n");
	for (i = 0; i < n_contestants; i++) {
		/* One that was running and failed; not one that is not here. */
		if (results[i][0].n && contestants[i].why[0])
			complete = false;
		contestant_stop(&contestants[i]);
	}
	if (o->json)
		json(o);
	else
		table(o);
	return !complete;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench [OPTION...]\n"
	      "\n"
	      "Starts every bus that is here, and measures round trips and floods of\n"
	      "messages between two clients, side by side with a direct socket pair and\n"
	      "a process that only copies.\n"
	      "\n"
	      "  --rounds=N          rounds (default 9; 1 to 101)\n"
	      "  --count=N           small messages a round and case (default 4000)\n"
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,user,kernel\n"
	      "  --json              for machines\n"
	      "  --broadcast         signals to many instead; --broadcast --help\n"
	      "  --native            measure native buses instead; --native --help\n"
	      "  --help\n", f);
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'n' },
		{ "contestants", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		switch (c) {
		case 'r':
			r = bench_number(optarg, 1, BENCH_MAX_ROUNDS, &o->rounds);
			break;
		case 'n':
			r = bench_number(optarg, 10, 10000000, &o->count);
			break;
		case 'c': o->only = optarg; break;
		case 'j': o->json = true; break;
		case 'h': usage(stdout); exit(0);
		default: usage(stderr); return EXIT_USAGE;
		}
	}
	if (!r && optind < argc) {
		fprintf(stderr, "afbus bench: unexpected argument '%s'\n",
			argv[optind]);
		r = EXIT_USAGE;
	}
	return r;
}

int cmd_bench(int argc, char **argv)
{
	struct options o = { .rounds = 9, .count = 4000 };
	int i, r;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--native"))
			return bench_native(argc, argv);
		else if (!strcmp(argv[i], "--broadcast"))
			return bench_broadcast(argc, argv);
	r = parse(argc, argv, &o);
	return r ? r : bench(&o);
}
