/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a byte of what the server offers, a byte of how the input is cut into
 * pieces, and what a client sends. However it comes, the answers are the same;
 * they are lines; and nobody gets in but by what was offered, after the last
 * word of the server about it was OK.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/sasl.h"

#include "fuzz.h"

#define GUID "0123456789abcdef0123456789abcdef"
#define OWNER_UID 1000
#define OTHER_UID 0

/* Bits of the first byte, above those of the mechanisms. */
#define MAY_PASS_FDS	0x08
#define IS_OWNER	0x10
#define NO_COOKIE	0x20

static bool no_cookie;

/* What is random in life is known to those who wrote the seeds. */
ssize_t getrandom(void *buf, size_t len, unsigned int flags)
{
	memset(buf, 0xa5, len);
	return (ssize_t)len;
}

static int cookie(struct sasl_cookie *c)
{
	if (no_cookie)
		return -EBUSY;
	c->id = 7;
	strcpy(c->secret, "5ec2e7");
	return 0;
}

struct run {
	struct sasl s;
	int result;
	size_t used, said;
	char *text;	/* all that the server said, with a NUL */
};

static void begin(struct run *r, unsigned int options)
{
	memset(r, 0, sizeof(*r));
	r->s.guid = GUID;
	r->s.uid = options & IS_OWNER ? OWNER_UID : OTHER_UID;
	r->s.mechanisms = options & SASL_ALL;
	r->s.may_pass_fds = options & MAY_PASS_FDS;
	r->s.owner = OWNER_UID;
	r->s.owner_name = "user";
	r->s.cookie = cookie;
	no_cookie = options & NO_COOKIE;
}

static void keep_answers(struct run *r)
{
	CHECK(r->s.out_len <= sizeof(r->s.out));
	r->text = realloc(r->text, r->said + r->s.out_len + 1);
	CHECK(r->text);
	memcpy(r->text + r->said, r->s.out, r->s.out_len);
	r->said += r->s.out_len;
	r->text[r->said] = 0;
	r->s.out_len = 0;
}

static void feed(struct run *r, const uint8_t *data, size_t len)
{
	/* What is behind a piece must not be read. */
	uint8_t *piece = malloc(len + !len);
	size_t used = SIZE_MAX;

	CHECK(piece);
	memcpy(piece, data, len);
	r->result = sasl_feed(&r->s, piece, len, &used);
	free(piece);
	CHECK(used <= len);
	CHECK(r->result || used == len);
	CHECK((r->result == 1) == (r->s.state == SASL_DONE));
	CHECK(r->result == 0 || r->result == 1 || r->result == -EPROTO ||
	      r->result == -ENOBUFS);
	r->used += used;
	keep_answers(r);
}

/* Sizes from 1 to 8, in an order that @how chooses. */
static void feed_pieces(struct run *r, const uint8_t *data, size_t len,
			unsigned int how)
{
	size_t at = 0;

	while (!r->result && at < len) {
		size_t n = 1 + (how & 7);

		how = how * 5 + 3;
		if (n > len - at)
			n = len - at;
		feed(r, data + at, n);
		at += n;
	}
}

static bool starts(const char *line, const char *word)
{
	return !strncmp(line, word, strlen(word));
}

/* Each line is one of the server's words; returns whether the last about
 * getting in was OK. */
static bool read_answers(const struct run *r)
{
	const char *line = r->text, *end;
	bool in = false;

	CHECK(strlen(r->text) == r->said);
	for (; *line; line = end + 2) {
		end = strstr(line, "\r\n");
		CHECK(end);
		if (starts(line, "OK " GUID "\r\n"))
			in = true;
		else if (starts(line, "REJECTED"))
			in = false;
		else
			CHECK(starts(line, "DATA") || starts(line, "ERROR ") ||
			      starts(line, "AGREE_UNIX_FD\r\n"));
	}
	return in;
}

static void check_result(const struct run *r, const uint8_t *data,
			 unsigned int options)
{
	bool in = read_answers(r);

	CHECK(!r->s.pass_fds || r->s.may_pass_fds);
	/* Who has no room for the OK is turned away. */
	CHECK(r->result < 0 || (r->s.state == SASL_BEGIN) <= in);
	if (r->result != 1)
		return;
	CHECK(in);
	CHECK(r->used >= 8 && !memcmp(data + r->used - 2, "\r\n", 2));
	CHECK(r->s.used && !(r->s.used & (r->s.used - 1)));
	CHECK(r->s.used & options);
	CHECK(r->s.used != SASL_COOKIE || !(options & NO_COOKIE));
	CHECK(!r->s.pass_fds || strstr(r->text, "AGREE_UNIX_FD"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, pieces;

	if (size < 3)
		return 0;
	begin(&whole, data[0]);
	feed(&whole, data + 2, size - 2);
	check_result(&whole, data + 2, data[0]);

	begin(&pieces, data[0]);
	feed_pieces(&pieces, data + 2, size - 2, data[1]);
	/* Answers that are sent at once do not fill the buffer. */
	CHECK(pieces.result != -ENOBUFS);
	check_result(&pieces, data + 2, data[0]);

	if (whole.result != -ENOBUFS) {
		CHECK(whole.result == pieces.result);
		CHECK(whole.used == pieces.used);
		CHECK(whole.s.state == pieces.s.state);
		CHECK(whole.s.pass_fds == pieces.s.pass_fds);
		CHECK(!strcmp(whole.text, pieces.text));
	}
	free(whole.text);
	free(pieces.text);
	return 0;
}
