/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one bounds-checked reader of untrusted D-Bus wire bytes.
 *
 * A cursor walks a contiguous buffer that its caller owns and keeps alive.
 * Alignment is counted from the start of the buffer (D-Bus specification,
 * "Summary of D-Bus marshalling"), so a body has a cursor of its own: bodies
 * start at a multiple of 8.
 *
 * Errors stick: after the first failed read every later one fails too and
 * yields zeroes, so that a caller may read a group of values and look at
 * wire_error() once. No locks, no allocation.
 *
 * What a header consists of is inline: it is read once a message.
 */
#ifndef AFBUS_CORE_WIRE_H
#define AFBUS_CORE_WIRE_H

#include "port.h"

#define DBUS_MAX_ARRAY		(64U << 20)	/* bytes in one array */
#define DBUS_MAX_MESSAGE	(128U << 20)	/* bytes in one message */
#define DBUS_MAX_SIGNATURE	255U
#define DBUS_MAX_DEPTH		32U		/* arrays, and structs, each */

/* A run of bytes inside somebody else's buffer; not NUL-terminated. */
struct dbus_str {
	const char *s;
	u32 len;
};

struct wire {
	const u8 *data;
	size_t len;
	size_t pos;
	bool big;	/* the sender's byte order */
	int err;	/* 0 or the first error, negative */
};

static inline void wire_init(struct wire *w, const void *data, size_t len,
			     bool big)
{
	w->data = data;
	w->len = len;
	w->pos = 0;
	w->big = big;
	/* wire_skip() keeps positions in 32 bits. */
	w->err = len > DBUS_MAX_MESSAGE ? -EMSGSIZE : 0;
}

static inline int wire_error(const struct wire *w)
{
	return w->err;
}

static inline void wire_fail(struct wire *w, int err)
{
	if (!w->err)
		w->err = err;
}

/* The next @n bytes as they are; NULL when there are not so many. */
static inline const u8 *wire_take(struct wire *w, size_t n)
{
	const u8 *p = w->data + w->pos;

	if (w->err)
		return NULL;
	if (n > w->len - w->pos) {
		w->err = -EBADMSG;
		return NULL;
	}
	w->pos += n;
	return p;
}

/* Skips padding to a multiple of @align (1, 2, 4, 8); non-zero padding is
 * -EBADMSG (specification: padding must be zero). */
static inline void wire_align(struct wire *w, size_t align)
{
	size_t n = -w->pos & (align - 1);
	const u8 *p;

	if (!n)
		return;
	p = wire_take(w, n);
	while (p && n--)
		if (*p++)
			wire_fail(w, -EBADMSG);
}

u8 wire_u8(struct wire *w);
u16 wire_u16(struct wire *w);
u64 wire_u64(struct wire *w);

static inline u32 wire_u32(struct wire *w)
{
	const u8 *p;
	u32 v = 0;

	wire_align(w, sizeof(v));
	p = wire_take(w, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return w->big != PORT_BIG_ENDIAN ? port_bswap32(v) : v;
}

/* @len bytes and the NUL behind them. */
static inline struct dbus_str wire_take_str(struct wire *w, u32 len)
{
	struct dbus_str str = { NULL, 0 };
	const u8 *p;

	/* len + 1 must not wrap where size_t has 32 bits. */
	if (len >= w->len - w->pos)
		wire_fail(w, -EBADMSG);
	p = wire_take(w, (size_t)len + 1);
	if (p && p[len]) {
		wire_fail(w, -EBADMSG);
		p = NULL;
	}
	if (p) {
		str.s = (const char *)p;
		str.len = len;
	}
	return str;
}

/* STRING and OBJECT_PATH: u32 length, bytes, NUL; UTF-8 is checked for
 * both, object path syntax is for the caller (dbus_path_ok()). */
struct dbus_str wire_str(struct wire *w);
/* The same without the UTF-8 check, for bytes that are only compared or that
 * a stricter syntax is checked on. */
static inline struct dbus_str wire_str_raw(struct wire *w)
{
	return wire_take_str(w, wire_u32(w));
}

/* SIGNATURE: u8 length, bytes, NUL; checked for validity. */
struct dbus_str wire_sig(struct wire *w);

/* Valid (possibly empty) signature, limits of length and depth included? */
bool dbus_signature_ok(const char *sig, size_t len);
/* Length in bytes of the first complete type of a *valid* signature, 0 at
 * the end of it. */
size_t dbus_signature_next(const char *sig, size_t len);

/* Walks over (and validates) one value of the single complete type @sig. */
void wire_skip(struct wire *w, const char *sig, size_t len);
/* The same for readers that need only what lies behind the value: contents of
 * arrays and strings are not looked at, so that the time does not depend on
 * how long they are. */
void wire_jump(struct wire *w, const char *sig, size_t len);

bool dbus_utf8_ok(const char *s, size_t len);	/* no NUL allowed inside */
static inline bool dbus_str_eq(struct dbus_str a, const char *s, size_t len)
{
	return a.s && a.len == len && !memcmp(a.s, s, len);
}

#endif
