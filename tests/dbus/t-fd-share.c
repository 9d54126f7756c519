// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A user whose messages with fds fill what may wait for another's client, which
 * does not read, has a part of it: others' get through while he waits, and
 * nothing is lost. The client's own user may fill all of it.
 */
#include "conf.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define UID 4711
/* The kernel tells users apart by a secret share of eight: one of these has
 * another than the first, but once in 8^OTHERS times. */
#define OTHERS 5
#define BYTES 8000
#define FDS 32
/* Well above what sockets hold of messages as long as that. */
#define ENOUGH 2000

static struct spec call(const struct raw *to, size_t bytes)
{
	return (struct spec){
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Share", .member = "Call",
		.destination = to->name, .bytes = bytes, .unix_fds = 1,
	};
}

/* As much of it as goes, with an fd if it is the beginning. */
static bool try_write(struct raw *c, const uint8_t *data, size_t len,
		      size_t *done)
{
	char cbuf[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (uint8_t *)data, len };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	int fd = 2;
	ssize_t n;

	if (*done)
		return raw_try_write(c, data, len, done);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	n = sendmsg(c->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n <= 0)
		return false;
	*done = (size_t)n;
	return true;
}

/* Until nothing moves, although the bus has had time: it has answered others
 * meanwhile. How many calls went whole. */
static int flood(struct raw *from, const struct raw *to, struct raw *control)
{
	struct spec s = call(to, BYTES);
	size_t len, done = 0;
	uint8_t *data = raw_build(from, &s, &len);
	int quiet = 0, calls = 0;

	while (quiet < 5) {
		if (!try_write(from, data, len, &done)) {
			raw_ping(control);
			quiet++;
			continue;
		}
		quiet = 0;
		if (done < len)
			continue;
		done = 0;
		check(++calls < ENOUGH);
	}
	free(data);
	return calls;
}

/* All calls of the flood come, each with its fd; the last may be cut short. */
static void hear(struct raw *c, int calls, int others)
{
	struct msg m;

	while (calls || others) {
		raw_recv_member(c, &m, "Call");
		check(m.n_fds == 1);
		if (m.h.f.body_len > BYTES)
			check(calls--);
		else
			check(others--);
		msg_free(&m);
	}
}

/* Who is answered by the bus has got rid of the call before. */
static void one_gets_through(struct raw *const *other, const struct raw *to)
{
	struct pollfd p[OTHERS];
	struct spec s = call(to, 10), ping = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = "org.freedesktop.DBus.Peer", .member = "Ping",
	};
	int i, fd = 2;

	for (i = 0; i < OTHERS; i++) {
		raw_send_fds(other[i], &s, &fd, 1);
		raw_send(other[i], &ping);
		p[i] = (struct pollfd){ other[i]->fd, POLLIN, 0 };
	}
	check(poll(p, OTHERS, RAW_WAIT_MS) > 0);
}

int main(void)
{
	struct raw *control, *r, *mine, *a, *own, *other[OTHERS];
	int by_a, by_own, i;

	if (raw_bus_is("dbus-daemon") || raw_bus_is("dbus-broker"))
		raw_skip("its senders do not wait");
	conf_need_users();
	control = raw_open(false);
	conf_load(control, CONF_DEFAULT(CONF_ALL "<allow user='*'/>")
		  "<limit name='max_outgoing_unix_fds'>32</limit>");
	r = raw_open(true);
	mine = raw_open(true);
	own = raw_open(true);
	a = conf_open_as(UID, true);
	for (i = 0; i < OTHERS; i++)
		other[i] = conf_open_as(UID + 1 + i, true);
	by_a = flood(a, r, control);
	one_gets_through(other, r);
	by_own = flood(own, mine, control);
	/* What the sockets hold of both is the same. */
	check(by_own - by_a == FDS / 2);
	hear(r, by_a, OTHERS);
	hear(mine, by_own, 0);
	return 0;
}
