// SPDX-License-Identifier: LGPL-2.1-or-later
/* How many bytes a client can read (FIONREAD) is what was sent to it: the
 * newest kernels do not look at the queue but count. */
#include "bus-test.h"

#include <sys/ioctl.h>
#include <unistd.h>

static int readable(int fd)
{
	int n = -1;

	if (ioctl(fd, FIONREAD, &n))
		fail("FIONREAD");
	return n;
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
		.member = "M", .destination = b.name, .sender = a.name,
		.body = 100000,
	};
	char some[1000];
	size_t len;
	struct msg m;

	/* As long as what comes, with the sender in it. */
	free(test_build(&s, &len));
	check(readable(b.fd) == 0);
	test_send(a.fd, &s, NULL, 0);
	check(readable(b.fd) == (int)len);
	check(!test_master_send(bus, b.addr, &s, NULL, 0));
	check(readable(b.fd) == 2 * (int)len);
	check(read(b.fd, some, sizeof(some)) == sizeof(some));
	check(readable(b.fd) == 2 * (int)len - (int)sizeof(some));
	for (len -= sizeof(some); len; len -= read(b.fd, some,
			len < sizeof(some) ? len : sizeof(some)))
		;
	check(test_recv(&b, &m));
	msg_free(&m);
	check(readable(b.fd) == 0);
	return 0;
}
