// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/dbus_error.h"

#include "core/dbus_header.h"
#include "core/names.h"

/* Counts on when there is no room, so that the length is known at the end. */
struct out {
	u8 *data;
	size_t size, len;
};

static void put(struct out *o, u8 byte)
{
	if (o->len < o->size)
		o->data[o->len] = byte;
	o->len++;
}

static void put_u32(struct out *o, u32 v)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		put(o, (u8)(v >> 8 * i));
}

static void put_bytes(struct out *o, struct dbus_str s)
{
	u32 i;

	for (i = 0; i < s.len; i++)
		put(o, (u8)s.s[i]);
	put(o, 0);
}

static void put_str(struct out *o, struct dbus_str s)
{
	put_u32(o, s.len);
	put_bytes(o, s);
}

static void align(struct out *o, size_t n)
{
	while (o->len % n)
		put(o, 0);
}

/* The start of a header field: its code, and its type as a signature. */
static void put_field(struct out *o, u8 code, char type)
{
	align(o, 8);
	put(o, code);
	put(o, 1);
	put(o, (u8)type);
	put(o, 0);
}

static void put_fields(struct out *o, const struct dbus_error *e)
{
	static const struct dbus_str driver = {
		DBUS_DRIVER_NAME, sizeof(DBUS_DRIVER_NAME) - 1,
	};

	put_field(o, DBUS_FIELD_ERROR_NAME, 's');
	put_str(o, e->name);
	put_field(o, DBUS_FIELD_REPLY_SERIAL, 'u');
	put_u32(o, e->reply_serial);
	put_field(o, DBUS_FIELD_DESTINATION, 's');
	put_str(o, e->destination);
	put_field(o, DBUS_FIELD_SENDER, 's');
	put_str(o, driver);
	put_field(o, DBUS_FIELD_SIGNATURE, 'g');
	put(o, 1);
	put(o, 's');
	put(o, 0);
}

s64 dbus_error_write(const struct dbus_error *e, void *out, size_t size)
{
	struct out o = { out, out ? size : 0, DBUS_FIXED_LEN }, head;
	size_t fields;

	put_fields(&o, e);
	fields = o.len - DBUS_FIXED_LEN;
	align(&o, 8);
	put_str(&o, e->text);
	if (!out)
		return (s64)o.len;
	if (o.len > size)
		return -ENOSPC;
	head = (struct out){ out, size, 0 };
	put(&head, 'l');
	put(&head, DBUS_TYPE_ERROR);
	put(&head, DBUS_FLAG_NO_REPLY);
	put(&head, 1);
	put_u32(&head, 4 + e->text.len + 1);
	put_u32(&head, e->serial);
	put_u32(&head, (u32)fields);
	return (s64)o.len;
}
