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
#include "tools/bench/bench.h"
#include "tools/bench/common.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CONTESTANTS	6
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
	unsigned int rounds, count;
	unsigned int subscribers[MAX_NUMBERS], n_subscribers;
	unsigned int rules[MAX_NUMBERS], n_rules;
	const char *only;
	bool json;
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
} crowds[N_CONTESTANTS];
static unsigned int crowd_size;

static struct bench_result results[N_CONTESTANTS][MAX_CASES];

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

static int join(struct contestant *c, struct bench_end *e)
{
	return client_connect(e, c->address) ?: bench_impatient(e->fd);
}

static int crowd_on_bus(struct contestant *c, struct crowd *w)
{
	unsigned int i;
	int r;

	r = join(c, &w->sender);
	for (i = 0; i < crowd_size && !r; i++)
		r = join(c, &w->subscribers[i]);
	for (i = 0; i < STRANGERS && !r; i++)
		r = join(c, &w->strangers[i]);
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

static int crowd_init(struct contestant *c, struct crowd *w)
{
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

static double turn(struct contestant *c, struct crowd *w,
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

static void measure(size_t who, size_t what, const struct options *o)
{
	struct contestant *c = &contestants[who];
	const struct bench_case *bc = &cases[what];
	struct bench_result *res = &results[who][what];
	unsigned int bursts = o->count / bc->subscribers / BURST;
	double us = turn(c, &crowds[who], bc, bursts ? bursts : 1);

	if (us >= 0) {
		res->us[res->n++] = us;
		return;
	}
	snprintf(c->why, sizeof(c->why), "%s: %s", bc->title,
		 strerror((int)-us));
	contestant_stop(c);
}

/* ---- output ---- */

static void table(const struct options *o)
{
	size_t i, k;

	printf("microseconds a broadcast of %u B, median of %u interleaved rounds (times direct pairs)\n",
	       BODY, o->rounds);
	printf("%-22s", "");
	for (k = 0; k < n_cases; k++)
		printf(" %18s", cases[k].title);
	putchar('\n');
	for (i = 0; i < n_contestants; i++) {
		printf("%-22s", contestants[i].title);
		for (k = 0; k < n_cases; k++)
			bench_cell(bench_median(&results[i][k]),
				   bench_median(&results[0][k]));
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
		for (k = 0; k < n_cases; k++)
			printf("%s\"%s\":%.2f", k ? "," : "", cases[k].title,
			       bench_median(&results[i][k]));
		putchar('}');
	}
	puts("}}");
}

/* ---- */

static void start(size_t i, const struct options *o)
{
	struct contestant *c = &contestants[i];
	int r;

	if (!bench_chosen(o->only, c->name)) {
		snprintf(c->why, sizeof(c->why), "not asked for");
		return;
	}
	if (contestant_start(c))
		return;
	r = crowd_init(c, &crowds[i]);
	if (!r)
		return;
	snprintf(c->why, sizeof(c->why), "%s", strerror(-r));
	contestant_stop(c);
}

static int start_all(const struct options *o)
{
	struct rlimit rl;
	size_t i;
	int n = 0;

	/* The buses inherit it. */
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	for (i = 0; i < n_contestants; i++) {
		start(i, o);
		n += contestants[i].on;
	}
	return n;
}

static void round_of_all(const struct options *o)
{
	size_t i, k;

	for (k = 0; k < n_cases; k++)
		for (i = 0; i < n_contestants; i++)
			if (contestants[i].on)
				measure(i, k, o);
}

static int bench(const struct options *o)
{
	bool complete = true;
	unsigned int r;
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
	      "  --contestants=LIST  of direct,relay,dbus-daemon,dbus-broker,user,kernel\n"
	      "  --json              for machines\n"
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
	case 'r': return bench_number(optarg, 1, BENCH_MAX_ROUNDS, &o->rounds);
	case 'n': return bench_number(optarg, 1, 10000000, &o->count);
	case 'c': o->only = optarg; return 0;
	case 'j': o->json = true; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int bench_broadcast(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "broadcast", no_argument, NULL, 'B' },
		{ "subscribers", required_argument, NULL, 's' },
		{ "rules", required_argument, NULL, 'm' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'n' },
		{ "contestants", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = {
		.rounds = 5, .count = 4000,
		.subscribers = { 1, 10, 100, 1000 }, .n_subscribers = 4,
		.rules = { 100, 10000 }, .n_rules = 2,
	};
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	if (!r && optind < argc) {
		fprintf(stderr, "afbus bench: unexpected argument '%s'\n",
			argv[optind]);
		r = EXIT_USAGE;
	}
	if (r)
		return r;
	make_cases(&o);
	return bench(&o);
}
