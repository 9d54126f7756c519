// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who waits for an answer of a port that goes, or for too long, is told by the
 * kernel; only so many may be waited for, and each serial once. */
#include "bus-test.h"

#include <string.h>
#include <unistd.h>

static int bus;
static struct client a, b;

static void call(struct client *from, const char *to, uint32_t serial,
		 size_t body)
{
	test_send(from->fd, &(struct msg_spec){
		.type = DBUS_TYPE_CALL, .serial = serial, .path = "/o",
		.interface = "i.f", .member = "M", .destination = to,
		.body = body,
	}, NULL, 0);
}

static void hears(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

/* In the form of the driver's own messages. */
static void hears_error(struct client *c, uint32_t serial, const char *name,
			const char *text)
{
	struct wire w;
	struct dbus_str s;
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.type == DBUS_TYPE_ERROR);
	check(m.h.reply_serial == serial);
	check(dbus_str_eq(m.h.error_name, name, strlen(name)));
	check(dbus_str_eq(m.h.sender, DBUS_DRIVER_NAME,
			  strlen(DBUS_DRIVER_NAME)));
	check(dbus_str_eq(m.h.destination, c->name, strlen(c->name)));
	check(dbus_str_eq(m.h.signature, "s", 1));
	wire_init(&w, m.data + m.h.f.header_len, m.h.f.body_len, false);
	s = wire_str(&w);
	check(!wire_error(&w) && w.pos == m.h.f.body_len);
	check(dbus_str_eq(s, text, strlen(text)));
	msg_free(&m);
}

static void hears_no_reply(struct client *c, uint32_t serial, const char *text)
{
	hears_error(c, serial, "org.freedesktop.DBus.Error.NoReply", text);
}

/* The master hears the header, and nobody waits for it. */
static void refused_too_many(uint32_t serial)
{
	struct msg m;

	hears_error(&a, serial, "org.freedesktop.DBus.Error.LimitsExceeded",
		    "The maximum number of pending replies per connection has been reached");
	test_master_recv(bus, &m);
	check(!dbus_frame_parse(&m.h.f, m.data, DBUS_MAX_MESSAGE));
	check(m.info.kind == BUS_KIND_LOGGED &&
	      m.info.refusal == BUS_TOO_MANY_CALLS &&
	      m.info.addr == a.addr && m.info.to == b.addr &&
	      m.h.f.serial == serial && m.len == m.h.f.header_len);
	msg_free(&m);
}

static void answer(struct client *from, struct client *to, uint32_t serial,
		   uint32_t reply_serial)
{
	test_send(from->fd, &(struct msg_spec){
		.type = DBUS_TYPE_RETURN, .flags = DBUS_FLAG_NO_REPLY,
		.serial = serial, .reply_serial = reply_serial,
		.destination = to->name,
	}, NULL, 0);
	hears(to, serial);
}

static void same_serial(void)
{
	call(&a, b.name, 1, 10);
	hears(&b, 1);
	call(&a, b.name, 1, 10);
	hears_error(&a, 1, "org.freedesktop.DBus.Error.AccessDenied",
		    "Message has the same reply serial as a currently-outstanding existing method call");
	test_silence(bus, 50);
	answer(&b, &a, 101, 1);
	call(&a, b.name, 1, 10);
	hears(&b, 1);
	answer(&b, &a, 102, 1);
}

static void too_many(void)
{
	uint32_t i;

	test_limits(bus, &(struct bus_limits){ .replies = 3 });
	for (i = 10; i < 13; i++) {
		call(&a, b.name, i, 10);
		hears(&b, i);
	}
	call(&a, b.name, 13, 10);
	call(&a, b.name, 14, 10);
	refused_too_many(13);
	refused_too_many(14);
	answer(&b, &a, 103, 11);
	call(&a, b.name, 14, 10);
	hears(&b, 14);
	answer(&b, &a, 104, 10);
	answer(&b, &a, 105, 12);
	answer(&b, &a, 106, 14);
	test_limits(bus, &(struct bus_limits){ .replies = 1 << 20 });
}

/* Only when the master lets go of the port: it tells the world first. */
static void callee_goes(void)
{
	struct client c = test_client(bus, 0);
	uint32_t i;

	for (i = 20; i < 30; i++) {
		call(&a, c.name, i, 10);
		hears(&c, i);
	}
	answer(&c, &a, 107, 25);
	close(c.fd);
	test_silence(a.fd, 50);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	for (i = 20; i < 30; i++)
		if (i != 25)
			hears_no_reply(&a, i, "Message recipient disconnected from message bus without replying");
	test_silence(a.fd, 50);
}

static void caller_goes(void)
{
	struct client c = test_client(bus, 0);

	call(&c, b.name, 1, 10);
	hears(&b, 1);
	close(c.fd);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
}

static void too_late(void)
{
	call(&a, b.name, 40, 10);
	hears(&b, 40);
	test_silence(a.fd, 100);
	answer(&b, &a, 108, 40);
	test_limits(bus, &(struct bus_limits){ .reply_ms = 300 });
	call(&a, b.name, 41, 10);
	call(&a, b.name, 42, 10);
	hears(&b, 41);
	hears(&b, 42);
	answer(&b, &a, 109, 41);
	hears_no_reply(&a, 42, "Message did not receive a reply (timeout by message bus)");
	call(&a, b.name, 43, 10);
	hears(&b, 43);
	hears_no_reply(&a, 43, "Message did not receive a reply (timeout by message bus)");
	test_limits(bus, &(struct bus_limits){ .reply_ms = BUS_NEVER });
}

/* More than the table began with. */
static void many(void)
{
	uint32_t i;

	for (i = 1000; i < 3000; i++) {
		call(&a, b.name, i, 10);
		hears(&b, i);
	}
	for (i = 1000; i < 3000; i++)
		answer(&b, &a, i, i);
}

int main(void)
{
	bus = test_bus();
	a = test_client(bus, 0);
	b = test_client(bus, 0);
	same_serial();
	too_many();
	callee_goes();
	caller_goes();
	too_late();
	many();
	/* One waits as the bus ends. */
	call(&a, b.name, 5000, 10);
	close(bus);
	return 0;
}
