// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/bench/common.h"
#include "tools/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MANY_FILES 32768

double bench_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

int bench_many_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return -errno;
	rl.rlim_cur = rl.rlim_max;
	/* More than is usual is root's to have. */
	if (rl.rlim_max < MANY_FILES)
		rl.rlim_cur = rl.rlim_max = MANY_FILES;
	if (!setrlimit(RLIMIT_NOFILE, &rl))
		return 0;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &rl) ? -errno : 0;
}

enum bench_where bench_where(void)
{
	FILE *f = fopen("/proc/cmdline", "re");
	char line[4096] = "";

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = 0;
		fclose(f);
	}
	return strstr(line, " afbus.icount") ? BENCH_VM_ICOUNT :
	       strstr(line, " afbus.vm") ? BENCH_VM : BENCH_HOST;
}

bool bench_chosen(const char *list, const char *name)
{
	const char *s = list;
	size_t n = strlen(name);

	if (!s)
		return true;
	for (; s; s = strchr(s, ',')) {
		s += *s == ',';
		if (!strncmp(s, name, n) && (!s[n] || s[n] == ','))
			return true;
	}
	return false;
}

int bench_number(const char *text, unsigned int lo, unsigned int hi,
		 unsigned int *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (!*text || *end || v < lo || v > hi) {
		fprintf(stderr, "afbus bench: '%s' is not a number from %u to %u\n",
			text, lo, hi);
		return EXIT_USAGE;
	}
	*ret = v;
	return 0;
}

int bench_numbers(char *list, unsigned int lo, unsigned int hi,
		  unsigned int *ret, unsigned int max, unsigned int *n)
{
	char *save, *s;
	int r = 0;

	*n = 0;
	for (s = strtok_r(list, ",", &save); s && !r;
	     s = strtok_r(NULL, ",", &save)) {
		if (*n == max) {
			fprintf(stderr, "afbus bench: more than %u numbers\n",
				max);
			return EXIT_USAGE;
		}
		r = bench_number(s, lo, hi, &ret[(*n)++]);
	}
	return r ? r : *n ? 0 : bench_number("", lo, hi, ret);
}
