// SPDX-License-Identifier: LGPL-2.1-or-later
/* Clients of a bus with a master, members of an open one. */
#include "lib/internal.h"
#include "lib/place.h"

#include <errno.h>
#include <unistd.h>

/* How often a bus may end between one call and the next before we give up. */
#define OPEN_TRIES 16

int afbus_client_connect(const char *path, unsigned int flags)
{
	if (flags & ~(AFBUS_NONBLOCK | AFBUS_CREDS))
		return -EINVAL;
	return place_connect(SOCK_SEQPACKET, path, flags);
}

int afbus_member_create(const char *path, unsigned int flags)
{
	int fd, err;

	if (flags & ~(AFBUS_NONBLOCK | AFBUS_CREDS | AFBUS_REPLACE))
		return -EINVAL;
	fd = place_bind(SOCK_DGRAM, path, flags);
	if (fd < 0)
		return fd;
	err = option_set_int(fd, BUS_PASS_INFO, 1);
	if (err) {
		place_remove(path);
		close(fd);
		return err;
	}
	return fd;
}

int afbus_member_join(const char *path, unsigned int flags)
{
	if (flags & ~(AFBUS_NONBLOCK | AFBUS_CREDS))
		return -EINVAL;
	return place_connect(SOCK_DGRAM, path, flags);
}

int afbus_member_open(const char *path, unsigned int flags)
{
	int fd, i;

	for (i = 0; i < OPEN_TRIES; i++) {
		fd = afbus_member_create(path, flags);
		if (fd != -EADDRINUSE)
			return fd;
		fd = afbus_member_join(path, flags & ~AFBUS_REPLACE);
		if (fd != -ECONNREFUSED && fd != -ENOENT)
			return fd;
	}
	return fd;
}

int afbus_client_get_addr(int fd, uint64_t *addr)
{
	return address_get(fd, getsockname, addr);
}

int afbus_client_set_priority(int fd, int priority)
{
	if (priority < 0 || priority > BUS_PRIO_MAX)
		return -EINVAL;
	return setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority,
			  sizeof(priority)) ? -errno : 0;
}
