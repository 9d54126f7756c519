// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A socket of the family is a client of a D-Bus bus: connect(), accept() that
 * brings who it is, calls in both directions with an adopted client, and its
 * end.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void expect_from(struct client *to, const struct client *from,
			uint32_t serial)
{
	struct msg m;

	check(test_recv(to, &m));
	check(m.h.f.serial == serial);
	check(dbus_str_eq(m.h.sender, from->name, strlen(from->name)));
	msg_free(&m);
}

static void talk(struct client *a, struct client *b, uint32_t serial)
{
	test_call(a, b->name, serial, 10);
	expect_from(b, a, serial);
	test_call(b, a->name, serial + 1, 5000);
	expect_from(a, b, serial + 1);
	test_call(a, b->name, serial + 2, 300000);
	expect_from(b, a, serial + 2);
}

static struct sockaddr_bus name_of(int fd, int peer)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	check(!(peer ? getpeername(fd, (struct sockaddr *)&sa, &len) :
		       getsockname(fd, (struct sockaddr *)&sa, &len)));
	return sa;
}

/* Who comes is told by what accept() brings; nothing else can be done with
 * it, and closing it ends nothing. */
static struct client meet(int bus)
{
	struct pollfd p = { .fd = bus, .events = POLLPRI };
	struct ucred uc;
	socklen_t len = sizeof(uc);
	struct client c = { .fd = test_connect(bus) };
	int card;

	check(poll(&p, 1, TEST_WAIT_MS) == 1 && p.revents == POLLPRI);
	card = accept4(bus, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(card >= 0);
	check(!poll(&p, 1, 0));
	check(!getsockopt(card, SOL_SOCKET, SO_PEERCRED, &uc, &len));
	check(uc.pid == getpid() && uc.uid == getuid());
	c.addr = name_of(card, 1).sbus_addr.s_addr;
	check(c.addr && c.addr == name_of(c.fd, 0).sbus_addr.s_addr);
	check(!name_of(c.fd, 1).sbus_addr.s_addr);
	check_err(send(card, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	check_err(recv(card, &uc, 1, MSG_DONTWAIT), ENOTCONN);
	close(card);
	check(!getsockopt(c.fd, SOL_SOCKET, SO_PEERCRED, &uc, &len));
	check(uc.pid == getpid());
	snprintf(c.name, sizeof(c.name), ":1.%llu", (unsigned long long)c.addr);
	return c;
}

/* The first message goes to the master, who answers. */
static void hello(int bus, struct client *c)
{
	struct msg_spec call = {
		.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
		.member = "Hello", .destination = "org.freedesktop.DBus",
	}, reply = {
		.type = DBUS_TYPE_RETURN, .serial = 1, .reply_serial = 1,
		.sender = "org.freedesktop.DBus", .destination = c->name,
		.arg0 = c->name,
	};
	struct msg m;

	/* It is held until the master has looked at it. */
	test_send(c->fd, &call, NULL, 0);
	check(!test_update(bus, BUS_REC_RESUME, c->addr, 0, NULL));
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.info.addr == c->addr);
	check(dbus_str_eq(m.h.sender, c->name, strlen(c->name)));
	msg_free(&m);
	check(!test_master_send(bus, c->addr, &reply, NULL, 0));
	check(!test_update(bus, BUS_REC_ACTIVATE, c->addr, 0, NULL));
	check(!test_update(bus, BUS_REC_RESUME, c->addr, 0, NULL));
	check(test_recv(c, &m));
	check(m.h.reply_serial == 1);
	msg_free(&m);
}

static ssize_t send_nothing(int bus, uint64_t to)
{
	struct sockaddr_bus sa = { .sbus_addr = { to } };
	socklen_t len = sizeof(sa);

	check(!getsockname(bus, (struct sockaddr *)&sa, &len));
	sa.sbus_addr.s_addr = to;
	return sendto(bus, NULL, 0, 0, (struct sockaddr *)&sa, sizeof(sa));
}

int main(void)
{
	int bus = test_bus();
	struct client a = meet(bus), b, c;
	struct msg m;

	hello(bus, &a);
	b = test_native(bus);
	c = test_client(bus, 0);
	check(!test_is_native(c.fd));
	talk(&a, &b, 10);
	talk(&a, &c, 20);
	talk(&a, &a, 30);
	test_name(bus, "native.Name", a.addr);
	test_call(&c, "native.Name", 40, 0);
	expect_from(&a, &c, 40);
	check(test_port_stats(bus, a.addr).flags & BUS_PORT_NATIVE);
	check(!(test_port_stats(bus, c.addr).flags & BUS_PORT_NATIVE));
	/* There is no message of no length. */
	check_err(send_nothing(bus, a.addr), EINVAL);
	check_err(send_nothing(bus, BUS_CLIENT_MASK), EINVAL);
	close(b.fd);
	test_expect_closed(bus, b.addr, BUS_REASON_HANGUP);
	check(!test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL));
	check(!test_recv(&a, &m));
	check_err(send(a.fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(bus);
	check(!test_recv(&c, &m));
	return 0;
}
