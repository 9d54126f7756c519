// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files to native clients and from them: in order with what has none, seen by
 * MSG_PEEK too, from an adopted client and to one; and a socket in its own
 * queue, which nobody would ever read, is let go of in time.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct msg_spec spec(const char *to, unsigned int n, uint32_t serial)
{
	return (struct msg_spec){
		.type = to ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.flags = DBUS_FLAG_NO_REPLY, .serial = serial,
		.path = "/o", .interface = "i.f", .member = "F",
		.destination = to, .unix_fds = n, .body = 50,
	};
}

static void same_file(int a, int b)
{
	struct stat x, y;

	check(!fstat(a, &x) && !fstat(b, &y));
	check(x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static void expect(struct client *c, uint32_t serial, const int *fds, int n)
{
	struct msg m;
	int i;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial && m.n_fds == n);
	for (i = 0; i < n; i++)
		same_file(m.fds[i], fds[i]);
	msg_free(&m);
}

static void pass(struct client *a, struct client *b, const int *fds)
{
	struct msg_spec s;
	uint32_t i;

	for (i = 1; i <= 20; i++) {
		s = spec(b->name, i % 4, i);
		test_send(a->fd, &s, fds, i % 4);
	}
	for (i = 1; i <= 20; i++)
		expect(b, i, fds, i % 4);
}

static void peek(struct client *a, struct client *b, const int *fds)
{
	struct msg_spec s = spec(b->name, 1, 77);
	char cbuf[CMSG_SPACE(sizeof(int))], data[1000];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	int fd;

	test_send(a->fd, &s, fds, 1);
	check(recvmsg(b->fd, &mh, MSG_PEEK) > 0);
	check(mh.msg_controllen && !(mh.msg_flags & MSG_CTRUNC));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(fd));
	same_file(fd, fds[0]);
	close(fd);
	expect(b, 77, fds, 1);
}

static void with_master(int bus, struct client *a, const int *fds)
{
	struct msg_spec s = spec("org.freedesktop.DBus", 2, 5);
	struct msg m;

	test_send(a->fd, &s, fds, 2);
	test_master_recv(bus, &m);
	check(m.n_fds == 2);
	same_file(m.fds[1], fds[1]);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, a->addr, 0, NULL));
	s = spec(a->name, 1, 6);
	s.sender = "org.freedesktop.DBus";
	check(!test_master_send(bus, a->addr, &s, fds, 1));
	expect(a, 6, fds, 1);
}

/* The only descriptors of these are on their way to themselves and each
 * other; what shows that they are gone is a pipe's end that goes with them. */
static void ring(int bus, struct client *a)
{
	struct client c = test_native(bus), d = test_native(bus);
	struct pollfd pf;
	struct msg_spec s;
	int p[2], fds[2];
	struct msg m;

	check(!pipe(p));
	s = spec(c.name, 2, 1);
	fds[0] = d.fd;
	fds[1] = p[0];
	test_send(a->fd, &s, fds, 2);
	s = spec(d.name, 1, 2);
	test_send(a->fd, &s, &c.fd, 1);
	close(c.fd);
	close(d.fd);
	close(p[0]);
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_CLOSED);
	check(m.info.reason == BUS_REASON_STALLED);
	msg_free(&m);
	pf = (struct pollfd){ .fd = p[1] };
	check(poll(&pf, 1, TEST_WAIT_MS) == 1 && pf.revents & POLLERR);
	close(p[1]);
}

int main(void)
{
	struct bus_limits l = { .stall_ms = 300 };
	int bus = test_bus(), p[2], fds[3];
	struct client a = test_native(bus), b = test_native(bus);
	struct client c = test_client(bus, BUS_ATTACH_FDS);

	check(!test_is_native(c.fd));
	check(!pipe(p));
	fds[0] = p[0];
	fds[1] = p[1];
	fds[2] = p[0];
	pass(&a, &b, fds);
	pass(&a, &c, fds);
	pass(&c, &a, fds);
	pass(&a, &a, fds);
	peek(&a, &b, fds);
	with_master(bus, &a, fds);
	test_limits(bus, &l);
	ring(bus, &a);
	return 0;
}
