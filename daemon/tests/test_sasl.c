// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/sasl.h"

#define GUID "0123456789abcdef0123456789abcdef"
#define OK "OK " GUID "\r\n"
#define REJECTED "REJECTED EXTERNAL\r\n"
#define END "\r\n"

struct row {
	const char *in;		/* without the NUL byte in front */
	const char *out;
	int result;
	size_t left;		/* bytes behind BEGIN */
	bool fds;
};

static const struct row rows[] = {
	{ "", "", 0 },
	{ "AUTH", "", 0 },
	{ "AUTH" END, REJECTED, 0 },
	{ "AUTH EXTERNAL 31303030" END, OK, 0 },
	{ "AUTH EXTERNAL 31303030" END "BEGIN" END, OK, 1 },
	{ "AUTH EXTERNAL 31303030" END "BEGIN" END "l\1\0", OK, 1, 2 },
	{ "AUTH EXTERNAL 31303030" END "BEGIN" END "BEGIN" END, OK, 1, 7 },
	{ "AUTH EXTERNAL 31303030" END "NEGOTIATE_UNIX_FD" END "BEGIN" END,
	  OK "AGREE_UNIX_FD" END, 1, 0, true },
	/* As sd-bus does it. */
	{ "AUTH EXTERNAL" END "DATA" END "NEGOTIATE_UNIX_FD" END "BEGIN" END,
	  "DATA" END OK "AGREE_UNIX_FD" END, 1, 0, true },
	/* Descriptors have to be agreed upon again. */
	{ "AUTH EXTERNAL 31303030" END "NEGOTIATE_UNIX_FD" END "CANCEL" END
	  "AUTH EXTERNAL 31303030" END "BEGIN" END,
	  OK "AGREE_UNIX_FD" END REJECTED OK, 1, 0, false },
	{ "AUTH EXTERNAL 30" END, REJECTED, 0 },
	{ "AUTH EXTERNAL 3130303000" END, REJECTED, 0 },
	{ "AUTH EXTERNAL 313" END, "ERROR Invalid hex encoding" END, 0 },
	{ "AUTH EXTERNAL 3g" END, "ERROR Invalid hex encoding" END, 0 },
	{ "AUTH ANONYMOUS" END, REJECTED, 0 },
	{ "auth EXTERNAL" END, "ERROR Unknown command" END, 0 },
	{ END, "ERROR Unknown command" END, 0 },
	/* A line ends in both, and the rest belongs to its words. */
	{ "AUTH EXTERNAL\n" END, REJECTED, 0 },
	{ "BEGIN" END, "", -EPROTO },
	{ "AUTH EXTERNAL" END "BEGIN" END, "DATA" END, -EPROTO },
	{ "AUTH" END "AUTH" END "AUTH" END "AUTH" END "AUTH" END "AUTH" END
	  "AUTH" END,
	  REJECTED REJECTED REJECTED REJECTED REJECTED REJECTED, -EPROTO },
};

static struct sasl *new_sasl(void)
{
	struct sasl *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->guid = GUID;
	s->uid = 1000;
	s->mechanisms = SASL_EXTERNAL;
	return s;
}

/* Feeds "\0" and @in, @piece bytes at a time. Returns the last result and in
 * *@left how much was not looked at. */
static int feed(struct sasl *s, const char *in, size_t len, size_t piece,
		size_t *left)
{
	size_t used;
	int result = sasl_feed(s, "", 1, &used);

	while (!result && len) {
		size_t n = len < piece ? len : piece;

		result = sasl_feed(s, in, n, &used);
		assert_true(used <= n);
		in += used;
		len -= used;
	}
	*left = len;
	return result;
}

static void check_row(const struct row *r, size_t piece)
{
	struct sasl *s = new_sasl();
	size_t left;

	assert_int_equal(feed(s, r->in, strlen(r->in), piece, &left),
			 r->result);
	if (r->result >= 0) {
		assert_int_equal(left, r->left);
		assert_int_equal(s->out_len, strlen(r->out));
		assert_memory_equal(s->out, r->out, s->out_len);
		assert_int_equal(s->pass_fds, r->fds);
	}
	free(s);
}

static void conversations(void **state)
{
	size_t i, piece;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (piece = 1; piece <= 1000; piece = piece * 3 + 1)
			check_row(&rows[i], piece);
}

static void first_byte(void **state)
{
	struct sasl *s = new_sasl();
	size_t used;

	assert_int_equal(sasl_feed(s, "AUTH", 4, &used), -EPROTO);
	free(s);
}

static void anonymous(void **state)
{
	static const char in[] = "AUTH ANONYMOUS 6869" END "BEGIN" END;
	struct sasl *s = new_sasl();
	size_t left;

	s->mechanisms |= SASL_ANONYMOUS;
	s->mechanisms &= ~SASL_EXTERNAL;
	assert_int_equal(feed(s, in, sizeof(in) - 1, 100, &left), 1);
	assert_true(s->anonymous);
	free(s);
}

static void limits(void **state)
{
	static char junk[SASL_MAX_TOTAL + 1];
	struct sasl *s = new_sasl();
	size_t left;

	memset(junk, 'A', sizeof(junk));
	assert_int_equal(feed(s, junk, SASL_MAX_LINE, 4096, &left), 0);
	assert_int_equal(feed(s, junk, 1, 1, &left), -EPROTO);
	free(s);
	s = new_sasl();
	memset(junk, '\n', sizeof(junk));
	for (left = 0; left + 1 < sizeof(junk); left += 1024)
		memcpy(junk + left, "A\r\n", 3);
	/* The answers are taken away meanwhile. */
	assert_int_equal(feed(s, junk, sizeof(junk), 4096, &left), -EPROTO);
	free(s);
}

static void full_answers(void **state)
{
	static char junk[8192];
	struct sasl *s = new_sasl();
	size_t i, left;

	for (i = 0; i + 1 < sizeof(junk); i += 2)
		memcpy(junk + i, "\r\n", 2);
	assert_int_equal(feed(s, junk, sizeof(junk), sizeof(junk), &left),
			 -ENOBUFS);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations),
		cmocka_unit_test(first_byte),
		cmocka_unit_test(anonymous),
		cmocka_unit_test(limits),
		cmocka_unit_test(full_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
