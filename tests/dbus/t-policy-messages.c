// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every row of tests/policy/cases.h: the policy is put into the bus's
 * configuration and reloaded, then A sends the message to B.
 */
#include "conf.h"

#include "tests/policy/cases.h"

struct scene {
	struct raw *a, *b, *other, *control;
};

/* The test itself has to go on talking to the bus. */
static void load(struct scene *s, const char *rules)
{
	char *text;

	check(asprintf(&text, CONF_DEFAULT("<allow own='*'/>%s") CONF_DRIVER,
		       rules) > 0);
	conf_load(s->control, text);
	free(text);
}

static void set_up(struct scene *s)
{
	s->control = raw_open(false);
	load(s, OPEN);
	s->a = raw_open(true);
	s->b = raw_open(true);
	s->other = raw_open(false);
	check(raw_request_name(s->a, "test.Sender", 0) == 1);
	check(raw_request_name(s->b, "test.Owner", 0) == 1);
	check(raw_request_name(s->b, "test.Owner.Below", 0) == 1);
	check(raw_request_name(s->other, "test.Queued", 0) == 1);
	check(raw_request_name(s->b, "test.Queued", 0) == 2);
	raw_match(s->b, "type='signal',interface='test.Iface'");
}

/* A call of B's that A has seen. */
static uint32_t ask(struct scene *s)
{
	struct spec call = {
		.destination = s->a->name, .path = "/", .member = "Ask",
	};
	uint32_t serial = raw_send(s->b, &call);
	struct msg m;

	raw_recv_member(s->a, &m, "Ask");
	msg_free(&m);
	return serial;
}

static uint32_t send(struct scene *s, const struct message *m, uint32_t reply)
{
	static const int fds[] = { STDIN_FILENO, STDERR_FILENO };
	struct spec spec = {
		.type = m->type,
		.flags = m->type == DBUS_TYPE_CALL ? DBUS_FLAG_NO_REPLY : 0,
		.reply_serial = reply,
		.unix_fds = m->fds,
		.path = m->path,
		.interface = m->interface,
		.member = m->member,
		.error = m->error,
		.destination = m->destination,
		.args = { "the message" },
	};

	if (m->destination && !strcmp(m->destination, "B"))
		spec.destination = s->b->name;
	return raw_send_fds(s->a, &spec, fds, m->fds);
}

static enum outcome told(struct scene *s, uint32_t serial)
{
	enum outcome o = SILENT;
	uint32_t ping;
	struct msg m;
	struct spec id = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "GetId",
	};

	ping = raw_send(s->a, &id);
	for (;;) {
		raw_recv(s->a, &m);
		if (m.h.reply_serial == ping)
			break;
		if (m.h.reply_serial == serial) {
			check(dbus_str_eq(m.h.error_name,
				"org.freedesktop.DBus.Error.AccessDenied", 39));
			o = strstr(msg_str(&m), "Rejected receive") ?
			    DENIED_RECEIVE : DENIED_SEND;
			check(o == DENIED_RECEIVE ||
			      strstr(msg_str(&m), "Rejected send message, "));
		}
		msg_free(&m);
	}
	msg_free(&m);
	return o;
}

static bool arrived(struct scene *s)
{
	bool arrived = false;
	uint32_t ping;
	struct msg m;
	struct spec id = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "GetId",
	};

	ping = raw_send(s->b, &id);
	for (;;) {
		raw_recv(s->b, &m);
		if (m.h.reply_serial == ping &&
		    strcmp(msg_str(&m), "the message"))
			break;
		if (!strcmp(msg_str(&m), "the message"))
			arrived = true;
		msg_free(&m);
	}
	msg_free(&m);
	return arrived;
}

static enum outcome try(struct scene *s, const struct policy_case *c)
{
	uint32_t reply = 0, serial;
	enum outcome o;

	load(s, OPEN);
	if (c->message->reply == REQUESTED)
		reply = ask(s);
	else if (c->message->reply == UNREQUESTED)
		reply = 4000000;
	load(s, c->rules);
	serial = send(s, c->message, reply);
	o = told(s, serial);
	if (arrived(s))
		o = o == SILENT ? DELIVERED : 100;
	return o;
}

int main(void)
{
	struct scene s;
	size_t i, bad = 0;

	conf_need();
	set_up(&s);
	for (i = 0; i < sizeof(policy_cases) / sizeof(policy_cases[0]); i++) {
		const struct policy_case *c = &policy_cases[i];
		enum outcome o = try(&s, c);

		if (o == c->outcome)
			continue;
		fprintf(stderr, "%s: outcome %d, expected %d\n", c->name, o,
			c->outcome);
		bad++;
	}
	conf_expect_log("Rejected send message, 2 matched rules; type=\"method_call\", sender=\":1.");
	conf_expect_log("Rejected receive message, 2 matched rules; type=\"method_call\", sender=\":1.");
	conf_expect_log("Would reject message, 2 matched rules; type=\"method_call\", sender=\":1.");
	raw_close(s.a);
	raw_close(s.b);
	raw_close(s.other);
	raw_close(s.control);
	return bad != 0;
}
