/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Type signatures (D-Bus specification, "Type System"). Iterative: the depth
 * of a signature is chosen by whoever sent it.
 */
#include "core/wire.h"

static const bool basic[256] = {
	['y'] = true, ['b'] = true, ['n'] = true, ['q'] = true, ['i'] = true,
	['u'] = true, ['x'] = true, ['t'] = true, ['d'] = true, ['s'] = true,
	['o'] = true, ['g'] = true, ['h'] = true,
};

/* One open parenthesis or brace; level 0 is the signature itself. */
struct level {
	char close;	/* what ends it, 0 for the signature itself */
	u8 types;	/* complete types so far, 2 at most counted */
	u8 arrays;	/* array codes around its contents */
};

struct check {
	unsigned int depth;
	unsigned int arrays;	/* array codes around the next type */
	struct level l[DBUS_MAX_DEPTH + 1];
};

static bool array_pending(const struct check *k)
{
	return k->arrays != k->l[k->depth].arrays;
}

/*
 * Dict entries count as structs: the limits of all implementations together,
 * or a message that one of them passes makes another one hang up.
 */
static bool open_level(struct check *k, char close)
{
	if (k->depth == DBUS_MAX_DEPTH)
		return false;
	k->depth++;
	k->l[k->depth].close = close;
	k->l[k->depth].types = 0;
	k->l[k->depth].arrays = (u8)k->arrays;
	return true;
}

static bool close_level(struct check *k, char c)
{
	const struct level *l = &k->l[k->depth];

	if (l->close != c || array_pending(k))
		return false;
	if (l->types < (c == '}' ? 2 : 1))
		return false;
	k->depth--;
	return true;
}

/* A complete type ended: what follows is outside of its arrays. */
static bool complete(struct check *k)
{
	struct level *l = &k->l[k->depth];

	k->arrays = l->arrays;
	if (l->types == 2)
		return l->close != '}';
	l->types++;
	return true;
}

static bool check_code(struct check *k, char c, char last)
{
	const struct level *l = &k->l[k->depth];

	if (basic[(u8)c])
		return complete(k);
	if (l->close == '}' && !l->types)
		return false;	/* a dict entry's key is a basic type */

	switch (c) {
	case 'a':
		return ++k->arrays <= DBUS_MAX_DEPTH;
	case 'v':
		return complete(k);
	case '(':
		return open_level(k, ')');
	case '{':
		return last == 'a' && open_level(k, '}');
	case ')':
	case '}':
		return close_level(k, c) && complete(k);
	default:
		return false;
	}
}

bool dbus_signature_ok(const char *sig, size_t len)
{
	struct check k;
	char last = 0;
	size_t i;

	if (len > DBUS_MAX_SIGNATURE)
		return false;

	k.depth = 0;
	k.arrays = 0;
	k.l[0].close = 0;
	k.l[0].types = 0;
	k.l[0].arrays = 0;
	for (i = 0; i < len; i++) {
		if (!check_code(&k, sig[i], last))
			return false;
		last = sig[i];
	}
	return !k.depth && !k.arrays;
}

size_t dbus_signature_next(const char *sig, size_t len)
{
	unsigned int open = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		char c = sig[i];

		if (c == '(' || c == '{')
			open++;
		else if ((c == ')' || c == '}') && open)
			open--;
		if (!open && c != 'a')
			return i + 1;
	}
	return len;
}
