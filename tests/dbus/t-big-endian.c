// SPDX-License-Identifier: LGPL-2.1-or-later
/* Each message keeps its sender's byte order (dbus-daemon turns it to its
 * own); the bus reads both. */
#include "raw.h"

static void hello_big(struct raw *c)
{
	struct spec s = {
		.big = true, .path = DRIVER_PATH, .interface = DRIVER,
		.member = "Hello", .destination = DRIVER,
	};
	char buf[128];
	struct msg m;
	uint32_t serial;

	raw_write(c, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_answers(c, 1);
	serial = raw_send(c, &s);
	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	snprintf(c->name, sizeof(c->name), "%s", msg_str(&m));
	msg_free(&m);
}

static void request_big(struct raw *c, const char *name)
{
	struct spec s = {
		.big = true, .path = DRIVER_PATH, .interface = DRIVER,
		.member = "RequestName", .destination = DRIVER,
		.args = { name }, .has_u = true, .u = 4,
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	check(msg_u32(&m) == 1);
	msg_free(&m);
}

static void match_big(struct raw *c, const char *rule)
{
	struct spec s = {
		.big = true, .path = DRIVER_PATH, .interface = DRIVER,
		.member = "AddMatch", .destination = DRIVER, .args = { rule },
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

static void expect(struct raw *at, const char *member, bool big, uint32_t u,
		   struct raw *from)
{
	struct wire w;
	struct msg m;

	raw_recv_member(at, &m, member);
	check(m.h.f.big == big || raw_bus_is("dbus-daemon"));
	check(dbus_str_eq(m.h.sender, from->name, strlen(from->name)));
	check(!strcmp(msg_str(&m), "argument"));
	wire_init(&w, msg_body(&m), m.h.f.body_len, m.h.f.big);
	wire_str(&w);
	check(wire_u32(&w) == u);
	msg_free(&m);
}

int main(void)
{
	struct raw *big = raw_wrap(raw_dial()), *little;
	struct spec s = {
		.path = "/x", .interface = "test.Big", .member = "M",
		.args = { "argument" }, .has_u = true, .u = 0x01020304,
	};

	hello_big(big);
	little = raw_open(false);
	request_big(big, "test.big.Name");
	match_big(big, "interface='test.Big',arg0='argument'");
	raw_match(little, "interface='test.Big',arg0='argument',path='/x'");

	s.big = true;
	s.destination = little->name;
	raw_send(big, &s);
	expect(little, "M", true, 0x01020304, big);
	s.big = false;
	s.destination = "test.big.Name";
	raw_send(little, &s);
	expect(big, "M", false, 0x01020304, little);

	s.type = DBUS_TYPE_SIGNAL;
	s.destination = NULL;
	s.member = "S";
	raw_send(little, &s);
	expect(big, "S", false, 0x01020304, little);
	expect(little, "S", false, 0x01020304, little);
	s.big = true;
	raw_send(big, &s);
	expect(big, "S", true, 0x01020304, big);
	expect(little, "S", true, 0x01020304, big);
	raw_close(big);
	raw_close(little);
	return 0;
}
