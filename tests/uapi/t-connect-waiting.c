// SPDX-License-Identifier: LGPL-2.1-or-later
/* While connect() waits for the master, another thread can use the socket:
 * nothing of it waits for the master, too. */
#include "native-test.h"

#include <poll.h>
#include <signal.h>

static struct sockaddr_bus sa;

static long connect_one(void *arg)
{
	return connect(*(int *)arg, NT_SA(&sa), sizeof(sa));
}

static void nothing(int sig)
{
}

int main(void)
{
	struct sigaction act = { .sa_handler = nothing };
	int bus, fds[64], n, fd, one = 1;
	struct sockaddr_bus other;
	struct bg b;
	char c;

	close(nt_socket());
	sa = nt_name();
	bus = nt_bus_at(&sa);
	ok(listen(bus, 1));
	for (n = 0; n < 64; n++) {
		fds[n] = ok(socket(AF_BUS, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));
		if (connect(fds[n], NT_SA(&sa), sizeof(sa)))
			break;
	}
	is(errno, EAGAIN);
	fd = nt_socket();
	bg_start(&b, connect_one, &fd);
	bg_asleep(&b);
	ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	nt_read_back(fd, SO_PASSCRED);
	is(nt_poll(fd, POLLIN, 0) & POLLIN, 0);
	refused(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	refused(recv(fd, &c, 1, MSG_DONTWAIT), ENOTCONN);
	other = nt_name();
	check(connect(fd, NT_SA(&other), sizeof(other)) == -1);
	/* A signal ends the waiting, and it may try again. */
	ok(sigaction(SIGUSR1, &act, NULL));
	pthread_kill(b.thread, SIGUSR1);
	refused(bg_end(&b), EINTR);
	bg_start(&b, connect_one, &fd);
	bg_asleep(&b);
	close(ok(accept(bus, NULL, NULL)));
	is(bg_end(&b), 0);
	tell(fd, "x");
	while (n >= 0)
		close(fds[n--]);
	close(fd);
	close(bus);
	return 0;
}
