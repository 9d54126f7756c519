// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Persistence of native buses is the master's to ask for, and there is none on an
 * open bus. Who may take one over; and what the options refuse.
 */
#include "native-test.h"

#include <poll.h>

static struct sockaddr_bus name;
static int want;

static int get(int fd, int option, socklen_t len)
{
	static char buf[256];

	memset(buf, 0, sizeof(buf));
	return getsockopt(fd, SOL_BUS, option, buf, &len);
}

static int persist(int fd, uint32_t ms)
{
	return setsockopt(fd, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms));
}

static void options(void)
{
	struct sockaddr_bus sa = nt_name();
	int open_bus = socket(AF_BUS, SOCK_DGRAM, 0), none = nt_socket();
	int bus = nt_bus();
	struct peer p = nt_peer(bus);
	uint32_t ms = 1000;

	ok(bind(open_bus, NT_SA(&sa), sizeof(sa)));
	refused(persist(open_bus, ms), EOPNOTSUPP);
	refused(get(open_bus, BUS_TAKEOVER, sizeof(struct bus_outage)),
		EOPNOTSUPP);
	refused(get(open_bus, BUS_JOIN_BUS, 4), EOPNOTSUPP);
	ok(nt_add(open_bus, PREFIX(3) | 3));
	ok(get(open_bus, BUS_ADD_ADDR, 8));
	refused(persist(none, ms), ENOTCONN);
	refused(persist(p.fd, ms), EPERM);
	refused(persist(p.end, ms), EOPNOTSUPP);
	refused(get(p.fd, BUS_ADD_ADDR, 8), EPERM);
	refused(get(p.fd, BUS_JOIN_BUS, 4), EPERM);
	refused(get(p.fd, BUS_SET_EAVESDROP, 4), EPERM);
	refused(get(p.fd, BUS_TAKEOVER, sizeof(struct bus_outage)), EPERM);
	refused(get(bus, BUS_JOIN_BUS, 4), EOPNOTSUPP);
	refused(get(p.end, BUS_JOIN_BUS, 3), EINVAL);
	is(nt_get(bus, SOL_BUS, BUS_PERSIST), 0);
	refused(persist(bus, 3600001), EINVAL);
	refused(setsockopt(bus, SOL_BUS, BUS_PERSIST, &ms, 3), EINVAL);
	ok(persist(bus, ms));
	is(nt_get(bus, SOL_BUS, BUS_PERSIST), ms);
	refused(get(bus, BUS_PORT_FILE, sizeof(struct bus_port_file)),
		EOPNOTSUPP);
	refused(get(bus, BUS_DUMP, 200), EOPNOTSUPP);
	ok(persist(bus, 0));
	nt_close(&p);
	close(bus);
	close(open_bus);
	close(none);
}

/* As many as fit, and no more. */
static void lengths(void)
{
	int bus = nt_bus(), i;
	struct peer p = nt_peer(bus);
	uint64_t addrs[4];
	socklen_t len;

	for (i = 1; i <= 3; i++)
		ok(nt_add(p.end, PREFIX(i) | i));
	for (i = 0; i < 32; i++) {
		len = i;
		memset(addrs, 0xff, sizeof(addrs));
		ok(getsockopt(p.end, SOL_BUS, BUS_ADD_ADDR, addrs, &len));
		is(len, i > 24 ? 24 : i / 8 * 8);
		is(addrs[len / 8], -1);
	}
	check(addrs[0] == (PREFIX(1) | 1) && addrs[2] == (PREFIX(3) | 3));
	len = 24;
	refused(getsockopt(p.end, SOL_BUS, BUS_ADD_ADDR, (void *)8, &len),
		EFAULT);
	ok(nt_del(p.end, PREFIX(2) | 2));
	ok(setsockopt(p.end, SOL_BUS, BUS_SET_EAVESDROP, NULL, 0));
	is(nt_get(p.end, SOL_BUS, BUS_SET_EAVESDROP), 1);
	len = 32;
	ok(getsockopt(p.end, SOL_BUS, BUS_ADD_ADDR, addrs, &len));
	is(len, 16);
	is(addrs[1], PREFIX(3) | 3);
	nt_close(&p);
	close(bus);
}

/* A file is kept for the next master. */
static void kept(void)
{
	struct bus_keep k = { .id = 5 };
	socklen_t len = sizeof(k);
	int bus, fds[2];
	char x;

	name = nt_name();
	bus = nt_bus_at(&name);
	ok(persist(bus, 3600000));
	ok(pipe(fds));
	k.fd = fds[1];
	ok(setsockopt(bus, SOL_BUS, BUS_KEEP, &k, sizeof(k)));
	k.fd = bus;
	refused(setsockopt(bus, SOL_BUS, BUS_KEEP, &k, sizeof(k)), EINVAL);
	close(fds[1]);
	close(bus);
	bus = nt_bus_at(&name);
	k = (struct bus_keep){ .id = 5 };
	ok(getsockopt(bus, SOL_BUS, BUS_KEEP, &k, &len));
	is(write(k.fd, "!", 1), 1);
	is(read(fds[0], &x, 1), 1);
	close(k.fd);
	ok(persist(bus, 0));
	close(bus);
	is(read(fds[0], &x, 1), 0);
	close(fds[0]);
}

static void try_bind(void *arg)
{
	int proto = *(int *)arg;
	int fd = ok(socket(AF_BUS, SOCK_SEQPACKET, proto));

	refused(bind(fd, NT_SA(&name), sizeof(name)), want);
}

static void bind_as(uid_t uid, int err)
{
	int proto = BUS_PROTO_NONE;

	want = err;
	is(nt_as(uid, try_bind, &proto), 0);
}

static void others(void)
{
	int bus, proto = BUS_PROTO_DBUS, fd;
	struct peer p;

	name = nt_name();
	bus = nt_bus_at(&name);
	ok(persist(bus, 3600000));
	p = nt_peer(bus);
	bind_as(0, EADDRINUSE);
	if (!getuid())
		bind_as(NT_UID, EADDRINUSE);
	close(bus);
	close(p.end);
	if (!getuid())
		bind_as(NT_UID, EPERM);
	fd = socket(AF_BUS, SOCK_SEQPACKET, proto);
	if (fd >= 0) {
		refused(bind(fd, NT_SA(&name), sizeof(name)), EPROTOTYPE);
		close(fd);
	}
	bus = nt_bus_at(&name);
	bind_as(0, EADDRINUSE);
	p = nt_accept(bus, p.fd);
	ok(persist(bus, 0));
	nt_close(&p);
	close(bus);
}

int main(void)
{
	options();
	lengths();
	kept();
	others();
	return 0;
}
