// SPDX-License-Identifier: LGPL-2.1-or-later
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUGFS "/sys/kernel/debug/"
#define LOG "/tmp/faults-output"
/* A child that takes longer hangs; the slowest pass in a tenth of it. */
#define CHILD_SECONDS 120
/* Runs in a row without a fault until it is believed that none is left: what
 * grows a slab now and then makes their number differ. */
#define CALM 3

static char **kinds;
static int n_kinds;
static unsigned int runs, struck, bad;

/* ---- files of the kernel ---- */

static void put(const char *path, const char *fmt, ...)
{
	char buf[64];
	va_list ap;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, buf, n) != n) {
		fprintf(stderr, "%s: cannot write %s: %s\n", path, buf,
			strerror(errno));
		exit(1);
	}
	close(fd);
}

static long get(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, buf, sizeof(buf) - 1) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	close(fd);
	return strtol(buf, NULL, 0);
}

static const char *knob(int kind, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kinds[kind], name);
	return path;
}

static void set_times(long times)
{
	int i;

	for (i = 0; i < n_kinds; i++)
		put(knob(i, "times"), "%ld", times);
}

static bool has_struck(long times)
{
	int i;

	for (i = 0; i < n_kinds; i++)
		if (get(knob(i, "times")) != times)
			return true;
	return false;
}

/* Nothing may use the modules once the child has gone and workers have run. */
static bool idle(void)
{
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (!get("/sys/module/af_bus_dbus/refcnt"))
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- runs ---- */

static void show_log(void)
{
	char line[512];
	FILE *f = fopen(LOG, "r");

	while (f && fgets(line, sizeof(line), f))
		printf("    %s", line);
	if (f)
		fclose(f);
}

static void judge(const char *what, int status, bool faults)
{
	bool fine = WIFEXITED(status) &&
		    (!WEXITSTATUS(status) ||
		     (faults && WEXITSTATUS(status) == FAULTS_TOLD));

	if (!fine && WIFEXITED(status))
		printf("%s: exit status %d\n", what, WEXITSTATUS(status));
	else if (!fine)
		printf("%s: killed by signal %d\n", what, WTERMSIG(status));
	if (!fine)
		show_log();
	if (!idle()) {
		fine = false;
		printf("%s: the modules are still in use\n", what);
	}
	bad += !fine;
	fflush(stdout);
}

/* @nth: for the task itself; 0: what else has been set, if @faults. */
static void run(const char *what, unsigned int nth, bool faults,
		void (*scenario)(void))
{
	int status, fd;
	pid_t pid;

	put("/dev/kmsg", "afbus: fault %s", what);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		/* exit() puts the offset of stdin, which is ours too, back to
		 * what it has not read: we would read that again, for ever. */
		fd = open("/dev/null", O_RDONLY);
		dup2(fd, 0);
		fd = open(LOG, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		alarm(CHILD_SECONDS);
		if (nth)
			put("/proc/thread-self/fail-nth", "%u", nth);
		scenario();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	runs++;
	judge(what, status, faults);
}

static void one_by_one(void (*scenario)(void))
{
	unsigned int n, calm = 0;
	char what[32];

	for (n = 1; calm < CALM; n++) {
		set_times(1);
		snprintf(what, sizeof(what), "number %u", n);
		run(what, n, true, scenario);
		if (has_struck(1)) {
			struck++;
			calm = 0;
		} else {
			calm++;
		}
	}
}

static void at(unsigned long addr, long interval, long times, const char *name,
	       void (*scenario)(void))
{
	char what[256];
	int i;

	for (i = 0; i < n_kinds; i++) {
		put(knob(i, "require-start"), "%#lx", addr);
		put(knob(i, "require-end"), "%#lx", addr + 1);
		put(knob(i, "interval"), "%ld", interval);
		put(knob(i, "probability"), "100");
	}
	set_times(times);
	snprintf(what, sizeof(what), "%s, every %ld., %ld times", name,
		 interval, times);
	run(what, 0, true, scenario);
	for (i = 0; i < n_kinds; i++)
		put(knob(i, "probability"), "0");
	if (has_struck(times)) {
		struck++;
	} else if (interval == 1) {
		bad++;
		printf("%s: was not reached\n", what);
	}
}

/* How many steps may fail. */
static void count(void (*scenario)(void))
{
	const long many = 1000000;
	int status;

	if (!fork()) {
		put("/proc/thread-self/fail-nth", "%ld", many);
		scenario();
		printf("%ld\n", many - get("/proc/thread-self/fail-nth"));
		exit(0);
	}
	wait(&status);
	exit(status != 0);
}

int faults_main(int argc, char **argv, void (*scenario)(void))
{
	unsigned long addr;
	long interval, times;
	char name[128];

	if (argc == 1) {
		scenario();
		return 0;
	}
	kinds = argv + 2;
	n_kinds = argc - 2;
	if (argc == 2 && !strcmp(argv[1], "count"))
		count(scenario);
	if (n_kinds && !strcmp(argv[1], "nth")) {
		one_by_one(scenario);
	} else if (n_kinds && !strcmp(argv[1], "at")) {
		while (scanf("%lx %ld %ld %127s", &addr, &interval, &times,
			     name) == 4)
			at(addr, interval, times, name, scenario);
	} else {
		fprintf(stderr, "usage: %s [count | nth KIND... | at KIND...]\n",
			argv[0]);
		return 2;
	}
	run("afterwards, without faults", 0, false, scenario);
	printf("%u runs, %u with a fault, %u went wrong\n", runs, struck, bad);
	return bad || !struck;
}
