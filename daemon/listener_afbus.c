// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/bus_socket.h"
#include "daemon/log.h"
#include "linux/bus.h"

/* Nobody serves it, of whichever family. */
static bool is_dead(const struct sockaddr_bus *sa)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fds[2], i, r;
	bool dead = true;

	memcpy(un.sun_path, sa->sbus_path, sizeof(un.sun_path));
	fds[0] = bus_socket();
	fds[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	for (i = 0; i < 2; i++) {
		r = i ? connect(fds[i], (struct sockaddr *)&un, sizeof(un)) :
			connect(fds[i], (const struct sockaddr *)sa,
				sizeof(*sa));
		dead = dead && r < 0 && errno == ECONNREFUSED;
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return dead;
}

static void remove_stale(const struct sockaddr_bus *sa)
{
	struct stat st;

	if (!lstat(sa->sbus_path, &st) && S_ISSOCK(st.st_mode) && is_dead(sa))
		unlink(sa->sbus_path);
}

static int bind_bus(int fd, const struct sockaddr_bus *sa)
{
	const char *path = sa->sbus_path;

	if (path[0])
		remove_stale(sa);
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return -errno;
	/* Credentials decide who may come in, not this. */
	if (path[0] && chmod(path, 0777) < 0)
		return -errno;
	return listen(fd, SOMAXCONN) < 0 ? -errno : 0;
}

static int describe(struct listener *l, const char *name, bool abstract)
{
	char *text = address_escape(name, strlen(name));
	int n = -1;

	if (text)
		n = asprintf(&l->address, "afbus:%s=%s",
			     abstract ? "abstract" : "path", text);
	if (n < 0)
		l->address = NULL;
	free(text);
	return n < 0 ? -ENOMEM : 0;
}

static int listen_at(struct listeners *all, const char *name, bool abstract)
{
	struct sockaddr_bus sa = { .sbus_family = bus_family() };
	size_t len = strlen(name);
	struct listener *l;
	int fd, err;

	if (!len)
		return -EINVAL;
	if (len + 1 > sizeof(sa.sbus_path))
		return -ENAMETOOLONG;
	fd = bus_socket();
	if (fd == -EAFNOSUPPORT)
		log_error("afbus: addresses need the module af_bus, and this kernel has none");
	if (fd < 0)
		return fd;
	sa.sbus_family = bus_family();
	memcpy(sa.sbus_path + abstract, name, len);
	err = bind_bus(fd, &sa);
	if (err) {
		close(fd);
		return err;
	}
	err = listener_add(all, fd, &l);
	if (err)
		return err;
	l->native = true;
	if (!abstract)
		err = listener_own_path(l, name);
	return err ? err : describe(l, name, abstract);
}

int listener_open_afbus(struct listeners *all, const struct address *a)
{
	const char *key = a->n == 1 ? a->pair[0].key : "";

	if (listeners_bus(all) >= 0) {
		log_error("afbus: takes one address, which is the bus's own");
		return -EINVAL;
	}
	if (!strcmp(key, "path"))
		return listen_at(all, a->pair[0].value, false);
	if (!strcmp(key, "abstract"))
		return listen_at(all, a->pair[0].value, true);
	log_error("afbus: takes one of path=, abstract=");
	return -EINVAL;
}
