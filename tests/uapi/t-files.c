// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files in messages: to peers, to many, to and from the master, to those who
 * do not take any, and what comes behind them stays behind them. */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct msg_spec spec(const char *to, unsigned int n, size_t body)
{
	return (struct msg_spec){
		.type = to ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.flags = DBUS_FLAG_NO_REPLY, .serial = 7,
		.path = "/o", .interface = "i.f", .member = "F",
		.destination = to, .unix_fds = n, .body = body,
	};
}

static void same_file(int a, int b)
{
	struct stat x, y;

	check(!fstat(a, &x) && !fstat(b, &y));
	check(x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static void expect_files(struct client *c, const int *fds, int n)
{
	struct msg m;
	int i;

	check(test_recv(c, &m));
	check(m.n_fds == n && (int)m.h.unix_fds == n);
	for (i = 0; i < n; i++)
		same_file(m.fds[i], fds[i]);
	msg_free(&m);
}

static void order(int bus, struct client *a, struct client *b, const int *fds)
{
	struct msg_spec s = spec(b->name, 2, 20000);
	struct msg m;
	int i;

	for (i = 0; i < 30; i++) {
		s.serial = 1000 + 2 * i;
		test_send(a->fd, &s, fds, 2);
		test_call(a, b->name, 1001 + 2 * i, i * 100);
	}
	for (i = 0; i < 60; i++) {
		check(test_recv(b, &m));
		check((int)m.h.f.serial == 1000 + i);
		check(m.n_fds == (i % 2 ? 0 : 2));
		msg_free(&m);
	}
	(void)bus;
}

int main(void)
{
	int bus = test_bus(), p[2], fds[16], i;
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);
	struct client c = test_client(bus, 0);
	struct msg_spec s;
	struct msg m;

	check(!pipe(p));
	for (i = 0; i < 16; i++)
		fds[i] = p[i % 2];
	s = spec(b.name, 3, 100);
	test_send(a.fd, &s, fds, 3);
	expect_files(&b, fds, 3);
	s = spec(b.name, 16, 100000);
	test_send(a.fd, &s, fds, 16);
	expect_files(&b, fds, 16);
	/* To somebody who did not ask for files: the master answers. */
	s = spec(c.name, 1, 0);
	test_send(a.fd, &s, fds, 1);
	test_master_recv(bus, &m);
	check(m.n_fds == 1);
	msg_free(&m);
	s.sender = a.name;
	check(test_master_send(bus, c.addr, &s, fds, 1) == -ENOTUNIQ);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	s = spec(b.name, 2, 0);
	s.sender = a.name;
	check(!test_master_send(bus, b.addr, &s, fds, 2));
	expect_files(&b, fds, 2);
	/* Broadcast: those who take files. */
	test_match(bus, &a, 1, "");
	test_match(bus, &b, 1, "");
	test_match(bus, &c, 1, "");
	s = spec(NULL, 2, 10);
	test_send(a.fd, &s, fds, 2);
	expect_files(&a, fds, 2);
	expect_files(&b, fds, 2);
	test_silence(c.fd, 20);
	order(bus, &a, &b, fds);
	/* More files than the message says, and fewer. */
	s = spec(b.name, 2, 0);
	test_send(a.fd, &s, fds, 1);
	test_expect_closed(bus, a.addr, BUS_REASON_PROTOCOL);
	check(!test_recv(&a, &m));
	return 0;
}
