// SPDX-License-Identifier: LGPL-2.1-or-later
/* What closing one side tells the other, with unread messages on both. */
#include "native-test.h"

#include <poll.h>

/* Nothing more comes, for @reason, and nothing goes. */
static void ended(int fd, enum bus_reason reason)
{
	struct got g;

	check(nt_poll(fd, POLLIN, -1) & POLLHUP);
	is(nt_take(fd, &g, 0), 0);
	is(nt_take(fd, &g, 0), 0);
	is(nt_reason(fd), reason);
	refused(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	refused(try_say(fd, EVERYBODY, "x"), EPIPE);
}

static void client(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	tell(a.end, "unread");
	say(b.fd, a.addr, "unread");
	tell(a.fd, "one");
	say(a.fd, b.addr, "to b");
	tell(a.fd, "two");
	is(nt_reason(a.end), BUS_REASON_NONE);
	close(a.fd);
	heard(a.end, a.addr, "one");
	heard(a.end, a.addr, "two");
	told_closed(&a, BUS_REASON_HANGUP);
	is(nt_reason(a.end), BUS_REASON_HANGUP);
	refused(send(a.end, "x", 1, MSG_NOSIGNAL), EPIPE);
	heard(b.fd, a.addr, "to b");
	close(a.end);
	silent(b.fd);
	silent(b.end);
	nt_close(&b);
}

static void master(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	tell(a.end, "one");
	say(b.fd, a.addr, "two");
	tell(a.fd, "never read");
	close(a.end);
	is(nt_reason(a.fd), BUS_REASON_MASTER);
	heard(a.fd, BUS_MASTER_ADDR, "one");
	heard(a.fd, b.addr, "two");
	ended(a.fd, BUS_REASON_MASTER);
	/* Its address is nobody's. */
	say(b.fd, a.addr, "gone");
	heard(b.end, b.addr, "gone");
	close(a.fd);
	nt_close(&b);
}

static void the_bus(int bus)
{
	struct sockaddr_bus sa = nt_getsockname(bus);
	struct peer a = nt_peer(bus), b = nt_guest(bus), c = nt_peer(bus);
	int pending = nt_connect(bus), fd;

	say(a.fd, c.addr, "to c");
	say(c.fd, EVERYBODY, "to all");
	tell(b.end, "to b");
	tell(c.fd, "to the master");
	close(bus);
	fd = nt_socket();
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), ECONNREFUSED);
	close(fd);
	heard(a.fd, c.addr, "to all");
	ended(a.fd, BUS_REASON_ENDED);
	heard(b.fd, BUS_MASTER_ADDR, "to b");
	ended(b.fd, BUS_REASON_ENDED);
	heard(c.fd, a.addr, "to c");
	heard(c.fd, c.addr, "to all");
	ended(c.fd, BUS_REASON_ENDED);
	heard(c.end, c.addr, "to the master");
	ended(c.end, BUS_REASON_ENDED);
	ended(pending, BUS_REASON_ENDED);
	close(pending);
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
}

static long recv_one(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, 0);
}

/* Who waits for a message is let go. */
static void waiting(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct bg x, y;

	bg_start(&x, recv_one, &a.fd);
	bg_start(&y, recv_one, &b.end);
	bg_asleep(&x);
	bg_asleep(&y);
	close(a.end);
	close(b.fd);
	is(bg_end(&x), 0);
	is(bg_end(&y), 0);
	close(a.fd);
	close(b.end);
}

int main(void)
{
	int bus = nt_bus();

	client(bus);
	master(bus);
	waiting(bus);
	the_bus(bus);
	return 0;
}
