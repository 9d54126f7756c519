// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/log.h"

static int describe(struct listener *l, const struct sockaddr_un *un,
		    socklen_t len)
{
	bool abstract = !un->sun_path[0];
	size_t n = len - offsetof(struct sockaddr_un, sun_path);
	char *name;
	int result;

	name = abstract ? address_escape(un->sun_path + 1, n - 1) :
	       address_escape(un->sun_path, strnlen(un->sun_path, n));
	if (!name)
		return -ENOMEM;
	result = asprintf(&l->address, "unix:%s=%s",
			  abstract ? "abstract" : "path", name);
	free(name);
	if (result < 0)
		l->address = NULL;
	return result < 0 ? -ENOMEM : 0;
}

static bool is_alive(const struct sockaddr_un *un, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return false;
	alive = !connect(fd, (const struct sockaddr *)un, len) ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

/* A socket that a daemon has left behind is in the way; one that is served
 * stays. */
static void remove_stale(const struct sockaddr_un *un, socklen_t len)
{
	struct stat st;

	if (!lstat(un->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    !is_alive(un, len))
		unlink(un->sun_path);
}

/* Returns the socket or -errno. */
static int bind_socket(const struct sockaddr_un *un, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (un->sun_path[0])
		remove_stale(un, len);
	if (bind(fd, (const struct sockaddr *)un, len) < 0)
		goto fail;
	/* Credentials decide who may come in, not this. */
	if (un->sun_path[0] && chmod(un->sun_path, 0777) < 0)
		goto fail;
	if (listen(fd, SOMAXCONN) < 0)
		goto fail;
	return fd;

fail:
	err = -errno;
	close(fd);
	return err;
}

static int listen_at(struct listeners *all, const char *name, bool abstract)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	struct listener *l;
	socklen_t size;
	int fd, err;

	if (!len)
		return -EINVAL;
	if (len + 1 > sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path + abstract, name, len);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	fd = bind_socket(&un, size);
	if (fd < 0)
		return fd;
	err = listener_add(all, fd, &l);
	if (!err && !abstract)
		err = listener_own_path(l, name);
	return err ? err : describe(l, &un, size);
}

static int listen_path(struct listeners *all, const char *path)
{
	return listen_at(all, path, false);
}

static int listen_abstract(struct listeners *all, const char *name)
{
	return listen_at(all, name, true);
}

static int listen_dir(struct listeners *all, const char *dir)
{
	char guid[BUS_GUID_LEN + 1];
	char *path;
	int err;

	bus_guid_new(guid);
	if (asprintf(&path, "%s/dbus-%.10s", dir, guid) < 0)
		return -ENOMEM;
	err = listen_path(all, path);
	free(path);
	return err;
}

static int listen_runtime(struct listeners *all, const char *yes)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char *path;
	int err;

	if (strcmp(yes, "yes"))
		return -EINVAL;
	if (!dir) {
		log_error("unix:runtime=yes needs XDG_RUNTIME_DIR");
		return -ENOENT;
	}
	if (asprintf(&path, "%s/bus", dir) < 0)
		return -ENOMEM;
	err = listen_path(all, path);
	free(path);
	return err;
}

/* The one key that says where, and how. */
static const struct {
	const char *key;
	int (*open)(struct listeners *all, const char *value);
} unix_keys[] = {
	{ "path", listen_path },
	{ "abstract", listen_abstract },
	{ "dir", listen_dir },
	{ "tmpdir", listen_dir },
	{ "runtime", listen_runtime },
};

int listener_open_unix(struct listeners *all, const struct address *a)
{
	size_t i;

	for (i = 0; a->n == 1 && i < sizeof(unix_keys) / sizeof(*unix_keys);
	     i++)
		if (!strcmp(a->pair[0].key, unix_keys[i].key))
			return unix_keys[i].open(all, a->pair[0].value);
	log_error("unix: takes one of path=, abstract=, dir=, tmpdir=, runtime=yes");
	return -EINVAL;
}

static int add_inherited(struct listeners *all, int fd)
{
	struct sockaddr_un un = { 0 };
	socklen_t len = sizeof(un);
	struct listener *l;
	int err;

	if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
		log_error("inherited descriptor %d is not a listening unix socket",
			  fd);
		close(fd);
		return -ENOTSOCK;
	}
	if (getsockname(fd, (struct sockaddr *)&un, &len) < 0)
		len = 0;
	err = listener_add(all, fd, &l);
	if (err)
		return err;
	l->inherited = true;
	return describe(l, &un, len);
}

int listener_open_systemd(struct listeners *all, const struct address *a)
{
	int n = sd_listen_fds(1);
	int i, err;

	if (n <= 0) {
		log_error("systemd: needs sockets passed by a service manager");
		return n ? n : -ENOTCONN;
	}
	for (i = 0; i < n; i++) {
		err = add_inherited(all, SD_LISTEN_FDS_START + i);
		if (err)
			return err;
	}
	return 0;
}
