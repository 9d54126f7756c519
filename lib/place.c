// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lib/place.h"
#include "lib/internal.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int connect_fd(int fd, struct sockaddr_bus *sa)
{
	/* Only now that the module is there its number is certain. */
	sa->sbus_family = afbus_family();
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		return -errno;
	return option_set_int(fd, BUS_PASS_INFO, 1);
}

int place_connect(int type, const char *path, unsigned int flags)
{
	struct sockaddr_bus sa;
	int fd, err;

	err = afbus_sockaddr_set(&sa, path, 0);
	if (err)
		return err;
	fd = socket_new(type, BUS_PROTO_NONE, flags);
	if (fd < 0)
		return fd;
	err = connect_fd(fd, &sa);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/*
 * Whether @path is a socket's file whose bus has ended. A bus of the same kind
 * refuses the other type, so its master does not see us come and go, and it
 * does not matter whether it listens yet.
 */
static bool place_stale(int type, const char *path)
{
	int other = type == SOCK_DGRAM ? SOCK_SEQPACKET : SOCK_DGRAM;
	struct stat st;
	int fd;

	if (*path == '@' || lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = place_connect(other, path, AFBUS_NONBLOCK);
	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

void place_remove(const char *path)
{
	if (*path != '@')
		unlink(path);
}

static int bind_fd(int fd, struct sockaddr_bus *sa)
{
	sa->sbus_family = afbus_family();
	return bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : 0;
}

int place_bind(int type, const char *path, unsigned int flags)
{
	struct sockaddr_bus sa;
	int fd, err;

	err = afbus_sockaddr_set(&sa, path, 0);
	if (err)
		return err;
	fd = socket_new(type, BUS_PROTO_NONE, flags);
	if (fd < 0)
		return fd;
	err = bind_fd(fd, &sa);
	if (err == -EADDRINUSE && flags & AFBUS_REPLACE &&
	    place_stale(type, path)) {
		place_remove(path);
		err = bind_fd(fd, &sa);
	}
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
