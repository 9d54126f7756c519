// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --connections and --queued: how long a connection takes to set up,
 * and the memory of one that does nothing and of a message that waits; the
 * daemon's own, and the kernel's.
 *
 * Every turn has a bus that has just started: memory that is free again stays
 * with a process, and hides what comes later.
 */
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BODY		200U
/* What a bus allocates once, it has by then. */
#define WARM_UP		20U
/* Messages that a socket of AF_UNIX has room for. */
#define MAX_QUEUED	100U

struct memory {
	double bus, kernel;
};

static struct bench_end *ends;	/* the turn's */

static struct memory memory_of(const struct contestant *c)
{
	return (struct memory){ contestant_memory(c), bench_kernel_memory() };
}

static int join(struct contestant *c, size_t who)
{
	(void)who;
	return strcmp(c->name, "relay") ? 0 : -EOPNOTSUPP;
}

static int restart(struct contestant *c)
{
	contestant_stop(c);
	bench_kernel_settle();
	return contestant_start(c);
}

static int connect_all(struct contestant *c, unsigned int first,
		       unsigned int last)
{
	unsigned int i;
	int r = 0;

	for (i = first; i < last && !r; i++)
		r = contestant_client(c, &ends[i]);
	return r;
}

static void leave_all(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		contestant_leave(&ends[i]);
}

/* A turn of @n connections on a new bus. */
static int on_new_bus(struct contestant *c, unsigned int n, double *figures,
		      int (*measure)(struct contestant *c, unsigned int n,
				     double *figures))
{
	int r = restart(c);

	ends = calloc(n, sizeof(*ends));
	if (!r && !ends)
		r = -ENOMEM;
	if (!r)
		r = measure(c, n, figures);
	if (ends)
		leave_all(n);
	free(ends);
	ends = NULL;
	return r;
}

/* ---- connections ---- */

static int connecting(struct contestant *c, unsigned int n, double *figures)
{
	int r = connect_all(c, 0, WARM_UP);
	struct memory before = memory_of(c), after;
	double start = bench_now_us();

	if (!r)
		r = connect_all(c, WARM_UP, n);
	figures[0] = (bench_now_us() - start) / (n - WARM_UP);
	after = memory_of(c);
	figures[1] = (after.bus - before.bus) / (n - WARM_UP);
	figures[2] = (after.kernel - before.kernel) / (n - WARM_UP);
	return r;
}

static int turn_connections(struct contestant *c, size_t who, size_t k,
			    const struct bench_run *o, double *figures)
{
	(void)who;
	(void)k;
	return on_new_bus(c, WARM_UP + o->count, figures, connecting);
}

static const char *title_connections(size_t k)
{
	(void)k;
	return "a connection";
}

/* ---- messages that wait ---- */

static unsigned int each;	/* receiver */

static int send_to(struct bench_end *from, const char *to, unsigned int n)
{
	unsigned int i;
	uint8_t *msg;
	size_t len;
	int r = 0;

	msg = client_message(to, CLIENT_ONE_WAY, BODY, &len);
	for (i = 0; i < n && msg && !r; i++)
		r = client_write(from->fd, msg, len);
	free(msg);
	return msg ? r : -ENOMEM;
}

/* Nobody reads; the bus has seen all of them when it answers the sender. */
static int fill(struct contestant *c, unsigned int n, unsigned int messages)
{
	bool bus = contestant_is_bus(c);
	struct bench_end feed = { 0 };
	unsigned int i;
	int r = 0;

	for (i = 1; i < n && !r; i++) {
		feed.fd = ends[i].peer;
		r = send_to(bus ? &ends[0] : &feed, ends[i].name, messages);
	}
	if (!r && bus)
		r = client_driver(ends[0].fd, "GetId", NULL);
	return r || !bus ? r : client_read(ends[0].fd, 1);
}

static int queueing(struct contestant *c, unsigned int n, double *figures)
{
	double all = (double)(n - 1) * each;
	struct memory before, after;
	int r = connect_all(c, 0, n);

	if (!r)
		r = fill(c, n, 1);
	before = memory_of(c);
	if (!r)
		r = fill(c, n, each);
	after = memory_of(c);
	figures[0] = (after.bus - before.bus) / all;
	figures[1] = (after.kernel - before.kernel) / all;
	return r;
}

static int turn_queued(struct contestant *c, size_t who, size_t k,
		       const struct bench_run *o, double *figures)
{
	unsigned int receivers = (o->count + MAX_QUEUED - 1) / MAX_QUEUED;

	(void)who;
	(void)k;
	each = o->count / receivers;
	return on_new_bus(c, receivers + 1, figures, queueing);
}

static const char *title_queued(size_t k)
{
	(void)k;
	return "a message of 200 B";
}

/* ---- */

static const struct bench_suite connections = {
	.name = "connections",
	.figures = {
		{ "us", "us", "microseconds to connect" },
		{ "bus_bytes", "B", "bytes of the bus's process, an idle connection" },
		{ "kernel_bytes", "B", "bytes of the kernel, both ends of an idle connection" },
	},
	.n_figures = 3,
	.n_cases = 1,
	.title = title_connections,
	.join = join,
	.turn = turn_connections,
};

static const struct bench_suite queued = {
	.name = "queued",
	.figures = {
		{ "bus_bytes", "B", "bytes of the bus's process, a message that waits" },
		{ "kernel_bytes", "B", "bytes of the kernel, a message that waits" },
	},
	.n_figures = 2,
	.n_cases = 1,
	.title = title_queued,
	.join = join,
	.turn = turn_queued,
};

#define USAGE_END							\
	"  --rounds=N          rounds (default 3; 1 to 101)\n"		\
	"  --contestants=LIST  of direct,dbus-daemon,dbus-broker,broker-new,\n" \
	"                      user,kernel,native\n"			\
	"  --json=FILE         for machines, too\n"			\
	"  --help\n"

static void usage_connections(FILE *f)
{
	fputs("usage: afbus bench --connections [OPTION...]\n"
	      "\n"
	      "How long it takes to connect to each bus, one client after the other, and the\n"
	      "memory of a connection that does nothing: of the bus's process, and of the\n"
	      "kernel (in the VM only, where nobody else uses it).\n"
	      "\n"
	      "  --count=N           connections (default 1000)\n"
	      USAGE_END, f);
}

static void usage_queued(FILE *f)
{
	fputs("usage: afbus bench --queued [OPTION...]\n"
	      "\n"
	      "The memory of messages of 200 bytes that wait for receivers who do not read,\n"
	      "up to 100 for each: of the bus's process, and of the kernel (in the VM only,\n"
	      "where nobody else uses it).\n"
	      "\n"
	      "  --count=N           messages (default 20000)\n"
	      USAGE_END, f);
}

static int bench(int argc, char **argv, const struct bench_suite *suite,
		 unsigned int count, void (*usage)(FILE *f))
{
	static const struct option longs[] = {
		{ "connections", no_argument, NULL, 'S' },
		{ "queued", no_argument, NULL, 'S' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct bench_run o = { .rounds = 3, .count = count };
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c != 'S')
			r = bench_run_option(c, &o, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : bench_suite(suite, &o);
}

int bench_connections(int argc, char **argv)
{
	return bench(argc, argv, &connections, 1000, usage_connections);
}

int bench_queued(int argc, char **argv)
{
	return bench(argc, argv, &queued, 20000, usage_queued);
}
