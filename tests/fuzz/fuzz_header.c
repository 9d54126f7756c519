/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a header, with or without a body behind it. What parses is stamped,
 * and the stamped copy parses to the same. A second stamp only brings the
 * fields in order, a third one changes nothing. Where SENDER is appended, that
 * is the same in place and beside it, and its header is that of the copy.
 */
#include "core/dbus_header.h"

#include "fuzz.h"

#define SENDER ":1.281474976710655"
#define SENDER_LEN (sizeof(SENDER) - 1)
#define GROWTH 32	/* 8 + SENDER_LEN + 1, in eights */

static bool same(struct dbus_str a, struct dbus_str b)
{
	return !a.s == !b.s && (!a.s || dbus_str_eq(a, b.s, b.len));
}

static void check_same(const struct dbus_header *a,
		       const struct dbus_header *b)
{
	u64 addr_a = 0, addr_b = 0;

	CHECK(a->f.big == b->f.big);
	CHECK(a->f.type == b->f.type);
	CHECK(a->f.flags == b->f.flags);
	CHECK(a->f.serial == b->f.serial);
	CHECK(a->f.body_len == b->f.body_len);
	CHECK((a->present | 1U << DBUS_FIELD_SENDER) == b->present);
	CHECK(a->reply_serial == b->reply_serial);
	CHECK(a->unix_fds == b->unix_fds);
	CHECK(same(a->path, b->path));
	CHECK(same(a->interface, b->interface));
	CHECK(same(a->member, b->member));
	CHECK(same(a->error_name, b->error_name));
	CHECK(same(a->destination, b->destination));
	CHECK(same(a->signature, b->signature));
	CHECK(dbus_str_eq(b->sender, SENDER, SENDER_LEN));
	CHECK(dbus_header_route(a, &addr_a) == dbus_header_route(b, &addr_b));
	CHECK(addr_a == addr_b);
}

/* A string is inside of the buffer, and a NUL follows it. */
static void check_str(struct dbus_str s, const u8 *data, size_t size)
{
	if (!s.s)
		return;
	CHECK((const u8 *)s.s > data);
	CHECK((const u8 *)s.s + s.len < data + size);
	CHECK(!s.s[s.len] && !memchr(s.s, 0, s.len));
}

static u8 *stamp(const struct dbus_header *h, size_t *len)
{
	s64 want = dbus_header_stamp(h, SENDER, SENDER_LEN, NULL, 0);
	u8 *out;

	if (want == -EMSGSIZE)
		return NULL;
	CHECK(want >= 16 && want % 8 == 0);
	*len = (size_t)want;
	out = malloc(*len);
	CHECK(out);
	CHECK(dbus_header_stamp(h, SENDER, SENDER_LEN, out, *len - 1) ==
	      -EMSGSIZE);
	CHECK(dbus_header_stamp(h, SENDER, SENDER_LEN, out, *len) == want);
	return out;
}

/* A string of @a is where that of @b is. */
static bool same_place(struct dbus_str a, struct dbus_str b)
{
	return a.s == b.s && a.len == b.len;
}

static void check_same_place(const struct dbus_header *a,
			     const struct dbus_header *b)
{
	CHECK(a->bytes == b->bytes && a->unknown == b->unknown);
	CHECK(a->present == b->present);
	CHECK(a->f.fields_len == b->f.fields_len);
	CHECK(a->f.header_len == b->f.header_len);
	CHECK(a->f.total_len == b->f.total_len);
	CHECK(same_place(a->path, b->path));
	CHECK(same_place(a->interface, b->interface));
	CHECK(same_place(a->member, b->member));
	CHECK(same_place(a->error_name, b->error_name));
	CHECK(same_place(a->destination, b->destination));
	CHECK(same_place(a->sender, b->sender));
	CHECK(same_place(a->signature, b->signature));
}

/* @out: how it is stamped. */
static void check_append(const struct dbus_header *h, const u8 *out,
			 size_t len)
{
	u32 growth = dbus_header_growth(h, SENDER_LEN);
	struct dbus_header beside = *h, place, parsed;
	u8 *a, *b;

	CHECK(!growth == (h->unknown || h->sender.s ||
			  h->f.total_len > DBUS_MAX_MESSAGE - GROWTH));
	if (!growth)
		return;
	CHECK(len == h->f.header_len + growth);
	a = malloc(len);
	b = malloc(len);
	CHECK(a && b);
	memcpy(b, h->bytes, h->f.header_len);
	dbus_header_append(&beside, SENDER, SENDER_LEN, a);
	CHECK(!memcmp(a, out, len));
	CHECK(!dbus_header_parse(&parsed, a, len, DBUS_MAX_MESSAGE));
	check_same_place(&beside, &parsed);
	CHECK(!dbus_header_parse(&place, b, h->f.header_len, DBUS_MAX_MESSAGE));
	dbus_header_append(&place, SENDER, SENDER_LEN, b);
	CHECK(!memcmp(b, out, len));
	CHECK(!dbus_header_parse(&parsed, b, len, DBUS_MAX_MESSAGE));
	check_same_place(&place, &parsed);
	free(b);
	free(a);
}

static void check_stamp(const struct dbus_header *h)
{
	struct dbus_header h2, h3;
	size_t len = 0, len2 = 0, len3 = 0;
	u8 *out = stamp(h, &len), *out2, *out3;

	if (!out)
		return;
	CHECK(!dbus_header_parse(&h2, out, len, DBUS_MAX_MESSAGE));
	check_same(h, &h2);
	check_append(h, out, len);
	out2 = stamp(&h2, &len2);
	CHECK(out2);
	CHECK(!dbus_header_parse(&h3, out2, len2, DBUS_MAX_MESSAGE));
	check_same(&h2, &h3);
	out3 = stamp(&h3, &len3);
	CHECK(out3 && len2 == len3 && !memcmp(out2, out3, len2));
	free(out3);
	free(out2);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dbus_header h;
	struct dbus_frame f;
	u8 *head;

	if (size < DBUS_FIXED_LEN)
		return 0;
	if (dbus_frame_parse(&f, data, DBUS_MAX_MESSAGE)) {
		CHECK(dbus_header_parse(&h, data, size, DBUS_MAX_MESSAGE));
		return 0;
	}
	CHECK(f.header_len >= 16 && f.header_len % 8 == 0);
	CHECK(f.total_len == f.header_len + f.body_len);
	CHECK(f.total_len <= DBUS_MAX_MESSAGE);
	if (f.header_len > size)
		return 0;
	/* What is behind the header must not be read. */
	head = malloc(f.header_len);
	CHECK(head);
	memcpy(head, data, f.header_len);
	if (!dbus_header_parse(&h, head, f.header_len, DBUS_MAX_MESSAGE)) {
		check_str(h.path, head, f.header_len);
		check_str(h.interface, head, f.header_len);
		check_str(h.member, head, f.header_len);
		check_str(h.error_name, head, f.header_len);
		check_str(h.destination, head, f.header_len);
		check_str(h.sender, head, f.header_len);
		check_str(h.signature, head, f.header_len);
		check_stamp(&h);
	}
	free(head);
	return 0;
}
