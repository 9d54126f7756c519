// SPDX-License-Identifier: LGPL-2.1-or-later
/* Another uid may use half of what others leave of a receiver's queue; the
 * receiver's own all of it. */
#include "native-test.h"

static int bus, up[2], down[2];
static uint64_t target;

static int get(int fd)
{
	int n;

	is(read(fd, &n, sizeof(n)), sizeof(n));
	return n;
}

static void put(int fd, int n)
{
	is(write(fd, &n, sizeof(n)), sizeof(n));
}

/* Fills when told, and reports how many went. */
static void stranger(void *arg)
{
	int fd = nt_connect(bus), cmd;

	put(up[1], 0);
	while ((cmd = get(down[0])))
		put(up[1], nt_fill(fd, cmd == 2 ? GROUP(1) : target, "x"));
}

static int ask(int cmd)
{
	put(down[1], cmd);
	return get(up[0]);
}

static struct peer own_two(struct peer *b)
{
	*b = nt_peer(bus);
	target = b->addr;
	return nt_peer(bus);
}

static void session(int maxqlen, int least, int most)
{
	struct peer a, b, s;
	pid_t pid;
	int n, total;

	nt_set(bus, BUS_SET_MAXQLEN, maxqlen);
	a = own_two(&b);
	ok(nt_add(b.end, PREFIX(1) | 1));
	pid = nt_fork();
	if (!pid)
		_exit(nt_as(NT_UID, stranger, NULL) != 0);
	get(up[0]);
	s = nt_accept(bus, -1);
	ok(nt_join(s.end));
	total = maxqlen + 1;
	n = ask(1);
	check(n >= least && n <= most);
	is(ask(1), 0);
	is(ask(2), 0);
	/* The receiver's own uid has all the rest. */
	is(nt_fill(a.fd, b.addr, "x"), total - n);
	is(nt_drain(b.fd), total);
	is(ask(2), n);
	is(nt_drain(b.fd), n);
	/* Half of what is left, by then less. */
	if (total > 4) {
		for (n = 0; n < total / 2; n++)
			say(a.fd, b.addr, "x");
		n = ask(1);
		check(n > 0 && n <= (total - total / 2 + 1) / 2);
		nt_drain(b.fd);
	}
	is(nt_fill(a.fd, b.addr, "x"), total);
	is(ask(1), 0);
	put(down[1], 0);
	reap(pid);
	close(s.end);
	nt_close(&a);
	nt_close(&b);
}

int main(void)
{
	if (getuid())
		nt_skip("not root");
	bus = nt_bus();
	ok(pipe(up));
	ok(pipe(down));
	session(10, 5, 6);
	session(100, 50, 51);
	/* Who has room for one has room for anybody's one. */
	session(0, 1, 1);
	close(bus);
	return 0;
}
