// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who may take a bus over: nobody while there is a master; then whoever has the
 * uid of the last one, or power over his user namespace; nobody else. And what
 * the options refuse.
 */
#include "bus-test.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What another process gets for the name. */
static int bind_as(const struct sockaddr_bus *sa, uid_t uid, int unshared,
		   int proto)
{
	int status, fd, err;
	pid_t pid = fork();

	check(pid >= 0);
	if (pid) {
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		return WEXITSTATUS(status);
	}
	if ((uid && setresuid(uid, uid, uid)) || unshare(unshared))
		_exit(200);
	fd = test_socket(proto);
	err = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? errno : 0;
	/* The bus has another master's time then. */
	_exit(err);
}

static struct sockaddr_bus orphan(const char *path, uint32_t ms)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };
	int bus;

	strcpy(sa.sbus_path, path);
	bus = path[0] ? test_bind(&sa) : test_bus();
	check(bus >= 0);
	sa = test_persist(bus, ms);
	check(bind_as(&sa, 0, 0, BUS_PROTO_DBUS) == EADDRINUSE);
	check(bind_as(&sa, 1234, 0, BUS_PROTO_DBUS) == EADDRINUSE);
	close(bus);
	return sa;
}

static void others(const char *path)
{
	struct sockaddr_bus sa = orphan(path, 3600000);
	struct sockaddr_bus owned;
	int bus;

	if (path[0])
		check(!chmod(path, 0777));
	check(bind_as(&sa, 1234, 0, BUS_PROTO_DBUS) == EPERM);
	/* Who is root in a namespace of his own has no power over ours. */
	check(bind_as(&sa, 1234, CLONE_NEWUSER, BUS_PROTO_DBUS) == EPERM);
	check(bind_as(&sa, 0, 0, BUS_PROTO_NONE) == EPROTOTYPE);
	if (path[0])
		check(bind_as(&sa, 0, CLONE_NEWNET, BUS_PROTO_DBUS) == EPERM);
	/* Of the same uid, without any power. */
	bus = test_take_over(&sa);
	check(!seteuid(1234));
	close(bus);
	check(bind_as(&sa, 0, 0, BUS_PROTO_DBUS) == EPERM);
	check(!seteuid(0));
	/* Root's power; and then it is root's. */
	bus = test_take_over(&sa);
	close(bus);
	check(bind_as(&sa, 1234, 0, BUS_PROTO_DBUS) == EPERM);
	bus = test_take_over(&sa);
	owned = test_persist(bus, 0);
	check(!memcmp(&owned, &sa, sizeof(sa)));
	close(bus);
}

/* Who made a bus as another may have it back without any power. */
static void own_uid(void)
{
	struct sockaddr_bus sa;
	int bus;

	check(!seteuid(1234));
	bus = test_bus();
	sa = test_persist(bus, 3600000);
	close(bus);
	bus = test_take_over(&sa);
	close(bus);
	check(!seteuid(0) && !seteuid(4321));
	check(test_bind(&sa) < 0 && errno == EPERM);
	check(!seteuid(0));
	bus = test_take_over(&sa);
	test_persist(bus, 0);
	close(bus);
}

/* A file in the place of the bus's is another one. */
static void other_file(const char *path)
{
	struct sockaddr_bus sa = orphan(path, 3600000);
	char aside[64], link[64];
	struct sockaddr_bus by_link = sa;
	int bus;

	snprintf(aside, sizeof(aside), "%s-aside", path);
	snprintf(link, sizeof(link), "%s-link", path);
	check(!symlink(path, link));
	strcpy(by_link.sbus_path, link);
	check(test_bind(&by_link) < 0 && errno == EADDRINUSE);
	check(!rename(path, aside) && !mknod(path, S_IFSOCK | 0777, 0));
	check(test_bind(&sa) < 0 && errno == EADDRINUSE);
	check(!unlink(path) && !rename(aside, path));
	bus = test_take_over(&sa);
	test_persist(bus, 0);
	close(bus);
	check(!unlink(link) && !unlink(path));
}

static void options(void)
{
	uint32_t ms = 3600001, none = 5;
	socklen_t len = sizeof(none);
	struct bus_outage o;
	int bus = test_bus(), plain = socket(AF_BUS, SOCK_DGRAM, 0);
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };

	check(plain >= 0);
	check(!getsockopt(bus, SOL_BUS, BUS_PERSIST, &none, &len) && !none);
	check_err(setsockopt(plain, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)),
		  ENOTCONN);
	strcpy(sa.sbus_path + 1, "persist-plain");
	check(!bind(plain, (struct sockaddr *)&sa, sizeof(sa)));
	ms = 1000;
	check_err(setsockopt(plain, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)),
		  EOPNOTSUPP);
	check_err(setsockopt(plain, SOL_BUS, BUS_TAKEOVER, NULL, 0),
		  EOPNOTSUPP);
	ms = 3600001;
	check_err(setsockopt(bus, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)),
		  EINVAL);
	check_err(setsockopt(bus, SOL_BUS, BUS_PERSIST, &ms, 3), EINVAL);
	check_err(setsockopt(bus, SOL_BUS, BUS_PERSIST, (void *)8, 4), EFAULT);
	check_err(setsockopt(bus, SOL_BUS, BUS_TAKEOVER, &ms, 4), EINVAL);
	len = sizeof(o) - 1;
	check_err(getsockopt(bus, SOL_BUS, BUS_TAKEOVER, &o, &len), EINVAL);
	close(bus);
	close(plain);
}

int main(void)
{
	char path[] = "/tmp/persist-XXXXXX";

	options();
	if (getuid())
		return TEST_SKIP;
	check(!close(mkstemp(path)) && !unlink(path));
	others("");
	others(path);
	check(!unlink(path));
	own_uid();
	other_file(path);
	return 0;
}
