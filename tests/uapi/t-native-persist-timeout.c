// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A native bus that nobody takes over ends when its time is up, with all that is
 * on it. Files that wait for its master wait as long as there is none; what holds
 * itself, in ends that nobody has, ends. Nothing stays behind.
 */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

static struct sockaddr_bus name;
static int before;

static int begin(uint32_t persist_ms)
{
	int bus;

	name = nt_name();
	bus = nt_bus_at(&name);
	nt_set(bus, BUS_PERSIST, persist_ms);
	return bus;
}

static void pass(int fd, uint64_t to, int what)
{
	is(nt_send_fds(fd, to, "x", &what, 1, 0), 1);
}

#define gone() lines_gone(before, 60)

/* With the bus, or its end was let go of just as that ended. */
static void expect_end(int fd)
{
	struct got g;

	while (nt_take(fd, &g, 0) > 0)
		;
	check(nt_reason(fd) == BUS_REASON_ENDED ||
	      nt_reason(fd) == BUS_REASON_MASTER);
	close(fd);
}

/* ---- nobody comes ---- */

/* Ends that are returned, one that the master has passed on, somebody who was
 * never accepted. */
static void nobody_comes(uint32_t ms)
{
	int bus = begin(ms), fds[2], fresh, i;
	struct peer p[4];
	char x;

	ok(pipe(fds));
	for (i = 0; i < 4; i++)
		p[i] = i % 2 ? nt_peer(bus) : nt_guest(bus);
	ok(nt_add(p[1].end, PREFIX(1) | 1));
	fresh = nt_connect(bus);
	for (i = 0; i < 4; i++)
		pass(p[i].fd, BUS_MASTER_ADDR, fds[1]);
	pass(fresh, BUS_MASTER_ADDR, fds[1]);
	close(fds[1]);
	/* One is closed before the bus, two after it, one when all is over. */
	close(p[0].end);
	close(bus);
	close(p[1].end);
	close(p[2].end);
	for (i = 0; i < 4; i++)
		expect_end(p[i].fd);
	expect_end(fresh);
	close(p[3].end);
	/* The files went with their messages. */
	is(read(fds[0], &x, 1), 0);
	close(fds[0]);
	gone();
	/* The name is another's. */
	bus = nt_bus_at(&name);
	is(nt_get(bus, SOL_BUS, BUS_PERSIST), 0);
	close(bus);
}

/* ---- what holds itself ---- */

static const struct bus_limits quick = { .stall_ms = 300 };

/* With a master who is there, and does not accept them again. */
static void returned(void)
{
	int bus = begin(3600000);
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus),
		    d = nt_peer(bus);

	nt_set_limits(bus, quick);
	/* The client in its end's queue. */
	pass(a.fd, BUS_MASTER_ADDR, a.fd);
	/* The end in its own, and one in another's. */
	pass(b.fd, BUS_MASTER_ADDR, b.end);
	pass(b.fd, BUS_MASTER_ADDR, c.fd);
	pass(c.fd, BUS_MASTER_ADDR, b.end);
	pass(c.fd, BUS_MASTER_ADDR, c.end);
	/* In its client's. */
	pass(d.end, d.addr, d.end);
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
	nt_close(&d);
	before++;
	gone();
	before--;
	nt_set(bus, BUS_PERSIST, 0);
	close(bus);
	gone();
}

/* The bus's own socket, in an end that nobody has. */
static void the_bus(void)
{
	int bus = begin(500);
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	nt_set_limits(bus, quick);
	pass(a.fd, BUS_MASTER_ADDR, bus);
	pass(a.fd, BUS_MASTER_ADDR, a.fd);
	pass(b.fd, BUS_MASTER_ADDR, b.end);
	pass(b.fd, b.addr, bus);
	nt_close(&a);
	nt_close(&b);
	close(bus);
	gone();
}

/* The same, without a master from the beginning. */
static void orphaned(void)
{
	int bus = begin(1500);
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	int copy_a = dup(a.end), copy_b = dup(b.end);

	nt_set_limits(bus, quick);
	close(bus);
	close(a.end);
	close(b.end);
	pass(a.fd, BUS_MASTER_ADDR, a.fd);
	pass(a.fd, b.addr, copy_a);
	pass(b.fd, BUS_MASTER_ADDR, copy_b);
	pass(b.fd, BUS_MASTER_ADDR, b.fd);
	close(copy_a);
	close(copy_b);
	close(a.fd);
	close(b.fd);
	gone();
}

/* ---- files that wait for a successor ---- */

/* Time without a master is nobody's fault. */
static void files_wait(void)
{
	long stall = nt_env("AFBUS_TEST_WAIT_MS", 20000) / 20;
	int bus = begin(3600000), sv[2];
	struct peer p = nt_peer(bus);
	struct got g;
	char x;

	nt_set_limits(bus, (struct bus_limits){ .stall_ms = stall });
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(bus);
	close(p.end);
	pass(p.fd, BUS_MASTER_ADDR, sv[1]);
	close(sv[1]);
	usleep(stall * 2500);
	is(nt_reason(p.fd), BUS_REASON_NONE);
	bus = nt_bus_at(&name);
	p = nt_accept(bus, p.fd);
	is(nt_take(p.end, &g, MSG_DONTWAIT), 1);
	is(g.n_fds, 1);
	is(write(g.fds[0], "!", 1), 1);
	is(read(sv[0], &x, 1), 1);
	close(g.fds[0]);
	close(sv[0]);
	nt_set(bus, BUS_PERSIST, 0);
	nt_close(&p);
	close(bus);
	gone();
}

/* But with one it has an end again. */
static void files_do_not_wait(void)
{
	int bus = begin(3600000), sv[2];
	struct peer p = nt_peer(bus);
	char x;

	nt_set_limits(bus, quick);
	ok(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	close(bus);
	pass(p.fd, BUS_MASTER_ADDR, sv[1]);
	close(sv[1]);
	close(p.end);
	bus = ok(nt_socket());
	ok(bind(bus, NT_SA(&name), sizeof(name)));
	is(read(sv[0], &x, 1), 0);
	is(nt_reason(p.fd), BUS_REASON_STALLED);
	p = nt_accept(bus, p.fd);
	nt_set(bus, BUS_PERSIST, 0);
	nt_close(&p);
	close(sv[0]);
	close(bus);
	gone();
}

int main(void)
{
	before = nt_proc_lines();
	nobody_comes(1);
	nobody_comes(300);
	returned();
	the_bus();
	orphaned();
	files_wait();
	files_do_not_wait();
	if (!getuid()) {
		unload_within("af_bus_dbus", 60);
		unload_within("af_bus", 60);
	}
	return 0;
}
