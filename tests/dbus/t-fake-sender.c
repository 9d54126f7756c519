// SPDX-License-Identifier: LGPL-2.1-or-later
/* SENDER is what the bus says, whatever the client wrote. */
#include "raw.h"

static void expect_from(struct raw *at, struct raw *from, const char *member)
{
	struct msg m;

	raw_recv_member(at, &m, member);
	check(dbus_str_eq(m.h.sender, from->name, strlen(from->name)));
	msg_free(&m);
}

int main(void)
{
	static const char *const lies[] = {
		":1.1", ":1.999999999999", "org.freedesktop.DBus",
		"a.very.long.name.that.makes.the.header.longer.than.its.own",
		":0.1", NULL,
	};
	struct raw *a = raw_open(false), *b = raw_open(false);
	struct spec s = {
		.path = "/", .interface = "test.Fake", .member = "M",
	};
	size_t i;

	raw_match(b, "interface='test.Fake'");
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		s.sender = lies[i];
		s.type = DBUS_TYPE_CALL;
		s.destination = b->name;
		raw_send(a, &s);
		expect_from(b, a, "M");
		s.type = DBUS_TYPE_SIGNAL;
		raw_send(a, &s);
		expect_from(b, a, "M");
		s.destination = NULL;
		raw_send(a, &s);
		expect_from(b, a, "M");
	}
	/* Nor can a rule for one sender be served by another. */
	raw_match(b, "sender='org.freedesktop.DBus',member='Forged'");
	s.interface = "test.Other";
	s.member = "Forged";
	s.sender = "org.freedesktop.DBus";
	raw_send(a, &s);
	raw_ping(a);
	raw_expect_silence(b, 50);
	raw_close(a);
	raw_close(b);
	return 0;
}
