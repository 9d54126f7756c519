// SPDX-License-Identifier: LGPL-2.1-or-later
/* accept() waits, polls, and yields clients in turn, also those that have
 * sent something and gone already. */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>

static long accept_one(void *arg)
{
	return accept(*(int *)arg, NULL, NULL);
}

static void waits(int bus)
{
	struct bg b;
	int fd, end;

	bg_start(&b, accept_one, &bus);
	bg_asleep(&b);
	fd = nt_connect(bus);
	end = bg_end(&b);
	ok(end);
	close(fd);
	close(end);
}

static void asks(int bus)
{
	int fd, flags = fcntl(bus, F_GETFL);

	ok(fcntl(bus, F_SETFL, flags | O_NONBLOCK));
	refused(accept(bus, NULL, NULL), EAGAIN);
	is(nt_poll(bus, POLLIN | POLLOUT, 0) & POLLIN, 0);
	fd = nt_connect(bus);
	is(nt_poll(bus, POLLIN, 0), POLLIN);
	close(ok(accept(bus, NULL, NULL)));
	is(nt_poll(bus, POLLIN, 0), 0);
	close(fd);
	ok(fcntl(bus, F_SETFL, flags));
	/* It has no messages of its own. */
	check(recv(bus, &fd, 1, MSG_DONTWAIT) == -1);
	check(send(bus, "x", 1, MSG_NOSIGNAL) == -1);
	is(nt_get(bus, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

static void early(int bus)
{
	int fd = nt_connect(bus), gone = nt_connect(bus), end;
	uint64_t addr = nt_getsockname(fd).sbus_addr.s_addr;
	uint64_t gone_addr = nt_getsockname(gone).sbus_addr.s_addr;
	struct peer p, q;
	char c;

	/* What is sent before accept() is there after it. */
	tell(fd, "one");
	tell(fd, "two");
	tell(gone, "farewell");
	close(gone);
	p = nt_accept(bus, fd);
	is(p.addr, addr);
	heard(p.end, addr, "one");
	heard(p.end, addr, "two");
	silent(p.end);
	q = nt_accept(bus, -1);
	is(q.addr, gone_addr);
	heard(q.end, gone_addr, "farewell");
	end = q.end;
	is(recv(end, &c, 1, 0), 0);
	refused(send(end, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(end);
	nt_close(&p);
}

int main(void)
{
	int bus = nt_bus();

	waits(bus);
	asks(bus);
	early(bus);
	close(bus);
	return 0;
}
