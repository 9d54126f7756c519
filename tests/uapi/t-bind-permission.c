// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may not write the file cannot connect, who may not write the folder
 * cannot make a bus in it. */
#include "native-test.h"

#include <sys/stat.h>

static struct sockaddr_bus sa;

static void may_not(void *arg)
{
	refused(connect(nt_socket(), NT_SA(&sa), sizeof(sa)), EACCES);
}

static void may(void *arg)
{
	int fd = nt_socket();

	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	tell(fd, "hello");
}

static void may_not_bind(void *arg)
{
	struct sockaddr_bus own;
	char path[BUS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/own", (char *)arg);
	own = nt_path(path);
	refused(bind(nt_socket(), NT_SA(&own), sizeof(own)), EACCES);
	refused(access(path, F_OK), ENOENT);
}

int main(void)
{
	struct sockaddr_bus from;
	socklen_t len = sizeof(from);
	char path[BUS_PATH_MAX];
	int bus, end;

	if (getuid())
		nt_skip("not root");
	close(nt_socket());
	snprintf(path, sizeof(path), "%s/bus", nt_folder());
	sa = nt_path(path);
	ok(chmod(nt_folder(), 0755));
	bus = nt_bus_at(&sa);
	ok(chmod(path, 0755));
	is(nt_as(NT_UID, may_not, NULL), 0);
	ok(chmod(path, 0702));
	is(nt_as(NT_UID, may, NULL), 0);
	end = ok(accept(bus, NT_SA(&from), &len));
	heard(end, from.sbus_addr.s_addr, "hello");
	/* The folder is looked at too. */
	ok(chmod(nt_folder(), 0700));
	is(nt_as(NT_UID, may_not, NULL), 0);
	ok(chmod(nt_folder(), 0755));
	is(nt_as(NT_UID, may_not_bind, (void *)nt_folder()), 0);
	close(end);
	close(bus);
	return 0;
}
