// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the builder writes is what core/ reads. */
#include "unit.h"

#include "daemon/message.h"

static void parse(struct msg *m, struct dbus_header *h, struct wire *body)
{
	struct dbus_frame f;

	assert_int_equal(msg_finish(m), 0);
	assert_int_equal(dbus_frame_parse(&f, m->data, DBUS_MAX_MESSAGE), 0);
	assert_int_equal(f.total_len, m->len);
	assert_int_equal(dbus_header_parse(h, m->data, f.header_len,
					   DBUS_MAX_MESSAGE), 0);
	wire_init(body, m->data + f.header_len, f.body_len, false);
	wire_skip(body, h->signature.s, h->signature.len);
	assert_int_equal(wire_error(body), 0);
	assert_int_equal(body->pos, body->len);
	wire_init(body, m->data + f.header_len, f.body_len, false);
}

static bool is(struct dbus_str s, const char *want)
{
	return dbus_str_eq(s, want, strlen(want));
}

static void signals(void **state)
{
	struct msg_to to = { .dest = ":1.7", .serial = 5 };
	struct dbus_header h;
	struct wire body;
	struct msg m;

	msg_signal(&m, &to, "/p", "a.b", "Member", "s");
	msg_str(&m, "x");
	parse(&m, &h, &body);
	assert_int_equal(h.f.type, DBUS_TYPE_SIGNAL);
	assert_int_equal(h.f.serial, 5);
	assert_true(is(h.destination, ":1.7") && is(h.path, "/p") &&
		    is(h.interface, "a.b") && is(h.member, "Member") &&
		    is(h.sender, DBUS_DRIVER_NAME));
	assert_true(is(wire_str(&body), "x"));
	/* The largest signal needs no memory. */
	assert_ptr_equal(m.data, m.room);
	msg_done(&m);
}

static void errors(void **state)
{
	struct msg_to to = { .dest = ":1.7", .serial = 5, .reply_serial = 3 };
	struct dbus_header h;
	struct wire body;
	struct msg m;

	msg_error(&m, &to, "a.b.Error", "why");
	parse(&m, &h, &body);
	assert_int_equal(h.f.type, DBUS_TYPE_ERROR);
	assert_int_equal(h.reply_serial, 3);
	assert_true(is(h.error_name, "a.b.Error"));
	assert_true(is(wire_str(&body), "why"));
	msg_done(&m);
}

static void containers(void **state)
{
	struct msg_to to = { .dest = ":1.7", .serial = 5, .reply_serial = 3 };
	struct msg_array outer, inner;
	struct dbus_header h;
	struct wire body;
	struct msg m;
	int i;

	msg_reply(&m, &to, "a(ta{sv})");
	outer = msg_array_begin(&m, 8);
	for (i = 0; i < 1000; i++) {
		msg_struct(&m);
		msg_u64(&m, (uint64_t)i << 32);
		inner = msg_array_begin(&m, 8);
		msg_entry_str(&m, "a", "text");
		msg_entry_u32(&m, "bc", 7);
		msg_entry_u64(&m, "d", 8);
		msg_entry_bytes(&m, "e", "\1\2\3", 3);
		msg_array_end(&m, inner);
	}
	msg_array_end(&m, outer);
	parse(&m, &h, &body);
	assert_true(m.data != m.room);
	msg_done(&m);
}

static void empty(void **state)
{
	struct msg_to to = { .dest = ":1.7", .serial = 5, .reply_serial = 3,
			     .n_fds = 1 };
	struct dbus_header h;
	struct wire body;
	struct msg_array a;
	struct msg m;

	msg_reply(&m, &to, "");
	parse(&m, &h, &body);
	assert_int_equal(h.f.body_len, 0);
	assert_int_equal(h.unix_fds, 1);
	msg_done(&m);
	/* Padding to the first element, even if there is none. */
	msg_reply(&m, &to, "a{sv}");
	a = msg_array_begin(&m, 8);
	msg_array_end(&m, a);
	parse(&m, &h, &body);
	assert_int_equal(h.f.body_len, 8);
	msg_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals),
		cmocka_unit_test(errors),
		cmocka_unit_test(containers),
		cmocka_unit_test(empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
