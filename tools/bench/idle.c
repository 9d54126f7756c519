// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --idle: a message between two, beside connections that do nothing.
 * What it costs more with a thousand of them is what a bus looks at in vain.
 */
#include "tools/bench/between.h"
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_NUMBERS	8
#define MAX_IDLE	10000U
#define BODY		200U
/* So that the bus, and the kernel, are done with those who have gone, */
#define SETTLE_US	300000
/* and with those who have come. */
#define WARM_UP		100U

static struct bench_case {
	char title[32];
	unsigned int idle;
	bool one_way;
} cases[2 * MAX_NUMBERS];
static size_t n_cases;

static struct place {
	struct bench_end pair[2];
	struct bench_end *idle;
	unsigned int n;
} *places;			/* of each contestant */
static unsigned int most;

static int join(struct contestant *c, size_t who)
{
	places[who].idle = calloc(most, sizeof(*places[who].idle));
	return places[who].idle ? contestant_pair(c, places[who].pair) :
				  -ENOMEM;
}

/* There are to be @n who do nothing. */
static int crowd(struct contestant *c, struct place *p, unsigned int n)
{
	int r = 0;

	if (p->n == n)
		return 0;
	while (p->n > n)
		contestant_leave(&p->idle[--p->n]);
	while (p->n < n && !r) {
		r = contestant_client(c, &p->idle[p->n]);
		p->n += !r;
	}
	/* What a kernel puts off until later is none of the messages'. */
	usleep(SETTLE_US);
	return r;
}

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *us)
{
	const struct bench_case *bc = &cases[k];
	struct place *p = &places[who];
	int r = crowd(c, p, bc->idle);

	if (!r)
		r = between_turn(p->pair, BODY, false, WARM_UP, us);
	if (!r)
		r = between_turn(p->pair, BODY, bc->one_way, o->count, us);
	return r;
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static void add_case(unsigned int idle, bool one_way)
{
	struct bench_case *bc = &cases[n_cases++];

	bc->idle = idle;
	bc->one_way = one_way;
	snprintf(bc->title, sizeof(bc->title), "%s, %u idle",
		 one_way ? "one way" : "round trip", idle);
	if (idle > most)
		most = idle;
}

static int bench(const struct bench_run *o, const unsigned int *numbers,
		 unsigned int n)
{
	struct bench_suite suite = {
		.name = "idle",
		.figures = { { "us", "us",
			       "microseconds a round trip, or a message, of 200 B" } },
		.n_figures = 1,
		.columns = 2,
		.title = title,
		.join = join,
		.turn = turn,
	};
	unsigned int i;

	/* In a round they only become more: nobody leaves. */
	for (i = 0; i < 2 * n; i++)
		add_case(numbers[i / 2], i % 2);
	suite.n_cases = n_cases;
	places = calloc(n_contestants, sizeof(*places));
	return places ? bench_suite(&suite, o) : 1;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --idle [OPTION...]\n"
	      "\n"
	      "Round trips, and messages one way, between two clients of each bus, beside\n"
	      "connections that do nothing.\n"
	      "\n"
	      "  --numbers=LIST      of idle connections (default 10,100,1000; each up to\n"
	      "                      10000)\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --count=N           messages a turn (default 10000)\n"
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,\n"
	      "                      broker-new,user,kernel,native\n"
	      "  --json=FILE         for machines, too\n"
	      "  --help\n", f);
}

int bench_idle(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "idle", no_argument, NULL, 'I' },
		{ "numbers", required_argument, NULL, 'p' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct bench_run o = { .rounds = 5, .count = 10000 };
	unsigned int numbers[MAX_NUMBERS] = { 10, 100, 1000 }, n = 3;
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c == 'p')
			r = bench_numbers(optarg, 1, MAX_IDLE, numbers,
					  MAX_NUMBERS, &n);
		else if (c != 'I')
			r = bench_run_option(c, &o, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench(&o, numbers, n);
}
