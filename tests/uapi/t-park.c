// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A message that the master holds on to while its sender goes on is given to his
 * successor by its number, in the order of parking and before all else; until it
 * is let go of, or goes where it was for, with its files.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void ask(struct client *c, uint32_t serial, int fd)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = serial, .path = "/o",
		.member = "M", .destination = "no.body",
		.unix_fds = fd >= 0, .body = 20000,
	};

	test_send(c->fd, &s, &fd, fd >= 0);
}

static void expect(int bus, struct client *c, uint32_t kind, uint32_t serial,
		   uint64_t number)
{
	struct msg m;

	test_master_recv(bus, &m);
	if (m.info.kind == BUS_KIND_PARKED)
		check(!dbus_frame_parse(&m.h.f, m.data, DBUS_MAX_MESSAGE));
	if (m.info.kind != kind || m.info.addr != c->addr ||
	    m.h.f.serial != serial)
		fail("got kind %u of %llu, serial %u; wanted %u, %s, %u",
		     m.info.kind, (unsigned long long)m.info.addr,
		     m.h.f.serial, kind, c->name, serial);
	check(kind != BUS_KIND_PARKED || m.info.to == number);
	check(m.len > 20000);
	msg_free(&m);
}

static int park(int bus, struct client *c, uint64_t number)
{
	struct batch b = { 0 };

	batch_add(&b, BUS_REC_PARK, c->addr, number, NULL, 0);
	batch_add(&b, BUS_REC_RESUME, c->addr, 0, NULL, 0);
	return batch_apply(bus, &b);
}

static void parks(void)
{
	int bus = test_bus(), i;
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);

	check(park(bus, &a, 1) == -ENODATA);
	ask(&a, 1, -1);
	while (!test_outage(bus).waiting)
		usleep(1000);
	check(park(bus, &a, 1) == -ENODATA);
	expect(bus, &a, BUS_KIND_MESSAGE, 1, 0);
	check(park(bus, &a, 0) == -EINVAL);
	check(!park(bus, &a, 11));
	check(park(bus, &a, 12) == -ENODATA);
	for (i = 2; i < 5; i++) {
		ask(&a, i, -1);
		expect(bus, &a, BUS_KIND_MESSAGE, i, 0);
		check(park(bus, &a, 11) == -EEXIST);
		check(!park(bus, &a, 10 + i));
		ask(&b, i, -1);
		expect(bus, &b, BUS_KIND_MESSAGE, i, 0);
		check(!park(bus, &b, 20 + i));
	}
	ask(&a, 9, -1);
	expect(bus, &a, BUS_KIND_MESSAGE, 9, 0);
	check(test_outage(bus).parked == 7 && test_outage(bus).handed == 1);
	check(!test_update(bus, BUS_REC_UNPARK, 0, 12, NULL));
	check(test_update(bus, BUS_REC_UNPARK, 0, 12, NULL) == -ENOENT);
	for (i = 0; i < 2; i++) {
		close(bus);
		bus = test_take_over(&sa);
		expect(bus, &a, BUS_KIND_PARKED, 1, 11);
		expect(bus, &b, BUS_KIND_PARKED, 2, 22);
		/* What is let go of before it is read does not come. */
		if (i)
			check(!test_update(bus, BUS_REC_UNPARK, 0, 13, NULL));
		else
			expect(bus, &a, BUS_KIND_PARKED, 3, 13);
		expect(bus, &b, BUS_KIND_PARKED, 3, 23);
		expect(bus, &a, BUS_KIND_PARKED, 4, 14);
		expect(bus, &b, BUS_KIND_PARKED, 4, 24);
		expect(bus, &a, BUS_KIND_MESSAGE, 9, 0);
		test_silence(bus, 20);
	}
	/* They go with their sender. */
	check(!test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL));
	check(test_outage(bus).parked == 3 && !test_outage(bus).handed);
	check(test_update(bus, BUS_REC_UNPARK, 0, 11, NULL) == -ENOENT);
	close(bus);
	bus = test_take_over(&sa);
	expect(bus, &b, BUS_KIND_PARKED, 2, 22);
	check(!test_update(bus, BUS_REC_CLOSE, b.addr, 0, NULL));
	test_silence(bus, 20);
	test_persist(bus, 0);
	close(bus);
	close(a.fd);
	close(b.fd);
}

static int forward(int bus, uint64_t to, uint64_t number)
{
	return test_update(bus, BUS_REC_FORWARD, to, number, NULL);
}

static void forwards(void)
{
	int bus = test_bus(), p[2];
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);
	struct client blind = test_client(bus, 0);
	struct msg_spec answer = {
		.type = DBUS_TYPE_RETURN, .serial = 3, .reply_serial = 1,
		.destination = a.name,
	};
	struct batch t = { 0 };
	struct msg m;
	char x;

	test_persist(bus, 1000);
	check(!pipe(p));
	ask(&a, 1, p[1]);
	close(p[1]);
	expect(bus, &a, BUS_KIND_MESSAGE, 1, 0);
	check(!park(bus, &a, 5));
	check(forward(bus, b.addr, 6) == -ENOENT);
	check(forward(bus, 999, 5) == -ENOENT && forward(bus, 0, 5) == -EINVAL);
	check(forward(bus, blind.addr, 5) == -ENOTUNIQ);
	/* Nothing before it, and with it all that is behind it or none. */
	batch_add(&t, BUS_REC_NOTE, 0, 1, "x", 1);
	batch_add(&t, BUS_REC_FORWARD, b.addr, 5, NULL, 0);
	check(batch_apply(bus, &t) == -EINVAL);
	batch_add(&t, BUS_REC_FORWARD, b.addr, 5, NULL, 0);
	batch_add(&t, BUS_REC_NOTE, 999, 1, "x", 1);
	check(batch_apply(bus, &t) == -ENOENT);
	test_silence(b.fd, 20);
	check(test_outage(bus).parked == 1);
	batch_add(&t, BUS_REC_FORWARD, b.addr, 5, NULL, 0);
	batch_add(&t, BUS_REC_NAME, b.addr, 0, "no.body", 7);
	check(!batch_apply(bus, &t) && !test_outage(bus).parked);
	check(test_recv(&b, &m) && m.h.f.serial == 1 && m.n_fds == 1 &&
	      m.len > 20000);
	check(write(m.fds[0], "!", 1) == 1 && read(p[0], &x, 1) == 1);
	msg_free(&m);
	check(read(p[0], &x, 1) == 0);
	close(p[0]);
	/* It is a call like any other: its receiver may answer, once. */
	test_send(b.fd, &answer, NULL, 0);
	check(test_recv(&a, &m) && m.h.reply_serial == 1);
	msg_free(&m);
	/* Whoever has gone sends no more, to whoever has gone nothing goes. */
	ask(&a, 8, -1);
	check(test_recv(&b, &m) && m.h.f.serial == 8);
	msg_free(&m);
	test_name(bus, "no.body", 0);
	ask(&a, 10, -1);
	expect(bus, &a, BUS_KIND_MESSAGE, 10, 0);
	check(!park(bus, &a, 7));
	close(b.fd);
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_CLOSED && m.info.addr == b.addr);
	msg_free(&m);
	check(forward(bus, b.addr, 7) == -ENOENT);
	close(a.fd);
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_CLOSED && m.info.addr == a.addr);
	msg_free(&m);
	check(forward(bus, blind.addr, 7) == -ENOENT);
	check(test_outage(bus).parked == 1);
	test_persist(bus, 0);
	close(bus);
	close(blind.fd);
}

int main(void)
{
	parks();
	forwards();
	return 0;
}
