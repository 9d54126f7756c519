// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who holds the bus's socket is its master, and nobody else: not another
 * socket of the same process, not a client, not root. A descriptor that was
 * handed on is the same socket.
 */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_bus name_of(int bus)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	check(!getsockname(bus, (struct sockaddr *)&sa, &len));
	return sa;
}

static int attach(int bus, int fd)
{
	struct bus_attach at = { .fd = fd };
	socklen_t len = sizeof(at);

	return getsockopt(bus, SOL_BUS, BUS_ATTACH, &at, &len);
}

/* All that only a master may; @want is what it gives. */
static void may_not(int fd, uint64_t addr, int want)
{
	struct bus_limits l = { .stall_ms = 1 };
	struct bus_port_stats st = { .addr = addr };
	socklen_t len = sizeof(st);
	int sv[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	check(test_update(fd, BUS_REC_NAME, addr, 0, "not.Yours") == -want);
	check(test_update(fd, BUS_REC_CLOSE, addr, 0, NULL) == -want);
	check_err(attach(fd, sv[0]), want);
	check_err(setsockopt(fd, SOL_BUS, BUS_LIMITS, &l, sizeof(l)), want);
	check_err(getsockopt(fd, SOL_BUS, BUS_PORT_STATS, &st, &len), want);
	close(sv[0]);
	close(sv[1]);
}

static void another_socket(int bus, const struct client *c)
{
	struct sockaddr_bus sa = name_of(bus);
	int other = test_socket(BUS_PROTO_DBUS);

	check(other >= 0);
	check_err(bind(other, (struct sockaddr *)&sa, sizeof(sa)), EADDRINUSE);
	/* Its master has not called listen(). */
	check_err(connect(other, (struct sockaddr *)&sa, sizeof(sa)),
		  ECONNREFUSED);
	may_not(other, c->addr, ENOTCONN);
	close(other);
}

static void handed_on(int bus, const struct client *c)
{
	int status;
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		if (!getuid())
			check(!setgid(65534) && !setuid(65534));
		test_name(bus, "handed.On", c->addr);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && !status);
	check(test_stats(bus).names == 1);
}

int main(void)
{
	int bus = test_bus();
	struct client c = test_client(bus, 0);

	another_socket(bus, &c);
	/* Its socket is one of AF_UNIX, which knows none of these. */
	may_not(c.fd, c.addr, EOPNOTSUPP);
	check(test_stats(bus).names == 0);
	handed_on(bus, &c);
	return 0;
}
