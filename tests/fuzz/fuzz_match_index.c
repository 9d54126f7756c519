/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a number, so many match rules, each with a NUL behind it, and a
 * message. The index leads the message to every rule that matches it, and to
 * none twice; also when every second rule is deleted again.
 */
#include "core/match_index.h"

#include "fuzz.h"

#define MAX_RULES 64U

struct rule {
	struct match_entry e;
	struct match_rule *r;	/* NULL: not filed */
	unsigned int visits;
};

static struct rule rules[MAX_RULES];
static unsigned int n_rules;

/* The sender's, by its number. */
static const struct dbus_str owned[] = {
	{ "org.example.Name", 16 }, { "a.b", 3 }, { "a.b.c", 5 },
};

static bool owns(void *ctx, const char *name, size_t len)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		if (dbus_str_eq(owned[i], name, len))
			return true;
	return false;
}

static bool names(void *ctx, void **at, struct dbus_str *name)
{
	uintptr_t i = (uintptr_t)*at;

	(void)ctx;
	if (i == sizeof(owned) / sizeof(owned[0]))
		return false;
	*name = owned[i];
	*at = (void *)(i + 1);
	return true;
}

static const u8 *read_rules(struct match_index *x, const u8 *p, const u8 *end,
			    unsigned int max)
{
	const u8 *nul;
	size_t len;

	for (n_rules = 0; n_rules < max && p < end; n_rules++) {
		struct rule *r = &rules[n_rules];

		nul = memchr(p, 0, (size_t)(end - p));
		if (!nul)
			return end;
		len = (size_t)(nul - p);
		r->r = malloc(MATCH_RULE_MEM(len));
		CHECK(r->r);
		if (match_rule_parse(r->r, MATCH_RULE_MEM(len),
				     (const char *)p, len, NULL)) {
			free(r->r);
			r->r = NULL;
		} else {
			match_index_add(x, &r->e, r->r);
		}
		p = nul + 1;
	}
	return p;
}

static void drop(struct match_index *x, struct rule *r)
{
	if (r->r)
		match_index_del(x, &r->e);
	free(r->r);
	r->r = NULL;
}

static int found(void *ctx, struct match_entry *e, bool again)
{
	const struct match_rule **last = ctx;
	struct rule *r = (struct rule *)e;

	CHECK(!again || match_rule_equal(*last, r->r));
	*last = r->r;
	r->visits++;
	return 0;
}

static void compare(const struct match_index *x, const struct match_msg *m)
{
	const struct match_rule *last = NULL;
	struct rule *r;

	for (r = rules; r < rules + n_rules; r++)
		r->visits = 0;
	CHECK(!match_index_visit(x, m, found, &last));
	for (r = rules; r < rules + n_rules; r++) {
	CHECK(r->visits <= !!r->r);
		CHECK(r->visits || !r->r || !match_rule_eval(r->r, m));
	}
}

static void ask(struct match_index *x, const u8 *data, size_t size)
{
	struct dbus_header h;
	struct match_msg m = { .h = &h, .sender = { ":1.5", 4 },
			       .owns = owns, .names = names };
	unsigned int i;

	if (size < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&h.f, data, DBUS_MAX_MESSAGE) ||
	    h.f.header_len > size ||
	    dbus_header_parse(&h, data, h.f.header_len, DBUS_MAX_MESSAGE))
		return;
	m.body = data + h.f.header_len;
	m.body_len = size - h.f.header_len;
	if (dbus_str_eq(h.sender, DBUS_DRIVER_NAME,
			sizeof(DBUS_DRIVER_NAME) - 1))
		m.sender = h.sender;
	compare(x, &m);
	for (i = 0; i < n_rules; i += 2)
		drop(x, &rules[i]);
	compare(x, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sip_key key = { { 0xf1d3ff8443297732ULL,
					      0x862df21dc4e555edULL } };
	struct match_entry **buckets;
	struct match_index x;
	const u8 *msg;
	size_t n;
	u8 *copy;

	if (!size)
		return 0;
	match_index_init(&x, &key);
	n = match_index_wants(&x, MAX_RULES / 2);
	buckets = calloc(n, sizeof(*buckets));
	CHECK(n && buckets && !match_index_grow(&x, buckets, n));
	msg = read_rules(&x, data + 1, data + size, data[0] % (MAX_RULES + 1));
	/* A message starts at a multiple of 8, as in life. */
	size -= (size_t)(msg - data);
	copy = malloc(size + !size);
	CHECK(copy);
	memcpy(copy, msg, size);
	ask(&x, copy, size);
	free(copy);
	for (n = 0; n < n_rules; n++)
		drop(&x, &rules[n]);
	CHECK(!x.n_keys && !x.n_used);
	free(x.buckets);
	return 0;
}
