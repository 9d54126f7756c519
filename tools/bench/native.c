// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --native: one sender, 1 to 1000 receivers, on native buses and
 * on what one would take instead. Contestants take turns in each round.
 */
#include "tools/bench/common.h"
#include "tools/bench/results.h"
#include "tools/bench/wire.h"
#include "tools/command.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MODES 8
#define MAX_SIZES 8		/* different numbers of receivers */
#define MAX_MESSAGE 8192
/* A TIPC group of a thousand takes a minute on a slow machine: each who joins
 * is told to all others. */
#define SETUP_S 600
/* Messages of a turn, however many receivers there are. */
#define LEAST 8

/* First byte of a message. */
enum { ASK_NOTHING, ASK_REPLY };

static const struct bench_case {
	const char *name;
	size_t len;
	bool one_way;
	unsigned int share;	/* of --count, as 1 in */
} cases[] = {
	{ "one way 200 B", 200, true, 1 },
	{ "round trip 200 B", 200, false, 4 },
	{ "one way 8 KiB", 8192, true, 2 },
	{ "round trip 8 KiB", 8192, false, 8 },
};

#define N_CASES (sizeof(cases) / sizeof(cases[0]))

struct options {
	unsigned int rounds, count;
	unsigned int sizes[MAX_SIZES], n_sizes;
	const char *only;
	const char *json;	/* the file; NULL: none */
};

/* A wire with its receivers at work; modes of the same kind share it. */
struct team {
	struct wire w;
	const struct wire_kind *kind;
	pid_t *pids;
	int err;
};

static struct team teams[MAX_MODES];
static struct bench_results results;
/* Of the kinds of messages, each with all numbers of receivers. */
static char titles[N_CASES * MAX_SIZES][40];
static char why[MAX_MODES][96];

/* ---- receivers ---- */

/* The same for all contestants. */
static _Noreturn void receive(struct team *t)
{
	static char buf[MAX_MESSAGE];
	ssize_t n;

	for (;;) {
		n = recv(t->w.rx, buf, sizeof(buf), 0);
		if (n <= 0)
			_exit(1);
		if (*buf == ASK_REPLY && t->kind->reply(&t->w, buf, n))
			_exit(1);
	}
}

static void team_stop(struct team *t)
{
	unsigned int i;

	for (i = 0; t->pids && i < t->w.n; i++)
		if (t->pids[i] > 0)
			kill(t->pids[i], SIGKILL);
	for (i = 0; t->pids && i < t->w.n; i++)
		if (t->pids[i] > 0)
			waitpid(t->pids[i], NULL, 0);
	free(t->pids);
	if (t->kind)
		wire_close(&t->w);
	memset(t, 0, sizeof(*t));
}

static int team_add(struct team *t, unsigned int i)
{
	int err = t->kind->add(&t->w, i);

	if (err)
		return err;
	t->pids[i] = fork();
	if (t->pids[i] < 0)
		return -errno;
	if (!t->pids[i]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		receive(t);
	}
	/* Thousands of descriptors would make each fork slow. */
	wire_release(&t->w);
	return 0;
}

static int team_fill(struct team *t)
{
	unsigned int i;
	int err = 0;

	t->pids = calloc(t->w.n, sizeof(*t->pids));
	if (!t->pids)
		return -ENOMEM;
	fflush(NULL);
	for (i = 0; !err && i < t->w.n; i++)
		err = team_add(t, i);
	if (!err && t->kind->ready)
		err = t->kind->ready(&t->w);
	return err;
}

static struct team *team_of(size_t mode)
{
	const struct wire_kind *kind = wire_modes[mode].kind;
	size_t i = 0;

	while (i < mode && wire_modes[i].kind != kind)
		i++;
	return &teams[i];
}

static int team_start(struct team *t, const struct wire_kind *kind,
		      unsigned int n)
{
	if (t->kind)
		return t->err;
	t->kind = kind;
	alarm(SETUP_S);
	t->err = wire_open(&t->w, kind, n);
	if (!t->err)
		t->err = team_fill(t);
	alarm(0);
	return t->err;
}

/* ---- the sender ---- */

static int collect(struct team *t)
{
	static char buf[MAX_MESSAGE];
	unsigned int i;

	for (i = 0; i < t->w.n; i++)
		if (recv(t->w.collect, buf, sizeof(buf), 0) <= 0)
			return errno ? -errno : -EPIPE;
	return 0;
}

static int send_one(struct team *t, const struct wire_mode *mode, size_t len,
		    char ask)
{
	static char buf[MAX_MESSAGE];

	buf[0] = ask;
	return mode->send(&t->w, buf, len);
}

/* One way ends when everybody has answered the last message. */
static int turn(struct team *t, const struct wire_mode *mode,
		const struct bench_case *c, unsigned int n)
{
	bool ask;
	int err = 0;

	while (!err && n--) {
		ask = !c->one_way || !n;
		err = send_one(t, mode, c->len, ask ? ASK_REPLY : ASK_NOTHING);
		if (!err && ask)
			err = collect(t);
	}
	return err;
}

static unsigned int messages(const struct options *o,
			     const struct bench_case *c, unsigned int receivers)
{
	unsigned int n = o->count / c->share / receivers;

	return n < LEAST ? LEAST : n;
}

static int measure(size_t mode, size_t what, size_t size,
		   const struct options *o)
{
	const struct bench_case *c = &cases[what];
	struct bench_result *r = bench_results_cell(&results, mode,
					what * o->n_sizes + size, 0);
	unsigned int n = messages(o, c, o->sizes[size]);
	double start;
	int err;

	alarm(BENCH_STUCK_S);
	start = bench_now_us();
	errno = 0;
	err = turn(team_of(mode), &wire_modes[mode], c, n);
	alarm(0);
	if (!err)
		r->v[r->n++] = (bench_now_us() - start) / n;
	return err;
}

/* Processes have touched all of their memory, and a group knows its members,
 * before time counts. */
static int warm_up(size_t mode)
{
	static const struct bench_case once = { .len = MAX_MESSAGE };
	int err;

	alarm(BENCH_STUCK_S);
	errno = 0;
	err = turn(team_of(mode), &wire_modes[mode], &once, 1);
	alarm(0);
	return err;
}

static void give_up(size_t mode, unsigned int receivers, const char *what,
		    int err)
{
	if (!why[mode][0])
		snprintf(why[mode], sizeof(why[mode]), "%u receivers: %s%s%s",
			 receivers, what, *what ? ": " : "",
			 err == -EINTR ? "stuck" : strerror(-err));
}

static void rounds(size_t size, const bool *on, const struct options *o)
{
	unsigned int r;
	size_t k, m;
	int err;

	for (r = 0; r < o->rounds; r++) {
		fprintf(stderr, "\rafbus bench: %u receivers, round %u of %u  ",
			o->sizes[size], r + 1, o->rounds);
		for (k = 0; k < N_CASES; k++) {
			for (m = 0; m < n_wire_modes; m++) {
				if (!on[m] || team_of(m)->err)
					continue;
				err = measure(m, k, size, o);
				/* Messages may be left: also for those who
				 * share the wire. */
				team_of(m)->err = err;
				if (err)
					give_up(m, o->sizes[size],
						cases[k].name, err);
			}
		}
	}
}

static void run_size(size_t size, const struct options *o)
{
	bool on[MAX_MODES] = { false };
	size_t m;
	int err;

	for (m = 0; m < n_wire_modes; m++) {
		if (!bench_chosen(o->only, wire_modes[m].name))
			continue;
		err = team_start(team_of(m), wire_modes[m].kind,
				 o->sizes[size]);
		if (!err)
			err = team_of(m)->err = warm_up(m);
		on[m] = !err;
		if (err)
			give_up(m, o->sizes[size], "", err);
	}
	rounds(size, on, o);
	for (m = 0; m < n_wire_modes; m++)
		team_stop(&teams[m]);
}

/* ---- output ---- */

static const char *title(size_t k)
{
	return titles[k];
}

static struct bench_row row(size_t i)
{
	return (struct bench_row){ .name = wire_modes[i].name,
				   .title = wire_modes[i].title,
				   .why = why[i] };
}

static int results_init(const struct options *o)
{
	static const struct bench_figure figure = {
		"us", "us", "microseconds until a message has reached all"
	};
	size_t k, s;

	results = (struct bench_results){
		.suite = "native", .rounds = o->rounds,
		.figures = &figure, .n_figures = 1,
		.n_rows = n_wire_modes, .n_cases = N_CASES * o->n_sizes,
		.columns = o->n_sizes, .title = title, .row = row,
	};
	for (k = 0; k < N_CASES; k++)
		for (s = 0; s < o->n_sizes; s++)
			snprintf(titles[k * o->n_sizes + s], sizeof(titles[0]),
				 "%s, %u", cases[k].name, o->sizes[s]);
	return bench_results_alloc(&results);
}

/* How many were measured; @complete: and none of them failed on the way. */
static unsigned int measured(const struct options *o, bool *complete)
{
	unsigned int n = 0;
	size_t m;

	*complete = true;
	for (m = 0; m < n_wire_modes; m++) {
		if (!bench_chosen(o->only, wire_modes[m].name)) {
			strcpy(why[m], "not asked for");
			continue;
		}
		if (!bench_results_any(&results, m))
			continue;
		n++;
		if (why[m][0])
			*complete = false;
	}
	return n;
}

static int say(const struct options *o)
{
	bool complete;
	size_t m;

	if (measured(o, &complete))
		return bench_results_say(&results, o->json) ?: !complete;
	fprintf(stderr, "afbus bench: nothing to measure\n");
	for (m = 0; m < n_wire_modes; m++)
		fprintf(stderr, "missing: %s: %s\n", wire_modes[m].title,
			why[m]);
	return 1;
}

/* ---- */

static void on_alarm(int sig)
{
}

/* All sockets of all wires are open at once, here. */
static int prepare(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	/* No SA_RESTART: a call that is stuck fails. */
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	return bench_many_files();
}

static int bench(const struct options *o)
{
	int err = prepare();
	size_t s;

	if (!err)
		err = results_init(o);
	if (err) {
		fprintf(stderr, "afbus bench: %s\n", strerror(-err));
		return 1;
	}
	for (s = 0; s < o->n_sizes; s++)
		run_size(s, o);
	fputc('\n', stderr);
	err = say(o);
	free(results.cells);
	return err;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --native [OPTION...]\n"
	      "\n"
	      "Sends from one process to many, each of them another, over a native bus, and\n"
	      "side by side over socket pairs of AF_UNIX (one send for each receiver) and the\n"
	      "group messaging of TIPC. A receiver of AF_BUS may have 256 messages waiting.\n"
	      "\n"
	      "  --receivers=LIST    how many (default 1,10,100,1000; each up to 4096)\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --count=N           messages received a turn, by all (default 4000)\n"
	      "  --contestants=LIST  of unix,tipc,bus,open,unicast\n"
	      "  --json=FILE         for machines, too\n"
	      "  --help\n", f);
}

static int parse_option(int c, struct options *o)
{
	switch (c) {
	case 'N': return 0;
	case 's': return bench_numbers(optarg, 1, WIRE_MAX_RECEIVERS, o->sizes,
				       MAX_SIZES, &o->n_sizes);
	case 'r': return bench_number(optarg, 1, BENCH_MAX_ROUNDS, &o->rounds);
	case 'n': return bench_number(optarg, 1, 10000000, &o->count);
	case 'c': o->only = optarg; return 0;
	case 'j': o->json = optarg; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int bench_native(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "native", no_argument, NULL, 'N' },
		{ "receivers", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'n' },
		{ "contestants", required_argument, NULL, 'c' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = {
		.rounds = 5, .count = 4000,
		.sizes = { 1, 10, 100, 1000 }, .n_sizes = 4,
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	if (!r && optind < argc) {
		fprintf(stderr, "afbus bench: unexpected argument '%s'\n",
			argv[optind]);
		r = EXIT_USAGE;
	}
	return r ? r : bench(&o);
}
