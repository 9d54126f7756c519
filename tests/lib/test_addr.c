// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses and paths, from text and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "afbus.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	int err;
	uint64_t addr;
	const char *back;	/* how it is written, NULL: the same */
} cases[] = {
	{ "1", 0, 1 },
	{ "0", 0, 0, "master" },
	{ "master", 0, 0 },
	{ "all", 0, 0x0000ffffffffffffULL },
	{ "0.*", 0, 0x0000ffffffffffffULL, "all" },
	{ "3.*", 0, 0x0003ffffffffffffULL },
	{ "3.7", 0, 0x0003000000000007ULL },
	{ "0.7", 0, 7, "7" },
	{ "7.0", 0, 0x0007000000000000ULL },
	{ "0x10.0xAbc", 0, 0x0010000000000abcULL, "16.2748" },
	{ "65535.281474976710654", 0, 0xfffffffffffffffeULL },
	{ "65535.281474976710655", 0, UINT64_MAX, "65535.*" },
	{ "010", 0, 10, "10" },
	{ "65536.1", -ERANGE },
	{ "1.281474976710656", -ERANGE },
	{ "281474976710656", -ERANGE },
	{ "18446744073709551617", -ERANGE },
	{ "0x1000000000000", -ERANGE },
	{ "", -EINVAL },
	{ ".", -EINVAL },
	{ "1.", -EINVAL },
	{ ".1", -EINVAL },
	{ "*", -EINVAL },
	{ "1.*x", -EINVAL },
	{ "1.2.3", -EINVAL },
	{ "1 ", -EINVAL },
	{ " 1", -EINVAL },
	{ "-1", -EINVAL },
	{ "+1", -EINVAL },
	{ "0x", -EINVAL },
	{ "1a", -EINVAL },
	{ "ALL", -EINVAL },
};

static void parses(void **state)
{
	char text[AFBUS_ADDR_TEXT];
	const uint64_t untouched = 0x1234;
	uint64_t addr;
	size_t i;

	for (i = 0; i < N(cases); i++) {
		addr = untouched;
		if (afbus_addr_parse(cases[i].text, &addr) != cases[i].err)
			fail_msg("'%s'", cases[i].text);
		if (cases[i].err) {
			assert_int_equal(addr, untouched);
			continue;
		}
		assert_int_equal(addr, cases[i].addr);
		assert_int_equal(afbus_addr_format(addr, text, sizeof(text)),
				 0);
		assert_string_equal(text, cases[i].back ? cases[i].back :
							  cases[i].text);
	}
}

static void formats_into_exact_room(void **state)
{
	const uint64_t longest = 0xfffffffffffffffeULL;
	char buf[AFBUS_ADDR_TEXT];

	assert_int_equal(afbus_addr_format(longest, buf, sizeof(buf)), 0);
	assert_int_equal(strlen("65535.281474976710654"), strlen(buf));
	assert_int_equal(afbus_addr_format(longest, buf, strlen(buf) + 1), 0);
	assert_int_equal(afbus_addr_format(longest, buf, strlen(buf)),
			 -ENOSPC);
	assert_int_equal(afbus_addr_format(longest, buf, 0), -ENOSPC);
}

static void macros_agree(void **state)
{
	assert_int_equal(AFBUS_ADDR(7, 9), 0x0007000000000009ULL);
	assert_int_equal(AFBUS_GROUP(7), 0x0007ffffffffffffULL);
	assert_int_equal(AFBUS_ADDR_PREFIX(AFBUS_GROUP(0xffff)), 0xffff);
	assert_int_equal(AFBUS_ADDR_CLIENT(AFBUS_ADDR(0xffff, 5)), 5);
	assert_int_equal(AFBUS_ALL, BUS_CLIENT_MASK);
}

static void path_of_a_file(void **state)
{
	struct sockaddr_bus sa;

	memset(&sa, 0xff, sizeof(sa));
	assert_int_equal(afbus_sockaddr_set(&sa, "/run/bus", 5), 0);
	assert_int_equal(sa.sbus_family, afbus_family());
	assert_int_equal(sa.sbus_addr.s_addr, 5);
	assert_string_equal(sa.sbus_path, "/run/bus");
	assert_int_equal(sa.sbus_path[sizeof(sa.sbus_path) - 1], 0);
}

static void abstract_name(void **state)
{
	struct sockaddr_bus sa;

	memset(&sa, 0xff, sizeof(sa));
	assert_int_equal(afbus_sockaddr_set(&sa, "@name", 0), 0);
	assert_memory_equal(sa.sbus_path, "\0name\0", 7);
	assert_int_equal(sa.sbus_path[sizeof(sa.sbus_path) - 1], 0);
}

static void no_path(void **state)
{
	struct sockaddr_bus sa;

	memset(&sa, 0xff, sizeof(sa));
	assert_int_equal(afbus_sockaddr_set(&sa, NULL, 1), 0);
	assert_int_equal(sa.sbus_path[0] | sa.sbus_path[1], 0);
}

static void paths_refused(void **state)
{
	char path[BUS_PATH_MAX + 1];
	struct sockaddr_bus sa;

	assert_int_equal(afbus_sockaddr_set(&sa, "", 0), -EINVAL);
	assert_int_equal(afbus_sockaddr_set(&sa, "@", 0), -EINVAL);
	memset(path, 'x', sizeof(path));
	path[BUS_PATH_MAX] = 0;
	assert_int_equal(afbus_sockaddr_set(&sa, path, 0), -ENAMETOOLONG);
	path[BUS_PATH_MAX - 1] = 0;
	assert_int_equal(afbus_sockaddr_set(&sa, path, 0), 0);
	assert_string_equal(sa.sbus_path, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(formats_into_exact_room),
		cmocka_unit_test(macros_agree),
		cmocka_unit_test(path_of_a_file),
		cmocka_unit_test(abstract_name),
		cmocka_unit_test(no_path),
		cmocka_unit_test(paths_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
