// SPDX-License-Identifier: LGPL-2.1-or-later
/* fds in messages: one, several, to many, to a client that has none. */
#include "raw.h"

#include <poll.h>
#include <sys/socket.h>

/* Through @fd, which came in a message, the other end of @pipefd is heard. */
static void check_pipe(int fd, int out, char c)
{
	char got;

	check(write(out, &c, 1) == 1);
	check(read(fd, &got, 1) == 1);
	check(got == c);
}

static struct spec call(const char *to, unsigned int n, size_t bytes)
{
	return (struct spec){
		.path = "/", .interface = "test.Fds", .member = "Take",
		.destination = to, .unix_fds = n, .bytes = bytes,
	};
}

static void unicast(struct raw *a, struct raw *b, unsigned int n, size_t bytes)
{
	struct spec s = call(b->name, n, bytes);
	int p[16][2], fds[16] = { 0 };
	struct msg m;
	unsigned int i;

	for (i = 0; i < n; i++) {
		check(!pipe(p[i]));
		fds[i] = p[i][0];
	}
	raw_send_fds(a, &s, fds, n);
	raw_recv_member(b, &m, "Take");
	check(m.n_fds == n);
	for (i = 0; i < n; i++) {
		check_pipe(m.fds[i], p[i][1], 'a' + i);
		close(p[i][0]);
		close(p[i][1]);
	}
	msg_free(&m);
}

/* Messages with and without fds, one behind the other: each keeps its own. */
static void mixed(struct raw *a, struct raw *b)
{
	int p[20][2], i;
	struct msg m;

	for (i = 0; i < 20; i++) {
		struct spec s = call(b->name, i % 3 == 0, i * 100);

		check(!pipe(p[i]));
		raw_send_fds(a, &s, p[i], i % 3 == 0);
	}
	for (i = 0; i < 20; i++) {
		raw_recv_member(b, &m, "Take");
		check(m.n_fds == (i % 3 == 0));
		if (m.n_fds)
			check_pipe(m.fds[0], p[i][1], 'A' + i);
		msg_free(&m);
		close(p[i][0]);
		close(p[i][1]);
	}
}

static void broadcast(struct raw *a)
{
	struct raw *with[2] = { raw_open(true), raw_open(true) };
	struct raw *without = raw_open(false);
	struct spec s = call(NULL, 1, 10);
	struct msg m;
	int p[2], i;

	s.type = DBUS_TYPE_SIGNAL;
	for (i = 0; i < 2; i++)
		raw_match(with[i], "interface='test.Fds'");
	raw_match(without, "interface='test.Fds'");
	check(!pipe(p));
	raw_send_fds(a, &s, p, 1);
	close(p[0]);
	for (i = 0; i < 2; i++) {
		raw_recv_member(with[i], &m, "Take");
		check(m.n_fds == 1);
		check_pipe(m.fds[0], p[1], 'x');
		msg_free(&m);
		raw_close(with[i]);
	}
	close(p[1]);
	raw_ping(a);
	raw_expect_silence(without, 50);
	raw_close(without);
}

static void to_one_without(struct raw *a)
{
	struct raw *b = raw_open(false);
	struct spec s = call(b->name, 1, 0);
	uint32_t serial;
	struct msg m;
	int p[2];

	check(!pipe(p));
	serial = raw_send_fds(a, &s, p, 1);
	raw_recv_reply(a, &m, serial);
	check(m.h.f.type == DBUS_TYPE_ERROR);
	check(dbus_str_eq(m.h.error_name,
			  "org.freedesktop.DBus.Error.NotSupported", 39));
	msg_free(&m);
	raw_ping_peer(a, b);
	close(p[0]);
	close(p[1]);
	raw_close(b);
}

/* Who has not negotiated fds has none. */
static void from_one_without(struct raw *b)
{
	struct raw *a = raw_open(false);
	struct spec s = call(b->name, 1, 0);
	int p[2];

	check(!pipe(p));
	raw_send_fds(a, &s, p, 1);
	raw_expect_eof(a);
	close(p[0]);
	close(p[1]);
	raw_close(a);
}

/* More fds than a message may have. */
static void too_many(struct raw *b)
{
	struct raw *a = raw_open(true);
	struct spec s = call(b->name, 100, 0);
	int p[2], fds[100], i;

	check(!pipe(p));
	for (i = 0; i < 100; i++)
		fds[i] = p[0];
	raw_send_fds(a, &s, fds, 100);
	raw_expect_eof(a);
	close(p[0]);
	close(p[1]);
	raw_close(a);
}

/* fds that belong to no message do not stay for ever. */
static void without_count(struct raw *b)
{
	struct raw *a = raw_open(true);
	struct spec s = call(b->name, 0, 0);
	struct pollfd pf;
	struct msg m;
	int p[2];

	check(!pipe(p));
	raw_send_fds(a, &s, p, 1);
	raw_recv_member(b, &m, "Take");
	check(!m.n_fds);
	msg_free(&m);
	close(p[0]);
	raw_expect_eof(a);
	/* The last reader is gone when the bus has closed it. */
	pf = (struct pollfd){ .fd = p[1] };
	check(poll(&pf, 1, RAW_WAIT_MS) == 1 && pf.revents & POLLERR);
	close(p[1]);
	raw_close(a);
}

int main(void)
{
	struct raw *a = raw_open(true), *b = raw_open(true);

	unicast(a, b, 1, 0);
	unicast(a, b, 8, 100);
	unicast(a, b, 16, 100000);
	unicast(a, a, 2, 10);
	mixed(a, b);
	broadcast(a);
	to_one_without(a);
	from_one_without(b);
	if (!raw_bus_is("dbus-daemon"))
		too_many(b);
	if (raw_env("BUS_STALL_MS", 0))
		without_count(b);
	unicast(a, b, 3, 0);
	raw_close(a);
	raw_close(b);
	return 0;
}
