// SPDX-License-Identifier: LGPL-2.1-or-later
/* limits.queue_bytes and user_bytes bound what waits, in bytes; one message
 * always fits into an empty queue. */
#include "native-test.h"

#define SIZE 8000

static char data[256 << 10];

static int fill(int fd, uint64_t to, size_t size)
{
	int n = 0;

	while (nt_to(fd, to, data, size, MSG_DONTWAIT) >= 0)
		n++;
	is(errno, EAGAIN);
	return n;
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = 64 << 10 };
	int bus = nt_bus(), n;
	struct peer a, b, c;

	nt_set(bus, BUS_SET_MAXQLEN, 65535);
	nt_set(bus, BUS_SET_SENDBUF, sizeof(data));
	nt_set_limits(bus, l);
	a = nt_peer(bus);
	b = nt_peer(bus);
	c = nt_peer(bus);
	n = fill(a.fd, b.addr, SIZE);
	/* Memory counts, which is more than the data: at least half is ours,
	 * and one may stand over. */
	check(n >= (64 << 10) / SIZE / 2 && n <= (64 << 10) / SIZE + 1);
	/* Small ones may fit still, but are not free. */
	n += fill(c.fd, b.addr, 1);
	refused(try_say(a.fd, EVERYBODY, "x"), EAGAIN);
	is(nt_drain(b.fd), n);
	n = fill(a.fd, b.addr, 1);
	check(n >= 11 && n < 64 << 10);
	is(nt_drain(b.fd), n);
	/* Larger than the queue, alone in it. */
	is(nt_to(a.fd, b.addr, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
	refused(try_say(c.fd, b.addr, "x"), EAGAIN);
	refused(try_say(c.fd, EVERYBODY, "x"), EAGAIN);
	is(recv(b.fd, data, sizeof(data), MSG_DONTWAIT), sizeof(data));
	say(c.fd, b.addr, "x");
	heard(b.fd, c.addr, "x");
	silent(a.fd);
	close(bus);
	return 0;
}
