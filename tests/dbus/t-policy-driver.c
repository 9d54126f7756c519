// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rules about messages to the bus itself, and from it. */
#include "conf.h"

static void send_rules(struct raw *c)
{
	struct msg m;

	conf_load(c, CONF_DEFAULT(CONF_ALL
		"<deny send_destination='org.freedesktop.DBus' send_member='GetId' send_interface='org.freedesktop.DBus'/>"));
	conf_expect_driver_error(c, "GetId", NULL, NULL, "AccessDenied",
				 "Rejected send message, 2 matched rules; type=\"method_call\", sender=\":1.");
	conf_expect_driver_error(c, "GetId", NULL, NULL, "AccessDenied",
				 "interface=\"org.freedesktop.DBus\" member=\"GetId\" error name=\"(unset)\" requested_reply=\"0\" destination=\"org.freedesktop.DBus\" (bus)");
	conf_expect_log("Rejected send message, 2 matched rules");
	raw_driver(c, &m, "ListNames", NULL, NULL);
	msg_free(&m);
	/* The name of a client is none of the bus's. */
	conf_load(c, CONF_DEFAULT(CONF_ALL "<deny send_destination='test.X'/>"));
	raw_driver(c, &m, "GetId", NULL, NULL);
	msg_free(&m);
}

static void prefix_rules(struct raw *c)
{
	struct msg m;

	conf_load(c, CONF_DEFAULT(CONF_ALL
		"<deny send_destination_prefix='org.freedesktop' send_member='GetId' send_path='/org/freedesktop/DBus'/>"));
	conf_expect_driver_error(c, "GetId", NULL, NULL, "AccessDenied",
				 "Rejected send message, ");
	raw_driver(c, &m, "ListNames", NULL, NULL);
	msg_free(&m);
}

/* What the bus has to say is dropped. */
static void receive_rules(struct raw *c)
{
	struct spec list = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "ListNames",
	};
	struct raw *other;
	uint32_t serial;

	conf_load(c, CONF_DEFAULT(CONF_ALL
		"<deny receive_sender='org.freedesktop.DBus' receive_type='signal'/>"));
	raw_match(c, "type='signal',member='NameOwnerChanged'");
	other = raw_wrap(raw_dial());
	raw_close(other);
	conf_expect_driver_error(c, "GetNameOwner", "no.such", NULL,
				 "NameHasNoOwner", NULL);
	check(raw_request_name(c, "test.Own", 0) == 1);
	raw_release_name(c, "test.Own");
	raw_expect_silence(c, 50);
	conf_load(c, CONF_DEFAULT(CONF_ALL
		"<deny receive_sender='org.freedesktop.DBus' receive_type='error'/>"
		"<deny receive_type='error' receive_requested_reply='true'/>"));
	serial = raw_send(c, &list);
	list.member = "NoSuchMethod";
	raw_send(c, &list);
	list.member = "ListNames";
	for (;;) {
		struct msg m;

		raw_recv(c, &m);
		check(m.h.f.type == DBUS_TYPE_RETURN);
		if (m.h.reply_serial == serial + 2) {
			msg_free(&m);
			break;
		}
		if (m.h.reply_serial == serial)
			raw_send(c, &list);
		msg_free(&m);
	}
}

/* Nobody may say anything but Hello. */
static void nothing_but_hello(struct raw *c)
{
	struct raw *other;

	conf_load(c, CONF_DEFAULT("<allow receive_sender='*'/>")
		  "<policy context='mandatory'><allow send_destination='org.freedesktop.DBus' send_path='/org/freedesktop/DBus' send_member='ReloadConfig'/></policy>");
	other = raw_open(false);
	conf_expect_driver_error(other, "GetId", NULL, NULL, "AccessDenied",
				 "Rejected send message, 0 matched rules");
	raw_close(other);
}

int main(void)
{
	struct raw *c;

	conf_need();
	c = raw_open(false);
	send_rules(c);
	prefix_rules(c);
	receive_rules(c);
	nothing_but_hello(c);
	raw_close(c);
	return 0;
}
