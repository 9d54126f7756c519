// SPDX-License-Identifier: LGPL-2.1-or-later
/* Open buses: who may write the path is in; nobody decides, nobody is
 * special. */
#include "native-test.h"

static struct sockaddr_bus sa;

static int member(void)
{
	int fd = ok(socket(AF_BUS, SOCK_DGRAM | SOCK_CLOEXEC, BUS_PROTO_NONE));

	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	return fd;
}

static int founder(void)
{
	int fd = ok(socket(AF_BUS, SOCK_DGRAM | SOCK_CLOEXEC, BUS_PROTO_NONE));

	ok(bind(fd, NT_SA(&sa), sizeof(sa)));
	return fd;
}

static uint64_t addr(int fd)
{
	struct sockaddr_bus own = nt_getsockname(fd);

	check(own.sbus_addr.s_addr != BUS_MASTER_ADDR);
	is(own.sbus_addr.s_addr & BUS_PREFIX_MASK, 0);
	check(!memcmp(own.sbus_path, sa.sbus_path, BUS_PATH_MAX));
	return own.sbus_addr.s_addr;
}

static void talk(int a, int b, int c)
{
	check(addr(a) != addr(b) && addr(b) != addr(c) && addr(a) != addr(c));
	say(a, addr(b), "to b");
	heard(b, addr(a), "to b");
	say(b, addr(a), "to a");
	heard(a, addr(b), "to a");
	say(c, EVERYBODY, "to all");
	heard(a, addr(c), "to all");
	heard(b, addr(c), "to all");
	heard(c, addr(c), "to all");
	refused(send(a, "x", 1, MSG_NOSIGNAL), EDESTADDRREQ);
	refused(try_say(a, BUS_MASTER_ADDR, "x"), EHOSTUNREACH);
	refused(try_say(a, addr(c) + 1000, "x"), EHOSTUNREACH);
	refused(try_say(a, PREFIX(3) | 1, "x"), EHOSTUNREACH);
	/* Groups are a member's own affair. */
	say(a, GROUP(3), "nobody");
	ok(nt_add(b, PREFIX(3) | 1));
	ok(nt_add(c, PREFIX(3) | 2));
	refused(nt_add(c, PREFIX(3) | 1), EADDRINUSE);
	refused(nt_add(c, GROUP(3)), EINVAL);
	refused(nt_del(c, PREFIX(3) | 1), EADDRNOTAVAIL);
	say(a, GROUP(3), "to three");
	say(a, PREFIX(3) | 1, "to one of three");
	heard(b, addr(a), "to three");
	heard(b, addr(a), "to one of three");
	heard(c, addr(a), "to three");
	ok(nt_del(c, PREFIX(3) | 2));
	say(c, GROUP(3), "without me");
	heard(b, addr(c), "without me");
	ok(nt_del(b, PREFIX(3) | 1));
	silent(a);
	silent(b);
	silent(c);
	refused(connect(b, NT_SA(&sa), sizeof(sa)), EISCONN);
	refused(connect(a, NT_SA(&sa), sizeof(sa)), EISCONN);
	refused(listen(a, 1), EOPNOTSUPP);
	refused(accept(a, NULL, NULL), EOPNOTSUPP);
	refused(nt_join(a), EOPNOTSUPP);
	refused(nt_join(b), EOPNOTSUPP);
}

static void queues(int a, int b)
{
	int n = nt_fill(a, addr(b), "x");

	is(n, 11);
	refused(try_say(a, EVERYBODY, "x"), EAGAIN);
	silent(a);
	refused(try_say(b, addr(a), "x"), EAGAIN);
	is(nt_drain(b), n);
	say(b, addr(a), "read");
	heard(a, addr(b), "read");
}

static void stalls(void)
{
	struct bus_limits l = { .stall_ms = 300 };
	struct bg_send s;
	struct bg b;
	int n, a, c;
	char x;

	sa = nt_name();
	a = founder();
	nt_set_limits(a, l);
	c = member();
	s = (struct bg_send){ c, addr(a), "x" };
	n = nt_fill(c, addr(a), "x");
	bg_start(&b, bg_send, &s);
	/* Gone: nobody there. */
	refused(bg_end(&b), EHOSTUNREACH);
	is(nt_drain(a), n);
	refused(recv(a, &x, 1, 0), ETIMEDOUT);
	is(nt_reason(a), BUS_REASON_STALLED);
	refused(try_say(a, addr(c), "x"), EPIPE);
	close(a);
	close(c);
}

int main(void)
{
	int a, b, c, fd;
	uint64_t first;

	close(nt_socket());
	sa = nt_name();
	a = founder();
	nt_set_limits(a, (struct bus_limits){ .stall_ms = NT_NEVER });
	fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), EADDRINUSE);
	close(fd);
	say(a, EVERYBODY, "alone");
	heard(a, addr(a), "alone");
	b = member();
	c = member();
	talk(a, b, c);
	queues(a, b);
	/* It outlives who made it, as long as somebody is there. */
	first = addr(a);
	say(a, addr(b), "goodbye");
	close(a);
	heard(b, first, "goodbye");
	a = member();
	check(addr(a) != first);
	talk(a, b, c);
	close(a);
	close(b);
	say(c, EVERYBODY, "alone");
	heard(c, addr(c), "alone");
	close(c);
	fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), ECONNREFUSED);
	ok(bind(fd, NT_SA(&sa), sizeof(sa)));
	close(fd);
	stalls();
	return 0;
}
