// SPDX-License-Identifier: LGPL-2.1-or-later
/* Of the fds that may wait for a receiver another uid may have half of what
 * others leave; the receiver's own all of them. Of what has none it may send
 * on. */
#include "native-test.h"

#include <errno.h>

#define FDS 40
/* Eight shares are all users', which whose is a secret: one of these has
 * another than the receiver's user, but once in 8^STRANGERS times. */
#define STRANGERS 5

static int bus, up[2], down[2];
static uint64_t target;

struct order {
	int n;			/* fds of a message; -1: the end */
	bool all;		/* to the group */
};

static int fill(int fd, struct order o)
{
	int fds[FDS], i, sent = 0;

	for (i = 0; i < o.n; i++)
		fds[i] = 2;
	while (sent <= FDS &&
	       nt_send_fds(fd, o.all ? GROUP(1) : target, "x", fds, o.n,
			   MSG_DONTWAIT) == 1)
		sent++;
	is(errno, EAGAIN);
	return sent;
}

/* Fills when told, and reports how many messages went. */
static void stranger(void *arg)
{
	int fd = nt_connect(bus), n = 0;
	struct order o;

	for (;;) {
		is(write(up[1], &n, sizeof(n)), sizeof(n));
		is(read(down[0], &o, sizeof(o)), sizeof(o));
		if (o.n < 0)
			return;
		if (o.n)
			n = fill(fd, o);
		else
			say(fd, target, "none");
	}
}

static int answer(void)
{
	int n;

	is(read(up[0], &n, sizeof(n)), sizeof(n));
	return n;
}

static int ask(int n, bool all)
{
	struct order o = { n, all };

	is(write(down[1], &o, sizeof(o)), sizeof(o));
	return answer();
}

/* Whether the stranger's share is its own. */
static bool walk(struct peer *a, struct peer *b)
{
	int n;

	is(ask(1, false), FDS / 2);
	is(ask(1, true), 0);
	ask(0, false);
	/* The receiver's own uid has all the rest. */
	is(fill(a->fd, (struct order){ .n = 1 }), FDS / 2);
	is(nt_drain(b->fd), FDS + 1);
	is(ask(4, true), FDS / 2 / 4);
	is(nt_drain(b->fd), FDS / 2 / 4);
	/* Half of what is left, by then less. */
	is(fill(a->fd, (struct order){ .n = FDS / 2 }), 2);
	is(ask(1, false), 0);
	nt_drain(b->fd);
	is(fill(a->fd, (struct order){ .n = FDS * 3 / 4 }), 1);
	n = ask(1, false);
	if (n)
		is(n, FDS / 4 / 2);
	nt_drain(b->fd);
	/* The first of anybody's goes, as long as it is. */
	is(ask(FDS, false), 1);
	nt_drain(b->fd);
	return n;
}

static bool meet_stranger(unsigned int uid, struct peer *a, struct peer *b)
{
	pid_t pid = nt_fork();
	struct peer s;
	bool apart;

	if (!pid)
		_exit(nt_as(uid, stranger, NULL) != 0);
	answer();
	s = nt_accept(bus, -1);
	ok(nt_join(s.end));
	apart = walk(a, b);
	(void)!write(down[1], &(struct order){ .n = -1 }, sizeof(struct order));
	reap(pid);
	close(s.end);
	return apart;
}

int main(void)
{
	struct bus_limits l = { .queue_fds = FDS };
	struct peer a, b;
	bool apart = false;
	unsigned int i;

	if (getuid())
		nt_skip("not root");
	bus = nt_bus();
	nt_set(bus, BUS_SET_MAXQLEN, 4 * FDS);
	nt_set_limits(bus, l);
	ok(pipe(up));
	ok(pipe(down));
	b = nt_peer(bus);
	target = b.addr;
	a = nt_peer(bus);
	ok(nt_add(b.end, PREFIX(1) | 1));
	for (i = 0; i < STRANGERS; i++)
		apart |= meet_stranger(NT_UID + i, &a, &b);
	ok(apart ? 0 : -1);
	close(bus);
	return 0;
}
