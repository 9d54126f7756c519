// SPDX-License-Identifier: LGPL-2.1-or-later
/* EMSGSIZE above the send buffer, whoever set it, and not below. */
#include "native-test.h"

static char data[1 << 20], back[1 << 20];

static void exactly(struct peer *a, struct peer *b, size_t size)
{
	uint64_t to[] = { b->addr, BUS_MASTER_ADDR, EVERYBODY };
	int from[] = { b->fd, a->end, b->fd }, i;

	for (i = 0; i < 3; i++) {
		refused(nt_to(a->fd, to[i], data, size + 1, 0), EMSGSIZE);
		is(nt_to(a->fd, to[i], data, size, 0), size);
		is(recv(from[i], back, sizeof(back), MSG_DONTWAIT), size);
		check(!memcmp(back, data, size));
		silent(from[i]);
		nt_drain(a->fd);
	}
}

int main(void)
{
	int bus = nt_bus(), set = 30000, usual;
	struct peer a, b = nt_peer(bus), before = nt_peer(bus);
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 1000;
	usual = nt_get(before.fd, SOL_SOCKET, SO_SNDBUF);
	is(nt_get(bus, SOL_BUS, BUS_SET_SENDBUF), usual);
	exactly(&before, &b, usual);
	nt_set(bus, BUS_SET_SENDBUF, 10000);
	is(nt_get(bus, SOL_BUS, BUS_SET_SENDBUF), 10000);
	/* Only for those who come now. */
	is(nt_get(before.fd, SOL_SOCKET, SO_SNDBUF), usual);
	a = nt_peer(bus);
	is(nt_get(a.fd, SOL_SOCKET, SO_SNDBUF), 10000);
	exactly(&a, &b, 10000);
	/* One's own wish; the kernel doubles it. */
	ok(setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &set, sizeof(set)));
	is(nt_get(a.fd, SOL_SOCKET, SO_SNDBUF), 2 * set);
	exactly(&a, &b, 2 * set);
	/* The master's end has a buffer as well. */
	set = nt_get(a.end, SOL_SOCKET, SO_SNDBUF);
	refused(send(a.end, data, set + 1, MSG_NOSIGNAL), EMSGSIZE);
	is(send(a.end, data, set, MSG_NOSIGNAL), set);
	is(recv(a.fd, back, sizeof(back), MSG_DONTWAIT), set);
	nt_set(bus, BUS_SET_SENDBUF, 2048);
	set = 2047;
	refused(setsockopt(bus, SOL_BUS, BUS_SET_SENDBUF, &set, sizeof(set)),
		EINVAL);
	set = -1;
	refused(setsockopt(bus, SOL_BUS, BUS_SET_SENDBUF, &set, sizeof(set)),
		EINVAL);
	set = nt_limits(bus).message_bytes;
	nt_set(bus, BUS_SET_SENDBUF, set++);
	refused(setsockopt(bus, SOL_BUS, BUS_SET_SENDBUF, &set, sizeof(set)),
		EINVAL);
	refused(setsockopt(bus, SOL_BUS, BUS_SET_SENDBUF, &set, 1), EINVAL);
	close(bus);
	return 0;
}
