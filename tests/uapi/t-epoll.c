// SPDX-License-Identifier: LGPL-2.1-or-later
/* epoll, level and edge: an edge for every arrival, and one when a receiver
 * that gave EAGAIN has room again. */
#include "native-test.h"

#include <sys/epoll.h>

static int ep;

static void add(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
}

/* The events of @fd now, which may be none; nobody else has any. */
static uint32_t events(const char *at, int fd, int ms)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, ms);

	if (!n)
		return 0;
	if (n != 1 || ev[0].data.fd != fd)
		nt_fail(at, "epoll_wait: %d, fd %d, wanted %d", n,
			ev[0].data.fd, fd);
	return ev[0].events;
}
#define events(fd, ms) NT_AT(events(NT_LINE, fd, ms))

static void level(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	add(b.fd, EPOLLIN);
	is(events(b.fd, 0), 0);
	say(a.fd, b.addr, "one");
	say(a.fd, b.addr, "two");
	is(events(b.fd, 0), EPOLLIN);
	heard(b.fd, a.addr, "one");
	is(events(b.fd, 0), EPOLLIN);
	heard(b.fd, a.addr, "two");
	is(events(b.fd, 0), 0);
	nt_close(&a);
	nt_close(&b);
}

static void edge_in(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	add(b.fd, EPOLLIN | EPOLLET);
	is(events(b.fd, 0), 0);
	say(a.fd, b.addr, "one");
	is(events(b.fd, 0), EPOLLIN);
	is(events(b.fd, 0), 0);
	/* Unread or not, each arrival is an edge. */
	say(a.fd, EVERYBODY, "two");
	is(events(b.fd, 0), EPOLLIN);
	is(events(b.fd, 0), 0);
	tell(b.end, "three");
	is(events(b.fd, 0), EPOLLIN);
	is(nt_drain(b.fd), 3);
	close(b.end);
	check(events(b.fd, -1) & EPOLLHUP);
	nt_close(&a);
	close(b.fd);
}

static void edge_out(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct got g;

	add(a.fd, EPOLLOUT | EPOLLET);
	check(events(a.fd, 0) & EPOLLOUT);
	is(events(a.fd, 0), 0);
	nt_fill(a.fd, b.addr, "x");
	nt_fill(a.fd, c.addr, "x");
	events(a.fd, 0);
	/* Both gave EAGAIN: room at either is worth a try. */
	ok(nt_take(b.fd, &g, 0));
	check(events(a.fd, -1) & EPOLLOUT);
	ok(try_say(a.fd, b.addr, "y"));
	refused(try_say(a.fd, b.addr, "y"), EAGAIN);
	events(a.fd, 0);
	ok(nt_take(c.fd, &g, 0));
	check(events(a.fd, -1) & EPOLLOUT);
	ok(try_say(a.fd, c.addr, "y"));
	/* A multicast that one of them refuses. */
	nt_fill(a.fd, c.addr, "x");
	nt_drain(b.fd);
	refused(try_say(a.fd, EVERYBODY, "all"), EAGAIN);
	events(a.fd, 0);
	ok(nt_take(c.fd, &g, 0));
	check(events(a.fd, -1) & EPOLLOUT);
	ok(try_say(a.fd, EVERYBODY, "all"));
	/* A receiver that goes is room, too. */
	nt_fill(a.fd, c.addr, "x");
	nt_drain(a.fd);
	events(a.fd, 0);
	nt_close(&c);
	check(events(a.fd, -1) & EPOLLOUT);
	ok(try_say(a.fd, EVERYBODY, "others"));
	nt_close(&a);
	nt_close(&b);
}

/* The master's end is told, too; and one whose own queue was full. */
static void edge_other(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct got g;

	add(a.end, EPOLLOUT | EPOLLET);
	events(a.end, 0);
	while (send(a.end, "x", 1, MSG_DONTWAIT) == 1)
		;
	is(errno, EAGAIN);
	events(a.end, 0);
	add(a.fd, EPOLLOUT | EPOLLET);
	is(events(a.fd, 0), 0);
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	ok(epoll_ctl(ep, EPOLL_CTL_DEL, a.end, NULL));
	ok(nt_take(a.fd, &g, 0));
	check(events(a.fd, -1) & EPOLLOUT);
	ok(try_say(a.fd, b.addr, "x"));
	ok(epoll_ctl(ep, EPOLL_CTL_DEL, a.fd, NULL));
	add(a.end, EPOLLOUT | EPOLLET);
	check(events(a.end, -1) & EPOLLOUT);
	while (send(a.end, "x", 1, MSG_DONTWAIT) == 1)
		;
	is(errno, EAGAIN);
	events(a.end, 0);
	ok(nt_take(a.fd, &g, 0));
	check(events(a.end, -1) & EPOLLOUT);
	is(send(a.end, "x", 1, MSG_DONTWAIT), 1);
	nt_close(&a);
	nt_close(&b);
}

int main(void)
{
	int bus = nt_bus();

	ep = ok(epoll_create1(EPOLL_CLOEXEC));
	level(bus);
	edge_in(bus);
	edge_out(bus);
	edge_other(bus);
	close(bus);
	return 0;
}
