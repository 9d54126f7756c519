// SPDX-License-Identifier: LGPL-2.1-or-later
/* Services that do not come, and what those who wait for them hear. */
#include "services.h"

#define E "org.freedesktop.DBus.Error."

static void one_each(struct raw *c)
{
	service_add("test.Exit", "exit=7");
	service_expect_error(c, "test.Exit", E "Spawn.ChildExited",
			     "Process test.Exit exited with status 7");
	service_add("test.Raise", "raise=9");
	service_expect_error(c, "test.Raise", E "Spawn.ChildSignaled",
			     "Process test.Raise received signal 9");
	service_add_lines("test.None", "Exec=/nowhere/nothing");
	service_expect_error(c, "test.None", E "Spawn.ExecFailed",
			     "Failed to execute program test.None: No such file or directory");
	service_add_lines("test.Quotes", "Exec=/bin/true 'a");
	service_expect_error(c, "test.Quotes", E "InvalidArgs",
			     "Unclosed quotes in command line");
	/* No search in $PATH. */
	service_add_lines("test.Path", "Exec=true");
	service_expect_error(c, "test.Path", E "Spawn.ExecFailed", NULL);
}

/* The next time is not spoilt by the last. */
static void again(struct raw *c)
{
	int i;

	for (i = 0; i < 20; i++)
		service_expect_error(c, "test.Exit", E "Spawn.ChildExited",
				     NULL);
	/* dbus-daemon would see it a second later. */
	if (raw_bus_is("dbus-daemon"))
		return;
	service_add("test.Exit", "own=test.Exit serve mended");
	service_expect(c, "test.Exit", "Arg", "3", "mended");
}

/* One that goes to the background ends, and is there all the same. */
static void background(struct raw *c)
{
	service_add("test.Fork", "fork sleep=200 own=test.Fork serve");
	service_expect(c, "test.Fork", "Echo", "back", "back");
}

/* All who wait are told, of every service that this program was to be. */
static void everybody(void)
{
	struct raw *c[20];
	struct msg m;
	size_t i;

	service_add("test.All1", "sleep=300 exit=1");
	service_add("test.All2", "sleep=300 exit=1");
	for (i = 0; i < 20; i++) {
		c[i] = raw_open(false);
		if (i & 1)
			service_send_start(c[i], "test.All1");
		else
			raw_send(c[i], &(struct spec){
				.path = "/x", .interface = "a.b",
				.member = "Call",
				.destination = i & 2 ? "test.All1" :
						       "test.All2",
			});
	}
	for (i = 0; i < 20; i++) {
		do {
			raw_recv(c[i], &m);
		} while (m.h.f.type == DBUS_TYPE_SIGNAL &&
			 (msg_free(&m), true));
		check(m.h.f.type == DBUS_TYPE_ERROR);
		check(dbus_str_eq(m.h.error_name, E "Spawn.ChildExited",
				  strlen(E "Spawn.ChildExited")));
		msg_free(&m);
		raw_close(c[i]);
	}
}

/* Somebody else takes the name: that is as good. */
static void another(struct raw *c)
{
	struct raw *other = raw_open(false);
	uint32_t serial;
	struct msg m;

	service_add("test.Other", "sleep=100000");
	serial = service_send_start(c, "test.Other");
	raw_ping(c);
	check(raw_request_name(other, "test.Other", 0) == 1);
	raw_recv_reply(c, &m, serial);
	check(msg_u32(&m) == 1);
	msg_free(&m);
	raw_close(other);
}

/* Files that mean nothing are no services. */
static void bad_files(struct raw *c)
{
	service_add_lines("test.NoExec", "");
	service_expect_error(c, "test.NoExec", E "ServiceUnknown", NULL);
	service_add_lines("test.Syntax", "Exec=/bin/true\nwhat is this");
	service_expect_error(c, "test.Syntax", E "ServiceUnknown", NULL);
	service_add_lines("test.Escape", "Exec=/bin/true \\q");
	service_expect_error(c, "test.Escape", E "ServiceUnknown", NULL);
}

int main(void)
{
	struct raw *c = raw_open(false);

	one_each(c);
	again(c);
	background(c);
	everybody();
	another(c);
	bad_files(c);
	raw_close(c);
	return 0;
}
