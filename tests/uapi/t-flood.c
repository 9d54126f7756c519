// SPDX-License-Identifier: LGPL-2.1-or-later
/* Everybody sends to everybody and to himself, from several threads: nothing
 * is lost, doubled or out of order, and nothing recurses. */
#include "bus-test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 4
#define EACH 400

static struct client cl[CLIENTS];

static void *sender(void *arg)
{
	struct client *c = arg;
	int i, j;

	for (i = 1; i <= EACH; i++)
		for (j = 0; j < CLIENTS; j++)
			test_call(c, cl[j].name, i, (i * 37) % 3000);
	return NULL;
}

static void *receiver(void *arg)
{
	uint32_t last[CLIENTS] = { 0 };
	struct client *c = arg;
	struct msg m;
	int i, from;

	for (i = 0; i < CLIENTS * EACH; i++) {
		check(test_recv(c, &m));
		for (from = 0; from < CLIENTS; from++)
			if (dbus_str_eq(m.h.sender, cl[from].name,
					strlen(cl[from].name)))
				break;
		check(from < CLIENTS);
		check(m.h.f.serial == last[from] + 1);
		last[from] = m.h.f.serial;
		msg_free(&m);
	}
	return NULL;
}

int main(void)
{
	pthread_t s[CLIENTS], r[CLIENTS];
	int bus = test_bus(), i;
	struct bus_limits l = { .queue_bytes = 64 << 10 };

	test_limits(bus, &l);
	for (i = 0; i < CLIENTS; i++)
		cl[i] = test_client(bus, 0);
	for (i = 0; i < CLIENTS; i++) {
		check(!pthread_create(&r[i], NULL, receiver, &cl[i]));
		check(!pthread_create(&s[i], NULL, sender, &cl[i]));
	}
	for (i = 0; i < CLIENTS; i++) {
		pthread_join(s[i], NULL);
		pthread_join(r[i], NULL);
	}
	check(test_stats(bus).unicast_msgs == CLIENTS * CLIENTS * EACH);
	check(test_stats(bus).evicted == 0);
	test_silence(bus, 10);
	return 0;
}
