/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random match rules to core/ and to a dbus-daemon of our own: both accept a
 * rule or both refuse it, our text of a rule removes the rule at the daemon,
 * and the same signals match. Skipped where there is no dbus-daemon.
 */
#include "core/match.h"

#include "reference_daemon.h"
#include "table.h"

/* Last: its macros hide constants of ours that have the same names. */
#include <dbus/dbus.h>

#define ROUNDS 6000

static DBusConnection *bus;
static u64 seed = 1;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

#define PICK(a) ((a)[rnd(ARRAY_SIZE(a))])

static const char * const keys[] = {
	"type", "type", "sender", "interface", "member", "path",
	"path_namespace", "destination", "eavesdrop", "arg0", "arg1", "arg2",
	"arg0path", "arg1path", "arg2path", "arg0namespace", "arg63", "arg64",
	"arg1namespace", "arg", "argpath", "unknown", " type", "path ",
};

static const char * const values[] = {
	"signal", "signal", "error", "method_call", "org.x.I", "org.x.I",
	"M", "M", "/org/x", "/org", "/", "/org/x/", "true", "false", "a.b",
	"hello", "", "owned.n", "other.n", "org", ":1.1", ":1.0",
	"org.freedesktop.DBus", "/aa/", "/aa/bb", "/aa/bb/cc", "it's", "a,b",
	"a\\b", "\\", "\\'", "1", " ", "M ", "\xc3\xa9",
};

/* The value that makes the rule likely to match, else any. */
static const char *value_for(const char *key)
{
	static const char * const pairs[][2] = {
		{ "type", "signal" }, { "sender", "owned.n" },
		{ "interface", "org.x.I" }, { "member", "M" },
		{ "path", "/org/x" }, { "path_namespace", "/org" },
		{ "eavesdrop", "true" }, { "arg0", "hello" },
		{ "arg0path", "/aa/" }, { "arg1path", "/aa/bb/cc" },
		{ "arg0namespace", "org" }, { "destination", ":1.0" },
		{ "arg1", "it's" }, { "arg2", "" },
	};
	size_t i;

	for (i = 0; rnd(4) && i < ARRAY_SIZE(pairs); i++)
		if (!strcmp(key, pairs[i][0]))
			return pairs[i][1];
	return PICK(values);
}

static void append(char *text, const char *s)
{
	strcat(text, s);
}

/* One of the ways to write a value, or something that is not quite it. */
static void append_value(char *text, const char *v)
{
	bool quoted = rnd(2);
	char one[2] = "";

	if (quoted)
		append(text, "'");
	for (; *v; v++) {
		one[0] = *v;
		if ((*v & 0xc0) != 0x80 && !rnd(20)) {
			append(text, "'");
			quoted = !quoted;
		}
		if (*v == '\'' && rnd(8))
			append(text, quoted ? "'\\''" : "\\'");
		else
			append(text, one);
	}
	if (quoted && rnd(30))
		append(text, "'");
}

static void random_rule(char *text)
{
	unsigned int n = rnd(5);

	*text = '\0';
	if (!rnd(10))
		append(text, " \t");
	while (n--) {
		const char *key = PICK(keys);

		append(text, key);
		append(text, rnd(40) ? "=" : " = ");
		append_value(text, value_for(key));
		if (n || !rnd(6))
			append(text, rnd(20) ? "," : ", ");
		if (!rnd(60))
			append(text, ",");
	}
}

/* A driver call with one string; whether it succeeded. */
static bool driver(const char *member, const char *text)
{
	DBusMessage *m, *reply;
	DBusError e = DBUS_ERROR_INIT;

	m = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS,
					 DBUS_INTERFACE_DBUS, member);
	dbus_message_append_args(m, DBUS_TYPE_STRING, &text,
				 DBUS_TYPE_INVALID);
	reply = dbus_connection_send_with_reply_and_block(bus, m, 10000, &e);
	dbus_message_unref(m);
	if (reply) {
		dbus_message_unref(reply);
		return true;
	}
	if (!dbus_error_has_name(&e, DBUS_ERROR_MATCH_RULE_INVALID) &&
	    !dbus_error_has_name(&e, DBUS_ERROR_MATCH_RULE_NOT_FOUND) &&
	    !dbus_error_has_name(&e, DBUS_ERROR_NAME_HAS_NO_OWNER))
		fail_msg("%s(%s): %s", member, text, e.message);
	dbus_error_free(&e);
	return false;
}

static DBusMessage *random_signal(void)
{
	static const char * const strings[] = {
		"hello", "org", "org.x", "organ", "it's", "/aa/", "/aa/bb",
		"/aa/bb/", "", "/",
	};
	static const char * const paths[] = { "/", "/aa", "/aa/bb/cc", "/org" };
	DBusMessage *m;
	unsigned int n = rnd(4);

	m = dbus_message_new_signal(rnd(4) ? "/org/x" : PICK(paths),
				    rnd(8) ? "org.x.I" : "org.x.J",
				    rnd(8) ? "M" : "N");
	while (n--) {
		const char *s = PICK(strings), *p = PICK(paths);
		dbus_uint32_t u = 1;

		if (!rnd(6))
			dbus_message_append_args(m, DBUS_TYPE_UINT32, &u,
						 DBUS_TYPE_INVALID);
		else if (!rnd(3))
			dbus_message_append_args(m, DBUS_TYPE_OBJECT_PATH, &p,
						 DBUS_TYPE_INVALID);
		else
			dbus_message_append_args(m, DBUS_TYPE_STRING, &s,
						 DBUS_TYPE_INVALID);
	}
	return m;
}

/* Sent to everybody: does it come back? */
static bool theirs_match(DBusMessage *m)
{
	bool got = false;
	DBusMessage *in;

	dbus_connection_send(bus, m, NULL);
	driver("GetNameOwner", "owned.n");
	while ((in = dbus_connection_pop_message(bus))) {
		got |= dbus_message_has_member(in, dbus_message_get_member(m));
		dbus_message_unref(in);
	}
	return got;
}

static bool owns(void *ctx, const char *name, size_t len)
{
	(void)ctx;
	return len == 7 && !memcmp(name, "owned.n", 7);
}

static bool ours_match(const struct match_rule *r, DBusMessage *signal)
{
	DBusMessage *copy = dbus_message_copy(signal);
	struct dbus_header h;
	struct match_msg m = { .h = &h, .owns = owns };
	struct dbus_frame f;
	bool match;
	char *wire;
	int len;

	dbus_message_set_serial(copy, 1);
	assert_true(dbus_message_marshal(copy, &wire, &len));
	assert_int_equal(dbus_frame_parse(&f, wire, DBUS_MAX_MESSAGE), 0);
	assert_int_equal(dbus_header_parse(&h, wire, f.header_len,
					   DBUS_MAX_MESSAGE), 0);
	m.sender.s = dbus_bus_get_unique_name(bus);
	m.sender.len = (u32)strlen(m.sender.s);
	m.body = wire + f.header_len;
	m.body_len = f.body_len;
	match = match_rule_eval(r, &m);
	dbus_free(wire);
	dbus_message_unref(copy);
	return match;
}

static unsigned int good, matched;

static void compare_rule(const char *text)
{
	_Alignas(8) char mem[MATCH_RULE_MEM(MATCH_MAX_TEXT)];
	struct match_rule *r = (struct match_rule *)mem;
	const char *why = "it was accepted";
	char canonical[2048];
	bool ours, theirs;
	int i;

	ours = !match_rule_parse(r, sizeof(mem), text, strlen(text), &why);
	theirs = driver("AddMatch", text);
	if (ours != theirs)
		fail_msg("<%s>: ours says %d (%s), the daemon %d", text, ours,
			 why, theirs);
	if (!ours)
		return;
	good++;
	for (i = 0; i < 3; i++) {
		DBusMessage *m = random_signal();

		ours = ours_match(r, m);
		matched += ours;
		if (theirs_match(m) != ours)
			fail_msg("<%s>: a signal matches, ours says %d", text,
				 ours);
		dbus_message_unref(m);
	}
	match_rule_text(r, canonical, sizeof(canonical));
	if (!driver("RemoveMatch", canonical))
		fail_msg("<%s> is not <%s>", text, canonical);
}

static void test_rules(void **state)
{
	char text[4096];
	unsigned int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		random_rule(text);
		compare_rule(text);
	}
	assert_true(good > ROUNDS / 10 && matched > ROUNDS / 20);
}

int main(void)
{
	DBusError e = DBUS_ERROR_INIT;
	char address[512];
	int r;

	if (!reference_daemon_start(address, sizeof(address))) {
		printf("1..0 # SKIP no dbus-daemon\n");
		return 0;
	}
	bus = dbus_connection_open_private(address, &e);
	if (!bus || !dbus_bus_register(bus, &e) ||
	    dbus_bus_request_name(bus, "owned.n", 0, &e) < 0) {
		fprintf(stderr, "%s: %s\n", address, e.message);
		reference_daemon_stop();
		return 1;
	}
	ADD_TEST(test_rules);
	r = run_tables("reference-match");
	dbus_connection_close(bus);
	dbus_connection_unref(bus);
	reference_daemon_stop();
	return r;
}
