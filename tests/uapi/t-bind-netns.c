// SPDX-License-Identifier: LGPL-2.1-or-later
/* An abstract name belongs to a network namespace, a path to the file system;
 * /proc/net/bus shows the reader's namespace alone. */
#include "native-test.h"

#include <poll.h>
#include <sched.h>

int main(void)
{
	struct sockaddr_bus name = nt_name(), file;
	char path[BUS_PATH_MAX];
	int a, b, fd, inner;

	if (getuid())
		nt_skip("not root");
	close(nt_socket());
	snprintf(path, sizeof(path), "%s/bus", nt_folder());
	file = nt_path(path);
	a = nt_bus_at(&name);
	b = nt_bus_at(&file);
	check(nt_proc_lines() > 0);
	ok(unshare(CLONE_NEWNET));
	is(nt_proc_lines(), 0);
	fd = nt_socket();
	refused(connect(fd, NT_SA(&name), sizeof(name)), ECONNREFUSED);
	ok(connect(fd, NT_SA(&file), sizeof(file)));
	/* Free here, and another bus. */
	inner = nt_bus_at(&name);
	close(fd);
	fd = nt_socket();
	ok(connect(fd, NT_SA(&name), sizeof(name)));
	ok(accept(inner, NULL, NULL));
	is(nt_poll(a, POLLIN, 0), 0);
	close(fd);
	close(inner);
	close(a);
	close(b);
	return 0;
}
