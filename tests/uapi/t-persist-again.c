// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a master has read and was not done with comes again, in the old order
 * and before all else, with its files; what he was done with does not. And not
 * at all of a bus that was not to outlive him.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define N 6

static void send_fd(struct client *c, uint32_t serial, int fd)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = serial, .path = "/o",
		.member = "M", .destination = DBUS_DRIVER_NAME,
		.unix_fds = 1, .body = 3000,
	};

	test_send(c->fd, &s, &fd, 1);
}

/* Message @serial of @c, or with 0 its end. */
static void expect(int bus, const struct client *c, uint32_t serial,
		   bool again, struct msg *m)
{
	test_master_recv(bus, m);
	if (m->info.addr != c->addr ||
	    !!(m->info.flags & BUS_INFO_AGAIN) != again ||
	    m->info.kind != (serial ? BUS_KIND_MESSAGE : BUS_KIND_CLOSED) ||
	    (serial && m->h.f.serial != serial))
		fail("kind %u, addr %llu, flags %#x, serial %u, reason %u; wanted %s, %u",
		     m->info.kind, (unsigned long long)m->info.addr,
		     m->info.flags, m->h.f.serial, m->info.reason, c->name,
		     serial);
}

static void expect_one(int bus, const struct client *c, uint32_t serial,
		       bool again)
{
	struct msg m;

	expect(bus, c, serial, again, &m);
	msg_free(&m);
}

/* With the file that it was sent with: what is written is read at @in. */
static void expect_fd(int bus, const struct client *c, uint32_t serial,
		      bool again, int in)
{
	struct msg m;
	char x = 0;

	expect(bus, c, serial, again, &m);
	check(m.n_fds == 1 && m.len > 3000);
	check(write(m.fds[0], "!", 1) == 1 && read(in, &x, 1) == 1);
	msg_free(&m);
}

static int next_master(int bus, const struct sockaddr_bus *sa, bool same)
{
	if (same) {
		check(!setsockopt(bus, SOL_BUS, BUS_TAKEOVER, NULL, 0));
		check(!test_outage(bus).last_us);
		return bus;
	}
	close(bus);
	return test_take_over(sa);
}

static void round_of(bool same)
{
	int bus = test_bus(), i, p[2];
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct client c[N];
	char x;

	check(!pipe(p));
	for (i = 0; i < N; i++)
		c[i] = test_client(bus, BUS_ATTACH_FDS);
	for (i = 0; i < 4; i++)
		test_call(&c[i], DBUS_DRIVER_NAME, 10 + i, 0);
	send_fd(&c[4], 14, p[1]);
	close(p[1]);
	/* 0 to 2 are read; of these the second is done with. */
	expect_one(bus, &c[0], 10, false);
	expect_one(bus, &c[1], 11, false);
	expect_one(bus, &c[2], 12, false);
	check(!test_update(bus, BUS_REC_RESUME, c[1].addr, 0, NULL));
	check(test_outage(bus).handed == 2 && test_outage(bus).waiting == 2);
	test_call(&c[1], DBUS_DRIVER_NAME, 21, 0);
	close(c[5].fd);

	bus = next_master(bus, &sa, same);
	/* Whoever has not read it cannot be done with it. */
	check(test_update(bus, BUS_REC_RESUME, c[0].addr, 0, NULL) == -EBUSY);
	expect_one(bus, &c[0], 10, true);
	expect_one(bus, &c[2], 12, true);
	expect_one(bus, &c[3], 13, false);
	expect_fd(bus, &c[4], 14, false, p[0]);
	expect_one(bus, &c[1], 21, false);
	expect_one(bus, &c[5], 0, false);
	check(!test_outage(bus).waiting && test_outage(bus).handed == 6);
	check(!test_update(bus, BUS_REC_RESUME, c[2].addr, 0, NULL));
	check(!test_update(bus, BUS_REC_CLOSE, c[3].addr, 0, NULL));

	bus = next_master(bus, &sa, same);
	expect_one(bus, &c[0], 10, true);
	expect_fd(bus, &c[4], 14, true, p[0]);
	expect_one(bus, &c[1], 21, true);
	expect_one(bus, &c[5], 0, true);
	test_silence(bus, 20);
	for (i = 0; i < N; i++)
		if (i != 3)
			check(!test_update(bus, i == 5 ? BUS_REC_CLOSE :
					   BUS_REC_RESUME, c[i].addr, 0, NULL));
	check(!test_outage(bus).handed);
	/* Nobody has the file any more. */
	check(read(p[0], &x, 1) == 0);
	close(p[0]);

	bus = next_master(bus, &sa, same);
	test_silence(bus, 20);
	/* Nothing of it has harmed the ports. */
	test_call(&c[0], c[2].name, 30, 10);
	test_call(&c[1], DBUS_DRIVER_NAME, 31, 10);
	expect_one(bus, &c[1], 31, false);
	check(test_outage(bus).takeovers == 3);
	test_persist(bus, 0);
	close(bus);
	for (i = 0; i < 5; i++)
		close(c[i].fd);
}

/* Whose messages are kept, they are charged to: who has too many of them ends,
 * and has room again when the master is done. */
static void charged(void)
{
	struct bus_limits l = { .user_bytes = 250000 };
	int bus = test_bus(), i, n;
	struct client c[4];
	struct msg m;

	test_persist(bus, 1000);
	test_limits(bus, &l);
	for (i = 0; i < 4; i++) {
		c[i] = test_client(bus, 0);
		test_call(&c[i], DBUS_DRIVER_NAME, 1, 100000);
		test_master_recv(bus, &m);
		check(m.info.addr == c[i].addr);
		msg_free(&m);
		if (m.info.kind == BUS_KIND_CLOSED)
			break;
	}
	check((i == 1 || i == 2) && m.info.reason == BUS_REASON_QUOTA);
	check(!test_update(bus, BUS_REC_CLOSE, c[i].addr, 0, NULL));
	close(c[i].fd);
	for (n = 0; n < i; n++)
		check(!test_update(bus, BUS_REC_RESUME, c[n].addr, 0, NULL));
	test_call(&c[0], DBUS_DRIVER_NAME, 2, 100000);
	expect_one(bus, &c[0], 2, false);
	test_persist(bus, 0);
	close(bus);
	for (n = 0; n < i; n++)
		close(c[n].fd);
}

static void not_kept(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0);

	test_call(&a, DBUS_DRIVER_NAME, 1, 0);
	expect_one(bus, &a, 1, false);
	check(!test_outage(bus).handed);
	check(!setsockopt(bus, SOL_BUS, BUS_TAKEOVER, NULL, 0));
	test_silence(bus, 20);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	close(bus);
	check(recv(a.fd, &bus, 1, 0) == 0);
	close(a.fd);
}

int main(void)
{
	round_of(false);
	round_of(true);
	charged();
	not_kept();
	return 0;
}
