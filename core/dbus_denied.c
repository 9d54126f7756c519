// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/dbus_denied.h"

#include "core/names.h"

struct text {
	char *out;
	u32 len;
	bool full;
};

static void put(struct text *t, const char *s, u32 len)
{
	u32 i;

	for (i = 0; i < len && !t->full; i++) {
		t->full = t->len == DBUS_DENIED_MAX - 1;
		if (!t->full)
			t->out[t->len++] = s[i];
	}
}

static void put_text(struct text *t, const char *s)
{
	u32 len = 0;

	while (s[len])
		len++;
	put(t, s, len);
}

static void put_str(struct text *t, struct dbus_str s, const char *otherwise)
{
	if (s.s)
		put(t, s.s, s.len);
	else
		put_text(t, otherwise);
}

static void put_number(struct text *t, u32 v)
{
	char digits[10];
	unsigned int i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put(t, digits + i, sizeof(digits) - i);
}

static const char *type_name(u8 type)
{
	static const char *const names[] = {
		[DBUS_TYPE_CALL] = "method_call",
		[DBUS_TYPE_RETURN] = "method_return",
		[DBUS_TYPE_ERROR] = "error",
		[DBUS_TYPE_SIGNAL] = "signal",
	};

	if (type < sizeof(names) / sizeof(names[0]) && names[type])
		return names[type];
	return "invalid";
}

/* A character that was cut in two is not valid UTF-8. */
static void drop_half_a_character(struct text *t)
{
	u32 n = t->len;

	while (n && (t->out[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && t->out[n - 1] & 0x80)
		t->len = n - 1;
}

u32 dbus_denied_write(const struct dbus_denied *d, char out[DBUS_DENIED_MAX])
{
	const struct dbus_header *h = d->h;
	struct text t = { .out = out };

	put_str(&t, d->what, "");
	if (d->counts) {
		put_text(&t, ", ");
		put_number(&t, d->matched);
		put_text(&t, " matched rules");
	}
	put_text(&t, "; type=\"");
	put_text(&t, type_name(h->f.type));
	put_text(&t, "\", sender=\"");
	put_str(&t, d->sender, "");
	put_text(&t, "\" (");
	put_str(&t, d->from, "");
	put_text(&t, ") interface=\"");
	put_str(&t, h->interface, "(unset)");
	put_text(&t, "\" member=\"");
	put_str(&t, h->member, "(unset)");
	put_text(&t, "\" error name=\"");
	put_str(&t, h->error_name, "(unset)");
	put_text(&t, "\" requested_reply=\"");
	put_text(&t, d->requested ? "1" : "0");
	put_text(&t, "\" destination=\"");
	put_str(&t, h->destination, DBUS_DRIVER_NAME);
	put_text(&t, "\" (");
	put_str(&t, d->at, "bus");
	put_text(&t, ")");
	if (t.full)
		drop_half_a_character(&t);
	out[t.len] = 0;
	return t.len;
}
