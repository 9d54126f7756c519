// SPDX-License-Identifier: LGPL-2.1-or-later
/* How many files: in a message, waiting for one receiver, on their way for a
 * user. */
#include "native-test.h"

#include <sys/resource.h>

static int bus, fds[NT_FDS + 1];

static ssize_t send_n(int fd, uint64_t to, int n)
{
	return nt_send_fds(fd, to, "x", fds, n, MSG_DONTWAIT);
}

static void in_message(struct peer *a, struct peer *b)
{
	struct bus_limits l = { .message_fds = 4 };
	struct got g;

	is(nt_limits(bus).message_fds, NT_FDS);
	is(send_n(a->fd, b->addr, NT_FDS), 1);
	ok(nt_take(b->fd, &g, 0));
	is(g.n_fds, NT_FDS);
	while (g.n_fds)
		close(g.fds[--g.n_fds]);
	refused(send_n(a->fd, b->addr, NT_FDS + 1), EINVAL);
	nt_set_limits(bus, l);
	is(send_n(a->fd, b->addr, 4), 1);
	refused(send_n(a->fd, b->addr, 5), E2BIG);
	refused(send_n(a->fd, EVERYBODY, 5), E2BIG);
	refused(send_n(a->end, b->addr, 5), E2BIG);
	is(nt_drain(b->fd), 1);
	l.message_fds = NT_FDS;
	nt_set_limits(bus, l);
}

/* A receiver with that many waiting is full, for messages with files. */
static void in_queue(struct peer *a, struct peer *b)
{
	struct bus_limits l = { .queue_fds = 10 };
	char c;

	nt_set_limits(bus, l);
	is(send_n(a->fd, b->addr, 6), 1);
	is(send_n(a->fd, b->addr, 4), 1);
	refused(send_n(a->fd, b->addr, 1), EAGAIN);
	refused(send_n(a->fd, EVERYBODY, 1), EAGAIN);
	say(a->fd, b->addr, "without");
	is(recv(b->fd, &c, 1, 0), 1);
	is(send_n(a->fd, b->addr, 6), 1);
	refused(send_n(a->fd, b->addr, 1), EAGAIN);
	is(nt_drain(b->fd), 3);
	silent(a->fd);
	/* Nobody waits for what can never be. */
	check(send_n(a->fd, b->addr, 11) == 1 || errno != EAGAIN);
	nt_drain(b->fd);
	l.queue_fds = 1024;
	nt_set_limits(bus, l);
}

/* A user may have no more on their way than open; AF_UNIX's rule. */
static void of_user(void *arg)
{
	struct rlimit r = { 300, 300 };
	int fd = nt_connect(bus), n, sent = 0;

	ok(setrlimit(RLIMIT_NOFILE, &r));
	for (n = 0; n < 10; n++) {
		if (send_n(fd, BUS_MASTER_ADDR, 100) < 0)
			break;
		sent += 100;
	}
	is(errno, ETOOMANYREFS);
	check(sent >= 200 && sent <= 500);
	tell(fd, "without");
}

static void by_user(void)
{
	struct peer s;
	struct got g;
	int n;

	is(nt_as(NT_UID, of_user, NULL), 0);
	s = nt_accept(bus, -1);
	for (;;) {
		ok(nt_take(s.end, &g, MSG_DONTWAIT));
		if (!strcmp(g.data, "without"))
			break;
		is(g.n_fds, 100);
		for (n = 0; n < g.n_fds; n++)
			close(g.fds[n]);
	}
	/* All read, all free again. */
	close(s.end);
	is(nt_as(NT_UID, of_user, NULL), 0);
	close(ok(accept(bus, NULL, NULL)));
	is(nt_as(NT_UID, of_user, NULL), 0);
}

int main(void)
{
	struct rlimit r = { 4096, 4096 };
	struct peer a, b;
	int i;

	ok(setrlimit(RLIMIT_NOFILE, &r));
	bus = nt_bus();
	for (i = 0; i <= NT_FDS; i++)
		fds[i] = ok(dup(2));
	a = nt_peer(bus);
	b = nt_peer(bus);
	in_message(&a, &b);
	nt_drain(a.fd);
	in_queue(&a, &b);
	if (!getuid())
		by_user();
	close(bus);
	return 0;
}
