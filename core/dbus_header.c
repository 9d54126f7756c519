/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/dbus_header.h"

#define HAS(field) (1U << DBUS_FIELD_##field)
/* Code, signature, length, the string and its NUL; no padding. */
#define STR_FIELD_LEN(len) (8 + (len) + 1)

struct field {
	char type;	/* 0: not a field */
	u16 off;	/* of its member in struct dbus_header */
};

#define FIELD(type, member) { type, offsetof(struct dbus_header, member) }

static const struct field fields[DBUS_FIELD_MAX] = {
	[DBUS_FIELD_PATH] = FIELD('o', path),
	[DBUS_FIELD_INTERFACE] = FIELD('s', interface),
	[DBUS_FIELD_MEMBER] = FIELD('s', member),
	[DBUS_FIELD_ERROR_NAME] = FIELD('s', error_name),
	[DBUS_FIELD_REPLY_SERIAL] = FIELD('u', reply_serial),
	[DBUS_FIELD_DESTINATION] = FIELD('s', destination),
	[DBUS_FIELD_SENDER] = FIELD('s', sender),
	[DBUS_FIELD_SIGNATURE] = FIELD('g', signature),
	[DBUS_FIELD_UNIX_FDS] = FIELD('u', unix_fds),
};

/* Fields that a message of a type must have; unknown types need none. */
static const u32 required[] = {
	[DBUS_TYPE_CALL] = HAS(PATH) | HAS(MEMBER),
	[DBUS_TYPE_RETURN] = HAS(REPLY_SERIAL),
	[DBUS_TYPE_ERROR] = HAS(ERROR_NAME) | HAS(REPLY_SERIAL),
	[DBUS_TYPE_SIGNAL] = HAS(PATH) | HAS(INTERFACE) | HAS(MEMBER),
};

static u32 align8(u32 n)
{
	return (n + 7) & ~7U;
}

static u32 get_u32(const u8 *p, bool big)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return big != PORT_BIG_ENDIAN ? port_bswap32(v) : v;
}

int dbus_frame_parse(struct dbus_frame *f, const void *buf, u32 max)
{
	const u8 *b = buf;

	if (b[0] != 'l' && b[0] != 'B')
		return -EBADMSG;
	f->big = b[0] == 'B';
	f->type = b[1];
	f->flags = b[2];
	f->body_len = get_u32(b + 4, f->big);
	f->serial = get_u32(b + 8, f->big);
	f->fields_len = get_u32(b + 12, f->big);
	if (f->type == DBUS_TYPE_INVALID || b[3] != 1 || !f->serial)
		return -EBADMSG;

	/* Bounded one by one first, or the sums could wrap. */
	if (f->fields_len > DBUS_MAX_ARRAY || f->body_len > DBUS_MAX_MESSAGE)
		return -EMSGSIZE;
	f->header_len = DBUS_FIXED_LEN + align8(f->fields_len);
	f->total_len = f->header_len + f->body_len;
	if (f->total_len > DBUS_MAX_MESSAGE || f->total_len > max)
		return -EMSGSIZE;
	return 0;
}

static bool str_ok(u8 code, struct dbus_str v)
{
	switch (code) {
	case DBUS_FIELD_PATH:
		return dbus_path_ok(v.s, v.len) &&
		       !dbus_str_eq(v, DBUS_LOCAL_PATH,
				    sizeof(DBUS_LOCAL_PATH) - 1);
	case DBUS_FIELD_INTERFACE:
		return dbus_interface_ok(v.s, v.len) &&
		       !dbus_str_eq(v, DBUS_LOCAL_INTERFACE,
				    sizeof(DBUS_LOCAL_INTERFACE) - 1);
	case DBUS_FIELD_MEMBER:
		return dbus_member_ok(v.s, v.len);
	case DBUS_FIELD_ERROR_NAME:
		return dbus_error_name_ok(v.s, v.len);
	case DBUS_FIELD_DESTINATION:
	case DBUS_FIELD_SENDER:
		return dbus_bus_name_ok(v.s, v.len);
	default:
		return false;
	}
}

static void *member(struct dbus_header *h, u8 code)
{
	return (char *)h + fields[code].off;
}

static int parse_value(struct dbus_header *h, struct wire *w, u8 code)
{
	struct dbus_str v;

	switch (fields[code].type) {
	case 'u':
		*(u32 *)member(h, code) = wire_u32(w);
		return wire_error(w);
	case 'g':
		h->signature = wire_sig(w);
		return wire_error(w);
	default:
		/* Every syntax checked here is stricter than UTF-8. */
		v = wire_str_raw(w);
		if (wire_error(w) || !str_ok(code, v))
			return -EBADMSG;
		*(struct dbus_str *)member(h, code) = v;
		return 0;
	}
}

/* Nobody will see it: where it ends is all that matters. */
static int skip_unknown(struct dbus_header *h, struct wire *w)
{
	struct wire all = *w;

	all.pos -= 3;
	wire_jump(&all, "v", 1);
	h->unknown = true;
	*w = all;
	return wire_error(w);
}

/*
 * A field begins with its code and the signature of its value. That of a
 * known field is one type code, so that four bytes tell all about it.
 */
static int parse_field(struct dbus_header *h, struct wire *w)
{
	const u8 *p;
	u8 code;

	wire_align(w, 8);
	p = wire_take(w, 4);
	if (!p)
		return -EBADMSG;
	code = p[0];
	if (code >= DBUS_FIELD_MAX)
		return skip_unknown(h, w);
	if (get_u32(p, false) != (code | 1U << 8 | (u32)fields[code].type << 16) ||
	    code == DBUS_FIELD_INVALID || h->present & 1U << code)
		return -EBADMSG;
	h->present |= 1U << code;
	return parse_value(h, w, code);
}

static bool complete(const struct dbus_header *h)
{
	u32 need = h->f.type <= DBUS_TYPE_SIGNAL ? required[h->f.type] : 0;

	if ((h->present & need) != need)
		return false;
	if (h->present & HAS(REPLY_SERIAL) && !h->reply_serial)
		return false;
	return !h->f.body_len || h->signature.len;
}

int dbus_fields_parse(struct dbus_header *h, const void *buf)
{
	size_t end = DBUS_FIXED_LEN + h->f.fields_len;
	struct wire w;
	int r = 0;

	*h = (struct dbus_header){ .f = h->f, .bytes = buf };
	wire_init(&w, buf, end, h->f.big);
	w.pos = DBUS_FIXED_LEN;
	while (!r && w.pos < end)
		r = parse_field(h, &w);
	if (r)
		return r;

	w.len = h->f.header_len;
	wire_align(&w, 8);
	if (wire_error(&w) || !complete(h))
		return -EBADMSG;
	return 0;
}

int dbus_header_parse(struct dbus_header *h, const void *buf, size_t len,
		      u32 max)
{
	int r;

	if (len < DBUS_FIXED_LEN)
		return -EBADMSG;
	r = dbus_frame_parse(&h->f, buf, max);
	if (r)
		return r;
	if (len != h->f.header_len)
		return -EBADMSG;
	return dbus_fields_parse(h, buf);
}

static struct dbus_str field_str(const struct dbus_header *h, u8 code)
{
	return *(const struct dbus_str *)((const char *)h + fields[code].off);
}

/* A field's bytes without the padding behind it. */
static u32 field_len(const struct dbus_header *h, u8 code)
{
	switch (fields[code].type) {
	case 'u':
		return 8;
	case 'g':
		return 4 + 1 + h->signature.len + 1;
	default:
		return STR_FIELD_LEN(field_str(h, code).len);
	}
}

static void put_u32(const struct dbus_header *h, u8 *p, u32 v)
{
	if (h->f.big != PORT_BIG_ENDIAN)
		v = port_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static void put_str(u8 *p, struct dbus_str v)
{
	/* What a field is written from is there.
	 * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	memcpy(p, v.s, v.len);
	p[v.len] = 0;
}

static void put_field(const struct dbus_header *h, u8 *p, u8 code)
{
	p[0] = code;
	p[1] = 1;
	p[2] = (u8)fields[code].type;
	p[3] = 0;
	switch (fields[code].type) {
	case 'u':
		put_u32(h, p + 4, *(const u32 *)((const char *)h +
						 fields[code].off));
		break;
	case 'g':
		p[4] = (u8)h->signature.len;
		put_str(p + 5, h->signature);
		break;
	default:
		put_u32(h, p + 4, field_str(h, code).len);
		put_str(p + 8, field_str(h, code));
	}
}

static void put_fixed(const struct dbus_header *h, u8 *p, u32 fields_len)
{
	p[0] = h->f.big ? 'B' : 'l';
	p[1] = h->f.type;
	p[2] = h->f.flags;
	p[3] = 1;
	put_u32(h, p + 4, h->f.body_len);
	put_u32(h, p + 8, h->f.serial);
	put_u32(h, p + 12, fields_len);
}

/* Returns the length of all fields; writes them when @p is not NULL. */
static u32 put_fields(const struct dbus_header *h, u8 *p)
{
	u32 pos = 0;
	u8 code;

	for (code = 1; code < DBUS_FIELD_MAX; code++) {
		u32 start = align8(pos);

		if (!(h->present & 1U << code))
			continue;
		if (p) {
			memset(p + pos, 0, start - pos);
			put_field(h, p + start, code);
		}
		pos = start + field_len(h, code);
	}
	if (p)
		memset(p + pos, 0, align8(pos) - pos);
	return pos;
}

/* Known fields in the order of their codes. */
static s64 write_anew(const struct dbus_header *h, struct dbus_str sender,
		      u8 *p, size_t size)
{
	struct dbus_header copy = *h;
	u32 fields_len, len;

	copy.sender = sender;
	copy.present |= HAS(SENDER);
	fields_len = put_fields(&copy, NULL);
	len = DBUS_FIXED_LEN + align8(fields_len);
	if (fields_len > DBUS_MAX_ARRAY ||
	    h->f.body_len > DBUS_MAX_MESSAGE - len || (p && len > size))
		return -EMSGSIZE;
	if (p) {
		put_fixed(&copy, p, fields_len);
		put_fields(&copy, p + DBUS_FIXED_LEN);
	}
	return len;
}

u32 dbus_header_growth(const struct dbus_header *h, size_t sender_len)
{
	u32 n = align8(STR_FIELD_LEN((u32)sender_len));

	if (h->unknown || h->present & HAS(SENDER) ||
	    h->f.fields_len > DBUS_MAX_ARRAY - n - 8 ||
	    h->f.total_len > DBUS_MAX_MESSAGE - n)
		return 0;
	return n;
}

/* Everything but @h: returns the length. */
static u32 append(const struct dbus_header *h, struct dbus_str sender, u8 *p,
		  u32 growth)
{
	const struct dbus_header only = { .f = h->f, .sender = sender };
	u8 *at = p + h->f.header_len;

	if (p != h->bytes)
		memcpy(p, h->bytes, h->f.header_len);
	memset(at + growth - 8, 0, 8);
	put_field(&only, at, DBUS_FIELD_SENDER);
	put_u32(h, p + 12, h->f.header_len - DBUS_FIXED_LEN +
			   STR_FIELD_LEN(sender.len));
	return h->f.header_len + growth;
}

static void move(struct dbus_str *v, const void *from, const void *to)
{
	if (v->s)
		v->s = (const char *)to + (v->s - (const char *)from);
}

void dbus_header_append(struct dbus_header *h, const char *sender,
			size_t sender_len, void *out)
{
	struct dbus_str str = { sender, (u32)sender_len };
	u32 growth = dbus_header_growth(h, sender_len);
	const void *from = h->bytes;

	append(h, str, out, growth);
	h->sender.s = (char *)out + h->f.header_len + 8;
	h->sender.len = str.len;
	h->present |= HAS(SENDER);
	h->f.fields_len = h->f.header_len - DBUS_FIXED_LEN +
			  STR_FIELD_LEN(str.len);
	h->f.header_len += growth;
	h->f.total_len += growth;
	h->bytes = out;
	if (out == from)
		return;
	move(&h->path, from, out);
	move(&h->interface, from, out);
	move(&h->member, from, out);
	move(&h->error_name, from, out);
	move(&h->destination, from, out);
	move(&h->signature, from, out);
}

s64 dbus_header_stamp(const struct dbus_header *h, const char *sender,
		      size_t sender_len, void *out, size_t size)
{
	struct dbus_str str = { sender, (u32)sender_len };
	u32 growth;

	if (sender_len > DBUS_MAX_NAME)
		return -EMSGSIZE;
	growth = dbus_header_growth(h, sender_len);
	if (!growth)
		return write_anew(h, str, out, size);
	if (out && h->f.header_len + growth > size)
		return -EMSGSIZE;
	return out ? append(h, str, out, growth) : h->f.header_len + growth;
}

enum dbus_route dbus_header_route(const struct dbus_header *h, u64 *addr)
{
	const struct dbus_str *to = &h->destination;

	if (h->f.type > DBUS_TYPE_SIGNAL)
		return DBUS_ROUTE_IGNORE;
	if (!to->s) {
		if (h->f.type == DBUS_TYPE_SIGNAL)
			return DBUS_ROUTE_BROADCAST;
		/* Replies to nobody are dropped, as by the reference. */
		return h->f.type == DBUS_TYPE_CALL ? DBUS_ROUTE_MASTER :
						     DBUS_ROUTE_IGNORE;
	}
	if (dbus_str_eq(*to, DBUS_DRIVER_NAME, sizeof(DBUS_DRIVER_NAME) - 1))
		return DBUS_ROUTE_MASTER;
	*addr = dbus_unique_parse(to->s, to->len);
	return *addr ? DBUS_ROUTE_UNIQUE : DBUS_ROUTE_NAME;
}
