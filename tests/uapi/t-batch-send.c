// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the master sends within a batch goes where the records before it lead,
 * and nowhere if any record of the batch is wrong.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define MANY 40

static const struct bus_send plain;

static struct msg_spec says(uint32_t serial, size_t body)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_SIGNAL, .serial = serial, .path = "/o",
		.interface = "i.f", .member = "S", .body = body,
		.sender = DBUS_DRIVER_NAME,
	};
}

static void expect(struct client *c, uint32_t serial)
{
	struct msg m;

	check(test_recv(c, &m));
	if (m.h.f.serial != serial)
		fail("%s got %u, wanted %u", c->name, m.h.f.serial, serial);
	msg_free(&m);
}

static void order(int bus)
{
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct msg_spec s[5];
	struct batch t = { 0 };
	struct msg m;
	int i;

	for (i = 0; i < 5; i++)
		s[i] = says(i + 1, i == 3 ? 200000 : 10);
	/* A rule counts for what follows it, until it goes. */
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[0]);
	batch_add(&t, BUS_REC_MATCH_ADD, a.addr, 1, "type='signal'", 13);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[1]);
	batch_add(&t, BUS_REC_MATCH_ADD, b.addr, 7, "member='S'", 10);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[2]);
	batch_add(&t, BUS_REC_MATCH_DEL, a.addr, 1, NULL, 0);
	check(batch_apply(bus, &t) == -ENOENT);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[0]);
	batch_add(&t, BUS_REC_MATCH_ADD, a.addr, 1, "type='signal'", 13);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[1]);
	batch_add(&t, BUS_REC_MATCH_ADD, b.addr, 7, "member='S'", 10);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[2]);
	batch_send(&t, b.addr, plain, &s[3]);
	check(!batch_apply(bus, &t));
	expect(&a, 2);
	expect(&a, 3);
	expect(&b, 3);
	check(test_recv(&b, &m) && m.h.f.serial == 4 && m.len > 200000 &&
	      m.data[m.len - 1] == 'x');
	msg_free(&m);
	test_silence(a.fd, 20);
	/* What is said in front of the end is heard, what is behind it not. */
	batch_send(&t, a.addr, plain, &s[0]);
	batch_add(&t, BUS_REC_CLOSE, a.addr, 0, NULL, 0);
	batch_send(&t, a.addr, plain, &s[1]);
	batch_send(&t, BUS_CLIENT_MASK, plain, &s[4]);
	check(!batch_apply(bus, &t));
	expect(&a, 1);
	check(!test_recv(&a, &m));
	expect(&b, 5);
	check(test_stats(bus).from_master == 7);
	close(a.fd);
	check(!test_update(bus, BUS_REC_CLOSE, b.addr, 0, NULL));
	close(b.fd);
}

/* Many receivers, some of them since this batch; in one order for all. */
static void many(int bus)
{
	struct client c[MANY], seer = test_client(bus, BUS_ATTACH_FDS);
	struct msg_spec s = says(1, 3000), t = says(2, 1), u = says(3, 0);
	struct batch b = { 0 };
	int i;

	for (i = 0; i < MANY; i++) {
		c[i] = test_client_raw(bus, 0);
		if (i % 2)
			test_match(bus, &c[i], 1, "interface='i.f'");
		if (i % 4 == 1)
			check(!test_update(bus, BUS_REC_ACTIVATE, c[i].addr, 0,
					   NULL));
	}
	batch_add(&b, BUS_REC_MONITOR, seer.addr, 0, NULL, 0);
	batch_add(&b, BUS_REC_MATCH_ADD, seer.addr, 1, "", 0);
	for (i = 0; i < MANY; i++) {
		if (i % 4 != 1)
			batch_add(&b, BUS_REC_ACTIVATE, c[i].addr, 0, NULL, 0);
		if (i % 2 == 0)
			batch_add(&b, BUS_REC_MATCH_ADD, c[i].addr, 1, "", 0);
		batch_add(&b, BUS_REC_MATCH_ADD, c[i].addr, 2, "", 0);
	}
	batch_send(&b, BUS_CLIENT_MASK, plain, &s);
	batch_send(&b, BUS_CLIENT_MASK,
		   (struct bus_send){ .flags = BUS_SEND_UNSEEN }, &t);
	batch_send(&b, BUS_MONITORS, plain, &u);
	check(!batch_apply(bus, &b));
	for (i = 0; i < MANY; i++) {
		expect(&c[i], 1);
		expect(&c[i], 2);
		test_silence(c[i].fd, 0);
	}
	expect(&seer, 1);
	expect(&seer, 3);
	for (i = 0; i < MANY; i++) {
		check(!test_update(bus, BUS_REC_CLOSE, c[i].addr, 0, NULL));
		close(c[i].fd);
	}
	check(!test_update(bus, BUS_REC_CLOSE, seer.addr, 0, NULL));
	close(seer.fd);
}

/* With the files of the message that it is about. */
static void files(int bus)
{
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
		.member = "M", .destination = DBUS_DRIVER_NAME,
		.unix_fds = 1,
	};
	struct bus_send how = { .from = a.addr, .flags = BUS_SEND_FILES };
	struct batch t = { 0 };
	struct msg m;
	int p[2];
	char x;

	check(!pipe(p));
	test_send(a.fd, &s, &p[1], 1);
	close(p[1]);
	s.sender = a.name;
	batch_send(&t, b.addr, how, &s);
	check(batch_apply(bus, &t) == -ENODATA);
	test_master_recv(bus, &m);
	msg_free(&m);
	batch_send(&t, b.addr, how, &s);
	batch_add(&t, BUS_REC_RESUME, a.addr, 0, NULL, 0);
	check(!batch_apply(bus, &t));
	check(test_recv(&b, &m) && m.n_fds == 1);
	check(write(m.fds[0], "!", 1) == 1 && read(p[0], &x, 1) == 1);
	msg_free(&m);
	check(read(p[0], &x, 1) == 0);
	close(p[0]);
	batch_send(&t, b.addr, how, &s);
	check(batch_apply(bus, &t) == -ENODATA);
	check(!test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL));
	check(!test_update(bus, BUS_REC_CLOSE, b.addr, 0, NULL));
	close(a.fd);
	close(b.fd);
}

static void refused(int bus)
{
	struct client a = test_client(bus, 0);
	struct msg_spec s = says(1, 10);
	struct bus_limits l = { .message_bytes = 5000 };
	struct bus_send hows[] = {
		{ .flags = 4 }, { .pad = 1 }, { .from = 1 },
		{ .flags = BUS_SEND_FILES },
	};
	uint8_t junk[64] = { 0 };
	struct batch t = { 0 };
	unsigned int i;

	for (i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		batch_send(&t, a.addr, hows[i], &s);
		check(batch_apply(bus, &t) == -EINVAL);
	}
	batch_send(&t, BUS_MONITORS,
		   (struct bus_send){ .flags = BUS_SEND_UNSEEN }, &s);
	check(batch_apply(bus, &t) == -EINVAL);
	batch_send(&t, 0, plain, &s);
	check(batch_apply(bus, &t) == -EINVAL);
	batch_send(&t, 999, plain, &s);
	check(batch_apply(bus, &t) == -ENOENT);
	for (i = 0; i < sizeof(junk); i++) {
		batch_add(&t, BUS_REC_SEND, a.addr, 0, junk, i);
		check(batch_apply(bus, &t) == (i < sizeof(plain) ? -EINVAL :
								    -EBADMSG));
	}
	/* One byte short, one too many. */
	batch_send(&t, a.addr, plain, &s);
	((struct bus_rec *)t.data)->len--;
	check(batch_apply(bus, &t) == -EBADMSG);
	batch_send(&t, a.addr, plain, &s);
	((struct bus_rec *)t.data)->len++;
	t.data = realloc(t.data, ++t.len);
	check(batch_apply(bus, &t) == -EBADMSG);
	test_limits(bus, &l);
	s = says(1, 6000);
	batch_send(&t, a.addr, plain, &s);
	check(batch_apply(bus, &t) == -EMSGSIZE);
	test_silence(a.fd, 20);
	close(a.fd);
}

/* Who is full goes, and the others get what is theirs. */
static void full(int bus)
{
	struct bus_limits l = { .queue_bytes = 64 << 10 };
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct msg_spec s = says(1, 4000);
	struct batch t = { 0 };
	struct msg m;
	int i;

	test_limits(bus, &l);
	test_match(bus, &a, 1, "");
	test_match(bus, &b, 1, "");
	for (i = 1; i <= 60; i++) {
		s.serial = i;
		batch_send(&t, BUS_CLIENT_MASK, plain, &s);
		check(!batch_apply(bus, &t));
		expect(&b, i);
	}
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_CLOSED && m.info.addr == a.addr &&
	      m.info.reason == BUS_REASON_STALLED);
	msg_free(&m);
	batch_send(&t, a.addr, plain, &s);
	batch_send(&t, b.addr, plain, &s);
	check(!batch_apply(bus, &t));
	expect(&b, 60);
	close(a.fd);
	close(b.fd);
}

int main(void)
{
	int bus = test_bus();

	order(bus);
	many(bus);
	test_persist(bus, 1000);
	files(bus);
	full(bus);
	refused(bus);
	test_persist(bus, 0);
	return 0;
}
