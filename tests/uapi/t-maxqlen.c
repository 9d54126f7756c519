// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_SET_MAXQLEN: full is who has more messages waiting than that. */
#include "native-test.h"

/* How many fit, from whomever and to wherever. */
static void room(int bus, int want)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct got g;
	int n;

	is(nt_fill(a.fd, b.addr, "x"), want);
	refused(try_say(c.fd, b.addr, "x"), EAGAIN);
	refused(send(b.end, "x", 1, MSG_DONTWAIT), EAGAIN);
	refused(try_say(c.fd, EVERYBODY, "x"), EAGAIN);
	/* Looking at it makes no room, taking it does, for one. */
	ok(nt_take(b.fd, &g, MSG_PEEK));
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	ok(nt_take(b.fd, &g, 0));
	ok(try_say(c.fd, b.addr, "x"));
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	is(nt_drain(b.fd), want);
	/* Copies of multicasts count, and the master's. */
	ok(nt_add(b.end, PREFIX(1) | 1));
	is(nt_fill(a.fd, GROUP(1), "x"), want);
	is(nt_drain(b.fd), want);
	for (n = 0; send(b.end, "x", 1, MSG_DONTWAIT) == 1; n++)
		;
	is(errno, EAGAIN);
	is(n, want);
	is(nt_drain(b.fd), want);
	/* The master's end is a receiver, too. */
	is(nt_fill(a.fd, BUS_MASTER_ADDR, "x"), want);
	ok(try_say(c.fd, BUS_MASTER_ADDR, "x"));
	is(nt_drain(a.end), want);
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
}

static void wrong(int bus, int value)
{
	refused(setsockopt(bus, SOL_BUS, BUS_SET_MAXQLEN, &value,
			   sizeof(value)), EINVAL);
}

int main(void)
{
	int bus = nt_bus(), value = 3;
	struct peer early;
	socklen_t len = 1;

	is(nt_get(bus, SOL_BUS, BUS_SET_MAXQLEN), 10);
	room(bus, 11);
	early = nt_peer(bus);
	nt_set(bus, BUS_SET_MAXQLEN, 0);
	room(bus, 1);
	nt_set(bus, BUS_SET_MAXQLEN, 3);
	room(bus, 4);
	/* For those who come later alone. */
	is(nt_fill(early.fd, early.addr, "x"), 11);
	wrong(bus, -1);
	wrong(bus, 65536);
	is(nt_get(bus, SOL_BUS, BUS_SET_MAXQLEN), 3);
	refused(setsockopt(bus, SOL_BUS, BUS_SET_MAXQLEN, &value, 2), EINVAL);
	refused(setsockopt(bus, SOL_BUS, BUS_SET_MAXQLEN, (void *)8,
			   sizeof(value)), EFAULT);
	refused(getsockopt(bus, SOL_BUS, BUS_SET_MAXQLEN, &value, &len),
		EINVAL);
	nt_set(bus, BUS_SET_MAXQLEN, 65535);
	close(bus);
	return 0;
}
