// SPDX-License-Identifier: LGPL-2.1-or-later
/* Ending one direction or both, at the client and at the master's end. */
#include "native-test.h"

#include <poll.h>
#include <signal.h>

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	pipes++;
}

static bool at_end(int fd)
{
	struct got g;

	return nt_take(fd, &g, MSG_DONTWAIT) == 0;
}

static void writing(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	tell(a.fd, "last to the master");
	say(a.fd, b.addr, "last to b");
	ok(shutdown(a.fd, SHUT_WR));
	refused(send(a.fd, "x", 1, 0), EPIPE);
	refused(try_say(a.fd, b.addr, "x"), EPIPE);
	refused(try_say(a.fd, EVERYBODY, "x"), EPIPE);
	heard(b.fd, a.addr, "last to b");
	heard(a.end, a.addr, "last to the master");
	check(at_end(a.end));
	check(nt_poll(a.end, POLLIN | POLLRDHUP, 0) & POLLRDHUP);
	/* It can still be sent to. */
	tell(a.end, "still");
	heard(a.fd, BUS_MASTER_ADDR, "still");
	say(b.fd, a.addr, "there");
	heard(a.fd, b.addr, "there");
	say(b.fd, EVERYBODY, "all");
	heard(a.fd, b.addr, "all");
	nt_close(&a);
	nt_close(&b);
}

static void reading(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	int i;

	ok(shutdown(a.fd, SHUT_RD));
	check(at_end(a.fd));
	refused(send(a.end, "x", 1, 0), EPIPE);
	/* Who does not want to hear keeps nobody waiting. */
	for (i = 0; i < 100; i++) {
		check(try_say(b.fd, EVERYBODY, "all") == 3);
		heard(b.fd, b.addr, "all");
	}
	check(at_end(a.fd));
	say(a.fd, b.addr, "can talk");
	heard(b.fd, a.addr, "can talk");
	tell(a.fd, "can talk");
	heard(a.end, a.addr, "can talk");
	nt_close(&a);
	nt_close(&b);
}

static void both(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	tell(a.fd, "last");
	ok(shutdown(a.fd, SHUT_RDWR));
	check(at_end(a.fd));
	refused(send(a.fd, "x", 1, 0), EPIPE);
	refused(send(a.end, "x", 1, 0), EPIPE);
	heard(a.end, a.addr, "last");
	check(at_end(a.end));
	say(b.fd, EVERYBODY, "all");
	heard(b.fd, b.addr, "all");
	nt_close(&a);
	nt_close(&b);
}

static void by_master(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	tell(a.end, "last");
	ok(shutdown(a.end, SHUT_WR));
	refused(send(a.end, "x", 1, 0), EPIPE);
	heard(a.fd, BUS_MASTER_ADDR, "last");
	tell(a.fd, "can talk");
	heard(a.end, a.addr, "can talk");
	ok(shutdown(b.end, SHUT_RDWR));
	refused(send(b.fd, "x", 1, 0), EPIPE);
	check(at_end(b.end));
	nt_close(&a);
	nt_close(&b);
}

int main(void)
{
	int bus = nt_bus();
	struct peer p = nt_peer(bus);

	/* As with every socket of packets, EPIPE comes without a signal. */
	signal(SIGPIPE, on_pipe);
	refused(shutdown(p.fd, 3), EINVAL);
	refused(shutdown(p.fd, -1), EINVAL);
	nt_close(&p);
	writing(bus);
	reading(bus);
	both(bus);
	by_master(bus);
	is(pipes, 0);
	close(bus);
	return 0;
}
