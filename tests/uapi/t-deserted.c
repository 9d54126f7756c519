// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bus does not hold itself: when all that is left of its socket is in messages
 * to its master, or in the queues of sockets in them, it ends after
 * limits.fd_ms. A master who only waits loses nothing.
 */
#include "bus-test.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define FD_MS 200

static struct bus_limits quick = { .fd_ms = FD_MS, .stall_ms = 60000 };

static int begin(void)
{
	int bus = test_bus();

	test_limits(bus, &quick);
	return bus;
}

static void ask(int fd, uint32_t serial, const char *to, int file)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = serial, .path = "/o",
		.member = "M", .destination = to, .unix_fds = file >= 0,
	};

	test_send(fd, &s, &file, file >= 0);
}

#define DRIVER "org.freedesktop.DBus"

static int lines(void)
{
	FILE *f = fopen("/proc/net/bus", "r");
	int c, n = 0;

	check(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void gone(const char *what, int before)
{
	int left = TEST_WAIT_MS / 20;

	while (lines() != before) {
		if (!left--)
			fail("%s: %d lines in /proc/net/bus, wanted %d", what,
			     lines(), before);
		usleep(20000);
	}
}

/* ---- ways to be held by oneself ---- */

static void unread(struct client *a, int bus)
{
	ask(a->fd, 1, DRIVER, bus);
}

static void inside(struct client *a, int bus)
{
	int p[2];

	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	test_send_bytes(p[0], "x", 1, &bus, 1);
	ask(a->fd, 1, DRIVER, p[1]);
	close(p[0]);
	close(p[1]);
}

static void behind(struct client *a, int bus)
{
	ask(a->fd, 1, DRIVER, -1);
	while (!test_outage(bus).waiting)
		usleep(1000);
	ask(a->fd, 2, DRIVER, bus);
}

static void handed(struct client *a, int bus)
{
	struct msg m;

	test_persist(bus, 100);
	ask(a->fd, 1, DRIVER, bus);
	test_master_recv(bus, &m);
	msg_free(&m);
}

static void parked(struct client *a, int bus)
{
	struct batch b = { 0 };

	handed(a, bus);
	batch_add(&b, BUS_REC_PARK, a->addr, 7, NULL, 0);
	batch_add(&b, BUS_REC_RESUME, a->addr, 0, NULL, 0);
	check(!batch_apply(bus, &b));
}

static void kept(struct client *a, int bus)
{
	struct bus_keep k = { .id = 1 };
	int p[2];

	(void)a;
	test_persist(bus, 100);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	test_send_bytes(p[0], "x", 1, &bus, 1);
	k.fd = p[1];
	check(!setsockopt(bus, SOL_BUS, BUS_KEEP, &k, sizeof(k)));
	close(p[0]);
	close(p[1]);
}

static void corked(struct client *a, int bus)
{
	struct client b = test_client(bus, BUS_ATTACH_FDS);

	check(!test_update(bus, BUS_REC_CORK, b.addr, 0, NULL));
	ask(a->fd, 1, b.name, bus);
	while (!test_port_stats(bus, b.addr).queue_fds)
		usleep(1000);
	close(b.fd);
}

static void in_turn(struct client *a, int bus)
{
	int other = begin();
	struct client b = test_client(other, BUS_ATTACH_FDS);

	ask(a->fd, 1, DRIVER, other);
	ask(b.fd, 1, DRIVER, bus);
	close(b.fd);
	close(other);
}

static void early(struct client *a, int bus)
{
	struct client b = test_client_raw(bus, BUS_ATTACH_FDS);

	(void)a;
	ask(b.fd, 1, DRIVER, bus);
	close(b.fd);
}

static const struct {
	const char *name;
	void (*make)(struct client *a, int bus);
} ways[] = {
	{ "unread", unread }, { "inside a socket", inside },
	{ "behind a message", behind }, { "read", handed },
	{ "parked", parked }, { "kept", kept }, { "corked", corked },
	{ "two in turn", in_turn }, { "before it is active", early },
};

/* ---- a master who is there ---- */

/* Waits in its own way for longer than the limit, several times; then all is there
 * still. Who only looks now and then has a limit that a slow machine does not
 * come near between two looks. */
static void patient(bool with_epoll)
{
	const struct bus_limits slow = { .fd_ms = 10 * FD_MS };
	int bus = begin(), p[2], ep = epoll_create1(EPOLL_CLOEXEC);
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct epoll_event e = { .events = EPOLLIN };
	struct pollfd pf = { .fd = bus, .events = EPOLLIN };
	struct msg m;
	char x;
	int i;

	if (!with_epoll)
		test_limits(bus, &slow);
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	if (with_epoll)
		check(!epoll_ctl(ep, EPOLL_CTL_ADD, bus, &e));
	ask(a.fd, 1, DRIVER, p[0]);
	for (i = 0; i < 100; i++) {
		usleep((with_epoll ? FD_MS / 10 : FD_MS / 2) * 1000);
		if (!with_epoll)
			check(poll(&pf, 1, 0) == 1);
	}
	test_master_recv(bus, &m);
	check(m.n_fds == 1);
	check(write(m.fds[0], "!", 1) == 1 && read(p[1], &x, 1) == 1);
	msg_free(&m);
	close(ep);
	close(p[0]);
	close(p[1]);
	close(a.fd);
	close(bus);
}

int main(void)
{
	int before = lines(), bus;
	struct client a;
	unsigned int i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		bus = begin();
		a = test_client(bus, BUS_ATTACH_FDS);
		ways[i].make(&a, bus);
		close(a.fd);
		close(bus);
		gone(ways[i].name, before);
	}
	patient(true);
	patient(false);
	gone("patient", before);
	return 0;
}
