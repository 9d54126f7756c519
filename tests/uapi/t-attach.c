// SPDX-License-Identifier: LGPL-2.1-or-later
/* What can be adopted, and what cannot. */
#include "bus-test.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static int attach(int bus, int fd, uint32_t flags)
{
	struct bus_attach at = { .fd = fd, .flags = flags };
	socklen_t len = sizeof(at);

	return getsockopt(bus, SOL_BUS, BUS_ATTACH, &at, &len);
}

int main(void)
{
	int bus = test_bus(), sv[2], dg[2], p[2], un, in, other = test_bus();
	struct client a, b;

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	check(!socketpair(AF_UNIX, SOCK_DGRAM, 0, dg));
	check(!pipe(p));
	un = socket(AF_UNIX, SOCK_STREAM, 0);
	in = socket(AF_INET, SOCK_STREAM, 0);
	check_err(attach(bus, -1, 0), EBADF);
	check_err(attach(bus, p[0], 0), ENOTSOCK);
	check_err(attach(bus, dg[0], 0), EPROTOTYPE);
	check_err(attach(bus, in, 0), EPROTOTYPE);
	check_err(attach(bus, bus, 0), EPROTOTYPE);
	check_err(attach(bus, un, 0), ENOTCONN);
	check_err(attach(bus, sv[0], 0x80), EINVAL);
	check(!attach(bus, sv[0], 0));
	check_err(attach(bus, sv[0], 0), EBUSY);
	check_err(attach(other, sv[0], 0), EBUSY);
	/* Both ends adopted would call each other without end. */
	check_err(attach(bus, sv[1], 0), ELOOP);
	close(sv[0]);
	/* The port keeps the connection. */
	check(send(sv[1], "x", 1, MSG_NOSIGNAL) == 1);
	/* Numbers are not used again. */
	a = test_client(bus, 0);
	check(!test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL));
	check(test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL) == -ENOENT);
	b = test_client(bus, 0);
	check(b.addr > a.addr);
	/* A dead peer can be adopted, and its end is told. */
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(sv[1]);
	check(!attach(bus, sv[0], 0));
	check(!test_update(bus, BUS_REC_RESUME, b.addr + 1, 0, NULL));
	test_expect_closed(bus, b.addr + 1, BUS_REASON_HANGUP);
	return 0;
}
