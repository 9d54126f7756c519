/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a match rule, a NUL, a message. A rule that compiles gives a text
 * that compiles to an equal rule; it is tried on the message, and must come
 * to the same answer as its double.
 */
#include "core/match.h"

#include "fuzz.h"

#define TEXT_MAX (2 * MATCH_MAX_TEXT)

static struct match_rule *compile(const char *text, size_t len)
{
	struct match_rule *r = malloc(MATCH_RULE_MEM(len));
	const char *why = NULL;
	int err;

	CHECK(r);
	err = match_rule_parse(r, MATCH_RULE_MEM(len), text, len, &why);
	CHECK(err != -ENOSPC);
	CHECK((err == -EINVAL) == !!why);
	CHECK((err == -EMSGSIZE) == (len > MATCH_MAX_TEXT));
	if (err) {
		free(r);
		return NULL;
	}
	CHECK(r->size <= MATCH_RULE_MEM(len));
	r = realloc(r, r->size);
	CHECK(r && match_rule_equal(r, r));
	return r;
}

/* NULL when quoting made the text too long to be a rule again. */
static struct match_rule *double_of(const struct match_rule *r)
{
	static char text[TEXT_MAX], again[TEXT_MAX];
	size_t len = match_rule_text(r, text, sizeof(text));
	struct match_rule *d;

	CHECK(len < sizeof(text) && !text[len]);
	d = compile(text, len);
	CHECK(d || len > MATCH_MAX_TEXT);
	if (!d)
		return NULL;
	CHECK(match_rule_equal(r, d) && match_rule_equal(d, r));
	CHECK(match_rule_text(d, again, sizeof(again)) == len);
	CHECK(!memcmp(text, again, len));
	return d;
}

static bool owns(void *ctx, const char *name, size_t len)
{
	(void)ctx;
	CHECK(dbus_well_known_name_ok(name, len));
	CHECK(len != strlen(DBUS_DRIVER_NAME) ||
	      memcmp(name, DBUS_DRIVER_NAME, len));
	return len & 1;
}

static void eval(const struct match_rule *r, const struct match_rule *d,
		 const u8 *data, size_t size)
{
	struct dbus_header h;
	struct match_msg m = { .h = &h, .sender = { ":1.5", 4 },
			       .owns = owns };
	struct dbus_frame f;
	bool match;

	if (size < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&f, data, DBUS_MAX_MESSAGE) ||
	    f.header_len > size ||
	    dbus_header_parse(&h, data, f.header_len, DBUS_MAX_MESSAGE))
		return;
	/* Whatever the header says of it. */
	m.body = data + f.header_len;
	m.body_len = size - f.header_len;
	match = match_rule_eval(r, &m);
	if (d)
		CHECK(match_rule_eval(d, &m) == match);
	if (!r->keys && !r->n_args)
		CHECK(match == !h.destination.s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const u8 *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	struct match_rule *r, *d;
	char *text;

	/* The rule alone on the heap, so that reading on is noticed. */
	text = malloc(len + !len);
	CHECK(text);
	if (len)
		memcpy(text, data, len);
	r = compile(text, len);
	free(text);
	if (!r)
		return 0;
	d = double_of(r);
	if (nul) {
		/* A message starts at a multiple of 8, as in life. */
		size_t rest = size - len - 1;
		u8 *copy = malloc(rest + !rest);

		CHECK(copy);
		memcpy(copy, nul + 1, rest);
		eval(r, d, copy, rest);
		free(copy);
	}
	free(d);
	free(r);
	return 0;
}
