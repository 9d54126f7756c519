// SPDX-License-Identifier: LGPL-2.1-or-later
/* A client whose own queue is full cannot send, to anybody, until it has
 * read. */
#include "native-test.h"

static long read_one(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, 0);
}

int main(void)
{
	int bus = nt_bus(), i;
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct bg_send s = { a.fd, b.addr, "waited" };
	struct bg blocked;
	struct got g;

	for (i = 0; i < 10; i++)
		say(b.fd, a.addr, "x");
	say(a.fd, b.addr, "not full yet");
	heard(b.fd, a.addr, "not full yet");
	say(b.fd, a.addr, "x");
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	refused(try_say(a.fd, GROUP(3), "x"), EAGAIN);
	refused(try_say(a.fd, a.addr, "x"), EAGAIN);
	refused(try_say(a.fd, BUS_MASTER_ADDR, "x"), EAGAIN);
	refused(try_say(a.fd, b.addr + 1000, "x"), EAGAIN);
	silent(b.fd);
	silent(a.end);
	/* Its end is not it. */
	say(a.end, b.addr, "from the end");
	heard(b.fd, BUS_MASTER_ADDR, "from the end");
	/* Peeking is not reading. */
	ok(nt_take(a.fd, &g, MSG_PEEK));
	refused(try_say(a.fd, b.addr, "x"), EAGAIN);
	ok(nt_take(a.fd, &g, 0));
	say(a.fd, b.addr, "read one");
	heard(b.fd, a.addr, "read one");
	/* Who waits goes on when another thread reads. */
	say(b.fd, a.addr, "x");
	bg_start(&blocked, bg_send, &s);
	bg_asleep(&blocked);
	silent(b.fd);
	is(read_one(&a.fd), 1);
	is(bg_end(&blocked), 6);
	heard(b.fd, a.addr, "waited");
	is(nt_drain(a.fd), 10);
	close(bus);
	return 0;
}
