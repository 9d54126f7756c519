/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a name. The answers are compared with those of regular expressions,
 * and with each other.
 */
#include <regex.h>

#include "core/names.h"

#include "fuzz.h"

enum { INTERFACE, MEMBER, UNIQUE, WELL_KNOWN, NAMESPACE, PATH, OURS, N };

#define ALNUM "[A-Za-z0-9_]"
#define ELEM "[A-Za-z_]" ALNUM "*"
#define DASHED "[A-Za-z_-][A-Za-z0-9_-]*"
#define ANY "[A-Za-z0-9_-]+"

static const char * const patterns[N] = {
	[INTERFACE] = "^" ELEM "(\\." ELEM ")+$",
	[MEMBER] = "^" ELEM "$",
	[UNIQUE] = "^:" ANY "(\\." ANY ")+$",
	[WELL_KNOWN] = "^" DASHED "(\\." DASHED ")+$",
	[NAMESPACE] = "^(:" ANY "(\\." ANY ")*|" DASHED "(\\." DASHED ")*)$",
	[PATH] = "^/(" ALNUM "+(/" ALNUM "+)*)?$",
	[OURS] = "^:1\\.[1-9][0-9]*$",
};

static bool is(int which, const char *s, size_t len)
{
	static regex_t compiled[N];
	static bool ready;
	char text[1024];
	int i;

	for (i = 0; !ready && i < N; i++)
		CHECK(!regcomp(&compiled[i], patterns[i],
			       REG_EXTENDED | REG_NOSUB));
	ready = true;
	if (len >= sizeof(text) || (len && memchr(s, 0, len)))
		return false;
	if (which != PATH && len > 255)
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	return !regexec(&compiled[which], text, 0, NULL, 0);
}

static void check_unique(const char *s, size_t len)
{
	u64 addr = dbus_unique_parse(s, len);
	char buf[DBUS_UNIQUE_MAX];

	if (!addr) {
		CHECK(!is(OURS, s, len) || len >= 23);
		return;
	}
	CHECK(is(OURS, s, len));
	CHECK(dbus_unique_name_ok(s, len));
	CHECK(dbus_unique_format(addr, buf) == len);
	CHECK(!memcmp(buf, s, len) && !buf[len]);
}

/* Every prefix of a name that ends before a separator contains it. */
static void check_inside(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i <= len; i++) {
		CHECK(dbus_name_in_namespace(s, len, s, i) ==
		      (i == len || s[i] == '.'));
		if (dbus_path_ok(s, len) && i)
			CHECK(dbus_path_in_namespace(s, len, s, i) ==
			      (i == 1 || i == len || s[i] == '/'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;

	if (size > 1000)
		return 0;
	CHECK(dbus_interface_ok(s, size) == is(INTERFACE, s, size));
	CHECK(dbus_error_name_ok(s, size) == is(INTERFACE, s, size));
	CHECK(dbus_member_ok(s, size) == is(MEMBER, s, size));
	CHECK(dbus_unique_name_ok(s, size) == is(UNIQUE, s, size));
	CHECK(dbus_well_known_name_ok(s, size) == is(WELL_KNOWN, s, size));
	CHECK(dbus_bus_name_ok(s, size) ==
	      (dbus_unique_name_ok(s, size) ||
	       dbus_well_known_name_ok(s, size)));
	CHECK(dbus_name_namespace_ok(s, size) == is(NAMESPACE, s, size));
	CHECK(dbus_path_ok(s, size) == is(PATH, s, size));
	check_unique(s, size);
	check_inside(s, size);
	return 0;
}
