// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The master hears of a client's removal before he gets what was sent to it
 * too late: else he would answer for somebody whom he takes to be there.
 */
#include "bus-test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { ROUNDS = 40, TOO_MANY = 5000 };

struct sender {
	pthread_t thread;
	struct client c;
	const char *to;
	atomic_bool stop;
};

/* As long as its socket takes something, and the victim's queue room. */
static void *flood(void *arg)
{
	struct sender *s = arg;
	struct msg_spec m = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.path = "/o", .interface = "i.f", .member = "M",
		.destination = s->to, .body = 500,
	};
	uint8_t *data;
	size_t len;

	for (m.serial = 1; m.serial < TOO_MANY && !s->stop; m.serial++) {
		data = test_build(&m, &len);
		while (send(s->c.fd, data, len,
			    MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && !s->stop)
			check(errno == EAGAIN);
		free(data);
	}
	return NULL;
}

/* What is left of it comes to the master. */
static void finish(int bus, struct sender *s)
{
	struct msg m;

	s->stop = true;
	check(!pthread_join(s->thread, NULL));
	close(s->c.fd);
	for (;;) {
		test_master_recv(bus, &m);
		check(m.info.addr == s->c.addr);
		if (m.info.kind == BUS_KIND_CLOSED)
			break;
		check(m.info.kind == BUS_KIND_MESSAGE);
		msg_free(&m);
		check(!test_update(bus, BUS_REC_RESUME, s->c.addr, 0, NULL));
	}
	check(m.info.reason == BUS_REASON_HANGUP);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_CLOSE, s->c.addr, 0, NULL));
}

static void start(struct sender *s, int bus, const struct client *victim)
{
	*s = (struct sender){ .c = test_client(bus, 0), .to = victim->name };
	check(!pthread_create(&s->thread, NULL, flood, s));
}

static void stalls(int bus)
{
	struct client victim = test_client(bus, 0);
	struct sender s;

	start(&s, bus, &victim);
	test_expect_closed(bus, victim.addr, BUS_REASON_STALLED);
	finish(bus, &s);
	close(victim.fd);
}

/* It is removed while the other sends, which need not wait. */
static void talks_nonsense(int bus, unsigned int us)
{
	static const char nonsense[16] = "x";
	struct client victim = test_client(bus, 0);
	struct sender s;

	start(&s, bus, &victim);
	usleep(us);
	test_send_bytes(victim.fd, nonsense, sizeof(nonsense), NULL, 0);
	test_expect_closed(bus, victim.addr, BUS_REASON_PROTOCOL);
	finish(bus, &s);
	close(victim.fd);
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = 64 << 10, .stall_ms = 30 };
	int bus = test_bus();
	unsigned int i;

	test_limits(bus, &l);
	for (i = 0; i < ROUNDS; i++)
		stalls(bus);
	l.stall_ms = 600000;
	test_limits(bus, &l);
	for (i = 0; i < ROUNDS; i++)
		talks_nonsense(bus, 100 * i);
	return 0;
}
