// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages to a well-known name go to who owns it now. */
#include "raw.h"

#define NAME "test.routing.Name"
#define ALLOW_REPLACEMENT 1
#define REPLACE 2
#define DO_NOT_QUEUE 4

static uint32_t call(struct raw *c, const char *to)
{
	struct spec s = {
		.path = "/", .interface = "test.Routing", .member = "Where",
		.destination = to, .flags = DBUS_FLAG_NO_AUTO_START,
	};

	return raw_send(c, &s);
}

static void expect_at(struct raw *c, struct raw *owner, const char *to)
{
	uint32_t serial = call(c, to);
	struct msg m;

	raw_recv_member(owner, &m, "Where");
	check(dbus_str_eq(m.h.destination, to, strlen(to)));
	raw_reply(owner, &m, 0);
	msg_free(&m);
	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

static void expect_unknown(struct raw *c, const char *to, const char *error)
{
	struct msg m;

	raw_recv_reply(c, &m, call(c, to));
	check(m.h.f.type == DBUS_TYPE_ERROR);
	if (!dbus_str_eq(m.h.error_name, error, strlen(error)))
		fail("%s: %.*s", to, (int)m.h.error_name.len,
		     m.h.error_name.s);
	msg_free(&m);
}

/* A signal with a destination needs no rule, and no rule gets it. */
static void unicast_signal(struct raw *a, struct raw *b, struct raw *other)
{
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/",
		.interface = "test.Routing", .member = "Sig",
		.destination = b->name,
	};
	struct msg m;

	raw_match(other, "interface='test.Routing'");
	raw_send(a, &s);
	raw_recv_member(b, &m, "Sig");
	msg_free(&m);
	raw_ping(a);
	raw_expect_silence(other, 50);
}

int main(void)
{
	static const char unknown[] =
		"org.freedesktop.DBus.Error.ServiceUnknown";
	static const char no_owner[] =
		"org.freedesktop.DBus.Error.NameHasNoOwner";
	struct raw *c = raw_open(false), *a = raw_open(false);
	struct raw *b = raw_open(true);

	expect_unknown(c, NAME, no_owner);
	check(raw_request_name(a, NAME, ALLOW_REPLACEMENT) == 1);
	expect_at(c, a, NAME);
	expect_at(c, a, a->name);
	check(raw_request_name(b, NAME, ALLOW_REPLACEMENT) == 2);
	expect_at(c, a, NAME);
	check(raw_request_name(b, NAME, REPLACE) == 1);
	expect_at(c, b, NAME);
	raw_release_name(b, NAME);
	expect_at(c, a, NAME);
	check(raw_request_name(b, NAME, 0) == 2);
	unicast_signal(c, a, b);
	raw_close(a);
	/* b inherits as soon as the bus knows; until then nobody answers. */
	usleep(100000);
	expect_at(c, b, NAME);
	raw_release_name(b, NAME);
	expect_unknown(c, NAME, no_owner);
	expect_unknown(c, ":1.4000000000", no_owner);
	expect_unknown(c, ":2.1", no_owner);
	(void)unknown;
	raw_close(b);
	raw_close(c);
	return 0;
}
