// SPDX-License-Identifier: LGPL-2.1-or-later
/* Large messages, in pieces of every size; the memory is given back. */
#include "bus-test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void *reader(void *arg)
{
	struct msg *m = calloc(1, sizeof(*m));

	if (!test_recv(arg, m))
		m->len = 0;
	return m;
}

static void round_trip(struct client *a, struct client *b, size_t body,
		       size_t piece)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 3, .path = "/o", .member = "M",
		.destination = b->name, .body = body,
	};
	struct msg *m;
	pthread_t t;
	uint8_t *data;
	size_t len, off;
	void *ret;

	data = test_build(&s, &len);
	check(!pthread_create(&t, NULL, reader, b));
	for (off = 0; off < len; off += piece)
		test_send_bytes(a->fd, data + off,
				len - off < piece ? len - off : piece, NULL, 0);
	check(!pthread_join(t, &ret));
	m = ret;
	check(m->len && m->h.f.body_len == body + 4);
	check(!memcmp(m->data + m->h.f.header_len, data + len - body - 4,
		      body + 4));
	msg_free(m);
	free(m);
	free(data);
}

static void many_in_one_write(struct client *a, struct client *b)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.path = "/o", .member = "M", .destination = b->name,
	};
	uint8_t *all = malloc(1 << 20), *data;
	size_t n = 0, len;
	struct msg m;
	unsigned int i;

	for (i = 1; i < 40; i++) {
		s.serial = i;
		s.body = i * 97;
		data = test_build(&s, &len);
		memcpy(all + n, data, len);
		n += len;
		free(data);
	}
	test_send_bytes(a->fd, all, n, NULL, 0);
	for (i = 1; i < 40; i++) {
		check(test_recv(b, &m));
		check(m.h.f.serial == i && m.h.f.body_len == i * 97 + 4);
		msg_free(&m);
	}
	free(all);
}

static void over_the_limit(int bus)
{
	struct bus_limits l = { .message_bytes = 1 << 20 };
	struct client c = test_client(bus, 0);
	uint8_t head[16] = "l\1\0\1\0\0\x20\0\1\0\0\0\x10";

	test_limits(bus, &l);
	test_send_bytes(c.fd, head, sizeof(head), NULL, 0);
	test_expect_closed(bus, c.addr, BUS_REASON_TOO_LONG);
}

/* Announces much and sends until its user may have no more. */
static void over_the_quota(int bus)
{
	struct bus_limits l = { .message_bytes = 64 << 20,
				.user_bytes = 1 << 20 };
	uint8_t head[16] = "l\1\0\1\0\0\0\2\1\0\0\0\x10", *some;
	struct client c = test_client(bus, 0);
	int i;

	test_limits(bus, &l);
	test_send_bytes(c.fd, head, sizeof(head), NULL, 0);
	some = calloc(1, 1 << 16);
	for (i = 0; i < 64; i++)
		if (send(c.fd, some, 1 << 16, MSG_NOSIGNAL) < 0)
			break;
	check(i < 64 && errno == EPIPE);
	test_expect_closed(bus, c.addr, BUS_REASON_QUOTA);
	free(some);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	size_t i;

	for (i = 1; i < 300; i += 7)
		round_trip(&a, &b, 1000, i);
	/* Byte by byte it must not take much more memory than its size. */
	test_limits(bus, &(struct bus_limits){ .user_bytes = 256 << 10 });
	round_trip(&a, &b, 100000, 1);
	test_limits(bus, &(struct bus_limits){ .user_bytes = 512 << 20 });
	many_in_one_write(&a, &b);
	round_trip(&a, &b, 10 << 20, 1 << 20);
	round_trip(&a, &b, 2 << 20, 5000);
	round_trip(&a, &b, 100 << 20, 1 << 30);
	check(test_port_stats(bus, b.addr).queue_bytes == 0);
	over_the_limit(bus);
	over_the_quota(bus);
	return 0;
}
