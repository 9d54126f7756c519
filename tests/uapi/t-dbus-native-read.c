// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * recvmsg(): a message a call; what does not fit stays, unless it is to be cut
 * off; its length beforehand; the end, also by shutdown() of any direction,
 * behind what was committed and sent.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static uint8_t buf[70000], again[70000];

static short events(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	check(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static int inq(int fd)
{
	int n;

	check(!ioctl(fd, FIONREAD, &n));
	return n;
}

static void lengths(struct client *a, struct client *b)
{
	static const size_t bodies[] = { 1, 100, 3000, 65000 };
	size_t i;
	int len;

	check(!inq(b->fd) && events(b->fd) == POLLOUT);
	check_err(recv(b->fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	for (i = 0; i < 4; i++)
		test_call(a, b->name, i + 1, bodies[i]);
	for (i = 0; i < 4; i++) {
		check(events(b->fd) & POLLIN);
		len = inq(b->fd);
		check(len > (int)bodies[i]);
		check_err(recv(b->fd, buf, len - 1, 0), EMSGSIZE);
		check_err(recv(b->fd, buf, 0, 0), EMSGSIZE);
		check(recv(b->fd, NULL, 0, MSG_PEEK | MSG_TRUNC) == len);
		check(recv(b->fd, buf, sizeof(buf), MSG_PEEK) == len);
		check(recv(b->fd, again, len, 0) == len);
		check(!memcmp(buf, again, len));
		check(buf[8] == i + 1);
	}
	/* Cut off. */
	test_call(a, b->name, 5, 100);
	test_call(a, b->name, 6, 100);
	len = inq(b->fd);
	check(recv(b->fd, buf, 20, MSG_TRUNC) == len);
	check(buf[8] == 5);
	check(recv(b->fd, buf, sizeof(buf), 0) == len && buf[8] == 6);
	check(events(b->fd) == POLLOUT);
}

static void bad_pointer(struct client *a, struct client *b)
{
	int len;

	test_call(a, b->name, 7, 5000);
	len = inq(b->fd);
	check_err(recv(b->fd, (void *)8, len, 0), EFAULT);
	check_err(send(a->fd, (void *)8, 100, MSG_NOSIGNAL), EFAULT);
	check(recv(b->fd, buf, sizeof(buf), 0) == len && buf[8] == 7);
}

/* Whoever says that it will send, or read, no more is gone. */
static void shut(int bus, struct client *to, int how)
{
	struct client c = test_native(bus);

	test_call(to, c.name, 10, 100);
	test_call(&c, to->name, 11, 100);
	check(!shutdown(c.fd, how));
	check(recv(to->fd, buf, sizeof(buf), 0) > 0 && buf[8] == 11);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	check(recv(c.fd, buf, sizeof(buf), 0) > 0 && buf[8] == 10);
	check(!recv(c.fd, buf, sizeof(buf), 0));
	check((events(c.fd) & (POLLIN | POLLHUP | POLLRDHUP)) ==
	      (POLLIN | POLLHUP | POLLRDHUP));
	check_err(send(c.fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(c.fd);
}

/* Closed while the master has its message: what is behind that still goes. */
static void close_held(int bus, struct client *to)
{
	struct client c = test_native_raw(bus);
	uint32_t i;

	check(!test_update(bus, BUS_REC_ACTIVATE, c.addr, 0, NULL));
	for (i = 20; i < 30; i++)
		test_call(&c, to->name, i, 100);
	close(c.fd);
	test_silence(to->fd, 10);
	test_silence(bus, 0);
	check(!test_update(bus, BUS_REC_RESUME, c.addr, 0, NULL));
	for (i = 20; i < 30; i++)
		check(recv(to->fd, buf, sizeof(buf), 0) > 0 && buf[8] == i);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_native(bus), b = test_native(bus);

	lengths(&a, &b);
	bad_pointer(&a, &b);
	shut(bus, &a, SHUT_WR);
	shut(bus, &a, SHUT_RD);
	shut(bus, &a, SHUT_RDWR);
	close_held(bus, &a);
	check_err(shutdown(a.fd, 3), EINVAL);
	return 0;
}
