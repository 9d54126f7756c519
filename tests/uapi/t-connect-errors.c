// SPDX-License-Identifier: LGPL-2.1-or-later
/* What connect() refuses, and that a refused socket can try again. */
#include "native-test.h"

#include <fcntl.h>
#include <sys/un.h>

static void kinds(void)
{
	struct sockaddr_bus sa = nt_name(), open = nt_name();
	int bus = nt_bus_at(&sa), fd, dgram;

	fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), EPROTOTYPE);
	close(fd);
	dgram = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));
	ok(bind(dgram, NT_SA(&open), sizeof(open)));
	fd = nt_socket();
	refused(connect(fd, NT_SA(&open), sizeof(open)), EPROTOTYPE);
	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	close(fd);
	close(dgram);
	close(bus);
}

static void protocols(void)
{
	struct sockaddr_bus sa = nt_name(), other = nt_name();
	int bus = nt_bus_at(&sa), fd, dbus;

	dbus = socket(AF_BUS, SOCK_SEQPACKET, BUS_PROTO_DBUS);
	if (dbus < 0) {
		is(errno, EPROTONOSUPPORT);
		close(bus);
		return;
	}
	refused(connect(dbus, NT_SA(&sa), sizeof(sa)), EPROTOTYPE);
	ok(bind(dbus, NT_SA(&other), sizeof(other)));
	fd = nt_socket();
	check(connect(fd, NT_SA(&other), sizeof(other)) == -1);
	check(errno == EPROTOTYPE || errno == ECONNREFUSED);
	close(fd);
	close(dbus);
	close(bus);
}

static void twice(void)
{
	struct sockaddr_bus sa = nt_name(), other = nt_name();
	int bus = nt_bus_at(&sa), bus2 = nt_bus_at(&other);
	int fd = nt_connect(bus);
	struct peer p;

	refused(connect(fd, NT_SA(&sa), sizeof(sa)), EISCONN);
	refused(connect(fd, NT_SA(&other), sizeof(other)), EISCONN);
	p = nt_accept(bus, fd);
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), EISCONN);
	refused(connect(p.end, NT_SA(&other), sizeof(other)), EISCONN);
	refused(bind(p.fd, NT_SA(&other), sizeof(other)), EINVAL);
	refused(bind(p.end, NT_SA(&other), sizeof(other)), EINVAL);
	refused(listen(p.fd, 1), EINVAL);
	refused(listen(p.end, 1), EINVAL);
	/* Who listens is no client; what it bound stays bound. */
	check(connect(bus, NT_SA(&other), sizeof(other)) == -1);
	check(errno == EINVAL || errno == EISCONN);
	tell(p.fd, "still here");
	heard(p.end, p.addr, "still here");
	close(bus);
	close(bus2);
}

static void others(void)
{
	struct sockaddr_bus sa = nt_path("/nowhere/at/all");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char path[BUS_PATH_MAX];
	int fd = nt_socket(), stranger;

	refused(connect(fd, NT_SA(&sa), sizeof(sa)), ENOENT);
	sa = nt_path("/");
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), ECONNREFUSED);
	/* A socket, not ours. */
	snprintf(path, sizeof(path), "%s/unix", nt_folder());
	strcpy(un.sun_path, path);
	stranger = ok(socket(AF_UNIX, SOCK_STREAM, 0));
	ok(bind(stranger, NT_SA(&un), sizeof(un)));
	ok(listen(stranger, 1));
	sa = nt_path(path);
	refused(connect(fd, NT_SA(&sa), sizeof(sa)), ECONNREFUSED);
	/* And the other way round. */
	snprintf(path, sizeof(path), "%s/bus", nt_folder());
	sa = nt_path(path);
	close(stranger);
	stranger = ok(socket(AF_UNIX, SOCK_STREAM, 0));
	nt_bus_at(&sa);
	strcpy(un.sun_path, path);
	refused(connect(stranger, NT_SA(&un), sizeof(un)), ECONNREFUSED);
	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	close(fd);
}

int main(void)
{
	close(nt_socket());
	kinds();
	protocols();
	twice();
	others();
	return 0;
}
