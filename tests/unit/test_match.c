/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/match.h"

#include "header.h"
#include "table.h"

static struct match_rule *parse(const char *text, size_t len, int want)
{
	size_t size = MATCH_RULE_MEM(len);
	struct match_rule *r = malloc(size);
	const char *why = NULL;
	int err;

	assert_non_null(r);
	err = match_rule_parse(r, size, text, len, &why);
	assert_int_equal(err, want);
	assert_int_equal(!!why, err == -EINVAL);
	if (!err) {
		assert_true(r->size <= size);
		/* Nothing outside its size belongs to it. */
		r = realloc(r, r->size);
		return r;
	}
	free(r);
	return NULL;
}

struct text {
	const char *name;
	const char *canonical;	/* NULL: refused */
};

#define SAME(text) { text, text }

/* The name is the rule. */
static const struct text texts[] = {
	SAME(""),
	{ "  \t\n\r ", "" },
	SAME("type=signal"),
	SAME("type=method_call"),
	SAME("type=method_return"),
	SAME("type=error"),
	{ "type='signal'", "type=signal" },
	{ "type='signal',", "type=signal" },
	{ "type='signal', ", "type=signal" },
	{ "type=signal,\t\n", "type=signal" },
	{ "  type='signal' ", NULL },
	{ " \ttype='signal'", "type=signal" },
	{ "type ='signal'", "type=signal" },
	{ "type\t\n ='signal'", "type=signal" },
	{ "type= 'signal'", NULL },
	{ "type='signal' ,member=M", NULL },
	{ "type='signal',,member=M", NULL },
	{ ",type='signal'", NULL },
	{ ",", NULL },
	{ "=", NULL },
	{ "='x'", NULL },
	{ "type=signal,='x'", NULL },
	{ "type", NULL },
	{ "type ", NULL },
	{ "type signal", NULL },
	{ "type=", NULL },
	{ "type=Signal", NULL },
	{ "type=invalid", NULL },
	{ "type=signals", NULL },
	{ "Type=signal", NULL },
	{ "unknown=1", NULL },
	{ "unknown", NULL },

	{ "type='sig''nal'", "type=signal" },
	{ "type='sig'nal", "type=signal" },
	{ "type=s'i'g'n'al", "type=signal" },
	{ "type=''signal", "type=signal" },
	{ "type='signal", NULL },
	{ "type=signal'", NULL },
	{ "type='signal\\'", NULL },
	SAME("arg0="),
	{ "arg0=''", "arg0=" },
	{ "arg0='''", NULL },
	{ "arg0='a,b'", "arg0='a,b'" },
	{ "arg0=a,member=b", "member=b,arg0=a" },
	{ "arg0=\\'", "arg0=\\'" },
	{ "arg0=\\\\", "arg0='\\\\'" },
	{ "arg0=a\\b", "arg0='a\\b'" },
	{ "arg0=\\", "arg0='\\'" },
	{ "arg0='\\'", "arg0='\\'" },
	{ "arg0='\\\\'", "arg0='\\\\'" },
	{ "arg0='\\',arg1='b'", "arg0='\\',arg1=b" },
	{ "arg0='\\'\\''b'", "arg0='\\'\\'b" },
	{ "arg0='it'\\''s'", "arg0=it\\'s" },
	{ "arg0=\\,b", "arg0='\\,b'" },
	{ "arg0=\\\\'x,'", "arg0='\\\\x,'" },
	{ "arg0=a b ", "arg0=a b " },
	{ "arg0= a", "arg0= a" },
	{ "arg0=a=b", "arg0=a=b" },
	{ "arg0=\"a\"", "arg0=\"a\"" },
	{ "arg0=\xc3\xa9", "arg0=\xc3\xa9" },

	SAME("sender=a.b"),
	SAME("sender=:1.5"),
	SAME("sender=org.freedesktop.DBus"),
	{ "sender=a", NULL },
	{ "sender=", NULL },
	SAME("interface=a.b"),
	{ "interface=a", NULL },
	{ "interface=a-b.c", NULL },
	SAME("member=M"),
	{ "member=a.b", NULL },
	{ "member=", NULL },
	SAME("path=/"),
	SAME("path=/a/b"),
	{ "path=a", NULL },
	{ "path=/a/", NULL },
	{ "path=", NULL },
	SAME("path_namespace=/"),
	SAME("path_namespace=/a"),
	{ "path_namespace=/a/", NULL },
	SAME("destination=:1.5"),
	SAME("destination=a.b"),
	{ "destination=5", NULL },
	SAME("eavesdrop=true"),
	{ "eavesdrop='true'", "eavesdrop=true" },
	{ "eavesdrop='false'", "" },
	{ "eavesdrop=false,eavesdrop=true", "eavesdrop=true" },
	{ "eavesdrop=true,eavesdrop=false", "" },
	{ "eavesdrop=yes", NULL },
	{ "eavesdrop=", NULL },
	{ "eavesdrop=TRUE", NULL },

	{ "type=signal,type=signal", NULL },
	{ "type=signal,type=error", NULL },
	{ "sender=a.b,sender=a.b", NULL },
	{ "interface=a.b,interface=c.d", NULL },
	{ "member=a,member=b", NULL },
	{ "path=/a,path=/b", NULL },
	{ "path=/a,path_namespace=/a", NULL },
	{ "path_namespace=/a,path=/a", NULL },
	{ "path_namespace=/a,path_namespace=/b", NULL },
	{ "destination=a.b,destination=a.b", NULL },
	{ "arg0=a,arg0=b", NULL },
	{ "arg0=a,arg0path=/b", NULL },
	{ "arg0path=a,arg0=b", NULL },
	{ "arg0=a,arg0namespace=a", NULL },
	{ "arg5path=a,arg5path=a", NULL },

	SAME("arg0=x"),
	SAME("arg9=x"),
	SAME("arg10=x"),
	SAME("arg63=x"),
	{ "arg64=x", NULL },
	{ "arg99=x", NULL },
	{ "arg100=x", NULL },
	{ "arg4294967296=x", NULL },
	{ "arg=x", NULL },
	{ "arg00=x", NULL },
	{ "arg01=x", NULL },
	{ "arg0x1=x", NULL },
	{ "arg-1=x", NULL },
	{ "arg+1=x", NULL },
	{ "argpath=/", NULL },
	{ "ar=x", NULL },
	{ "arg0pat=x", NULL },
	{ "arg0paths=x", NULL },
	{ "arg0 path=x", NULL },
	SAME("arg0path=/a/"),
	SAME("arg0path=not a path"),
	SAME("arg0path="),
	SAME("arg63path=/"),
	{ "arg64path=/", NULL },
	SAME("arg0namespace=a"),
	SAME("arg0namespace=a.b"),
	SAME("arg0namespace=:1.5"),
	{ "arg0namespace=", NULL },
	{ "arg0namespace=a.", NULL },
	{ "arg0namespace=1", NULL },
	{ "arg1namespace=a", NULL },
	{ "arg00namespace=a", NULL },
	{ "argnamespace=a", NULL },
	{ "arg63=d,arg2=b,arg10path=/c,arg0namespace=a",
	  "arg0namespace=a,arg2=b,arg10path=/c,arg63=d" },
	{ "arg1=,eavesdrop='true',destination=a.b,path='/a',member='M',"
	  "interface='i.f',sender='s.n',type='signal'",
	  "type=signal,sender=s.n,interface=i.f,member=M,path=/a,"
	  "destination=a.b,eavesdrop=true,arg1=" },
	/* As many as there are: the reference stops at sixteen. */
	{ "arg0=,arg1=,arg2=,arg3=,arg4=,arg5=,arg6=,arg7=,arg8=,arg9=,"
	  "arg10=,arg11=,arg12=,arg13=,arg14=,arg15=,arg16=,arg17=,type=error",
	  "type=error,"
	  "arg0=,arg1=,arg2=,arg3=,arg4=,arg5=,arg6=,arg7=,arg8=,arg9=,"
	  "arg10=,arg11=,arg12=,arg13=,arg14=,arg15=,arg16=,arg17=" },
};

static void check_text(const struct match_rule *r, const char *want)
{
	size_t len = strlen(want), size;
	struct match_rule *again;
	char *out;

	assert_int_equal(match_rule_text(r, NULL, 0), len);
	for (size = 1; size <= len + 2; size++) {
		out = malloc(size);
		assert_int_equal(match_rule_text(r, out, size), len);
		assert_int_equal(strlen(out), size > len ? len : size - 1);
		assert_memory_equal(out, want, strlen(out));
		free(out);
	}
	again = parse(want, len, 0);
	assert_true(match_rule_equal(r, again));
	assert_true(match_rule_equal(again, r));
	free(again);
}

static void test_text(void **state)
{
	const struct text *t = *state;
	size_t len = strlen(t->name);
	struct match_rule *r = parse(t->name, len, t->canonical ? 0 : -EINVAL);
	struct match_rule *mem;
	size_t size;

	if (!r)
		return;
	check_text(r, t->canonical);
	/* With any room: enough, or -ENOSPC and nothing behind it touched. */
	for (size = 0; size < MATCH_RULE_MEM(len); size++) {
		int err;

		mem = malloc(size ? size : 1);
		err = match_rule_parse(mem, size, t->name, len, NULL);
		assert_true(err == 0 || err == -ENOSPC);
		if (!err)
			assert_true(match_rule_equal(mem, r));
		if (size < r->size)
			assert_int_equal(err, -ENOSPC);
		free(mem);
	}
	free(r);
}

static void test_limits(void **state)
{
	char text[MATCH_MAX_TEXT + 2];
	struct match_rule *r;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "arg0=", 5);
	r = parse(text, MATCH_MAX_TEXT, 0);
	assert_int_equal(r->args[0].len, MATCH_MAX_TEXT - 5);
	free(r);
	parse(text, MATCH_MAX_TEXT + 1, -EMSGSIZE);
	parse("arg0=a\0b", 8, -EINVAL);
	parse("type=signal\0", 12, -EINVAL);
	parse("arg0='\0'", 8, -EINVAL);
	parse("\0=a", 3, -EINVAL);
}

/* More argument keys than there are arguments. */
static void test_many_args(void **state)
{
	char text[MATCH_MAX_TEXT + 1] = "";
	struct match_rule *r;
	int i, len = 0;

	(void)state;
	for (i = 63; i >= 0; i--)
		len += sprintf(text + len, "arg%d=,", i);
	r = parse(text, (size_t)len, 0);
	assert_int_equal(r->n_args, 64);
	for (i = 0; i < 64; i++)
		assert_int_equal(r->args[i].index, i);
	free(r);
	for (len = 0; len + 6 <= (int)MATCH_MAX_TEXT; len += 6)
		memcpy(text + len, "arg1=,", 6);
	parse(text, (size_t)len, -EINVAL);
}

struct pair {
	const char *name;
	const char *a, *b;
	bool equal;
};

static const struct pair pairs[] = {
	{ "equal: empty", "", " ", true },
	{ "equal: order", "type=signal,member=M", "member=M,type=signal",
	  true },
	{ "equal: quoting", "arg0='a'\\''b'", "arg0=a\\'b", true },
	{ "equal: argument order", "arg1=b,arg0=a", "arg0=a,arg1=b", true },
	{ "equal: eavesdrop false", "eavesdrop=false", "", true },
	{ "equal: eavesdrop true", "eavesdrop=true", "" },
	{ "equal: type", "type=signal", "type=error" },
	{ "equal: type or none", "type=signal", "" },
	{ "equal: value", "member=A", "member=B" },
	{ "equal: prefix", "member=A", "member=AB" },
	{ "equal: key", "sender=a.b", "destination=a.b" },
	{ "equal: path kind", "path=/a", "path_namespace=/a" },
	{ "equal: argument index", "arg0=a", "arg1=a" },
	{ "equal: argument kind", "arg0=a", "arg0path=a" },
	{ "equal: argument kind 2", "arg0=a", "arg0namespace=a" },
	{ "equal: argument value", "arg0=a", "arg0=b" },
	{ "equal: empty argument or none", "arg0=", "" },
	{ "equal: more arguments", "arg0=a", "arg0=a,arg1=b" },
};

static void test_pair(void **state)
{
	const struct pair *t = *state;
	struct match_rule *a = parse(t->a, strlen(t->a), 0);
	struct match_rule *b = parse(t->b, strlen(t->b), 0);

	assert_int_equal(match_rule_equal(a, b), t->equal);
	assert_int_equal(match_rule_equal(b, a), t->equal);
	free(a);
	free(b);
}

/* The messages that rules are tried on. */
enum { SIG, CALL, NOIF, REPLY, DIRECT, PATHS, DEEP, BROKEN, NOBODY, DRIVER,
       N_MSGS };

struct msg {
	u8 type;
	const char *fields;
	const char *body;
	const char *sender;
};

#define F_SIG "|8 y1 go s/org/x " "|8 y2 gs sorg.x.I " "|8 y3 gs sM "

static const struct msg msgs[N_MSGS] = {
	[SIG] = { DBUS_TYPE_SIGNAL, F_SIG "|8 y8 gg gsusvs",
		  "shello u7 sa.b.c gas [4 sx ] s", ":1.7" },
	[CALL] = { DBUS_TYPE_CALL, F_SIG "|8 y6 gs sd.n", "", ":1.7" },
	[NOIF] = { DBUS_TYPE_CALL, "|8 y1 go s/org |8 y3 gs sM |8 y6 gs sd.n",
		   "", ":1.7" },
	[REPLY] = { DBUS_TYPE_RETURN, "|8 y5 gu u1 |8 y6 gs s:1.3", "",
		    ":1.7" },
	[DIRECT] = { DBUS_TYPE_SIGNAL, F_SIG "|8 y6 gs s:1.3", "", ":1.7" },
	[PATHS] = { DBUS_TYPE_SIGNAL, F_SIG "|8 y8 gg gossssg",
		    "s/aa/bb s/aa/bb/ s s/ snot%20a%20path gs", ":1.7" },
	[DEEP] = { DBUS_TYPE_SIGNAL, F_SIG "|8 y8 gg ga{sv}(yas)a(t)vyts",
		   "[8 sk gu u1 |8 sl ga(sv) [8 sx gy y1 ] ] "
		   "|8 y1 [4 sone stwo ] [8 t1 t2 ] gaas [4 [4 sq ] ] y1 t9 "
		   "send", ":1.7" },
	[BROKEN] = { DBUS_TYPE_SIGNAL, F_SIG "|8 y8 gg gsss",
		     "sgood u100 %6162", ":1.7" },
	[NOBODY] = { DBUS_TYPE_SIGNAL, F_SIG, "", ":1.7" },
	[DRIVER] = { DBUS_TYPE_SIGNAL, "|8 y1 go s/org/freedesktop/DBus "
		     "|8 y2 gs sorg.freedesktop.DBus "
		     "|8 y3 gs sNameOwnerChanged |8 y8 gg gsss",
		     "sorg.x.Y s s:1.9", DBUS_DRIVER_NAME },
};

struct eval {
	const char *name;	/* the rule */
	unsigned int msg;
	bool match;
};

static const struct eval evals[] = {
	{ "", SIG, true },
	{ "", DRIVER, true },
	{ "", CALL, false },
	{ "", DIRECT, false },
	{ "eavesdrop=true", CALL, true },
	{ "eavesdrop=true", DIRECT, true },
	{ "eavesdrop=true", REPLY, true },
	{ "eavesdrop=true", SIG, true },
	{ "eavesdrop=false", CALL, false },
	{ "type=signal", SIG, true },
	{ "type=error", SIG, false },
	{ "type=signal,eavesdrop=true", DIRECT, true },
	{ "type=signal,eavesdrop=true", CALL, false },
	{ "type=method_call,eavesdrop=true", CALL, true },
	{ "type=method_return,eavesdrop=true", REPLY, true },
	{ "interface=org.x.I", SIG, true },
	{ "interface=org.x.J", SIG, false },
	{ "interface=org.x", SIG, false },
	{ "interface=org.x.I,eavesdrop=true", CALL, true },
	{ "interface=org.x.I,eavesdrop=true", NOIF, false },
	{ "interface=org.x.I,eavesdrop=true", REPLY, false },
	{ "member=M", SIG, true },
	{ "member=N", SIG, false },
	{ "member=M,eavesdrop=true", REPLY, false },
	{ "path=/org/x", SIG, true },
	{ "path=/org", SIG, false },
	{ "path=/,eavesdrop=true", REPLY, false },
	{ "path_namespace=/org/x", SIG, true },
	{ "path_namespace=/org", SIG, true },
	{ "path_namespace=/", SIG, true },
	{ "path_namespace=/or", SIG, false },
	{ "path_namespace=/org/x/y", SIG, false },
	{ "path_namespace=/,eavesdrop=true", REPLY, false },
	{ "destination=d.n", CALL, false },
	{ "destination=d.n,eavesdrop=true", CALL, true },
	{ "destination=:1.3,eavesdrop=true", CALL, false },
	{ "destination=:1.3,eavesdrop=true", DIRECT, true },
	{ "destination=:1.3,eavesdrop=true", SIG, false },
	{ "destination=:1.3", SIG, false },
	{ "sender=:1.7", SIG, true },
	{ "sender=:1.77", SIG, false },
	{ "sender=:1.8", SIG, false },
	{ "sender=owned.n", SIG, true },
	{ "sender=other.n", SIG, false },
	{ "sender=org.freedesktop.DBus", SIG, false },
	{ "sender=org.freedesktop.DBus", DRIVER, true },
	{ "sender=:1.7", DRIVER, false },
	{ "type=signal,sender=owned.n,interface=org.x.I,member=M,path=/org/x,"
	  "arg0=hello,arg2=a.b.c", SIG, true },

	{ "arg0=hello", SIG, true },
	{ "arg0=hell", SIG, false },
	{ "arg0=hello2", SIG, false },
	{ "arg0=", SIG, false },
	{ "arg1=7", SIG, false },
	{ "arg2=a.b.c", SIG, true },
	{ "arg3=x", SIG, false },
	{ "arg4=", SIG, true },
	{ "arg4=x", SIG, false },
	{ "arg5=", SIG, false },
	{ "arg63=", SIG, false },
	{ "arg0=hello,arg4=", SIG, true },
	{ "arg0=hello,arg5=", SIG, false },
	{ "arg0namespace=hello", SIG, true },
	{ "arg0namespace=hell", SIG, false },
	{ "arg0namespace=org", DRIVER, true },
	{ "arg0namespace=org.x", DRIVER, true },
	{ "arg0namespace=org.x.Y", DRIVER, true },
	{ "arg0namespace=org.x.Y.Z", DRIVER, false },
	{ "arg0namespace=org.x.y", DRIVER, false },
	{ "arg0namespace=or", DRIVER, false },
	{ "arg0=", NOBODY, false },
	{ "arg0path=/", NOBODY, false },

	{ "arg0=/aa/bb", PATHS, false },
	{ "arg0path=/aa/bb", PATHS, true },
	{ "arg0path=/aa/", PATHS, true },
	{ "arg0path=/aa", PATHS, false },
	{ "arg0path=/", PATHS, true },
	{ "arg0path=/aa/bb/", PATHS, false },
	{ "arg0path=/aa/bb/cc", PATHS, false },
	{ "arg0path=", PATHS, false },
	{ "arg0namespace=aa", PATHS, false },
	{ "arg1path=/aa/bb/", PATHS, true },
	{ "arg1path=/aa/bb/cc", PATHS, true },
	{ "arg1path=/aa/bb", PATHS, false },
	{ "arg1path=/aa/", PATHS, true },
	{ "arg1path=/ab/", PATHS, false },
	{ "arg2path=", PATHS, true },
	{ "arg2path=/", PATHS, false },
	{ "arg3path=/anything", PATHS, true },
	{ "arg3path=", PATHS, false },
	{ "arg3path=anything", PATHS, false },
	{ "arg4path=not a path", PATHS, true },
	{ "arg5=s", PATHS, false },
	{ "arg5path=s", PATHS, false },

	{ "arg6=end", DEEP, true },
	{ "arg6=en", DEEP, false },
	{ "arg0=k", DEEP, false },
	{ "arg7=end", DEEP, false },
	{ "arg0=good", BROKEN, true },
	{ "arg1=ab", BROKEN, false },
	{ "arg2=ab", BROKEN, false },
	{ "arg0=good,arg1=ab", BROKEN, false },
};

static unsigned int owns_calls;

static bool owns(void *ctx, const char *name, size_t len)
{
	assert_ptr_equal(ctx, &owns_calls);
	owns_calls++;
	return len == 7 && !memcmp(name, "owned.n", 7);
}

static void run_eval(const struct eval *t, bool big)
{
	const struct msg *msg = &msgs[t->msg];
	struct match_rule *r = parse(t->name, strlen(t->name), 0);
	struct build head, body;
	struct dbus_header h;
	struct match_msg m = { .h = &h, .owns = owns, .ctx = &owns_calls };
	u8 *copy;

	build_init(&body, big);
	build(&body, msg->body);
	copy = malloc(body.len + !body.len);
	memcpy(copy, body.buf, body.len);
	build_header(&head, big, msg->type, 0, (u32)body.len, msg->fields);
	assert_int_equal(dbus_header_parse(&h, head.buf, head.len,
					   DBUS_MAX_MESSAGE), 0);
	m.sender.s = msg->sender;
	m.sender.len = (u32)strlen(msg->sender);
	m.body = copy;
	m.body_len = body.len;
	assert_int_equal(match_rule_eval(r, &m), t->match);

	/* Without a body, rules with arguments do not match; others do. */
	m.body = NULL;
	m.body_len = 0;
	assert_int_equal(match_rule_eval(r, &m), t->match && !r->n_args);
	free(copy);
	free(r);
}

static void test_eval(void **state)
{
	run_eval(*state, false);
	run_eval(*state, true);
}

/* Only names that can have owners are asked for. */
static void test_owns(void **state)
{
	static const char * const rules[] = {
		"sender=:1.8", "sender=:1.7", "sender=org.freedesktop.DBus",
		"sender=owned.n,member=N", "sender=owned.n",
	};
	struct eval t = { .msg = SIG };
	size_t i;

	(void)state;
	owns_calls = 0;
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		t.name = rules[i];
		t.match = i == 1 || i == 4;
		run_eval(&t, true);
	}
	assert_int_equal(owns_calls, 2);
}

int main(void)
{
	ADD_TABLE(texts, test_text);
	ADD_TEST(test_limits);
	ADD_TEST(test_many_args);
	ADD_TABLE(pairs, test_pair);
	ADD_TABLE(evals, test_eval);
	ADD_TEST(test_owns);
	return run_tables("match");
}
