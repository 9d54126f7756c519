// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_PORT_QUEUES: what waits at a port, in both directions, and the most that
 * ever did. */
#include "bus-test.h"

#include <errno.h>
#include <unistd.h>

#define BODY 3000
#define LONG 50000

static struct bus_port_queues queues(int bus, uint64_t addr)
{
	struct bus_port_queues q = { .addr = addr };
	socklen_t len = sizeof(q);

	check(!getsockopt(bus, SOL_BUS, BUS_PORT_QUEUES, &q, &len));
	check(q.addr == addr);
	return q;
}

static bool is_empty(const struct bus_queue *q)
{
	return !q->msgs && !q->bytes && !q->fds;
}

static void errors(int bus)
{
	struct bus_port_queues q = { .addr = 999 };
	socklen_t len = sizeof(q);
	uint32_t features = 0;

	check_err(getsockopt(bus, SOL_BUS, BUS_PORT_QUEUES, &q, &len), ENOENT);
	len--;
	check_err(getsockopt(bus, SOL_BUS, BUS_PORT_QUEUES, &q, &len), EINVAL);
	len = sizeof(features);
	check(!getsockopt(bus, SOL_BUS, BUS_FEATURES, &features, &len));
	check(features & BUS_FEATURE_QUEUES);
}

static void receive(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	check(m.h.f.serial == serial);
	msg_free(&m);
}

static void outgoing(int bus, struct client *a, struct client *b)
{
	struct bus_port_queues q = queues(bus, b->addr);
	uint64_t peak;
	uint32_t i;

	check(is_empty(&q.in) && is_empty(&q.out) && !q.out.peak_bytes);
	for (i = 0; i < 3; i++)
		test_call(a, b->name, i + 1, BODY);
	q = queues(bus, b->addr);
	check(q.out.msgs == 3 && q.out.bytes > 3 * BODY);
	check(q.out.peak_bytes == q.out.bytes && is_empty(&q.in));
	peak = q.out.peak_bytes;
	for (i = 0; i < 3; i++)
		receive(b, i + 1);
	q = queues(bus, b->addr);
	check(is_empty(&q.out) && q.out.peak_bytes == peak);
	test_call(a, b->name, 4, BODY);
	q = queues(bus, b->addr);
	check(q.out.msgs == 1 && q.out.peak_bytes == peak);
	receive(b, 4);
	q = queues(bus, a->addr);
	check(is_empty(&q.in) && is_empty(&q.out) && !q.out.peak_bytes);
}

/* Half a message, with a file; then the rest. */
static void incomplete(int bus, struct client *a, struct client *b)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 5, .path = "/o",
		.member = "M", .destination = b->name, .body = BODY,
		.unix_fds = 1,
	};
	struct bus_port_queues q;
	uint8_t *data;
	size_t len;

	data = test_build(&s, &len);
	test_send_bytes(a->fd, data, len / 2, (int[]){ 0 }, 1);
	q = queues(bus, a->addr);
	check(!q.in.msgs && q.in.bytes == len / 2 && q.in.fds == 1);
	test_send_bytes(a->fd, data + len / 2, len - len / 2, NULL, 0);
	receive(b, 5);
	q = queues(bus, a->addr);
	check(is_empty(&q.in));
	check(q.in.peak_bytes == len / 2 && q.in.peak_fds == 1);
	q = queues(bus, b->addr);
	check(q.out.peak_fds == 1 && !q.out.bytes);
	free(data);
}

/* Two do not fit: the second waits at its sender. */
static void waiting(int bus, struct client *a, struct client *b)
{
	struct bus_limits l = { .queue_bytes = 64 << 10 };
	struct bus_port_queues q;

	test_limits(bus, &l);
	test_call(a, b->name, 6, LONG);
	test_call(a, b->name, 7, LONG);
	q = queues(bus, a->addr);
	check(q.in.msgs == 1 && q.in.bytes > LONG && !q.in.fds);
	check(queues(bus, b->addr).out.msgs == 1);
	receive(b, 6);
	receive(b, 7);
	q = queues(bus, b->addr);
	check(!q.out.bytes && q.out.peak_bytes > LONG);
	check(queues(bus, a->addr).in.peak_bytes > LONG);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);

	errors(bus);
	outgoing(bus, &a, &b);
	incomplete(bus, &a, &b);
	waiting(bus, &a, &b);
	return 0;
}
