// SPDX-License-Identifier: LGPL-2.1-or-later
/* A rule with eavesdrop='true' shows what others say to each other. */
#include "raw.h"

static void send_to(struct raw *c, const char *dest, const char *member)
{
	raw_send(c, &(struct spec){
		.path = "/x", .interface = "a.b", .member = member,
		.destination = dest, .flags = DBUS_FLAG_NO_REPLY,
	});
}

static void expect(struct raw *c, const char *from, const char *member)
{
	struct msg m;

	raw_recv(c, &m);
	if (!dbus_str_eq(m.h.sender, from, strlen(from)) ||
	    !dbus_str_eq(m.h.member, member, strlen(member)))
		fail("%.*s of %.*s instead of %s of %s", (int)m.h.member.len,
		     m.h.member.s, (int)m.h.sender.len, m.h.sender.s, member,
		     from);
	msg_free(&m);
}

/* Calls and answers, one copy each, and none for whom it was for. */
static void between_others(struct raw *e, struct raw *a, struct raw *b)
{
	raw_match(e, "eavesdrop='true',interface='a.b'");
	raw_match(e, "member='One',eavesdrop=true");
	raw_match(b, "eavesdrop='true',member='One'");
	send_to(a, b->name, "One");
	send_to(a, b->name, "Two");
	raw_ping(a);
	send_to(b, a->name, "Three");
	expect(e, a->name, "One");
	expect(e, a->name, "Two");
	expect(e, b->name, "Three");
	expect(b, a->name, "One");
	expect(b, a->name, "Two");
	expect(a, b->name, "Three");
	raw_expect_silence(b, 50);
	raw_expect_silence(e, 50);
}

/* The rule's destination is asked for only then. */
static void by_destination(struct raw *e, struct raw *a, struct raw *b)
{
	raw_match(e, "eavesdrop='true',destination='a.well',interface='c.d'");
	raw_match(e, "destination='a.well',interface='e.f'");
	raw_request_name(b, "a.well", 0);
	raw_send(a, &(struct spec){
		.path = "/x", .interface = "e.f", .member = "No",
		.destination = "a.well", .flags = DBUS_FLAG_NO_REPLY,
	});
	raw_send(a, &(struct spec){
		.path = "/x", .interface = "c.d", .member = "Yes",
		.destination = b->name, .flags = DBUS_FLAG_NO_REPLY,
	});
	expect(e, a->name, "Yes");
}

static void with_the_driver(struct raw *e, struct raw *a)
{
	raw_match(e, "eavesdrop='true',member='GetId'");
	raw_ping(a);
	expect(e, a->name, "GetId");
	/* Its answers are nobody's business. */
	raw_match(e, "eavesdrop='true',type='method_return'");
	raw_ping(a);
	expect(e, a->name, "GetId");
	raw_expect_silence(e, 50);
}

int main(void)
{
	struct raw *e = raw_open(false), *a = raw_open(false);
	struct raw *b = raw_open(false);

	between_others(e, a, b);
	by_destination(e, a, b);
	with_the_driver(e, a);
	raw_close(e);
	/* Nobody is left who listens. */
	send_to(a, b->name, "One");
	raw_ping(a);
	return 0;
}
