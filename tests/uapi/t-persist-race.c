// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several want a bus whose time is just running out, while its clients talk:
 * either it is taken over, by one, with its clients, or it ends with them and the
 * name is a new bus's; never something between.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define SUITORS 3

static struct sockaddr_bus name;
static atomic_int winner;

static void *woo(void *arg)
{
	int fd, none = -1;

	(void)arg;
	while (winner == none) {
		fd = test_bind(&name);
		if (fd < 0) {
			check(errno == EADDRINUSE);
			continue;
		}
		if (!atomic_compare_exchange_strong(&winner, &none, fd))
			fail("two have become masters");
	}
	return NULL;
}

static void *chat(void *arg)
{
	struct client *c = arg;
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 1, .path = "/o", .member = "M",
		.destination = DBUS_DRIVER_NAME,
	};
	size_t len;
	uint8_t *data = test_build(&s, &len);

	/* Until it ends, or somebody has it again and lets go of it. */
	while (send(c->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len)
		;
	free(data);
	return NULL;
}

static bool one_round(int i)
{
	pthread_t suitors[SUITORS], t;
	struct client c, d;
	bool taken;
	int bus, j;

	bus = test_bus();
	c = test_client(bus, 0);
	d = test_client(bus, 0);
	name = test_persist(bus, 1 + i % 4);
	pthread_create(&t, NULL, chat, &c);
	usleep(i % 7 * 300);
	winner = -1;
	close(bus);
	usleep(i % 5 * 1500);
	for (j = 0; j < SUITORS; j++)
		pthread_create(&suitors[j], NULL, woo, NULL);
	for (j = 0; j < SUITORS; j++)
		pthread_join(suitors[j], NULL);
	bus = winner;
	taken = test_outage(bus).takeovers;
	check(test_stats(bus).ports == (taken ? 2 : 0));
	if (taken) {
		check(!test_update(bus, BUS_REC_CLOSE, d.addr, 0, NULL));
		test_persist(bus, 0);
	}
	close(bus);
	pthread_join(t, NULL);
	check(recv(d.fd, &j, 1, 0) == 0);
	close(c.fd);
	close(d.fd);
	return taken;
}

int main(void)
{
	int i, taken = 0;

	for (i = 0; i < 150; i++)
		taken += one_round(i);
	printf("%d of %d were taken over\n", taken, i);
	return 0;
}
