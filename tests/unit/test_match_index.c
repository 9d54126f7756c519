/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index against what it stands for: all rules, asked one by one.
 */
#include "core/match_index.h"

#include "header.h"
#include "table.h"

static const struct sip_key test_key = { { 0x0706050403020100ULL,
					   0x0f0e0d0c0b0a0908ULL } };

struct rule {
	struct match_entry e;
	bool filed;
	unsigned int visits;
	struct match_rule *r;
};

static struct match_rule *compile(const char *text)
{
	size_t len = strlen(text);
	struct match_rule *r = malloc(MATCH_RULE_MEM(len));
	const char *why = text;

	assert_non_null(r);
	if (match_rule_parse(r, MATCH_RULE_MEM(len), text, len, &why))
		fail_msg("%s: %s", text, why);
	return r;
}

static void grow(struct match_index *x, size_t more)
{
	size_t size = match_index_wants(x, more);

	if (size)
		free(match_index_grow(x, calloc(size, sizeof(*x->buckets)),
				      size));
}

static struct match_index *index_new(void)
{
	struct match_index *x = malloc(sizeof(*x));

	assert_non_null(x);
	match_index_init(x, &test_key);
	return x;
}

static void index_free(struct match_index *x)
{
	if (x->buckets != &x->first)
		free(x->buckets);
	free(x);
}

static struct rule *file(struct match_index *x, const char *text)
{
	struct rule *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->r = compile(text);
	match_index_add(x, &r->e, r->r);
	return r;
}

static void unfile(struct match_index *x, struct rule *r)
{
	match_index_del(x, &r->e);
	free(r->r);
	free(r);
}

/* ---- messages ---- */

struct message {
	struct build head, body;
	struct dbus_header h;
	struct match_msg m;
	const char *names[8];	/* the sender owns, up to a NULL */
};

static bool owns(void *ctx, const char *name, size_t len)
{
	const char **n = ((struct message *)ctx)->names;

	for (; *n; n++)
		if (strlen(*n) == len && !memcmp(*n, name, len))
			return true;
	return false;
}

static bool names(void *ctx, void **at, struct dbus_str *name)
{
	const char **n = *at;

	if (!n)
		n = ((struct message *)ctx)->names;
	if (!*n)
		return false;
	*name = (struct dbus_str){ *n, (u32)strlen(*n) };
	*at = n + 1;
	return true;
}

static void message(struct message *t, u8 type, const char *fields,
		    const char *body, const char *sender)
{
	build_init(&t->body, false);
	build(&t->body, body);
	build_header(&t->head, false, type, 0, (u32)t->body.len, fields);
	assert_int_equal(dbus_header_parse(&t->h, t->head.buf, t->head.len,
					   DBUS_MAX_MESSAGE), 0);
	t->m = (struct match_msg){
		.h = &t->h,
		.sender = { sender, (u32)strlen(sender) },
		.owns = owns,
		.names = names,
		.ctx = t,
		.body = t->body.buf,
		.body_len = t->body.len,
	};
	t->names[0] = NULL;
}

/* The rule before that of the last call, and how many were the same. */
static const struct match_rule *last;
static unsigned int n_again;

static int count(void *ctx, struct match_entry *e, bool again)
{
	struct rule *r = (struct rule *)e;

	(void)ctx;
	r->visits++;
	if (again)
		assert_true(match_rule_equal(last, r->r));
	n_again += again;
	last = r->r;
	return 0;
}

/* ---- which rules are looked at ---- */

struct row {
	const char *name;	/* the rule */
	bool met;
};

#define DEEP "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"	/* 16 elements */

/* By a signal M of i.f from DEEP/q, sent by :1.7, who owns own.a and own.b. */
static const struct row rows[] = {
	{ "", true },
	{ "eavesdrop=true", true },
	{ "type=signal", true },
	{ "type=method_call", false },
	{ "sender=:1.7", true },
	{ "sender=:1.77", false },
	{ "sender=own.a", true },
	{ "sender=own.b", true },
	{ "sender=own.c", false },
	{ "sender=org.freedesktop.DBus", false },
	{ "interface=i.f", true },
	{ "interface=i.g", false },
	{ "member=M", true },
	{ "member=N", false },
	{ "path=" DEEP "/q", true },
	{ "path=" DEEP, false },
	{ "path=/", false },
	{ "path_namespace=/", true },
	{ "path_namespace=/a", true },
	{ "path_namespace=/a/b", true },
	{ "path_namespace=/b", false },
	{ "path_namespace=" DEEP, true },
	{ "path_namespace=" DEEP "/q", true },
	{ "path_namespace=/x" DEEP, false },
	/* Filed by fewer elements than it has: met, and then asked. */
	{ "path_namespace=" DEEP "/r", true },
	{ "destination=:1.3", false },
	{ "destination=:1.3,eavesdrop=true", true },
	{ "arg0=1.2.3.4.5.6.7.8.9", true },
	{ "arg0=1.2.3.4.5.6.7.8", false },
	{ "arg1=", true },
	{ "arg1=x", false },
	{ "arg2=x", false },
	{ "arg3=three", true },
	{ "arg3=four", false },
	{ "arg4=four", true },
	{ "arg4=five", true },		/* not filed by */
	{ "arg0path=/x", true },	/* likewise */
	{ "arg0path=/x,arg3=three", true },
	{ "arg0path=/x,arg3=four", false },
	{ "arg4=five,arg3=three,arg1=", true },
	{ "arg0=1.2.3.4.5.6.7.8.9,arg1=x", true },
	{ "sender=own.b,path_namespace=/a/b", true },
	{ "sender=own.b,path_namespace=/b", false },
	{ "sender=own.c,path_namespace=/a/b", false },
	{ "type=signal,sender=own.a,interface=i.f,member=M,path=" DEEP "/q,"
	  "arg0=1.2.3.4.5.6.7.8.9", true },
	{ "type=signal,sender=own.a,interface=i.f,member=M,path=" DEEP "/q,"
	  "arg0=", false },
	{ "type=signal,sender=:1.7,interface=i.f,member=M,path=" DEEP ","
	  "arg0=1.2.3.4.5.6.7.8.9", false },
};

static const struct row name_rows[] = {
	{ "arg0namespace=e1", true },
	{ "arg0namespace=e1.e2", true },
	{ "arg0namespace=e1.e", false },
	{ "arg0namespace=e2", false },
	{ "arg0namespace=e1.e2.e3.e4.e5.e6.e7.e8", true },
	{ "arg0namespace=e1.e2.e3.e4.e5.e6.e7.e8.e9", true },
	{ "arg0namespace=e1.e2.e3.e4.e5.e6.e7.e8.x", true },	/* and asked */
	{ "arg0namespace=e1.e2.e3.e4.e5.e6.e7.x", false },
	{ "arg0namespace=e1.e2,path_namespace=/a", true },
	{ "arg0namespace=e1.x,path_namespace=/a", true },	/* and asked */
	{ "arg0namespace=e1.x,arg1=y", true },			/* likewise */
	{ "arg0namespace=e1.e2,arg1=x", false },
	{ "sender=org.freedesktop.DBus,arg0namespace=e1", true },
	{ "sender=:1.7,arg0namespace=e1", false },
};

static void check_row(const struct row *row, struct message *t)
{
	struct match_index *x = index_new();
	struct rule *r = file(x, row->name);

	match_index_visit(x, &t->m, count, NULL);
	assert_int_equal(r->visits, row->met);
	if (match_rule_eval(r->r, &t->m))
		assert_true(row->met);
	unfile(x, r);
	index_free(x);
}

static void test_row(void **state)
{
	struct message t;

	message(&t, DBUS_TYPE_SIGNAL, "|8 y1 go s" DEEP "/q |8 y2 gs si.f "
		"|8 y3 gs sM |8 y8 gg gssass",
		"s1.2.3.4.5.6.7.8.9 s [4 sx ] sthree sfour", ":1.7");
	t.names[0] = "own.a";
	t.names[1] = "own.b";
	t.names[2] = NULL;
	/* The fourth argument is the fifth string. */
	check_row(*state, &t);
}

static void test_name_row(void **state)
{
	struct message t;

	message(&t, DBUS_TYPE_SIGNAL, "|8 y1 go s/a |8 y2 gs si.f "
		"|8 y3 gs sM |8 y8 gg gss",
		"se1.e2.e3.e4.e5.e6.e7.e8.e9 sy", "org.freedesktop.DBus");
	check_row(*state, &t);
}

/* A message without any of the parts meets rules that ask for none of them. */
static void test_nothing(void **state)
{
	struct match_index *x = index_new();
	struct rule *all[ARRAY_SIZE(rows)];
	struct message t;
	size_t i;

	(void)state;
	message(&t, DBUS_TYPE_RETURN, "|8 y5 gu u1 ", "", ":1.8");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		all[i] = file(x, rows[i].name);
	match_index_visit(x, &t.m, count, NULL);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		/* The first two, and what has no part to be filed by. */
		bool met = !*rows[i].name ||
			   !strncmp(rows[i].name, "eavesdrop", 9) ||
			   !strcmp(rows[i].name, "arg4=four") ||
			   !strcmp(rows[i].name, "arg4=five") ||
			   !strcmp(rows[i].name, "arg0path=/x") ||
			   strstr(rows[i].name, "3,eavesdrop");

		if (all[i]->visits != met)
			fail_msg("%s: %u visits", rows[i].name,
				 all[i]->visits);
		unfile(x, all[i]);
	}
	assert_int_equal(x->n_keys, 0);
	assert_int_equal(x->n_used, 0);
	index_free(x);
}

/* ---- many rules ---- */

#define MANY 10000U

static const char * const strangers[] = {
	"sender=own.n%u,interface=i.f,member=M,path=/a",
	"sender=:1.1%u,interface=i.f,member=M,path=/a",
	"type=signal,interface=i.f,member=M%u,path=/a",
	"type=signal,interface=i.f%u,member=M,path=/a",
	"type=signal,interface=i.f,member=M,path=/a%u",
	"type=signal,interface=i.f,member=M,arg0=%u",
	"type=signal,interface=i.f,member=M,arg3=%u",
	"type=signal,path_namespace=/a%u",
	"type=signal,arg0namespace=org.n%u",
	"type=method_call,interface=i.f,member=M,path=/a,arg9=%u",
	"type=signal,interface=i.f,destination=:1.%u",
};

/* Whatever others ask for, a message meets its own rules only. */
static void test_strangers(void **state)
{
	struct rule **all = calloc(MANY, sizeof(*all)), *mine;
	struct match_index *x = index_new();
	unsigned int i, visits = 0;
	char text[128];
	struct message t;

	(void)state;
	message(&t, DBUS_TYPE_SIGNAL, "|8 y1 go s/a |8 y2 gs si.f "
		"|8 y3 gs sM |8 y8 gg gssss", "sorg.x s s s", ":1.1");
	t.names[0] = "own.n";
	t.names[1] = NULL;
	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text),
			 strangers[i % ARRAY_SIZE(strangers)], i);
		if (!(i % 1000))
			grow(x, 1000);
		all[i] = file(x, text);
	}
	mine = file(x, "interface=i.f,sender=own.n");
	match_index_visit(x, &t.m, count, NULL);
	for (i = 0; i < MANY; i++)
		visits += all[i]->visits;
	assert_int_equal(visits, 0);
	assert_int_equal(mine->visits, 1);
	/* The look-ups are short, too. */
	assert_true(x->n_buckets >= x->n_keys);
	for (i = 0; i < MANY; i++)
		unfile(x, all[i]);
	free(all);
	unfile(x, mine);
	index_free(x);
}

static int stop_at_third(void *ctx, struct match_entry *e, bool again)
{
	(void)e;
	(void)again;
	return ++*(unsigned int *)ctx == 3 ? -ENOMEM : 0;
}

/* Rules that are filed alike, and going no further. */
static void test_alike(void **state)
{
	struct match_index *x = index_new();
	struct rule *r[10];
	unsigned int i, k, calls = 0;
	struct message t;

	(void)state;
	message(&t, DBUS_TYPE_SIGNAL, F_PATH F_INTERFACE F_MEMBER, "", ":1.1");
	for (i = 0; i < 10; i++)
		r[i] = file(x, "member=Member");
	assert_int_equal(x->n_keys, 1);
	assert_int_equal(match_index_visit(x, &t.m, stop_at_third, &calls),
			 -ENOMEM);
	assert_int_equal(calls, 3);
	/* The first, the last, one in between, and so on. */
	for (i = 0; i < 10; i++) {
		k = i * 7 % 10;
		unfile(x, r[k]);
		r[k] = NULL;
		n_again = 0;
		match_index_visit(x, &t.m, count, NULL);
		for (k = 0; k < 10; k++)
			if (r[k])
				assert_int_equal(r[k]->visits, i + 1);
		assert_int_equal(n_again, i < 9 ? 8 - i : 0);
	}
	assert_int_equal(x->n_keys, 0);
	index_free(x);
}

/* Filed alike, but not equal: what the first one has is known of its equals,
 * also when the first has gone. */
static void test_again(void **state)
{
	struct match_index *x = index_new();
	struct rule *r[6];
	struct message t;
	unsigned int i;

	(void)state;
	message(&t, DBUS_TYPE_SIGNAL, F_PATH F_INTERFACE F_MEMBER, "", ":1.1");
	for (i = 0; i < 6; i++)
		r[i] = file(x, i % 2 ? "member=Member,arg7=x" :
				       "member=Member");
	assert_int_equal(x->n_keys, 1);
	n_again = 0;
	match_index_visit(x, &t.m, count, NULL);
	assert_int_equal(n_again, 2);
	unfile(x, r[0]);
	n_again = 0;
	match_index_visit(x, &t.m, count, NULL);
	assert_int_equal(n_again, 1);
	for (i = 1; i < 6; i++)
		unfile(x, r[i]);
	index_free(x);
}

/* ---- at random, against all rules asked one by one ---- */

#define RULES	300U
#define STEPS	30000U

static u32 rnd_state = 1;

static u32 rnd(u32 n)
{
	/* Numerical Recipes' generator: the same everywhere. */
	rnd_state = rnd_state * 1664525U + 1013904223U;
	return (rnd_state >> 8) % n;
}

#define PICK(a) ((a)[rnd(ARRAY_SIZE(a))])

static const char * const v_types[] = { "method_call", "method_return",
	"error", "signal", "signal", "signal", "signal" };
static const char * const v_senders[] = { ":1.1", ":1.2", "a.b", "a.b.c",
	"d.e", "org.freedesktop.DBus" };
static const char * const v_interfaces[] = { "a.b", "a.b.c", "i.f" };
static const char * const v_members[] = { "M", "N", "a" };
static const char * const v_paths[] = { "/", "/a", "/a/b", "/a/b/c", "/b",
	"/ab", DEEP, DEEP "/q", DEEP "/r" };
static const char * const v_names[] = { "a", "a.b", "a.b.c", "a.bc", "b",
	"n1.n2.n3.n4.n5.n6.n7.n8", "n1.n2.n3.n4.n5.n6.n7.n8.n9",
	"n1.n2.n3.n4.n5.n6.n7.n8.n0", "n1.n2.n3.n4.n5.n6.n7" };
static const char * const v_args[] = { "", "a", "a.b", "a.b.c", "a..b", "/",
	"/a", "/a/", "/a/b", "n1.n2.n3.n4.n5.n6.n7.n8.n9" };

static void add_key(char *text, const char *key, const char *value)
{
	sprintf(text + strlen(text), "%s=%s,", key, value);
}

static bool one_in(u32 n)
{
	return !rnd(n);
}

static void random_args(char *text)
{
	char key[16];
	u32 i;

	for (i = 0; i < 6; i++) {
		if (!one_in(6))
			continue;
		if (!i && one_in(3)) {
			add_key(text, "arg0namespace", PICK(v_names));
			continue;
		}
		sprintf(key, one_in(4) ? "arg%upath" : "arg%u", i);
		add_key(text, key, PICK(v_args));
	}
}

static void random_rule(char *text)
{
	*text = 0;
	if (one_in(2))
		add_key(text, "type", PICK(v_types));
	if (one_in(3))
		add_key(text, "sender", PICK(v_senders));
	if (one_in(3))
		add_key(text, "interface", PICK(v_interfaces));
	if (one_in(3))
		add_key(text, "member", PICK(v_members));
	if (one_in(3))
		add_key(text, one_in(2) ? "path" : "path_namespace",
			PICK(v_paths));
	if (one_in(8))
		add_key(text, "destination", ":1.2");
	if (one_in(3))
		add_key(text, "eavesdrop", "true");
	random_args(text);
}

static void add_field(char *out, unsigned int code, char type,
		      const char *value)
{
	sprintf(out + strlen(out), "|8 y%u g%c s%s ", code, type, value);
}

/* Arguments of several types, so that strings have others before them. */
static void random_body(char *sig, char *body)
{
	u32 i, n = rnd(7);

	*sig = *body = 0;
	for (i = 0; i < n; i++) {
		switch (rnd(8)) {
		case 0:
			strcat(sig, "u");
			strcat(body, "u5 ");
			break;
		case 1:
			strcat(sig, "as");
			strcat(body, "[4 sa sb ] ");
			break;
		case 2:
			strcat(sig, "o");
			sprintf(body + strlen(body), "s%s ", PICK(v_paths));
			break;
		default:
			strcat(sig, "s");
			sprintf(body + strlen(body), "s%s ", PICK(v_args));
		}
	}
	/* A length of what is not there. */
	if (one_in(8)) {
		strcat(sig, "s");
		strcat(body, "u100 ");
	}
}

static void random_message(struct message *t)
{
	u8 type = one_in(3) ? (u8)(1 + rnd(4)) : DBUS_TYPE_SIGNAL;
	char fields[1024] = "", sig[64], body[1024];
	u32 i, n = 0;

	if (type == DBUS_TYPE_SIGNAL || type == DBUS_TYPE_CALL) {
		add_field(fields, 1, 'o', PICK(v_paths));
		if (type == DBUS_TYPE_SIGNAL || one_in(2))
			add_field(fields, 2, 's', PICK(v_interfaces));
		add_field(fields, 3, 's', PICK(v_members));
	} else {
		if (type == DBUS_TYPE_ERROR)
			add_field(fields, 4, 's', "a.b");
		strcat(fields, "|8 y5 gu u1 ");
	}
	if (one_in(6))
		add_field(fields, 6, 's', ":1.2");
	random_body(sig, body);
	if (*sig)
		sprintf(fields + strlen(fields), "|8 y8 gg g%s ", sig);
	message(t, type, fields, body, PICK(v_senders));
	for (i = 2; i < 5; i++)
		if (one_in(3) && strcmp(t->m.sender.s, v_senders[i]))
			t->names[n++] = v_senders[i];
	t->names[n] = NULL;
	if (one_in(20))
		t->m.body = NULL;
}

static void change(struct match_index *x, struct rule *r)
{
	char text[1024];

	if (r->filed) {
		match_index_del(x, &r->e);
		free(r->r);
		r->filed = false;
		return;
	}
	random_rule(text);
	r->r = compile(text);
	match_index_add(x, &r->e, r->r);
	r->filed = true;
}

static unsigned int compare(const struct match_index *x, struct rule *rules,
			    struct message *t, unsigned int *visits)
{
	unsigned int i, hits = 0;

	for (i = 0; i < RULES; i++)
		rules[i].visits = 0;
	match_index_visit(x, &t->m, count, NULL);
	for (i = 0; i < RULES; i++) {
		bool match = rules[i].filed &&
			     match_rule_eval(rules[i].r, &t->m);
		char text[1024];

		hits += match;
		*visits += rules[i].visits;
		if (rules[i].visits <= rules[i].filed &&
		    rules[i].visits >= match)
			continue;
		match_rule_text(rules[i].r, text, sizeof(text));
		fail_msg("%s: %u visits, match %d", text, rules[i].visits,
			 match);
	}
	return hits;
}

static void test_random(void **state)
{
	struct rule *rules = calloc(RULES, sizeof(*rules));
	struct match_index *x = index_new();
	unsigned int i, k, hits = 0, visits = 0;
	struct message t;

	(void)state;
	for (i = 0; i < STEPS; i++) {
		/* Memory comes late now and then. */
		if (one_in(50))
			grow(x, rnd(200));
		for (k = rnd(8); k; k--)
			change(x, &rules[rnd(RULES)]);
		random_message(&t);
		hits += compare(x, rules, &t, &visits);
	}
	/* There was something to compare. */
	assert_true(hits > STEPS);
	assert_true(visits < 4 * hits);
	for (i = 0; i < RULES; i++)
		if (rules[i].filed)
			change(x, &rules[i]);
	assert_int_equal(x->n_keys, 0);
	assert_int_equal(x->n_used, 0);
	index_free(x);
	free(rules);
}

/* Every rule has its key, and the table holds them all in whatever state of
 * growth it is. */
static void test_growth(void **state)
{
	struct match_index *x = index_new();
	struct rule *r[1000];
	unsigned int i, k;
	char fields[128], text[32];
	struct message t;

	(void)state;
	for (i = 0; i < 1000; i++) {
		sprintf(text, "member=M%u", i);
		r[i] = file(x, text);
		if (i == 100 || i == 500)
			grow(x, i);
		if (i % 50)
			continue;
		for (k = 0; k <= i; k++) {
			sprintf(fields, F_PATH F_INTERFACE "|8 y3 gs sM%u", k);
			message(&t, DBUS_TYPE_SIGNAL, fields, "", ":1.1");
			r[k]->visits = 0;
			match_index_visit(x, &t.m, count, NULL);
			assert_int_equal(r[k]->visits, 1);
		}
	}
	for (i = 0; i < 1000; i++)
		unfile(x, r[i]);
	assert_int_equal(x->n_keys, 0);
	index_free(x);
}

/* All rules go at once, and others come. */
static void test_forget(void **state)
{
	struct match_index *x = index_new();
	struct rule *old[100], *r;
	struct message t;
	unsigned int i;
	char text[32];

	(void)state;
	message(&t, DBUS_TYPE_SIGNAL, F_PATH F_INTERFACE F_MEMBER, "", ":1.1");
	for (i = 0; i < 100; i++) {
		sprintf(text, "arg%u=,member=Member", i % 5);
		old[i] = file(x, text);
		if (i == 50)
			grow(x, 100);
	}
	free(match_index_forget(x));
	assert_null(match_index_forget(x));
	r = file(x, "member=Member");
	match_index_visit(x, &t.m, count, NULL);
	assert_int_equal(r->visits, 1);
	unfile(x, r);
	for (i = 0; i < 100; i++) {
		assert_int_equal(old[i]->visits, 0);
		free(old[i]->r);
		free(old[i]);
	}
	index_free(x);
}

/* ---- the hash ---- */

struct hashed {
	const char *name;
	u64 hash;
};

/* As CPython 3.11 hashes bytes with PYTHONHASHSEED=0, which makes the key 0. */
static const struct hashed hashes[] = {
	{ "abc", 0xc03bc3a0042630f2ULL },
	{ "org.freedesktop.DBus", 0x818fb46725ac1e65ULL },
};

static void test_hash(void **state)
{
	static const struct sip_key zero;
	const struct hashed *t = *state;

	if (PORT_BIG_ENDIAN)
		skip();
	assert_int_equal(sip_hash(&zero, t->name, strlen(t->name)), t->hash);
	assert_int_not_equal(sip_hash(&test_key, t->name, strlen(t->name)),
			     t->hash);
}

int main(void)
{
	ADD_TABLE(hashes, test_hash);
	ADD_TABLE(rows, test_row);
	ADD_TABLE(name_rows, test_name_row);
	ADD_TEST(test_nothing);
	ADD_TEST(test_strangers);
	ADD_TEST(test_alike);
	ADD_TEST(test_again);
	ADD_TEST(test_growth);
	ADD_TEST(test_forget);
	ADD_TEST(test_random);
	return run_tables("match index");
}
