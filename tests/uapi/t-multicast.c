// SPDX-License-Identifier: LGPL-2.1-or-later
/* Client bits all ones: everybody with an address of the prefix, once. */
#include "native-test.h"

static void groups(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct peer guest = nt_guest(bus);
	struct got g;

	/* Nobody there is no error, and nobody's message. */
	say(a.fd, GROUP(1), "nobody");
	silent(a.end);
	ok(nt_add(b.end, PREFIX(1) | 1));
	ok(nt_add(b.end, PREFIX(1) | 2));
	ok(nt_add(c.end, PREFIX(1) | 3));
	ok(nt_add(c.end, PREFIX(2) | 1));
	ok(nt_add(guest.end, PREFIX(1) | 4));
	say(a.fd, GROUP(1), "to one");
	say(a.fd, GROUP(2), "to two");
	heard(b.fd, a.addr, "to one");
	silent(b.fd);
	heard(c.fd, a.addr, "to one");
	heard(c.fd, a.addr, "to two");
	silent(c.fd);
	silent(a.fd);
	silent(a.end);
	silent(guest.fd);
	/* The sender too if it has one. */
	nt_set(c.fd, BUS_PASS_INFO, 1);
	say(c.fd, GROUP(1), "from inside");
	heard(b.fd, c.addr, "from inside");
	is(nt_take(c.fd, &g, MSG_DONTWAIT), 11);
	is(g.from, c.addr);
	is(g.info.addr, c.addr);
	is(g.info.to, GROUP(1));
	nt_set(c.fd, BUS_PASS_INFO, 0);
	/* With one address less it is still in, with none not. */
	ok(nt_del(b.end, PREFIX(1) | 1));
	say(a.fd, GROUP(1), "one left");
	heard(b.fd, a.addr, "one left");
	heard(c.fd, a.addr, "one left");
	ok(nt_del(b.end, PREFIX(1) | 2));
	say(a.fd, GROUP(1), "none left");
	silent(b.fd);
	heard(c.fd, a.addr, "none left");
	/* The master's. */
	say(a.end, GROUP(1), "from above");
	heard(c.fd, BUS_MASTER_ADDR, "from above");
	silent(a.fd);
	silent(a.end);
	/* Who joins is in with what was added before. */
	ok(nt_join(guest.end));
	say(a.fd, GROUP(1), "joined");
	heard(guest.fd, a.addr, "joined");
	heard(c.fd, a.addr, "joined");
	silent(guest.fd);
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
	nt_close(&guest);
}

static void everybody(int bus)
{
	struct peer p[20], guest = nt_guest(bus);
	int i;

	for (i = 0; i < 20; i++)
		p[i] = nt_peer(bus);
	ok(nt_add(p[3].end, PREFIX(1) | 1));
	say(p[0].fd, EVERYBODY, "all");
	say(p[7].end, EVERYBODY, "master to all");
	for (i = 0; i < 20; i++) {
		heard(p[i].fd, p[0].addr, "all");
		heard(p[i].fd, BUS_MASTER_ADDR, "master to all");
		silent(p[i].fd);
		silent(p[i].end);
	}
	silent(guest.fd);
	nt_close(&p[5]);
	say(p[0].fd, EVERYBODY, "again");
	for (i = 0; i < 20; i++)
		if (i != 5)
			heard(p[i].fd, p[0].addr, "again");
	for (i = 0; i < 20; i++)
		if (i != 5)
			nt_close(&p[i]);
	nt_close(&guest);
}

int main(void)
{
	int bus = nt_bus();

	groups(bus);
	everybody(bus);
	close(bus);
	return 0;
}
