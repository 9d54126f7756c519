// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus bench: round trips and floods of messages between two. */
#include "tools/bench/between.h"
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_NUMBERS	8
#define MAX_BODY	(1U << 20)
#define LEAST		4U

struct work {
	struct bench_end *pair;
	uint8_t *call, *reply;
	size_t call_len, reply_len;
	unsigned int n;
};

static struct bench_case {
	char title[32];
	size_t body;
	bool one_way;
} cases[2 * MAX_NUMBERS];
static size_t n_cases;

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

int between_turn(struct bench_end pair[2], size_t body, bool one_way,
		 unsigned int n, double *us)
{
	struct work w = { .pair = pair, .n = n };

	w.call = client_message(pair[1].name, one_way ? CLIENT_ONE_WAY :
				CLIENT_CALL, body, &w.call_len);
	w.reply = client_message(pair[0].name, CLIENT_REPLY, body,
				 &w.reply_len);
	*us = w.call && w.reply ? run(&w, one_way) : -ENOMEM;
	free(w.call);
	free(w.reply);
	return *us < 0 ? (int)*us : 0;
}

/* Long ones are fewer. */
static unsigned int messages(const struct bench_run *o, size_t body)
{
	unsigned int n = o->count / (body > 1024 ? 1 + (body + 8191) / 8192 : 1);

	return n < LEAST ? LEAST : n;
}

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *us)
{
	const struct bench_case *bc = &cases[k];

	(void)c;
	return between_turn(pairs[who], bc->body, bc->one_way,
			    messages(o, bc->body), us);
}

static int join(struct contestant *c, size_t who)
{
	return contestant_pair(c, pairs[who]);
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static void add_case(unsigned int body, bool one_way)
{
	struct bench_case *bc = &cases[n_cases++];
	unsigned int shift = body && !(body & 0xfffff) ? 20 :
			     body && !(body & 0x3ff) ? 10 : 0;

	bc->body = body;
	bc->one_way = one_way;
	snprintf(bc->title, sizeof(bc->title), "%s %u %s",
		 one_way ? "one way" : "round trip", body >> shift,
		 shift == 20 ? "MiB" : shift ? "KiB" : "B");
}

static int bench(const struct bench_run *o, const unsigned int *sizes,
		 unsigned int n)
{
	struct bench_suite suite = {
		.name = "between",
		.figures = { { "us", "us",
			       "microseconds a round trip, or a message" } },
		.n_figures = 1,
		.title = title,
		.join = join,
		.turn = turn,
	};
	unsigned int i;
	int r;

	for (i = 0; i < n; i++) {
		add_case(sizes[i], false);
		add_case(sizes[i], true);
	}
	suite.n_cases = n_cases;
	suite.columns = 4;
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
	      "  --sizes=LIST        bytes of a body (default 200,8192; each up to 1048576)\n"
	      "  --rounds=N          rounds (default 9; 1 to 101)\n"
	      "  --count=N           small messages a round and case (default 4000)\n"
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,\n"
	      "                      broker-new,user,kernel,native\n"
	      "  --json=FILE         for machines, too; - is the standard output\n"
	      "  --help\n"
	      "\n"
	      "Something else instead, each has its --help:\n"
	      "  --all               everything below, and all sizes, in one document\n"
	      "  --broadcast         signals to many\n"
	      "  --pairs             many pairs at once\n"
	      "  --idle              between two, beside many who do nothing\n"
	      "  --connections       how long a connection takes, and its memory\n"
	      "  --queued            memory of messages that wait\n"
	      "  --latency           between two who have priority, beside floods\n"
	      "  --native            native buses, beside AF_UNIX and TIPC\n", f);
}

int bench_between(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "sizes", required_argument, NULL, 's' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct bench_run o = { .rounds = 9, .count = 4000 };
	unsigned int sizes[MAX_NUMBERS] = { 200, 8192 }, n = 2;
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c == 's')
			r = bench_numbers(optarg, 0, MAX_BODY, sizes,
					  MAX_NUMBERS, &n);
		else
			r = bench_run_option(c, &o, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench(&o, sizes, n);
}
