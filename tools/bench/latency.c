// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --latency: round trips between two who come first wherever they
 * can say so, one after the other, while other pairs send as fast as they can.
 * What is theirs is SCHED_FIFO and SO_PRIORITY; a bus's process is as the bus
 * has made it.
 */
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOODS		8
#define BODY		200U
#define WARM_UP		50U
#define MAX_COUNT	100000U
#define SETTLE_US	100000
#define SO_PRIORITY_MAX	6	/* that anybody may have */

static const struct bench_case {
	const char *title;
	unsigned int floods;
} cases[] = {
	{ "alone", 0 },
	{ "8 pairs flood", FLOODS },
};

static struct bench_end (*pairs)[2];	/* of each contestant */
/* Of the latest turn, in order; seen by the caller's process. */
static double *samples;

struct floods {
	struct bench_end ends[FLOODS][2];
	pid_t pids[2 * FLOODS];
	unsigned int n;		/* processes */
};

/* ---- others ---- */

static _Noreturn void flood(const struct bench_end *pair)
{
	size_t len;
	uint8_t *msg = client_message(pair[1].name, CLIENT_ONE_WAY, BODY,
				      &len);

	while (msg && !client_write(pair[0].fd, msg, len))
		;
	_exit(1);
}

static _Noreturn void drain(const struct bench_end *pair)
{
	while (!client_read(pair[1].fd, 1000))
		;
	_exit(1);
}

static int floods_start(struct floods *f, struct contestant *c, unsigned int n)
{
	struct bench_end *pair;
	pid_t pid;
	int r = 0;

	fflush(NULL);
	for (f->n = 0; f->n < 2 * n && !r; f->n += !r) {
		pair = f->ends[f->n / 2];
		if (f->n % 2 == 0)
			r = contestant_pair(c, pair);
		pid = r ? -1 : fork();
		if (!pid) {
			alarm(BENCH_STUCK_S);
			f->n % 2 ? drain(pair) : flood(pair);
		}
		f->pids[f->n] = pid;
		if (pid < 0)
			r = r ? r : -errno;
	}
	return r;
}

/* Messages are cut short: these connections are of no more use. */
static void floods_stop(struct floods *f)
{
	unsigned int i;

	for (i = 0; i < f->n; i++)
		kill(f->pids[i], SIGKILL);
	for (i = 0; i < f->n; i++)
		waitpid(f->pids[i], NULL, 0);
	for (i = 0; i < 2 * FLOODS; i++)
		contestant_leave(&f->ends[i / 2][i % 2]);
}

/* ---- the two ---- */

static void come_first(int fd)
{
	const struct sched_param param = { .sched_priority = 1 };
	int prio = SO_PRIORITY_MAX;

	/* Who may not is measured as he is. */
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		setpriority(PRIO_PROCESS, 0, -20);
	setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &prio, sizeof(prio));
}

static int call(int fd, const uint8_t *msg, size_t len, double *us)
{
	double start = bench_now_us();
	int r = client_write(fd, msg, len);

	if (!r)
		r = client_read(fd, 1);
	*us = bench_now_us() - start;
	return r;
}

static _Noreturn void be_caller(struct bench_end *pair, unsigned int n)
{
	size_t len;
	uint8_t *msg = client_message(pair[1].name, CLIENT_CALL, BODY, &len);
	unsigned int i;
	double warm;
	int r = msg ? 0 : -ENOMEM;

	come_first(pair[0].fd);
	usleep(SETTLE_US);
	for (i = 0; i < WARM_UP && !r; i++)
		r = call(pair[0].fd, msg, len, &warm);
	for (i = 0; i < n && !r; i++)
		r = call(pair[0].fd, msg, len, &samples[i]);
	_exit(r != 0);
}

static _Noreturn void be_callee(struct bench_end *pair, unsigned int n)
{
	size_t len;
	uint8_t *msg = client_message(pair[0].name, CLIENT_REPLY, BODY, &len);
	int r = msg ? 0 : -ENOMEM;

	come_first(pair[1].fd);
	for (n += WARM_UP; n && !r; n--) {
		r = client_read(pair[1].fd, 1);
		if (!r)
			r = client_write(pair[1].fd, msg, len);
	}
	_exit(r != 0);
}

/* Both have ended well, or both are ended. */
static int wait_both(const pid_t pids[2])
{
	int i, status, r = 0;

	for (i = 0; i < 2; i++) {
		if (pids[i] <= 0)
			r = -EAGAIN;
		else if (waitpid(pids[i], &status, 0) < 0 || status)
			r = -EPIPE;
		if (r && pids[!i] > 0)
			kill(pids[!i], SIGKILL);
	}
	return r;
}

static int talk(struct bench_end *pair, unsigned int n)
{
	pid_t pids[2];
	int i;

	fflush(NULL);
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		alarm(BENCH_STUCK_S);
		if (i)
			be_callee(pair, n);
		be_caller(pair, n);
	}
	return wait_both(pids);
}

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *figures)
{
	unsigned int n = o->count < MAX_COUNT ? o->count : MAX_COUNT;
	struct floods f = { 0 };
	int r = floods_start(&f, c, cases[k].floods);

	if (!r)
		r = talk(pairs[who], n);
	floods_stop(&f);
	bench_sort(samples, n);
	figures[0] = samples[n / 2];
	figures[1] = samples[n * 99 / 100];
	figures[2] = samples[n - 1];
	return r;
}

/* ---- */

static int join(struct contestant *c, size_t who)
{
	/* A relay is for one pair. */
	if (!strcmp(c->name, "relay"))
		return -EOPNOTSUPP;
	return contestant_pair(c, pairs[who]);
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static int bench(const struct bench_run *o)
{
	static const struct bench_suite suite = {
		.name = "latency",
		.figures = {
			{ "p50", "us", "microseconds a round trip of 200 B, half take less" },
			{ "p99", "us", "microseconds a round trip of 200 B, 99 of 100 take less" },
			{ "max", "us", "microseconds a round trip of 200 B, the longest" },
		},
		.n_figures = 3,
		.n_cases = sizeof(cases) / sizeof(cases[0]),
		.title = title,
		.join = join,
		.turn = turn,
	};

	pairs = calloc(n_contestants, sizeof(*pairs));
	samples = mmap(NULL, MAX_COUNT * sizeof(*samples),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	return pairs && samples != MAP_FAILED ? bench_suite(&suite, o) : 1;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --latency [OPTION...]\n"
	      "\n"
	      "Round trips between two clients of each bus that come first wherever they can\n"
	      "say so (SCHED_FIFO if it is allowed, SO_PRIORITY), alone, and while 8 other\n"
	      "pairs send one way as fast as they can.\n"
	      "\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --count=N           round trips a turn (default 2000; up to 100000)\n"
	      "  --contestants=LIST  of direct,dbus-daemon,dbus-broker,broker-new,\n"
	      "                      user,kernel,native\n"
	      "  --json=FILE         for machines, too\n"
	      "  --help\n", f);
}

int bench_latency(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "latency", no_argument, NULL, 'L' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct bench_run o = { .rounds = 5, .count = 2000 };
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c != 'L')
			r = bench_run_option(c, &o, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench(&o);
}
