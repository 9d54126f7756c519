// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who finds a receiver full, and it has gone before he is in its line, is told
 * so, and leaves no clock behind that would keep the bus for as long as somebody
 * may stall: whoever runs this looks whether the module is in use afterwards.
 */
#include "native-test.h"

#include <poll.h>
#include <stdatomic.h>

enum { SENDERS = 2 };

static atomic_uint_fast64_t to;
static atomic_bool stop;

/* In turns with and without waiting, to whoever is the victim; the master gets
 * what comes after its end. */
static void *send_always(void *arg)
{
	int fd = *(int *)arg, flags = 0;
	uint64_t addr;

	while (!stop) {
		addr = to;
		if (!addr)
			continue;
		flags ^= MSG_DONTWAIT;
		if (nt_to(fd, addr, "x", 1, flags) < 0)
			check(errno == EAGAIN || errno == EPIPE);
	}
	return NULL;
}

static void drain(const struct peer sender[SENDERS])
{
	int i;

	for (i = 0; i < SENDERS; i++)
		nt_drain(sender[i].end);
}

int main(void)
{
	long rounds = nt_env("AFBUS_TEST_ROUNDS", 200);
	int bus = nt_bus(), i;
	struct peer sender[SENDERS], victim;
	pthread_t thread[SENDERS];

	nt_set(bus, BUS_SET_MAXQLEN, 1);
	for (i = 0; i < SENDERS; i++) {
		sender[i] = nt_peer(bus);
		check(!pthread_create(&thread[i], NULL, send_always,
				      &sender[i].fd));
	}
	while (rounds--) {
		victim = nt_peer(bus);
		to = victim.addr;
		while (!nt_poll(victim.fd, POLLIN, 1))
			drain(sender);
		usleep(rounds % 16 * 50);
		nt_close(&victim);
		drain(sender);
	}
	stop = true;
	for (i = 0; i < SENDERS; i++) {
		/* One may be waiting for room at the master. */
		while (pthread_tryjoin_np(thread[i], NULL)) {
			nt_poll(sender[i].end, POLLIN, 1);
			drain(sender);
		}
	}
	for (i = 0; i < SENDERS; i++)
		nt_close(&sender[i]);
	return 0;
}
