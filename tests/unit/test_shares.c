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

static void amounts_stop(void **state)
{
	const u64 most = UINT32_MAX;
	struct shares s = { 0 };

	shares_add(&s, 1, most);
	shares_add(&s, 1, 7);
	shares_add(&s, 2, most + 7);
	assert_int_equal(shares_of(&s, 2, most), most);
	assert_int_equal(shares_of(&s, 1, most), 0);
}

/* As many of @owner's as it is let add, one by one. */
static u64 fill(struct shares *s, u32 owner, u64 *left, u64 limit)
{
	u64 n;

	for (n = 0; *left < limit && shares_ok(s, owner, *left, 1, limit);
	     n++) {
		shares_add(s, owner, 1);
		++*left;
	}
	return n;
}

/* Of descriptors, say: each owner half of what the others leave. */
static void half_of_what_others_leave(void **state)
{
	struct shares s = { 0 };
	u64 left = 0;

	assert_int_equal(fill(&s, 1, &left, 64), 32);
	assert_int_equal(fill(&s, 1, &left, 64), 0);
	assert_int_equal(fill(&s, 2, &left, 64), 16);
	assert_int_equal(fill(&s, 3, &left, 64), 8);
	assert_int_equal(fill(&s, 1, &left, 64), 0);
	/* All of the first one's have gone out. */
	left -= 32;
	assert_int_equal(fill(&s, 2, &left, 64), 12);
	assert_int_equal(fill(&s, 1, &left, 64), 14);
	/* Whoever has none is not refused for its share. */
	assert_true(shares_ok(&s, 9, left, 64, 64));
	assert_false(shares_ok(&s, 1, left, 2, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(exact_in_long_runs),
		cmocka_unit_test(never_too_much),
		cmocka_unit_test(amounts_stop),
		cmocka_unit_test(half_of_what_others_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
