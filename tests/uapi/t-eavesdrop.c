// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_SET_EAVESDROP: a copy of everything, in the order of the bus. */
#include "native-test.h"

#include <poll.h>

static int eaves(struct peer *p, int option)
{
	return setsockopt(p->end, SOL_BUS, option, NULL, 0);
}

/* The next at @fd; the place it has in the order. */
static uint64_t next(const char *at, int fd, uint64_t from, uint64_t to,
		     const char *text)
{
	struct got g;

	if (nt_take(fd, &g, MSG_DONTWAIT) < 0)
		nt_fail(at, "\"%s\" did not come", text);
	if (strcmp(g.data, text) || g.from != from || !g.has_info ||
	    g.info.to != to || g.info.addr != from)
		nt_fail(at, "wanted \"%s\", got \"%s\" from %#llx to %#llx",
			text, g.data, (unsigned long long)g.from,
			(unsigned long long)g.info.to);
	return g.info.seq;
}
#define next(fd, from, to, text) NT_AT(next(NT_LINE, fd, from, to, text))

static void everything(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), e = nt_peer(bus);
	struct peer guest = nt_guest(bus);
	uint64_t seq[9], none = e.addr + 1000;
	int i, w[2];
	struct got g;

	nt_set(a.fd, BUS_PASS_INFO, 1);
	nt_set(a.end, BUS_PASS_INFO, 1);
	nt_set(b.fd, BUS_PASS_INFO, 1);
	nt_set(guest.end, BUS_PASS_INFO, 1);
	say(a.fd, b.addr, "before");
	ok(eaves(&e, BUS_SET_EAVESDROP));
	nt_set(e.fd, BUS_PASS_INFO, 1);
	say(a.fd, b.addr, "to b");
	tell(a.fd, "to the master");
	tell(a.end, "from the master");
	say(a.fd, none, "to nobody");
	say(b.fd, EVERYBODY, "to all");
	say(a.fd, GROUP(5), "to an empty group");
	tell(guest.fd, "a guest's");
	say(e.fd, b.addr, "own");

	silent(e.end);
	seq[0] = next(e.fd, a.addr, b.addr, "to b");
	seq[1] = next(e.fd, a.addr, BUS_MASTER_ADDR, "to the master");
	seq[2] = next(e.fd, BUS_MASTER_ADDR, a.addr, "from the master");
	seq[3] = next(e.fd, a.addr, none, "to nobody");
	/* One copy, though it is one of all. */
	seq[4] = next(e.fd, b.addr, EVERYBODY, "to all");
	seq[5] = next(e.fd, a.addr, GROUP(5), "to an empty group");
	seq[6] = next(e.fd, guest.addr, BUS_MASTER_ADDR, "a guest's");
	seq[7] = next(e.fd, e.addr, b.addr, "own");
	silent(e.fd);
	for (i = 1; i < 8; i++)
		check(seq[i] > seq[i - 1]);
	/* The places are those the others see. */
	next(b.fd, a.addr, b.addr, "before");
	is(next(b.fd, a.addr, b.addr, "to b"), seq[0]);
	is(next(a.end, a.addr, BUS_MASTER_ADDR, "to the master"), seq[1]);
	is(next(a.fd, BUS_MASTER_ADDR, a.addr, "from the master"), seq[2]);
	is(next(a.end, a.addr, none, "to nobody"), seq[3]);
	is(next(a.fd, b.addr, EVERYBODY, "to all"), seq[4]);
	is(next(b.fd, b.addr, EVERYBODY, "to all"), seq[4]);
	is(next(guest.end, guest.addr, BUS_MASTER_ADDR, "a guest's"), seq[6]);
	is(next(b.fd, e.addr, b.addr, "own"), seq[7]);

	/* Files, too. */
	ok(pipe(w));
	is(nt_send_fds(a.fd, b.addr, "file", &w[1], 1, 0), 4);
	close(w[1]);
	is(nt_drain(b.fd), 1);
	is(nt_take(e.fd, &g, MSG_DONTWAIT), 4);
	is(g.n_fds, 1);
	is(write(g.fds[0], "!", 1), 1);
	close(g.fds[0]);
	close(w[0]);
	ok(eaves(&e, BUS_UNSET_EAVESDROP));
	say(a.fd, b.addr, "after");
	tell(a.fd, "after");
	silent(e.fd);
	nt_close(&a);
	nt_close(&b);
	nt_close(&e);
	nt_close(&guest);
}

/* It is a receiver: full, it keeps senders waiting, then it is removed. */
static void full(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), e = nt_peer(bus);
	struct bus_limits l = { .stall_ms = 400 };
	int n;

	ok(eaves(&e, BUS_SET_EAVESDROP));
	for (n = 0; try_say(a.fd, b.addr, "x") > 0; n++)
		heard(b.fd, a.addr, "x");
	is(errno, EAGAIN);
	is(n, 11);
	refused(send(a.fd, "x", 1, MSG_DONTWAIT), EAGAIN);
	refused(send(a.end, "x", 1, MSG_DONTWAIT), EAGAIN);
	silent(b.fd);
	silent(a.end);
	silent(a.fd);
	is(nt_drain(e.fd), n);
	say(a.fd, b.addr, "room");
	heard(b.fd, a.addr, "room");
	nt_set_limits(bus, l);
	for (n = 0; !nt_poll(e.end, POLLRDHUP, 0); n++) {
		say(a.fd, b.addr, "x");
		heard(b.fd, a.addr, "x");
	}
	check(n >= 11);
	told_closed(&e, BUS_REASON_STALLED);
	is(nt_reason(e.fd), BUS_REASON_STALLED);
	say(a.fd, b.addr, "without it");
	heard(b.fd, a.addr, "without it");
	nt_close(&a);
	nt_close(&b);
	nt_close(&e);
}

/* Two at once, one of them the receiver. */
static void two(int bus)
{
	struct peer a = nt_peer(bus), e = nt_peer(bus), f = nt_peer(bus);

	ok(eaves(&e, BUS_SET_EAVESDROP));
	ok(eaves(&f, BUS_SET_EAVESDROP));
	say(a.fd, e.addr, "to one of them");
	heard(e.fd, a.addr, "to one of them");
	heard(f.fd, a.addr, "to one of them");
	silent(e.fd);
	silent(f.fd);
	/* Going ends it. */
	nt_close(&e);
	say(a.fd, EVERYBODY, "x");
	heard(f.fd, a.addr, "x");
	silent(f.fd);
	nt_close(&a);
	nt_close(&f);
}

int main(void)
{
	int bus = nt_bus();

	everything(bus);
	two(bus);
	full(bus);
	close(bus);
	return 0;
}
