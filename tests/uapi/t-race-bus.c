// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buses that come and go below their clients, native and open, for
 * AFBUS_TEST_SECONDS (10): connecting, accepting, sending and waiting against
 * the end of it all. Nothing is asked of the results but that all of it ends
 * and nothing is left.
 */
#include "native-test.h"

#include <poll.h>
#include <sys/time.h>

static const struct bus_limits quick = { .stall_ms = 20 };
static struct sockaddr_bus native, open_bus;
static volatile bool stop;

/* Makes the bus, lets some in, ends it with others at the door. */
static void *master(void *arg)
{
	unsigned int seed = 1;
	int bus, ends[8], n;
	bool first;

	while (!stop) {
		bus = nt_socket();
		ok(bind(bus, NT_SA(&native), sizeof(native)));
		nt_set_limits(bus, quick);
		ok(listen(bus, 4));
		for (n = 0; n < 8 && nt_poll(bus, POLLIN, 5); n++) {
			ends[n] = ok(accept(bus, NULL, NULL));
			nt_join(ends[n]);
			nt_add(ends[n], PREFIX(1) | (n + 1));
			if (rand_r(&seed) % 4 == 0)
				setsockopt(ends[n], SOL_BUS, BUS_SET_EAVESDROP,
					   NULL, 0);
			nt_drain(ends[n]);
			nt_to(ends[n], EVERYBODY, "hello", 5, MSG_DONTWAIT);
		}
		first = rand_r(&seed) % 2;
		if (first)
			close(bus);
		while (n)
			close(ends[--n]);
		if (!first)
			close(bus);
	}
	return arg;
}

static void chat(int fd, unsigned int *seed)
{
	struct timeval tv = { .tv_usec = 3000 };
	uint64_t to[] = { BUS_MASTER_ADDR, EVERYBODY, GROUP(1),
			  nt_getsockname(fd).sbus_addr.s_addr, 3 };
	struct got g;
	int i;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	for (i = rand_r(seed) % 20; i > 0; i--) {
		if (rand_r(seed) % 5 == 0)
			nt_send_fds(fd, to[rand_r(seed) % 5], "f", &fd, 1, 0);
		else
			nt_to(fd, to[rand_r(seed) % 5], "x", 1, 0);
		if (rand_r(seed) % 3)
			continue;
		nt_take(fd, &g, 0);
		while (g.len >= 0 && g.n_fds)
			close(g.fds[--g.n_fds]);
	}
}

static void *client(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	int fd;

	while (!stop) {
		fd = nt_socket();
		if (!connect(fd, NT_SA(&native), sizeof(native)))
			chat(fd, &seed);
		else if (errno != ECONNREFUSED)
			fail("connect");
		close(fd);
	}
	return arg;
}

/* The first makes it, the others join, the last ends it. */
static void *member(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	int fd;

	while (!stop) {
		fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
		if (!bind(fd, NT_SA(&open_bus), sizeof(open_bus)) ||
		    !connect(fd, NT_SA(&open_bus), sizeof(open_bus))) {
			/* Who made it may; the others are told so. */
			setsockopt(fd, SOL_BUS, BUS_LIMITS, &quick,
				   sizeof(quick));
			nt_add(fd, PREFIX(1) | (rand_r(&seed) % 3));
			chat(fd, &seed);
		} else if (errno != ECONNREFUSED) {
			fail("connect");
		}
		close(fd);
	}
	return arg;
}

int main(void)
{
	long seconds = nt_env("AFBUS_TEST_SECONDS", 10);
	pthread_t t[8];
	int before;
	uintptr_t i;

	nt_alarm(seconds + 100);
	close(nt_socket());
	before = nt_proc_lines();
	native = nt_name();
	open_bus = nt_name();
	pthread_create(&t[0], NULL, master, NULL);
	for (i = 1; i < 5; i++)
		pthread_create(&t[i], NULL, client, (void *)i);
	for (; i < 8; i++)
		pthread_create(&t[i], NULL, member, (void *)i);
	sleep(seconds);
	stop = true;
	for (i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	lines_gone(before, 40);
	return 0;
}
