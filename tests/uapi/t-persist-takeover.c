// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bus lives on without its master: peers call and signal each other, what is
 * for the master waits, and who binds the name has it all as it was. However the
 * master goes: closed, or killed; a name in the file system, or an abstract one.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

/* The only one who has the bus's socket is another process, which is killed. */
static void killed(int bus)
{
	siginfo_t si;
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		pause();
		_exit(1);
	}
	close(bus);
	check(!kill(pid, SIGKILL));
	check(!waitid(P_PID, pid, &si, WEXITED));
}

static void peers(struct client *a, struct client *b, uint32_t serial)
{
	test_call(a, b->name, serial, 100);
	expect(b, serial);
	test_call(b, "a.b", serial, 5000);
	expect(a, serial);
	test_signal(a, serial, "S", 10);
	expect(b, serial);
}

static void expect_call(int bus, uint64_t from, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.info.addr == from &&
	      m.h.f.serial == serial && !(m.info.flags & BUS_INFO_AGAIN));
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from, 0, NULL));
}

static int round_of(int bus, struct client *a, struct client *b,
		    const struct sockaddr_bus *sa, uint32_t serial, bool kill)
{
	struct bus_limits l;
	socklen_t len = sizeof(l);

	if (kill)
		killed(bus);
	else
		close(bus);
	peers(a, b, serial);
	/* One message each waits; what was written behind it does, too. */
	test_call(a, DBUS_DRIVER_NAME, serial + 1, 10);
	test_call(a, b->name, serial + 2, 10);
	test_call(b, "no.body", serial + 3, 10);
	test_silence(b->fd, 20);
	bus = test_take_over(sa);
	check(test_outage(bus).waiting == 2);
	check(!getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len) &&
	      l.stall_ms == 4321);
	expect_call(bus, a->addr, serial + 1);
	expect(b, serial + 2);
	expect_call(bus, b->addr, serial + 3);
	peers(a, b, serial + 4);
	return bus;
}

static void rounds(int bus, struct client *a, struct client *b)
{
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct bus_limits l = { .stall_ms = 4321 };
	int i;

	test_limits(bus, &l);
	for (i = 0; i < 6; i++)
		bus = round_of(bus, a, b, &sa, 100 * (i + 1), i % 2);
	check(test_outage(bus).takeovers == 6);
	check(test_outage(bus).last_us > 20000);
	/* It may be given up, too: then it ends with its master, at once. */
	test_persist(bus, 0);
	close(bus);
	check(recv(a->fd, &i, 1, 0) == 0);
}

static int bus_at(const char *path)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };
	int fd;

	strcpy(sa.sbus_path, path);
	fd = test_bind(&sa);
	check(fd >= 0);
	return fd;
}

static void all(int bus)
{
	struct client a = test_client(bus, 0), b = test_client(bus, 0);

	test_name(bus, "a.b", a.addr);
	test_match(bus, &b, 1, "type='signal'");
	rounds(bus, &a, &b);
	close(a.fd);
	close(b.fd);
}

int main(void)
{
	char path[] = "/tmp/persist-XXXXXX";

	all(test_bus());
	check(!close(mkstemp(path)) && !unlink(path));
	all(bus_at(path));
	check(!unlink(path));
	return 0;
}
