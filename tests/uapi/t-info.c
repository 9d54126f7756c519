// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_PASS_INFO: place in the bus's order, sender, destination. */
#include "native-test.h"

static uint64_t info(int fd, uint64_t from, uint64_t to)
{
	struct got g;

	ok(nt_take(fd, &g, MSG_DONTWAIT));
	check(g.has_info);
	is(g.info.kind, BUS_KIND_MESSAGE);
	is(g.info.reason, BUS_REASON_NONE);
	is(g.info.addr, from);
	is(g.info.to, to);
	is(g.from, from);
	return g.info.seq;
}

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	uint64_t s[8], last;
	struct got g;
	int i;

	is(nt_get(a.fd, SOL_BUS, BUS_PASS_INFO), 0);
	say(a.fd, b.addr, "x");
	ok(nt_take(b.fd, &g, 0));
	check(!g.has_info);
	/* It tells of what came before it was set, too. */
	say(a.fd, b.addr, "one");
	nt_set(a.fd, BUS_PASS_INFO, 1);
	nt_set(b.fd, BUS_PASS_INFO, 1);
	nt_set(a.end, BUS_PASS_INFO, 1);
	is(nt_get(b.fd, SOL_BUS, BUS_PASS_INFO), 1);
	ok(nt_add(b.end, PREFIX(4) | 4));
	say(a.fd, PREFIX(4) | 4, "two");
	say(b.fd, EVERYBODY, "three");
	tell(a.fd, "four");
	tell(b.end, "five");
	say(a.fd, GROUP(4), "six");
	s[1] = info(b.fd, a.addr, b.addr);
	s[2] = info(b.fd, a.addr, PREFIX(4) | 4);
	s[3] = info(b.fd, b.addr, EVERYBODY);
	is(info(a.fd, b.addr, EVERYBODY), s[3]);
	s[4] = info(a.end, a.addr, BUS_MASTER_ADDR);
	ok(nt_take(b.fd, &g, MSG_DONTWAIT));
	is(g.info.addr, BUS_MASTER_ADDR);
	s[5] = g.info.seq;
	s[6] = info(b.fd, a.addr, GROUP(4));
	for (i = 2; i <= 6; i++)
		check(s[i] > s[i - 1]);
	/* Peeking tells the same. */
	say(a.fd, b.addr, "seven");
	ok(nt_take(b.fd, &g, MSG_PEEK));
	last = g.info.seq;
	is(info(b.fd, a.addr, b.addr), last);
	check(last > s[6]);
	/* A buffer that is too small for it. */
	say(a.fd, b.addr, "eight");
	{
		char c[20];
		union { char b[CMSG_SPACE(4)]; size_t align; } u;
		struct iovec iov = { c, sizeof(c) };
		struct msghdr mh = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = &u, .msg_controllen = sizeof(u),
		};

		is(recvmsg(b.fd, &mh, MSG_DONTWAIT), 5);
		check(mh.msg_flags & MSG_CTRUNC);
	}
	nt_set(b.fd, BUS_PASS_INFO, 0);
	say(a.fd, b.addr, "nine");
	ok(nt_take(b.fd, &g, 0));
	check(!g.has_info);
	i = 1;
	refused(setsockopt(b.fd, SOL_BUS, BUS_PASS_INFO, &i, 1), EINVAL);
	close(bus);
	return 0;
}
