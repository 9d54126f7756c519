// SPDX-License-Identifier: LGPL-2.1-or-later
/* Steps of walk.c: answers, and the lack of them; what policies forbid, and
 * who says so. */
#include "walk.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/policy.h"

/* What the kernel writes in the master's place. */
static void expect_error(struct client *c, uint32_t reply_serial)
{
	struct msg m;

	receive(c, &m);
	check(m.h.f.type == DBUS_TYPE_ERROR &&
	      m.h.reply_serial == reply_serial);
	msg_free(&m);
}

void answers(void)
{
	struct pair p = pair(0);
	struct msg_spec s = to(p.b.name, 50);
	struct msg m;

	test_send(p.a.fd, &s, NULL, 0);
	expect(&p.b, 50, 0);
	s = (struct msg_spec){
		.type = DBUS_TYPE_RETURN, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 51, .reply_serial = 50, .destination = p.a.name,
	};
	test_send(p.b.fd, &s, NULL, 0);
	expect(&p.a, 51, 0);
	s = to(p.b.name, 52);
	test_send(p.a.fd, &s, NULL, 0);
	expect(&p.b, 52, 0);
	/* Nobody will answer. */
	close(p.b.fd);
	hear(&m);
	check(m.info.kind == BUS_KIND_CLOSED && m.info.addr == p.b.addr);
	msg_free(&m);
	update(BUS_REC_CLOSE, p.b.addr, 0, NULL);
	expect_error(&p.a, 52);
	leave(&p.a);
}

/* ---- policies ---- */

/* Everything is allowed but what @rule says. */
static void load(uint64_t id, const struct policy_rule *rule)
{
	struct policy_rule all[POLICY_KINDS];
	const struct policy_rule *rules[POLICY_KINDS + 1];
	struct bus_policy *block;
	size_t len;
	int i, err;

	for (i = 0; i < POLICY_KINDS; i++) {
		policy_rule_init(&all[i], i, true);
		all[i].requested_reply = false;
		rules[i] = &all[i];
	}
	rules[i] = rule;
	len = policy_compile(NULL, 0, rules, POLICY_KINDS + 1);
	block = calloc(1, sizeof(*block) + len);
	block->id = id;
	policy_compile((struct policy *)block->data, len, rules,
		       POLICY_KINDS + 1);
	err = setsockopt(bus, SOL_BUS, BUS_POLICY, block,
			 sizeof(*block) + len) ? -errno : 0;
	free(block);
	told_by(err, "BUS_POLICY");
	check(!err);
}

static struct policy_rule about_member(const char *member)
{
	struct policy_rule r;

	policy_rule_init(&r, POLICY_SEND, false);
	r.requested_reply = false;
	r.str[POLICY_MEMBER] = (struct dbus_str){ member, strlen(member) };
	return r;
}

static void say(struct client *from, const char *dest, const char *member,
		uint32_t serial)
{
	struct msg_spec s = to(dest, serial);

	s.member = member;
	test_send(from->fd, &s, NULL, 0);
}

/* The master is to write it down; he does without if there is no memory. */
static void may_be_logged(void)
{
	struct msg m;

	while (recv(bus, NULL, 0, MSG_PEEK | MSG_DONTWAIT) >= 0) {
		hear(&m);
		check(m.info.kind == BUS_KIND_LOGGED);
		msg_free(&m);
	}
}

/* Ports that the module knows enough of to tell them itself. */
static struct client known(const char *about)
{
	struct client c = test_client_raw(bus, 0);

	update(BUS_REC_ABOUT, c.addr, 0, about);
	update(BUS_REC_ACTIVATE, c.addr, 0, NULL);
	update(BUS_REC_RESUME, c.addr, 0, NULL);
	return c;
}

static void denied_by_the_module(void)
{
	struct pair p = { known("uid=1"), known("uid=2") };

	update(BUS_REC_POLICY, p.a.addr, 1, NULL);
	say(&p.a, p.b.name, "Secret", 60);
	expect_error(&p.a, 60);
	say(&p.a, p.b.name, "Open", 61);
	expect(&p.b, 61, 0);
	may_be_logged();
	part(&p);
}

static void denied_by_the_master(void)
{
	struct pair p = pair(0);
	struct msg m;

	update(BUS_REC_POLICY, p.a.addr, 1, NULL);
	update(BUS_REC_CLAIM, p.b.addr, 1, "com.example.B");
	say(&p.a, p.b.name, "Secret", 62);
	hear(&m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.h.f.serial == 62 &&
	      m.info.refusal == BUS_DENIED_SEND);
	msg_free(&m);
	update(BUS_REC_RESUME, p.a.addr, 0, NULL);
	update(BUS_REC_CLAIM, p.b.addr, 0, "com.example.B");
	part(&p);
}

static void logged(void)
{
	struct pair p = pair(0);

	update(BUS_REC_POLICY, p.a.addr, 2, NULL);
	update(BUS_REC_MATCH_ADD, p.b.addr, 1, "member='Seen'");
	say(&p.a, p.b.name, "Seen", 63);
	expect(&p.b, 63, 0);
	say(&p.a, NULL, "Seen", 64);
	expect(&p.b, 64, 0);
	may_be_logged();
	part(&p);
}

void policies(void)
{
	struct policy_rule r = about_member("Secret");

	load(1, &r);
	r = about_member("Seen");
	r.allow = true;
	r.log = true;
	load(2, &r);
	denied_by_the_module();
	denied_by_the_master();
	logged();
}
