// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets that are in messages to each other, with nobody left to read them:
 * after limits.stall_ms the messages go and everything with them. */
#include "native-test.h"

#include <fcntl.h>
#include <sys/syscall.h>

static const struct bus_limits quick = { .stall_ms = 300 };
static int bus, before;

static void pass(int fd, uint64_t to, int what)
{
	is(nt_send_fds(fd, to, "x", &what, 1, 0), 1);
}

static void through_unix(int sock, int what)
{
	union { char b[CMSG_SPACE(sizeof(int))]; size_t align; } u;
	struct iovec iov = { "x", 1 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &what, sizeof(int));
	is(sendmsg(sock, &mh, 0), 1);
}

/* All that was made is gone; at the latest when the time-out has passed. */
#define gone() lines_gone(before, 20)

/* Its own socket, in its own queue. The end is the master's still. */
static void oneself(void)
{
	struct peer a = nt_peer(bus);

	pass(a.fd, a.addr, a.fd);
	nt_close(&a);
	gone();
	/* Only the client is closed: the master's end hears of it. */
	a = nt_peer(bus);
	pass(a.fd, a.addr, a.fd);
	close(a.fd);
	told_closed(&a, BUS_REASON_STALLED);
	close(a.end);
	gone();
}

static void each_other(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	pass(a.fd, b.addr, a.fd);
	pass(b.fd, a.addr, b.fd);
	nt_close(&a);
	nt_close(&b);
	gone();
	a = nt_peer(bus);
	b = nt_peer(bus);
	pass(a.fd, EVERYBODY, a.fd);
	pass(b.fd, EVERYBODY, b.fd);
	close(a.fd);
	close(b.fd);
	told_closed(&a, BUS_REASON_STALLED);
	told_closed(&b, BUS_REASON_STALLED);
	close(a.end);
	close(b.end);
	gone();
}

static void with_end(void)
{
	struct peer a = nt_peer(bus);

	/* The end in its client's queue, the client in its end's, both. */
	pass(a.end, a.addr, a.end);
	nt_close(&a);
	gone();
	a = nt_peer(bus);
	pass(a.fd, BUS_MASTER_ADDR, a.fd);
	nt_close(&a);
	gone();
	a = nt_peer(bus);
	pass(a.end, a.addr, a.end);
	pass(a.fd, BUS_MASTER_ADDR, a.fd);
	nt_close(&a);
	gone();
}

static void with_unix(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	int sv[2];

	/* AF_UNIX inside AF_BUS inside AF_UNIX. */
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	through_unix(sv[0], a.fd);
	pass(b.fd, a.addr, sv[0]);
	pass(b.fd, a.addr, sv[1]);
	close(sv[0]);
	close(sv[1]);
	nt_close(&a);
	nt_close(&b);
	gone();
}

static void the_bus(void)
{
	int other = nt_bus();
	struct peer a = nt_peer(other);

	nt_set_limits(other, quick);
	pass(a.fd, a.addr, a.fd);
	pass(a.fd, a.addr, a.end);
	pass(a.fd, BUS_MASTER_ADDR, other);
	nt_close(&a);
	close(other);
	gone();
}

/* The bus ends a moment after those who were its clients: nothing shows them
 * any more, but unload() below sees them. */
static void the_bus_after_its_clients(void)
{
	int other = nt_bus();
	struct peer a = nt_peer(other);

	nt_set_limits(other, quick);
	pass(a.fd, a.addr, a.fd);
	pass(a.fd, a.addr, a.end);
	/* It is over before it is let go of. */
	is(shutdown(a.end, SHUT_RDWR), 0);
	nt_close(&a);
	close(other);
	a = nt_peer(other = nt_bus());
	nt_set_limits(other, quick);
	pass(a.fd, a.addr, a.fd);
	nt_close(&a);
	close(other);
	gone();
}

/* Read in time, a socket in a message is nobody's fault. */
static void in_time(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct got g;

	pass(a.fd, b.addr, a.fd);
	ok(nt_take(b.fd, &g, MSG_DONTWAIT));
	is(g.n_fds, 1);
	usleep(600000);
	say(g.fds[0], b.addr, "through a copy");
	heard(b.fd, a.addr, "through a copy");
	close(g.fds[0]);
	nt_close(&a);
	nt_close(&b);
	gone();
}

int main(void)
{
	bus = nt_bus();
	nt_set_limits(bus, quick);
	before = nt_proc_lines();
	oneself();
	each_other();
	with_end();
	with_unix();
	the_bus();
	the_bus_after_its_clients();
	in_time();
	close(bus);
	/* And the module can go: nothing holds it. */
	before = 0;
	gone();
	if (!getuid()) {
		unload_within("af_bus_dbus", 20);
		unload_within("af_bus", 20);
	}
	return 0;
}
