// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is said of a message that may not go: the reference's words, cut to
 * valid UTF-8 where they are too many. */
#include "core/dbus_denied.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct dbus_str str(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

static void assert_text(const struct dbus_denied *d, const char *want)
{
	char text[DBUS_DENIED_MAX];

	assert_int_equal(dbus_denied_write(d, text), strlen(want));
	assert_string_equal(text, want);
}

static void in_the_words_of_the_reference(void **state)
{
	struct dbus_header h = {
		.f.type = DBUS_TYPE_CALL,
		.interface = str("com.example.I"),
		.member = str("M"),
		.destination = str("com.example.N"),
	};
	struct dbus_denied d = {
		.what = str("Rejected send message"),
		.counts = true,
		.matched = 4294967295U,
		.h = &h,
		.sender = str(":1.7"),
		.from = str("uid=1"),
		.at = str("uid=2"),
		.requested = true,
	};

	assert_text(&d, "Rejected send message, 4294967295 matched rules; "
			"type=\"method_call\", sender=\":1.7\" (uid=1) "
			"interface=\"com.example.I\" member=\"M\" "
			"error name=\"(unset)\" requested_reply=\"1\" "
			"destination=\"com.example.N\" (uid=2)");
	memset(&h, 0, sizeof(h));
	h.f.type = 77;
	d = (struct dbus_denied){
		.what = str("No"), .h = &h, .sender = str(":1.8"),
		.from = str("uid=3"),
	};
	assert_text(&d, "No; type=\"invalid\", sender=\":1.8\" (uid=3) "
			"interface=\"(unset)\" member=\"(unset)\" "
			"error name=\"(unset)\" requested_reply=\"0\" "
			"destination=\"org.freedesktop.DBus\" (bus)");
	d.counts = true;
	d.matched = 0;
	assert_text(&d, "No, 0 matched rules; type=\"invalid\", "
			"sender=\":1.8\" (uid=3) interface=\"(unset)\" "
			"member=\"(unset)\" error name=\"(unset)\" "
			"requested_reply=\"0\" "
			"destination=\"org.freedesktop.DBus\" (bus)");
}

/* Characters of each length, cut at each of their bytes. */
static void cut_between_characters(void **state)
{
	static const char *const chars[] = {
		"x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x9a\x8c",
	};
	struct dbus_header h = { .f.type = DBUS_TYPE_SIGNAL };
	char about[2 * DBUS_DENIED_MAX + 8], text[DBUS_DENIED_MAX];
	size_t i, n, lead;
	u32 len;

	for (i = 0; i < 4; i++) {
		for (lead = 0; lead < 4; lead++) {
			struct dbus_denied d = { .h = &h, .from = { about } };

			memset(about, 'a', lead);
			for (n = lead; n < sizeof(about) - 4;
			     n += strlen(chars[i]))
				memcpy(about + n, chars[i], strlen(chars[i]));
			d.from.len = (u32)n;
			len = dbus_denied_write(&d, text);
			assert_in_range(len, DBUS_DENIED_MAX - 5,
					DBUS_DENIED_MAX - 1);
			assert_int_equal(text[len], 0);
			assert_true(dbus_utf8_ok(text, len));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_the_words_of_the_reference),
		cmocka_unit_test(cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
