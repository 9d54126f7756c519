// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a client sent before it went is delivered, then its end is told; a
 * half message is forgotten; killed or closed makes no difference. */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void killed(int bus, struct client *b)
{
	struct client c = test_client(bus, 0);
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 21, .path = "/o",
		.member = "M", .destination = b->name, .body = 5000,
	};
	uint8_t *data;
	size_t len;
	pid_t pid = fork();

	if (!pid) {
		data = test_build(&s, &len);
		test_send_bytes(c.fd, data, len, NULL, 0);
		test_send_bytes(c.fd, data, len / 2, NULL, 0);
		pause();
	}
	expect(b, 21);
	usleep(50000);
	close(c.fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	test_silence(b->fd, 20);
}

int main(void)
{
	int bus = test_bus(), i;
	struct client a = test_client(bus, 0), b = test_client(bus, 0), c;
	struct pollfd p;

	for (i = 1; i <= 20; i++)
		test_call(&a, b.name, i, 3000);
	close(a.fd);
	test_expect_closed(bus, a.addr, BUS_REASON_HANGUP);
	for (i = 1; i <= 20; i++)
		expect(&b, i);
	killed(bus, &b);
	/* shutdown() for writing is an end too, after the last message. */
	c = test_client(bus, 0);
	test_call(&c, b.name, 30, 10);
	shutdown(c.fd, SHUT_WR);
	expect(&b, 30);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	/* Closing the bus ends every client. */
	close(bus);
	p = (struct pollfd){ .fd = b.fd, .events = POLLIN };
	check(poll(&p, 1, TEST_WAIT_MS) == 1 && p.revents & POLLHUP);
	check(recv(b.fd, &i, 1, 0) == 0);
	return 0;
}
