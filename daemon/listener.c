// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "daemon/address.h"
#include "daemon/log.h"
#include "daemon/peer.h"

/* Until descriptors may be free again. */
#define RETRY_USEC 500000

struct listener {
	struct listeners *all;
	int fd;
	unsigned int group;	/* of the listeners_add() that made it */
	bool inherited;
	char *path;		/* made by us, or NULL */
	dev_t dev;		/* what is at @path, if it is still ours */
	ino_t ino;
	char *address;		/* without guid= */
	sd_event_source *io;
};

struct listeners {
	struct bus *bus;	/* once started */
	sd_event_source *retry;
	unsigned int group;	/* the last one */
	size_t n;
	struct listener **v;
};

static struct listener *listener_free(struct listener *l)
{
	struct stat st;

	if (!l)
		return NULL;
	sd_event_source_disable_unref(l->io);
	if (l->path && !lstat(l->path, &st) && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l->address);
	free(l);
	return NULL;
}

/* Adds one for a listening socket, which it owns, on failure too. */
static int add(struct listeners *all, int fd, struct listener **ret)
{
	struct listener **v = realloc(all->v, (all->n + 1) * sizeof(*v));
	struct listener *l = calloc(1, sizeof(*l));

	if (v)
		all->v = v;
	if (!v || !l) {
		free(l);
		close(fd);
		return -ENOMEM;
	}
	l->all = all;
	l->fd = fd;
	l->group = all->group;
	all->v[all->n++] = l;
	*ret = l;
	return 0;
}

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

static int remember_path(struct listener *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	l->path = strdup(path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return l->path ? 0 : -ENOMEM;
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
	err = add(all, fd, &l);
	if (!err && !abstract)
		err = remember_path(l, name);
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

static int open_unix(struct listeners *all, const struct address *a)
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
	err = add(all, fd, &l);
	if (err)
		return err;
	l->inherited = true;
	return describe(l, &un, len);
}

static int open_systemd(struct listeners *all, const struct address *a)
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

static const struct {
	const char *name;
	int (*open)(struct listeners *all, const struct address *a);
} transports[] = {
	{ "unix", open_unix },
	{ "systemd", open_systemd },
};

static int open_one(struct listeners *all, char *text)
{
	struct address a;
	const char *why;
	size_t i;

	if (address_parse(&a, text, &why) < 0) {
		log_error("%s", why);
		return -EINVAL;
	}
	for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (!strcmp(a.transport, transports[i].name))
			return transports[i].open(all, &a);
	log_error("unknown transport \"%s\"", a.transport);
	return -EPROTONOSUPPORT;
}

struct listeners *listeners_new(void)
{
	return calloc(1, sizeof(struct listeners));
}

int listeners_add(struct listeners *all, const char *addresses)
{
	char *copy = strdup(addresses), *one, *save;
	size_t before = all->n;
	int err = copy ? 0 : -ENOMEM;

	all->group++;
	for (one = err ? NULL : strtok_r(copy, ";", &save); one && !err;
	     one = strtok_r(NULL, ";", &save))
		err = open_one(all, one);
	if (!err && all->n == before)
		err = -EINVAL;
	free(copy);
	return err ? log_errno(err, "cannot listen on \"%s\"", addresses) : 0;
}

bool listeners_unix_only(const struct listeners *l)
{
	return true;
}

static void print_group(FILE *f, const struct listeners *l, unsigned int group,
			const char *guid)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i]->group == group)
			fprintf(f, "%s%s,guid=%s", ftell(f) ? ";" : "",
				l->v[i]->address, guid);
}

char *listeners_address(const struct listeners *l, const char *guid)
{
	char *text = NULL;
	unsigned int group;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (group = l->group; group; group--)
		print_group(f, l, group, guid);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

static void set_enabled(struct listeners *l, bool on)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		sd_event_source_set_enabled(l->v[i]->io,
					    on ? SD_EVENT_ON : SD_EVENT_OFF);
}

static bool is_full(const struct listeners *l)
{
	return l->bus->n_incomplete >=
	       l->bus->config.limits.incomplete_connections;
}

static void on_room(void *ctx)
{
	struct listeners *l = ctx;

	if (!is_full(l))
		set_enabled(l, true);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *ctx)
{
	on_room(ctx);
	return 0;
}

/* Nothing tells when there are descriptors or memory again. */
static void pause_accepting(struct listeners *l, int err)
{
	log_errno(err, "cannot accept a connection for now");
	set_enabled(l, false);
	sd_event_source_set_time_relative(l->retry, RETRY_USEC);
	sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
}

static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static int on_connection(sd_event_source *s, int fd, uint32_t events,
			 void *ctx)
{
	struct listeners *all = ((struct listener *)ctx)->all;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int err;

	if (conn < 0) {
		if (is_shortage(-errno))
			pause_accepting(all, -errno);
		return 0;
	}
	err = peer_new(all->bus, conn);
	if (err < 0)
		log_errno(err, "cannot take a connection");
	if (is_full(all))
		set_enabled(all, false);
	return 0;
}

/* Clients see the process that has called it last, and that may have been
 * the one before we went to the background. */
static void listen_again(int fd)
{
	if (listen(fd, SOMAXCONN) < 0)
		log_errno(-errno, "cannot listen again");
}

int listeners_start(struct listeners *l, struct bus *bus)
{
	size_t i;
	int err;

	l->bus = bus;
	for (i = 0; i < l->n; i++)
		if (!l->v[i]->inherited)
			listen_again(l->v[i]->fd);
	err = sd_event_add_time_relative(bus->event, &l->retry,
					 CLOCK_MONOTONIC, 0, 0, on_retry, l);
	for (i = 0; err >= 0 && i < l->n; i++)
		err = sd_event_add_io(bus->event, &l->v[i]->io, l->v[i]->fd,
				      EPOLLIN, on_connection, l->v[i]);
	if (err < 0)
		return log_errno(err, "cannot serve the listening sockets");
	bus->room = on_room;
	bus->room_ctx = l;
	return 0;
}

struct listeners *listeners_close(struct listeners *l)
{
	size_t i;

	if (!l)
		return NULL;
	if (l->bus)
		l->bus->room = NULL;
	sd_event_source_disable_unref(l->retry);
	for (i = 0; i < l->n; i++)
		listener_free(l->v[i]);
	free(l->v);
	free(l);
	return NULL;
}
