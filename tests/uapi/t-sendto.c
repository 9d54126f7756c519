// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where a message for one address goes: its client, or the sender's end at
 * the master when nobody has it. */
#include "native-test.h"

static ssize_t via(int fd, const struct sockaddr_bus *bus, uint64_t addr)
{
	struct sockaddr_bus sa = *bus;

	sa.sbus_addr.s_addr = addr;
	return sendto(fd, "via", 3, MSG_NOSIGNAL, NT_SA(&sa), sizeof(sa));
}

/* It came to the master's end of @from, and was going to @to. */
static void at_master(struct peer *p, uint64_t from, uint64_t to,
		      const char *text)
{
	struct got g;

	is(nt_take(p->end, &g, MSG_DONTWAIT), strlen(text));
	check(!strcmp(g.data, text));
	is(g.from, from);
	check(g.has_info);
	is(g.info.kind, BUS_KIND_MESSAGE);
	is(g.info.addr, from);
	is(g.info.to, to);
	silent(p->end);
}

static void nobody(int bus, struct peer *a)
{
	struct peer c = nt_guest(bus);
	uint64_t none = c.addr + 1000, special = PREFIX(7) | 5;

	nt_set(a->end, BUS_PASS_INFO, 1);
	say(a->fd, none, "nobody");
	at_master(a, a->addr, none, "nobody");
	say(a->fd, special, "nobody either");
	at_master(a, a->addr, special, "nobody either");
	/* Not joined yet: neither its client nor its end hears of it. */
	ok(nt_add(c.end, special));
	say(a->fd, c.addr, "not yet");
	at_master(a, a->addr, c.addr, "not yet");
	say(a->fd, special, "not yet");
	at_master(a, a->addr, special, "not yet");
	silent(c.fd);
	silent(c.end);
	/* The master's own comes back to it. */
	say(a->end, none, "the master's");
	at_master(a, BUS_MASTER_ADDR, none, "the master's");
	say(a->end, c.addr, "the master's");
	at_master(a, BUS_MASTER_ADDR, c.addr, "the master's");
	silent(a->fd);
	/* Joined. */
	ok(nt_join(c.end));
	say(a->fd, c.addr, "now");
	heard(c.fd, a->addr, "now");
	say(a->fd, special, "now");
	heard(c.fd, a->addr, "now");
	say(a->end, special, "the master's");
	heard(c.fd, BUS_MASTER_ADDR, "the master's");
	silent(a->end);
	/* Gone. */
	nt_close(&c);
	say(a->fd, c.addr, "gone");
	at_master(a, a->addr, c.addr, "gone");
	say(a->fd, special, "gone");
	at_master(a, a->addr, special, "gone");
	nt_set(a->end, BUS_PASS_INFO, 0);
}

static void paths(int bus, struct peer *a, struct peer *b)
{
	int other = nt_bus();
	struct sockaddr_bus own = nt_getsockname(bus);
	struct sockaddr_bus foreign = nt_getsockname(other);
	struct sockaddr_bus part = own;
	struct peer guest = nt_guest(bus);

	is(via(a->fd, &own, b->addr), 3);
	heard(b->fd, a->addr, "via");
	is(via(a->fd, &own, BUS_MASTER_ADDR), 3);
	heard(a->end, a->addr, "via");
	refused(via(a->fd, &foreign, b->addr), EHOSTUNREACH);
	refused(via(a->fd, &foreign, BUS_MASTER_ADDR), EHOSTUNREACH);
	refused(via(a->fd, &foreign, EVERYBODY), EHOSTUNREACH);
	refused(via(a->fd, &foreign, b->addr + 1000), EHOSTUNREACH);
	refused(via(guest.fd, &foreign, BUS_MASTER_ADDR), EHOSTUNREACH);
	refused(via(a->end, &foreign, b->addr), EHOSTUNREACH);
	/* A name that begins as the bus's. */
	part.sbus_path[1 + strlen(part.sbus_path + 1) - 1] = 0;
	refused(via(a->fd, &part, b->addr), EHOSTUNREACH);
	silent(b->fd);
	silent(a->end);
	close(other);
}

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	say(a.fd, b.addr, "to b");
	say(b.fd, a.addr, "to a");
	heard(b.fd, a.addr, "to b");
	heard(a.fd, b.addr, "to a");
	say(a.fd, a.addr, "to myself");
	heard(a.fd, a.addr, "to myself");
	silent(a.end);
	silent(b.end);
	silent(a.fd);
	silent(b.fd);
	/* From one of several addresses, always the one of prefix 0. */
	ok(nt_add(a.end, PREFIX(9) | 9));
	say(a.fd, b.addr, "to b");
	heard(b.fd, a.addr, "to b");
	say(b.fd, PREFIX(9) | 9, "to nine");
	heard(a.fd, b.addr, "to nine");
	nobody(bus, &a);
	paths(bus, &a, &b);
	close(bus);
	return 0;
}
