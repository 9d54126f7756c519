// SPDX-License-Identifier: LGPL-2.1-or-later
/* Behind a broadcast that somebody may not have, monitors see an error for each
 * of them, before anything that the sender says later. */
#include "conf.h"

#include <string.h>

#define SIGNALS 20

static struct raw *new_monitor(void)
{
	struct raw *c = raw_open(false);
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER ".Monitoring",
		.member = "BecomeMonitor", .destination = DRIVER,
		.args = { "member='Broadcast'", "type='error'" },
		.array = true, .has_u = true,
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	raw_recv_member(c, &m, "NameLost");
	msg_free(&m);
	return c;
}

static bool is(struct dbus_str s, const char *text)
{
	return dbus_str_eq(s, text, strlen(text));
}

static void saw_error(struct raw *w, const struct raw *to, uint32_t serial)
{
	struct msg m;

	raw_recv(w, &m);
	check(m.h.f.type == DBUS_TYPE_ERROR && m.h.reply_serial == serial);
	check(is(m.h.sender, DRIVER) && is(m.h.destination, to->name));
	check(is(m.h.error_name, DRIVER ".Error.AccessDenied"));
	msg_free(&m);
}

static uint32_t saw_signal(struct raw *w, uint32_t number)
{
	uint32_t serial;
	struct msg m;

	raw_recv(w, &m);
	check(msg_is(&m, DBUS_TYPE_SIGNAL, "Broadcast"));
	check(msg_u32(&m) == number);
	serial = m.h.f.serial;
	msg_free(&m);
	return serial;
}

int main(void)
{
	struct raw *control, *w, *a, *b, *c;
	uint32_t i, serial;

	conf_need();
	control = raw_open(false);
	conf_load(control, CONF_DEFAULT(CONF_ALL
		"<deny receive_interface='test.Iface'/>") CONF_DRIVER);
	a = raw_open(false);
	b = raw_open(false);
	c = raw_open(false);
	raw_match(b, "member='Broadcast'");
	raw_match(c, "member='Broadcast'");
	w = new_monitor();
	for (i = 0; i < SIGNALS; i++)
		raw_signal(a, "Broadcast", i, 100);
	for (i = 0; i < SIGNALS; i++) {
		serial = saw_signal(w, i);
		saw_error(w, a, serial);
		saw_error(w, a, serial);
	}
	/* Nobody else has heard of it. */
	raw_expect_silence(a, 50);
	raw_expect_silence(b, 50);
	raw_close(w);
	raw_close(a);
	raw_close(b);
	raw_close(c);
	raw_close(control);
	return 0;
}
