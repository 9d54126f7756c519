// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_STATS of a native bus counts what was moved. */
#include "native-test.h"

static struct bus_stats stats(int bus)
{
	struct bus_stats st;
	socklen_t len = sizeof(st);

	ok(getsockopt(bus, SOL_BUS, BUS_STATS, &st, &len));
	is(len, sizeof(st));
	return st;
}

int main(void)
{
	int bus = nt_bus(), i;
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct bus_stats was = stats(bus), now;
	struct bus_limits l = { .stall_ms = 200 };
	struct peer d;

	is(was.ports, 3);
	is(was.unicast_msgs, 0);
	for (i = 0; i < 3; i++)
		say(a.fd, b.addr, "hello");
	say(a.fd, EVERYBODY, "all");
	say(a.fd, GROUP(5), "nobody");
	say(a.fd, b.addr + 1000, "unknown");
	tell(b.end, "from above");
	now = stats(bus);
	is(now.unicast_msgs, 3);
	is(now.unicast_bytes, 15);
	is(now.broadcast_msgs, 2);
	is(now.broadcast_copies, 3);
	is(now.master_unknown, 1);
	is(now.from_master, 1);
	is(now.evicted, 0);
	check(now.seq >= was.seq + 7);
	/* Refused ones count nowhere but here. */
	nt_fill(a.fd, b.addr, "x");
	was = stats(bus);
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	refused(try_say(a.fd, EVERYBODY, "x"), EAGAIN);
	now = stats(bus);
	is(now.unicast_msgs, was.unicast_msgs);
	is(now.broadcast_msgs, was.broadcast_msgs);
	is(now.broadcast_copies, was.broadcast_copies);
	d = nt_peer(bus);
	is(stats(bus).ports, 4);
	nt_close(&c);
	is(stats(bus).ports, 3);
	nt_set_limits(bus, l);
	nt_drain(b.fd);
	nt_fill(a.fd, d.addr, "x");
	told_closed(&d, BUS_REASON_STALLED);
	is(stats(bus).evicted, 1);
	close(bus);
	return 0;
}
