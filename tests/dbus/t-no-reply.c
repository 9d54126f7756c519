// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whoever calls hears something: an answer, or that there will be none. Who
 * may answer, and when a call is forgotten.
 */
#include "conf.h"

/* Replies only by whom they are asked of, once; as on a system bus. */
#define STRICT CONF_DEFAULT("<allow own='*'/>" \
	"<allow send_type='method_call'/><allow send_type='signal'/>" \
	"<allow send_type='method_return'/><allow send_type='error'/>" \
	"<allow receive_sender='*'/>")

#define GONE "Message recipient disconnected from message bus without replying"

static uint32_t call(struct raw *a, struct raw *b, uint8_t flags)
{
	struct spec s = {
		.destination = b->name, .path = "/", .member = "Call",
		.flags = flags,
	};

	return raw_send(a, &s);
}

static void hear_call(struct raw *b)
{
	struct msg m;

	raw_recv_member(b, &m, "Call");
	msg_free(&m);
}

static uint32_t reply(struct raw *b, const char *to, uint32_t serial)
{
	struct spec s = {
		.type = DBUS_TYPE_RETURN, .destination = to,
		.reply_serial = serial, .args = { "reply" },
	};

	return raw_send(b, &s);
}

static void hear_reply(struct raw *a, uint32_t serial)
{
	struct msg m;

	raw_recv_reply(a, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN && !strcmp(msg_str(&m), "reply"));
	msg_free(&m);
}

static void hear_none(const struct msg *m, uint32_t *serial)
{
	check(m->h.reply_serial == *serial);
	*serial = 0;
	check(m->h.f.type == DBUS_TYPE_ERROR && !strcmp(msg_str(m), GONE));
	check(dbus_str_eq(m->h.sender, DRIVER, strlen(DRIVER)));
	check(dbus_str_eq(m->h.error_name, E "NoReply", strlen(E "NoReply")));
}

static void callee_goes(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	uint32_t first = call(a, b, 0);
	uint32_t silent = call(a, b, DBUS_FLAG_NO_REPLY);
	uint32_t second = call(a, b, 0);
	struct msg m;

	hear_call(b);
	raw_close(b);
	/* In any order. */
	while (first || second) {
		raw_recv(a, &m);
		check(m.h.reply_serial != silent);
		if (m.h.reply_serial)
			hear_none(&m, m.h.reply_serial == first ? &first :
				  &second);
		msg_free(&m);
	}
	raw_ping(a);
	raw_close(a);
}

/* First the world learns that he is gone. */
static void the_name_goes_first(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	uint32_t serial;
	bool gone = false;
	struct msg m;

	raw_match(a, "type='signal',member='NameOwnerChanged'");
	serial = call(a, b, 0);
	hear_call(b);
	raw_close(b);
	for (;;) {
		raw_recv(a, &m);
		if (m.h.reply_serial == serial)
			break;
		gone |= msg_is(&m, DBUS_TYPE_SIGNAL, "NameOwnerChanged");
		msg_free(&m);
	}
	check(gone);
	msg_free(&m);
	raw_close(a);
}

static void an_answered_call_is_done(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	uint32_t serial = call(a, b, 0);

	hear_call(b);
	reply(b, a->name, serial);
	hear_reply(a, serial);
	raw_close(b);
	raw_ping(a);
	raw_expect_silence(a, 50);
	raw_close(a);
}

static void a_caller_may_go(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);

	call(a, b, 0);
	hear_call(b);
	raw_close(a);
	raw_ping(b);
	raw_close(b);
}

static void to_itself(void)
{
	struct raw *a = raw_open(false);
	uint32_t serial = call(a, a, 0);

	hear_call(a);
	reply(a, a->name, serial);
	hear_reply(a, serial);
	call(a, a, 0);
	hear_call(a);
	raw_close(a);
}

static void the_same_serial(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	struct raw *c = raw_open(false);
	struct spec s = {
		.destination = b->name, .path = "/", .member = "Call",
		.serial = 77777,
	};

	raw_send(a, &s);
	hear_call(b);
	raw_send(a, &s);
	conf_expect_error(a, 77777, "AccessDenied",
			  "Message has the same reply serial as a currently-outstanding existing method call");
	/* For somebody else it is free, and once it is answered. */
	s.destination = c->name;
	raw_send(a, &s);
	hear_call(c);
	reply(b, a->name, 77777);
	hear_reply(a, 77777);
	s.destination = b->name;
	raw_send(a, &s);
	hear_call(b);
	raw_close(a);
	raw_close(b);
	raw_close(c);
}

static void only_the_called_answers_once(struct raw *control)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	struct raw *c = raw_open(false);
	uint32_t serial, wrong;

	conf_load(control, STRICT);
	serial = call(a, b, 0);
	hear_call(b);
	wrong = reply(c, a->name, serial);
	conf_expect_error(c, wrong, "AccessDenied",
			  "requested_reply=\"0\"");
	wrong = reply(b, a->name, serial + 1);
	conf_expect_error(b, wrong, "AccessDenied", "Rejected send message");
	reply(b, a->name, serial);
	hear_reply(a, serial);
	wrong = reply(b, a->name, serial);
	conf_expect_error(b, wrong, "AccessDenied", "Rejected send message");
	/* Nothing was noted for who does not want one. */
	serial = call(a, b, DBUS_FLAG_NO_REPLY);
	hear_call(b);
	wrong = reply(b, a->name, serial);
	conf_expect_error(b, wrong, "AccessDenied", "Rejected send message");
	raw_expect_silence(a, 20);
	raw_close(a);
	raw_close(b);
	raw_close(c);
	conf_load(control, CONF_DEFAULT(CONF_ALL));
}

/* What is forbidden was an answer all the same: no second try. */
static void a_denied_reply_is_used_up(struct raw *control)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	uint32_t serial = call(a, b, 0), wrong;

	hear_call(b);
	conf_load(control, CONF_DEFAULT(CONF_ALL
		"<deny receive_type='method_return' receive_requested_reply='true'/>")
		  CONF_DRIVER);
	wrong = reply(b, a->name, serial);
	conf_expect_error(b, wrong, "AccessDenied", "requested_reply=\"1\"");
	conf_load(control, STRICT);
	wrong = reply(b, a->name, serial);
	conf_expect_error(b, wrong, "AccessDenied", "requested_reply=\"0\"");
	raw_close(a);
	raw_close(b);
	conf_load(control, CONF_DEFAULT(CONF_ALL));
}

static void too_many(struct raw *control)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	uint32_t serial, first;
	char log[256];

	conf_load(control, CONF_DEFAULT(CONF_ALL)
		  "<limit name='max_replies_per_connection'>2</limit>");
	first = call(a, b, 0);
	call(a, b, 0);
	call(a, b, DBUS_FLAG_NO_REPLY);
	serial = call(a, b, 0);
	conf_expect_error(a, serial, "LimitsExceeded",
			  "The maximum number of pending replies per connection has been reached");
	snprintf(log, sizeof(log), "The maximum number of pending replies for \"%s\" (uid=",
		 a->name);
	conf_expect_log(log);
	reply(b, a->name, first);
	hear_reply(a, first);
	serial = call(a, b, 0);
	hear_call(b);
	reply(b, a->name, serial);
	hear_reply(a, serial);
	raw_close(a);
	raw_close(b);
	conf_load(control, CONF_DEFAULT(CONF_ALL));
}

int main(void)
{
	struct raw *control;

	conf_need();
	control = raw_open(false);
	callee_goes();
	the_name_goes_first();
	an_answered_call_is_done();
	a_caller_may_go();
	to_itself();
	the_same_serial();
	only_the_called_answers_once(control);
	a_denied_reply_is_used_up(control);
	too_many(control);
	raw_close(control);
	return 0;
}
