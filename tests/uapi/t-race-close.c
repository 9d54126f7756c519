// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every call against closing and shutting down in another thread, for
 * AFBUS_TEST_SECONDS (20). Nothing is asked of the results; the kernel's log
 * is looked at by who runs this, and afterwards nothing may be left.
 */
#include "native-test.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>

#define SLOTS 12
#define WORKERS 4

static int bus;
static volatile int fds[2 * SLOTS];	/* clients, then ends */
static volatile uint64_t addrs[SLOTS];
static volatile bool stop;

static uint64_t any_addr(unsigned int *seed)
{
	uint64_t special[] = { BUS_MASTER_ADDR, EVERYBODY, GROUP(1),
			       PREFIX(1) | 1 };
	unsigned int r = rand_r(seed);

	return r % 2 ? addrs[r / 2 % SLOTS] : special[r / 2 % 4];
}

static void op_send(int fd, unsigned int *seed)
{
	char data[3000] = { 0 };

	nt_to(fd, any_addr(seed), data, rand_r(seed) % sizeof(data),
	      rand_r(seed) % 2 ? MSG_DONTWAIT : 0);
}

static void op_send_plain(int fd, unsigned int *seed)
{
	(void)!send(fd, "plain", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void op_send_fds(int fd, unsigned int *seed)
{
	int what = fds[rand_r(seed) % (2 * SLOTS)];

	nt_send_fds(fd, any_addr(seed), "f", &what, 1, MSG_DONTWAIT);
}

static void op_recv(int fd, unsigned int *seed)
{
	struct got g;

	nt_take(fd, &g, rand_r(seed) % 4 ? MSG_DONTWAIT : 0);
	while (g.len >= 0 && g.n_fds)
		close(g.fds[--g.n_fds]);
}

static void op_peek(int fd, unsigned int *seed)
{
	char c[8];

	(void)!recv(fd, c, sizeof(c), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
}

static void op_poll(int fd, unsigned int *seed)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&p, 1, rand_r(seed) % 3);
}

static void op_epoll(int fd, unsigned int *seed)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	epoll_wait(ep, &ev, 1, 0);
	close(ep);
}

static void op_name(int fd, unsigned int *seed)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	getsockname(fd, NT_SA(&sa), &len);
	len = sizeof(sa);
	getpeername(fd, NT_SA(&sa), &len);
}

static void op_end(int fd, unsigned int *seed)
{
	int options[] = { BUS_JOIN_BUS, BUS_SET_EAVESDROP,
			  BUS_UNSET_EAVESDROP, BUS_FILTER };
	struct bus_addr a = { PREFIX(1) | (rand_r(seed) % 4 + 1) };

	setsockopt(fd, SOL_BUS, options[rand_r(seed) % 4], NULL, 0);
	setsockopt(fd, SOL_BUS, rand_r(seed) % 2 ? BUS_ADD_ADDR : BUS_DEL_ADDR,
		   &a, sizeof(a));
}

static void op_get(int fd, unsigned int *seed)
{
	uint64_t full[4];
	socklen_t len = sizeof(full);
	struct bus_limits l;
	uint32_t reason;

	getsockopt(fd, SOL_BUS, BUS_GET_QLENFULL, full, &len);
	len = sizeof(reason);
	getsockopt(fd, SOL_BUS, BUS_REASON, &reason, &len);
	len = sizeof(l);
	getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len);
}

static void op_socket(int fd, unsigned int *seed)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	int n = rand_r(seed) % 7;

	setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &n, sizeof(n));
	n = rand_r(seed) % 2;
	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &n, sizeof(n));
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len);
	ioctl(fd, FIONREAD, &n);
}

static void op_shutdown(int fd, unsigned int *seed)
{
	if (rand_r(seed) % 8 == 0)
		shutdown(fd, rand_r(seed) % 3);
}

static void op_connect(int fd, unsigned int *seed)
{
	struct sockaddr_bus sa = nt_getsockname(bus);

	connect(fd, NT_SA(&sa), sizeof(sa));
}

static void op_proc(int fd, unsigned int *seed)
{
	if (rand_r(seed) % 8 == 0)
		nt_proc_lines();
}

static void (*const ops[])(int fd, unsigned int *seed) = {
	op_send, op_send, op_send, op_send_plain, op_send_fds, op_recv,
	op_recv, op_peek, op_poll, op_epoll, op_name, op_end, op_get,
	op_socket, op_shutdown, op_connect, op_proc,
};

static void *worker(void *arg)
{
	unsigned int seed = (uintptr_t)arg, n = sizeof(ops) / sizeof(ops[0]);

	while (!stop)
		ops[rand_r(&seed) % n](fds[rand_r(&seed) % (2 * SLOTS)], &seed);
	return NULL;
}

/* A new client in place of an old; dup2() so that a number is never somebody
 * else's file for a while. */
static void renew(unsigned int i)
{
	struct timeval tv = { .tv_usec = 5000 };
	struct sockaddr_bus sa = nt_getsockname(bus);
	socklen_t len = sizeof(sa);
	int fd = nt_socket(), end;

	if (connect(fd, NT_SA(&sa), sizeof(sa)))
		fail("connect");
	end = ok(accept(bus, NT_SA(&sa), &len));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(end, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(end, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	addrs[i] = sa.sbus_addr.s_addr;
	ok(nt_join(end));
	if (fds[i] < 0) {
		fds[i] = fd;
		fds[SLOTS + i] = end;
		return;
	}
	ok(dup2(fd, fds[i]));
	ok(dup2(end, fds[SLOTS + i]));
	close(fd);
	close(end);
}

static void *closer(void *arg)
{
	unsigned int seed = (uintptr_t)arg;

	while (!stop)
		renew(rand_r(&seed) % SLOTS);
	return NULL;
}

int main(void)
{
	long seconds = nt_env("AFBUS_TEST_SECONDS", 20);
	struct bus_limits l = { .stall_ms = 50 };
	pthread_t t[WORKERS + 1];
	int before, i;
	uintptr_t n;

	nt_alarm(seconds + 100);
	close(nt_socket());
	before = nt_proc_lines();
	bus = nt_bus();
	nt_set_limits(bus, l);
	for (i = 0; i < 2 * SLOTS; i++)
		fds[i] = -1;
	for (i = 0; i < SLOTS; i++)
		renew(i);
	for (n = 0; n < WORKERS; n++)
		pthread_create(&t[n], NULL, worker, (void *)n);
	pthread_create(&t[n], NULL, closer, (void *)n);
	sleep(seconds);
	stop = true;
	for (n = 0; n <= WORKERS; n++)
		pthread_join(t[n], NULL);
	for (i = 0; i < 2 * SLOTS; i++)
		close(fds[i]);
	close(bus);
	lines_gone(before, 20);
	return 0;
}
