// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus bench --broadcast: one sender, and many who have a rule for what it
 * says; and the same beside many rules that others have for something else.
 *
 * One process is the sender and all receivers, so that nothing but the bus and
 * their system calls is measured: it writes a burst of signals, then reads them
 * at each subscriber. A burst fits into every queue.
 */
#include "tools/command.h"
#include "tools/bench/common.h"
#include "tools/bench/rounds.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_NUMBERS	8
#define MAX_CASES	(2 * MAX_NUMBERS)
#define MAX_SUBSCRIBERS	4096U
#define MAX_RULES	1000000U
#define BURST		16U
#define BODY		200U
#define STRANGERS	10U
/* Calls that are under way, so that nobody's queue overflows. */
#define AT_ONCE		50U

#define RULE "type='signal',interface='" CLIENT_INTERFACE "',member='" \
	CLIENT_MEMBER "',path='"

struct options {
	struct bench_run run;
	unsigned int subscribers[MAX_NUMBERS], n_subscribers;
	unsigned int rules[MAX_NUMBERS], n_rules;
};

static struct bench_case {
	unsigned int subscribers, rules;
	char title[48];
} cases[MAX_CASES];
static size_t n_cases;

static struct crowd {
	struct bench_end sender, *subscribers;
	struct bench_end strangers[STRANGERS];
	int *feeds;		/* without a bus: the subscribers' other ends */
	int relay;		/* the sender's */
} *crowds;			/* of each contestant */
static unsigned int crowd_size;

/* ---- who takes part ---- */

static int socket_pair(int *a, int *b)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	*a = sv[0];
	*b = sv[1];
	return bench_impatient(sv[0]) ?: bench_impatient(sv[1]);
}

static int connect_one(struct contestant *c, struct bench_end *e)
{
	return client_connect(e, c->address) ?: bench_impatient(e->fd);
}

static int crowd_on_bus(struct contestant *c, struct crowd *w)
{
	unsigned int i;
	int r;

	r = connect_one(c, &w->sender);
	for (i = 0; i < crowd_size && !r; i++)
		r = connect_one(c, &w->subscribers[i]);
	for (i = 0; i < STRANGERS && !r; i++)
		r = connect_one(c, &w->strangers[i]);
	return r;
}

static int crowd_of_pairs(struct crowd *w)
{
	unsigned int i;
	int r;

	w->feeds = calloc(crowd_size, sizeof(*w->feeds));
	r = w->feeds ? socket_pair(&w->sender.fd, &w->relay) : -ENOMEM;
	for (i = 0; i < crowd_size && !r; i++)
		r = socket_pair(&w->feeds[i], &w->subscribers[i].fd);
	return r;
}

static int join(struct contestant *c, size_t who)
{
	struct crowd *w = &crowds[who];

	w->subscribers = calloc(crowd_size, sizeof(*w->subscribers));
	if (!w->subscribers)
		return -ENOMEM;
	return contestant_is_bus(c) ? crowd_on_bus(c, w) : crowd_of_pairs(w);
}

/* ---- rules ---- */

/* All of them are answered. */
static int call_each(struct bench_end *e, unsigned int n, const char *member,
		     const char *arg)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = client_driver(e[i].fd, member, arg);
	for (i = 0; i < n && !r; i++)
		r = client_read(e[i].fd, 1);
	return r;
}

/* Rules @first to @last - 1 of one stranger; the last one first if they go,
 * which is the order that lists of rules are searched in. */
static int stranger_rules(int fd, bool on, unsigned int first,
			  unsigned int last)
{
	const char *member = on ? "AddMatch" : "RemoveMatch";
	unsigned int i, n, rule;
	char text[256];
	int r = 0;

	while (first < last && !r) {
		n = last - first < AT_ONCE ? last - first : AT_ONCE;
		for (i = 0; i < n && !r; i++) {
			rule = on ? first + i : last - 1 - i;
			snprintf(text, sizeof(text), RULE "/org/example/Other%u'",
				 rule);
			r = client_driver(fd, member, text);
		}
		if (!r)
			r = client_read(fd, n);
		if (on)
			first += n;
		else
			last -= n;
	}
	return r;
}

static int strangers(struct crowd *w, bool on, unsigned int rules)
{
	unsigned int i, each = (rules + STRANGERS - 1) / STRANGERS, last;
	int r = 0;

	for (i = 0; i < STRANGERS && !r; i++) {
		last = (i + 1) * each < rules ? (i + 1) * each : rules;
		r = stranger_rules(w->strangers[i].fd, on, i * each, last);
	}
	return r;
}

static int subscribe(struct crowd *w, const struct bench_case *c, bool on)
{
	int r = strangers(w, on, c->rules);

	return r ? r : call_each(w->subscribers, c->subscribers, on ?
				 "AddMatch" : "RemoveMatch",
				 RULE CLIENT_PATH "'");
}

/* ---- without a bus ---- */

/* What a bus does at the least: a copy for everybody. */
static int feed(const struct crowd *w, unsigned int n, const uint8_t *data,
		size_t len)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = client_write(w->feeds[i], data, len);
	return r;
}

static pid_t start_relay(const struct crowd *w, unsigned int n)
{
	static uint8_t buf[64 << 10];
	ssize_t len;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	/* The time-out is for receivers; this one is killed. */
	for (;;) {
		len = recv(w->relay, buf, sizeof(buf), 0);
		if (len < 0 && errno == EAGAIN)
			continue;
		if (len <= 0 || feed(w, n, buf, len) < 0)
			_exit(0);
	}
}

/* ---- measuring ---- */

struct turn {
	struct crowd *w;
	unsigned int n;		/* subscribers */
	bool fed;		/* by the sender itself */
	uint8_t *msg;
	size_t len;
};

static int burst(const struct turn *t)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < BURST && !r; i++)
		r = t->fed ? feed(t->w, t->n, t->msg, t->len) :
		    client_write(t->w->sender.fd, t->msg, t->len);
	for (i = 0; i < t->n && !r; i++)
		r = client_read(t->w->subscribers[i].fd, BURST);
	return r;
}

/* Microseconds a broadcast; negative: -errno. */
static double run(const struct turn *t, unsigned int bursts)
{
	double start;
	unsigned int i;
	int r = burst(t);

	start = bench_now_us();
	for (i = 0; i < bursts && !r; i++)
		r = burst(t);
	return r ? r : (bench_now_us() - start) / (bursts * BURST);
}

static double measure(struct contestant *c, struct crowd *w,
		      const struct bench_case *bc, unsigned int bursts)
{
	struct turn t = {
		.w = w,
		.n = bc->subscribers,
		.fed = !strcmp(c->name, "direct"),
	};
	bool bus = contestant_is_bus(c);
	pid_t pid = 0;
	double us;

	t.msg = client_message(NULL, CLIENT_SIGNAL, BODY, &t.len);
	us = t.msg ? 0 : -ENOMEM;
	if (!us && bus)
		us = subscribe(w, bc, true);
	if (!us && !bus && !t.fed)
		pid = start_relay(w, bc->subscribers);
	if (!us)
		us = run(&t, bursts);
	if (us >= 0 && bus && subscribe(w, bc, false) < 0)
		us = -EPIPE;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	free(t.msg);
	return us;
}

static int turn(struct contestant *c, size_t who, size_t k,
		const struct bench_run *o, double *us)
{
	const struct bench_case *bc = &cases[k];
	unsigned int bursts = o->count / bc->subscribers / BURST;

	*us = measure(c, &crowds[who], bc, bursts ? bursts : 1);
	return *us < 0 ? (int)*us : 0;
}

static const char *title(size_t k)
{
	return cases[k].title;
}

static int bench(const struct bench_run *o)
{
	const struct bench_suite suite = {
		.name = "broadcast",
		.figures = { { "us", "us",
			       "microseconds a broadcast of 200 B" } },
		.n_figures = 1,
		.n_cases = n_cases,
		.title = title,
		.join = join,
		.turn = turn,
	};

	crowds = calloc(n_contestants, sizeof(*crowds));
	return crowds ? bench_suite(&suite, o) : 1;
}

static void add_case(unsigned int subscribers, unsigned int rules)
{
	struct bench_case *c = &cases[n_cases++];

	c->subscribers = subscribers;
	c->rules = rules;
	snprintf(c->title, sizeof(c->title), rules ? "%u, %u rules" : "to %u",
		 subscribers, rules);
	if (subscribers > crowd_size)
		crowd_size = subscribers;
}

static void make_cases(const struct options *o)
{
	unsigned int i;

	for (i = 0; i < o->n_subscribers; i++)
		add_case(o->subscribers[i], 0);
	for (i = 0; i < o->n_rules; i++)
		add_case(o->subscribers[0], o->rules[i]);
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --broadcast [OPTION...]\n"
	      "\n"
	      "Starts every bus that is here, and measures signals from one sender to many\n"
	      "subscribers, side by side with a write for each on direct socket pairs, and a\n"
	      "process that only copies. All of them stay connected all the time; others\n"
	      "have rules for the same signal of other objects, in the last cases.\n"
	      "\n"
	      "  --subscribers=LIST  how many (default 1,10,100,1000; each up to 4096)\n"
	      "  --rules=LIST        of others, beside the first number of subscribers\n"
	      "                      (default 100,10000)\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --count=N           messages received a turn, by all (default 4000)\n"
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,\n"
	      "                      broker-new,user,kernel,native\n"
	      "  --json=FILE         for machines, too\n"
	      "  --help\n", f);
}

static int parse_option(int c, struct options *o)
{
	switch (c) {
	case 'B': return 0;
	case 's': return bench_numbers(optarg, 1, MAX_SUBSCRIBERS,
				       o->subscribers, MAX_NUMBERS,
				       &o->n_subscribers);
	case 'm': return bench_numbers(optarg, 1, MAX_RULES, o->rules,
				       MAX_NUMBERS, &o->n_rules);
	default: return bench_run_option(c, &o->run, usage);
	}
}

int bench_broadcast(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "broadcast", no_argument, NULL, 'B' },
		{ "subscribers", required_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'm' },
		BENCH_RUN_OPTIONS,
		{ 0 },
	};
	struct options o = {
		.run = { .rounds = 5, .count = 4000 },
		.subscribers = { 1, 10, 100, 1000 }, .n_subscribers = 4,
		.rules = { 100, 10000 }, .n_rules = 2,
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	r = r ? r : bench_run_arguments(argc, argv);
	if (r)
		return r;
	make_cases(&o);
	return bench(&o.run);
}
