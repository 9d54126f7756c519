// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A native client of D-Bus in namespaces of its own: the master is told who it
 * is outside, it is told of nobody it cannot see, who else looks is told in his
 * own terms; and an abstract name is its network namespace's.
 */
#include "bus-test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define OUTSIDE 4711		/* what uids 0 to 9 within are outside, from on */

static int bus;

static struct ucred peercred(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	check(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len));
	return c;
}

static pid_t start(void (*run)(int), int arg)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		return pid;
	check(!prctl(PR_SET_PDEATHSIG, SIGKILL));
	run(arg);
	_exit(0);
}

static void expect_good(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid);
	check(!status);
}

static void write_map(pid_t pid, const char *name)
{
	char path[64], map[64];
	int fd, n = snprintf(map, sizeof(map), "0 %d 10", OUTSIDE);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY);
	check(fd >= 0 && write(fd, map, (size_t)n) == n);
	close(fd);
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	check(f && fscanf(f, "%*d %*s %*c %d", &parent) == 1);
	fclose(f);
	return parent;
}

/* ---- within ---- */

/* Process 1 there, and user 0. */
static void innermost(int until)
{
	struct ucred c;
	char byte;
	int fd;

	check(getpid() == 1 && !getuid());
	fd = test_connect(bus);
	c = peercred(fd);
	check(!c.pid && c.uid == NOBODY && c.gid == NOBODY);
	check(!read(until, &byte, 1));
}

static void within(int until)
{
	check(!unshare(CLONE_NEWUSER));
	/* Whoever is outside writes the maps. */
	check(!kill(getpid(), SIGSTOP));
	check(!setresgid(0, 0, 0) && !setresuid(0, 0, 0));
	check(!unshare(CLONE_NEWPID));
	expect_good(start(innermost, until));
}

/* ---- outside ---- */

static void look_from_elsewhere(int card)
{
	struct ucred c;

	check(!unshare(CLONE_NEWUSER));
	c = peercred(card);
	check(c.pid > 1 && c.uid == NOBODY && c.gid == NOBODY);
}

static void client_within(void)
{
	int until[2], status, card;
	struct ucred c;
	pid_t pid;

	check(!pipe2(until, O_CLOEXEC));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		check(!prctl(PR_SET_PDEATHSIG, SIGKILL));
		close(until[1]);
		within(until[0]);
		_exit(0);
	}
	close(until[0]);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	check(!kill(pid, SIGCONT));
	card = accept(bus, NULL, NULL);
	check(card >= 0);
	c = peercred(card);
	check(c.pid > 1 && parent_of(c.pid) == pid);
	check(c.uid == OUTSIDE && c.gid == OUTSIDE);
	expect_good(start(look_from_elsewhere, card));
	close(card);
	close(until[1]);
	expect_good(pid);
}

static void other_network(int arg)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int fd;

	check(!getsockname(bus, (struct sockaddr *)&sa, &len));
	check(!unshare(CLONE_NEWNET));
	fd = test_socket(BUS_PROTO_DBUS);
	check(fd >= 0);
	check_err(connect(fd, (struct sockaddr *)&sa, len), ECONNREFUSED);
	/* Free here, and no successor's. */
	check(!bind(fd, (struct sockaddr *)&sa, len));
}

int main(void)
{
	if (getuid())
		return TEST_SKIP;
	bus = test_bus();
	client_within();
	expect_good(start(other_network, 0));
	close(bus);
	return 0;
}
