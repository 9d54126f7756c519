// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who eavesdrops is one more receiver, whom no reply was promised: rules about
 * sending and receiving are asked for him too.
 */
#include "conf.h"

struct row {
	const char *rules;
	bool call, reply;	/* that he sees */
};

#define CALLS "<allow send_type='method_call'/>"
#define RETURNS "<allow send_type='method_return'/>"
#define ALL_RETURNS \
	"<allow send_type='method_return' send_requested_reply='false'/>"
#define HEAR "<allow receive_sender='*' eavesdrop='true'/>"

static const struct row rows[] = {
	{ CONF_ALL, true, true },
	{ CALLS RETURNS HEAR, true, false },
	{ CALLS ALL_RETURNS HEAR, true, true },
	{ CALLS "<allow send_type='method_return' eavesdrop='true'/>" HEAR,
	  true, true },
	{ CALLS ALL_RETURNS "<allow receive_sender='*'/>", false, false },
	{ CALLS ALL_RETURNS HEAR
	  "<deny receive_type='method_call' eavesdrop='true'/>", false, true },
	{ CALLS ALL_RETURNS HEAR
	  "<deny receive_type='method_return' eavesdrop='true'/>", true,
	  false },
	{ CONF_ALL "<deny send_type='method_return'/>", true, false },
	{ CONF_ALL "<deny receive_type='method_return'/>", true, false },
	{ CONF_ALL "<deny send_destination='test.Watcher' send_type='method_call'/>",
	  false, true },
};

static void load(struct raw *c, const char *rules)
{
	char *text;

	check(asprintf(&text, CONF_DEFAULT("<allow own='*'/>%s") CONF_DRIVER,
		       rules) > 0);
	conf_load(c, text);
	free(text);
}

/* A calls B, who answers. */
static void talk(struct raw *a, struct raw *b)
{
	struct spec s = {
		.destination = b->name, .path = "/", .member = "Call",
		.args = { "call" },
	};
	uint32_t serial = raw_send(a, &s);
	struct msg m;

	raw_recv_member(b, &m, "Call");
	msg_free(&m);
	s = (struct spec){
		.type = DBUS_TYPE_RETURN, .destination = a->name,
		.reply_serial = serial, .args = { "reply" },
	};
	raw_send(b, &s);
	raw_recv_reply(a, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

static void hear(struct raw *w, const struct raw *from, bool *call, bool *reply)
{
	struct spec id = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "GetId",
	};
	uint32_t serial = raw_send(w, &id);
	struct msg m;

	*call = *reply = false;
	for (;;) {
		raw_recv(w, &m);
		*call |= !strcmp(msg_str(&m), "call");
		*reply |= !strcmp(msg_str(&m), "reply");
		if (dbus_str_eq(m.h.sender, DRIVER, strlen(DRIVER)) &&
		    dbus_str_eq(m.h.destination, w->name, strlen(w->name)) &&
		    m.h.reply_serial == serial)
			break;
		msg_free(&m);
	}
	msg_free(&m);
}

int main(void)
{
	struct raw *control, *a, *b, *w;
	bool call, reply, bad = false;
	char rule[128];
	size_t i;

	conf_need();
	control = raw_open(false);
	load(control, CONF_ALL);
	a = raw_open(false);
	b = raw_open(false);
	w = raw_open(false);
	check(raw_request_name(w, "test.Watcher", 0) == 1);
	snprintf(rule, sizeof(rule), "eavesdrop='true',sender='%s'", a->name);
	raw_match(w, rule);
	snprintf(rule, sizeof(rule), "eavesdrop='true',sender='%s'", b->name);
	raw_match(w, rule);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(control, rows[i].rules);
		talk(a, b);
		hear(w, a, &call, &reply);
		if (call == rows[i].call && reply == rows[i].reply)
			continue;
		fprintf(stderr, "row %zu: call %d, reply %d\n", i, call,
			reply);
		bad = true;
	}
	raw_close(w);
	raw_close(a);
	raw_close(b);
	raw_close(control);
	return bad;
}
