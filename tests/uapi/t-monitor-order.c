// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A monitor sees calls before their answers and nothing of it twice, while many
 * talk at once, and monitors come and go. A pair's message says which pair and
 * how far it is; the callers' numbers are even, the answers' odd.
 */
#include "bus-test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define PAIRS 4
#define ROUNDS 400

static int bus;
static atomic_int running;

struct pair {
	pthread_t thread;
	struct client a, b;
	uint32_t base;
};

static struct msg_spec spec(const struct client *to, uint32_t serial)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = serial, .path = "/o", .interface = "i.f",
		.member = "M", .destination = to->name,
		.body = serial % 7 * 900,
	};
}

static void pass(struct client *from, struct client *to, uint32_t serial)
{
	struct msg_spec s = spec(to, serial);
	struct msg m;

	test_send(from->fd, &s, NULL, 0);
	check(test_recv(to, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void *talk(void *arg)
{
	struct pair *p = arg;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++) {
		pass(&p->a, &p->b, p->base + 2 * i);
		pass(&p->b, &p->a, p->base + 2 * i + 1);
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Those that only make things move: nobody reads what they see. */
static void *come_and_go(void *arg)
{
	struct client c;

	(void)arg;
	while (atomic_load(&running)) {
		c = test_client(bus, 0);
		test_match(bus, &c, 1, "eavesdrop='true',member='N'");
		check(!test_update(bus, BUS_REC_MONITOR, c.addr, 0, NULL));
		test_match(bus, &c, 1, "member='N'");
		check(!test_update(bus, BUS_REC_CLOSE, c.addr, 0, NULL));
		close(c.fd);
	}
	return NULL;
}

static void watch(struct client *w, struct pair *pairs)
{
	uint32_t next[PAIRS] = { 0 };
	struct msg m;
	int i, n;

	for (n = 0; n < PAIRS * ROUNDS * 2; n++) {
		check(test_recv(w, &m));
		i = (m.h.f.serial - 1) / 1000000;
		check(i < PAIRS);
		if (m.h.f.serial != pairs[i].base + next[i])
			fail("pair %d: %u, not %u", i, m.h.f.serial,
			     pairs[i].base + next[i]);
		next[i]++;
		msg_free(&m);
	}
	test_silence(w->fd, 10);
}

int main(void)
{
	struct pair pairs[PAIRS];
	struct client w;
	pthread_t other;
	int i;

	bus = test_bus();
	w = test_client(bus, 0);
	check(!test_update(bus, BUS_REC_MONITOR, w.addr, 0, NULL));
	test_match(bus, &w, 1, "member='M'");
	running = PAIRS;
	for (i = 0; i < PAIRS; i++) {
		pairs[i].a = test_client(bus, 0);
		pairs[i].b = test_client(bus, 0);
		pairs[i].base = 1000000 * i + 1;
	}
	for (i = 0; i < PAIRS; i++)
		check(!pthread_create(&pairs[i].thread, NULL, talk,
				      &pairs[i]));
	check(!pthread_create(&other, NULL, come_and_go, NULL));
	watch(&w, pairs);
	for (i = 0; i < PAIRS; i++)
		check(!pthread_join(pairs[i].thread, NULL));
	check(!pthread_join(other, NULL));
	return 0;
}
