// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus bench: round trips and floods of messages between two. */
#include "tools/command.h"
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static struct bench_end (*pairs)[2];	/* of each contestant */

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

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *us)
{
	struct bench_end *pair = pairs[who];
	struct work w = { .pair = pair, .n = o->count / cases[k].share };

	(void)c;
	w.call = client_message(pair[1].name, cases[k].one_way ?
				CLIENT_ONE_WAY : CLIENT_CALL,
				cases[k].body, &w.call_len);
	w.reply = client_message(pair[0].name, CLIENT_REPLY, cases[k].body,
				 &w.reply_len);
	*us = w.call && w.reply ? run(&w, cases[k].one_way) : -ENOMEM;
	free(w.call);
	free(w.reply);
	return *us < 0 ? (int)*us : 0;
}

static int join(struct contestant *c, size_t who)
{
	return contestant_pair(c, pairs[who]);
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static int bench(const struct bench_run *o)
{
	static const struct bench_suite suite = {
		.figures = { { "medians", "microseconds" } },
		.n_figures = 1,
		.n_cases = N_CASES,
		.title = title,
		.join = join,
		.turn = turn,
	};
	int r;

	pairs = calloc(n_contestants, sizeof(*pairs));
	if (!pairs)
		return 1;
	r = bench_suite(&suite, o);
	free(pairs);
	return r;
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
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,user,kernel,native\n"
	      "  --json              for machines\n"
	      "  --broadcast         signals to many instead; --broadcast --help\n"
	      "  --pairs             many pairs at once instead; --pairs --help\n"
	      "  --native            measure native buses instead; --native --help\n"
	      "  --help\n", f);
}

int cmd_bench(int argc, char **argv)
{
	static const struct option longs[] = { BENCH_RUN_OPTIONS, { 0 } };
	struct bench_run o = { .rounds = 9, .count = 4000 };
	int c, i, r = 0;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--native"))
			return bench_native(argc, argv);
		else if (!strcmp(argv[i], "--broadcast"))
			return bench_broadcast(argc, argv);
		else if (!strcmp(argv[i], "--pairs"))
			return bench_pairs(argc, argv);
	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		r = bench_run_option(c, &o, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench(&o);
}
