// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/config.h"
#include "tests/policy/cases.h"

static struct config *parse(const char *inside)
{
	char why[CONFIG_WHY_MAX] = "", *text;
	struct config *c;

	assert_true(asprintf(&text, "<busconfig>%s</busconfig>", inside) > 0);
	if (config_parse(&c, "t.conf", text, strlen(text), why))
		fail_msg("%s", why);
	free(text);
	return c;
}

/* ---- the rows of cases.h ---- */

static bool is_one_of(const char *const *names, const char *name, size_t len,
		      bool below)
{
	for (; *names; names++) {
		if (below && dbus_name_in_namespace(*names, strlen(*names),
						    name, len))
			return true;
		if (!below && strlen(*names) == len &&
		    !memcmp(*names, name, len))
			return true;
	}
	return false;
}

static bool owns(void *ctx, const char *name, size_t len, bool below)
{
	return is_one_of(ctx, name, len, below);
}

static struct dbus_str str(const char *s)
{
	return (struct dbus_str){ s, s ? (u32)strlen(s) : 0 };
}

static struct policy_msg question(const struct message *m,
				  struct dbus_header *h)
{
	*h = (struct dbus_header){
		.f.type = m->type,
		.reply_serial = m->reply != NO_REPLY,
		.unix_fds = m->fds,
		.path = str(m->path),
		.interface = str(m->interface),
		.member = str(m->member),
		.error_name = str(m->error),
		.destination = str(m->destination),
	};
	return (struct policy_msg){
		.h = h,
		.sender = str(":1.1"),
		.requested = m->reply == REQUESTED,
		.end = { .owns = owns, .names = ~0ULL },
	};
}

static enum outcome ask(const struct policy *p, const struct message *m)
{
	static const char *a[] = { ":1.1", "test.Sender", NULL };
	static const char *b[] = {
		":1.2", "test.Owner", "test.Owner.Below", "test.Queued", NULL,
	};
	struct dbus_header h;
	struct policy_msg q = question(m, &h);
	bool silent = !m->destination;

	q.end.ctx = b;
	if (!(policy_ask(p, POLICY_SEND, &q) & POLICY_ALLOWED))
		return silent ? SILENT : DENIED_SEND;
	q.end.ctx = a;
	if (!(policy_ask(p, POLICY_RECEIVE, &q) & POLICY_ALLOWED))
		return silent ? SILENT : DENIED_RECEIVE;
	return DELIVERED;
}

static void messages_fare_as_the_reference_has_them(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(policy_cases) / sizeof(policy_cases[0]); i++) {
		const struct policy_case *c = &policy_cases[i];
		struct policy_block *b;
		struct config *config;
		char *text;

		assert_true(asprintf(&text, "<policy context='default'>%s</policy>",
				     c->rules) > 0);
		config = parse(text);
		assert_int_equal(policy_set_compile(config->policy, NULL, &b),
				 0);
		assert_int_equal(policy_check(&b->p, b->p.size), 0);
		if (ask(&b->p, c->message) != c->outcome)
			fail_msg("%s: %d instead of %d", c->name,
				 ask(&b->p, c->message), c->outcome);
		policy_block_unref(b);
		config_free(config);
		free(text);
	}
}

/* ---- eavesdropping ---- */

struct eavesdrop {
	const char *rules;
	bool allow;
};

static const struct eavesdrop eavesdrops[] = {
	{ RECEIVE, true },
	{ "<allow receive_sender='*'/>", false },
	{ "<allow receive_sender='*'/><allow receive_sender='test.Sender' eavesdrop='true'/>",
	  true },
	{ "<allow receive_type='method_call' eavesdrop='false'/>", false },
	{ RECEIVE "<deny receive_type='method_call' eavesdrop='true'/>",
	  false },
	{ RECEIVE "<deny receive_type='method_call'/>", false },
	{ RECEIVE "<deny receive_type='signal' eavesdrop='true'/>", true },
};

static void eavesdroppers_need_rules_of_their_own(void **state)
{
	static const char *a[] = { ":1.1", "test.Sender", NULL };
	size_t i;

	for (i = 0; i < sizeof(eavesdrops) / sizeof(eavesdrops[0]); i++) {
		struct policy_block *b;
		struct dbus_header h;
		struct policy_msg q = question(&call_b, &h);
		struct config *c;
		char *text;

		assert_true(asprintf(&text, "<policy context='default'>%s</policy>",
				     eavesdrops[i].rules) > 0);
		c = parse(text);
		assert_int_equal(policy_set_compile(c->policy, NULL, &b), 0);
		q.end.ctx = a;
		q.eavesdropping = true;
		if (policy_ask(&b->p, POLICY_RECEIVE, &q) !=
		    (eavesdrops[i].allow ? POLICY_ALLOWED : 0))
			fail_msg("%s", eavesdrops[i].rules);
		policy_block_unref(b);
		config_free(c);
		free(text);
	}
}

/* ---- for whom ---- */

static const gid_t groups[] = { 20, 30 };
static const struct creds user = {
	.uid = 1000, .gid = 20, .groups = (gid_t *)groups, .n_groups = 2,
};

static bool may_own(const char *policies, const struct creds *creds)
{
	struct config *c = parse(policies);
	struct policy_block *b;
	bool may;

	assert_int_equal(policy_set_compile(c->policy, creds, &b), 0);
	may = policy_own(&b->p, "a.b", 3);
	policy_block_unref(b);
	config_free(c);
	return may;
}

#define DEFAULT(rules) "<policy context='default'>" rules "</policy>"
#define MANDATORY(rules) "<policy context='mandatory'>" rules "</policy>"
#define USER(id, rules) "<policy user='" id "'>" rules "</policy>"
#define GROUP(id, rules) "<policy group='" id "'>" rules "</policy>"
#define CONSOLE(is, rules) "<policy at_console='" is "'>" rules "</policy>"
#define ALLOW "<allow own='a.b'/>"
#define DENY "<deny own='a.b'/>"

static void contexts_have_an_order_of_their_own(void **state)
{
	assert_true(may_own(DEFAULT(ALLOW), &user));
	assert_true(may_own(GROUP("20", ALLOW) DEFAULT(DENY), &user));
	assert_true(may_own(GROUP("30", ALLOW) DEFAULT(DENY), &user));
	assert_false(may_own(GROUP("40", ALLOW) DEFAULT(DENY), &user));
	assert_true(may_own(USER("1000", ALLOW) GROUP("20", DENY), &user));
	assert_false(may_own(USER("1001", ALLOW) GROUP("20", DENY), &user));
	assert_true(may_own(CONSOLE("false", ALLOW) USER("1000", DENY),
			    &user));
	assert_false(may_own(CONSOLE("true", ALLOW) USER("1000", DENY),
			     &user));
	assert_false(may_own(MANDATORY(DENY) USER("1000", ALLOW)
			     CONSOLE("false", ALLOW) GROUP("20", ALLOW)
			     DEFAULT(ALLOW), &user));
	/* Within one, that of the files. */
	assert_false(may_own(USER("1000", ALLOW) USER("1000", DENY), &user));
	assert_true(may_own(USER("1000", DENY) DEFAULT(DENY)
			    USER("1000", ALLOW), &user));
}

static void who_is_unknown_has_no_user_and_group(void **state)
{
	assert_false(may_own(USER("1000", ALLOW) GROUP("20", ALLOW)
			     CONSOLE("false", ALLOW), NULL));
	assert_true(may_own(DEFAULT(ALLOW), NULL));
	assert_true(may_own(DEFAULT(DENY) MANDATORY(ALLOW), NULL));
}

static void rules_of_unknown_users_are_left_out(void **state)
{
	assert_false(may_own(USER("nobody-of-that-name", ALLOW), &user));
	assert_false(may_own(GROUP("no-group-of-that-name", ALLOW), &user));
}

static void names_of_users_are_looked_up(void **state)
{
	static const gid_t zero[] = { 0 };
	static const struct creds root = {
		.groups = (gid_t *)zero, .n_groups = 1,
	};

	assert_true(may_own(USER("root", ALLOW), &root));
	assert_true(may_own(GROUP("root", ALLOW), &root));
	assert_false(may_own(USER("root", ALLOW), &user));
}

static void the_same_rules_are_compiled_once(void **state)
{
	struct config *c = parse(DEFAULT(ALLOW) USER("1", DENY));
	static const struct creds other = { .uid = 2 }, one = { .uid = 1 };
	struct policy_block *a, *b, *d;

	assert_int_equal(policy_set_compile(c->policy, &user, &a), 0);
	assert_int_equal(policy_set_compile(c->policy, &other, &b), 0);
	assert_int_equal(policy_set_compile(c->policy, &one, &d), 0);
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, d);
	policy_block_unref(a);
	policy_block_unref(b);
	/* It lives on without the configuration. */
	config_free(c);
	assert_false(policy_own(&d->p, "a.b", 3));
	policy_block_unref(d);
}

/* ---- connecting ---- */

static bool may_connect(const char *policies, uid_t owner)
{
	struct config *c = parse(policies);
	bool may = policy_set_connect(c->policy, &user, owner);

	config_free(c);
	return may;
}

static void only_the_owner_connects_unless_allowed(void **state)
{
	assert_true(may_connect("", 1000));
	assert_false(may_connect("", 0));
	assert_true(may_connect(DEFAULT("<allow user='*'/>"), 0));
	assert_true(may_connect(DEFAULT("<allow group='*'/>"), 0));
	assert_true(may_connect(DEFAULT("<allow user='1000'/>"), 0));
	assert_false(may_connect(DEFAULT("<allow user='1001'/>"), 0));
	assert_true(may_connect(DEFAULT("<allow group='30'/>"), 0));
	assert_false(may_connect(DEFAULT("<allow group='40'/>"), 0));
	assert_false(may_connect(DEFAULT("<deny user='1000'/>"), 1000));
	assert_true(may_connect(DEFAULT("<deny user='*'/>"
					"<allow group='20'/>"), 1000));
	assert_false(may_connect(MANDATORY("<deny user='1000'/>")
				 DEFAULT("<allow user='*'/>"), 1000));
	assert_false(may_connect(DEFAULT("<allow user='no-such-user'/>"), 0));
}

/* ---- what the kernel has to know ---- */

static bool is_open(const char *policies)
{
	struct config *c = parse(policies);
	bool open = policy_set_is_open(c->policy);

	config_free(c);
	return open;
}

#define ALL "<allow own='*'/>" OPEN

static void open_is_what_forbids_nobody_anything(void **state)
{
	assert_true(is_open(DEFAULT(ALL)));
	assert_false(is_open(""));
	assert_false(is_open(DEFAULT(OPEN)));
	assert_false(is_open(DEFAULT(ALL DENY)));
	assert_false(is_open(DEFAULT(ALL) USER("5", DENY)));
	assert_false(is_open(DEFAULT(ALL) GROUP("5", DENY)));
	assert_false(is_open(DEFAULT(ALL) MANDATORY(DENY)));
	assert_true(is_open(DEFAULT(ALL) MANDATORY(ALLOW)));
	assert_true(is_open(DEFAULT(ALL DENY ALL)));
	/* Forbids what the default allows: unrequested replies. */
	assert_false(is_open(DEFAULT(ALL)
			     USER("5", "<allow send_destination='*'/>")));
	assert_true(is_open(DEFAULT(ALL) DEFAULT("<allow user='*'/>")));
	assert_false(is_open(USER("5", ALL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_fare_as_the_reference_has_them),
		cmocka_unit_test(eavesdroppers_need_rules_of_their_own),
		cmocka_unit_test(contexts_have_an_order_of_their_own),
		cmocka_unit_test(who_is_unknown_has_no_user_and_group),
		cmocka_unit_test(rules_of_unknown_users_are_left_out),
		cmocka_unit_test(names_of_users_are_looked_up),
		cmocka_unit_test(the_same_rules_are_compiled_once),
		cmocka_unit_test(only_the_owner_connects_unless_allowed),
		cmocka_unit_test(open_is_what_forbids_nobody_anything),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
