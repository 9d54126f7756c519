// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/sasl.h"
#include "daemon/sha1.h"

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
	s->may_pass_fds = true;
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
	assert_int_equal(s->used, SASL_ANONYMOUS);
	free(s);
}

/* ---- DBUS_COOKIE_SHA1 ---- */

#define SECRET "0123456789abcdef"

static int a_cookie(struct sasl_cookie *c)
{
	c->id = 7;
	strcpy(c->secret, SECRET);
	return 0;
}

static int no_cookie(struct sasl_cookie *c)
{
	return -ENOENT;
}

static struct sasl *new_cookie(void)
{
	struct sasl *s = new_sasl();

	s->mechanisms = SASL_COOKIE;
	s->uid = (uid_t)-1;
	s->owner = 1000;
	s->owner_name = "me";
	s->cookie = a_cookie;
	return s;
}

/* Says @line, and returns what is answered. */
static const char *say(struct sasl *s, const char *line)
{
	size_t used;

	s->out_len = 0;
	if (s->state == SASL_NUL)
		assert_int_equal(sasl_feed(s, "", 1, &used), 0);
	assert_true(sasl_feed(s, line, strlen(line), &used) >= 0);
	s->out[s->out_len] = 0;
	return s->out;
}

static void to_hex(const char *s, char *hex)
{
	for (*hex = 0; *s; s++, hex += 2)
		sprintf(hex, "%02x", (unsigned char)*s);
}

/* The server's words without "DATA " and the hexadecimal. */
static void from_data(const char *answer, char *text)
{
	unsigned int c;

	assert_memory_equal(answer, "DATA ", 5);
	for (answer += 5; sscanf(answer, "%02x", &c) == 1; answer += 2)
		*text++ = (char)c;
	*text = 0;
}

static void answer_hash(const char *server, const char *secret, char *line)
{
	char text[256], plain[128], hex[512];
	uint8_t digest[SHA1_LEN];
	size_t i, n;

	snprintf(text, sizeof(text), "%s:abcd:%s", server, secret);
	sha1(text, strlen(text), digest);
	n = (size_t)sprintf(plain, "abcd ");
	for (i = 0; i < SHA1_LEN; i++)
		n += (size_t)sprintf(plain + n, "%02x", digest[i]);
	to_hex(plain, hex);
	sprintf(line, "DATA %s" END, hex);
}

static void who_knows_the_cookie_comes_in(void **state)
{
	static const char *const hello[] = {
		"AUTH DBUS_COOKIE_SHA1 31303030" END,	/* 1000 */
		"AUTH DBUS_COOKIE_SHA1 6d65" END,	/* me */
	};
	char text[256], context[64], server[64], line[1024];
	unsigned int id;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct sasl *s = new_cookie();

		from_data(say(s, hello[i]), text);
		assert_int_equal(sscanf(text, "%63s %u %63s", context, &id,
					server), 3);
		assert_string_equal(context, "org_freedesktop_general");
		assert_int_equal(id, 7);
		assert_int_equal(strlen(server), 32);
		answer_hash(server, SECRET, line);
		assert_string_equal(say(s, line), OK);
		say(s, "BEGIN" END);
		assert_int_equal(s->state, SASL_DONE);
		assert_int_equal(s->used, SASL_COOKIE);
		free(s);
	}
}

#define REJECTED_COOKIE "REJECTED DBUS_COOKIE_SHA1" END

static void who_does_not_does_not(void **state)
{
	char text[256], server[64], line[1024], first[1024];
	struct sasl *s = new_cookie();

	from_data(say(s, "AUTH DBUS_COOKIE_SHA1 31303030" END), text);
	sscanf(text, "%*s %*u %63s", server);
	answer_hash(server, "0123456789abcdee", line);
	assert_string_equal(say(s, line), REJECTED_COOKIE);
	/* What was right for one challenge is not for the next. */
	answer_hash(server, SECRET, first);
	from_data(say(s, "AUTH DBUS_COOKIE_SHA1 31303030" END), text);
	assert_string_equal(say(s, first), REJECTED_COOKIE);
	say(s, "AUTH DBUS_COOKIE_SHA1 31303030" END);
	assert_string_equal(say(s, "DATA 61" END), REJECTED_COOKIE);
	say(s, "AUTH DBUS_COOKIE_SHA1 31303030" END);
	assert_string_equal(say(s, "DATA 2020" END), REJECTED_COOKIE);
	free(s);
}

static void cookies_are_the_owner_s_alone(void **state)
{
	struct sasl *s = new_cookie();

	assert_string_equal(say(s, "AUTH DBUS_COOKIE_SHA1 30" END),
			    REJECTED_COOKIE);
	assert_string_equal(say(s, "AUTH DBUS_COOKIE_SHA1 6d" END),
			    REJECTED_COOKIE);
	assert_string_equal(say(s, "AUTH EXTERNAL 31303030" END),
			    REJECTED_COOKIE);
	assert_string_equal(say(s, "AUTH DBUS_COOKIE_SHA1" END), "DATA" END);
	s->cookie = no_cookie;
	assert_string_equal(say(s, "DATA 31303030" END), REJECTED_COOKIE);
	free(s);
}

static void no_fds_from_a_network(void **state)
{
	struct sasl *s = new_sasl();

	s->may_pass_fds = false;
	say(s, "AUTH EXTERNAL 31303030" END);
	assert_memory_equal(say(s, "NEGOTIATE_UNIX_FD" END), "ERROR ", 6);
	say(s, "BEGIN" END);
	assert_int_equal(s->state, SASL_DONE);
	assert_false(s->pass_fds);
	free(s);
}

/* FIPS 180 has two of these, and a million of the letter a. */
static void hashes(void **state)
{
	static const struct { const char *text, *hex; } rows[] = {
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	};
	char hex[2 * SHA1_LEN + 1], *a = malloc(1000000);
	uint8_t digest[SHA1_LEN];
	size_t i, j;

	assert_non_null(a);
	memset(a, 'a', 1000000);
	for (i = 0; i <= 3; i++) {
		sha1(i < 3 ? rows[i].text : a,
		     i < 3 ? strlen(rows[i].text) : 1000000, digest);
		for (j = 0; j < SHA1_LEN; j++)
			sprintf(hex + 2 * j, "%02x", digest[j]);
		assert_string_equal(hex, i < 3 ? rows[i].hex :
				    "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	}
	free(a);
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
		cmocka_unit_test(who_knows_the_cookie_comes_in),
		cmocka_unit_test(who_does_not_does_not),
		cmocka_unit_test(cookies_are_the_owner_s_alone),
		cmocka_unit_test(no_fds_from_a_network),
		cmocka_unit_test(hashes),
		cmocka_unit_test(limits),
		cmocka_unit_test(full_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
