// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Of the queue of an adopted client a user other than its own may fill half of
 * what the others leave; so the next user still gets through, and the client's
 * own user may fill all of it.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define UID 4711
/* Eight shares are all users', which whose is a secret: one of these has
 * another than the first, but once in 8^OTHERS times. */
#define OTHERS 5
#define QUEUE (1 << 20)
#define ROUNDS 4096

static int bus;

static struct client client_of(uid_t uid)
{
	struct client c;

	check(!seteuid(uid));
	c = test_client(bus, 0);
	check(!seteuid(0));
	return c;
}

static uint64_t queued(const struct client *c)
{
	return test_port_stats(bus, c->addr).queue_bytes;
}

static bool waits(const struct client *c)
{
	return test_port_stats(bus, c->addr).flags & BUS_PORT_WAITING;
}

static void say(struct client *from, struct client *to, uint32_t serial)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.path = "/o", .interface = "i.f", .member = "S",
		.destination = to->name, .serial = serial, .body = 1000,
	};

	test_send(from->fd, &s, NULL, 0);
}

/* Until it is made to wait; what it said. */
static uint32_t fill(struct client *from, struct client *to)
{
	uint32_t serial = 0;

	while (!waits(from)) {
		check(serial < ROUNDS);
		say(from, to, ++serial);
	}
	return serial;
}

static void hear(struct client *c, uint32_t n)
{
	struct msg m;

	while (n--) {
		check(test_recv(c, &m));
		msg_free(&m);
	}
	test_silence(c->fd, 50);
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = QUEUE, .stall_ms = 3600000 };
	struct client r, mine, own, a, other[OTHERS];
	uint32_t by_a, by_own;
	int i, through = 0;

	if (getuid())
		return TEST_SKIP;
	bus = test_bus();
	test_limits(bus, &l);
	r = client_of(0);
	mine = client_of(0);
	own = client_of(0);
	a = client_of(UID);
	for (i = 0; i < OTHERS; i++)
		other[i] = client_of(UID + 1 + i);
	by_a = fill(&a, &r);
	check(queued(&r) <= QUEUE / 2);
	check(queued(&r) > QUEUE / 2 - 8192);
	for (i = 0; i < OTHERS; i++) {
		say(&other[i], &r, 1);
		through += !waits(&other[i]);
	}
	check(through);
	/* Where nobody waits in whose line it might be. */
	by_own = fill(&own, &mine);
	check(queued(&mine) <= QUEUE);
	check(queued(&mine) > QUEUE - 8192);
	/* All of it comes, once there is room. */
	hear(&r, by_a + OTHERS);
	hear(&mine, by_own);
	check(!waits(&a) && !waits(&own));
	close(bus);
	return 0;
}
