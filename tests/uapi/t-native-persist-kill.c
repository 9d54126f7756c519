// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Masters that are killed at any moment, one after the other, while clients
 * multicast and others come: every multicast is had by every client, once and in
 * one order, no client is lost, whoever comes is let in, and what they say to the
 * master is heard in order, but for what a dead one was just reading.
 *
 * $PERSIST_KILLS times (30).
 */
#include "native-test.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CLIENTS 4
#define ENDS 64

static struct sockaddr_bus name;
static atomic_bool over;
static long kills;

/* ---- a master: a process of its own ---- */

/* Of each client, what masters have heard last; shared with them. */
static struct {
	atomic_uint heard[CLIENTS + 1], lost, welcomes, returned;
} *shared;

struct end {
	int fd;
	uint64_t addr;
	bool first;		/* nothing was heard of it yet */
};

static struct end ends[ENDS];
static int n_ends;

static void welcome(int bus)
{
	struct peer p = nt_accept(bus, -1);

	check(n_ends < ENDS);
	ends[n_ends++] = (struct end){ p.end, p.addr, true };
	if (nt_outage(p.end).takeovers)
		shared->returned++;
	/* Its client may have gone. */
	if (nt_join(p.end))
		check(errno == EISCONN || errno == ENOTCONN);
	if (send(p.end, "welcome", 7, MSG_NOSIGNAL) < 0)
		is(errno, EPIPE);
	else
		shared->welcomes++;
}

static void let_go(struct end *e)
{
	check(e->addr > CLIENTS);
	ok(shutdown(e->fd, SHUT_RDWR));
	close(e->fd);
	*e = ends[--n_ends];
}

static void hear(struct end *e)
{
	unsigned int n, last;
	struct got g;

	ok(nt_take(e->fd, &g, 0));
	if (!g.len) {
		let_go(e);
		return;
	}
	check(e->addr <= CLIENTS);
	memcpy(&n, g.data, sizeof(n));
	last = shared->heard[e->addr];
	/* Those before may have died between reading and writing. */
	if (n != last + 1 && !(e->first && n > last))
		fail("client %llu said %u after %u",
		     (unsigned long long)e->addr, n, last);
	shared->lost += n - last - 1;
	shared->heard[e->addr] = n;
	e->first = false;
}

static void serve(int bus)
{
	struct pollfd p[ENDS + 1];
	int i, n;

	for (;;) {
		n = n_ends;
		p[n] = (struct pollfd){ bus, POLLIN, 0 };
		for (i = 0; i < n; i++)
			p[i] = (struct pollfd){ ends[i].fd, POLLIN, 0 };
		ok(poll(p, n + 1, -1));
		/* From the last, whose place another may take. */
		for (i = n - 1; i >= 0; i--)
			if (p[i].revents)
				hear(&ends[i]);
		if (p[n].revents)
			welcome(bus);
	}
}

static pid_t master(void)
{
	pid_t pid = nt_fork();
	int bus;

	if (pid)
		return pid;
	/* Clients are the parent's alone, or they would not go. */
	ok(close_range(3, ~0U, 0));
	bus = nt_bus_at(&name);
	check(nt_outage(bus).takeovers > 0);
	serve(bus);
	_exit(1);
}

static void kill_it(pid_t pid)
{
	int status;

	ok(kill(pid, SIGKILL));
	is(waitpid(pid, &status, 0), pid);
	/* It may have found a mistake. */
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- clients ---- */

static struct peer clients[CLIENTS];
static unsigned int sent[CLIENTS], told[CLIENTS], visits;

static void *talk(void *arg)
{
	unsigned int i = (uintptr_t)arg, n[2] = { i };
	int fd = clients[i].fd;

	while (!over) {
		n[1] = ++sent[i];
		is(nt_to(fd, EVERYBODY, n, sizeof(n), 0), sizeof(n));
		n[1] = told[i] + 1;
		if (nt_to(fd, BUS_MASTER_ADDR, &n[1], sizeof(n[1]),
			  MSG_DONTWAIT) < 0)
			is(errno, EAGAIN);
		else
			told[i]++;
	}
	return NULL;
}

static void *listen_to(void *arg)
{
	struct peer *c = arg;
	unsigned int had[CLIENTS] = { 0 }, n[2], i;
	uint64_t seq = 0;
	struct got g;

	for (;;) {
		check(nt_take(c->fd, &g, 0) > 0);
		check(g.has_info);
		if (g.from == BUS_MASTER_ADDR && strcmp(g.data, "end"))
			continue;
		if (g.from == BUS_MASTER_ADDR)
			break;
		if (g.info.seq <= seq)
			fail("place %llu after %llu",
			     (unsigned long long)g.info.seq,
			     (unsigned long long)seq);
		seq = g.info.seq;
		memcpy(n, g.data, sizeof(n));
		check(n[0] < CLIENTS && g.from == clients[n[0]].addr);
		if (n[1] != ++had[n[0]])
			fail("client %llu has %u of %u, wanted %u",
			     (unsigned long long)c->addr, n[1], n[0],
			     had[n[0]]);
	}
	for (i = 0; i < CLIENTS; i++)
		is(had[i], sent[i]);
	return NULL;
}

/* Comes, waits to be let in, whoever the master is, and goes. */
static void *visit(void *arg)
{
	struct got g;
	int fd;

	(void)arg;
	while (!over) {
		fd = nt_socket();
		ok(connect(fd, NT_SA(&name), sizeof(name)));
		do {
			check(nt_take(fd, &g, 0) > 0);
		} while (g.from != BUS_MASTER_ADDR);
		check(!strcmp(g.data, "welcome"));
		close(fd);
		visits++;
	}
	return NULL;
}

/* ---- */

static void kill_masters(void)
{
	pid_t pid = master();
	int i, n = kills;

	for (i = 0; i < n; i++) {
		usleep(rand() % 60000);
		kill_it(pid);
		if (i % 2)
			usleep(rand() % 20000);
		pid = master();
	}
	/* Who waits to be let in is. */
	over = true;
	while (over)
		usleep(1000);
	kill_it(pid);
}

/* All are there, have what they had, and nobody else is. */
static void count(int bus)
{
	int seen[CLIENTS + 1] = { 0 };
	uint64_t waiting = nt_outage(bus).waiting;
	struct peer p;

	while (waiting--) {
		p = nt_accept(bus, -1);
		if (p.addr > CLIENTS) {
			close(p.end);
			continue;
		}
		check(nt_outage(p.end).takeovers > 0);
		is(nt_get(p.end, SOL_BUS, BUS_JOIN_BUS), 1);
		is(seen[p.addr]++, 0);
		clients[p.addr - 1].end = p.end;
	}
	for (int i = 1; i <= CLIENTS; i++)
		is(seen[i], 1);
}

static void *all_clients(void *arg)
{
	pthread_t t[CLIENTS], v;
	uintptr_t i;

	(void)arg;
	for (i = 0; i < CLIENTS; i++)
		pthread_create(&t[i], NULL, talk, (void *)i);
	pthread_create(&v, NULL, visit, NULL);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(t[i], NULL);
	pthread_join(v, NULL);
	over = false;
	return NULL;
}

int main(void)
{
	pthread_t r[CLIENTS], c;
	int bus, i;

	srand(getpid());
	kills = nt_env("PERSIST_KILLS", 30);
	name = nt_name();
	bus = nt_bus_at(&name);
	nt_set(bus, BUS_PERSIST, NT_LASTING);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	for (i = 0; i < CLIENTS; i++) {
		clients[i] = nt_peer(bus);
		is(clients[i].addr, i + 1);
		nt_set(clients[i].fd, BUS_PASS_INFO, 1);
	}
	for (i = 0; i < CLIENTS; i++)
		close(clients[i].end);
	close(bus);
	for (i = 0; i < CLIENTS; i++)
		pthread_create(&r[i], NULL, listen_to, &clients[i]);
	pthread_create(&c, NULL, all_clients, NULL);
	kill_masters();
	pthread_join(c, NULL);
	bus = nt_bus_at(&name);
	count(bus);
	say(clients[0].end, EVERYBODY, "end");
	for (i = 0; i < CLIENTS; i++)
		pthread_join(r[i], NULL);
	printf("%u multicasts, %u visits, %u ends came again, %u messages were lost with a master\n",
	       sent[0] + sent[1] + sent[2] + sent[3], visits,
	       (unsigned int)shared->returned, (unsigned int)shared->lost);
	check(visits > 0 && shared->welcomes > 0 && sent[0] > 0);
	/* A master that is killed takes one with it, of all clients. */
	check((long)shared->lost <= kills + 1);
	nt_set(bus, BUS_PERSIST, 0);
	for (i = 0; i < CLIENTS; i++)
		nt_close(&clients[i]);
	close(bus);
	return 0;
}
