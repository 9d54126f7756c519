// SPDX-License-Identifier: LGPL-2.1-or-later
/* Large messages there and back, unchanged; small ones around them. */
#include "raw.h"

static void expect_bytes(const struct msg *m, size_t n)
{
	const uint8_t *p = msg_body(m) + 4;
	size_t i;

	check(m->h.f.body_len == n + 4);
	for (i = 0; i < n; i++)
		if (p[i] != (uint8_t)(i * 7 + (i >> 8)))
			fail("byte %zu of %zu is wrong", i, n);
}

static void round_trip(struct raw *a, struct raw *b, size_t n)
{
	struct spec s = {
		.path = "/", .interface = "test.Large", .member = "Large",
		.destination = b->name, .bytes = n,
	};
	struct spec small = {
		.path = "/", .interface = "test.Large", .member = "Small",
		.destination = b->name, .flags = DBUS_FLAG_NO_REPLY,
	};
	uint32_t serial;
	struct msg m;

	raw_send(a, &small);
	serial = raw_send(a, &s);
	raw_send(a, &small);
	raw_recv_member(b, &m, "Small");
	msg_free(&m);
	raw_recv_member(b, &m, "Large");
	expect_bytes(&m, n);
	raw_reply(b, &m, n);
	msg_free(&m);
	raw_recv_reply(a, &m, serial);
	expect_bytes(&m, n);
	msg_free(&m);
	raw_recv_member(b, &m, "Small");
	msg_free(&m);
}

/* Broadcast to three. */
static void to_many(struct raw *a, size_t n)
{
	struct raw *b[3];
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/",
		.interface = "test.Large", .member = "Signal", .bytes = n,
	};
	struct msg m;
	int i;

	for (i = 0; i < 3; i++) {
		b[i] = raw_open(false);
		raw_match(b[i], "member='Signal'");
	}
	raw_send(a, &s);
	for (i = 0; i < 3; i++) {
		raw_recv_member(b[i], &m, "Signal");
		expect_bytes(&m, n);
		msg_free(&m);
		raw_close(b[i]);
	}
}

int main(void)
{
	struct raw *a = raw_open(true), *b = raw_open(false);
	static const size_t sizes[] = {
		1000, 4095, 16000, 32700, 60000, 65536, 100000, 300000,
		1 << 20, 10 << 20, 60 << 20,
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip(a, b, sizes[i]);
	to_many(a, 50000);
	to_many(a, 5 << 20);
	raw_close(a);
	raw_close(b);
	return 0;
}
