// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which rules let a signal through; one copy, however many match. */
#include "raw.h"

#define NAME "test.match.Sender"

struct row {
	const char *rule;
	bool hit;
};

/* For the signal of send_one(). */
static const struct row rows[] = {
	{ "", true },
	{ "type='signal'", true },
	{ "type='method_call'", false },
	{ "sender='" NAME "'", true },
	{ "sender='test.match.Nobody'", false },
	{ "sender='test.match.Queued'", false },
	{ "interface='test.Match'", true },
	{ "interface='test.Matc'", false },
	{ "interface=test.Match,member=Sig", true },
	{ "member='Sig'", true },
	{ "member='Sig2'", false },
	{ "path='/a/b'", true },
	{ "path='/a'", false },
	{ "path_namespace='/a'", true },
	{ "path_namespace='/'", true },
	{ "path_namespace='/a/b'", true },
	{ "path_namespace='/a/b/c'", false },
	{ "path_namespace='/a/'", false },	/* refused */
	{ "arg0='org.test.x'", true },
	{ "arg0='org.test'", false },
	{ "arg1='/x/y/'", true },
	{ "arg2=''", true },
	{ "arg3='x'", false },
	{ "arg0namespace='org.test'", true },
	{ "arg0namespace='org.te'", false },
	{ "arg1path='/x/y/'", true },
	{ "arg1path='/x/'", true },
	{ "arg1path='/x/y/z'", true },
	{ "arg1path='/x/z/'", false },
	{ "arg1path='/x'", false },
	{ "type='signal',sender='" NAME "',interface='test.Match',"
	  "member='Sig',path='/a/b',arg0='org.test.x',arg1='/x/y/'", true },
};

static void send_one(struct raw *c)
{
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/a/b",
		.interface = "test.Match", .member = "Sig",
		.args = { "org.test.x", "/x/y/", "" },
	};

	raw_send(c, &s);
}

/* The number of signals "Sig" that came before the bus's answer. */
static int count(struct raw *c)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = "GetId",
		.destination = DRIVER,
	};
	uint32_t serial = raw_send(c, &s);
	struct msg m;
	int n = 0;

	for (;;) {
		raw_recv(c, &m);
		if (m.h.reply_serial == serial)
			break;
		n += msg_is(&m, DBUS_TYPE_SIGNAL, "Sig");
		msg_free(&m);
	}
	msg_free(&m);
	return n;
}

static void change_rule(struct raw *c, const char *member, const char *rule)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { rule },
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	msg_free(&m);
}

static void each_rule(struct raw *a, struct raw *b)
{
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		change_rule(b, "AddMatch", rows[i].rule);
		send_one(a);
		raw_ping(a);
		n = count(b);
		if (n != rows[i].hit)
			fail("rule \"%s\": %d", rows[i].rule, n);
		change_rule(b, "RemoveMatch", rows[i].rule);
	}
	send_one(a);
	raw_ping(a);
	check(!count(b));
}

int main(void)
{
	struct raw *a = raw_open(false), *b = raw_open(true);
	struct raw *other = raw_open(false);
	size_t i;

	check(raw_request_name(a, NAME, 0) == 1);
	check(raw_request_name(other, "test.match.Queued", 0) == 1);
	check(raw_request_name(a, "test.match.Queued", 0) == 2);
	each_rule(a, b);

	/* All at once, some twice: one copy; the sender gets one too. */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		change_rule(b, "AddMatch", rows[i].rule);
		change_rule(b, "AddMatch", rows[i].rule);
		change_rule(a, "AddMatch", rows[i].rule);
	}
	send_one(a);
	check(count(a) == 1);
	check(count(b) == 1);
	check(count(other) == 0);
	/* One instance is removed, the other stays. */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		change_rule(b, "RemoveMatch", rows[i].rule);
	send_one(a);
	check(count(a) == 1);
	check(count(b) == 1);
	raw_close(a);
	raw_close(b);
	raw_close(other);
	return 0;
}
