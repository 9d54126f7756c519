// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a bus, and the kernel, use: processor time, context switches, memory. */
#include "tools/bench/bench.h"
#include "tools/bench/common.h"

#include <glob.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_US 300000

static double switches_of(pid_t pid)
{
	unsigned long n, sum = 0;
	char path[32], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %lu", &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return sum;
}

struct bench_cost contestant_cost(const struct contestant *c)
{
	struct bench_cost cost = { 0 };
	struct timespec ts;
	clockid_t clock;

	if (c->pid <= 0)
		return cost;
	if (!clock_getcpuclockid(c->pid, &clock) && !clock_gettime(clock, &ts))
		cost.cpu_us = ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
	cost.switches = switches_of(c->pid);
	return cost;
}

/* The number behind @key, which begins a line of @path; KiB in bytes. */
static double kib(const char *path, const char *key)
{
	size_t n = strlen(key);
	double ret = NAN;
	unsigned long v;
	char line[256];
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && sscanf(line + n, " %lu", &v) == 1)
			ret = v * 1024.0;
	if (f)
		fclose(f);
	return ret;
}

double contestant_memory(const struct contestant *c)
{
	char path[32];

	if (c->pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)c->pid);
	return kib(path, "RssAnon:");
}

/* Pages that are free, but kept by a processor. */
static double kept_by_processors(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	unsigned long n, sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lu", &n) == 1)
			sum += n;
	if (f)
		fclose(f);
	return (double)sum * sysconf(_SC_PAGESIZE);
}

void bench_kernel_settle(void)
{
	glob_t caches = { 0 };
	size_t i;
	FILE *f;

	if (bench_where() == BENCH_HOST)
		return;
	/* What RCU holds has time to go. */
	usleep(SETTLE_US);
	if (!glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches))
		for (i = 0; i < caches.gl_pathc; i++) {
			f = fopen(caches.gl_pathv[i], "we");
			if (!f)
				continue;
			fputs("1\n", f);
			fclose(f);
		}
	globfree(&caches);
}

double bench_kernel_memory(void)
{
	static const char *const others[] = {
		"MemFree:", "Buffers:", "Cached:", "AnonPages:",
	};
	double sum = kib("/proc/meminfo", "MemTotal:");
	size_t i;

	if (bench_where() == BENCH_HOST)
		return NAN;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		sum -= kib("/proc/meminfo", others[i]);
	return sum - kept_by_processors();
}
