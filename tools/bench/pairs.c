// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --pairs: many pairs talk at the same time over one bus, each end a
 * process of its own. Beside the time a message takes, all pairs together, what
 * it costs: processor time and context switches of all clients and of the bus's
 * process. What the kernel does in its own threads is nobody's.
 */
#include "tools/command.h"
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_NUMBERS	8
#define MAX_PAIRS	512U
#define BODY		200U

struct options {
	struct bench_run run;
	unsigned int pairs[MAX_NUMBERS], n_pairs;
};

static struct bench_case {
	unsigned int pairs;
	bool one_way;
	char title[32];
} cases[2 * MAX_NUMBERS];
static size_t n_cases;

static struct bench_end (**ends)[2];	/* of each contestant and pair */
static unsigned int most_pairs;

struct cost {
	double cpu_us;
	double switches;
	double end;		/* bench_now_us() */
};

/* ---- one end ---- */

/* Of a turn, known to all its processes. */
struct turn {
	const struct bench_case *bc;
	struct bench_end (*ends)[2];
	unsigned int n;		/* messages, or round trips, a pair */
	int gate[2];		/* opens when all of them are there */
	struct cost *costs;	/* of each process, seen by all of them */
};

static struct cost cost_so_far(void)
{
	struct cost cost = { 0 };
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	cost.cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
		      u.ru_utime.tv_usec + u.ru_stime.tv_usec;
	cost.switches = u.ru_nvcsw + u.ru_nivcsw;
	return cost;
}

static int talk(const struct turn *t, const struct bench_end *e, bool caller,
		const uint8_t *msg, size_t len)
{
	unsigned int i;
	int r = 0;

	if (t->bc->one_way && !caller)
		return client_read(e->fd, t->n);
	for (i = 0; i < t->n && !r; i++) {
		if (!caller)
			r = client_read(e->fd, 1);
		if (!r)
			r = client_write(e->fd, msg, len);
		if (!r && caller && !t->bc->one_way)
			r = client_read(e->fd, 1);
	}
	return r;
}

static _Noreturn void be(const struct turn *t, unsigned int pair, bool caller)
{
	const struct bench_end *e = &t->ends[pair][!caller];
	const char *to = t->ends[pair][caller].name;
	struct cost *cost = &t->costs[2 * pair + caller], before;
	uint8_t *msg, c;
	size_t len;
	int r;

	close(t->gate[1]);
	alarm(BENCH_STUCK_S);
	msg = client_message(to, !caller ? CLIENT_REPLY : t->bc->one_way ?
			     CLIENT_ONE_WAY : CLIENT_CALL, BODY, &len);
	/* Nobody writes: it ends when the gate opens. */
	if (!msg || read(t->gate[0], &c, 1))
		_exit(1);
	before = cost_so_far();
	r = talk(t, e, caller, msg, len);
	*cost = cost_so_far();
	cost->cpu_us -= before.cpu_us;
	cost->switches -= before.switches;
	cost->end = bench_now_us();
	_exit(r != 0);
}

/* ---- a turn ---- */

/* Those that were started, as far as it went. */
static unsigned int start_ends(const struct turn *t, pid_t *pids)
{
	unsigned int i;

	fflush(NULL);
	for (i = 0; i < 2 * t->bc->pairs; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			break;
		if (!pids[i])
			be(t, i / 2, i % 2);
	}
	return i;
}

static int wait_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -EPIPE : 0;
}

/* From the moment the gate opens; what it took to start and to exit is not
 * counted. */
static int run(struct turn *t, const struct contestant *c, struct cost *cost)
{
	pid_t pids[2 * MAX_PAIRS];
	struct bench_cost before, after;
	unsigned int i, n;
	double start;
	int r = 0, err;

	if (pipe(t->gate) < 0)
		return -errno;
	n = start_ends(t, pids);
	if (n < 2 * t->bc->pairs)
		r = -EAGAIN;
	for (i = 0; r && i < n; i++)
		kill(pids[i], SIGKILL);
	before = contestant_cost(c);
	start = bench_now_us();
	close(t->gate[0]);
	close(t->gate[1]);
	for (i = 0; i < n; i++) {
		err = wait_end(pids[i]);
		r = r ? r : err;
	}
	after = contestant_cost(c);
	cost->cpu_us = after.cpu_us - before.cpu_us;
	cost->switches = after.switches - before.switches;
	for (i = 0; i < n; i++) {
		cost->cpu_us += t->costs[i].cpu_us;
		cost->switches += t->costs[i].switches;
		if (t->costs[i].end - start > cost->end)
			cost->end = t->costs[i].end - start;
	}
	return r;
}

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *figures)
{
	const struct bench_case *bc = &cases[k];
	struct turn t = { .bc = bc, .ends = ends[who] };
	size_t size = 2 * MAX_PAIRS * sizeof(*t.costs);
	struct cost cost = { 0 };
	double all;
	int r;

	t.n = o->count / bc->pairs;
	t.n = t.n < 10 ? 10 : t.n;
	t.costs = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.costs == MAP_FAILED)
		return -errno;
	r = run(&t, c, &cost);
	munmap(t.costs, size);
	all = (double)t.n * bc->pairs;
	figures[0] = cost.end / all;
	figures[1] = cost.cpu_us / all;
	figures[2] = cost.switches / all;
	return r;
}

/* ---- */

static int join(struct contestant *c, size_t who)
{
	unsigned int i;
	int r = 0;

	/* A relay is for one pair. */
	if (!strcmp(c->name, "relay"))
		return -EOPNOTSUPP;
	ends[who] = calloc(most_pairs, sizeof(*ends[who]));
	if (!ends[who])
		return -ENOMEM;
	for (i = 0; i < most_pairs && !r; i++)
		r = contestant_pair(c, ends[who][i]);
	return r;
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static void add_case(unsigned int pairs, bool one_way)
{
	struct bench_case *bc = &cases[n_cases++];

	bc->pairs = pairs;
	bc->one_way = one_way;
	snprintf(bc->title, sizeof(bc->title), "%s, %u",
		 one_way ? "one way" : "round trip", pairs);
	if (pairs > most_pairs)
		most_pairs = pairs;
}

static int bench(const struct options *o)
{
	struct bench_suite suite = {
		.name = "pairs",
		.figures = {
			{ "us", "us", "microseconds of a message of 200 B, all pairs together" },
			{ "cpu_us", "us", "microseconds of processor time a message, clients and bus" },
			{ "switches", "switches", "context switches a message, clients and bus" },
		},
		.n_figures = 3,
		.title = title,
		.join = join,
		.turn = turn,
	};
	unsigned int i;

	for (i = 0; i < 2 * o->n_pairs; i++)
		add_case(o->pairs[i % o->n_pairs], i >= o->n_pairs);
	suite.n_cases = n_cases;
	ends = calloc(n_contestants, sizeof(*ends));
	return ends ? bench_suite(&suite, &o->run) : 1;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --pairs [OPTION...]\n"
	      "\n"
	      "Starts every bus that is here; many pairs of clients, each a process of its\n"
	      "own, call each other, or send one way, at the same time. Says how long a\n"
	      "message takes, all pairs together, and what it costs.\n"
	      "\n"
	      "  --numbers=LIST      of pairs (default 1,8,64; each up to 512)\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --count=N           messages a turn, by all pairs (default 8000)\n"
	      "  --contestants=LIST  of direct,dbus-daemon,dbus-broker,broker-new,\n"
	      "                      user,kernel,native\n"
	      "  --json=FILE         for machines, too\n"
	      "  --help\n", f);
}

int bench_pairs(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pairs", no_argument, NULL, 'P' },
		{ "numbers", required_argument, NULL, 'p' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct options o = {
		.run = { .rounds = 5, .count = 8000 },
		.pairs = { 1, 8, 64 }, .n_pairs = 3,
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c == 'p')
			r = bench_numbers(optarg, 1, MAX_PAIRS, o.pairs,
					  MAX_NUMBERS, &o.n_pairs);
		else if (c != 'P')
			r = bench_run_option(c, &o.run, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench(&o);
}
