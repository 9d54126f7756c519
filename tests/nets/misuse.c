// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * misuse BUG: one bug made to order, to see whether it is noticed. Ends with 0
 * when nobody minds, with 2 when there is no such bug.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing is known of what comes from here, when it is compiled. */
static volatile size_t eight = 8;
static volatile uintptr_t kept;

/* Ten: a pointer to the last may be left somewhere on the stack. */
static void leak(void)
{
	size_t i;

	for (i = 0; i < 10; i++)
		kept = (uintptr_t)malloc(eight);
	kept = 0;
}

static void out_of_bounds(void)
{
	volatile char *p = calloc(1, eight);

	if (p)
		p[eight] = 1;
	free((void *)p);
}

/* By numbers: pointers that dangle are what compilers find themselves. */
static void after_free(void)
{
	void *p = calloc(1, eight);

	kept = (uintptr_t)p;
	free(p);
	putchar(*(volatile char *)kept);
}

__attribute__((noinline)) static void keep_local(void)
{
	volatile char here[8] = { 1 };

	kept = (uintptr_t)here;
}

static void after_return(void)
{
	keep_local();
	putchar(*(volatile char *)kept);
}

static void shift(void)
{
	putchar((1 << (8 * eight)) & 1);
}

static void unset(void)
{
	char *volatile p = malloc(eight);

	if (p && p[0])
		putchar('x');
	free(p);
}

static void none(void)
{
	free(calloc(1, eight));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} bugs[] = {
		{ "leak", leak }, { "out-of-bounds", out_of_bounds },
		{ "after-free", after_free }, { "after-return", after_return },
		{ "shift", shift }, { "unset", unset }, { "none", none },
	};
	size_t i;

	for (i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		if (argc == 2 && !strcmp(argv[1], bugs[i].name)) {
			bugs[i].run();
			return 0;
		}
	}
	return 2;
}
