// SPDX-License-Identifier: LGPL-2.1-or-later
/* Compared with a queue in which every byte has its owner's number. */
#include "core/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SIZE 4000

static size_t count(const uint8_t *q, size_t len, uint8_t owner)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += q[i] == owner;
	return n;
}

/* With few owners in long runs all is known; otherwise never too much. */
static void walk(unsigned int turns, bool exact)
{
	static uint8_t q[SIZE];
	struct shares s = { 0 };
	size_t len = 0, n;
	unsigned int i;
	uint8_t owner = 0;

	srand(7);
	for (i = 0; i < 20000; i++) {
		if (!(rand() % turns))
			owner = rand() % 5;
		n = 1 + rand() % 100;
		if (len + n > SIZE || rand() % 3 == 0) {
			n = len ? (size_t)rand() % (len + 1) : 0;
			memmove(q, q + n, len - n);
			len -= n;
		} else {
			memset(q + len, owner, n);
			len += n;
			shares_add(&s, owner, n);
		}
		for (n = 0; n < 6; n++) {
			u64 of = shares_of(&s, (u32)n, len);

			if (exact)
				assert_int_equal(of, count(q, len, n));
			else
				assert_true(of <= count(q, len, n));
		}
	}
}

static void exact_in_long_runs(void **state)
{
	walk(400, true);
}

static void never_too_much(void **state)
{
	walk(1, false);
}

static void empty(void **state)
{
	struct shares s = { 0 };

	assert_int_equal(shares_of(&s, 0, 0), 0);
	assert_int_equal(shares_of(&s, 0, 100), 0);
	shares_add(&s, 3, 10);
	assert_int_equal(shares_of(&s, 3, 0), 0);
	assert_int_equal(shares_of(&s, 3, 4), 4);
	assert_int_equal(shares_of(&s, 3, 100), 10);
	assert_int_equal(shares_of(&s, 0, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(exact_in_long_runs),
		cmocka_unit_test(never_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
