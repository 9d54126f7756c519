// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_GET_QLENFULL lists exactly the clients that are full. */
#include "native-test.h"

static int list(int fd, uint64_t *to, int room)
{
	socklen_t len = room * sizeof(*to);

	ok(getsockopt(fd, SOL_BUS, BUS_GET_QLENFULL, to, &len));
	is(len % sizeof(*to), 0);
	check(len <= room * sizeof(*to));
	return len / sizeof(*to);
}

static bool has(const uint64_t *l, int n, uint64_t addr)
{
	while (n)
		if (l[--n] == addr)
			return true;
	return false;
}

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct peer guest = nt_guest(bus);
	uint64_t l[8];
	struct got g;
	socklen_t len = sizeof(l);

	is(list(bus, l, 8), 0);
	is(list(a.end, l, 8), 0);
	refused(getsockopt(a.fd, SOL_BUS, BUS_GET_QLENFULL, l, &len), EPERM);
	nt_fill(a.fd, b.addr, "x");
	is(list(bus, l, 8), 1);
	is(l[0], b.addr);
	nt_fill(a.fd, c.addr, "x");
	while (send(guest.end, "x", 1, MSG_DONTWAIT) == 1)
		;
	say(a.fd, a.addr, "not full");
	/* Whoever may ask hears of all. */
	is(list(bus, l, 8), 3);
	check(has(l, 3, b.addr) && has(l, 3, c.addr) && has(l, 3, guest.addr));
	is(list(b.end, l, 8), 3);
	check(has(l, 3, b.addr) && has(l, 3, c.addr) && has(l, 3, guest.addr));
	/* As many as there is room for. */
	l[1] = l[2] = 1234;
	is(list(bus, l, 1), 1);
	is(l[1], 1234);
	is(list(bus, l, 2), 2);
	check(l[0] != l[1]);
	is(l[2], 1234);
	is(list(bus, l, 0), 0);
	/* Not any more. */
	ok(nt_take(b.fd, &g, 0));
	is(list(bus, l, 8), 2);
	check(!has(l, 2, b.addr));
	nt_close(&c);
	is(list(bus, l, 8), 1);
	is(l[0], guest.addr);
	nt_close(&guest);
	is(list(a.end, l, 8), 0);
	close(bus);
	return 0;
}
