/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Wire bytes from text, in either byte order. The text is a list of tokens
 * with one space between them:
 *
 *	y1 q2 u3 t4	integers of 1, 2, 4, 8 bytes, aligned
 *	sTEXT gTEXT	string, signature; %41 in TEXT is the byte 0x41
 *	[8 ... ]	array whose elements are aligned to 8
 *	|8		zeroes up to a multiple of 8
 *	%0041ff		these bytes
 *	z100		that many zeroes
 */
#ifndef AFBUS_TESTS_BUILD_H
#define AFBUS_TESTS_BUILD_H

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/wire.h"

struct build {
	bool big;
	size_t len;
	size_t depth;
	size_t array[64];	/* where the length of an open array stands */
	size_t start[64];	/* where its elements begin */
	u8 buf[16384];
};

static inline void build_zero(struct build *b, size_t n)
{
	assert(b->len + n <= sizeof(b->buf));
	memset(b->buf + b->len, 0, n);
	b->len += n;
}

static inline void build_align(struct build *b, size_t align)
{
	build_zero(b, -b->len & (align - 1));
}

static inline void build_poke(struct build *b, size_t at, u64 v, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		b->buf[at + i] = (u8)(v >> 8 * (b->big ? size - 1 - i : i));
}

static inline void build_int(struct build *b, u64 v, size_t size)
{
	build_align(b, size);
	build_zero(b, size);
	build_poke(b, b->len - size, v, size);
}

static inline u8 build_hex(const char *s)
{
	char digits[3] = { s[0], s[1], 0 };

	assert(isxdigit((unsigned char)s[0]) && isxdigit((unsigned char)s[1]));
	return (u8)strtoul(digits, NULL, 16);
}

/* The bytes of one token's text, with %XX undone; returns their number. */
static inline size_t build_text(const char *s, const char *end, char *out)
{
	size_t n = 0;

	while (s < end) {
		if (*s == '%') {
			out[n++] = (char)build_hex(s + 1);
			s += 3;
		} else {
			out[n++] = *s++;
		}
	}
	return n;
}

static inline void build_bytes(struct build *b, const void *s, size_t n)
{
	build_zero(b, n);
	if (n)
		memcpy(b->buf + b->len - n, s, n);
}

static inline void build_token(struct build *b, const char *s, const char *end)
{
	u64 v = strtoull(s + 1, NULL, 0);
	char text[8192];
	size_t n;

	switch (*s) {
	case 'y':
		build_int(b, v, 1);
		break;
	case 'q':
		build_int(b, v, 2);
		break;
	case 'u':
		build_int(b, v, 4);
		break;
	case 't':
		build_int(b, v, 8);
		break;
	case 's':
	case 'g':
		n = build_text(s + 1, end, text);
		build_int(b, n, *s == 's' ? 4 : 1);
		build_bytes(b, text, n);
		build_zero(b, 1);
		break;
	case '[':
		build_int(b, 0, 4);
		b->array[b->depth] = b->len - 4;
		build_align(b, v);
		b->start[b->depth++] = b->len;
		break;
	case ']':
		b->depth--;
		build_poke(b, b->array[b->depth],
			   b->len - b->start[b->depth], 4);
		break;
	case '|':
		build_align(b, v);
		break;
	case 'z':
		build_zero(b, v);
		break;
	case '%':
		for (s++; s < end; s += 2)
			build_int(b, build_hex(s), 1);
		break;
	default:
		assert(!"unknown token");
	}
}

static inline void build(struct build *b, const char *text)
{
	while (*text) {
		const char *end = text + strcspn(text, " ");

		build_token(b, text, end);
		text = end + (*end == ' ');
	}
}

static inline void build_init(struct build *b, bool big)
{
	b->big = big;
	b->len = 0;
	b->depth = 0;
}

#endif
