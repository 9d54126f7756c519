/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/names.h"

/* What a byte may be in a name; bytes outside ASCII may be nothing. */
#define ALPHA	1	/* letters and underscore: anywhere */
#define DIGIT	2
#define DASH	4	/* in bus names only */

static const u8 class_of[256] = {
	['a'] = ALPHA, ['b'] = ALPHA, ['c'] = ALPHA, ['d'] = ALPHA,
	['e'] = ALPHA, ['f'] = ALPHA, ['g'] = ALPHA, ['h'] = ALPHA,
	['i'] = ALPHA, ['j'] = ALPHA, ['k'] = ALPHA, ['l'] = ALPHA,
	['m'] = ALPHA, ['n'] = ALPHA, ['o'] = ALPHA, ['p'] = ALPHA,
	['q'] = ALPHA, ['r'] = ALPHA, ['s'] = ALPHA, ['t'] = ALPHA,
	['u'] = ALPHA, ['v'] = ALPHA, ['w'] = ALPHA, ['x'] = ALPHA,
	['y'] = ALPHA, ['z'] = ALPHA,
	['A'] = ALPHA, ['B'] = ALPHA, ['C'] = ALPHA, ['D'] = ALPHA,
	['E'] = ALPHA, ['F'] = ALPHA, ['G'] = ALPHA, ['H'] = ALPHA,
	['I'] = ALPHA, ['J'] = ALPHA, ['K'] = ALPHA, ['L'] = ALPHA,
	['M'] = ALPHA, ['N'] = ALPHA, ['O'] = ALPHA, ['P'] = ALPHA,
	['Q'] = ALPHA, ['R'] = ALPHA, ['S'] = ALPHA, ['T'] = ALPHA,
	['U'] = ALPHA, ['V'] = ALPHA, ['W'] = ALPHA, ['X'] = ALPHA,
	['Y'] = ALPHA, ['Z'] = ALPHA, ['_'] = ALPHA,
	['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT,
	['4'] = DIGIT, ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT,
	['8'] = DIGIT, ['9'] = DIGIT,
	['-'] = DASH,
};

/*
 * Elements with @sep between them, their bytes of the classes @rest and the
 * first of each of @first. Returns how many there are, 0 for bad syntax.
 */
static size_t elements(const char *s, size_t len, char sep, u8 first, u8 rest)
{
	const char *end = s + len;
	size_t n = 0;

	for (;;) {
		if (s == end || !(class_of[(u8)*s] & first))
			return 0;
		n++;
		do
			s++;
		while (s < end && class_of[(u8)*s] & rest);
		if (s == end)
			return n;
		if (*s++ != sep)
			return 0;
	}
}

bool dbus_interface_ok(const char *s, size_t len)
{
	return len <= DBUS_MAX_NAME &&
	       elements(s, len, '.', ALPHA, ALPHA | DIGIT) >= 2;
}

bool dbus_member_ok(const char *s, size_t len)
{
	return len <= DBUS_MAX_NAME &&
	       elements(s, len, '.', ALPHA, ALPHA | DIGIT) == 1;
}

bool dbus_error_name_ok(const char *s, size_t len)
{
	return dbus_interface_ok(s, len);
}

static size_t bus_name_elements(const char *s, size_t len)
{
	if (!len || len > DBUS_MAX_NAME)
		return 0;
	/* Only elements of unique names may begin with a digit. */
	if (*s == ':')
		return elements(s + 1, len - 1, '.', ALPHA | DIGIT | DASH,
				ALPHA | DIGIT | DASH);
	return elements(s, len, '.', ALPHA | DASH, ALPHA | DIGIT | DASH);
}

bool dbus_bus_name_ok(const char *s, size_t len)
{
	return bus_name_elements(s, len) >= 2;
}

bool dbus_unique_name_ok(const char *s, size_t len)
{
	return len && *s == ':' && dbus_bus_name_ok(s, len);
}

bool dbus_well_known_name_ok(const char *s, size_t len)
{
	return len && *s != ':' && dbus_bus_name_ok(s, len);
}

bool dbus_name_namespace_ok(const char *s, size_t len)
{
	return bus_name_elements(s, len) >= 1;
}

bool dbus_path_ok(const char *s, size_t len)
{
	if (!len || *s != '/')
		return false;
	return len == 1 || elements(s + 1, len - 1, '/', ALPHA | DIGIT,
				    ALPHA | DIGIT);
}

static bool inside(const char *s, size_t len, const char *ns, size_t ns_len,
		   char sep)
{
	return len >= ns_len && !memcmp(s, ns, ns_len) &&
	       (len == ns_len || s[ns_len] == sep);
}

bool dbus_name_in_namespace(const char *name, size_t len,
			    const char *ns, size_t ns_len)
{
	return inside(name, len, ns, ns_len, '.');
}

bool dbus_path_in_namespace(const char *path, size_t len,
			    const char *ns, size_t ns_len)
{
	if (ns_len == 1 && *ns == '/')
		return len && *path == '/';
	return inside(path, len, ns, ns_len, '/');
}

#define UNIQUE_PREFIX ":1."
#define PREFIX_LEN (sizeof(UNIQUE_PREFIX) - 1)

/* By subtraction: 32-bit kernels have no plain 64-bit division. */
static const u64 powers[] = {
	10000000000000000000ULL, 1000000000000000000ULL,
	100000000000000000ULL, 10000000000000000ULL, 1000000000000000ULL,
	100000000000000ULL, 10000000000000ULL, 1000000000000ULL,
	100000000000ULL, 10000000000ULL, 1000000000ULL, 100000000ULL,
	10000000ULL, 1000000ULL, 100000ULL, 10000ULL, 1000ULL, 100ULL,
	10ULL, 1ULL,
};
#define N_POWERS (sizeof(powers) / sizeof(powers[0]))

size_t dbus_unique_format(u64 addr, char buf[DBUS_UNIQUE_MAX])
{
	size_t len = PREFIX_LEN;
	size_t i = 0;

	memcpy(buf, UNIQUE_PREFIX, PREFIX_LEN);
	while (i < N_POWERS - 1 && addr < powers[i])
		i++;
	for (; i < N_POWERS; i++) {
		char digit = '0';

		while (addr >= powers[i]) {
			addr -= powers[i];
			digit++;
		}
		buf[len++] = digit;
	}
	buf[len] = '\0';
	return len;
}

u64 dbus_unique_parse(const char *s, size_t len)
{
	u64 addr = 0;
	size_t i;

	if (len <= PREFIX_LEN || len >= DBUS_UNIQUE_MAX ||
	    memcmp(s, UNIQUE_PREFIX, PREFIX_LEN) || s[PREFIX_LEN] == '0')
		return 0;
	for (i = PREFIX_LEN; i < len; i++) {
		u8 digit = (u8)(s[i] - '0');

		/* 1844674407370955161 is the largest that takes a digit. */
		if (digit > 9 || addr > 1844674407370955161ULL ||
		    (addr == 1844674407370955161ULL && digit > 5))
			return 0;
		addr = addr * 10 + digit;
	}
	return addr;
}
