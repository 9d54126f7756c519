// SPDX-License-Identifier: LGPL-2.1-or-later
/* A client is its socket, not its process: it may be inherited, handed on and
 * used by several; it ends with its last descriptor. */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>

int main(void)
{
	int bus = nt_bus(), go[2], one = 1, copy;
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct got g;
	pid_t pid;
	char c;

	ok(setsockopt(b.fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	ok(pipe(go));
	pid = nt_fork();
	if (!pid) {
		say(a.fd, b.addr, "from the child");
		close(go[1]);
		is(read(go[0], &c, 1), 0);
		heard(a.fd, b.addr, "to either");
		_exit(0);
	}
	is(nt_take(b.fd, &g, 0), 14);
	is(g.from, a.addr);
	check(g.has_cred);
	is(g.cred.pid, pid);
	close(a.fd);
	is(nt_poll(a.end, POLLIN | POLLRDHUP, 0), 0);
	say(b.fd, a.addr, "to either");
	close(go[1]);
	reap(pid);
	check(nt_poll(a.end, POLLIN | POLLRDHUP, 0) & POLLRDHUP);
	told_closed(&a, BUS_REASON_HANGUP);
	close(a.end);
	/* dup() is the same client, with the same flags. */
	a = nt_peer(bus);
	copy = ok(dup(a.fd));
	ok(fcntl(copy, F_SETFL, O_NONBLOCK));
	refused(recv(a.fd, &c, 1, 0), EAGAIN);
	nt_fill(a.fd, b.addr, "x");
	refused(nt_to(a.fd, b.addr, "x", 1, 0), EAGAIN);
	close(a.fd);
	is(nt_getsockname(copy).sbus_addr.s_addr, a.addr);
	nt_drain(b.fd);
	say(copy, b.addr, "copy");
	heard(b.fd, a.addr, "copy");
	close(copy);
	check(nt_poll(a.end, POLLIN | POLLRDHUP, 0) & POLLRDHUP);
	/* The master's side as well: its end, and the bus itself. */
	close(a.end);
	a = nt_peer(bus);
	copy = ok(dup(bus));
	close(bus);
	close(ok(dup(a.end)));
	tell(a.fd, "still");
	heard(a.end, a.addr, "still");
	nt_connect(copy);
	close(copy);
	check(nt_poll(a.fd, POLLIN, 0) & POLLHUP);
	return 0;
}
