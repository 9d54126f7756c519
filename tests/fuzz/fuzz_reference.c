/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a message. Core, libdbus and GLib read it; who accepts it finds the
 * same in it, and all accept it or none, but for what is listed below (and, in
 * words, in docs/testing.md).
 */
#include <gio/gio.h>

#include "message.h"

/* Last: its macros hide constants of ours that have the same names. */
#include <dbus/dbus.h>

#define SENDER ":1.4"

#define FAIL(...) \
	do { \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		abort(); \
	} while (0)

/* ---- what they make of it ---- */

static bool same_str(struct dbus_str ours, const char *theirs)
{
	return !ours.s == !theirs &&
	       (!theirs || dbus_str_eq(ours, theirs, strlen(theirs)));
}

/* No signature and an empty one are not told apart. */
static bool same_sig(struct dbus_str ours, const char *theirs)
{
	return theirs && *theirs ? same_str(ours, theirs) : !ours.len;
}

static void compare_dbus(const struct dbus_header *h, DBusMessage *m)
{
	CHECK(h->f.type == dbus_message_get_type(m));
	CHECK(h->f.serial == dbus_message_get_serial(m));
	CHECK(h->reply_serial == dbus_message_get_reply_serial(m));
	CHECK(!(h->f.flags & DBUS_FLAG_NO_REPLY) ==
	      !dbus_message_get_no_reply(m));
	CHECK(!(h->f.flags & DBUS_FLAG_NO_AUTO_START) ==
	      !!dbus_message_get_auto_start(m));
	CHECK(same_str(h->path, dbus_message_get_path(m)));
	CHECK(same_str(h->interface, dbus_message_get_interface(m)));
	CHECK(same_str(h->member, dbus_message_get_member(m)));
	CHECK(same_str(h->error_name, dbus_message_get_error_name(m)));
	CHECK(same_str(h->destination, dbus_message_get_destination(m)));
	CHECK(same_str(h->sender, dbus_message_get_sender(m)));
	CHECK(same_sig(h->signature, dbus_message_get_signature(m)));
}

static void compare_glib(const struct dbus_header *h, GDBusMessage *m)
{
	CHECK(h->f.type == (u8)g_dbus_message_get_message_type(m));
	CHECK(h->f.flags == (u8)g_dbus_message_get_flags(m));
	CHECK(h->f.serial == g_dbus_message_get_serial(m));
	CHECK(h->f.big == (g_dbus_message_get_byte_order(m) == 'B'));
	CHECK(h->reply_serial == g_dbus_message_get_reply_serial(m));
	CHECK(h->unix_fds == g_dbus_message_get_num_unix_fds(m));
	CHECK(same_str(h->path, g_dbus_message_get_path(m)));
	CHECK(same_str(h->interface, g_dbus_message_get_interface(m)));
	CHECK(same_str(h->member, g_dbus_message_get_member(m)));
	CHECK(same_str(h->error_name, g_dbus_message_get_error_name(m)));
	CHECK(same_str(h->destination, g_dbus_message_get_destination(m)));
	CHECK(same_str(h->sender, g_dbus_message_get_sender(m)));
	CHECK(same_sig(h->signature, g_dbus_message_get_signature(m)));
}

/* ---- where they differ, as docs/testing.md tells ---- */

/* Fields that nobody knows yet are dropped, so what is in them is not looked
 * at. libdbus already knows one more than the specification. */
static bool has_unknown_field(const struct dbus_header *h, const u8 *data)
{
	struct wire w;
	u8 code;

	wire_init(&w, data, DBUS_FIXED_LEN + h->f.fields_len, h->f.big);
	w.pos = DBUS_FIXED_LEN;
	while (!wire_error(&w) && w.pos < w.len) {
		wire_align(&w, 8);
		code = wire_u8(&w);
		if (code >= DBUS_FIELD_MAX)
			return true;
		wire_jump(&w, "v", 1);
	}
	return false;
}

/* libdbus takes unique names of one element. */
static bool loose_name(const char *s)
{
	return s && *s == ':' && !dbus_unique_name_ok(s, strlen(s));
}

static bool may_refuse(const struct dbus_header *h, const u8 *data)
{
	/* There are none here. */
	return h->unix_fds || message_almost_local(h) ||
	       has_unknown_field(h, data);
}

static bool may_accept(DBusMessage *m)
{
	return loose_name(dbus_message_get_destination(m)) ||
	       loose_name(dbus_message_get_sender(m));
}

/*
 * What others get is the stamped copy: libdbus takes it, whatever unknown
 * fields the original had, and finds the same in it.
 */
static void check_stamped(struct dbus_header *h, const u8 *data)
{
	s64 head = dbus_header_stamp(h, SENDER, strlen(SENDER), NULL, 0);
	size_t size = (size_t)head + h->f.body_len;
	DBusError why = DBUS_ERROR_INIT;
	DBusMessage *m;
	char *copy;

	CHECK(head > 0);
	copy = malloc(size);
	CHECK(copy);
	CHECK(dbus_header_stamp(h, SENDER, strlen(SENDER), copy, size) == head);
	memcpy(copy + head, data + h->f.header_len, h->f.body_len);
	m = dbus_message_demarshal(copy, (int)size, &why);
	if (!m)
		FAIL("libdbus refuses the stamped copy: %s", why.message);
	h->sender = (struct dbus_str){ SENDER, (u32)strlen(SENDER) };
	compare_dbus(h, m);
	dbus_message_unref(m);
	free(copy);
}

static void compare(const u8 *data, size_t size)
{
	DBusError dbus_why = DBUS_ERROR_INIT;
	GError *glib_why = NULL;
	struct dbus_header h;
	struct dbus_frame f;
	GDBusMessage *glib;
	DBusMessage *dbus;
	bool ours;

	if (dbus_frame_parse(&f, data, DBUS_MAX_MESSAGE) ||
	    f.total_len != size)
		return;
	ours = message_ok(&h, data, size);
	dbus = dbus_message_demarshal((const char *)data, (int)size, &dbus_why);
	glib = g_dbus_message_new_from_blob((guchar *)data, size,
		G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &glib_why);
	if (ours && !dbus && !may_refuse(&h, data))
		FAIL("only libdbus refuses: %s", dbus_why.message);
	if (!ours && dbus && !may_accept(dbus))
		FAIL("only libdbus accepts");
	/* GLib leaves most checks to others. */
	if (ours && !glib && !may_refuse(&h, data))
		FAIL("only GLib refuses: %s", glib_why->message);
	if (ours && dbus)
		compare_dbus(&h, dbus);
	if (ours && glib)
		compare_glib(&h, glib);
	if (ours && !h.unix_fds && !message_almost_local(&h))
		check_stamped(&h, data);
	g_clear_error(&glib_why);
	g_clear_object(&glib);
	dbus_error_free(&dbus_why);
	if (dbus)
		dbus_message_unref(dbus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 *copy;

	if (size < DBUS_FIXED_LEN)
		return 0;
	copy = message_copy(data, size);
	compare(copy, size);
	free(copy);
	return 0;
}
