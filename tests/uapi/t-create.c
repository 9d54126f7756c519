// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which sockets can be made, and what an unbound one can do. */
#include "native-test.h"

#include <fcntl.h>

static void kinds(void)
{
	int sv[2], fd;

	refused(socket(AF_BUS, SOCK_STREAM, BUS_PROTO_NONE), ESOCKTNOSUPPORT);
	refused(socket(AF_BUS, SOCK_RAW, BUS_PROTO_NONE), ESOCKTNOSUPPORT);
	refused(socket(AF_BUS, SOCK_STREAM, BUS_PROTO_DBUS), ESOCKTNOSUPPORT);
	refused(socket(AF_BUS, SOCK_SEQPACKET, 99), EPROTONOSUPPORT);
	refused(socket(AF_BUS, SOCK_SEQPACKET, -1), EPROTONOSUPPORT);
	refused(socket(AF_BUS, SOCK_DGRAM, 99), EPROTONOSUPPORT);
	refused(socketpair(AF_BUS, SOCK_SEQPACKET, 0, sv), EOPNOTSUPP);
	fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
	is(nt_get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
	close(fd);
}

static void flags(void)
{
	int fd = ok(socket(AF_BUS, SOCK_SEQPACKET | SOCK_NONBLOCK, 0));

	is(nt_get(fd, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET);
	is(nt_get(fd, SOL_SOCKET, SO_DOMAIN), AF_BUS);
	is(nt_get(fd, SOL_SOCKET, SO_PROTOCOL), BUS_PROTO_NONE);
	is(nt_get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	check(fcntl(fd, F_GETFL) & O_NONBLOCK);
	check(!(fcntl(fd, F_GETFD) & FD_CLOEXEC));
	close(fd);
	fd = ok(socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void unbound(void)
{
	int fd = nt_socket(), one = 1;
	struct sockaddr_bus sa = nt_getsockname(fd);
	socklen_t len = sizeof(sa);
	struct bus_limits l;
	char c;

	is(sa.sbus_family, AF_BUS);
	is(sa.sbus_path[0], 0);
	refused(getpeername(fd, NT_SA(&sa), &len), ENOTCONN);
	refused(send(fd, "x", 1, MSG_NOSIGNAL), ENOTCONN);
	refused(nt_to(fd, EVERYBODY, "x", 1, 0), ENOTCONN);
	refused(recv(fd, &c, 1, MSG_DONTWAIT), ENOTCONN);
	refused(listen(fd, 1), EINVAL);
	refused(accept(fd, NULL, NULL), EINVAL);
	refused(setsockopt(fd, SOL_BUS, BUS_SET_MAXQLEN, &one, sizeof(one)),
		ENOTCONN);
	len = sizeof(l);
	refused(getsockopt(fd, SOL_BUS, BUS_LIMITS, &l, &len), ENOTCONN);
	refused(nt_join(fd), ENOTCONN);
	close(fd);
}

static void version(void)
{
	int fd = nt_socket();

	is(nt_get(fd, SOL_BUS, BUS_VERSION), BUS_ABI_VERSION);
	close(fd);
}

int main(void)
{
	close(nt_socket());
	kinds();
	flags();
	unbound();
	version();
	return 0;
}
