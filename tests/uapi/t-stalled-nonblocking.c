// SPDX-License-Identifier: LGPL-2.1-or-later
/* EAGAIN starts the clock as well as a blocked sender does; reading stops it;
 * and without anybody waiting a full queue may stay full. */
#include "native-test.h"

#include <poll.h>

static bool there(struct peer *p)
{
	return !(nt_poll(p->end, POLLRDHUP, 0) & POLLRDHUP);
}

int main(void)
{
	int bus = nt_bus(), i, n;
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct peer idle = nt_peer(bus);
	struct bus_limits l = { .stall_ms = 300 };
	struct bg_send s;
	struct got g;
	struct bg x;

	nt_set_limits(bus, l);
	/* Full, but nobody wanted more. */
	for (i = 0; i < 11; i++)
		say(a.fd, idle.addr, "x");
	n = nt_fill(a.fd, b.addr, "x");
	is(n, 11);
	is(nt_poll(b.end, POLLRDHUP, -1) & POLLRDHUP, POLLRDHUP);
	told_closed(&b, BUS_REASON_STALLED);
	is(nt_drain(b.fd), n);
	refused(nt_take(b.fd, &g, 0), ETIMEDOUT);
	check(there(&idle));
	/* The same by a multicast, and by the master. */
	ok(nt_add(c.end, PREFIX(1) | 1));
	nt_fill(a.fd, GROUP(1), "x");
	is(nt_poll(c.end, POLLRDHUP, -1) & POLLRDHUP, POLLRDHUP);
	nt_close(&c);
	c = nt_peer(bus);
	while (send(c.end, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		;
	is(errno, EAGAIN);
	is(nt_poll(c.end, POLLRDHUP, -1) & POLLRDHUP, POLLRDHUP);
	nt_close(&c);
	check(there(&idle));
	/* Slow, but reads: its senders wait longer in all than the limit. */
	l.stall_ms = 2000;
	nt_set_limits(bus, l);
	s = (struct bg_send){ a.fd, idle.addr, "x" };
	for (i = 0; i < 15; i++) {
		bg_start(&x, bg_send, &s);
		bg_asleep(&x);
		usleep(200000);
		check(there(&idle));
		ok(nt_take(idle.fd, &g, MSG_DONTWAIT));
		is(bg_end(&x), 1);
	}
	is(nt_drain(idle.fd), 11);
	check(there(&idle));
	say(a.fd, idle.addr, "still");
	heard(idle.fd, a.addr, "still");
	close(bus);
	return 0;
}
