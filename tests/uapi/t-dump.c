// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A successor reads back all that is on the bus, in whole records and from one
 * moment, whatever the size of his buffer; and a descriptor of each connection.
 */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define N 300

#define ROOM (1 << 20)

union whole {
	struct bus_dump head;
	uint8_t bytes[sizeof(struct bus_dump) + ROOM];
};

static int dump(int bus, union whole *d, size_t room)
{
	socklen_t len = sizeof(d->head) + room;

	if (getsockopt(bus, SOL_BUS, BUS_DUMP, d, &len))
		return -errno;
	check(len == sizeof(d->head) + d->head.len && d->head.len <= room);
	return 0;
}

/* Records by kind, and whether they are right. */
struct seen {
	unsigned int n[BUS_REC_KEPT + 1];
	uint32_t last_type;
	uint64_t last_addr;
};

static const uint32_t kinds[] = {
	BUS_REC_KEPT, BUS_REC_POLICY, BUS_REC_PORT, BUS_REC_NOTE,
	BUS_REC_MATCH_ADD, BUS_REC_CLAIM, BUS_REC_NAME, BUS_REC_PARK,
};

static unsigned int rank(const struct bus_rec *rec)
{
	unsigned int i;

	for (i = 0; kinds[i] != rec->type; i++)
		check(i + 1 < sizeof(kinds) / sizeof(kinds[0]));
	/* Of the bus: before the ports. */
	if (rec->type == BUS_REC_NOTE && !rec->addr)
		return 2 * i - 3;
	return 2 * i;
}

static void look(struct seen *s, const struct bus_rec *rec)
{
	static unsigned int last_rank;
	unsigned int r = rank(rec);

	if (!s->last_type)
		last_rank = 0;
	check(r >= last_rank);
	if (r == last_rank && s->last_type == rec->type &&
	    rec->type != BUS_REC_NAME)
		check(rec->addr >= s->last_addr);
	last_rank = r;
	s->last_type = rec->type;
	s->last_addr = rec->addr;
	s->n[rec->type]++;
}

static void read_all(const union whole *d, struct seen *s)
{
	const struct bus_rec *rec;
	size_t at;

	for (at = 0; at < d->head.len; at = (at + rec->len + 7) & ~7UL) {
		rec = (const void *)(d->head.data + at);
		check(at + rec->len <= d->head.len &&
		      rec->len >= sizeof(*rec));
		look(s, rec);
	}
}

static union whole d;

static struct seen by_pieces(int bus, size_t room, unsigned int *pieces)
{
	struct seen s = { 0 };

	*pieces = 0;
	d.head = (struct bus_dump){ 0 };
	do {
		check(!dump(bus, &d, room));
		read_all(&d, &s);
		(*pieces)++;
	} while (d.head.cursor);
	return s;
}

static const struct bus_rec *nth(uint32_t type, uint64_t addr)
{
	const struct bus_rec *rec;
	size_t at;

	for (at = 0; at < d.head.len; at = (at + rec->len + 7) & ~7UL) {
		rec = (const void *)(d.head.data + at);
		if (rec->type == type && rec->addr == addr)
			return rec;
	}
	fail("no record of type %u for %llu", type, (unsigned long long)addr);
}

static bool text_is(const struct bus_rec *rec, const char *text)
{
	return rec->len == sizeof(*rec) + strlen(text) &&
	       !memcmp(rec->data, text, strlen(text));
}

static void contents(int bus, struct client *c)
{
	struct bus_dump_port port;
	const struct bus_rec *rec;
	struct batch t = { 0 };
	unsigned int pieces;
	struct seen s;

	batch_add(&t, BUS_REC_NAME, c[0].addr, 0, "a.b", 3);
	batch_add(&t, BUS_REC_CLAIM, c[0].addr, 1, "a.b", 3);
	batch_add(&t, BUS_REC_CLAIM, c[1].addr, 1, "a.b", 3);
	batch_add(&t, BUS_REC_MATCH_ADD, c[1].addr, 77, "arg0='it''s',type='signal'",
		  26);
	batch_add(&t, BUS_REC_NOTE, 0, 1, "bus", 3);
	batch_add(&t, BUS_REC_NOTE, c[1].addr, 9, "port", 4);
	batch_add(&t, BUS_REC_MONITOR, c[2].addr, 0, NULL, 0);
	batch_add(&t, BUS_REC_CORK, c[2].addr, 0, NULL, 0);
	check(!batch_apply(bus, &t));
	s = by_pieces(bus, ROOM, &pieces);
	check(pieces == 1 && s.n[BUS_REC_PORT] == 4 && s.n[BUS_REC_NAME] == 1);
	check(s.n[BUS_REC_CLAIM] == 2 && s.n[BUS_REC_NOTE] == 2);
	check(text_is(nth(BUS_REC_NAME, c[0].addr), "a.b"));
	check(text_is(nth(BUS_REC_CLAIM, c[1].addr), "a.b"));
	check(text_is(nth(BUS_REC_NOTE, c[1].addr), "port"));
	rec = nth(BUS_REC_MATCH_ADD, c[1].addr);
	check(rec->cookie == 77);
	check(nth(BUS_REC_PORT, c[0].addr)->cookie ==
	      (BUS_PORT_ACTIVE | BUS_PORT_FDS));
	check(nth(BUS_REC_PORT, c[2].addr)->cookie ==
	      (BUS_PORT_MONITOR | BUS_PORT_CORKED | BUS_PORT_FDS));
	rec = nth(BUS_REC_PORT, c[3].addr);
	check(rec->cookie == BUS_PORT_HELD);
	memcpy(&port, rec->data, sizeof(port));
	check(port.uid == getuid() && !port.reason && !port.policy);
	/* The text that we got makes the same rule. */
	rec = nth(BUS_REC_MATCH_ADD, c[1].addr);
	batch_add(&t, BUS_REC_MATCH_ADD, c[0].addr, 78, rec->data,
		  rec->len - sizeof(*rec));
	check(!batch_apply(bus, &t));
}

/* More than fits, in pieces; and what has changed in between is told. */
static void pieces(int bus, struct client *c)
{
	char rule[64];
	unsigned int n, last = 0, i;
	size_t room;
	struct seen s;

	for (i = 0; i < N; i++) {
		snprintf(rule, sizeof(rule), "type='signal',member='M%u'", i);
		test_match(bus, &c[0], 1000 + i, rule);
	}
	for (room = 4096; room < ROOM; room *= 3) {
		s = by_pieces(bus, room, &n);
		check(s.n[BUS_REC_MATCH_ADD] == N + 2);
		check(!last || n <= last);
		last = n;
	}
	check(last == 1);
	d.head = (struct bus_dump){ 0 };
	check(!dump(bus, &d, 4096) && d.head.cursor);
	test_match(bus, &c[0], 5, "");
	check(dump(bus, &d, 4096) == -ESTALE);
	/* Beyond the end there is nothing. */
	d.head.cursor = 0;
	check(!dump(bus, &d, 4096) && d.head.cursor);
	d.head.cursor = 1ULL << 60;
	check(!dump(bus, &d, 4096) && !d.head.len && !d.head.cursor);
}

static void refused(int bus)
{
	struct bus_dump head = { .pad = 1 };
	socklen_t len = sizeof(head);
	int plain = test_socket(BUS_PROTO_NONE);

	check_err(getsockopt(bus, SOL_BUS, BUS_DUMP, &head, &len), EINVAL);
	head.pad = 0;
	len = sizeof(head) - 1;
	check_err(getsockopt(bus, SOL_BUS, BUS_DUMP, &head, &len), EINVAL);
	len = sizeof(head);
	check_err(getsockopt(bus, SOL_BUS, BUS_DUMP, &head, &len), EMSGSIZE);
	check_err(getsockopt(bus, SOL_BUS, BUS_DUMP, (void *)8, &len), EFAULT);
	check_err(getsockopt(plain, SOL_BUS, BUS_DUMP, &head, &len), ENOTCONN);
	close(plain);
}

static int port_file(int bus, uint64_t addr)
{
	struct bus_port_file f = { .addr = addr };
	socklen_t len = sizeof(f);

	if (getsockopt(bus, SOL_BUS, BUS_PORT_FILE, &f, &len))
		return -errno;
	return f.fd;
}

static void port_files(int bus, struct client *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct msg m;
	int fd = port_file(bus, c[0].addr);

	check(fd >= 0);
	check(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	check(cred.pid == getpid());
	close(fd);
	check(port_file(bus, 999) == -ENOENT && port_file(bus, 0) == -ENOENT);
	/* It has done no harm. */
	test_call(&c[1], "a.b", 5, 10);
	check(test_recv(&c[0], &m) && m.h.f.serial == 5);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_CLOSE, c[0].addr, 0, NULL));
	check(port_file(bus, c[0].addr) == -ENOENT);
}

/* A native client has a card; until it is accepted it is not there. */
static void native(int bus)
{
	struct ucred cred = { 0 };
	struct sockaddr_bus sa;
	socklen_t len = sizeof(cred);
	unsigned int n;
	struct client c;
	struct seen s;
	int waits, fd;

	check(!listen(bus, 5));
	c = test_native(bus);
	s = by_pieces(bus, ROOM, &n);
	waits = test_connect(bus);
	check(by_pieces(bus, ROOM, &n).n[BUS_REC_PORT] ==
	      s.n[BUS_REC_PORT]);
	check(port_file(bus, c.addr + 1) == -ENOENT);
	check(nth(BUS_REC_PORT, c.addr)->cookie ==
	      (BUS_PORT_ACTIVE | BUS_PORT_FDS | BUS_PORT_NATIVE));
	fd = port_file(bus, c.addr);
	check(fd >= 0 && test_is_native(fd));
	check(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	check(cred.pid == getpid() && cred.uid == getuid());
	len = sizeof(sa);
	check(!getpeername(fd, (struct sockaddr *)&sa, &len));
	check(sa.sbus_addr.s_addr == c.addr);
	close(fd);
	fd = accept(bus, NULL, NULL);
	check(fd >= 0);
	close(fd);
	check(by_pieces(bus, ROOM, &n).n[BUS_REC_PORT] ==
	      s.n[BUS_REC_PORT] + 1);
	fd = port_file(bus, c.addr + 1);
	check(fd >= 0);
	check(!test_update(bus, BUS_REC_RESUME, c.addr + 1, 0, NULL));
	/* One after the other: two ends have no order. */
	close(c.fd);
	test_expect_closed(bus, c.addr, BUS_REASON_HANGUP);
	close(waits);
	test_expect_closed(bus, c.addr + 1, BUS_REASON_HANGUP);
	close(fd);
}

int main(void)
{
	int bus = test_bus(), i;
	struct client c[4];

	for (i = 0; i < 3; i++)
		c[i] = test_client(bus, BUS_ATTACH_FDS);
	c[3] = test_client_raw(bus, 0);
	contents(bus, c);
	pieces(bus, c);
	refused(bus);
	port_files(bus, c);
	native(bus);
	for (i = 0; i < 4; i++)
		close(c[i].fd);
	return 0;
}
