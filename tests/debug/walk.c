// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Walks the paths of the modules that allocate or copy, once each, and says
 * how it went, for those who make one of these steps fail:
 *
 *	0	all did what they should
 *	3	something failed, and whom it concerns was told: a call returned
 *		ENOMEM (EFAULT), or the master heard that a port has ended for
 *		BUS_REASON_NOMEM
 *	other	a bug: silence, a wrong message, a wrong reason
 *
 * A step that found a failure told ends the program: what comes later is the
 * business of another run. AFBUS_WALK="files seen" walks only these.
 */
#include "walk.h"

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LARGE 150000
/* More receivers than there is room for on the stack. */
#define MANY 9

int bus = -1;
static int pipes[2];

_Noreturn void told(const char *whom)
{
	fprintf(stderr, "told: %s\n", whom);
	_exit(FAULTS_TOLD);
}

void told_by(int err, const char *call)
{
	if (err == -ENOMEM || err == -ENOBUFS || err == -EFAULT)
		told(call);
}

static bool ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

void hear(struct msg *m)
{
	test_master_recv(bus, m);
	if (m->info.kind == BUS_KIND_CLOSED &&
	    m->info.reason == BUS_REASON_NOMEM)
		told("the master, of a port's end");
}

/* An item that nobody waits for: an entry of a log, a port's end, or a bug. */
static void look_at_master(void)
{
	struct msg m;

	hear(&m);
	if (m.info.kind != BUS_KIND_LOGGED)
		fail("unexpected at the master: kind %u, reason %u",
		     m.info.kind, m.info.reason);
	msg_free(&m);
}

/* A helper of bus-test.c gave up: was that because of what the master now
 * hears? */
static void at_exit(int status, void *arg)
{
	struct msg m;

	(void)arg;
	if (status != 1)
		return;
	if (errno == ENOMEM || errno == ENOBUFS || errno == EFAULT)
		told("a caller");
	while (bus >= 0 && ready(bus, 5000)) {
		memset(&m, 0, sizeof(m));
		test_master_recv(bus, &m);
		if (m.info.kind == BUS_KIND_CLOSED &&
		    m.info.reason == BUS_REASON_NOMEM)
			told("the master, of a port's end");
		/* Lets others go on. */
		test_update(bus, BUS_REC_RESUME, m.info.addr, 0, NULL);
		msg_free(&m);
	}
}

/* ---- what must arrive, or be told ---- */

void receive(struct client *c, struct msg *m)
{
	struct pollfd p[2] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = bus, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, TEST_WAIT_MS) < 1)
			fail("a message has vanished");
		if (p[0].revents && test_recv(c, m))
			return;
		look_at_master();
	}
}

void expect(struct client *c, uint32_t serial, int n_fds)
{
	struct msg m;

	receive(c, &m);
	check(m.h.f.serial == serial);
	if (m.n_fds != n_fds && m.truncated)
		told("a client, of lost files");
	check(m.n_fds == n_fds);
	msg_free(&m);
}

static void expect_at_master(struct client *from, uint32_t serial, int n_fds)
{
	struct msg m;

	hear(&m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.h.f.serial == serial);
	/* MSG_CTRUNC says that they were lost. */
	if (n_fds && !m.n_fds)
		told("the master, of lost files");
	check(m.n_fds == n_fds);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from->addr, 0, NULL));
}

void update(uint32_t type, uint64_t addr, uint64_t cookie, const char *text)
{
	int err = test_update(bus, type, addr, cookie, text);

	told_by(err, "update");
	check(!err);
}

struct msg_spec to(const char *dest, uint32_t serial)
{
	return (struct msg_spec){
		.type = dest ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.serial = serial, .path = "/o", .interface = "i.f",
		.member = "M", .destination = dest,
	};
}

/* ---- steps; each with clients of its own ---- */

struct pair pair(uint32_t flags)
{
	struct pair p;

	p.a = test_client(bus, flags);
	p.b = test_client(bus, flags);
	return p;
}

void leave(struct client *c)
{
	close(c->fd);
	test_expect_closed(bus, c->addr, BUS_REASON_HANGUP);
}

void part(struct pair *p)
{
	leave(&p->a);
	leave(&p->b);
}

static void tables(void)
{
	struct pair p = pair(0);

	update(BUS_REC_NAME, p.b.addr, 0, "com.example.B");
	update(BUS_REC_NAME, p.a.addr, 0, "com.example.B");
	update(BUS_REC_NAME, 0, 0, "com.example.B");
	update(BUS_REC_MATCH_ADD, p.a.addr, 1,
	       "type='signal',path_namespace='/o',arg0='x',arg2path='/y/'");
	update(BUS_REC_MATCH_DEL, p.a.addr, 1, NULL);
	check(test_update(bus, BUS_REC_MATCH_ADD, p.a.addr, 2, "rubbish"));
	test_stats(bus);
	test_port_stats(bus, p.a.addr);
	part(&p);
}

static void unicast(void)
{
	struct pair p = pair(0);
	struct msg_spec s = to(p.b.name, 2);
	size_t len, off;
	uint8_t *data;
	char *path;

	test_call(&p.a, p.b.name, 1, 100);
	expect(&p.b, 1, 0);
	/* A datagram is whole. */
	if (TEST_CLIENTS == TEST_NATIVE) {
		part(&p);
		return;
	}
	/* In pieces, which are put together. */
	s.body = 5000;
	data = test_build(&s, &len);
	for (off = 0; off < len; off += 1500)
		test_send_bytes(p.a.fd, data + off,
				len - off < 1500 ? len - off : 1500, NULL, 0);
	free(data);
	expect(&p.b, 2, 0);
	/* A header in many skbs, and longer than a linear one. */
	path = malloc(30000);
	memset(path, 'a', 29999);
	path[0] = '/';
	path[3000] = 0;
	s = to(p.b.name, 3);
	s.path = path;
	data = test_build(&s, &len);
	for (off = 0; off < len; off += 1100)
		test_send_bytes(p.a.fd, data + off,
				len - off < 1100 ? len - off : 1100, NULL, 0);
	free(data);
	expect(&p.b, 3, 0);
	free(path);
	part(&p);
}

/* test_build() leaves 4096 bytes for headers, so this one is made by hand:
 * an unknown field with a string of @n bytes, which the bus drops. */
static void long_header(void)
{
	struct pair p = pair(0);
	struct msg_spec s = to(p.b.name, 4);
	size_t len, n = 20000, fields, at;
	uint8_t *data, *big;
	uint32_t v;

	data = test_build(&s, &len);
	big = calloc(1, len + n + 64);
	memcpy(big, data, len);
	memcpy(&v, data + 12, 4);
	at = len;
	big[at] = 200;
	memcpy(big + at + 1, "\1s", 3);
	v = n;
	memcpy(big + at + 4, &v, 4);
	memset(big + at + 8, 'x', n);
	at += 8 + n + 1;
	fields = at - 16;
	v = fields;
	memcpy(big + 12, &v, 4);
	at = (at + 7) & ~7UL;
	test_send_bytes(p.a.fd, big, at, NULL, 0);
	expect(&p.b, 4, 0);
	free(data);
	free(big);
	part(&p);
}

static void large(void)
{
	struct pair p = pair(0);

	/* More than a socket takes at once. */
	test_call(&p.a, p.b.name, 5, LARGE);
	expect(&p.b, 5, 0);
	part(&p);
}

static void broadcast(void)
{
	struct pair p = pair(0);
	struct client more[MANY];
	struct msg_spec s = to(NULL, 6);
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		more[i] = test_client(bus, 0);
		update(BUS_REC_MATCH_ADD, more[i].addr, 1, "member='M'");
	}
	update(BUS_REC_MATCH_ADD, p.b.addr, 1, "arg0='text'");
	s.arg0 = "text";
	test_send(p.a.fd, &s, NULL, 0);
	expect(&p.b, 6, 0);
	for (i = 0; i < MANY; i++)
		expect(&more[i], 6, 0);
	/* A rule looks at the arguments of a long body. */
	s = to(NULL, 7);
	s.body = 30000;
	test_send(p.a.fd, &s, NULL, 0);
	for (i = 0; i < MANY; i++)
		expect(&more[i], 7, 0);
	for (i = 0; i < MANY; i++)
		leave(&more[i]);
	part(&p);
}

static void files(void)
{
	struct pair p = pair(BUS_ATTACH_FDS);
	struct msg_spec s = to(p.b.name, 8);

	s.unix_fds = 2;
	test_send(p.a.fd, &s, pipes, 2);
	/* What comes behind files stays behind them. */
	test_call(&p.a, p.b.name, 9, 3000);
	expect(&p.b, 8, 2);
	expect(&p.b, 9, 0);
	update(BUS_REC_MATCH_ADD, p.a.addr, 1, "");
	update(BUS_REC_MATCH_ADD, p.b.addr, 1, "");
	s = to(NULL, 10);
	s.unix_fds = 2;
	s.body = 3000;
	test_send(p.a.fd, &s, pipes, 2);
	expect(&p.a, 10, 2);
	expect(&p.b, 10, 2);
	s = to("no.body", 11);
	s.unix_fds = 2;
	test_send(p.a.fd, &s, pipes, 2);
	expect_at_master(&p.a, 11, 2);
	part(&p);
}

static void master_sends(struct pair *p, uint64_t addr, struct msg_spec *s,
			 int n)
{
	int err;

	s->sender = "org.freedesktop.DBus";
	s->unix_fds = n;
	err = test_master_send(bus, addr, s, pipes, n);
	told_by(err, "the master's send");
	check(!err);
	expect(&p->b, s->serial, n);
}

static void master(void)
{
	struct pair p = pair(BUS_ATTACH_FDS);
	struct msg_spec s = to(NULL, 12);

	test_call(&p.a, DBUS_DRIVER_NAME, 13, 10000);
	expect_at_master(&p.a, 13, 0);
	master_sends(&p, p.b.addr, &s, 0);
	s.serial = 14;
	s.body = LARGE;
	master_sends(&p, p.b.addr, &s, 2);
	update(BUS_REC_MATCH_ADD, p.b.addr, 1, "type='signal'");
	s.serial = 15;
	s.body = 20000;
	master_sends(&p, BUS_CLIENT_MASK, &s, 0);
	part(&p);
}

/* Seen by a monitor and by one who eavesdrops, whoever it is for. */
static void seen(void)
{
	struct pair p = pair(BUS_ATTACH_FDS), w = pair(BUS_ATTACH_FDS);
	struct bus_send how = { .from = p.a.addr };
	struct msg_spec s = to(p.b.name, 30);
	int err;

	update(BUS_REC_CORK, w.a.addr, 0, NULL);
	update(BUS_REC_MONITOR, w.a.addr, 0, NULL);
	update(BUS_REC_MATCH_ADD, w.a.addr, 1, "");
	update(BUS_REC_UNCORK, w.a.addr, 0, NULL);
	update(BUS_REC_MATCH_ADD, w.b.addr, 1, "eavesdrop='true',type='error'");
	update(BUS_REC_MATCH_ADD, w.b.addr, 2, "eavesdrop='true',member='M'");
	update(BUS_REC_MATCH_ADD, w.b.addr, 3, "eavesdrop='true',arg0='x'");
	s.flags = DBUS_FLAG_NO_REPLY;
	s.body = 30000;
	test_send(p.a.fd, &s, NULL, 0);
	expect(&w.a, 30, 0);
	expect(&p.b, 30, 0);
	expect(&w.b, 30, 0);
	s.unix_fds = 2;
	s.serial = 31;
	test_send(p.a.fd, &s, pipes, 2);
	expect(&p.b, 31, 2);
	expect(&w.a, 31, 2);
	expect(&w.b, 31, 2);
	s = to(DBUS_DRIVER_NAME, 32);
	test_send(p.a.fd, &s, NULL, 0);
	expect(&w.a, 32, 0);
	expect(&w.b, 32, 0);
	expect_at_master(&p.a, 32, 0);
	s = to(p.b.name, 33);
	master_sends(&p, p.b.addr, &s, 0);
	expect(&w.a, 33, 0);
	s.sender = p.a.name;
	s.serial = 34;
	err = test_master_send_how(bus, p.b.addr, &how, &s);
	told_by(err, "what the master sends on");
	check(!err);
	expect(&p.b, 34, 0);
	expect(&w.b, 34, 0);
	err = test_master_send(bus, BUS_MONITORS, &s, NULL, 0);
	told_by(err, "what the master shows");
	check(!err);
	expect(&w.a, 34, 0);
	part(&w);
	part(&p);
}

static void apply(struct batch *b)
{
	int err = batch_apply(bus, b);

	told_by(err, "a batch");
	check(!err);
}

static int option(int name, void *val, socklen_t *len)
{
	int err = getsockopt(bus, SOL_BUS, name, val, len) ? -errno : 0;

	told_by(err, "an option");
	check(!err);
	return *len;
}

static void say(struct batch *b, uint64_t addr, uint32_t serial, size_t body)
{
	static const struct bus_send plain;
	struct msg_spec s = to(NULL, serial);

	s.sender = DBUS_DRIVER_NAME;
	s.body = body;
	batch_send(b, addr, plain, &s);
}

/* What is left for a successor, and read by him. */
static void successor(uint64_t addr)
{
	static uint8_t dump[1 << 16];
	struct bus_keep keep = { .id = 1, .fd = pipes[0] };
	struct bus_port_file file = { .addr = addr };
	struct sockaddr_bus sa;
	socklen_t len;
	int err;

	err = setsockopt(bus, SOL_BUS, BUS_KEEP, &keep, sizeof(keep)) ? -errno :
									0;
	told_by(err, "BUS_KEEP");
	check(!err);
	/* If nobody can come, it ends before the test is looked after. */
	sa = test_persist(bus, 5000);
	close(bus);
	bus = -1;
	bus = test_bind(&sa);
	told_by(bus < 0 ? -errno : 0, "bind");
	check(bus >= 0 && test_outage(bus).takeovers);
	len = sizeof(dump);
	check(option(BUS_DUMP, dump, &len) > 200);
	len = sizeof(keep);
	option(BUS_KEEP, &keep, &len);
	close(keep.fd);
	len = sizeof(file);
	option(BUS_PORT_FILE, &file, &len);
	close(file.fd);
	keep.fd = -1;
	check(!setsockopt(bus, SOL_BUS, BUS_KEEP, &keep, sizeof(keep)));
}

static void outlive(void)
{
	struct pair p = pair(BUS_ATTACH_FDS);
	struct client more[MANY];
	struct msg_spec s = to("no.body", 40);
	struct batch b = { 0 };
	struct msg m;
	unsigned int i;

	test_persist(bus, 5000);
	s.unix_fds = 2;
	s.body = 3000;
	test_send(p.a.fd, &s, pipes, 2);
	hear(&m);
	msg_free(&m);
	for (i = 0; i < MANY; i++)
		more[i] = test_client(bus, 0);
	batch_add(&b, BUS_REC_PARK, p.a.addr, 7, NULL, 0);
	batch_add(&b, BUS_REC_NOTE, p.a.addr, 1, "note", 4);
	for (i = 0; i < MANY; i++)
		batch_add(&b, BUS_REC_MATCH_ADD, more[i].addr, 1, "", 0);
	say(&b, BUS_CLIENT_MASK, 41, 20000);
	say(&b, p.b.addr, 42, 10);
	batch_add(&b, BUS_REC_RESUME, p.a.addr, 0, NULL, 0);
	apply(&b);
	for (i = 0; i < MANY; i++)
		expect(&more[i], 41, 0);
	expect(&p.b, 42, 0);
	successor(p.b.addr);
	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_PARKED && m.info.to == 7);
	if (!m.n_fds)
		told("the master, of lost files");
	msg_free(&m);
	batch_add(&b, BUS_REC_FORWARD, p.b.addr, 7, NULL, 0);
	batch_add(&b, BUS_REC_NOTE, 0, 1, "note", 4);
	apply(&b);
	expect(&p.b, 40, 2);
	batch_add(&b, BUS_REC_NOTE, 0, 1, NULL, 0);
	apply(&b);
	for (i = 0; i < MANY; i++)
		leave(&more[i]);
	part(&p);
	test_persist(bus, 0);
}

/* A full receiver: its sender waits, and goes on when there is room. */
static void room(void)
{
	struct bus_limits l = { .queue_bytes = 64 << 10 };
	struct pair p;
	uint32_t i;

	test_limits(bus, &l);
	p = pair(0);
	for (i = 20; i < 25; i++)
		test_call(&p.a, p.b.name, i, 20000);
	for (i = 20; i < 25; i++)
		expect(&p.b, i, 0);
	l.queue_bytes = 16 << 20;
	test_limits(bus, &l);
	part(&p);
}

static void proc(void)
{
	char buf[4096];
	int fd = open("/proc/net/bus", O_RDONLY);

	if (fd < 0 && errno == ENOENT)
		fail("no /proc/net/bus");
	if (fd < 0 || read(fd, buf, sizeof(buf)) < 0)
		told_by(-errno, "/proc/net/bus");
	check(fd >= 0);
	close(fd);
}

static const struct {
	const char *name;
	void (*go)(void);
} steps[] = {
	{ "tables", tables },		{ "unicast", unicast },
	{ "long_header", long_header },	{ "large", large },
	{ "broadcast", broadcast },	{ "files", files },
	{ "master", master },		{ "seen", seen },
	{ "answers", answers },		{ "policies", policies },
	{ "outlive", outlive },		{ "room", room },
	{ "proc", proc },
};

static void walk(void)
{
	const char *only = getenv("AFBUS_WALK");
	size_t i;

	on_exit(at_exit, NULL);
	check(!pipe(pipes));
	bus = test_bus();
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (!only || strstr(only, steps[i].name))
			steps[i].go();
	/* Nothing is left to be told. */
	if (ready(bus, 50))
		look_at_master();
	close(bus);
}

int main(int argc, char **argv)
{
	return faults_main(argc, argv, walk);
}
