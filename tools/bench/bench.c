// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus bench: which of them, and all of them. */
#include "tools/command.h"
#include "tools/bench/common.h"
#include "tools/bench/results.h"
#include "tools/bench/rounds.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGUMENTS 8
/* Of effort. Less is to see that it works. */
#define ENOUGH 5

static const struct part {
	const char *option;	/* NULL: what comes without */
	int (*run)(int argc, char **argv);
	/* of --all: */
	unsigned int count;	/* with --effort=100 */
	unsigned int rounds;	/* at most, as a turn takes long; 0: any */
	const char *more;
	bool pages;		/* memory comes in pages: few are too few */
} parts[] = {
	{ NULL, bench_between, 4000, 0,
	  "--sizes=64,200,4096,8192,65536,1048576" },
	{ "--pairs", bench_pairs, 8000, 0 },
	{ "--broadcast", bench_broadcast, 4000, 0 },
	{ "--idle", bench_idle, 2000, 5 },
	{ "--connections", bench_connections, 1000, 3, NULL, true },
	{ "--queued", bench_queued, 20000, 3, NULL, true },
	{ "--latency", bench_latency, 2000, 0 },
	{ "--native", bench_native, 4000, 0 },
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

struct options {
	struct bench_run run;
	unsigned int effort;
};

static int run_part(const struct part *p, const struct options *o)
{
	unsigned int rounds = o->run.rounds, effort = o->effort, count;
	char r[32], n[32], only[256], more[64];
	char *argv[MAX_ARGUMENTS] = { "bench", r, n };
	int argc = 3;

	if (p->pages && effort >= ENOUGH)
		effort = 100;
	count = p->count * effort / 100;
	if (p->rounds && rounds > p->rounds)
		rounds = p->rounds;
	snprintf(r, sizeof(r), "--rounds=%u", rounds);
	snprintf(n, sizeof(n), "--count=%u", count < 10 ? 10 : count);
	if (o->run.only) {
		snprintf(only, sizeof(only), "--contestants=%s", o->run.only);
		argv[argc++] = only;
	}
	if (p->option)
		argv[argc++] = (char *)p->option;
	if (p->more) {
		/* What is parsed is cut up. */
		snprintf(more, sizeof(more), "%s", p->more);
		argv[argc++] = more;
	}
	optind = 0;
	return p->run(argc, argv);
}

/* In a process of its own, which takes all of its sockets along. */
static int child(const struct part *p, const struct options *o)
{
	int status, r;
	pid_t pid;

	bench_document_flush();
	fflush(NULL);
	pid = fork();
	if (!pid) {
		r = run_part(p, o);
		bench_document_flush();
		fflush(NULL);
		_exit(r);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("afbus bench");
		return 1;
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "afbus bench: %s: %s\n",
			p->option ? p->option : "between two",
			strsignal(WTERMSIG(status)));
	return status;
}

static int run_all(const struct options *o)
{
	int bad = 0;
	size_t i;

	if (o->run.json && bench_document_open(o->run.json))
		return 1;
	for (i = 0; i < N_PARTS; i++) {
		if (!o->run.json || strcmp(o->run.json, "-"))
			fputs(i ? "\n" : "", stdout);
		bad |= child(&parts[i], o);
	}
	if (o->run.json)
		bad |= bench_document_close();
	return bad != 0;
}

static void usage(FILE *f)
{
	fputs("usage: afbus bench --all [OPTION...]\n"
	      "\n"
	      "Measures everything: between two with bodies of 64 bytes to 1 MiB, many pairs,\n"
	      "signals to many, idle connections, setting up connections, memory, latency\n"
	      "under load, native buses.\n"
	      "\n"
	      "  --rounds=N          rounds (default 5; 1 to 101)\n"
	      "  --effort=PERCENT    of the usual number of messages (default 100)\n"
	      "  --contestants=LIST  as of the parts: direct,relay,dbus-daemon,dbus-broker,\n"
	      "                      broker-new,user,kernel,native and unix,tipc,bus,open,unicast\n"
	      "  --json=FILE         for machines, too; - is the standard output\n"
	      "  --help\n", f);
}

int bench_all(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'A' },
		{ "effort", required_argument, NULL, 'e' },
		BENCH_RUN_COMMON,
		{ 0 },
	};
	struct options o = { .run = { .rounds = 5 }, .effort = 100 };
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		if (c == 'e')
			r = bench_number(optarg, 1, 10000, &o.effort);
		else if (c != 'A')
			r = bench_run_option(c, &o.run, usage);
	r = r ? r : bench_run_arguments(argc, argv);
	return r ? r : run_all(&o);
}

int cmd_bench(int argc, char **argv)
{
	size_t k;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			return bench_all(argc, argv);
		for (k = 1; k < N_PARTS; k++)
			if (!strcmp(argv[i], parts[k].option))
				return parts[k].run(argc, argv);
	}
	return bench_between(argc, argv);
}
