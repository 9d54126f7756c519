/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contestants take turns in rounds; medians, as a table or for machines. */
#ifndef AFBUS_TOOLS_BENCH_ROUNDS_H
#define AFBUS_TOOLS_BENCH_ROUNDS_H

#include "tools/bench/bench.h"
#include "tools/bench/results.h"

#define BENCH_MAX_FIGURES 4

/* The options that all benchmarks of contestants have. */
struct bench_run {
	unsigned int rounds, count;
	const char *only;	/* which contestants; NULL: all */
	const char *json;	/* the file; NULL: none */
};

#define BENCH_RUN_COMMON						\
	{ "rounds", required_argument, NULL, 'r' },			\
	{ "contestants", required_argument, NULL, 'c' },		\
	{ "json", required_argument, NULL, 'j' },			\
	{ "help", no_argument, NULL, 'h' }

#define BENCH_RUN_OPTIONS						\
	{ "count", required_argument, NULL, 'n' },			\
	BENCH_RUN_COMMON

/* One of them, as getopt_long() has found it: 0, or EXIT_USAGE; 'h' ends. */
int bench_run_option(int c, struct bench_run *o, void (*usage)(FILE *f));
/* There are no other arguments. */
int bench_run_arguments(int argc, char **argv);

/* @who counts contestants, @k cases. Functions return 0 or -errno. */
struct bench_suite {
	const char *name;
	struct bench_figure figures[BENCH_MAX_FIGURES];
	size_t n_figures, n_cases;
	size_t columns;		/* of a table; 0: all cases */
	const char *(*title)(size_t k);
	/* It has started: connect to it. */
	int (*join)(struct contestant *c, size_t who);
	/* What it does not set among @figures, or to NAN, is not known. */
	int (*turn)(struct contestant *c, size_t who, size_t k,
		    const struct bench_run *o, double *figures);
};

/* Exit status: 1 when there is nothing to measure, or one has failed. */
int bench_suite(const struct bench_suite *s, const struct bench_run *o);

#endif
