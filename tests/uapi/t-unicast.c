// SPDX-License-Identifier: LGPL-2.1-or-later
/* Unicast by unique and well-known name; the stamp; what goes to the master. */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void expect_call(struct client *to, struct client *from,
			uint32_t serial)
{
	struct msg m;

	check(test_recv(to, &m));
	check(m.h.f.serial == serial);
	check(dbus_str_eq(m.h.sender, from->name, strlen(from->name)));
	msg_free(&m);
}

static void to_master(int bus, struct client *from, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.info.addr == from->addr);
	check(m.h.f.serial == serial);
	check(dbus_str_eq(m.h.sender, from->name, strlen(from->name)));
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from->addr, 0, NULL));
}

static void forged(int bus, struct client *a, struct client *b)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 9, .path = "/o",
		.member = "M", .destination = b->name, .sender = ":1.4242",
		.flags = 0x85, .big = true, .arg0 = "text",
	};
	struct msg m;

	test_send(a->fd, &s, NULL, 0);
	check(test_recv(b, &m));
	check(dbus_str_eq(m.h.sender, a->name, strlen(a->name)));
	check(m.h.f.big && m.h.f.flags == 0x85 && m.h.f.serial == 9);
	check(!memcmp(m.data + m.h.f.header_len + 4, "text", 5));
	msg_free(&m);
	(void)bus;
}

static void from_master(int bus, struct client *a)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_RETURN, .serial = 1, .reply_serial = 3,
		.sender = "org.freedesktop.DBus", .destination = a->name,
		.body = 100000,
	};
	struct msg m;

	check(!test_master_send(bus, a->addr, &s, NULL, 0));
	check(test_recv(a, &m));
	check(m.h.reply_serial == 3 && m.h.f.body_len == 100004);
	msg_free(&m);
	check(test_master_send(bus, 4711, &s, NULL, 0) == -ENOENT);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct bus_stats st;

	test_call(&a, b.name, 1, 10);
	expect_call(&b, &a, 1);
	test_name(bus, "com.example.B", b.addr);
	test_call(&a, "com.example.B", 2, 5000);
	expect_call(&b, &a, 2);
	test_name(bus, "com.example.B", a.addr);
	test_call(&a, "com.example.B", 3, 100);
	expect_call(&a, &a, 3);
	test_name(bus, "com.example.B", 0);
	test_call(&a, "com.example.B", 4, 100);
	to_master(bus, &a, 4);
	test_call(&a, DBUS_DRIVER_NAME, 5, 70000);
	to_master(bus, &a, 5);
	test_call(&a, ":1.777", 6, 0);
	to_master(bus, &a, 6);
	forged(bus, &a, &b);
	from_master(bus, &a);
	st = test_stats(bus);
	check(st.unicast_msgs == 4 && st.master_driver == 1);
	check(st.master_unknown == 2 && st.names == 0 && st.ports == 2);
	check(test_port_stats(bus, b.addr).received_msgs == 3);
	test_silence(a.fd, 10);
	test_silence(b.fd, 10);
	test_silence(bus, 10);
	return 0;
}
