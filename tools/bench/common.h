/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the benchmarks share: time, numbers, options. */
#ifndef AFBUS_TOOLS_BENCH_COMMON_H
#define AFBUS_TOOLS_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>

/* A case that takes longer has lost a message. */
#define BENCH_STUCK_S 120

double bench_now_us(void);
/* As many descriptors as may be, for this process and its children. 0 or
 * -errno. */
int bench_many_files(void);
/* Where we are, as vm/run tells on the kernel's command line. With ICOUNT time
 * counts instructions: a nanosecond is one. */
enum bench_where { BENCH_HOST, BENCH_VM, BENCH_VM_ICOUNT };
enum bench_where bench_where(void);
/* Whether @name is in the comma-separated @list; NULL: everything is. */
bool bench_chosen(const char *list, const char *name);
/* 0, or EXIT_USAGE with a word on stderr. */
int bench_number(const char *text, unsigned int lo, unsigned int hi,
		 unsigned int *ret);

/* A list of numbers with commas between them, at most @max; the same. */
int bench_numbers(char *list, unsigned int lo, unsigned int hi,
		  unsigned int *ret, unsigned int max, unsigned int *n);

/* afbus bench --all, --broadcast, ...: what belongs to each */
int bench_all(int argc, char **argv);
int bench_between(int argc, char **argv);
int bench_broadcast(int argc, char **argv);
int bench_connections(int argc, char **argv);
int bench_idle(int argc, char **argv);
int bench_latency(int argc, char **argv);
int bench_native(int argc, char **argv);
int bench_pairs(int argc, char **argv);
int bench_queued(int argc, char **argv);

#endif
