// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a client sent before it ended its side arrives. */
#include "raw.h"

#include <sys/socket.h>

#define N 500

static void expect_all(struct raw *b, const char *member)
{
	struct msg m;
	uint32_t i;

	for (i = 0; i < N; i++) {
		raw_recv_member(b, &m, member);
		check(msg_u32(&m) == i);
		msg_free(&m);
	}
}

static void send_all(struct raw *a, struct raw *b, size_t bytes)
{
	struct spec s = {
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Shut", .member = "Num",
		.destination = b->name, .has_u = true, .bytes = bytes,
	};

	for (s.u = 0; s.u < N; s.u++)
		raw_send(a, &s);
}

int main(void)
{
	struct raw *b = raw_open(false), *a;
	int i;

	for (i = 0; i < 4; i++) {
		a = raw_open(i & 1);
		send_all(a, b, i * 1000);
		if (i < 2)
			shutdown(a->fd, SHUT_WR);
		else
			raw_close(a);
		expect_all(b, "Num");
		if (i < 2) {
			raw_expect_eof(a);
			raw_close(a);
		}
	}
	raw_ping(b);
	raw_close(b);
	return 0;
}
