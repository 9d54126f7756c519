// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "linux/bus.h"

unsigned short bus_family(void)
{
	FILE *f = fopen("/sys/module/af_bus/parameters/family", "re");
	unsigned int n = AF_BUS_DEFAULT;

	if (!f)
		return n;
	if (fscanf(f, "%u", &n) != 1)
		n = AF_BUS_DEFAULT;
	fclose(f);
	return n;
}

static int socket_of(unsigned short family)
{
	int fd = socket(family, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			BUS_PROTO_DBUS);

	return fd < 0 ? -errno : fd;
}

int bus_socket(void)
{
	unsigned short family = bus_family();
	int fd = socket_of(family);

	/* That may have loaded the module, configured to another number. */
	if (fd < 0 && bus_family() != family)
		fd = socket_of(bus_family());
	return fd == -EPROTONOSUPPORT ? -EAFNOSUPPORT : fd;
}
