/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a byte (its lowest bit is the byte order), a byte with the length
 * of a signature, the signature, a value. The walk is compared with a
 * recursive one, and with what wire_jump() finds.
 */
#include "core/names.h"
#include "core/wire.h"

#include "fuzz.h"

/* An independent check of UTF-8: decode, encode, compare. */
static bool slow_utf8(const u8 *s, size_t len)
{
	while (len) {
		u32 c = *s;
		size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4, i;
		static const u32 least[] = { 0, 1, 0x80, 0x800, 0x10000 };

		if ((c >= 0x80 && c < 0xc0) || c >= 0xf8 || n > len)
			return false;
		if (n > 1)
			c &= 0x7fU >> n;
		for (i = 1; i < n; i++) {
			if (s[i] >> 6 != 2)
				return false;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			return false;
		s += n;
		len -= n;
	}
	return true;
}

static void slow_value(struct wire *w, const char *sig, size_t len,
		       unsigned int depth);

static void bad(struct wire *w)
{
	if (!w->err)
		w->err = -EBADMSG;
}

static void slow_array(struct wire *w, const char *sig, size_t len,
		       unsigned int depth)
{
	u32 bytes = wire_u32(w);
	size_t end;

	wire_align(w, *sig == 'y' || *sig == 'g' || *sig == 'v' ? 1 :
		   *sig == 'n' || *sig == 'q' ? 2 :
		   strchr("xtd({", *sig) ? 8 : 4);
	if (bytes > DBUS_MAX_ARRAY || bytes > w->len - w->pos)
		bad(w);
	end = w->pos + bytes;
	/* Arrays of numbers are no level of their own. */
	depth += !strchr("ynqiuhxtd", *sig);
	while (!w->err && w->pos < end)
		slow_value(w, sig, len, depth);
	if (w->pos != end)
		bad(w);
}

static void slow_struct(struct wire *w, const char *sig, size_t len,
			unsigned int depth)
{
	wire_align(w, 8);
	while (len) {
		size_t n = dbus_signature_next(sig, len);

		slow_value(w, sig, n, depth + 1);
		sig += n;
		len -= n;
	}
}

static void slow_value(struct wire *w, const char *sig, size_t len,
		       unsigned int depth)
{
	struct dbus_str s;

	if (depth > 2 * DBUS_MAX_DEPTH)
		bad(w);
	if (w->err)
		return;
	switch (*sig) {
	case 'y':
		wire_u8(w);
		break;
	case 'n':
	case 'q':
		wire_u16(w);
		break;
	case 'b':
		if (wire_u32(w) > 1)
			bad(w);
		break;
	case 'i':
	case 'u':
	case 'h':
		wire_u32(w);
		break;
	case 'x':
	case 't':
	case 'd':
		wire_u64(w);
		break;
	case 's':
		wire_str(w);
		break;
	case 'o':
		s = wire_str(w);
		if (!w->err && !dbus_path_ok(s.s, s.len))
			bad(w);
		break;
	case 'g':
		wire_sig(w);
		break;
	case 'v':
		s = wire_sig(w);
		if (!s.len || dbus_signature_next(s.s, s.len) != s.len)
			bad(w);
		else
			slow_value(w, s.s, s.len, depth + 1);
		break;
	case 'a':
		slow_array(w, sig + 1, len - 1, depth);
		break;
	default:
		slow_struct(w, sig + 1, len - 2, depth);
	}
}

static void compare(const char *sig, size_t len, const u8 *data, size_t size,
		    bool big)
{
	struct wire fast, jump, slow;

	wire_init(&fast, data, size, big);
	jump = fast;
	slow = fast;
	wire_skip(&fast, sig, len);
	wire_jump(&jump, sig, len);
	slow_value(&slow, sig, len, 0);
	CHECK(fast.pos <= size && jump.pos <= size);
	CHECK(!wire_error(&fast) == !wire_error(&slow));
	if (wire_error(&fast))
		return;
	CHECK(fast.pos == slow.pos);
	CHECK(!wire_error(&jump) && jump.pos == fast.pos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, n;
	const char *sig;
	bool big;

	CHECK(dbus_utf8_ok((const char *)data, size) ==
	      (slow_utf8(data, size) && !(size && memchr(data, 0, size))));
	if (size < 2 || data[1] > size - 2)
		return 0;
	big = data[0] & 1;
	len = data[1];
	sig = (const char *)data + 2;
	data += 2 + len;
	size -= 2 + len;
	CHECK(dbus_signature_next(sig, len) <= len);
	if (!dbus_signature_ok(sig, len))
		return 0;
	for (; len; len -= n, sig += n) {
		n = dbus_signature_next(sig, len);
		CHECK(n && n <= len && dbus_signature_ok(sig, n));
		compare(sig, n, data, size, big);
	}
	return 0;
}
