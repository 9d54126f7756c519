/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/wire.h"
#include "core/names.h"

#define ONES	0x0101010101010101ULL
#define HIGHS	0x8080808080808080ULL

/* Alignment of every type code; 0 for what is not one. */
static const u8 align_of[256] = {
	['y'] = 1, ['g'] = 1, ['v'] = 1,
	['n'] = 2, ['q'] = 2,
	['b'] = 4, ['i'] = 4, ['u'] = 4, ['h'] = 4,
	['s'] = 4, ['o'] = 4, ['a'] = 4,
	['x'] = 8, ['t'] = 8, ['d'] = 8, ['('] = 8, ['{'] = 8,
};

/* Size of the types that have a fixed one; it equals their alignment. */
static const u8 size_of[256] = {
	['y'] = 1,
	['n'] = 2, ['q'] = 2,
	['b'] = 4, ['i'] = 4, ['u'] = 4, ['h'] = 4,
	['x'] = 8, ['t'] = 8, ['d'] = 8,
};

static bool foreign(const struct wire *w)
{
	return w->big != PORT_BIG_ENDIAN;
}

u8 wire_u8(struct wire *w)
{
	const u8 *p = wire_take(w, 1);

	return p ? *p : 0;
}

u16 wire_u16(struct wire *w)
{
	const u8 *p;
	u16 v = 0;

	wire_align(w, sizeof(v));
	p = wire_take(w, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return foreign(w) ? port_bswap16(v) : v;
}

u64 wire_u64(struct wire *w)
{
	const u8 *p;
	u64 v = 0;

	wire_align(w, sizeof(v));
	p = wire_take(w, sizeof(v));
	if (p)
		memcpy(&v, p, sizeof(v));
	return foreign(w) ? port_bswap64(v) : v;
}

struct dbus_str wire_str(struct wire *w)
{
	static const struct dbus_str none;
	struct dbus_str str = wire_str_raw(w);

	if (!str.s || dbus_utf8_ok(str.s, str.len))
		return str;
	wire_fail(w, -EBADMSG);
	return none;
}

struct dbus_str wire_sig(struct wire *w)
{
	static const struct dbus_str none;
	struct dbus_str str = wire_take_str(w, wire_u8(w));

	if (!str.s || dbus_signature_ok(str.s, str.len))
		return str;
	wire_fail(w, -EBADMSG);
	return none;
}

/*
 * The bytes that may follow a lead byte (Unicode, table 3-7): without
 * overlong forms, surrogates and what is above U+10FFFF. Noncharacters are
 * allowed.
 */
static size_t utf8_char(const u8 *p, size_t left)
{
	u8 lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Eight bytes, each of them 0x01 to 0x7f? */
static bool ascii_word(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return !((v | (v - ONES)) & HIGHS);
}

bool dbus_utf8_ok(const char *s, size_t len)
{
	const u8 *p = (const u8 *)s;

	while (len) {
		size_t n;

		if (len >= 8 && ascii_word(p))
			n = 8;
		else if (*p && *p < 0x80)
			n = 1;
		else
			n = utf8_char(p, len);
		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/*
 * Walking over values. The sender chooses how deep they nest, so this is a
 * loop with a small stack instead of recursion. Structs and dict entries
 * need no frame, since their types stand in line in the signature; arrays
 * come back to their element's type, variants to their parent's signature.
 */
#define MAX_DEPTH	(2 * DBUS_MAX_DEPTH)

struct frame {
	u32 end;	/* where an array's bytes end; 0 for a variant */
	u32 back;	/* array: the element's type; variant: parent's next */
	u32 stop;	/* of the parent */
};

struct walk {
	struct wire *w;
	const char *top;	/* the caller's signature */
	const char *sig;	/* the one at work: top, or a variant's */
	u32 at;			/* next code in sig */
	u32 stop;		/* where the innermost frame's types end */
	bool check;		/* contents too, not only what is needed */
	u8 depth;
	u8 n_frames;
	u8 n_variants;
	struct frame frames[MAX_DEPTH];
};

static bool deeper(struct walk *k)
{
	if (k->depth == MAX_DEPTH) {
		wire_fail(k->w, -EBADMSG);
		return false;
	}
	k->depth++;
	return true;
}

static void push(struct walk *k, size_t end, u32 back)
{
	struct frame *f = &k->frames[k->n_frames++];

	f->end = (u32)end;
	f->back = back;
	f->stop = k->stop;
}

static void enter_array(struct walk *k)
{
	const char *elem = k->sig + k->at;
	u32 elem_len = (u32)dbus_signature_next(elem, k->stop - k->at);
	u32 len = wire_u32(k->w);
	u8 size = size_of[(u8)*elem];

	if (len > DBUS_MAX_ARRAY)
		wire_fail(k->w, -EMSGSIZE);
	wire_align(k->w, align_of[(u8)*elem]);
	if (k->w->err)
		return;
	if (len > k->w->len - k->w->pos || (size && len & (size - 1U))) {
		wire_fail(k->w, -EBADMSG);
		return;
	}
	/* Only a boolean has bit patterns that mean nothing. */
	if (!len || !k->check || (size && *elem != 'b')) {
		k->w->pos += len;
		k->at += elem_len;
	} else if (deeper(k)) {
		push(k, k->w->pos + len, k->at);
		k->stop = k->at + elem_len;
	}
}

static void enter_variant(struct walk *k)
{
	struct dbus_str sig = wire_sig(k->w);

	if (!sig.len || dbus_signature_next(sig.s, sig.len) != sig.len) {
		wire_fail(k->w, -EBADMSG);
		return;
	}
	if (!deeper(k))
		return;
	push(k, 0, k->at);
	k->n_variants++;
	k->sig = (const char *)k->w->data;
	k->at = (u32)((const u8 *)sig.s - k->w->data);
	k->stop = k->at + sig.len;
}

static void enter_struct(struct walk *k)
{
	wire_align(k->w, 8);
	deeper(k);
}

static void walk_basic(struct walk *k, char c)
{
	struct dbus_str str;
	u8 size = size_of[(u8)c];

	if (c == 'b' && k->check) {
		if (wire_u32(k->w) > 1)
			wire_fail(k->w, -EBADMSG);
	} else if (size) {
		wire_align(k->w, size);
		wire_take(k->w, size);
	} else if (c == 'g') {
		wire_sig(k->w);
	} else if (c == 's' && k->check) {
		wire_str(k->w);
	} else if (c == 's' || c == 'o') {
		str = wire_str_raw(k->w);
		if (k->check && str.s && !dbus_path_ok(str.s, str.len))
			wire_fail(k->w, -EBADMSG);
	} else {
		wire_fail(k->w, -EBADMSG);
	}
}

static void walk_type(struct walk *k)
{
	char c = k->sig[k->at++];

	switch (c) {
	case 'a':
		enter_array(k);
		break;
	case 'v':
		enter_variant(k);
		break;
	case '(':
	case '{':
		enter_struct(k);
		break;
	case ')':
	case '}':
		k->depth--;
		break;
	default:
		walk_basic(k, c);
	}
}

/* The types of the innermost frame are used up; false if it was the last. */
static bool leave(struct walk *k)
{
	struct frame *f;

	if (!k->n_frames)
		return false;
	f = &k->frames[k->n_frames - 1];
	if (f->end && k->w->pos < f->end) {
		k->at = f->back;	/* the next element */
		return true;
	}
	if (!f->end) {
		k->at = f->back;
		k->n_variants--;
		k->sig = k->n_variants ? (const char *)k->w->data : k->top;
	} else if (k->w->pos > f->end) {
		wire_fail(k->w, -EBADMSG);	/* an element reaches out of it */
	}
	k->stop = f->stop;
	k->n_frames--;
	k->depth--;
	return true;
}

static void walk(struct wire *w, const char *sig, size_t len, bool check)
{
	struct walk k;

	k.w = w;
	k.top = sig;
	k.sig = sig;
	k.at = 0;
	k.stop = (u32)len;
	k.check = check;
	k.depth = 0;
	k.n_frames = 0;
	k.n_variants = 0;
	while (!w->err) {
		if (k.at != k.stop)
			walk_type(&k);
		else if (!leave(&k))
			break;
	}
}

void wire_skip(struct wire *w, const char *sig, size_t len)
{
	walk(w, sig, len, true);
}

void wire_jump(struct wire *w, const char *sig, size_t len)
{
	walk(w, sig, len, false);
}
