// SPDX-License-Identifier: LGPL-2.1-or-later
/* A rule with eavesdrop='true' shows what is between others, and said to the
 * driver; not what the driver says, or what nobody gets. */
#include "bus-test.h"

#include <string.h>

#define DRIVER DBUS_DRIVER_NAME

static int bus;

static void receive(struct client *c, uint32_t serial, int n_fds)
{
	struct msg m;

	check(test_recv(c, &m));
	if (m.h.f.serial != serial)
		fail("message %u, not %u", m.h.f.serial, serial);
	check(m.n_fds == n_fds);
	msg_free(&m);
}

static void at_master(struct client *from, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.h.f.serial == serial);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from->addr, 0, NULL));
}

static struct msg_spec spec(const char *to, uint32_t serial)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = serial, .path = "/o", .interface = "i.f",
		.member = "M", .destination = to,
	};
}

static void send_to(struct client *c, const char *to, uint32_t serial)
{
	struct msg_spec s = spec(to, serial);

	test_send(c->fd, &s, NULL, 0);
}

static void rule(struct client *c, uint64_t cookie, const char *text)
{
	test_match(bus, c, cookie, text);
}

static void no_rule(struct client *c, uint64_t cookie)
{
	check(!test_update(bus, BUS_REC_MATCH_DEL, c->addr, cookie, NULL));
}

static void between_others(struct client *e, struct client *a,
			   struct client *b)
{
	rule(e, 1, "eavesdrop='true',interface='i.f'");
	rule(e, 2, "eavesdrop='true',member='M'");
	rule(b, 1, "eavesdrop='true',member='M'");
	/* Nobody gets two, whom it is for least of all. */
	send_to(a, b->name, 1);
	receive(b, 1, 0);
	receive(e, 1, 0);
	/* Who eavesdrops hears itself. */
	send_to(b, a->name, 2);
	receive(a, 2, 0);
	receive(e, 2, 0);
	receive(b, 2, 0);
	/* A broadcast is nothing special. */
	test_signal(a, 3, "M", 10);
	receive(e, 3, 0);
	receive(b, 3, 0);
	no_rule(b, 1);
	no_rule(e, 1);
	send_to(a, b->name, 4);
	receive(b, 4, 0);
	receive(e, 4, 0);
	test_silence(b->fd, 10);
	test_silence(e->fd, 10);
}

static void with_the_driver(struct client *e, struct client *a)
{
	struct msg_spec s = spec(a->name, 12);
	struct bus_send how = { .from = e->addr };

	send_to(a, DRIVER, 10);
	receive(e, 10, 0);
	at_master(a, 10);
	send_to(a, "no.such", 11);
	at_master(a, 11);
	s.sender = DRIVER;
	check(!test_master_send(bus, a->addr, &s, NULL, 0));
	receive(a, 12, 0);
	test_silence(e->fd, 10);
	/* Sent in the place of another, it is that one's. */
	s.sender = e->name;
	s.serial = 13;
	check(!test_master_send_how(bus, a->addr, &how, &s));
	receive(a, 13, 0);
	receive(e, 13, 0);
}

static void files(struct client *e, struct client *a, struct client *b)
{
	struct client plain = test_client(bus, 0);
	struct msg_spec s = spec(b->name, 20);
	int fd = 0;

	rule(&plain, 1, "eavesdrop='true'");
	s.unix_fds = 1;
	test_send(a->fd, &s, &fd, 1);
	send_to(a, b->name, 21);
	receive(b, 20, 1);
	receive(b, 21, 0);
	receive(e, 20, 1);
	receive(e, 21, 0);
	receive(&plain, 21, 0);
	check(!test_update(bus, BUS_REC_CLOSE, plain.addr, 0, NULL));
}

static void by_destination(struct client *e, struct client *a,
			   struct client *b)
{
	no_rule(e, 2);
	rule(e, 3, "eavesdrop='true',destination='com.example.B'");
	/* Without the key it is asked about broadcasts alone. */
	rule(e, 4, "destination='com.example.A'");
	test_name(bus, "com.example.A", a->addr);
	test_name(bus, "com.example.B", b->addr);
	send_to(b, "com.example.A", 30);
	receive(a, 30, 0);
	send_to(a, b->name, 31);
	receive(b, 31, 0);
	receive(e, 31, 0);
	test_silence(e->fd, 10);
}

int main(void)
{
	struct client e, a, b;

	bus = test_bus();
	e = test_client(bus, BUS_ATTACH_FDS);
	a = test_client(bus, BUS_ATTACH_FDS);
	b = test_client(bus, BUS_ATTACH_FDS);
	between_others(&e, &a, &b);
	with_the_driver(&e, &a);
	files(&e, &a, &b);
	by_destination(&e, &a, &b);
	/* Nobody is left who listens. */
	check(!test_update(bus, BUS_REC_CLOSE, e.addr, 0, NULL));
	send_to(&a, b.name, 40);
	receive(&b, 40, 0);
	test_silence(bus, 10);
	return 0;
}
