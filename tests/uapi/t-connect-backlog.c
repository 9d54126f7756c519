// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who finds the backlog full waits until accept() makes room, or is told
 * EAGAIN; the bus's end lets go of all who wait. */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

static struct sockaddr_bus sa;

/* How many can connect before one has to wait. */
static int fill(int *fds)
{
	int n, fd;

	for (n = 0; n < 64; n++) {
		fd = ok(socket(AF_BUS, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
		if (connect(fd, NT_SA(&sa), sizeof(sa))) {
			is(errno, EAGAIN);
			close(fd);
			return n;
		}
		fds[n] = fd;
	}
	fail("64 could connect");
}

static void close_all(int *fds, int n)
{
	while (n)
		close(fds[--n]);
}

static long connect_one(void *arg)
{
	return connect(*(int *)arg, NT_SA(&sa), sizeof(sa));
}

static void let_in(int bus)
{
	int fds[64], n = fill(fds), fd = nt_socket(), i, ends[65];
	struct bg b;

	bg_start(&b, connect_one, &fd);
	bg_asleep(&b);
	ends[0] = ok(accept(bus, NULL, NULL));
	is(bg_end(&b), 0);
	for (i = 1; i <= n; i++)
		ends[i] = ok(accept(bus, NULL, NULL));
	is(nt_poll(bus, POLLIN, 0), 0);
	/* First come, first accepted. */
	tell(fds[0], "first");
	heard(ends[0], nt_getsockname(fds[0]).sbus_addr.s_addr, "first");
	tell(fd, "last");
	heard(ends[n], nt_getsockname(fd).sbus_addr.s_addr, "last");
	close_all(ends, n + 1);
	close_all(fds, n);
	close(fd);
}

static void interrupted(int bus)
{
	struct timeval tv = { .tv_usec = 1000 };
	int fds[64], n = fill(fds), fd = nt_socket();

	ok(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), EAGAIN);
	/* It may try again. */
	close(ok(accept(bus, NULL, NULL)));
	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	close(fd);
	close_all(fds, n);
	while (nt_poll(bus, POLLIN, 0))
		close(ok(accept(bus, NULL, NULL)));
}

static void ended(int bus)
{
	int fds[64], n = fill(fds), fd = nt_socket();
	struct bg b;

	bg_start(&b, connect_one, &fd);
	bg_asleep(&b);
	close(bus);
	refused(bg_end(&b), ECONNREFUSED);
	/* Who was in the backlog is out. */
	check(nt_poll(fds[0], POLLIN, -1) & POLLHUP);
	refused(send(fds[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	close_all(fds, n);
	close(fd);
}

int main(void)
{
	int bus, fds[64], n, more;

	close(nt_socket());
	sa = nt_name();
	bus = nt_bus_at(&sa);
	ok(listen(bus, 2));
	n = fill(fds);
	check(n >= 2 && n <= 3);
	/* listen() again may let more in. */
	ok(listen(bus, 5));
	more = fill(fds + n);
	is(n + more, 5 + n - 2);
	close_all(fds, n + more);
	while (nt_poll(bus, POLLIN, 0))
		close(ok(accept(bus, NULL, NULL)));
	/* Never more than may wait in a queue of the bus. */
	nt_set(bus, BUS_SET_MAXQLEN, 4);
	ok(listen(bus, 1000));
	n = fill(fds);
	check(n >= 4 && n <= 5);
	close_all(fds, n);
	while (nt_poll(bus, POLLIN, 0))
		close(ok(accept(bus, NULL, NULL)));
	let_in(bus);
	interrupted(bus);
	ended(bus);
	return 0;
}
