/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table-driven tests: every row of a table becomes a test of its own, named
 * after the row, and all tables of a program run as one cmocka group.
 * Every row type begins with "const char *name".
 */
#ifndef AFBUS_TESTS_TABLE_H
#define AFBUS_TESTS_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Lives as long as the program, and so do the names. */
static struct CMUnitTest *table_tests;
static size_t table_n;

static void add_test(const char *name, CMUnitTestFunction fn, const void *row)
{
	struct CMUnitTest t = { .name = name, .test_func = fn };

	t.initial_state = (void *)(uintptr_t)row;
	table_tests = realloc(table_tests, (table_n + 1) * sizeof(t));
	if (!table_tests)
		abort();
	table_tests[table_n++] = t;
}

/* Names are printed one to a line. */
static inline char *printable(const char *s)
{
	char *out = malloc(4 * strlen(s) + sizeof("(empty)"));
	char *p = out;

	if (!out)
		abort();
	if (!*s)
		return strcpy(out, "(empty)");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c > '~' || c == '#')
			p += sprintf(p, "%%%02x", c);
		else
			*p++ = *s;
	}
	*p = '\0';
	return out;
}

static inline void add_rows(const void *rows, size_t n, size_t size,
		     CMUnitTestFunction fn)
{
	const char *row = rows;
	size_t i;

	for (i = 0; i < n; i++, row += size) {
		const char *name;

		memcpy(&name, row, sizeof(name));
		add_test(printable(name), fn, row);
	}
}

#define ADD_TABLE(rows, fn) \
	add_rows(rows, ARRAY_SIZE(rows), sizeof((rows)[0]), fn)
#define ADD_TEST(fn) add_test(#fn, fn, NULL)

static int run_tables(const char *group)
{
	return _cmocka_run_group_tests(group, table_tests, table_n, NULL,
				       NULL);
}

#endif
