/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "header.h"
#include "table.h"

#define MAX DBUS_MAX_MESSAGE

struct frame {
	const char *name;
	u8 order, type, version;
	u32 body_len, serial, fields_len, max;
	int err;
	u32 header_len, total_len;
};

static const struct frame frames[] = {
	{ "frame: smallest", 'l', 1, 1, 0, 1, 0, MAX, 0, 16, 16 },
	{ "frame: padding", 'l', 1, 1, 0, 1, 1, MAX, 0, 24, 24 },
	{ "frame: no padding", 'l', 1, 1, 0, 1, 8, MAX, 0, 24, 24 },
	{ "frame: body", 'l', 1, 1, 5, 1, 9, MAX, 0, 32, 37 },
	{ "frame: unknown type", 'l', 255, 1, 0, 1, 0, MAX, 0, 16, 16 },
	{ "frame: type 0", 'l', 0, 1, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: version 0", 'l', 1, 0, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: version 2", 'l', 1, 2, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: order L", 'L', 1, 1, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: order b", 'b', 1, 1, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: order 0", 0, 1, 1, 0, 1, 0, MAX, -EBADMSG },
	{ "frame: serial 0", 'l', 1, 1, 0, 0, 0, MAX, -EBADMSG },
	{ "frame: serial 2^32-1", 'l', 1, 1, 0, ~0U, 0, MAX, 0, 16, 16 },
	{ "frame: largest array", 'l', 1, 1, 0, 1, 64U << 20, MAX, 0,
	  (64U << 20) + 16, (64U << 20) + 16 },
	{ "frame: array too long", 'l', 1, 1, 0, 1, (64U << 20) + 1, MAX,
	  -EMSGSIZE },
	{ "frame: array of 2^32-1", 'l', 1, 1, 0, 1, ~0U, ~0U, -EMSGSIZE },
	{ "frame: largest message", 'l', 1, 1, MAX - 16, 1, 0, MAX, 0, 16,
	  MAX },
	{ "frame: one byte too many", 'l', 1, 1, MAX - 15, 1, 0, MAX,
	  -EMSGSIZE },
	{ "frame: body of 2^32-1", 'l', 1, 1, ~0U, 1, 0, ~0U, -EMSGSIZE },
	{ "frame: sum would wrap", 'l', 1, 1, ~0U - 15, 1, 0, MAX,
	  -EMSGSIZE },
	{ "frame: above 128 MiB whatever max", 'l', 1, 1, MAX, 1, 0, ~0U,
	  -EMSGSIZE },
	{ "frame: at max", 'l', 1, 1, 84, 1, 0, 100, 0, 16, 100 },
	{ "frame: above max", 'l', 1, 1, 85, 1, 0, 100, -EMSGSIZE },
	{ "frame: header above max", 'l', 1, 1, 0, 1, 85, 100, -EMSGSIZE },
};

static void run_frame(const struct frame *t, bool big)
{
	struct dbus_frame f;
	struct build b;

	build_init(&b, big);
	build_int(&b, big && t->order == 'l' ? 'B' : t->order, 1);
	build_int(&b, t->type, 1);
	build_int(&b, 0xf7, 1);
	build_int(&b, t->version, 1);
	build_int(&b, t->body_len, 4);
	build_int(&b, t->serial, 4);
	build_int(&b, t->fields_len, 4);
	assert_int_equal(dbus_frame_parse(&f, b.buf, t->max), t->err);
	if (t->err)
		return;
	assert_int_equal(f.big, big);
	assert_int_equal(f.type, t->type);
	assert_int_equal(f.flags, 0xf7);
	assert_int_equal(f.serial, t->serial);
	assert_int_equal(f.fields_len, t->fields_len);
	assert_int_equal(f.header_len, t->header_len);
	assert_int_equal(f.body_len, t->body_len);
	assert_int_equal(f.total_len, t->total_len);
}

static void test_frame(void **state)
{
	run_frame(*state, false);
	run_frame(*state, true);
}

#define CALL DBUS_TYPE_CALL
#define RETURN DBUS_TYPE_RETURN
#define ERROR DBUS_TYPE_ERROR
#define SIGNAL DBUS_TYPE_SIGNAL

struct parse {
	const char *name;
	const char *fields;
	u8 type;
	u32 body_len;
	int err;
};

#define C_MIN F_PATH F_MEMBER
#define S_MIN F_PATH F_INTERFACE F_MEMBER
#define BAD .err = -EBADMSG

static const struct parse parses[] = {
	{ "call: least", C_MIN, CALL },
	{ "call: all fields", F_PATH F_INTERFACE F_MEMBER F_DESTINATION
	  F_SENDER F_SIGNATURE F_FDS, CALL, 8 },
	{ "call: other order", F_FDS F_MEMBER F_DESTINATION F_PATH, CALL },
	{ "call: fields of other types too", C_MIN F_ERROR F_SERIAL, CALL },
	{ "call: no path", F_MEMBER, CALL, BAD },
	{ "call: no member", F_PATH, CALL, BAD },
	{ "call: no fields", "", CALL, BAD },
	{ "return: least", F_SERIAL, RETURN },
	{ "return: no serial", F_PATH F_MEMBER, RETURN, BAD },
	{ "return: serial 0", "|8 y5 gu u0", RETURN, BAD },
	{ "error: least", F_ERROR F_SERIAL, ERROR },
	{ "error: no name", F_SERIAL, ERROR, BAD },
	{ "error: no serial", F_ERROR, ERROR, BAD },
	{ "signal: least", S_MIN, SIGNAL },
	{ "signal: no path", F_INTERFACE F_MEMBER, SIGNAL, BAD },
	{ "signal: no interface", F_PATH F_MEMBER, SIGNAL, BAD },
	{ "signal: no member", F_PATH F_INTERFACE, SIGNAL, BAD },
	{ "unknown type: no fields", "", 5 },
	{ "unknown type 255: fields", F_SENDER, 255 },
	{ "unknown type: bad field", "|8 y1 go sx", 5, BAD },
	{ "call: serial 0", C_MIN "|8 y5 gu u0", CALL, BAD },

	{ "body: with signature", C_MIN F_SIGNATURE, CALL, 8 },
	{ "body: without signature", C_MIN, CALL, 1, -EBADMSG },
	{ "body: with empty signature", C_MIN "|8 y8 gg g", CALL, 1,
	  -EBADMSG },
	{ "body: none, empty signature", C_MIN "|8 y8 gg g", CALL },

	{ "field 0", C_MIN "|8 y0 gs sx", CALL, BAD },
	{ "field 0 alone", "|8 y0 gs sx", 5, BAD },
	{ "field 10", C_MIN "|8 y10 gs sx", CALL },
	{ "field 255 of any type", C_MIN "|8 y255 ga{s(vai)} [8 sk |8 gs sx "
	  "[4 u1 u2 ] ]", CALL },
	{ "field 255 twice", C_MIN "|8 y255 gy y1 |8 y255 gs sx", CALL },
	{ "field 255 before the others", "|8 y255 gt t1 " C_MIN, CALL },
	{ "field 255 of bad signature", C_MIN "|8 y255 gm u1", CALL, BAD },
	{ "field 255 of two types", C_MIN "|8 y255 gyy y1 y1", CALL, BAD },
	{ "field 255 cut", C_MIN "|8 y255 gu", CALL, BAD },
	{ "field 255 overruns into padding", C_MIN "|8 y255 gay u2 y1", CALL,
	  BAD },
	{ "field cut after code", C_MIN "|8 y6", CALL, BAD },
	{ "field cut in signature", C_MIN "|8 y6 y1", CALL, BAD },
	{ "field string's NUL in padding", F_MEMBER "|8 y1 go u2 %2f61", CALL,
	  BAD },
	{ "field without padding before", "%010267", CALL, BAD },
	{ "padding between fields not zero", F_PATH "%01 |8 y3 gs sM", CALL,
	  BAD },

	{ "path twice", C_MIN F_PATH, CALL, BAD },
	{ "interface twice", S_MIN F_INTERFACE, CALL, BAD },
	{ "member twice", C_MIN F_MEMBER, CALL, BAD },
	{ "error name twice", C_MIN F_ERROR F_ERROR, CALL, BAD },
	{ "reply serial twice", F_SERIAL F_SERIAL, RETURN, BAD },
	{ "destination twice", C_MIN F_DESTINATION F_DESTINATION, CALL, BAD },
	{ "sender twice", C_MIN F_SENDER F_SENDER, CALL, BAD },
	{ "signature twice", C_MIN F_SIGNATURE F_SIGNATURE, CALL, 8,
	  -EBADMSG },
	{ "fds twice", C_MIN F_FDS F_FDS, CALL, BAD },

	{ "path as string", F_MEMBER "|8 y1 gs s/a", CALL, BAD },
	{ "interface as path", C_MIN "|8 y2 go s/a", CALL, BAD },
	{ "member as signature", F_PATH "|8 y3 gg gs", CALL, BAD },
	{ "member as variant", F_PATH "|8 y3 gv gs sM", CALL, BAD },
	{ "error name as uint32", F_SERIAL "|8 y4 gu u1", ERROR, BAD },
	{ "reply serial as int32", "|8 y5 gi u1", RETURN, BAD },
	{ "reply serial as string", "|8 y5 gs s7", RETURN, BAD },
	{ "destination as object path", C_MIN "|8 y6 go s/a", CALL, BAD },
	{ "sender as array", C_MIN "|8 y7 gas [4 sa ]", CALL, BAD },
	{ "signature as string", C_MIN "|8 y8 gs ss", CALL, BAD },
	{ "fds as fd", C_MIN "|8 y9 gh u1", CALL, BAD },
	{ "member of no type", F_PATH "|8 y3 g sM", CALL, BAD },
	{ "member of two types", F_PATH "|8 y3 gss sM sN", CALL, BAD },

	{ "bad path", F_MEMBER "|8 y1 go sa", CALL, BAD },
	{ "empty path", F_MEMBER "|8 y1 go s", CALL, BAD },
	{ "bad interface", C_MIN "|8 y2 gs sa", CALL, BAD },
	{ "bad member", F_PATH "|8 y3 gs sa.b", CALL, BAD },
	{ "member with NUL", F_PATH "|8 y3 gs sa%00", CALL, BAD },
	{ "member without NUL", F_PATH "|8 y3 gs u1 %6161", CALL, BAD },
	{ "bad error name", F_SERIAL "|8 y4 gs se", ERROR, BAD },
	{ "bad destination", C_MIN "|8 y6 gs s1.a", CALL, BAD },
	{ "empty destination", C_MIN "|8 y6 gs s", CALL, BAD },
	{ "bad sender", C_MIN "|8 y7 gs sa..b", CALL, BAD },
	{ "bad signature", C_MIN "|8 y8 gg g(", CALL, BAD },

	{ "local path", F_MEMBER "|8 y1 go s/org/freedesktop/DBus/Local",
	  CALL, BAD },
	{ "below local path", F_MEMBER
	  "|8 y1 go s/org/freedesktop/DBus/Local/a", CALL },
	{ "local interface", C_MIN "|8 y2 gs sorg.freedesktop.DBus.Local",
	  CALL, BAD },
	{ "local interface of signal", F_PATH F_MEMBER
	  "|8 y2 gs sorg.freedesktop.DBus.Local", SIGNAL, BAD },
	{ "local interface longer", C_MIN
	  "|8 y2 gs sorg.freedesktop.DBus.Local2", CALL },
	{ "local interface, unknown type",
	  "|8 y2 gs sorg.freedesktop.DBus.Local", 7, BAD },
};

static bool same(struct dbus_str a, struct dbus_str b)
{
	return !a.s == !b.s && (!a.s || dbus_str_eq(a, b.s, b.len));
}

static void assert_same(const struct dbus_header *a,
			const struct dbus_header *b)
{
	assert_int_equal(a->f.big, b->f.big);
	assert_int_equal(a->f.type, b->f.type);
	assert_int_equal(a->f.flags, b->f.flags);
	assert_int_equal(a->f.serial, b->f.serial);
	assert_int_equal(a->f.body_len, b->f.body_len);
	assert_int_equal(a->reply_serial, b->reply_serial);
	assert_int_equal(a->unix_fds, b->unix_fds);
	assert_true(same(a->path, b->path));
	assert_true(same(a->interface, b->interface));
	assert_true(same(a->member, b->member));
	assert_true(same(a->error_name, b->error_name));
	assert_true(same(a->destination, b->destination));
	assert_true(same(a->signature, b->signature));
}

/* Parse, stamp, parse: equal but for the sender; every room too small. */
static void check_stamp(const struct dbus_header *h)
{
	static const char sender[] = ":1.12345";
	struct dbus_header again;
	s64 len, size;

	len = dbus_header_stamp(h, sender, strlen(sender), NULL, 0);
	assert_true(len > 0 && len % 8 == 0);
	for (size = 0; size <= len; size++) {
		u8 *out = malloc((size_t)size + !size);
		s64 r = dbus_header_stamp(h, sender, strlen(sender), out,
					  (size_t)size);

		assert_true(r == (size < len ? -EMSGSIZE : len));
		if (r == len) {
			assert_int_equal(dbus_header_parse(&again, out,
							   (size_t)len, MAX),
					 0);
			assert_same(h, &again);
			assert_true(dbus_str_eq(again.sender, sender,
						strlen(sender)));
			assert_int_equal(again.present,
					 h->present | 1U << DBUS_FIELD_SENDER);
		}
		free(out);
	}
}

static void run_parse(const struct parse *t, bool big)
{
	struct dbus_header h;
	struct build b;
	u8 *copy;

	build_header(&b, big, t->type, 0xf7, t->body_len, t->fields);
	copy = malloc(b.len);
	memcpy(copy, b.buf, b.len);
	assert_int_equal(dbus_header_parse(&h, copy, b.len, MAX), t->err);
	if (!t->err) {
		check_stamp(&h);
		assert_int_equal(dbus_header_parse(&h, copy, b.len - 8, MAX),
				 -EBADMSG);
		assert_int_equal(dbus_header_parse(&h, copy, 15, MAX),
				 -EBADMSG);
		assert_int_equal(dbus_header_parse(&h, copy, b.len,
						   (u32)b.len - 1), -EMSGSIZE);
	}
	free(copy);
}

static void test_parse(void **state)
{
	run_parse(*state, false);
	run_parse(*state, true);
}

static void check_values(bool big)
{
	struct dbus_header h;
	struct build b;

	build_header(&b, big, CALL, DBUS_FLAG_NO_REPLY, 8, F_PATH F_INTERFACE
		     F_MEMBER F_ERROR F_SERIAL F_DESTINATION F_SENDER
		     "|8 y8 gg gya{sv} " F_FDS);
	assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX), 0);
	assert_int_equal(h.f.type, CALL);
	assert_int_equal(h.f.flags, DBUS_FLAG_NO_REPLY);
	assert_int_equal(h.f.serial, 0x01020304);
	assert_int_equal(h.f.body_len, 8);
	assert_int_equal(h.present, 0x3fe);
	assert_int_equal(h.reply_serial, 7);
	assert_int_equal(h.unix_fds, 2);
	assert_true(dbus_str_eq(h.path, "/a/b", 4));
	assert_true(dbus_str_eq(h.interface, "i.f", 3));
	assert_true(dbus_str_eq(h.member, "Member", 6));
	assert_true(dbus_str_eq(h.error_name, "e.n", 3));
	assert_true(dbus_str_eq(h.destination, ":1.5", 4));
	assert_true(dbus_str_eq(h.sender, ":1.9", 4));
	assert_true(dbus_str_eq(h.signature, "ya{sv}", 6));
}

static void test_values(void **state)
{
	(void)state;
	check_values(false);
	check_values(true);
}

/* Every byte of the padding behind the fields must be zero. */
static void test_padding(void **state)
{
	struct dbus_header h;
	struct build b;
	size_t i, end;

	(void)state;
	build_header(&b, false, CALL, 0, 0, C_MIN "|8 y6 gs s:1.1 |8 y255 gy "
		     "y1");
	end = 16 + b.buf[12];
	assert_int_equal(b.len - end, 3);
	assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX), 0);
	for (i = end; i < b.len; i++) {
		b.buf[i] = 1;
		assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX),
				 -EBADMSG);
		b.buf[i] = 0;
	}
}

/* What was there before a stamp's padding must not leak. */
static void test_stamp_clean(void **state)
{
	u8 a[256], c[256];
	struct dbus_header h;
	struct build b;
	s64 len;

	(void)state;
	build_header(&b, true, CALL, 0, 8, C_MIN F_SIGNATURE);
	assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX), 0);
	memset(a, 0xff, sizeof(a));
	memset(c, 0x55, sizeof(c));
	len = dbus_header_stamp(&h, ":1.1", 4, a, sizeof(a));
	assert_true(len > 0);
	assert_true(dbus_header_stamp(&h, ":1.1", 4, c, sizeof(c)) == len);
	assert_memory_equal(a, c, (size_t)len);
	assert_int_equal(a[len], 0xff);
}

static void test_stamp_drops_unknown(void **state)
{
	struct dbus_header h;
	struct build b, want;
	u8 out[256];
	s64 len;

	(void)state;
	build_header(&b, true, CALL, 0x40, 0, "|8 y99 gs shidden " F_MEMBER
		     F_SENDER "|8 y98 gu u1 " F_PATH);
	build_header(&want, true, CALL, 0x40, 0, C_MIN "|8 y7 gs s:1.77 ");
	assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX), 0);
	len = dbus_header_stamp(&h, ":1.77", 5, out, sizeof(out));
	assert_int_equal(len, want.len);
	assert_memory_equal(out, want.buf, want.len);
}

/* A stamp that makes a message longer than it may be. */
static void test_stamp_too_long(void **state)
{
	struct dbus_header h;
	struct build b;
	u32 body;

	(void)state;
	build_header(&b, true, CALL, 0, 0, C_MIN F_SIGNATURE);
	body = MAX - (u32)b.len;
	build_header(&b, true, CALL, 0, body, C_MIN F_SIGNATURE);
	assert_int_equal(dbus_header_parse(&h, b.buf, b.len, MAX), 0);
	assert_true(dbus_header_stamp(&h, ":1.1", 4, NULL, 0) == -EMSGSIZE);
	h.f.body_len -= 16;
	assert_true(dbus_header_stamp(&h, ":1.1", 4, NULL, 0) > 0);
	assert_true(dbus_header_stamp(&h, ":1.1", 256, NULL, 0) == -EMSGSIZE);
}

/* A path of megabytes is legal: it has no limit but the message's. */
static void test_long_path(void **state)
{
	static const u32 size = 8U << 20;
	struct dbus_header h;
	struct build b;
	u32 fields;
	u8 *buf;

	(void)state;
	build_header(&b, true, CALL, 0, 0, F_MEMBER "|8 y1 go s/");
	fields = b.buf[15];
	build_poke(&b, 12, fields + size, 4);
	build_poke(&b, 16 + fields - 6, 1 + size, 4);
	buf = calloc(1, b.len + size);
	assert_non_null(buf);
	memcpy(buf, b.buf, b.len);
	memset(buf + 16 + fields - 1, 'p', size);
	assert_int_equal(dbus_header_parse(&h, buf, b.len + size, MAX), 0);
	assert_int_equal(h.path.len, 1 + size);
	assert_true(dbus_header_stamp(&h, ":1.1", 4, NULL, 0) > size);
	free(buf);
}

struct route {
	const char *name;
	u8 type;
	const char *destination;
	enum dbus_route route;
	u64 addr;
};

static const struct route routes[] = {
	{ "route: call to driver", CALL, DBUS_DRIVER_NAME, DBUS_ROUTE_MASTER },
	{ "route: signal to driver", SIGNAL, DBUS_DRIVER_NAME,
	  DBUS_ROUTE_MASTER },
	{ "route: reply to driver", RETURN, DBUS_DRIVER_NAME,
	  DBUS_ROUTE_MASTER },
	{ "route: call to nobody", CALL, NULL, DBUS_ROUTE_MASTER },
	{ "route: reply to nobody", RETURN, NULL, DBUS_ROUTE_IGNORE },
	{ "route: error to nobody", ERROR, NULL, DBUS_ROUTE_IGNORE },
	{ "route: signal to nobody", SIGNAL, NULL, DBUS_ROUTE_BROADCAST },
	{ "route: call to unique", CALL, ":1.5", DBUS_ROUTE_UNIQUE, 5 },
	{ "route: signal to unique", SIGNAL, ":1.18446744073709551615",
	  DBUS_ROUTE_UNIQUE, ~(u64)0 },
	{ "route: reply to unique", RETURN, ":1.7", DBUS_ROUTE_UNIQUE, 7 },
	{ "route: error to unique", ERROR, ":1.7", DBUS_ROUTE_UNIQUE, 7 },
	{ "route: not ours", CALL, ":2.5", DBUS_ROUTE_NAME },
	{ "route: not ours, leading zero", CALL, ":1.05", DBUS_ROUTE_NAME },
	{ "route: not ours, zero", CALL, ":1.0", DBUS_ROUTE_NAME },
	{ "route: name", CALL, "a.b", DBUS_ROUTE_NAME },
	{ "route: like the driver's", CALL, DBUS_DRIVER_NAME "2",
	  DBUS_ROUTE_NAME },
	{ "route: signal to name", SIGNAL, "a.b", DBUS_ROUTE_NAME },
	{ "route: type 5", 5, NULL, DBUS_ROUTE_IGNORE },
	{ "route: type 5 to driver", 5, DBUS_DRIVER_NAME, DBUS_ROUTE_IGNORE },
	{ "route: type 255 to name", 255, "a.b", DBUS_ROUTE_IGNORE },
};

static void test_route(void **state)
{
	const struct route *t = *state;
	struct dbus_header h = { .f.type = t->type };
	u64 addr = 0;

	if (t->destination) {
		h.destination.s = t->destination;
		h.destination.len = (u32)strlen(t->destination);
	}
	assert_int_equal(dbus_header_route(&h, &addr), t->route);
	assert_true(addr == t->addr);
}

int main(void)
{
	ADD_TABLE(frames, test_frame);
	ADD_TABLE(parses, test_parse);
	ADD_TEST(test_values);
	ADD_TEST(test_padding);
	ADD_TEST(test_stamp_clean);
	ADD_TEST(test_stamp_drops_unknown);
	ADD_TEST(test_stamp_too_long);
	ADD_TEST(test_long_path);
	ADD_TABLE(routes, test_route);
	return run_tables("header");
}
