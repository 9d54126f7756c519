// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a policy forbids a port comes to the master with the reason; a
 * broadcast passes over those who may not have it; blocks that are not
 * policies are refused. */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/policy.h"

static int bus;
static struct client a, b;

static int put(uint64_t id, const void *data, size_t len)
{
	struct bus_policy *p = malloc(sizeof(*p) + len);
	int r;

	p->id = id;
	if (len)
		memcpy(p->data, data, len);
	r = setsockopt(bus, SOL_BUS, BUS_POLICY, p, sizeof(*p) + len);
	free(p);
	return r;
}

/* Everything is allowed but what @deny says. */
static struct policy *compile(const struct policy_rule *deny, size_t *len)
{
	struct policy_rule all[POLICY_KINDS];
	const struct policy_rule *rules[POLICY_KINDS + 1];
	struct policy *p;
	int i;

	for (i = 0; i < POLICY_KINDS; i++) {
		policy_rule_init(&all[i], i, true);
		all[i].requested_reply = false;
		rules[i] = &all[i];
	}
	rules[i] = deny;
	*len = policy_compile(NULL, 0, rules, POLICY_KINDS + 1);
	p = malloc(*len);
	check(policy_compile(p, *len, rules, POLICY_KINDS + 1) ==
	      (int64_t)*len);
	return p;
}

static void load(uint64_t id, const struct policy_rule *deny)
{
	size_t len;
	struct policy *p = compile(deny, &len);

	check(!put(id, p, len));
	free(p);
}

static struct policy_rule deny_member(enum policy_kind kind,
				      const char *member)
{
	struct policy_rule r;

	policy_rule_init(&r, kind, false);
	r.str[POLICY_MEMBER] = (struct dbus_str){ member, strlen(member) };
	return r;
}

static void send_member(struct client *from, const char *to,
			const char *member, uint8_t type, uint32_t serial)
{
	test_send(from->fd, &(struct msg_spec){
		.type = type, .destination = to, .path = "/",
		.interface = "com.example.I", .member = member,
		.serial = serial, .flags = DBUS_FLAG_NO_REPLY,
	}, NULL, 0);
}

static void refused_as(enum bus_refusal refusal, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE);
	check(m.info.refusal == refusal);
	check(m.info.to == b.addr);
	/* It, and the one that allows everything. */
	check(m.info.matched == 2);
	check(m.h.f.serial == serial);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
}

static void hears(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void what_is_no_policy(void)
{
	struct policy_rule r = deny_member(POLICY_SEND, "Secret");
	size_t len, i;
	struct policy *p = compile(&r, &len);
	uint8_t *bytes = (uint8_t *)p;

	check_err(put(0, p, len), EINVAL);
	check_err(put(1, NULL, 0), ENOENT);
	check_err(put(1, p, len - 1), EINVAL);
	check_err(setsockopt(bus, SOL_BUS, BUS_POLICY, p, 4), EINVAL);
	for (i = 0; i < len; i++) {
		bytes[i] ^= 0x80;
		/* Texts and limits may be anything. */
		if (put(1, p, len) == 0)
			check(!put(1, NULL, 0));
		bytes[i] ^= 0x80;
	}
	check(test_update(bus, BUS_REC_POLICY, a.addr, 1, NULL) == -ENOENT);
	check(!put(1, p, len));
	check(!put(1, p, len));
	check(!put(1, NULL, 0));
	check_err(put(1, NULL, 0), ENOENT);
	free(p);
}

static void sender_and_receiver(void)
{
	struct policy_rule r = deny_member(POLICY_SEND, "Secret");

	load(7, &r);
	check(!test_update(bus, BUS_REC_POLICY, a.addr, 7, NULL));
	/* What a port has, it keeps. */
	check(!put(7, NULL, 0));
	send_member(&a, b.name, "Secret", DBUS_TYPE_CALL, 1);
	refused_as(BUS_DENIED_SEND, 1);
	send_member(&a, b.name, "Open", DBUS_TYPE_CALL, 2);
	hears(&b, 2);
	check(!test_update(bus, BUS_REC_POLICY, a.addr, 0, NULL));
	send_member(&a, b.name, "Secret", DBUS_TYPE_CALL, 3);
	hears(&b, 3);
	r = deny_member(POLICY_RECEIVE, "Secret");
	load(8, &r);
	check(!test_update(bus, BUS_REC_POLICY, b.addr, 8, NULL));
	send_member(&a, b.name, "Secret", DBUS_TYPE_CALL, 4);
	refused_as(BUS_DENIED_RECEIVE, 4);
}

static void broadcasts(void)
{
	struct client c = test_client(bus, 0);

	test_match(bus, &b, 1, "type='signal'");
	test_match(bus, &c, 1, "type='signal'");
	send_member(&a, NULL, "Secret", DBUS_TYPE_SIGNAL, 10);
	send_member(&a, NULL, "Open", DBUS_TYPE_SIGNAL, 11);
	hears(&c, 10);
	hears(&c, 11);
	hears(&b, 11);
	close(c.fd);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	check(!test_update(bus, BUS_REC_POLICY, b.addr, 0, NULL));
}

/* A rule about the receiver's names, which it may own or wait for. */
static void claims(void)
{
	static const char name[] = "com.example.Secret";
	struct policy_rule r;

	policy_rule_init(&r, POLICY_SEND, false);
	r.str[POLICY_NAME] = (struct dbus_str){ name, strlen(name) };
	load(9, &r);
	check(!test_update(bus, BUS_REC_POLICY, a.addr, 9, NULL));
	send_member(&a, b.name, "Open", DBUS_TYPE_CALL, 20);
	hears(&b, 20);
	check(test_update(bus, BUS_REC_CLAIM, b.addr, 2, name) == -EINVAL);
	check(test_update(bus, BUS_REC_CLAIM, b.addr, 1, "no") == -EINVAL);
	check(!test_update(bus, BUS_REC_CLAIM, b.addr, 1, name));
	check(!test_update(bus, BUS_REC_CLAIM, b.addr, 1, name));
	send_member(&a, b.name, "Open", DBUS_TYPE_CALL, 21);
	refused_as(BUS_DENIED_SEND, 21);
	check(!test_update(bus, BUS_REC_CLAIM, b.addr, 0, name));
	check(!test_update(bus, BUS_REC_CLAIM, b.addr, 0, name));
	send_member(&a, b.name, "Open", DBUS_TYPE_CALL, 22);
	hears(&b, 22);
	check(!test_update(bus, BUS_REC_POLICY, a.addr, 0, NULL));
}

/* It goes, and the master hears of it without holding the port; not of more
 * than it reads. */
static void logged(void)
{
	struct policy_rule r = deny_member(POLICY_SEND, "Seen");
	struct msg m;
	int i, n;

	r.allow = true;
	r.requested_reply = false;
	r.log = true;
	load(10, &r);
	check(!test_update(bus, BUS_REC_POLICY, a.addr, 10, NULL));
	for (i = 0; i < 40; i++) {
		send_member(&a, i % 2 ? b.name : NULL, "Seen",
			    DBUS_TYPE_SIGNAL, 30 + i);
		hears(&b, 30 + i);
	}
	for (n = 0; recv(bus, NULL, 0, MSG_PEEK | MSG_DONTWAIT) >= 0; n++) {
		test_master_recv(bus, &m);
		check(m.info.kind == BUS_KIND_LOGGED);
		check(m.info.refusal == BUS_LOGGED);
		check(m.info.addr == a.addr);
		/* The header, alone. */
		check(!dbus_frame_parse(&m.h.f, m.data, DBUS_MAX_MESSAGE));
		check(m.h.f.serial == 30U + n);
		check(m.len == m.h.f.header_len);
		msg_free(&m);
	}
	check(n == 16);
	send_member(&a, b.name, "Seen", DBUS_TYPE_SIGNAL, 99);
	hears(&b, 99);
	check(recv(bus, NULL, 0, MSG_PEEK) >= 0);
}

static bool says(const struct msg *m, const char *text)
{
	return memmem(m->data, m->len, text, strlen(text));
}

static void told_by_the_module(void)
{
	struct policy_rule r = deny_member(POLICY_SEND, "Secret");
	char long_text[BUS_ABOUT_MAX + 2];
	struct client c = test_client_raw(bus, 0), d = test_client_raw(bus, 0);
	struct msg m;

	memset(long_text, 'x', sizeof(long_text));
	long_text[BUS_ABOUT_MAX + 1] = 0;
	check(test_update(bus, BUS_REC_ABOUT, c.addr, 0, long_text) == -EINVAL);
	check(test_update(bus, BUS_REC_ABOUT, c.addr, 0, "\xff") == -EINVAL);
	check(test_update(bus, BUS_REC_ABOUT, 0, 0, "x") == -EINVAL);
	check(test_update(bus, BUS_REC_ABOUT, 999, 0, "x") == -ENOENT);
	long_text[BUS_ABOUT_MAX] = 0;
	check(!test_update(bus, BUS_REC_ABOUT, c.addr, 0, "uid=7 \xc3\xa4"));
	check(test_update(bus, BUS_REC_ABOUT, c.addr, 0, "again") == -EINVAL);
	check(!test_update(bus, BUS_REC_ABOUT, d.addr, 0, long_text));
	check(test_update(bus, BUS_REC_ABOUT, a.addr, 0, "late") == -EINVAL);
	check(!test_update(bus, BUS_REC_ACTIVATE, c.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_RESUME, c.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_ACTIVATE, d.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_RESUME, d.addr, 0, NULL));
	load(30, &r);
	check(!test_update(bus, BUS_REC_POLICY, c.addr, 30, NULL));
	send_member(&c, d.name, "Secret", DBUS_TYPE_CALL, 31);
	/* Its sender is not held: what comes next goes its way. */
	send_member(&c, d.name, "Open", DBUS_TYPE_CALL, 32);
	check(test_recv(&c, &m));
	check(m.h.f.type == DBUS_TYPE_ERROR && m.h.reply_serial == 31);
	check(!strncmp(m.h.error_name.s,
		       "org.freedesktop.DBus.Error.AccessDenied",
		       m.h.error_name.len));
	check(says(&m, "Rejected send message, 2 matched rules; "
		   "type=\"method_call\""));
	check(says(&m, "(uid=7 \xc3\xa4) interface=\"com.example.I\" "
		   "member=\"Secret\""));
	check(says(&m, long_text));
	msg_free(&m);
	hears(&d, 32);
	/* And the master writes it down. */
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_LOGGED && m.info.addr == c.addr &&
	      m.info.refusal == BUS_DENIED_SEND && m.info.to == d.addr &&
	      m.info.matched == 2);
	msg_free(&m);
	/* Who is not known to the module is a matter for the master. */
	send_member(&c, a.name, "Secret", DBUS_TYPE_CALL, 33);
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE &&
	      m.info.refusal == BUS_DENIED_SEND && m.h.f.serial == 33);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, c.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_CLOSE, c.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_CLOSE, d.addr, 0, NULL));
	close(c.fd);
	close(d.fd);
}

int main(void)
{
	bus = test_bus();
	a = test_client(bus, 0);
	b = test_client(bus, 0);
	what_is_no_policy();
	sender_and_receiver();
	told_by_the_module();
	broadcasts();
	claims();
	logged();
	close(bus);
	return 0;
}
