// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A malformed message fails with EBADMSG and ends its sender's connection,
 * behind what that sent before, and nobody else's. What is only too much for
 * the bus is not sent, and ends nothing.
 */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct msg_spec spec(const char *to)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 1, .path = "/abcdefgh", .member = "M",
		.destination = to, .body = 20,
	};
}

static const struct {
	size_t off;
	uint8_t val;
} bad[] = {
	{ 0, 'x' },		/* byte order */
	{ 1, 0 },		/* type */
	{ 3, 2 },		/* version */
	{ 4, 0xff },		/* body length: not the datagram's */
	{ 7, 0xff },		/* and longer than is allowed */
	{ 8, 0 },		/* serial 0 (it was 1) */
	{ 15, 0x40 },		/* fields length */
	{ 16, 0 },		/* field code */
	{ 17, 200 },		/* signature's length */
	{ 24, 'x' },		/* path */
};

static void ends(int bus, struct client *c, const void *data, size_t len)
{
	struct msg m;
	char byte;

	check_err(send(c->fd, data, len, MSG_NOSIGNAL), EBADMSG);
	check_err(send(c->fd, data, len, MSG_NOSIGNAL), EPIPE);
	test_expect_closed(bus, c->addr, BUS_REASON_PROTOCOL);
	check_err(recv(c->fd, &byte, 1, 0), EBADMSG);
	check(!test_recv(c, &m));
	close(c->fd);
}

static void bytes(int bus, const char *to)
{
	struct msg_spec s = spec(to);
	struct client c;
	uint8_t *data;
	size_t len, i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = test_native(bus);
		data = test_build(&s, &len);
		data[bad[i].off] = bad[i].val;
		ends(bus, &c, data, len);
		free(data);
	}
	/* Not a whole message, and more than one. */
	data = test_build(&s, &len);
	data = realloc(data, 2 * len);
	memcpy(data + len, data, len);
	for (i = 0; i < len; i += 7) {
		c = test_native(bus);
		ends(bus, &c, data, i);
	}
	c = test_native(bus);
	ends(bus, &c, data, 2 * len);
	free(data);
}

static void files(int bus, const char *to)
{
	struct msg_spec s = spec(to);
	struct client c = test_native(bus);
	char cbuf[CMSG_SPACE(2 * sizeof(int))];
	int fds[2] = { 0, 1 };
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cm), fds, sizeof(fds));
	s.unix_fds = 1;
	iov.iov_base = test_build(&s, &iov.iov_len);
	check_err(sendmsg(c.fd, &mh, MSG_NOSIGNAL), EBADMSG);
	test_expect_closed(bus, c.addr, BUS_REASON_PROTOCOL);
	close(c.fd);
	c = test_native(bus);
	ends(bus, &c, iov.iov_base, iov.iov_len);
	free(iov.iov_base);
}

/* What was right goes its way first. */
static void behind(int bus, struct client *to)
{
	struct client c = test_native_raw(bus);
	struct msg_spec s = spec(to->name);
	struct msg m;
	uint32_t i;

	check(!test_update(bus, BUS_REC_ACTIVATE, c.addr, 0, NULL));
	for (i = 0; i < 5; i++) {
		s.serial = 100 + i;
		test_send(c.fd, &s, NULL, 0);
	}
	check_err(send(c.fd, "nonsense", 8, MSG_NOSIGNAL), EBADMSG);
	test_silence(to->fd, 20);
	check(!test_update(bus, BUS_REC_RESUME, c.addr, 0, NULL));
	for (i = 0; i < 5; i++) {
		check(test_recv(to, &m));
		check(m.h.f.serial == 100 + i);
		msg_free(&m);
	}
	test_expect_closed(bus, c.addr, BUS_REASON_PROTOCOL);
	close(c.fd);
}

static void too_much(int bus, struct client *to)
{
	struct bus_limits l = { .message_bytes = 4096, .message_fds = 2 };
	struct client c = test_native(bus);
	struct msg_spec s = spec(to->name);
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = to->addr,
	};
	char cbuf[CMSG_SPACE(3 * sizeof(int))];
	int fds[3] = { 0, 1, 2 };
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	uint8_t *data;
	struct msg m;
	size_t len;

	test_limits(bus, &l);
	s.body = 5000;
	data = test_build(&s, &len);
	check_err(send(c.fd, data, len, MSG_NOSIGNAL), EMSGSIZE);
	free(data);
	s.body = 10;
	s.unix_fds = 3;
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cm), fds, sizeof(fds));
	iov.iov_base = test_build(&s, &iov.iov_len);
	check_err(sendmsg(c.fd, &mh, MSG_NOSIGNAL), E2BIG);
	cm->cmsg_type = SCM_CREDENTIALS;
	check_err(sendmsg(c.fd, &mh, MSG_NOSIGNAL), EINVAL);
	check_err(send(c.fd, iov.iov_base, iov.iov_len, MSG_OOB), EOPNOTSUPP);
	check_err(sendto(c.fd, iov.iov_base, iov.iov_len, 0,
			 (struct sockaddr *)&sa, sizeof(sa)), EISCONN);
	free(iov.iov_base);
	test_call(&c, to->name, 7, 10);
	check(test_recv(to, &m));
	check(m.h.f.serial == 7);
	msg_free(&m);
	close(c.fd);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
}

int main(void)
{
	int bus = test_bus();
	struct client to = test_native(bus);

	bytes(bus, to.name);
	files(bus, to.name);
	test_silence(to.fd, 20);
	behind(bus, &to);
	too_much(bus, &to);
	return 0;
}
