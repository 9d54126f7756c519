// SPDX-License-Identifier: LGPL-2.1-or-later
/* MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_OOB; messages of length zero. */
#include "native-test.h"

static void peek(struct peer *a, struct peer *b)
{
	struct got g;
	char c[4];

	say(a->fd, b->addr, "one");
	say(a->fd, b->addr, "two");
	is(nt_take(b->fd, &g, MSG_PEEK), 3);
	check(!strcmp(g.data, "one"));
	is(g.from, a->addr);
	is(recv(b->fd, c, 1, MSG_PEEK), 1);
	heard(b->fd, a->addr, "one");
	heard(b->fd, a->addr, "two");
	refused(recv(b->fd, c, 1, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

static void trunc_(struct peer *a, struct peer *b)
{
	char c[4] = "....";
	struct iovec iov = { c, 3 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	say(a->fd, b->addr, "long message");
	is(recv(b->fd, c, 3, MSG_PEEK), 3);
	is(recv(b->fd, NULL, 0, MSG_PEEK | MSG_TRUNC), 12);
	is(recv(b->fd, c, 3, MSG_PEEK | MSG_TRUNC), 12);
	is(recvmsg(b->fd, &mh, MSG_PEEK), 3);
	is(mh.msg_flags & MSG_TRUNC, MSG_TRUNC);
	is(recvmsg(b->fd, &mh, 0), 3);
	is(mh.msg_flags & MSG_TRUNC, MSG_TRUNC);
	check(!memcmp(c, "lon.", 4));
	/* The rest is lost. */
	silent(b->fd);
	say(a->fd, b->addr, "fit");
	is(recvmsg(b->fd, &mh, MSG_TRUNC), 3);
	is(mh.msg_flags & MSG_TRUNC, 0);
}

static void zero(struct peer *a, struct peer *b)
{
	struct got g;

	is(nt_to(a->fd, b->addr, "", 0, 0), 0);
	is(send(a->fd, NULL, 0, MSG_NOSIGNAL), 0);
	is(nt_to(a->fd, EVERYBODY, NULL, 0, 0), 0);
	say(a->fd, b->addr, "after");
	is(nt_take(b->fd, &g, MSG_DONTWAIT), 0);
	is(g.from, a->addr);
	is(nt_take(b->fd, &g, MSG_DONTWAIT), 0);
	is(g.from, a->addr);
	heard(b->fd, a->addr, "after");
	is(nt_take(a->end, &g, MSG_DONTWAIT), 0);
	is(g.from, a->addr);
	is(nt_take(a->fd, &g, MSG_DONTWAIT), 0);
	silent(a->end);
	silent(a->fd);
	silent(b->fd);
}

static void refusals(struct peer *a, struct peer *b)
{
	char c;

	refused(nt_to(a->fd, b->addr, "x", 1, MSG_OOB), EOPNOTSUPP);
	refused(recv(b->fd, &c, 1, MSG_OOB), EOPNOTSUPP);
	refused(recv(b->fd, &c, 1, MSG_DONTWAIT), EAGAIN);
	refused(nt_to(a->fd, b->addr, (void *)8, 8, 0), EFAULT);
	silent(b->fd);
	/* A reader's bad buffer. */
	say(a->fd, b->addr, "x");
	refused(recv(b->fd, (void *)8, 8, MSG_DONTWAIT), EFAULT);
	nt_drain(b->fd);
}

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	peek(&a, &b);
	trunc_(&a, &b);
	zero(&a, &b);
	refusals(&a, &b);
	close(bus);
	return 0;
}
