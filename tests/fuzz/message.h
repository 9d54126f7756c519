/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages whose bytes a fuzzer chose, for targets that show them to other
 * implementations as well.
 */
#ifndef AFBUS_TESTS_FUZZ_MESSAGE_H
#define AFBUS_TESTS_FUZZ_MESSAGE_H

#include "core/dbus_header.h"

#include "fuzz.h"

/* A copy whose body is as long as its header says, or few inputs would get
 * far. @size >= DBUS_FIXED_LEN; the caller frees it. */
static inline u8 *message_copy(const uint8_t *data, size_t size)
{
	u8 *copy = malloc(size);
	struct wire w;
	u32 head, body;

	CHECK(copy);
	memcpy(copy, data, size);
	wire_init(&w, copy + 12, 4, *copy == 'B');
	head = DBUS_FIXED_LEN + ((wire_u32(&w) + 7) & ~7U);
	if (head <= size) {
		body = (u32)size - head;
		if (w.big != PORT_BIG_ENDIAN)
			body = port_bswap32(body);
		memcpy(copy + 4, &body, sizeof(body));
	}
	return copy;
}

static inline bool message_body_ok(const struct dbus_header *h, const u8 *data)
{
	struct dbus_str sig = h->signature;
	struct wire w;

	wire_init(&w, data + h->f.header_len, h->f.body_len, h->f.big);
	while (sig.len) {
		size_t n = dbus_signature_next(sig.s, sig.len);

		wire_skip(&w, sig.s, n);
		sig.s += n;
		sig.len -= (u32)n;
	}
	return !wire_error(&w) && w.pos == w.len;
}

/* The whole message, not the header alone as a switch looks at it. */
static inline bool message_ok(struct dbus_header *h, const u8 *data,
			      size_t size)
{
	struct dbus_frame f;

	return size >= DBUS_FIXED_LEN &&
	       !dbus_frame_parse(&f, data, DBUS_MAX_MESSAGE) &&
	       f.total_len == size &&
	       !dbus_header_parse(h, data, f.header_len, DBUS_MAX_MESSAGE) &&
	       message_body_ok(h, data);
}

/* libdbus refuses whatever begins like what is reserved. */
static inline bool message_almost_local(const struct dbus_header *h)
{
	return (h->path.s && !strncmp(h->path.s, DBUS_LOCAL_PATH,
				      strlen(DBUS_LOCAL_PATH))) ||
	       (h->interface.s && !strncmp(h->interface.s,
					   DBUS_LOCAL_INTERFACE,
					   strlen(DBUS_LOCAL_INTERFACE)));
}

#endif
