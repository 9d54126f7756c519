// SPDX-License-Identifier: LGPL-2.1-or-later
/* Both ends and accept() tell the same address; it is never used again. */
#include "native-test.h"

#include <fcntl.h>

static void all_tell(int bus)
{
	struct sockaddr_bus own, peer, from, master = nt_getsockname(bus);
	socklen_t len;
	int fd = nt_connect(bus), end;

	/* Known before anybody accepts. */
	own = nt_getsockname(fd);
	memset(&from, 0xff, sizeof(from));
	len = sizeof(from);
	end = ok(accept4(bus, NT_SA(&from), &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	is(len, sizeof(from));
	check(fcntl(end, F_GETFL) & O_NONBLOCK);
	check(fcntl(end, F_GETFD) & FD_CLOEXEC);
	memset(&peer, 0xff, sizeof(peer));
	len = sizeof(peer);
	ok(getpeername(end, NT_SA(&peer), &len));
	is(len, sizeof(peer));
	check(!memcmp(&own, &from, sizeof(own)));
	check(!memcmp(&own, &peer, sizeof(own)));
	is(own.sbus_family, AF_BUS);
	check(own.sbus_addr.s_addr != BUS_MASTER_ADDR);
	is(own.sbus_addr.s_addr & BUS_PREFIX_MASK, 0);
	check(own.sbus_addr.s_addr != EVERYBODY);
	check(!memcmp(own.sbus_path, master.sbus_path, BUS_PATH_MAX));
	/* The other side is the master. */
	len = sizeof(peer);
	ok(getpeername(fd, NT_SA(&peer), &len));
	check(!memcmp(&peer, &master, sizeof(peer)));
	own = nt_getsockname(end);
	check(!memcmp(&own, &master, sizeof(own)));
	len = sizeof(peer);
	refused(getpeername(bus, NT_SA(&peer), &len), ENOTCONN);
	close(fd);
	close(end);
}

static void unique(int bus, int other)
{
	uint64_t seen[300];
	struct peer p, q;
	int i, j;

	for (i = 0; i < 300; i++) {
		p = nt_guest(bus);
		if (i % 3 == 0)
			ok(nt_join(p.end));
		seen[i] = p.addr;
		for (j = 0; j < i; j++)
			check(seen[j] != p.addr);
		nt_close(&p);
	}
	/* Refused ones use none up for others: a bus counts by itself. */
	p = nt_guest(other);
	q = nt_guest(other);
	check(p.addr != q.addr);
	nt_close(&p);
	nt_close(&q);
}

int main(void)
{
	int bus = nt_bus(), other = nt_bus();

	all_tell(bus);
	unique(bus, other);
	close(bus);
	close(other);
	return 0;
}
