// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * AppArmor's say: what its kernel part is asked about names, messages and
 * eavesdropping, in what words that is refused and written down, and what is
 * not asked.
 */
#include "fake-lsm.h"
#include "services.h"

#define REFUSED "An AppArmor policy prevents this sender from sending this message to this recipient; type=\""
#define DENIED "%Aapparmor=\"DENIED\" operation=\"dbus_"
#define ALLOWED "%Aapparmor=\"ALLOWED\" operation=\"dbus_"
#define TO_B " bus=\"session\" path=\"/\" interface=\"a.b\" member="

static struct raw *a, *b, *free_one;
static char text[1024];

static uint32_t call(struct raw *from, const char *to, const char *member)
{
	struct spec s = {
		.destination = to, .path = "/", .interface = "a.b",
		.member = member,
	};

	return raw_send(from, &s);
}

static void arrives(struct raw *from, struct raw *to, const char *member)
{
	uint32_t serial = call(from, to->name, member);
	struct msg m;

	raw_recv_member(to, &m, member);
	raw_reply(to, &m, 0);
	msg_free(&m);
	raw_recv_reply(from, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

static void the_label_is_told(void)
{
	struct msg m;

	raw_driver(b, &m, "GetConnectionCredentials", a->name, NULL);
	check(memmem(m.data, m.len, "LinuxSecurityLabel", 19));
	check(memmem(m.data, m.len, "\14\0\0\0a (enforce)", 16));
	msg_free(&m);
	/* Which is none of SELinux's. */
	conf_expect_driver_error(b, "GetConnectionSELinuxSecurityContext",
				 a->name, NULL, "SELinuxSecurityContextUnknown",
				 NULL);
}

static void it_is_a_feature(void)
{
	struct spec s = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = "org.freedesktop.DBus.Properties", .member = "Get",
		.args = { DRIVER, "Features" },
	};
	uint32_t serial = raw_send(free_one, &s);
	struct msg m;

	raw_recv_reply(free_one, &m, serial);
	check(memmem(m.data, m.len, "AppArmor", 9));
	check(!memmem(m.data, m.len, "SELinux", 8));
	msg_free(&m);
}

/* Calls of the bus are messages too, and both ends are asked. */
#define ASKED_BUS(member) \
	"query: send a class 32 session|org.freedesktop.DBus|bus_p|/org/freedesktop/DBus|org.freedesktop.DBus|" member "\n" \
	"query: receive bus_p class 32 session|:1.%d|a|/org/freedesktop/DBus|org.freedesktop.DBus|" member "\n"

static void names_are_bound(void)
{
	lsm_policy("");
	check(raw_request_name(a, "test.A", 0) == 1);
	lsm_expect_log(ASKED_BUS("RequestName")
		       "query: bind a class 32 session|test.A\n");
	raw_release_name(a, "test.A");
	lsm_policy("deny bind a\n");
	snprintf(text, sizeof(text),
		 "Connection \"%s\" is not allowed to own the service \"test.A\" due to AppArmor policy",
		 a->name);
	conf_expect_driver_error(a, "RequestName", "test.A", NULL,
				 "AccessDenied", text);
	lsm_expect_log(ASKED_BUS("RequestName")
		       "query: bind a class 32 session|test.A\n"
		       DENIED "bind\"  bus=\"session\" name=\"test.A\" mask=\"bind\" pid=%d label=\"a\"\n");
	lsm_policy("audit bind a\n");
	check(raw_request_name(a, "test.A", 0) == 1);
	raw_release_name(a, "test.A");
	lsm_policy("error bind a\n");
	conf_expect_driver_error(a, "RequestName", "test.A", NULL, "Failed",
				 "Failed to query AppArmor policy: Protocol error");
	lsm_expect_log(ASKED_BUS("RequestName")
		       "query: bind a class 32 session|test.A\n"
		       DENIED "bind\"  bus=\"session\" name=\"test.A\" info=\"Protocol error\" mask=\"bind\" pid=%d label=\"a\"\n");
}

/* What A's profile is asked about a call of B, and B's. */
#define ASKED(member) \
	"query: send a class 32 session|:1.%d|b|/|a.b|" member "\n" \
	"query: receive b class 32 session|:1.%d|a|/|a.b|" member "\n"

static void both_ends_are_asked(void)
{
	uint32_t serial;

	lsm_policy("");
	arrives(a, b, "Yes");
	/* Not about the reply: who may call may be answered. */
	lsm_expect_log(ASKED("Yes"));
	lsm_policy("deny send a\n");
	serial = call(a, b->name, "No");
	snprintf(text, sizeof(text),
		 REFUSED "method_call\", sender=\"%s\" (uid=%u pid=%d comm=\"",
		 a->name, (unsigned int)getuid(), (int)getpid());
	conf_expect_error(a, serial, "AccessDenied", text);
	lsm_expect_log(ASKED("No")
		       DENIED "method_call\" " TO_B "\"No\" mask=\"send\" name=\":1.%d\" pid=%d label=\"a\" peer_pid=%d peer_label=\"b\"\n");
	lsm_policy("deny receive b\n");
	serial = call(a, b->name, "No");
	conf_expect_error(a, serial, "AccessDenied",
			  "label=\"a (enforce)\") interface=\"a.b\" member=\"No\" error name=\"(unset)\" requested_reply=\"0\" destination=\":1.");
	lsm_expect_log(ASKED("No")
		       DENIED "method_call\" " TO_B "\"No\" name=\":1.%d\" mask=\"receive\" pid=%d label=\"b\" peer_pid=%d peer_label=\"a\"\n");
	lsm_policy("audit send a\n");
	arrives(a, b, "Yes");
	lsm_expect_log(ASKED("Yes")
		       ALLOWED "method_call\" " TO_B "\"Yes\" mask=\"send\" name=\":1.%d\" pid=%d label=\"a\" peer_pid=%d peer_label=\"b\"\n");
	lsm_policy("error receive b\n");
	serial = call(a, b->name, "No");
	conf_expect_error(a, serial, "Failed",
			  "Failed to query AppArmor policy: Protocol error");
}

static void who_is_not_confined_is_not_asked(void)
{
	lsm_policy("deny send unconfined\ndeny receive unconfined\n"
		   "deny bind unconfined\n");
	arrives(free_one, free_one, "Yes");
	lsm_expect_log("");
	check(raw_request_name(free_one, "test.Free", 0) == 1);
	raw_release_name(free_one, "test.Free");
}

static void who_is_complained_about_may(void)
{
	struct raw *c = lsm_open("c (complain)");

	lsm_policy("deny send c\ndeny receive c\ndeny bind c\n");
	arrives(c, free_one, "Yes");
	arrives(free_one, c, "Yes");
	lsm_expect_log("query: send c class 32 session|:1.%d|unconfined|/|a.b|Yes\n"
		       ALLOWED "method_call\" " TO_B "\"Yes\" mask=\"send\" name=\":1.%d\" pid=%d label=\"c\" peer_pid=%d peer_label=\"unconfined\"\n"
		       "query: receive c class 32 session|:1.%d|unconfined|/|a.b|Yes\n"
		       ALLOWED "method_call\" " TO_B "\"Yes\" name=\":1.%d\" mask=\"receive\" pid=%d label=\"c\" peer_pid=%d peer_label=\"unconfined\"\n");
	check(raw_request_name(c, "test.C", 0) == 1);
	raw_close(c);
}

/* Nobody has called, so it is asked, but nothing is written. */
static void replies_that_nobody_waits_for(void)
{
	struct spec s = {
		.type = DBUS_TYPE_RETURN, .reply_serial = 4242,
		.destination = b->name,
	};
	uint32_t serial;

	conf_load(free_one, CONF_DEFAULT(CONF_ALL
		  "<allow send_requested_reply='false'/>"
		  "<allow receive_requested_reply='false'/>"));
	lsm_policy("deny send a\n");
	serial = raw_send(a, &s);
	conf_expect_error(a, serial, "AccessDenied",
			  REFUSED "method_return\"");
	lsm_expect_log("query: send a class 32 session|:1.%d|b|||\n"
		       "query: receive b class 32 session|:1.%d|a|||\n");
	conf_load(free_one, CONF_DEFAULT(CONF_ALL));
}

static void signals_are_dropped(void)
{
	struct msg m;

	lsm_policy("deny receive b\n");
	lsm_policy("");
	raw_match(b, "member='News'");
	lsm_policy("deny receive b\n");
	raw_signal(a, "News", 1, 0);
	raw_ping(a);
	lsm_policy("");
	raw_signal(a, "News", 2, 0);
	raw_recv_member(b, &m, "News");
	check(msg_u32(&m) == 2);
	msg_free(&m);
}

static void eavesdropping_takes_leave(void)
{
	struct spec monitor = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER ".Monitoring", .member = "BecomeMonitor",
		.array = true, .has_u = true,
	};

	lsm_policy("deny eavesdrop a\n");
	snprintf(text, sizeof(text),
		 "Connection \"%s\" is not allowed to eavesdrop due to AppArmor policy",
		 a->name);
	conf_expect_driver_error(a, "AddMatch", "eavesdrop='true'", NULL,
				 "AccessDenied", text);
	lsm_expect_log(ASKED_BUS("AddMatch")
		       "query: eavesdrop a class 32 session\n"
		       DENIED "eavesdrop\"  bus=\"session\" mask=\"eavesdrop\" pid=%d label=\"a\"\n");
	raw_match(a, "eavesdrop='false',member='X'");
	conf_expect_error(a, raw_send(a, &monitor), "AccessDenied", text);
	lsm_policy("error eavesdrop a\n");
	conf_expect_error(a, raw_send(a, &monitor), "Failed",
			  "Failed to query AppArmor policy: Protocol error");
	lsm_policy("");
	raw_match(a, "eavesdrop='true',member='X'");
}

/* A service that is not there yet: its file may tell the label it will have. */
static void starting_is_sending(void)
{
	char *lines;

	check(asprintf(&lines, "Exec=%s own=test.Service\nAssumedAppArmorLabel=service_p\n",
		       service_program()) > 0);
	service_add_lines("test.Service", lines);
	free(lines);
	lsm_policy("deny send a\n");
	conf_expect_error(a, call(a, "test.Service", "No"), "AccessDenied",
			  "destination=\"test.Service\" (bus)");
	lsm_expect_log("query: send a class 32 session|test.Service|service_p|/|a.b|No\n"
		       DENIED "method_call\" " TO_B "\"No\" mask=\"send\" name=\"test.Service\" pid=%d label=\"a\" peer_label=\"service_p\"\n");
	service_remove("test.Service");
}

int main(void)
{
	conf_need();
	if (raw_bus_is("kernel"))
		raw_skip("with a security module the bus uses the user switch");
	lsm_need("apparmor");
	lsm_policy("");
	a = lsm_open("a (enforce)");
	b = lsm_open("b (enforce)");
	free_one = raw_open(false);
	/* While the bus has the folder of services. */
	starting_is_sending();
	the_label_is_told();
	it_is_a_feature();
	names_are_bound();
	both_ends_are_asked();
	who_is_not_confined_is_not_asked();
	who_is_complained_about_may();
	replies_that_nobody_waits_for();
	signals_are_dropped();
	eavesdropping_takes_leave();
	raw_close(a);
	raw_close(b);
	raw_close(free_one);
	return 0;
}
