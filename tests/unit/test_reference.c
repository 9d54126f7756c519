/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same questions to core/ and to libdbus. Where they are meant to differ
 * the test says why. Pseudo-random, but the same in every run.
 */
#include "core/dbus_header.h"

#include "table.h"

/* Last: its macros hide constants of ours that have the same names. */
#include <dbus/dbus.h>

static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

static void random_str(char *out, size_t max, const char *alphabet)
{
	size_t n = rnd((u32)max + 1), letters = strlen(alphabet);

	while (n--)
		*out++ = alphabet[rnd((u32)letters)];
	*out = '\0';
}

struct syntax {
	const char *name;
	const char *alphabet;
	size_t max;
	bool (*ours)(const char *s, size_t len);
	dbus_bool_t (*theirs)(const char *s, DBusError *e);
};

/*
 * In unique names libdbus does not ask for the two elements that the
 * specification wants; no peer has such a name.
 */
static bool loose_unique(const char *s)
{
	return s && *s == ':' && (s[1] == '.' || !strchr(s, '.'));
}

/* Dict entries count as structs for us, and arrays around structs too. */
static bool deep(const struct syntax *t, const char *s)
{
	size_t open = 0;

	if (t->ours != dbus_signature_ok)
		return false;
	for (; *s; s++)
		open += *s == '(' || *s == '{' || *s == 'a';
	return open > DBUS_MAX_DEPTH;
}

static const struct syntax syntaxes[] = {
	{ "random interfaces", "ab_Z19..-", 8, dbus_interface_ok,
	  dbus_validate_interface },
	{ "random members", "ab_Z19.-", 4, dbus_member_ok,
	  dbus_validate_member },
	{ "random error names", "ab_Z19..-", 8, dbus_error_name_ok,
	  dbus_validate_error_name },
	{ "random bus names", "ab_Z19..-:", 8, dbus_bus_name_ok,
	  dbus_validate_bus_name },
	{ "random paths", "aZ_19//-.", 8, dbus_path_ok, dbus_validate_path },
	{ "random signatures", "sybuaavv()(){}}", 9, dbus_signature_ok,
	  dbus_signature_validate },
	{ "random long signatures", "aa(((s{}", 80, dbus_signature_ok,
	  dbus_signature_validate },
	{ "random UTF-8", "a\x80\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec"
	  "\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xfe\xff\xb7\xbe\x8f", 4,
	  dbus_utf8_ok, dbus_validate_utf8 },
	{ "random bytes after ASCII", "abcdefghijklmnopqrstuvwxyz\xc3\xa9", 12,
	  dbus_utf8_ok, dbus_validate_utf8 },
};

static void test_syntax(void **state)
{
	const struct syntax *t = *state;
	unsigned int i, good = 0;
	char s[128];

	seed = 1;
	for (i = 0; i < 300000; i++) {
		bool ours, theirs;

		random_str(s, t->max, t->alphabet);
		ours = t->ours(s, strlen(s));
		theirs = t->theirs(s, NULL);
		good += ours;
		if (ours != theirs && !deep(t, s) &&
			    !(t->ours == dbus_bus_name_ok && loose_unique(s)))
			fail_msg("\"%s\": %d, libdbus says %d", s, ours,
				 theirs);
	}
	if (t->max < 80)
		assert_true(good > 100);
}

/* All signatures of up to six codes. */
static void test_all_signatures(void **state)
{
	static const char codes[] = "sav(){}";
	char s[7] = "";
	unsigned int n, len, i;

	(void)state;
	for (len = 1; len <= 6; len++) {
		unsigned int all = 1;

		for (i = 0; i < len; i++)
			all *= (unsigned int)strlen(codes);
		for (n = 0; n < all; n++) {
			unsigned int rest = n;

			for (i = 0; i < len; i++, rest /= strlen(codes))
				s[i] = codes[rest % strlen(codes)];
			assert_int_equal(dbus_signature_ok(s, len),
					 dbus_signature_validate(s, NULL));
		}
	}
}

static DBusMessage *random_message(void)
{
	int type = 1 + (int)rnd(4);
	DBusMessage *m = dbus_message_new(type);

	assert_non_null(m);
	dbus_message_set_serial(m, 1 + rnd(1000));
	if (type == DBUS_MESSAGE_TYPE_METHOD_CALL ||
	    type == DBUS_MESSAGE_TYPE_SIGNAL || rnd(4) == 0) {
		dbus_message_set_path(m, rnd(2) ? "/" : "/org/example/Object");
		dbus_message_set_member(m, rnd(2) ? "M" : "LongMember_9");
	}
	if (type == DBUS_MESSAGE_TYPE_SIGNAL || rnd(2))
		dbus_message_set_interface(m, rnd(2) ? "a.b" : "org.exa.I");
	if (type == DBUS_MESSAGE_TYPE_ERROR || rnd(8) == 0)
		dbus_message_set_error_name(m, "org.example.Error.X");
	if (type == DBUS_MESSAGE_TYPE_ERROR ||
	    type == DBUS_MESSAGE_TYPE_METHOD_RETURN || rnd(8) == 0)
		dbus_message_set_reply_serial(m, 1 + rnd(70000));
	if (rnd(2))
		dbus_message_set_destination(m, rnd(2) ? ":1.77" : "d.n-x");
	if (rnd(2))
		dbus_message_set_sender(m, ":1.123456");
	dbus_message_set_no_reply(m, (dbus_bool_t)rnd(2));
	return m;
}

static void add_body(DBusMessage *m)
{
	const char *s = "text";
	dbus_uint32_t u = rnd(1000);

	if (rnd(2))
		assert_true(dbus_message_append_args(m, DBUS_TYPE_STRING, &s,
						     DBUS_TYPE_UINT32, &u,
						     DBUS_TYPE_INVALID));
}

static void assert_str(struct dbus_str ours, const char *theirs)
{
	assert_int_equal(!ours.s, !theirs);
	if (theirs)
		assert_true(dbus_str_eq(ours, theirs, strlen(theirs)));
}

static void assert_header(const struct dbus_header *h, DBusMessage *m)
{
	assert_int_equal(h->f.type, dbus_message_get_type(m));
	assert_int_equal(h->f.serial, dbus_message_get_serial(m));
	assert_int_equal(h->reply_serial, dbus_message_get_reply_serial(m));
	assert_int_equal(!!(h->f.flags & DBUS_FLAG_NO_REPLY),
			 !!dbus_message_get_no_reply(m));
	assert_str(h->path, dbus_message_get_path(m));
	assert_str(h->interface, dbus_message_get_interface(m));
	assert_str(h->member, dbus_message_get_member(m));
	assert_str(h->error_name, dbus_message_get_error_name(m));
	assert_str(h->destination, dbus_message_get_destination(m));
	assert_str(h->sender, dbus_message_get_sender(m));
	if (h->signature.s || *dbus_message_get_signature(m))
		assert_str(h->signature, dbus_message_get_signature(m));
}

/* libdbus reads the stamped copy as it reads the original. */
static void check_stamp(struct dbus_header *h, const char *wire, int len)
{
	char out[2048];
	s64 head = dbus_header_stamp(h, ":1.4", 4, out, sizeof(out));
	size_t body = (size_t)len - h->f.header_len;
	DBusMessage *m;

	assert_true(head > 0 && (size_t)head + body <= sizeof(out));
	memcpy(out + head, wire + h->f.header_len, body);
	m = dbus_message_demarshal(out, (int)((size_t)head + body), NULL);
	assert_non_null(m);
	h->sender.s = ":1.4";
	h->sender.len = 4;
	assert_header(h, m);
	dbus_message_unref(m);
}

static void test_messages(void **state)
{
	unsigned int i;

	(void)state;
	seed = 2;
	for (i = 0; i < 20000; i++) {
		DBusMessage *m = random_message();
		struct dbus_header h;
		struct dbus_frame f;
		char *wire;
		int len;

		add_body(m);
		assert_true(dbus_message_marshal(m, &wire, &len));
		assert_int_equal(dbus_frame_parse(&f, wire, DBUS_MAX_MESSAGE),
				 0);
		assert_int_equal(f.total_len, len);
		assert_int_equal(dbus_header_parse(&h, wire, f.header_len,
						   DBUS_MAX_MESSAGE), 0);
		assert_header(&h, m);
		check_stamp(&h, wire, len);
		dbus_free(wire);
		dbus_message_unref(m);
	}
}

/*
 * We look at the header alone, and not into fields that nobody knows; and
 * libdbus wants the descriptors, of which there are none here.
 */
static bool body_or_fds(const struct dbus_header *h)
{
	return h->signature.len || h->unix_fds;
}

static bool unknown_field(const char *wire, size_t len)
{
	size_t i;

	for (i = 16; i < len; i += 8)
		if ((u8)wire[i] >= DBUS_FIELD_MAX)
			return true;
	return false;
}

/* Headers with some bytes changed: refused by both or by none. */
static void test_mutations(void **state)
{
	static const char bytes[] = "\0\1\2\3\4\5\6\7\x8\x9\xa\xff"
				    "osugvlB./:ax";
	unsigned int i, good = 0;

	(void)state;
	seed = 3;
	for (i = 0; i < 400000; i++) {
		DBusMessage *m = random_message(), *again;
		struct dbus_header h;
		unsigned int n = 1 + rnd(3);
		bool ours;
		char *wire;
		int len;

		assert_true(dbus_message_marshal(m, &wire, &len));
		while (n--)
			wire[rnd((u32)len)] = bytes[rnd(sizeof(bytes) - 1)];
		again = dbus_message_demarshal(wire, len, NULL);
		ours = !dbus_header_parse(&h, wire, (size_t)len,
					  DBUS_MAX_MESSAGE) &&
		       h.f.total_len == (u32)len;
		good += ours;
		if (ours && again)
			assert_header(&h, again);
		if (ours && !again && !body_or_fds(&h) &&
		    !unknown_field(wire, (size_t)len))
			fail_msg("mutation %u: libdbus refuses", i);
		if (!ours && again &&
		    !loose_unique(dbus_message_get_destination(again)) &&
		    !loose_unique(dbus_message_get_sender(again)))
			fail_msg("mutation %u: only libdbus accepts", i);
		if (again)
			dbus_message_unref(again);
		dbus_free(wire);
		dbus_message_unref(m);
	}
	assert_true(good > 1000);
}

int main(void)
{
	ADD_TABLE(syntaxes, test_syntax);
	ADD_TEST(test_all_signatures);
	ADD_TEST(test_messages);
	ADD_TEST(test_mutations);
	return run_tables("reference");
}
