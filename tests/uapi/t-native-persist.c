// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A native bus lives on without its master: clients talk and multicast, in order
 * and once, what is for the master waits, new clients do. Whoever binds the name
 * is given the ends again with all they had, and then who is new. Whichever is
 * closed first, bus or ends; or the master is killed.
 */
#include "native-test.h"

#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OLD 4

static struct sockaddr_bus name;
/* Two that joined, one that has a filter, a guest. */
static struct peer peers[OLD], *a = &peers[0], *b = &peers[1], *c = &peers[2],
		   *guest = &peers[3];
static const uint64_t a_has[] = {
	PREFIX(1) | 1, PREFIX(2) | 7, PREFIX(1) | 5,
};

/* ---- before ---- */

static void three_bytes(int end)
{
	struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 3);
	struct sock_fprog p = { 1, &code };

	ok(setsockopt(end, SOL_BUS, BUS_FILTER, &p, sizeof(p)));
}

static int begin(void)
{
	int bus, i;

	name = nt_name();
	bus = nt_bus_at(&name);
	nt_set(bus, BUS_PERSIST, NT_LASTING);
	for (i = 0; i < OLD; i++)
		peers[i] = i < 3 ? nt_peer(bus) : nt_guest(bus);
	for (i = 0; i < 3; i++)
		ok(nt_add(a->end, a_has[i]));
	ok(nt_add(b->end, PREFIX(1) | 2));
	three_bytes(c->end);
	return bus;
}

/* ---- the end of a master ---- */

enum way { BUS_FIRST, ENDS_FIRST, KILLED, N_WAYS };

static void close_all(int bus, enum way way)
{
	int i;

	if (way != ENDS_FIRST)
		close(bus);
	for (i = 0; i < OLD; i++)
		close(peers[i].end);
	if (way == ENDS_FIRST)
		close(bus);
}

static void leave(int bus, enum way way)
{
	pid_t pid = 0;

	if (way == KILLED) {
		pid = nt_fork();
		if (!pid)
			for (;;)
				pause();
	}
	close_all(bus, way);
	if (!pid)
		return;
	ok(kill(pid, SIGKILL));
	is(waitpid(pid, NULL, 0), pid);
}

/* ---- without one ---- */

static void talk(const char *text)
{
	say(a->fd, b->addr, text);
	heard(b->fd, a->addr, text);
	say(b->fd, a_has[1], text);
	heard(a->fd, b->addr, text);
	/* All, in one order, once. */
	say(a->fd, EVERYBODY, "one");
	say(b->fd, GROUP(1), "two");
	say(c->fd, EVERYBODY, "three");
	heard(a->fd, a->addr, "one");
	heard(a->fd, b->addr, "two");
	heard(a->fd, c->addr, "three");
	heard(b->fd, a->addr, "one");
	heard(b->fd, b->addr, "two");
	heard(b->fd, c->addr, "three");
	heard(c->fd, a->addr, "one");
	heard(c->fd, c->addr, "thr");
	silent(a->fd);
	silent(b->fd);
	silent(c->fd);
	silent(guest->fd);
}

static int newcomer(void)
{
	int fd = nt_socket();

	ok(connect(fd, NT_SA(&name), sizeof(name)));
	tell(fd, "new here");
	return fd;
}

/* ---- the next ---- */

static void check_old(struct peer *p, uint64_t times, uint64_t waiting)
{
	struct bus_outage o = nt_outage(p->end);

	is(o.takeovers, times);
	check(o.last_us > 0);
	is(o.waiting, waiting);
	is(o.handed + o.parked + o.kept, 0);
	is(nt_get(p->end, SOL_BUS, BUS_JOIN_BUS), p != guest);
	is(nt_get(p->end, SOL_BUS, BUS_SET_EAVESDROP), 0);
}

static void check_addresses(void)
{
	struct bus_addr addrs[4];
	socklen_t len = sizeof(addrs);

	ok(getsockopt(a->end, SOL_BUS, BUS_ADD_ADDR, addrs, &len));
	is(len, sizeof(a_has));
	check(!memcmp(addrs, a_has, len));
	/* They are taken still. */
	refused(nt_add(b->end, a_has[0]), EADDRINUSE);
	len = sizeof(addrs);
	ok(getsockopt(guest->end, SOL_BUS, BUS_ADD_ADDR, addrs, &len));
	is(len, 0);
}

static void accept_old(int bus, uint64_t times)
{
	/* What each said to the master, below. */
	static const unsigned int waiting[OLD] = { 3, 0, 1, 1 };
	struct peer p;
	int i, n;

	/* A process that ends closes what it has in no order. */
	for (i = 0; i < OLD; i++)
		peers[i].end = -1;
	for (n = 0; n < OLD; n++) {
		check(nt_poll(bus, POLLIN, 0) & POLLIN);
		p = nt_accept(bus, -1);
		for (i = 0; i < OLD && peers[i].addr != p.addr; i++)
			;
		check(i < OLD && peers[i].end == -1);
		is(nt_getsockname(p.end).sbus_addr.s_addr, BUS_MASTER_ADDR);
		peers[i].end = p.end;
		check_old(&peers[i], times, waiting[i]);
	}
	check_addresses();
}

static void accept_new(int bus, int fd)
{
	struct peer p = nt_accept(bus, fd);

	is(nt_outage(p.end).takeovers, 0);
	is(nt_get(p.end, SOL_BUS, BUS_JOIN_BUS), 0);
	heard(p.end, p.addr, "new here");
	ok(nt_join(p.end));
	say(p.fd, PREFIX(1) | 2, "and in");
	heard(b->fd, p.addr, "and in");
	ok(shutdown(p.end, SHUT_RDWR));
	nt_close(&p);
	check(!(nt_poll(bus, POLLIN, 0) & POLLIN));
}

static void read_ends(void)
{
	heard(a->end, a->addr, "before");
	heard(a->end, a->addr, "while you were out");
	heard(a->end, a->addr, "to nobody");
	heard(c->end, c->addr, "I have news");
	heard(guest->end, guest->addr, "let me in");
	silent(a->end);
	silent(b->end);
	silent(c->end);
	silent(guest->end);
}

static void answer(void)
{
	int i;

	for (i = 0; i < OLD; i++) {
		tell(peers[i].end, "yes");
		heard(peers[i].fd, BUS_MASTER_ADDR, "yes");
		tell(peers[i].fd, "thanks");
		heard(peers[i].end, peers[i].addr, "thanks");
	}
}

static int round_of(int bus, uint64_t n, enum way way)
{
	struct bus_outage o;
	int fresh;

	tell(a->fd, "before");
	leave(bus, way);
	talk("nobody is here");
	tell(a->fd, "while you were out");
	say(a->fd, PREFIX(9) | 9, "to nobody");
	tell(c->fd, "I have news");
	tell(guest->fd, "let me in");
	fresh = newcomer();
	bus = nt_bus_at(&name);
	o = nt_outage(bus);
	is(o.takeovers, n);
	check(o.last_us > 0);
	is(o.waiting, OLD + 1);
	is(o.handed, OLD);
	accept_old(bus, n);
	accept_new(bus, fresh);
	read_ends();
	answer();
	talk("welcome");
	is(nt_outage(bus).waiting, 0);
	return bus;
}

/* ---- who they are ---- */

/* Another's client, who has no more to do with the master than its socket. */
static pid_t other_client(int bus, int *ready)
{
	int fds[2];
	pid_t pid;

	ok(pipe(fds));
	pid = nt_fork();
	if (!pid) {
		close(bus);
		if (!getuid())
			ok(setresuid(NT_UID, NT_UID, NT_UID));
		/* It went with the uid. */
		ok(prctl(PR_SET_PDEATHSIG, SIGKILL));
		newcomer();
		ok(write(fds[1], "", 1));
		for (;;)
			pause();
	}
	close(fds[1]);
	*ready = fds[0];
	return pid;
}

static void whose(int end, pid_t pid)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	ok(getsockopt(end, SOL_SOCKET, SO_PEERCRED, &uc, &len));
	is(uc.pid, pid);
	is(uc.uid, getuid() ? getuid() : NT_UID);
}

static void credentials(void)
{
	int bus, ready, end;
	pid_t pid;
	char x;

	name = nt_name();
	bus = nt_bus_at(&name);
	nt_set(bus, BUS_PERSIST, NT_LASTING);
	pid = other_client(bus, &ready);
	is(read(ready, &x, 1), 1);
	end = ok(accept(bus, NULL, NULL));
	whose(end, pid);
	close(bus);
	close(end);
	bus = nt_bus_at(&name);
	end = ok(accept(bus, NULL, NULL));
	whose(end, pid);
	nt_set(bus, BUS_PERSIST, 0);
	close(end);
	close(bus);
	ok(kill(pid, SIGKILL));
	is(waitpid(pid, NULL, 0), pid);
	close(ready);
}

int main(void)
{
	int bus, way;
	uint64_t n;

	for (way = 0; way < N_WAYS; way++) {
		bus = begin();
		for (n = 1; n <= 3; n++)
			bus = round_of(bus, n, (way + n) % N_WAYS);
		/* Given up, it ends with its master, at once. */
		nt_set(bus, BUS_PERSIST, 0);
		close(bus);
		check(nt_poll(a->fd, POLLRDHUP, 0) & POLLRDHUP);
		for (n = 0; n < OLD; n++)
			nt_close(&peers[n]);
	}
	credentials();
	return 0;
}
