// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_ADD_ADDR and BUS_DEL_ADDR: what is refused, when it takes effect, when
 * an address is free again. */
#include "native-test.h"

static void limit(int bus)
{
	struct peer p = nt_peer(bus), q = nt_peer(bus);
	int i;

	for (i = 0; i < BUS_MAX_ADDRS; i++)
		if (nt_add(p.end, PREFIX(1 + i % 5) | (i + 1000)))
			break;
	/* Its own address may count. */
	check(i == BUS_MAX_ADDRS || i == BUS_MAX_ADDRS - 1);
	refused(nt_add(p.end, PREFIX(6)), E2BIG);
	ok(nt_add(q.end, PREFIX(6)));
	ok(nt_del(p.end, PREFIX(1) | 1000));
	ok(nt_add(p.end, PREFIX(6) | 1));
	say(q.fd, PREFIX(2) | 1001, "one of many");
	heard(p.fd, q.addr, "one of many");
	say(q.fd, GROUP(2), "a copy");
	heard(p.fd, q.addr, "a copy");
	silent(p.fd);
	nt_close(&p);
	/* All free again. */
	ok(nt_add(q.end, PREFIX(2) | 1001));
	nt_close(&q);
}

int main(void)
{
	int bus = nt_bus(), other = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(other);
	const uint64_t x = PREFIX(5) | 77, y = PREFIX(0xffff) | 1;

	refused(nt_add(a.end, 77), EINVAL);
	refused(nt_add(a.end, 0), EINVAL);
	refused(nt_add(a.end, a.addr), EINVAL);
	refused(nt_add(a.end, GROUP(5)), EINVAL);
	refused(nt_add(a.end, EVERYBODY), EINVAL);
	refused(nt_del(a.end, x), EADDRNOTAVAIL);
	check(nt_del(a.end, a.addr) == -1);
	say(b.fd, a.addr, "still mine");
	heard(a.fd, b.addr, "still mine");

	ok(nt_add(a.end, x));
	refused(nt_add(a.end, x), EADDRINUSE);
	refused(nt_add(b.end, x), EADDRINUSE);
	refused(nt_del(b.end, x), EADDRNOTAVAIL);
	/* Each bus has its own. */
	ok(nt_add(c.end, x));
	ok(nt_add(b.end, y));
	ok(nt_add(b.end, PREFIX(5) | 78));
	ok(nt_add(b.end, PREFIX(5)));
	say(a.fd, y, "y");
	heard(b.fd, a.addr, "y");
	say(a.fd, PREFIX(5), "zero of five");
	heard(b.fd, a.addr, "zero of five");

	/* What was sent to it stays with who had it. */
	say(b.fd, x, "before");
	ok(nt_del(a.end, x));
	refused(nt_del(a.end, x), EADDRNOTAVAIL);
	ok(nt_add(b.end, x));
	say(b.fd, x, "after");
	heard(a.fd, b.addr, "before");
	heard(b.fd, b.addr, "after");
	silent(a.fd);
	/* A client's end frees what it had. */
	nt_close(&b);
	ok(nt_add(a.end, x));
	say(a.fd, x, "again");
	heard(a.fd, a.addr, "again");
	limit(other);
	close(bus);
	close(other);
	return 0;
}
