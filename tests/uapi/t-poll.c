// SPDX-License-Identifier: LGPL-2.1-or-later
/* What poll() says of clients, ends and the bus: readable, writable, ended. */
#include "native-test.h"

#include <poll.h>

#define ALL (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

static void readable(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	is(nt_poll(a.fd, ALL, 0), POLLOUT);
	is(nt_poll(a.end, ALL, 0), POLLOUT);
	is(nt_poll(bus, POLLIN | POLLPRI, 0), 0);
	say(a.fd, b.addr, "x");
	is(nt_poll(b.fd, ALL, 0), POLLIN | POLLOUT);
	is(nt_poll(b.end, ALL, 0), POLLOUT);
	nt_drain(b.fd);
	is(nt_poll(b.fd, ALL, 0), POLLOUT);
	tell(a.fd, "x");
	is(nt_poll(a.end, ALL, 0), POLLIN | POLLOUT);
	is(nt_poll(a.fd, ALL, 0), POLLOUT);
	nt_drain(a.end);
	tell(a.end, "x");
	is(nt_poll(a.fd, ALL, 0), POLLIN | POLLOUT);
	nt_close(&a);
	nt_close(&b);
}

/* Writable is what can send itself: another's full queue does not count,
 * one's own does. */
static void writable(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct got g;

	nt_fill(a.fd, b.addr, "x");
	is(nt_poll(a.fd, ALL, 0), POLLOUT);
	is(nt_poll(b.fd, ALL, 0), POLLIN);
	refused(try_say(b.fd, a.addr, "x"), EAGAIN);
	ok(nt_take(b.fd, &g, 0));
	is(nt_poll(b.fd, ALL, 0), POLLIN | POLLOUT);
	say(b.fd, a.addr, "y");
	heard(a.fd, b.addr, "y");
	nt_close(&a);
	nt_close(&b);
}

static void ended(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);

	tell(a.fd, "last");
	close(a.fd);
	is(nt_poll(a.end, ALL, 0) & (POLLIN | POLLHUP | POLLRDHUP),
	   POLLIN | POLLHUP | POLLRDHUP);
	nt_drain(a.end);
	is(nt_poll(a.end, ALL, 0) & (POLLIN | POLLHUP | POLLRDHUP),
	   POLLIN | POLLHUP | POLLRDHUP);
	close(a.end);
	close(b.end);
	is(nt_poll(b.fd, ALL, 0) & (POLLIN | POLLHUP | POLLRDHUP),
	   POLLIN | POLLHUP | POLLRDHUP);
	close(b.fd);
	ok(shutdown(c.fd, SHUT_WR));
	is(nt_poll(c.end, ALL, 0) & (POLLIN | POLLHUP | POLLRDHUP),
	   POLLIN | POLLRDHUP);
	ok(shutdown(c.fd, SHUT_RD));
	check(nt_poll(c.fd, ALL, 0) & POLLHUP);
	check(nt_poll(c.end, ALL, 0) & POLLHUP);
	nt_close(&c);
}

static long wait_readable(void *arg)
{
	return nt_poll(*(int *)arg, POLLIN, -1);
}

static void wakes(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct bg client, end;

	bg_start(&client, wait_readable, &b.fd);
	bg_start(&end, wait_readable, &a.end);
	bg_asleep(&client);
	bg_asleep(&end);
	say(a.fd, b.addr, "x");
	is(bg_end(&client), POLLIN);
	check(!end.done);
	tell(a.fd, "x");
	is(bg_end(&end), POLLIN);
	nt_drain(b.fd);
	bg_start(&client, wait_readable, &b.fd);
	bg_asleep(&client);
	close(b.end);
	check(bg_end(&client) & POLLIN);
	nt_close(&a);
	close(b.fd);
}

int main(void)
{
	int bus = nt_bus(), fd = nt_socket();

	readable(bus);
	writable(bus);
	ended(bus);
	wakes(bus);
	/* Not connected: nothing to read, and it does not block. */
	is(nt_poll(fd, POLLIN, 0) & POLLIN, 0);
	close(bus);
	return 0;
}
