/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/names.h"

#include "table.h"

/* What a string is a valid one of. */
#define I	0x01	/* interface and error name */
#define M	0x02	/* member */
#define U	0x04	/* unique name */
#define W	0x08	/* well-known name */
#define N	0x10	/* namespace of names */
#define P	0x20	/* object path */

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50

struct row {
	const char *name;	/* the string too */
	unsigned int is;
};

static const struct row rows[] = {
	{ "", 0 },
	{ "a", M | N },
	{ "_", M | N },
	{ "-", N },
	{ "a.b", I | W | N },
	{ "a.b.c.d.e", I | W | N },
	{ "org.freedesktop.DBus", I | W | N },
	{ "_a._1", I | W | N },
	{ "a1.b2", I | W | N },
	{ "a-b.c-d", W | N },
	{ "-a.-b", W | N },
	{ "a-b", N },
	{ "1a.b", 0 },
	{ "a.1b", 0 },
	{ "1", 0 },
	{ "a1", M | N },
	{ ".a.b", 0 },
	{ "a.b.", 0 },
	{ "a..b", 0 },
	{ ".", 0 },
	{ "a.", 0 },
	{ ".a", 0 },
	{ "a b", 0 },
	{ "a.b ", 0 },
	{ " a.b", 0 },
	{ "a.\xc3\xa9", 0 },
	{ "a.b\x80", 0 },
	{ "a:b.c", 0 },
	{ "a.b:1", 0 },
	{ "a/b", 0 },
	{ "a.b@c", 0 },
	{ "a.b[", 0 },
	{ "a.b`", 0 },
	{ "a.b{", 0 },
	{ ":1.0", U | N },
	{ ":1.1", U | N },
	{ ":1.18446744073709551615", U | N },
	{ ":a.b", U | N },
	{ ":1.2.3-4._", U | N },
	{ ":-.-", U | N },
	{ ":1", N },
	{ ":", 0 },
	{ ":1.", 0 },
	{ ":.1", 0 },
	{ ":1..2", 0 },
	{ "::1.1", 0 },
	{ ":1.1:", 0 },
	{ ":1.1 ", 0 },
	{ "/", P },
	{ "/a", P },
	{ "/1", P },
	{ "/_", P },
	{ "/a/b/c", P },
	{ "/org/freedesktop/DBus/Local", P },
	{ "/a/", 0 },
	{ "//", 0 },
	{ "//a", 0 },
	{ "/a//b", 0 },
	{ "/a-b", 0 },
	{ "/a.b", 0 },
	{ "/\xc3\xa9", 0 },
	{ "/a b", 0 },
	{ "a/", 0 },
	{ X250 "xxxxx", M | N },
	{ X250 "xxxxxx", 0 },
	{ "a." X250 "xxx", I | W | N },
	{ "a." X250 "xxxx", 0 },
	{ ":1." X250 "xx", U | N },
	{ ":1." X250 "xxx", 0 },
	{ "/" X250 X250 "/" X250, P },
};

static void test_row(void **state)
{
	const struct row *t = *state;
	size_t len = strlen(t->name);
	unsigned int is = 0;
	char *s = malloc(len + 1);

	/* Exactly its length on the heap, for the sanitizer's sake. */
	memcpy(s, t->name, len + 1);
	s = realloc(s, len ? len : 1);
	is |= dbus_interface_ok(s, len) ? I : 0;
	is |= dbus_member_ok(s, len) ? M : 0;
	is |= dbus_unique_name_ok(s, len) ? U : 0;
	is |= dbus_well_known_name_ok(s, len) ? W : 0;
	is |= dbus_name_namespace_ok(s, len) ? N : 0;
	is |= dbus_path_ok(s, len) ? P : 0;
	assert_int_equal(is, t->is);
	assert_int_equal(dbus_error_name_ok(s, len), !!(is & I));
	assert_int_equal(dbus_bus_name_ok(s, len), !!(is & (U | W)));
	free(s);
}

static void test_nul(void **state)
{
	(void)state;
	assert_false(dbus_interface_ok("a.b\0", 4));
	assert_false(dbus_interface_ok("a\0.b", 4));
	assert_false(dbus_member_ok("a\0", 2));
	assert_false(dbus_bus_name_ok("a.b\0c", 5));
	assert_false(dbus_path_ok("/a\0", 3));
}

struct in {
	const char *name;
	const char *s;
	const char *ns;
	bool in;
};

static const struct in names[] = {
	{ "name inside: itself", "a.b", "a.b", true },
	{ "name inside: child", "a.b.c", "a.b", true },
	{ "name inside: grandchild", "a.b.c.d", "a", true },
	{ "name inside: longer element", "a.bc", "a.b", false },
	{ "name inside: parent", "a", "a.b", false },
	{ "name inside: sibling", "a.c", "a.b", false },
	{ "name inside: dash", "a.b-c", "a.b", false },
	{ "name inside: empty", "", "a", false },
};

static const struct in paths[] = {
	{ "path inside: itself", "/a/b", "/a/b", true },
	{ "path inside: child", "/a/b/c", "/a/b", true },
	{ "path inside: longer element", "/a/bc", "/a/b", false },
	{ "path inside: parent", "/a", "/a/b", false },
	{ "path inside: root", "/", "/a", false },
	{ "path inside: root in root", "/", "/", true },
	{ "path inside: all in root", "/a/b", "/", true },
	{ "path inside: nothing", "", "/", false },
};

static void test_name_in(void **state)
{
	const struct in *t = *state;

	assert_int_equal(dbus_name_in_namespace(t->s, strlen(t->s), t->ns,
						strlen(t->ns)), t->in);
}

static void test_path_in(void **state)
{
	const struct in *t = *state;

	assert_int_equal(dbus_path_in_namespace(t->s, strlen(t->s), t->ns,
						strlen(t->ns)), t->in);
}

struct unique {
	const char *name;
	u64 addr;	/* 0: none of ours */
};

static const struct unique uniques[] = {
	{ ":1.1", 1 },
	{ ":1.9", 9 },
	{ ":1.10", 10 },
	{ ":1.101", 101 },
	{ ":1.4294967296", 4294967296ULL },
	{ ":1.281474976710655", 281474976710655ULL },
	{ ":1.9999999999999999999", 9999999999999999999ULL },
	{ ":1.10000000000000000000", 10000000000000000000ULL },
	{ ":1.18446744073709551615", 18446744073709551615ULL },
	{ ":1.18446744073709551616", 0 },
	{ ":1.18446744073709551620", 0 },
	{ ":1.28446744073709551615", 0 },
	{ ":1.99999999999999999999", 0 },
	{ ":1.100000000000000000000", 0 },
	{ ":1.0", 0 },
	{ ":1.01", 0 },
	{ ":1.", 0 },
	{ ":1", 0 },
	{ ":", 0 },
	{ "", 0 },
	{ ":2.1", 0 },
	{ ":1.1a", 0 },
	{ ":1.a", 0 },
	{ ":1.-1", 0 },
	{ ":1.+1", 0 },
	{ ":1. 1", 0 },
	{ ":1.1.1", 0 },
	{ "1.1", 0 },
	{ "a.b", 0 },
};

static void test_unique(void **state)
{
	const struct unique *t = *state;
	char buf[DBUS_UNIQUE_MAX];
	size_t len = strlen(t->name);

	assert_true(dbus_unique_parse(t->name, len) == t->addr);
	if (!t->addr)
		return;
	assert_int_equal(dbus_unique_format(t->addr, buf), len);
	assert_string_equal(buf, t->name);
}

static void test_unique_powers(void **state)
{
	char buf[DBUS_UNIQUE_MAX], want[32];
	unsigned int shift, add;

	(void)state;
	for (shift = 0; shift < 64; shift++) {
		for (add = 0; add < 3; add++) {
			u64 addr = ((u64)1 << shift) - 1 + add;
			int n = snprintf(want, sizeof(want), ":1.%llu",
					 (unsigned long long)addr);

			assert_int_equal(dbus_unique_format(addr, buf), n);
			assert_string_equal(buf, want);
			assert_true(dbus_unique_parse(buf, (size_t)n) == addr);
		}
	}
}

int main(void)
{
	ADD_TABLE(rows, test_row);
	ADD_TEST(test_nul);
	ADD_TABLE(names, test_name_in);
	ADD_TABLE(paths, test_path_in);
	ADD_TABLE(uniques, test_unique);
	ADD_TEST(test_unique_powers);
	return run_tables("names");
}
