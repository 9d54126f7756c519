// SPDX-License-Identifier: LGPL-2.1-or-later
/* Errors that the bus writes are messages that the bus would accept. */
#include "core/dbus_error.h"
#include "core/dbus_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct dbus_str str(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

static void assert_str(struct dbus_str got, const char *want)
{
	assert_non_null(got.s);
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.s, want, got.len);
}

/* Texts of all lengths, so that everything is padded in every way. */
static void written_as_it_is_read(void **state)
{
	static const char long_name[] = "org.freedesktop.DBus.Error.NoReply";
	char text[64], name[sizeof(long_name)], buf[512];
	struct dbus_header h;
	struct wire w;
	size_t i;

	for (i = 0; i < sizeof(text); i++) {
		struct dbus_error e;
		s64 len;

		memset(text, 'x', sizeof(text));
		text[i] = 0;
		snprintf(name, sizeof(name), "%.*s", (int)(8 + i % 24),
			 long_name);
		e = (struct dbus_error){
			str(name), str(":1.123456789"), str(text), 7, 1000 + i,
		};
		/* No length ends in a dot, or the name would be none. */
		if (name[strlen(name) - 1] == '.')
			continue;
		len = dbus_error_write(&e, buf, sizeof(buf));
		assert_int_equal(dbus_error_write(&e, NULL, 0), len);
		assert_int_equal(dbus_error_write(&e, buf, (size_t)len), len);
		assert_int_equal(dbus_error_write(&e, buf, (size_t)len - 1),
				 -ENOSPC);
		assert_int_equal(dbus_error_write(&e, buf, sizeof(buf)), len);
		assert_int_equal(dbus_frame_parse(&h.f, buf, DBUS_MAX_MESSAGE),
				 0);
		assert_int_equal(h.f.total_len, len);
		assert_int_equal(dbus_header_parse(&h, buf, h.f.header_len,
						   DBUS_MAX_MESSAGE), 0);
		assert_int_equal(h.f.type, DBUS_TYPE_ERROR);
		assert_int_equal(h.f.flags, DBUS_FLAG_NO_REPLY);
		assert_int_equal(h.f.serial, 7);
		assert_int_equal(h.reply_serial, 1000 + i);
		assert_str(h.error_name, name);
		assert_str(h.destination, ":1.123456789");
		assert_str(h.sender, DBUS_DRIVER_NAME);
		assert_str(h.signature, "s");
		wire_init(&w, buf + h.f.header_len, h.f.body_len, false);
		assert_str(wire_str(&w), text);
		assert_int_equal(wire_error(&w), 0);
		assert_int_equal(w.pos, h.f.body_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_as_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
