// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A client that stops reading slows its senders, for a bounded time; then it
 * is removed, everybody else has lost nothing, and it can still read what it
 * was sent before.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void drain(struct client *c, unsigned int want, bool to_end)
{
	unsigned int n = 0;
	struct msg m;

	while (to_end || n < want) {
		if (!test_recv(c, &m))
			break;
		check(m.h.f.serial == n + 1);
		n++;
		msg_free(&m);
	}
	check(to_end ? n > 0 && n < want : n == want);
}

/* Sends what fits; the rest waits in the socket. */
static unsigned int flood(struct client *a, const char *to, unsigned int from,
			  unsigned int until)
{
	struct msg_spec s = {
		.type = to ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.flags = DBUS_FLAG_NO_REPLY, .path = "/o",
		.interface = "i.f", .member = "S", .destination = to,
		.body = 4000,
	};
	struct pollfd p = { .fd = a->fd, .events = POLLOUT };
	uint8_t *data;
	size_t len;

	for (s.serial = from; s.serial < until; s.serial++) {
		data = test_build(&s, &len);
		while (send(a->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
			check(errno == EAGAIN);
			if (poll(&p, 1, 5000) != 1) {
				free(data);
				return s.serial;
			}
		}
		free(data);
	}
	return s.serial;
}

/* What was sent to nobody meanwhile goes to the master, and one message more
 * behind all that, as soon as there is room for it. */
static void to_master(int bus, struct client *a)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 7777, .path = "/o", .member = "Last",
		.destination = "org.freedesktop.DBus",
	};
	struct pollfd p = { .fd = bus, .events = POLLIN };
	bool sent = false, last = false;
	struct msg m;
	size_t len;
	uint8_t *data = test_build(&s, &len);

	while (!last) {
		if (!sent)
			sent = send(a->fd, data, len,
				    MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
		if (!sent && poll(&p, 1, 20) != 1)
			continue;
		test_master_recv(bus, &m);
		check(m.info.kind == BUS_KIND_MESSAGE);
		last = m.h.f.serial == s.serial;
		msg_free(&m);
		check(!test_update(bus, BUS_REC_RESUME, a->addr, 0, NULL));
	}
	free(data);
}

/* The master wants to be warned. */
static void expect_slow(int bus, uint64_t addr)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_SLOW && m.info.addr == addr && !m.len);
	msg_free(&m);
}

static void warned_of(int bus)
{
	struct bus_limits l = { .stall_ms = 3000, .slow_ms = 200 };
	struct client a = test_client(bus, 0), slow = test_client(bus, 0);
	struct client ok = test_client(bus, 0);

	test_limits(bus, &l);
	flood(&a, slow.name, 1, 600);
	/* Once, and then the end. */
	expect_slow(bus, slow.addr);
	test_expect_closed(bus, slow.addr, BUS_REASON_STALLED);
	to_master(bus, &a);
	test_call(&a, ok.name, 7, 10);
	l.slow_ms = BUS_NEVER;
	test_limits(bus, &l);
	close(a.fd);
	test_expect_closed(bus, a.addr, BUS_REASON_HANGUP);
	close(ok.fd);
	test_expect_closed(bus, ok.addr, BUS_REASON_HANGUP);
	close(slow.fd);
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = 1 << 20, .stall_ms = 500 };
	int bus = test_bus();
	struct client a, slow, ok;
	unsigned int n;
	struct msg m;

	test_limits(bus, &l);
	a = test_client(bus, 0);
	slow = test_client(bus, 0);
	ok = test_client(bus, 0);
	test_match(bus, &slow, 1, "member='S'");
	test_match(bus, &ok, 1, "member='S'");
	/* More than the queue holds, to both; one reads only afterwards. But
	 * neither reads now: both are too slow, and the bus stays. */
	check(flood(&a, NULL, 1, 100) == 100);
	drain(&ok, 99, false);
	n = flood(&a, slow.name, 100, 600);
	check(n > 130 && n < 600);
	test_expect_closed(bus, slow.addr, BUS_REASON_STALLED);
	to_master(bus, &a);
	drain(&slow, n, true);
	test_call(&a, ok.name, 7, 10);
	check(test_recv(&ok, &m) && m.h.f.serial == 7);
	msg_free(&m);
	check(test_stats(bus).evicted == 1);
	warned_of(bus);
	/* A receiver that is slow but reads loses nothing. (However slow the
	 * machine is: the time-out is for those that stopped.) */
	l.stall_ms = 10000;
	test_limits(bus, &l);
	if (!fork()) {
		int i;

		for (i = 1; i < 2000; i++) {
			check(test_recv(&ok, &m));
			check((int)m.h.f.serial == i);
			msg_free(&m);
			if (i % 100 == 0)
				usleep(1000);
		}
		_exit(0);
	}
	check(flood(&a, ok.name, 1, 2000) == 2000);
	return 0;
}
