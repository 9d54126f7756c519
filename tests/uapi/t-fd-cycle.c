// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets that carry each other do not live for ever. */
#include "bus-test.h"

#include <unistd.h>

static struct msg_spec spec(const char *to, size_t body)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
		.member = "M", .destination = to, .unix_fds = 1, .body = body,
	};
}

int main(void)
{
	struct bus_limits l = { .stall_ms = 300 };
	int bus = test_bus(), sv[2];
	struct client a, b;
	struct msg_spec s;
	uint8_t *data;
	size_t len;

	test_limits(bus, &l);
	/* A client's own socket, in a message it never completes. */
	a = test_client(bus, BUS_ATTACH_FDS);
	s = spec(a.name, 100);
	data = test_build(&s, &len);
	test_send_bytes(a.fd, data, len - 1, &a.fd, 1);
	free(data);
	close(a.fd);
	test_expect_closed(bus, a.addr, BUS_REASON_FDS);
	/* In a message to itself: only its own queue holds it. AF_UNIX's
	 * collector finds it when somebody sends sockets again. */
	b = test_client(bus, BUS_ATTACH_FDS);
	s = spec(b.name, 0);
	test_send(b.fd, &s, &b.fd, 1);
	usleep(100000);
	close(b.fd);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	for (int i = 0; i < 50; i++) {
		struct client c = test_client(bus, BUS_ATTACH_FDS);
		int x[2];

		s = spec(c.name, 0);
		check(!socketpair(AF_UNIX, SOCK_STREAM, 0, x));
		test_send(c.fd, &s, x, 1);
		close(x[0]);
		/* Sends x[1] into x: an in-flight cycle of AF_UNIX's own, so
		 * that its collector has a reason to run. */
		close(x[1]);
		check(!test_update(bus, BUS_REC_CLOSE, c.addr, 0, NULL));
		close(c.fd);
	}
	test_expect_closed(bus, b.addr, BUS_REASON_HANGUP);
	return 0;
}
