// SPDX-License-Identifier: LGPL-2.1-or-later
/* The family's number, sockets of it, their options. */
#include "lib/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define PARAMETER "/sys/module/af_bus/parameters/family"

/* 0: not known yet, because the module may load with the first socket. The
 * number cannot change while a socket of it exists. */
static atomic_int known;

int family_read(const char *file)
{
	char text[16], *end;
	ssize_t n;
	long v;
	int fd, err;

	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = 0;
	errno = 0;
	v = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n') || errno || v <= 0 ||
	    v > UINT16_MAX)
		return -EINVAL;
	return v;
}

int afbus_family(void)
{
	int nr = atomic_load(&known);

	if (nr)
		return nr;
	nr = family_read(PARAMETER);
	if (nr < 0)
		return AF_BUS_DEFAULT;
	atomic_store(&known, nr);
	return nr;
}

static int socket_of(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	return fd < 0 ? -errno : fd;
}

int socket_new(int type, int protocol, unsigned int flags)
{
	int fd, one = 1, nr = afbus_family();

	type |= SOCK_CLOEXEC | (flags & AFBUS_NONBLOCK ? SOCK_NONBLOCK : 0);
	fd = socket_of(nr, type, protocol);
	/* The attempt may have loaded the module, under another number. */
	if (fd == -EAFNOSUPPORT && afbus_family() != nr)
		fd = socket_of(afbus_family(), type, protocol);
	if (fd >= 0 && flags & AFBUS_CREDS &&
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one))) {
		nr = -errno;
		close(fd);
		return nr;
	}
	return fd;
}

int option_set(int fd, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_BUS, option, value, len) ? -errno : 0;
}

int option_get(int fd, int option, void *value, socklen_t *len)
{
	return getsockopt(fd, SOL_BUS, option, value, len) ? -errno : 0;
}

int option_set_int(int fd, int option, int value)
{
	return option_set(fd, option, &value, sizeof(value));
}
