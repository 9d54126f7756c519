// SPDX-License-Identifier: LGPL-2.1-or-later
/* A new client talks with the master, in both directions, and with nobody
 * else. */
#include "native-test.h"

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_guest(bus), b = nt_guest(bus), in = nt_peer(bus);
	struct got g;

	tell(a.fd, "no address");
	heard(a.end, a.addr, "no address");
	say(a.fd, BUS_MASTER_ADDR, "the master's");
	heard(a.end, a.addr, "the master's");
	silent(b.end);
	tell(a.end, "answer");
	heard(a.fd, BUS_MASTER_ADDR, "answer");
	silent(a.fd);
	tell(b.end, "one");
	tell(b.end, "two");
	tell(b.fd, "between");
	tell(b.end, "three");
	is(nt_take(b.fd, &g, MSG_DONTWAIT), 3);
	is(g.namelen, sizeof(struct sockaddr_bus));
	heard(b.fd, BUS_MASTER_ADDR, "two");
	heard(b.fd, BUS_MASTER_ADDR, "three");
	heard(b.end, b.addr, "between");

	refused(try_say(a.fd, b.addr, "x"), EHOSTUNREACH);
	refused(try_say(a.fd, in.addr, "x"), EHOSTUNREACH);
	refused(try_say(a.fd, a.addr, "x"), EHOSTUNREACH);
	refused(try_say(a.fd, in.addr + 999, "x"), EHOSTUNREACH);
	refused(try_say(a.fd, PREFIX(3) | 1, "x"), EHOSTUNREACH);
	refused(try_say(a.fd, GROUP(3), "x"), EHOSTUNREACH);
	refused(try_say(a.fd, EVERYBODY, "x"), EHOSTUNREACH);
	/* An address of its own changes nothing. */
	ok(nt_add(a.end, PREFIX(3) | 1));
	refused(try_say(a.fd, GROUP(3), "x"), EHOSTUNREACH);
	refused(try_say(a.fd, PREFIX(3) | 1, "x"), EHOSTUNREACH);
	silent(in.fd);
	silent(in.end);
	silent(a.fd);
	silent(a.end);
	silent(b.fd);

	ok(nt_join(a.end));
	say(a.fd, in.addr, "at last");
	heard(in.fd, a.addr, "at last");
	tell(a.fd, "and still");
	heard(a.end, a.addr, "and still");
	close(bus);
	return 0;
}
