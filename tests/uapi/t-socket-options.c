// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options of every socket: buffers, time-outs, priority, errors. */
#include "native-test.h"

#include <sys/time.h>

static void timeouts(struct peer *a, struct peer *b)
{
	struct timeval tv = { .tv_usec = 20000 }, back;
	socklen_t len = sizeof(back);
	char c;

	ok(setsockopt(b->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	ok(getsockopt(b->fd, SOL_SOCKET, SO_RCVTIMEO, &back, &len));
	is(back.tv_usec, tv.tv_usec);
	refused(recv(b->fd, &c, 1, 0), EAGAIN);
	ok(setsockopt(b->end, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	refused(recv(b->end, &c, 1, 0), EAGAIN);
	ok(setsockopt(a->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	nt_fill(a->fd, b->addr, "x");
	refused(send(a->fd, "x", 0, MSG_OOB), EOPNOTSUPP);
	refused(nt_to(a->fd, b->addr, "x", 1, 0), EAGAIN);
	refused(nt_to(a->fd, EVERYBODY, "x", 1, 0), EAGAIN);
	nt_drain(b->fd);
	silent(a->fd);
	/* The time is each call's own. */
	say(a->fd, b->addr, "fits");
	heard(b->fd, a->addr, "fits");
}

/* A receiver's SO_RCVBUF bounds its queue in bytes, once it set it. */
static void rcvbuf(int bus)
{
	static char data[20000];
	struct peer a, b;
	int size = 4096, few, many;

	nt_set(bus, BUS_SET_MAXQLEN, 1000);
	nt_set(bus, BUS_SET_SENDBUF, 4 << 20);
	a = nt_peer(bus);
	b = nt_peer(bus);
	for (many = 0; many < 40; many++)
		is(nt_to(a.fd, b.addr, data, sizeof(data), MSG_DONTWAIT),
		   sizeof(data));
	is(nt_drain(b.fd), many);
	ok(setsockopt(b.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	check(nt_get(b.fd, SOL_SOCKET, SO_RCVBUF) >= 2 * size);
	for (few = 0; few < many; few++)
		if (nt_to(a.fd, b.addr, data, sizeof(data), MSG_DONTWAIT) < 0)
			break;
	is(errno, EAGAIN);
	/* One always fits. */
	check(few >= 1 && few < many);
	is(nt_drain(b.fd), few);
	nt_close(&a);
	nt_close(&b);
}

static void priority(int fd)
{
	int i, set;

	is(nt_get(fd, SOL_SOCKET, SO_PRIORITY), 0);
	for (i = BUS_PRIO_MAX; i >= 0; i--) {
		set = i;
		/* 7 is the administrator's, as with every socket. */
		ok(setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &set, sizeof(set)));
		is(nt_get(fd, SOL_SOCKET, SO_PRIORITY), i);
	}
}

int main(void)
{
	int bus = nt_bus(), one = 1;
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	is(nt_get(a.fd, SOL_SOCKET, SO_ERROR), 0);
	is(nt_get(a.fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	timeouts(&a, &b);
	if (!getuid())
		priority(a.fd);
	/* What sd-bus and others try must not fail. */
	ok(setsockopt(a.fd, SOL_SOCKET, SO_PASSSEC, &one, sizeof(one)));
	nt_read_back(a.fd, SO_PASSSEC);
	say(b.fd, a.addr, "with a label or not");
	heard(a.fd, b.addr, "with a label or not");
	rcvbuf(bus);
	close(bus);
	return 0;
}
