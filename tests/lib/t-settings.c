// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a master sets for its bus and its clients, and a client for itself. */
#include "tests/lib/vm.h"

static const char *path;
static int bus;

static void limits(void)
{
	struct bus_limits l, set = { .stall_ms = 1234 }, high = {
		.stall_ms = 777, .message_bytes = 0x7fffffff,
	};
	uint32_t bytes;

	is(afbus_bus_get_limits(bus, &l), 0);
	check(l.stall_ms && l.queue_bytes && l.message_bytes);
	bytes = l.message_bytes;
	is(afbus_bus_set_limits(bus, &set), 0);
	is(afbus_bus_set_limits(bus, &high), -EINVAL);
	is(afbus_bus_get_limits(bus, &l), 0);
	is(l.stall_ms, 1234);
	is(l.message_bytes, bytes);
}

static void full_ones(void)
{
	struct peer a, b;
	uint64_t full[4];
	int n = 0;

	is(afbus_bus_set_maxqlen(bus, 3), 0);
	is(afbus_bus_set_maxqlen(bus, 65536), -EINVAL);
	a = vm_peer(bus, path);
	b = vm_peer(bus, path);
	is(afbus_bus_get_full(bus, full, 4), 0);
	while (!afbus_send(a.fd, b.addr, "x", 1, MSG_DONTWAIT))
		n++;
	check(n >= 3 && n <= 4);
	is(afbus_bus_get_full(bus, full, 4), 1);
	is(full[0], b.addr);
	is(afbus_send(a.fd, AFBUS_ALL, "x", 1, MSG_DONTWAIT), -EAGAIN);
	vm_silent(a.fd);
	vm_close(&a);
	vm_close(&b);
	is(afbus_bus_set_maxqlen(bus, 10), 0);
}

static void send_buffer(void)
{
	static char data[4096];
	struct peer a;

	is(afbus_bus_set_sendbuf(bus, 2047), -EINVAL);
	is(afbus_bus_set_sendbuf(bus, 4000), 0);
	a = vm_peer(bus, path);
	is(afbus_send(a.fd, BUS_MASTER_ADDR, data, 4001, 0), -EMSGSIZE);
	is(afbus_send(a.fd, BUS_MASTER_ADDR, data, 4000, 0), 0);
	is(afbus_msg_next_len(a.end, 0), 4000);
	vm_close(&a);
}

static void priorities(void)
{
	struct peer a = vm_peer(bus, path), b = vm_peer(bus, path);

	is(afbus_send(a.fd, b.addr, "low", 3, 0), 0);
	is(afbus_client_set_priority(a.fd, 5), 0);
	is(afbus_send(a.fd, b.addr, "high", 4, 0), 0);
	is(afbus_client_set_priority(a.fd, 0), 0);
	is(afbus_send(a.fd, b.addr, "low too", 7, 0), 0);
	vm_heard(b.fd, a.addr, "high");
	vm_heard(b.fd, a.addr, "low");
	vm_heard(b.fd, a.addr, "low too");
	vm_close(&a);
	vm_close(&b);
}

static void filters(void)
{
	/* Keeps what begins with 'k', two bytes of it. */
	static const struct sock_filter keep[] = {
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'k' },
		{ BPF_RET | BPF_K, 0, 0, 2 },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	static const struct sock_filter bad[] = { { 0xffff, 0, 0, 0 } };
	struct peer a = vm_peer(bus, path), b = vm_peer(bus, path);

	is(afbus_end_set_filter(b.end, bad, 1), -EINVAL);
	is(afbus_end_set_filter(b.fd, keep, 4), -EPERM);
	is(afbus_end_set_filter(b.end, keep, 4), 0);
	is(afbus_send(a.fd, AFBUS_ALL, "drop", 4, 0), 0);
	is(afbus_send(a.fd, AFBUS_ALL, "keep", 4, 0), 0);
	vm_heard(a.fd, a.addr, "drop");
	vm_heard(a.fd, a.addr, "keep");
	vm_heard(b.fd, a.addr, "ke");
	vm_silent(b.fd);
	is(afbus_end_set_filter(b.end, NULL, 0), 0);
	is(afbus_send(a.fd, b.addr, "drop", 4, 0), 0);
	vm_heard(b.fd, a.addr, "drop");
	is(afbus_end_set_filter_bpf(b.end, bus), -EINVAL);
	is(afbus_end_set_filter_bpf(b.end, -1), 0);
	vm_close(&a);
	vm_close(&b);
}

static void eavesdroppers(void)
{
	struct peer a = vm_peer(bus, path), b = vm_peer(bus, path);
	struct peer tap = vm_peer(bus, path);
	struct afbus_msg m;

	is(afbus_end_set_eavesdrop(tap.end, true), 0);
	is(afbus_send(a.fd, b.addr, "psst", 4, 0), 0);
	is(afbus_send(b.end, BUS_MASTER_ADDR, "you", 3, 0), 0);
	vm_hear(tap.fd, &m, a.addr, "psst");
	is(m.to, b.addr);
	vm_heard(tap.fd, BUS_MASTER_ADDR, "you");
	is(afbus_end_set_eavesdrop(tap.end, false), 0);
	is(afbus_send(a.fd, b.addr, "psst", 4, 0), 0);
	vm_silent(tap.fd);
	vm_close(&a);
	vm_close(&b);
	vm_close(&tap);
}

int main(void)
{
	vm_start();
	path = vm_name();
	bus = ok(afbus_bus_create(path, 4, 0));
	limits();
	full_ones();
	send_buffer();
	is(afbus_bus_set_sendbuf(bus, 65536), 0);
	priorities();
	filters();
	eavesdroppers();
	close(bus);
	return 0;
}
