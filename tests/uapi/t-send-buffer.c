// SPDX-License-Identifier: LGPL-2.1-or-later
/* What waits to be read is charged to the sender's buffer: full, it cannot
 * send to anybody; the one who holds it up is removed in the end. */
#include "native-test.h"

#include <poll.h>

#define SIZE 1000

static char data[SIZE];

static int fill(int fd, uint64_t to)
{
	int n = 0;

	while (nt_to(fd, to, data, SIZE, MSG_DONTWAIT) == SIZE)
		n++;
	is(errno, EAGAIN);
	return n;
}

static long send_one(void *arg)
{
	struct bg_send *s = arg;

	return nt_to(s->fd, s->addr, data, SIZE, 0);
}

int main(void)
{
	struct bus_limits l = { .stall_ms = 400 };
	int bus = nt_bus(), n, i;
	struct peer a, b, c;
	struct bg_send s;
	struct got g;
	struct bg x;

	nt_set(bus, BUS_SET_MAXQLEN, 10000);
	nt_set(bus, BUS_SET_SENDBUF, 20000);
	a = nt_peer(bus);
	b = nt_peer(bus);
	c = nt_peer(bus);
	is(nt_poll(a.fd, POLLOUT, 0), POLLOUT);
	n = fill(a.fd, b.addr);
	/* Memory counts, which is more than the data. */
	check(n >= 4 && n <= 21);
	is(nt_poll(a.fd, POLLOUT, 0), 0);
	refused(try_say(a.fd, c.addr, "x"), EAGAIN);
	refused(try_say(a.fd, BUS_MASTER_ADDR, "x"), EAGAIN);
	refused(try_say(a.fd, GROUP(5), "x"), EAGAIN);
	/* It is the sender's alone. */
	say(c.fd, b.addr, "x");
	for (i = 0; i < n; i++)
		is(nt_take(b.fd, &g, MSG_DONTWAIT), SIZE);
	heard(b.fd, c.addr, "x");
	is(nt_poll(a.fd, POLLOUT, 0), POLLOUT);
	/* A multicast is charged once, however many get it. */
	for (i = 0; i < n - 1; i++)
		is(nt_to(a.fd, EVERYBODY, data, SIZE, MSG_DONTWAIT), SIZE);
	is(nt_drain(a.fd), i);
	is(nt_drain(b.fd), i);
	check(fill(a.fd, b.addr) < n);
	is(nt_drain(c.fd), i);
	/* Waiting for it, and let go by one who reads. */
	fill(a.fd, b.addr);
	s = (struct bg_send){ a.fd, c.addr, NULL };
	bg_start(&x, send_one, &s);
	bg_asleep(&x);
	while (!x.done && nt_take(b.fd, &g, MSG_DONTWAIT) > 0)
		usleep(1000);
	is(bg_end(&x), SIZE);
	is(nt_take(c.fd, &g, MSG_DONTWAIT), SIZE);
	nt_drain(b.fd);
	/* Or by nobody, for a bounded time. */
	nt_set_limits(bus, l);
	fill(a.fd, b.addr);
	is(nt_to(a.fd, c.addr, data, SIZE, 0), SIZE);
	is(nt_take(c.fd, &g, MSG_DONTWAIT), SIZE);
	told_closed(&b, BUS_REASON_STALLED);
	close(bus);
	return 0;
}
