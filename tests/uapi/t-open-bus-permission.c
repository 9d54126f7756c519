// SPDX-License-Identifier: LGPL-2.1-or-later
/* The file's mode says who may be in an open bus. */
#include "native-test.h"

#include <sys/stat.h>

static struct sockaddr_bus sa;
static char path[BUS_PATH_MAX];

static void may_not(void *arg)
{
	int fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));

	refused(connect(fd, NT_SA(&sa), sizeof(sa)), EACCES);
	refused(try_say(fd, EVERYBODY, "x"), ENOTCONN);
}

static void may(void *arg)
{
	int fd = ok(socket(AF_BUS, SOCK_DGRAM, BUS_PROTO_NONE));

	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	say(fd, *(uint64_t *)arg, "hello");
}

int main(void)
{
	struct sockaddr_bus own;
	struct got g;
	int fd;

	if (getuid())
		nt_skip("not root");
	close(nt_socket());
	snprintf(path, sizeof(path), "%s/open", nt_folder());
	ok(chmod(nt_folder(), 0755));
	sa = nt_path(path);
	fd = ok(socket(AF_BUS, SOCK_DGRAM | SOCK_CLOEXEC, BUS_PROTO_NONE));
	ok(bind(fd, NT_SA(&sa), sizeof(sa)));
	own = nt_getsockname(fd);
	ok(chmod(path, 0755));
	is(nt_as(NT_UID, may_not, NULL), 0);
	ok(chmod(path, 0702));
	is(nt_as(NT_UID, may, &own.sbus_addr.s_addr), 0);
	/* From somebody who has left since. */
	is(nt_take(fd, &g, MSG_DONTWAIT), 5);
	check(g.from != own.sbus_addr.s_addr);
	silent(fd);
	close(fd);
	return 0;
}
