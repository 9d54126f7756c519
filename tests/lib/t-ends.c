// SPDX-License-Identifier: LGPL-2.1-or-later
/* How a connection ends is told apart: closed here, closed there, removed, and
 * not at all when an empty message comes. */
#include "tests/lib/vm.h"

static const char *path;
static int bus;

static void empty_message(void)
{
	struct peer a = vm_peer(bus, path);
	struct afbus_msg m;

	is(afbus_send(a.end, BUS_MASTER_ADDR, "", 0, 0), 0);
	is(afbus_send(a.fd, BUS_MASTER_ADDR, NULL, 0, 0), 0);
	is(afbus_msg_next_len(a.fd, MSG_DONTWAIT), 0);
	m = (struct afbus_msg){ 0 };
	is(afbus_msg_recv(a.fd, &m, MSG_PEEK), 0);
	check(m.seq && !m.len);
	vm_hear(a.fd, &m, BUS_MASTER_ADDR, "");
	vm_hear(a.end, &m, a.addr, "");
	is(afbus_msg_next_len(a.fd, MSG_DONTWAIT), -EAGAIN);
	vm_close(&a);
}

static void client_closes(void)
{
	struct peer a = vm_peer(bus, path);
	struct afbus_msg m;

	is(afbus_send(a.fd, BUS_MASTER_ADDR, "last", 4, 0), 0);
	close(a.fd);
	vm_hear(a.end, &m, a.addr, "last");
	is(afbus_msg_next_len(a.end, 0), -ENODATA);
	is(afbus_msg_recv(a.end, &m, 0), -ENODATA);
	is(m.from, a.addr);
	is(m.reason, BUS_REASON_HANGUP);
	is(afbus_reason(a.end), BUS_REASON_HANGUP);
	is(afbus_send(a.end, BUS_MASTER_ADDR, "x", 1, 0), -EPIPE);
	close(a.end);
}

static void master_closes(void)
{
	struct peer a = vm_peer(bus, path);
	struct afbus_msg m;

	is(afbus_reason(a.fd), BUS_REASON_NONE);
	is(afbus_send(a.end, BUS_MASTER_ADDR, "last", 4, 0), 0);
	close(a.end);
	vm_hear(a.fd, &m, BUS_MASTER_ADDR, "last");
	is(afbus_msg_next_len(a.fd, 0), -ENODATA);
	is(afbus_msg_recv(a.fd, &m, 0), -ENODATA);
	is(m.reason, BUS_REASON_MASTER);
	is(afbus_send(a.fd, AFBUS_ALL, "x", 1, 0), -EPIPE);
	close(a.fd);
}

/* Keeps the sender waiting, who then goes on. */
static void stalls(void)
{
	struct peer a = vm_peer(bus, path), b = vm_peer(bus, path);
	struct afbus_msg m = { 0 };
	int err, n = 0;

	while (!(err = afbus_send(a.fd, b.addr, "x", 1, MSG_DONTWAIT)))
		n++;
	is(err, -EAGAIN);
	is(afbus_multicast(a.fd, 0, "y", 1, 0), 0);
	vm_heard(a.fd, a.addr, "y");
	while (!(err = afbus_msg_recv(b.fd, &m, 0)))
		n--;
	is(n, 0);
	is(err, -ETIMEDOUT);
	is(afbus_reason(b.fd), BUS_REASON_STALLED);
	is(afbus_msg_recv(b.end, &m, 0), -ENODATA);
	is(m.reason, BUS_REASON_STALLED);
	vm_close(&a);
	vm_close(&b);
}

static void bus_closes(void)
{
	struct peer a = vm_peer(bus, path);
	struct afbus_msg m = { 0 };

	close(bus);
	is(afbus_msg_recv(a.fd, &m, 0), -ENODATA);
	is(m.reason, BUS_REASON_ENDED);
	is(afbus_msg_recv(a.end, &m, 0), -ENODATA);
	is(m.reason, BUS_REASON_ENDED);
	vm_close(&a);
}

int main(void)
{
	struct bus_limits limits = { .stall_ms = 300 };

	vm_start();
	path = vm_name();
	bus = ok(afbus_bus_create(path, 4, 0));
	is(afbus_bus_set_limits(bus, &limits), 0);
	empty_message();
	client_closes();
	master_closes();
	stalls();
	bus_closes();
	return 0;
}
