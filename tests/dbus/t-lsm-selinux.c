// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SELinux's say: who may own a name, who may send to whom, in what words that
 * is refused and written down, and what is not asked.
 */
#include "fake-lsm.h"

#define REFUSED "An SELinux policy prevents this sender from sending this message to this recipient, 0 matched rules; type=\""
#define AVC "%Aavc:  denied  { "

static struct raw *alice, *bob;
static char text[1024];

static uint32_t call(struct raw *from, const char *to, const char *member)
{
	struct spec s = {
		.destination = to, .path = "/", .interface = "a.b",
		.member = member,
	};

	return raw_send(from, &s);
}

static bool has_bytes(const struct msg *m, const char *bytes, size_t n)
{
	return memmem(m->data, m->len, bytes, n);
}

static void labels_are_told(void)
{
	struct msg m;

	raw_driver(bob, &m, "GetConnectionSELinuxSecurityContext", alice->name,
		   NULL);
	check(m.h.f.body_len == 4 + 7 && has_bytes(&m, "alice_t", 7));
	msg_free(&m);
	raw_driver(bob, &m, "GetConnectionSELinuxSecurityContext", DRIVER,
		   NULL);
	check(m.h.f.body_len == 4 + 5 && has_bytes(&m, "bus_t", 5));
	msg_free(&m);
	raw_driver(bob, &m, "GetConnectionCredentials", alice->name, NULL);
	check(has_bytes(&m, "LinuxSecurityLabel", 19));
	check(has_bytes(&m, "\10\0\0\0alice_t", 12));
	msg_free(&m);
}

static void it_is_a_feature(void)
{
	struct spec s = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = "org.freedesktop.DBus.Properties", .member = "Get",
		.args = { DRIVER, "Features" },
	};
	uint32_t serial = raw_send(bob, &s);
	struct msg m;

	raw_recv_reply(bob, &m, serial);
	check(has_bytes(&m, "SELinux", 8) && !has_bytes(&m, "AppArmor", 9));
	msg_free(&m);
}

static void expect_not_to_own(struct raw *c, const char *name)
{
	snprintf(text, sizeof(text),
		 "Connection \"%s\" is not allowed to own the service \"%s\" due to SELinux policy",
		 c->name, name);
	conf_expect_driver_error(c, "RequestName", name, NULL, "AccessDenied",
				 text);
}

static void names_have_labels(void)
{
	/* The bus's own, unless the configuration says otherwise. */
	lsm_policy("deny acquire_svc alice_t bus_t\n");
	expect_not_to_own(alice, "test.A");
	lsm_expect_log(AVC "acquire_svc } for service=test.A spid=%d scontext=alice_t tcontext=bus_t tclass=dbus permissive=0\n");
	check(raw_request_name(bob, "test.A", 0) == 1);
	raw_release_name(bob, "test.A");

	lsm_policy("deny acquire_svc bob_t special_t\n"
		   "deny acquire_svc alice_t bus_t\n");
	conf_load(bob, CONF_DEFAULT(CONF_ALL)
		  "<selinux><associate own='test.Special' context='special_t'/>"
		  "<associate own='test.Other' context='other_t'/></selinux>");
	expect_not_to_own(bob, "test.Special");
	check(raw_request_name(alice, "test.Special", 0) == 1);
	check(raw_request_name(bob, "test.A", 0) == 1);
	expect_not_to_own(alice, "test.B");
	raw_release_name(alice, "test.Special");
	raw_release_name(bob, "test.A");
	conf_load(bob, CONF_DEFAULT(CONF_ALL));
	check(raw_request_name(bob, "test.Special", 0) == 1);
	expect_not_to_own(alice, "test.Special");
	raw_release_name(bob, "test.Special");
}

/* Before the configuration's policy is asked. */
static void it_comes_first(void)
{
	lsm_policy("deny acquire_svc alice_t bus_t\n");
	conf_load(bob, CONF_DEFAULT("<deny own='*'/>") CONF_DRIVER);
	expect_not_to_own(alice, "test.A");
	conf_expect_driver_error(bob, "RequestName", "test.A", NULL,
				 "AccessDenied", "configuration file");
	conf_load(bob, CONF_DEFAULT(CONF_ALL));
}

static void calls_are_refused(void)
{
	uint32_t serial;
	struct msg m;

	lsm_policy("deny send_msg alice_t bob_t\n");
	serial = call(alice, bob->name, "No");
	snprintf(text, sizeof(text),
		 REFUSED "method_call\", sender=\"%s\" (uid=%u pid=%d comm=\"",
		 alice->name, (unsigned int)getuid(), (int)getpid());
	conf_expect_error(alice, serial, "AccessDenied", text);
	lsm_expect_log(AVC "send_msg } for msgtype=method_call interface=a.b member=No dest=:1.%d spid=%d tpid=%d scontext=alice_t tcontext=bob_t tclass=dbus permissive=0\n");
	serial = call(alice, bob->name, "No");
	snprintf(text, sizeof(text),
		 "label=\"alice_t\") interface=\"a.b\" member=\"No\" error name=\"(unset)\" requested_reply=\"0\" destination=\"%s\" (uid=%u pid=%d comm=\"",
		 bob->name, (unsigned int)getuid(), (int)getpid());
	conf_expect_error(alice, serial, "AccessDenied", text);
	/* The other way round it goes, and so may be the answer. */
	lsm_policy("deny send_msg alice_t carol_t\n");
	serial = call(bob, alice->name, "Yes");
	raw_recv_member(alice, &m, "Yes");
	raw_reply(alice, &m, 0);
	msg_free(&m);
	raw_recv_reply(bob, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	lsm_expect_log("");
}

/* A reply that was waited for is a message like any other. */
static void replies_are_refused(void)
{
	struct msg m;

	lsm_policy("deny send_msg bob_t alice_t\n");
	call(alice, bob->name, "Ask");
	raw_recv_member(bob, &m, "Ask");
	raw_reply(bob, &m, 0);
	msg_free(&m);
	raw_recv(bob, &m);
	check(m.h.f.type == DBUS_TYPE_ERROR);
	check(strstr(msg_str(&m), REFUSED "method_return\""));
	msg_free(&m);
	lsm_expect_log(AVC "send_msg } for msgtype=method_return dest=:1.%d spid=%d tpid=%d scontext=bob_t tcontext=alice_t tclass=dbus permissive=0\n");
}

static void signals_are_dropped(void)
{
	struct raw *carol = lsm_open("carol_t");
	struct msg m;

	lsm_policy("deny send_msg alice_t bob_t\n");
	raw_match(bob, "member='News'");
	raw_match(carol, "member='News'");
	raw_signal(alice, "News", 1, 0);
	raw_ping(alice);
	lsm_policy("");
	raw_signal(alice, "News", 2, 0);
	raw_recv_member(carol, &m, "News");
	check(msg_u32(&m) == 1);
	msg_free(&m);
	raw_recv_member(bob, &m, "News");
	check(msg_u32(&m) == 2);
	msg_free(&m);
	raw_close(carol);
}

static void eavesdroppers_are_asked_about(void)
{
	struct raw *eve = lsm_open("eve_t");
	struct msg m;

	raw_match(eve, "eavesdrop='true',type='method_call'");
	lsm_policy("deny send_msg alice_t eve_t\n");
	call(alice, bob->name, "Secret");
	raw_recv_member(bob, &m, "Secret");
	msg_free(&m);
	call(bob, alice->name, "Gossip");
	raw_recv_member(alice, &m, "Gossip");
	msg_free(&m);
	do {
		raw_recv(eve, &m);
		check(!msg_is(&m, DBUS_TYPE_CALL, "Secret"));
	} while (!msg_is(&m, DBUS_TYPE_CALL, "Gossip") && (msg_free(&m), 1));
	msg_free(&m);
	raw_close(eve);
}

static void the_bus_has_a_label(void)
{
	struct spec hello = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "Hello",
	};
	struct raw *dave;

	lsm_policy("deny send_msg alice_t bus_t\n"
		   "deny send_msg dave_t bus_t\n");
	conf_expect_driver_error(alice, "GetId", NULL, NULL, "AccessDenied",
				 "destination=\"org.freedesktop.DBus\" (bus)");
	lsm_expect_log(AVC "send_msg } for msgtype=method_call interface=org.freedesktop.DBus member=GetId dest=org.freedesktop.DBus spid=%d scontext=alice_t tcontext=bus_t tclass=dbus permissive=0\n");
	dave = raw_auth(lsm_dial("dave_t"), false);
	conf_expect_error(dave, raw_send(dave, &hello), "AccessDenied",
			  REFUSED "method_call\"");
	lsm_policy("");
	raw_ping(alice);
	raw_close(dave);
}

static void what_the_policy_does_not_know(void)
{
	lsm_policy("noclass\ndeny send_msg alice_t bus_t\n");
	raw_ping(alice);
	lsm_policy("noclass\ndeny-unknown\n");
	conf_expect_driver_error(bob, "GetId", NULL, NULL, "AccessDenied",
				 REFUSED);
	lsm_expect_log("syslog: Unknown class dbus\n");
	lsm_policy("permissive\ndeny send_msg alice_t bus_t\n");
	raw_ping(alice);
	lsm_expect_log(AVC "send_msg } for msgtype=method_call interface=org.freedesktop.DBus member=GetId dest=org.freedesktop.DBus spid=%d scontext=alice_t tcontext=bus_t tclass=dbus permissive=1\n");
	lsm_policy("");
}

/* Its files may be included in ours. */
static void a_new_policy_is_a_new_configuration(void)
{
	struct spec s = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "RequestName",
		.args = { "test.Reloaded" }, .has_u = true,
	};
	unsigned int i;
	struct msg m;
	bool denied;

	conf_write(CONF_DEFAULT(CONF_ALL "<deny own='test.Reloaded'/>"));
	lsm_tell_load();
	for (i = 0, denied = false; !denied && i < 1000; i++) {
		uint32_t serial = raw_send(bob, &s);

		raw_recv_reply(bob, &m, serial);
		denied = m.h.f.type == DBUS_TYPE_ERROR;
		msg_free(&m);
		usleep(RAW_WAIT_MS);
	}
	check(denied);
}

int main(void)
{
	conf_need();
	if (raw_bus_is("kernel"))
		raw_skip("with a security module the bus uses the user switch");
	lsm_need("selinux");
	lsm_policy("");
	alice = lsm_open("alice_t");
	bob = lsm_open("bob_t");
	labels_are_told();
	it_is_a_feature();
	names_have_labels();
	it_comes_first();
	calls_are_refused();
	replies_are_refused();
	signals_are_dropped();
	eavesdroppers_are_asked_about();
	the_bus_has_a_label();
	what_the_policy_does_not_know();
	a_new_policy_is_a_new_configuration();
	raw_close(alice);
	raw_close(bob);
	return 0;
}
