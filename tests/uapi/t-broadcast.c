// SPDX-License-Identifier: LGPL-2.1-or-later
/* Broadcasts reach exactly those with a rule that matches, once. */
#include "bus-test.h"

#include <string.h>

#define MANY 50

static void expect(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void many(int bus, struct client *from)
{
	struct client c[MANY];
	int i;

	for (i = 0; i < MANY; i++) {
		c[i] = test_client(bus, 0);
		test_match(bus, &c[i], 1, "member='Many'");
	}
	test_signal(from, 100, "Many", 9000);
	test_signal(from, 101, "Many", 9);
	for (i = 0; i < MANY; i++) {
		expect(&c[i], 100);
		expect(&c[i], 101);
	}
	check(test_stats(bus).broadcast_copies >= 2 * MANY);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct client c = test_client(bus, 0);
	struct msg_spec noc = {
		.type = DBUS_TYPE_SIGNAL, .serial = 50, .path = "/x",
		.interface = "i.f", .member = "S", .arg0 = "com.x",
		.sender = "org.freedesktop.DBus",
	};

	test_match(bus, &a, 1, "type='signal',interface='i.f'");
	test_match(bus, &a, 2, "member='S'");
	test_match(bus, &b, 1, "sender='com.example.A',member='S'");
	test_match(bus, &c, 1, "arg0='com.x'");
	test_signal(&a, 1, "S", 0);
	expect(&a, 1);			/* the sender too, and once */
	test_name(bus, "com.example.A", a.addr);
	test_signal(&a, 2, "S", 10);
	expect(&a, 2);
	expect(&b, 2);
	check(!test_master_send(bus, BUS_CLIENT_MASK, &noc, NULL, 0));
	expect(&a, 50);
	expect(&c, 50);
	noc.sender = NULL;
	test_send(b.fd, &noc, NULL, 0);
	expect(&a, 50);
	expect(&c, 50);
	check(!test_update(bus, BUS_REC_MATCH_DEL, a.addr, 1, NULL));
	check(!test_update(bus, BUS_REC_MATCH_DEL, a.addr, 2, NULL));
	test_signal(&b, 3, "S", 10);
	test_silence(a.fd, 10);
	test_silence(b.fd, 10);
	test_silence(c.fd, 10);
	many(bus, &b);
	test_silence(bus, 10);
	return 0;
}
