/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compiled block. What rules mean is in daemon/tests/test_policy.c and
 * tests/dbus/t-policy-messages.c, as the configuration spells them. */
#include "core/policy.h"

#include "header.h"
#include "table.h"

static struct dbus_str str(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

/* A word a rule: "+" or "-", o, s or r for its kind, "=" and a name, "." and a
 * name space, "!" for eavesdropping too, "t" and a type. */
static void parse_word(struct policy_rule *r, const char *w, char *copy)
{
	unsigned int kind = w[1] == 'o' ? POLICY_OWN :
			    w[1] == 's' ? POLICY_SEND : POLICY_RECEIVE;

	policy_rule_init(r, kind, w[0] == '+');
	for (w += 2; *w; w++) {
		if (*w == '!')
			r->eavesdrop = true;
		else if (*w == 't')
			r->type = (u8)(*++w - '0');
		else
			break;
	}
	if (!*w)
		return;
	r->prefix = *w == '.';
	r->str[POLICY_NAME] = str(strcpy(copy, w + 1));
}

#define MAX_RULES 16

static struct policy *compile(const char *text)
{
	struct policy_rule rules[MAX_RULES];
	const struct policy_rule *list[MAX_RULES];
	char copy[MAX_RULES][64], *words = strdup(text), *w, *save;
	size_t n = 0;
	struct policy *p;
	s64 len;

	assert_non_null(words);
	for (w = strtok_r(words, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		parse_word(&rules[n], w, copy[n]);
		list[n] = &rules[n];
		n++;
	}
	len = policy_compile(NULL, 0, list, n);
	assert_true(len >= (s64)sizeof(*p));
	p = malloc((size_t)len);
	assert_non_null(p);
	assert_int_equal(policy_compile(p, (size_t)len - 1, list, n), -ENOSPC);
	assert_int_equal(policy_compile(p, (size_t)len, list, n), len);
	assert_int_equal(p->size, len);
	assert_int_equal(policy_check(p, (size_t)len), 0);
	free(words);
	return p;
}

struct own {
	const char *name;	/* rules */
	const char *owned;
	bool allow;
};

static const struct own own_rows[] = {
	{ "", "a.b", false },
	{ "+o", "a.b", true },
	{ "+o -o", "a.b", false },
	{ "-o +o=a.b", "a.b", true },
	{ "-o +o=a.b", "a.c", false },
	{ "+o=a.b", "a.b.c", false },
	{ "+o.a.b", "a.b", true },
	{ "+o.a.b", "a.b.c", true },
	{ "+o.a.b", "a.b.c.d", true },
	{ "+o.a.b", "a.bc", false },
	{ "+o.a.b", "a.c", false },
	{ "+o.a", "a.b", true },
	{ "+o.a -o=a.b", "a.b", false },
	{ "+o.a -o=a.b", "a.c", true },
	{ "+o +s -r -o=x.y", "x.y", false },
	{ "+o=a.b +o=a.b -s -r", "a.b", true },
};

static void test_own(void **state)
{
	const struct own *row = *state;
	struct policy *p = compile(row->name);

	assert_int_equal(policy_own(p, row->owned, strlen(row->owned)),
			 row->allow);
	free(p);
}

struct open {
	const char *name;	/* rules */
	bool open;
	u8 send, receive;	/* bits of struct policy.open */
};

static const struct open open_rows[] = {
	{ "", false, 0, 0 },
	{ "+o +s! +r!", true, 0x1f, 0x1f },
	{ "+s! +r! +o", true, 0x1f, 0x1f },
	{ "+o +s! +r", false, 0x1f, 0x1e },
	{ "+o +s +r!", false, 0x1e, 0x1f },
	{ "-o +s! +r!", false, 0x1f, 0x1f },
	{ "+o -o=a.b +s! +r!", false, 0x1f, 0x1f },
	{ "-o=a.b +o +s! +r!", true, 0x1f, 0x1f },
	{ "+o +s! +r! +o=a.b +s=a.b", true, 0x1f, 0x1f },
	{ "+o +s! -s=a.b +r!", false, 0x0c, 0x1f },
	{ "+o +s! -st1 +r!", false, 0x1c, 0x1f },
	/* One for unrequested replies only. */
	{ "+o +s! -st2 +r!", false, 0x1e, 0x1f },
	{ "+o +s! +r! -r!", false, 0x1f, 0 },
	{ "+o +s! +r! -r!t1", false, 0x1f, 0x1e },
	{ "+st1 +st2 +st3 +st4", false, 0x1e, 0 },
	{ "+rt4 +rt2", false, 0, 0x14 },
	{ "-s +st4 +st2 -s=a.b +r!", false, 0x04, 0x1f },
};

static void test_open(void **state)
{
	const struct open *row = *state;
	struct policy *p = compile(row->name);

	assert_int_equal(policy_is_open(p), row->open);
	assert_int_equal(p->open[POLICY_SEND], row->send);
	assert_int_equal(p->open[POLICY_RECEIVE], row->receive);
	free(p);
}

/* Any other byte anywhere is noticed, or means something else but well. */
static void test_check_every_byte(void **state)
{
	struct policy *p = compile("+o -o=a.bc +s! -st1=x.yz +s.q +r! -r=m.n");
	struct policy_msg m = { .h = &(struct dbus_header){ .f.type = 1 } };
	u8 *bytes = (u8 *)p;
	size_t i, refused = 0;
	int bit;

	for (i = 0; i < p->size; i++) {
		for (bit = 0; bit < 8; bit++) {
			bytes[i] ^= 1U << bit;
			if (policy_check(p, p->size)) {
				refused++;
			} else {
				policy_ask(p, POLICY_SEND, &m);
				policy_ask(p, POLICY_RECEIVE, &m);
				policy_own(p, "a.b", 3);
			}
			bytes[i] ^= 1U << bit;
		}
	}
	assert_true(refused > p->size * 4);
	assert_int_equal(policy_check(p, p->size), 0);
	free(p);
}

static void test_check_lengths(void **state)
{
	struct policy *p = compile("+o=a.b +s! +r!");
	size_t len = p->size, i;

	for (i = 0; i < len; i++) {
		struct policy *cut = malloc(i + !i);

		assert_non_null(cut);
		memcpy(cut, p, i);
		assert_int_equal(policy_check(cut, i), -EINVAL);
		if (i >= sizeof(cut->size)) {
			cut->size = (u32)i;
			assert_int_equal(policy_check(cut, i), -EINVAL);
		}
		free(cut);
	}
	free(p);
}

static void test_too_long(void **state)
{
	char *name = malloc(POLICY_MAX_STRING + 2);
	struct policy_rule r;
	const struct policy_rule *list[300];
	size_t i;

	assert_non_null(name);
	memset(name, 'a', POLICY_MAX_STRING + 1);
	policy_rule_init(&r, POLICY_OWN, true);
	r.str[POLICY_NAME] = (struct dbus_str){ name, POLICY_MAX_STRING + 1 };
	for (i = 0; i < 300; i++)
		list[i] = &r;
	assert_int_equal(policy_compile(NULL, 0, list, 1), -EMSGSIZE);
	r.str[POLICY_NAME].len--;
	assert_true(policy_compile(NULL, 0, list, 1) > 0);
	assert_int_equal(policy_compile(NULL, 0, list, 300), -EMSGSIZE);
	free(name);
}

/* A rule with a name asks only about ends that may have it. */
static bool owns(void *ctx, const char *name, size_t len, bool below)
{
	++*(unsigned int *)ctx;
	return true;
}

static void test_names_bits(void **state)
{
	struct policy *p = compile("+s! -s=a.b");
	struct dbus_header h = { .f.type = DBUS_TYPE_CALL };
	unsigned int asked = 0;
	struct policy_msg m = {
		.h = &h, .end = { .owns = owns, .ctx = &asked },
	};

	m.end.names = ~policy_name_bit("a.b", 3);
	assert_int_equal(policy_ask(p, POLICY_SEND, &m), POLICY_ALLOWED);
	assert_int_equal(asked, 0);
	m.end.names = policy_name_bit("a.b", 3);
	assert_int_equal(policy_ask(p, POLICY_SEND, &m), 0);
	assert_int_equal(asked, 1);
	free(p);
}

int main(void)
{
	ADD_TABLE(own_rows, test_own);
	ADD_TABLE(open_rows, test_open);
	ADD_TEST(test_check_every_byte);
	ADD_TEST(test_check_lengths);
	ADD_TEST(test_too_long);
	ADD_TEST(test_names_bits);
	return run_tables("policy");
}
