/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the benchmarks share: numbers, medians, options. */
#ifndef AFBUS_TOOLS_BENCH_COMMON_H
#define AFBUS_TOOLS_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_MAX_ROUNDS 101
/* A case that takes longer has lost a message. */
#define BENCH_STUCK_S 120

struct bench_result {
	double us[BENCH_MAX_ROUNDS];
	unsigned int n;
};

double bench_now_us(void);
/* As many descriptors as may be, for this process and its children. 0 or
 * -errno. */
int bench_many_files(void);
/* Sorts; 0 without a result. */
double bench_median(struct bench_result *r);
/* "  12.3 ( 1.5x)": @us and how many times @base; "-" for no result. */
void bench_cell(double us, double base);
/* Whether @name is in the comma-separated @list; NULL: everything is. */
bool bench_chosen(const char *list, const char *name);
/* 0, or EXIT_USAGE with a word on stderr. */
int bench_number(const char *text, unsigned int lo, unsigned int hi,
		 unsigned int *ret);

/* A list of numbers with commas between them, at most @max; the same. */
int bench_numbers(char *list, unsigned int lo, unsigned int hi,
		  unsigned int *ret, unsigned int max, unsigned int *n);

/* afbus bench --native, --pairs, --broadcast */
int bench_native(int argc, char **argv);
int bench_pairs(int argc, char **argv);
int bench_broadcast(int argc, char **argv);

#endif
