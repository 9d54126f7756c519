// SPDX-License-Identifier: LGPL-2.1-or-later
/* Higher priorities are read first, in order within each; they starve nobody;
 * lower ones take no room from them. */
#include "native-test.h"

static struct peer p[BUS_PRIO_MAX + 1];

static void set(int fd, int prio)
{
	ok(setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &prio, sizeof(prio)));
}

static void order(struct peer *b)
{
	char text[16];
	int prio, i;

	/* Lowest first, two rounds, unicast and multicast. */
	for (i = 0; i < 2; i++) {
		for (prio = 0; prio <= BUS_PRIO_MAX; prio++) {
			sprintf(text, "%d of %d", i, prio);
			say(p[prio].fd, i ? b->addr : GROUP(1), text);
		}
	}
	for (prio = BUS_PRIO_MAX; prio >= 0; prio--) {
		for (i = 0; i < 2; i++) {
			struct got g;

			sprintf(text, "%d of %d", i, prio);
			is(nt_take(b->fd, &g, MSG_PEEK), strlen(text));
			check(!strcmp(g.data, text));
			heard(b->fd, p[prio].addr, text);
		}
	}
	silent(b->fd);
	/* A message keeps what it was sent with. */
	say(p[0].fd, b->addr, "low");
	set(p[0].fd, 5);
	say(p[0].fd, b->addr, "high");
	set(p[0].fd, 0);
	heard(b->fd, p[0].addr, "high");
	heard(b->fd, p[0].addr, "low");
	/* The same at the master's end. */
	say(p[1].fd, BUS_MASTER_ADDR, "low");
	set(p[1].fd, 5);
	say(p[1].fd, BUS_MASTER_ADDR, "high");
	set(p[1].fd, 1);
	heard(p[1].end, p[1].addr, "high");
	heard(p[1].end, p[1].addr, "low");
}

/* After BUS_PRIO_BURST in a row it is the lowest's turn, for one. */
static void burst(struct peer *b)
{
	struct got g;
	int i, row = 0, lows = 0;

	for (i = 0; i < 4; i++)
		say(p[0].fd, b->addr, "low");
	say(p[3].fd, b->addr, "mid");
	for (i = 0; i < 4 * BUS_PRIO_BURST; i++)
		say(p[7].fd, b->addr, "high");
	for (i = 0; i < 4 * BUS_PRIO_BURST + 5; i++) {
		ok(nt_take(b->fd, &g, MSG_DONTWAIT));
		if (g.from == p[7].addr) {
			row++;
			check(row <= BUS_PRIO_BURST);
			continue;
		}
		/* As long as there are higher ones it was not early. */
		if (lows < 3) {
			is(row, BUS_PRIO_BURST);
			is(g.from, p[0].addr);
		}
		lows++;
		row = 0;
	}
	is(lows, 5);
	silent(b->fd);
}

static void room(int bus)
{
	struct peer b;
	int n;

	nt_set(bus, BUS_SET_MAXQLEN, 10);
	b = nt_peer(bus);
	is(nt_fill(p[0].fd, b.addr, "low"), 11);
	/* Full for its like, not for those above. */
	n = nt_fill(p[4].fd, b.addr, "mid");
	is(n, 11);
	refused(try_say(p[0].fd, b.addr, "low"), EAGAIN);
	n = nt_fill(p[7].fd, b.addr, "high");
	is(n, 11);
	for (n = 0; n < 11; n++)
		heard(b.fd, p[7].addr, "high");
	/* Room above is none below. */
	refused(try_say(p[4].fd, b.addr, "mid"), EAGAIN);
	refused(try_say(p[0].fd, b.addr, "low"), EAGAIN);
	is(nt_drain(b.fd), 22);
	/* Those above do take from those below. */
	is(nt_fill(p[7].fd, b.addr, "high"), 11);
	refused(try_say(p[0].fd, b.addr, "low"), EAGAIN);
	is(nt_drain(b.fd), 11);
	nt_close(&b);
}

int main(void)
{
	int bus = nt_bus(), i;
	struct peer b;

	if (getuid())
		nt_skip("not root");	/* priority 7 */
	nt_set(bus, BUS_SET_MAXQLEN, 100);
	for (i = 0; i <= BUS_PRIO_MAX; i++) {
		p[i] = nt_peer(bus);
		set(p[i].fd, i);
	}
	b = nt_peer(bus);
	ok(nt_add(b.end, PREFIX(1) | 1));
	order(&b);
	burst(&b);
	room(bus);
	close(bus);
	return 0;
}
