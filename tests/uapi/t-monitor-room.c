// SPDX-License-Identifier: LGPL-2.1-or-later
/* A monitor without room makes senders wait, like any receiver, and is removed
 * when it reads nothing for too long. */
#include "bus-test.h"

#include <string.h>

#define BODY 40000

static struct client monitor(int bus)
{
	struct client c = test_client(bus, 0);

	check(!test_update(bus, BUS_REC_MONITOR, c.addr, 0, NULL));
	test_match(bus, &c, 1, "");
	return c;
}

static void receive(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void at_master(int bus, struct client *from, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.h.f.serial == serial);
	test_master_show(bus, &m);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from->addr, 0, NULL));
}

/* To a peer, to all, to the master: nobody has it until the monitor can. */
static void waits(int bus, struct client *a, struct client *b)
{
	struct client w = monitor(bus);

	test_call(a, b->name, 1, BODY);
	receive(b, 1);
	test_call(a, b->name, 2, BODY);
	test_silence(b->fd, 30);
	check(test_port_stats(bus, a->addr).flags & BUS_PORT_WAITING);
	receive(&w, 1);
	receive(&w, 2);
	receive(b, 2);

	test_signal(a, 3, "S", BODY);
	test_call(a, DBUS_DRIVER_NAME, 4, BODY);
	test_silence(bus, 30);
	receive(&w, 3);
	receive(&w, 4);
	at_master(bus, a, 4);

	test_call(a, b->name, 5, BODY);
	test_call(a, "no.such", 6, BODY);
	test_silence(bus, 30);
	receive(&w, 5);
	receive(b, 5);
	at_master(bus, a, 6);
	receive(&w, 6);
	check(!(test_port_stats(bus, a->addr).flags & BUS_PORT_WAITING));
	check(!test_update(bus, BUS_REC_CLOSE, w.addr, 0, NULL));
}

/* It goes while somebody waits for it, who then sends to whom it was for. */
static void goes(int bus, struct client *a, struct client *b)
{
	struct client w = monitor(bus);

	test_call(a, b->name, 10, BODY);
	test_call(a, DBUS_DRIVER_NAME, 11, BODY);
	receive(b, 10);
	test_silence(bus, 30);
	check(!test_update(bus, BUS_REC_CLOSE, w.addr, 0, NULL));
	at_master(bus, a, 11);
	receive(&w, 10);
}

static void stalls(int bus, struct client *a, struct client *b)
{
	struct bus_limits l = { .stall_ms = 200 };
	struct client w = monitor(bus), w2 = monitor(bus);
	struct msg m;

	test_limits(bus, &l);
	test_call(a, b->name, 20, BODY);
	test_call(a, b->name, 21, BODY);
	receive(&w2, 20);
	receive(b, 20);
	receive(b, 21);
	receive(&w2, 21);
	test_expect_closed(bus, w.addr, BUS_REASON_STALLED);
	receive(&w, 20);
	check(!test_recv(&w, &m));
	check(!test_update(bus, BUS_REC_CLOSE, w2.addr, 0, NULL));
}

/* The master does not wait, and a monitor in its way goes. */
static void of_the_master(int bus, struct client *b)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/o", .interface = "i.f",
		.member = "M", .sender = DBUS_DRIVER_NAME, .body = BODY,
		.destination = b->name,
	};
	struct client w = monitor(bus);
	uint32_t i;

	for (i = 30; i < 36; i++) {
		s.serial = i;
		check(!test_master_send(bus, b->addr, &s, NULL, 0));
		receive(b, i);
	}
	test_expect_closed(bus, w.addr, BUS_REASON_STALLED);
	receive(&w, 30);
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = 64 << 10, .stall_ms = 60000 };
	struct client a, b;
	int bus = test_bus();

	test_limits(bus, &l);
	a = test_client(bus, 0);
	b = test_client(bus, 0);
	waits(bus, &a, &b);
	goes(bus, &a, &b);
	stalls(bus, &a, &b);
	of_the_master(bus, &b);
	return 0;
}
