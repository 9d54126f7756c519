// SPDX-License-Identifier: LGPL-2.1-or-later
/* A blocked sender is let go when the receiver reads, or goes; several, who
 * came first first. */
#include "native-test.h"

static int bus;

/* Sends that wait for one receiver, in whatever way they came to it. */
static void lets_go(int fd, uint64_t to, int receiver)
{
	struct bg_send s = { fd, to, "waited" };
	struct bg b;
	struct got g;
	int n;

	bg_start(&b, bg_send, &s);
	bg_asleep(&b);
	ok(nt_take(receiver, &g, MSG_DONTWAIT));
	is(bg_end(&b), 6);
	n = 0;
	while (nt_take(receiver, &g, MSG_DONTWAIT) > 0)
		n += !strcmp(g.data, "waited");
	/* Once, and last. */
	is(n, 1);
}

static void by_reading(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	ok(nt_add(b.end, PREFIX(1) | 1));
	nt_fill(a.fd, b.addr, "x");
	lets_go(a.fd, b.addr, b.fd);
	nt_fill(a.fd, b.addr, "x");
	lets_go(a.fd, GROUP(1), b.fd);
	nt_fill(a.fd, b.addr, "x");
	lets_go(a.fd, EVERYBODY, b.fd);
	heard(a.fd, a.addr, "waited");
	nt_fill(a.fd, b.addr, "x");
	lets_go(a.end, b.addr, b.fd);
	nt_fill(a.fd, BUS_MASTER_ADDR, "x");
	lets_go(a.fd, BUS_MASTER_ADDR, a.end);
	nt_fill(a.fd, BUS_MASTER_ADDR, "x");
	lets_go(a.fd, b.addr + 1000, a.end);
	nt_close(&a);
	nt_close(&b);
}

static void by_going(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct bg_send s = { a.fd, b.addr, "who?" };
	struct bg_send all = { a.fd, EVERYBODY, "the rest" };
	struct bg x;

	nt_fill(a.fd, b.addr, "x");
	bg_start(&x, bg_send, &s);
	bg_asleep(&x);
	close(b.fd);
	is(bg_end(&x), 4);
	/* Nobody has its address now. */
	heard(a.end, a.addr, "who?");
	nt_close(&b);
	b = nt_peer(bus);
	nt_fill(a.fd, b.addr, "x");
	bg_start(&x, bg_send, &all);
	bg_asleep(&x);
	silent(c.fd);
	close(b.end);
	is(bg_end(&x), 8);
	heard(c.fd, a.addr, "the rest");
	heard(a.fd, a.addr, "the rest");
	/* The sender's own removal. */
	b = nt_peer(bus);
	nt_fill(a.fd, b.addr, "x");
	s.addr = b.addr;
	bg_start(&x, bg_send, &s);
	bg_asleep(&x);
	close(a.end);
	refused(bg_end(&x), EPIPE);
	nt_close(&b);
	nt_close(&c);
	close(a.fd);
}

static void in_turn(void)
{
	struct peer p[5], b = nt_peer(bus);
	char text[5][8];
	struct bg_send s[5];
	struct bg w[5];
	struct got g;
	int i, n;

	for (i = 0; i < 5; i++)
		p[i] = nt_peer(bus);
	n = nt_fill(p[0].fd, b.addr, "x");
	for (i = 0; i < 5; i++) {
		sprintf(text[i], "turn %d", i);
		s[i] = (struct bg_send){ p[i].fd, b.addr, text[i] };
		bg_start(&w[i], bg_send, &s[i]);
		bg_asleep(&w[i]);
	}
	for (i = 0; i < 5; i++) {
		ok(nt_take(b.fd, &g, MSG_DONTWAIT));
		is(bg_end(&w[i]), 6);
	}
	for (i = 5; i < n; i++)
		heard(b.fd, p[0].addr, "x");
	for (i = 0; i < 5; i++) {
		heard(b.fd, p[i].addr, text[i]);
		nt_close(&p[i]);
	}
	nt_close(&b);
}

static long recv_one(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, 0);
}

/* Readers wait as well; each message wakes one. */
static void readers(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct bg x, y;

	bg_start(&x, recv_one, &b.fd);
	bg_start(&y, recv_one, &b.fd);
	bg_asleep(&x);
	bg_asleep(&y);
	say(a.fd, b.addr, "1");
	say(a.fd, b.addr, "2");
	is(bg_end(&x), 1);
	is(bg_end(&y), 1);
	silent(b.fd);
	nt_close(&a);
	nt_close(&b);
}

int main(void)
{
	bus = nt_bus();
	by_reading();
	by_going();
	in_turn();
	readers();
	close(bus);
	return 0;
}
