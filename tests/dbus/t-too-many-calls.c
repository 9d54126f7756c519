// SPDX-License-Identifier: LGPL-2.1-or-later
/* A client may wait for so many answers at a time. Calls above that fail, all
 * that were sent before an answer made room, and nothing else does. */
#include "conf.h"

#define ROUNDS 100
#define MAX 3
#define ABOVE 2

static uint32_t call(struct raw *c, const struct raw *to)
{
	return raw_send(c, &(struct spec){
		.destination = to->name, .path = "/o", .member = "Call",
		.interface = "test.Iface" });
}

static void expect_return(struct raw *c, uint32_t serial)
{
	struct msg m;

	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

/* The errors may come before the answers, or between them. */
static void expect_all(struct raw *a, const uint32_t *serials)
{
	unsigned int i, good = 0, bad = 0;
	struct msg m;

	for (i = 0; i < MAX + ABOVE; i++) {
		raw_recv(a, &m);
		if (m.h.f.type == DBUS_TYPE_RETURN) {
			check(m.h.reply_serial == serials[good]);
			good++;
		} else {
			check(m.h.f.type == DBUS_TYPE_ERROR);
			check(m.h.reply_serial == serials[MAX + bad]);
			check(dbus_str_eq(m.h.error_name, E "LimitsExceeded",
					  strlen(E "LimitsExceeded")));
			check(!strcmp(msg_str(&m), "The maximum number of pending replies per connection has been reached"));
			bad++;
		}
		msg_free(&m);
	}
	check(good == MAX && bad == ABOVE);
}

static void too_many(struct raw *a, struct raw *b)
{
	uint32_t serials[MAX + ABOVE];
	struct msg calls[MAX];
	unsigned int i;

	for (i = 0; i < MAX; i++)
		serials[i] = call(a, b);
	for (i = 0; i < MAX; i++)
		raw_recv_member(b, &calls[i], "Call");
	for (; i < MAX + ABOVE; i++)
		serials[i] = call(a, b);
	for (i = 0; i < MAX; i++) {
		raw_reply(b, &calls[i], 0);
		msg_free(&calls[i]);
	}
	expect_all(a, serials);
	raw_expect_silence(b, 0);
}

/* With a monitor the kernel's way is another; it sees the call and the error. */
static void watched(struct raw *a, struct raw *b)
{
	struct raw *w = raw_open(false);
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER ".Monitoring",
		.member = "BecomeMonitor", .destination = DRIVER,
		.args = { "interface='test.Iface'", "type='error'" },
		.array = true, .has_u = true,
	};
	unsigned int calls = 0, errors = 0;
	struct msg m;

	raw_recv_reply(w, &m, raw_send(w, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	too_many(a, b);
	while (calls < MAX + ABOVE || errors < ABOVE) {
		raw_recv(w, &m);
		calls += msg_is(&m, DBUS_TYPE_CALL, "Call");
		errors += m.h.f.type == DBUS_TYPE_ERROR;
		check(calls >= errors);
		msg_free(&m);
	}
	raw_close(w);
}

/* Somebody who got nothing has nothing to answer to: the limit is as it was. */
static void as_before(struct raw *a, struct raw *b)
{
	uint32_t serial;
	struct msg m;
	int i;

	for (i = 0; i < 2 * MAX; i++) {
		serial = call(a, b);
		raw_recv_member(b, &m, "Call");
		check(m.h.f.serial == serial);
		raw_reply(b, &m, 0);
		msg_free(&m);
		expect_return(a, serial);
	}
}

int main(void)
{
	struct raw *a, *b;
	char text[128];
	int i;

	conf_need();
	a = raw_open(false);
	b = raw_open(false);
	conf_load(a, CONF_DEFAULT(CONF_ALL)
		  "<limit name='max_replies_per_connection'>3</limit>");
	for (i = 0; i < ROUNDS; i++)
		too_many(a, b);
	if (!raw_bus_is("dbus-daemon")) {
		snprintf(text, sizeof(text), "\"%s\" (uid=%u pid=%d comm=\"",
			 a->name, (unsigned int)getuid(), (int)getpid());
		conf_expect_log(text);
		conf_expect_log("has been reached (max_replies_per_connection=3)");
	}
	watched(a, b);
	as_before(a, b);
	return 0;
}
