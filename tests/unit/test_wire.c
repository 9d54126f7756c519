/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/wire.h"

#include "build.h"
#include "table.h"

struct skip {
	const char *name;
	const char *sig;
	const char *bytes;
	int err;
	bool jumps;	/* wire_jump() does not notice what is wrong */
};

static const struct skip skips[] = {
	{ "skip: byte", "y", "y255" },
	{ "skip: nothing there", "y", "", -EBADMSG },
	{ "skip: int16", "n", "q65535" },
	{ "skip: half an int16", "q", "y1", -EBADMSG },
	{ "skip: int32", "i", "u7" },
	{ "skip: uint32 cut", "u", "%010203", -EBADMSG },
	{ "skip: int64", "x", "t7" },
	{ "skip: double of any bits", "d", "%ffffffffffffffff" },
	{ "skip: double cut", "d", "z7", -EBADMSG },
	{ "skip: fd index", "h", "u99" },
	{ "skip: false", "b", "u0" },
	{ "skip: true", "b", "u1" },
	{ "skip: boolean 2", "b", "u2", -EBADMSG, true },
	{ "skip: boolean with high bits", "b", "u0x1000001", -EBADMSG, true },
	{ "skip: padding before int", "(yu)", "y1 u2" },
	{ "skip: padding not zero", "(yu)", "%01000100 u2", -EBADMSG },
	{ "skip: last padding byte not zero", "(yt)", "%0100000000000001 t2",
	  -EBADMSG },
	{ "skip: padding cut", "(yu)", "%0100", -EBADMSG },

	{ "skip: string", "s", "shello" },
	{ "skip: empty string", "s", "s" },
	{ "skip: string without NUL", "s", "u2 %414243", -EBADMSG },
	{ "skip: string with NUL inside", "s", "sa%00b", -EBADMSG, true },
	{ "skip: string longer than buffer", "s", "u3 %414200", -EBADMSG },
	{ "skip: string of 2^32-1", "s", "u0xffffffff %00", -EBADMSG },
	{ "skip: string of 2^32-4", "s", "u0xfffffffc %00", -EBADMSG },
	{ "skip: string ends at the end", "s", "u0", -EBADMSG },
	{ "skip: string not UTF-8", "s", "s%ff", -EBADMSG, true },
	{ "skip: object path", "o", "s/a/b" },
	{ "skip: bad object path", "o", "s/a/", -EBADMSG, true },
	{ "skip: empty object path", "o", "s", -EBADMSG, true },
	{ "skip: signature", "g", "ga{sv}" },
	{ "skip: empty signature", "g", "g" },
	{ "skip: bad signature", "g", "ga", -EBADMSG },
	{ "skip: signature without NUL", "g", "%017901", -EBADMSG },
	{ "skip: signature cut", "g", "%0279", -EBADMSG },

	{ "skip: empty array", "ay", "[1 ]" },
	{ "skip: array of bytes", "ay", "[1 y1 y2 ]" },
	{ "skip: array of uint16", "aq", "[2 q1 q2 ]" },
	{ "skip: array ends in mid-element", "aq", "u3 q1 q2", -EBADMSG },
	{ "skip: array of uint32 of length 5", "au", "u5 u1 u2", -EBADMSG },
	{ "skip: array of int64 padded", "ax", "[8 t1 ]" },
	{ "skip: empty array still padded", "ax", "[8 ]" },
	{ "skip: empty array without padding", "ax", "u0", -EBADMSG },
	{ "skip: empty array, padding not zero", "ax", "u0 u1", -EBADMSG },
	{ "skip: array of booleans", "ab", "[4 u0 u1 ]" },
	{ "skip: array of booleans, one is 2", "ab", "[4 u0 u2 ]", -EBADMSG,
	  true },
	{ "skip: array of strings", "as", "[4 sa sbcd s ]" },
	{ "skip: array of strings, one overruns", "as", "u5 sab", -EBADMSG,
	  true },
	{ "skip: array length ends in padding", "as", "u8 sab u0", -EBADMSG,
	  true },
	{ "skip: array longer than buffer", "ay", "u4 z3", -EBADMSG },
	{ "skip: array above 64 MiB", "ay", "u67108865 z8", -EMSGSIZE },
	{ "skip: array of 2^32-1", "ay", "u0xffffffff", -EMSGSIZE },
	{ "skip: array of structs", "a(yu)", "[8 y1 u2 |8 y1 u2 ]" },
	{ "skip: array of structs, bad padding", "a(yu)",
	  "[8 y1 u2 y1 %000001 u0 ]", -EBADMSG, true },
	{ "skip: array of arrays", "aay", "[4 [1 y1 ] [1 ] [1 y1 y2 ] ]" },
	{ "skip: inner array overruns outer", "aay", "u4 u1 y1", -EBADMSG,
	  true },
	{ "skip: dictionary", "a{sv}",
	  "[8 sa gu u1 |8 sb gs stext |8 sc gay [1 y1 ] ]" },
	{ "skip: dictionary of dictionaries", "a{sa{sv}}",
	  "[8 sa [8 sb gy y1 ] |8 sc [8 ] ]" },
	{ "skip: struct", "(y(qu)s)", "y1 |8 q1 u2 stext" },
	{ "skip: variant", "v", "gu u1" },
	{ "skip: variant in variant", "v", "gv gv gs stext" },
	{ "skip: variant of array of variants", "v",
	  "gav [1 gy y1 gs stext gav [1 ] ]" },
	{ "skip: variant of struct", "v", "g(yv) |8 y1 gu u7" },
	{ "skip: variant of two types", "v", "guu u1 u1", -EBADMSG },
	{ "skip: variant of no type", "v", "g", -EBADMSG },
	{ "skip: variant of unknown type", "v", "gm u1", -EBADMSG },
	{ "skip: variant cut in signature", "v", "%02", -EBADMSG },
	{ "skip: variant, then more of parent", "(vuvs)",
	  "gs stext u7 g(y) |8 y1 stext" },
	{ "skip: variants in array in variant", "(vy)",
	  "ga(vs) [8 gav [1 gy y1 ] sx |8 gu u1 sy ] y9" },
	{ "skip: arrays to the end of 3 levels", "(aaayu)",
	  "[4 [4 [1 y1 ] [1 y2 ] ] ] u1" },
};

static void run_skip(const struct skip *t, bool big)
{
	struct build b;
	struct wire w;

	build_init(&b, big);
	build(&b, t->bytes);
	assert_true(dbus_signature_ok(t->sig, strlen(t->sig)));
	wire_init(&w, b.buf, b.len, big);
	wire_skip(&w, t->sig, strlen(t->sig));
	assert_int_equal(wire_error(&w), t->err);
	if (!t->err)
		assert_int_equal(w.pos, b.len);

	wire_init(&w, b.buf, b.len, big);
	wire_jump(&w, t->sig, strlen(t->sig));
	assert_int_equal(wire_error(&w), t->jumps ? 0 : t->err);
	if (!t->err)
		assert_int_equal(w.pos, b.len);
}

static void test_skip(void **state)
{
	run_skip(*state, false);
	run_skip(*state, true);
}

/* Every shorter prefix of a good value is an error, none is read beyond. */
static void test_skip_cut(void **state)
{
	const struct skip *t;

	(void)state;
	for (t = skips; t < skips + ARRAY_SIZE(skips); t++) {
		struct build b;
		size_t len;

		if (t->err)
			continue;
		build_init(&b, true);
		build(&b, t->bytes);
		for (len = 0; len < b.len; len++) {
			void *copy = malloc(len ? len : 1);
			struct wire w;

			memcpy(copy, b.buf, len);
			wire_init(&w, copy, len, true);
			wire_skip(&w, t->sig, strlen(t->sig));
			assert_int_equal(wire_error(&w), -EBADMSG);
			assert_true(w.pos <= len);
			free(copy);
		}
	}
}

static int skip_variants(unsigned int n)
{
	struct build b;
	struct wire w;

	build_init(&b, false);
	while (--n)
		build(&b, "gv");
	build(&b, "gy y1");
	wire_init(&w, b.buf, b.len, false);
	wire_skip(&w, "v", 1);
	assert_true(wire_error(&w) || w.pos == b.len);
	return wire_error(&w);
}

static void test_depth_variants(void **state)
{
	(void)state;
	assert_int_equal(skip_variants(1), 0);
	assert_int_equal(skip_variants(64), 0);
	assert_int_equal(skip_variants(65), -EBADMSG);
	assert_int_equal(skip_variants(4000), -EBADMSG);
}

/* 32 arrays and @structs structs, and @variants variants in the middle. */
static int skip_mixed(unsigned int structs, unsigned int variants)
{
	char sig[200] = "";
	struct build b;
	struct wire w;
	unsigned int i;

	build_init(&b, true);
	for (i = 0; i < 32; i++) {
		strcat(sig, "a");
		build(&b, i < 31 ? "[4" : "[8");
	}
	for (i = 0; i < structs; i++)
		strcat(sig, "(");
	strcat(sig, "v");
	for (i = 0; i < structs; i++)
		strcat(sig, ")");
	for (i = 1; i < variants; i++)
		build(&b, "gv");
	build(&b, "gy y1");
	while (b.depth)
		build(&b, "]");
	wire_init(&w, b.buf, b.len, true);
	wire_skip(&w, sig, strlen(sig));
	return wire_error(&w);
}

static void test_depth_mixed(void **state)
{
	(void)state;
	assert_int_equal(skip_mixed(31, 1), 0);
	assert_int_equal(skip_mixed(31, 2), -EBADMSG);
	assert_int_equal(skip_mixed(32, 1), -EBADMSG);
	assert_int_equal(skip_mixed(1, 31), 0);
	assert_int_equal(skip_mixed(1, 32), -EBADMSG);
}

static void read_all(bool big)
{
	struct dbus_str s;
	struct build b;
	struct wire w;

	build_init(&b, big);
	build(&b, "y1 q0x0203 u0x04050607 t0x08090a0b0c0d0e0f s%c3%a9 gai");
	wire_init(&w, b.buf, b.len, big);
	assert_int_equal(wire_u8(&w), 1);
	assert_int_equal(wire_u16(&w), 0x0203);
	assert_int_equal(wire_u32(&w), 0x04050607);
	assert_true(wire_u64(&w) == 0x08090a0b0c0d0e0fULL);
	s = wire_str(&w);
	assert_true(dbus_str_eq(s, "\xc3\xa9", 2));
	s = wire_sig(&w);
	assert_true(dbus_str_eq(s, "ai", 2));
	assert_int_equal(wire_error(&w), 0);
	assert_int_equal(w.pos, b.len);
}

static void test_read(void **state)
{
	(void)state;
	read_all(false);
	read_all(true);
}

static void test_errors_stick(void **state)
{
	static const u8 data[] = { 1, 1, 1, 1, 5, 6, 7, 8 };
	struct wire w;

	(void)state;
	wire_init(&w, data, sizeof(data), false);
	assert_int_equal(wire_u8(&w), 1);
	assert_int_equal(wire_u32(&w), 0);	/* the padding is not zero */
	assert_int_equal(wire_error(&w), -EBADMSG);
	assert_int_equal(wire_u8(&w), 0);
	assert_int_equal(wire_u64(&w), 0);
	assert_null(wire_str(&w).s);
	assert_null(wire_str_raw(&w).s);
	assert_null(wire_sig(&w).s);
	wire_skip(&w, "y", 1);
	assert_int_equal(wire_error(&w), -EBADMSG);
}

static void test_too_large(void **state)
{
	struct wire w;

	(void)state;
	wire_init(&w, "", (size_t)DBUS_MAX_MESSAGE + 1, false);
	assert_int_equal(wire_u8(&w), 0);
	assert_int_equal(wire_error(&w), -EMSGSIZE);
}

struct text {
	const char *name;
	const char *s;
	bool ok;
};

static const struct text texts[] = {
	{ "UTF-8: empty", "", true },
	{ "UTF-8: ASCII", "hello", true },
	{ "UTF-8: long ASCII", "hello, this is longer than a word", true },
	{ "UTF-8: 0x7f", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", true },
	{ "UTF-8: control characters", "\1\1\1\1\1\1\1\1\1", true },
	{ "UTF-8: U+0080", "\xc2\x80", true },
	{ "UTF-8: U+07FF", "\xdf\xbf", true },
	{ "UTF-8: U+0800", "\xe0\xa0\x80", true },
	{ "UTF-8: U+D7FF", "\xed\x9f\xbf", true },
	{ "UTF-8: U+E000", "\xee\x80\x80", true },
	{ "UTF-8: noncharacter U+FFFE", "\xef\xbf\xbe", true },
	{ "UTF-8: noncharacter U+FFFF", "\xef\xbf\xbf", true },
	{ "UTF-8: noncharacter U+FDD0", "\xef\xb7\x90", true },
	{ "UTF-8: U+10000", "\xf0\x90\x80\x80", true },
	{ "UTF-8: U+10FFFF", "\xf4\x8f\xbf\xbf", true },
	{ "UTF-8: after a word", "12345678\xe2\x82\xac" "1234567\xc3\xa9",
	  true },
	{ "UTF-8: lone continuation", "\x80" },
	{ "UTF-8: bad byte in a word", "123\xff" "5678" },
	{ "UTF-8: overlong NUL", "\xc0\x80" },
	{ "UTF-8: overlong slash", "\xc0\xaf" },
	{ "UTF-8: 0xc1", "\xc1\xbf" },
	{ "UTF-8: overlong in three", "\xe0\x9f\xbf" },
	{ "UTF-8: overlong in four", "\xf0\x8f\xbf\xbf" },
	{ "UTF-8: first surrogate", "\xed\xa0\x80" },
	{ "UTF-8: last surrogate", "\xed\xbf\xbf" },
	{ "UTF-8: U+110000", "\xf4\x90\x80\x80" },
	{ "UTF-8: 0xf5", "\xf5\x80\x80\x80" },
	{ "UTF-8: five bytes", "\xf8\x88\x80\x80\x80" },
	{ "UTF-8: 0xff", "\xff" },
	{ "UTF-8: two cut", "\xc3" },
	{ "UTF-8: three cut", "\xe2\x82" },
	{ "UTF-8: four cut", "\xf0\x9f\x98" },
	{ "UTF-8: three with ASCII inside", "\xe2" "A\xac" },
	{ "UTF-8: four with bad last", "\xf0\x9f\x98" "A" },
};

static void test_text(void **state)
{
	const struct text *t = *state;
	char shifted[64];
	size_t at;

	/* At every position relative to the fast path's words. */
	for (at = 0; at < 17; at++) {
		memset(shifted, 'x', at);
		strcpy(shifted + at, t->s);
		assert_int_equal(dbus_utf8_ok(shifted, strlen(shifted)), t->ok);
	}
}

static void test_text_nul(void **state)
{
	char s[24];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(s); i++) {
		memset(s, 'x', sizeof(s));
		assert_true(dbus_utf8_ok(s, sizeof(s)));
		s[i] = '\0';
		assert_false(dbus_utf8_ok(s, sizeof(s)));
	}
}

static const struct text sigs[] = {
	{ "signature: empty", "", true },
	{ "signature: every basic type", "ybnqiuxtdsogh", true },
	{ "signature: variant", "v", true },
	{ "signature: array", "as", true },
	{ "signature: array of arrays", "aas", true },
	{ "signature: struct", "(i)", true },
	{ "signature: struct of structs", "((i)(s))", true },
	{ "signature: many in a struct", "(iiiiiiii)", true },
	{ "signature: dictionary", "a{sv}", true },
	{ "signature: dictionary of arrays", "a{sa{sas}}", true },
	{ "signature: dictionary of structs", "a{i(aai)}", true },
	{ "signature: arrays then more", "aiasa(i)v", true },
	{ "signature: array without type", "a" },
	{ "signature: array without type, 2", "ia" },
	{ "signature: array closes struct", "(a)" },
	{ "signature: array closes struct, 2", "a(ia)" },
	{ "signature: array in array closes", "(aa)" },
	{ "signature: empty struct", "()" },
	{ "signature: empty struct in array", "a()" },
	{ "signature: open struct", "(" },
	{ "signature: open struct, 2", "(i" },
	{ "signature: closed struct", ")" },
	{ "signature: closed too often", "(i))" },
	{ "signature: dict entry alone", "{sv}" },
	{ "signature: dict entry in struct", "({sv})" },
	{ "signature: dict entry not first", "a(i{sv})" },
	{ "signature: dict entry of one", "a{s}" },
	{ "signature: dict entry of none", "a{}" },
	{ "signature: dict entry of three", "a{svv}" },
	{ "signature: dict key array", "a{ass}" },
	{ "signature: dict key struct", "a{(s)s}" },
	{ "signature: dict key variant", "a{vs}" },
	{ "signature: dict value missing", "a{sa}" },
	{ "signature: dict closed by parenthesis", "a{sv)" },
	{ "signature: struct closed by brace", "(s}" },
	{ "signature: crossed", "a{s(v})" },
	{ "signature: reserved m", "mi" },
	{ "signature: reserved r", "r" },
	{ "signature: reserved e", "e" },
	{ "signature: reserved *", "*" },
	{ "signature: reserved ?", "?" },
	{ "signature: space", " i" },
	{ "signature: 0xff", "\xff" },
};

static void test_sig(void **state)
{
	const struct text *t = *state;

	assert_int_equal(dbus_signature_ok(t->s, strlen(t->s)), t->ok);
}

static bool nested(const char *open, unsigned int n, const char *mid,
		   const char *close)
{
	char sig[512] = "";
	unsigned int i;

	for (i = 0; i < n; i++)
		strcat(sig, open);
	strcat(sig, mid);
	for (i = 0; i < n; i++)
		strcat(sig, close);
	return dbus_signature_ok(sig, strlen(sig));
}

static void test_sig_limits(void **state)
{
	char sig[256];

	(void)state;
	memset(sig, 'y', sizeof(sig));
	assert_true(dbus_signature_ok(sig, 255));
	assert_false(dbus_signature_ok(sig, 256));
	assert_false(dbus_signature_ok("y\0y", 3));

	assert_true(nested("a", 32, "y", ""));
	assert_false(nested("a", 33, "y", ""));
	assert_true(nested("(", 32, "y", ")"));
	assert_false(nested("(", 33, "y", ")"));
	assert_true(nested("a(", 32, "y", ")"));
	assert_false(nested("(a", 32, "ay", ")"));
	assert_true(nested("a{s", 32, "y", "}"));
	assert_false(nested("a{s", 33, "y", "}"));
	assert_false(nested("a(y", 32, "ay", ")"));
	/* Beside each other is not inside each other. */
	assert_true(nested("aaaaaaaay", 20, "", ""));
	assert_true(nested("(y)", 60, "", ""));
}

static void test_sig_next(void **state)
{
	static const char sig[] = "ia{s(vai)}(y)aasv";
	static const size_t want[] = { 1, 9, 3, 3, 1, 0 };
	size_t i, at = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(dbus_signature_next(sig + at,
						     strlen(sig) - at),
				 want[i]);
		at += want[i];
	}
}

int main(void)
{
	ADD_TABLE(skips, test_skip);
	ADD_TEST(test_skip_cut);
	ADD_TEST(test_depth_variants);
	ADD_TEST(test_depth_mixed);
	ADD_TEST(test_read);
	ADD_TEST(test_errors_stick);
	ADD_TEST(test_too_large);
	ADD_TABLE(texts, test_text);
	ADD_TEST(test_text_nul);
	ADD_TABLE(sigs, test_sig);
	ADD_TEST(test_sig_limits);
	ADD_TEST(test_sig_next);
	return run_tables("wire");
}
