// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/note_format.h"

static struct rst_blob blob(const char *s)
{
	return (struct rst_blob){ s, strlen(s) };
}

/* A text with all sorts of records. */
static void write_text(struct rst_out *out)
{
	struct rst_bus bus = { .last_addr = 7, .saved = 1, .stats = blob("x") };
	struct rst_port port = { .addr = 3, .fd = 0, .in = blob("incomplete") };
	struct rst_rule rule = { 9, blob("type='signal'") };
	struct note_claim claim = { blob("a.b"), 5, (uint64_t)-2 };
	struct rst_out inner = { 0 };
	struct rst_note note = { .addr = 3, .cookie = NOTE(NOTE_CLAIM, 4) };

	rst_put(&inner, note_fields[NOTE_CLAIM], &claim);
	note.data = (struct rst_blob){ inner.data, inner.len };
	rst_begin(out);
	rst_record(out, RST_BUS, rst_fields[RST_BUS], &bus);
	rst_record(out, RST_PORT, rst_fields[RST_PORT], &port);
	rst_record(out, RST_RULE, rst_fields[RST_RULE], &rule);
	rst_record(out, RST_NOTE, rst_fields[RST_NOTE], &note);
	assert_int_equal(rst_finish(out, 1), 0);
	rst_out_done(&inner);
}

static int check(const void *data, size_t len)
{
	/* Valgrind and sanitizers see a byte too many. */
	void *copy = malloc(len ? len : 1);
	struct rst_in in;
	int err;

	memcpy(copy, data, len);
	err = restart_check(&in, copy, len);
	free(copy);
	return err;
}

static void written_and_read(void **state)
{
	struct rst_out out = { 0 };
	struct rst_in in;
	struct rst_rec rec;
	struct rst_note note;
	struct note_claim claim;

	write_text(&out);
	assert_int_equal(rst_open(&in, out.data, out.len), 0);
	assert_int_equal(in.head.n_fds, 1);
	while (rst_next(&in, &rec) > 0 && rec.type != RST_NOTE)
		;
	assert_int_equal(rec.type, RST_NOTE);
	assert_int_equal(rst_get(rst_fields[RST_NOTE], rec.data, rec.len,
				 &note), 0);
	assert_int_equal(NOTE_KIND(note.cookie), NOTE_CLAIM);
	assert_int_equal(NOTE_NUMBER(note.cookie), 4);
	assert_int_equal(rst_get(note_fields[NOTE_CLAIM], note.data.data,
				 note.data.len, &claim), 0);
	assert_int_equal(claim.name.len, 3);
	assert_memory_equal(claim.name.data, "a.b", 3);
	assert_int_equal((int64_t)claim.place, -2);
	assert_int_equal(rst_next(&in, &rec), 0);
	rst_out_done(&out);
}

static void cut_short(void **state)
{
	struct rst_out out = { 0 };
	size_t len;

	write_text(&out);
	assert_int_equal(check(out.data, out.len), 0);
	for (len = 0; len < out.len; len++)
		assert_int_not_equal(check(out.data, len), 0);
	/* With a length that fits it is still not whole. */
	for (len = sizeof(struct rst_head); len < out.len; len++) {
		((struct rst_head *)out.data)->len = len;
		assert_int_equal(check(out.data, len), -EBADMSG);
	}
	rst_out_done(&out);
}

/* No byte may lead it astray; many may be what they want. */
static void damaged(void **state)
{
	struct rst_out out = { 0 };
	size_t i;
	int bit;

	write_text(&out);
	for (i = 0; i < out.len; i++) {
		for (bit = 0; bit < 8; bit++) {
			out.data[i] ^= (uint8_t)(1 << bit);
			check(out.data, out.len);
			out.data[i] ^= (uint8_t)(1 << bit);
		}
		out.data[i] ^= 0xff;
		check(out.data, out.len);
		out.data[i] ^= 0xff;
	}
	assert_int_equal(check(out.data, out.len), 0);
	rst_out_done(&out);
}

static void versions(void **state)
{
	struct rst_out out = { 0 };
	struct rst_head *head;

	write_text(&out);
	head = (struct rst_head *)out.data;
	head->version.minor += 3;
	assert_int_equal(check(out.data, out.len), 0);
	head->version.major++;
	assert_int_equal(check(out.data, out.len), -EPROTO);
	head->version.major -= 2;
	assert_int_equal(check(out.data, out.len), -EPROTO);
	head->version.major++;
	head->magic[0] = 'B';
	assert_int_equal(check(out.data, out.len), -EBADMSG);
	rst_out_done(&out);
}

struct old {
	uint64_t a;
};

struct new {
	uint64_t a;
	uint32_t b;
	struct rst_blob c;
};

static const struct rst_field old_fields[] = {
	RST_FIELD(old, a, RST_U64), RST_FIELDS_END
};
static const struct rst_field new_fields[] = {
	RST_FIELD(new, a, RST_U64), RST_LATER(new, b, RST_U32),
	RST_LATER(new, c, RST_BLOB), RST_FIELDS_END
};

static void newer_fields(void **state)
{
	struct new n = { 5, 6, blob("seven") }, got = { 1, 1, blob("x") };
	struct old o = { 8 };
	struct rst_out out = { 0 };

	rst_put(&out, new_fields, &n);
	assert_int_equal(rst_get(old_fields, out.data, out.len, &o), 0);
	assert_int_equal(o.a, 5);
	/* A part of what is there is nothing. */
	assert_int_equal(rst_get(new_fields, out.data, out.len - 8, &got),
			 -EBADMSG);
	out.len = 0;
	rst_put(&out, old_fields, &o);
	assert_int_equal(rst_get(new_fields, out.data, out.len, &got), 0);
	assert_int_equal(got.a, 5);
	assert_int_equal(got.b, 0);
	assert_int_equal(got.c.len, 0);
	rst_out_done(&out);
}

static void unknown_records(void **state)
{
	struct rst_out out = { 0 };
	struct old o = { 1 };

	rst_begin(&out);
	rst_record(&out, RST_TYPES + 5, old_fields, &o);
	assert_int_equal(rst_finish(&out, 0), 0);
	assert_int_equal(check(out.data, out.len), -EBADMSG);
	rst_out_done(&out);
	rst_begin(&out);
	rst_record(&out, RST_OPTIONAL | (RST_TYPES + 5), old_fields, &o);
	assert_int_equal(rst_finish(&out, 0), 0);
	assert_int_equal(check(out.data, out.len), 0);
	rst_out_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(damaged),
		cmocka_unit_test(versions),
		cmocka_unit_test(newer_fields),
		cmocka_unit_test(unknown_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
