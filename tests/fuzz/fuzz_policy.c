/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a compiled policy, 8-aligned; behind it, if there is more, a message.
 * What policy_check() takes can be asked anything, and a copy of it elsewhere
 * gives the same answers.
 */
#include <string.h>

#include "core/policy.h"

#include "fuzz.h"

static bool owns(void *ctx, const char *name, size_t len, bool below)
{
	const char *p = name, *end = name + len;
	unsigned int sum = below;

	(void)ctx;
	while (p < end)
		sum += (unsigned char)*p++;
	return sum & 1;
}

static void ask(const struct policy *p, const struct policy *copy,
		struct policy_msg *m)
{
	unsigned int kind, i, answer;

	for (kind = POLICY_SEND; kind <= POLICY_RECEIVE; kind++) {
		for (i = 0; i < 8; i++) {
			m->requested = i & 1;
			m->eavesdropping = i & 2;
			m->end.owns = i & 4 ? owns : NULL;
			m->end.names = i & 4 ? ~0ULL : 0;
			answer = policy_ask(p, kind, m);
			CHECK(answer == policy_ask(copy, kind, m));
			CHECK(policy_matching(p, kind, m) <= p->n[kind]);
			if (p->open[kind] & 1)
				CHECK(answer == POLICY_ALLOWED);
			/* Without a rule the answer is no. */
			if (!policy_matching(p, kind, m))
				CHECK(!answer);
		}
	}
}

static void message(const struct policy *p, const struct policy *copy,
		    const u8 *data, size_t size)
{
	struct dbus_header h = { .f.type = DBUS_TYPE_CALL };
	struct policy_msg m = { .h = &h, .sender = { ":1.5", 4 } };

	ask(p, copy, &m);
	if (size < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&h.f, data, DBUS_MAX_MESSAGE) ||
	    h.f.header_len > size ||
	    dbus_header_parse(&h, data, h.f.header_len, DBUS_MAX_MESSAGE))
		return;
	ask(p, copy, &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy *p, *copy;
	u32 len = 0;

	if (size >= sizeof(len))
		memcpy(&len, data, sizeof(len));
	if (len > size)
		len = (u32)size;
	/* Alone on the heap, so that reading on is noticed. */
	p = malloc(len + !len);
	copy = malloc(len + !len);
	CHECK(p && copy);
	memcpy(p, data, len);
	memcpy(copy, data, len);
	if (!policy_check(p, len)) {
		u8 *rest = malloc(size - len + 1);

		CHECK(rest);
		memcpy(rest, data + len, size - len);
		CHECK(policy_own(p, "a.b", 3) == policy_own(copy, "a.b", 3));
		CHECK(!policy_is_open(p) || policy_own(p, "x.y", 3));
		message(p, copy, rest, size - len);
		free(rest);
	}
	free(p);
	free(copy);
	return 0;
}
