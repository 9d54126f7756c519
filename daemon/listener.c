// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/notes.h"
#include "daemon/past.h"
#include "daemon/peer.h"

/* Until descriptors may be free again. */
#define RETRY_USEC 500000

static struct listener *listener_free(struct listener *l)
{
	struct stat st;

	if (!l)
		return NULL;
	sd_event_source_disable_unref(l->io);
	if (l->path && !lstat(l->path, &st) && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
	/* A nonce has a folder of its own. */
	if (l->path && l->has_nonce && strrchr(l->path, '/')) {
		*strrchr(l->path, '/') = 0;
		rmdir(l->path);
	}
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l->address);
	free(l);
	return NULL;
}

int listener_add(struct listeners *all, int fd, struct listener **ret)
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

int listener_own_path(struct listener *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -errno;
	l->path = strdup(path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return l->path ? 0 : -ENOMEM;
}

static const struct {
	const char *name;
	int (*open)(struct listeners *all, const struct address *a);
} transports[] = {
	{ "unix", listener_open_unix },
	{ "systemd", listener_open_systemd },
	{ "tcp", listener_open_tcp },
	{ "nonce-tcp", listener_open_nonce_tcp },
	{ "afbus", listener_open_afbus },
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
	if (err == -EADDRINUSE && all->patient && !all->in_use) {
		all->in_use = strdup(addresses);
		err = all->in_use ? 0 : -ENOMEM;
	} else if (!err && all->n == before) {
		err = -EINVAL;
	}
	free(copy);
	return err ? log_errno(err, "cannot listen on \"%s\"", addresses) : 0;
}

void listeners_be_patient(struct listeners *l)
{
	l->patient = true;
}

bool listeners_unix_only(const struct listeners *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i]->tcp)
			return false;
	return true;
}

int listeners_bus(const struct listeners *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i]->native)
			return l->v[i]->fd;
	return -1;
}

static void print_group(FILE *f, const struct listeners *l, unsigned int group,
			const char *guid)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i]->group == group && l->v[i]->address)
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

static void log_full(const struct bus *bus)
{
	char culprit[PEER_CULPRIT_MAX] = "nobody";
	const struct peer *peer;
	size_t n;

	peer = peer_most_incomplete(bus, &n);
	if (peer)
		peer_culprit(peer, culprit);
	log_warning("No more connections for now: as many have not logged in as may (max_incomplete_connections=%zu), most of them, %zu, like %s",
		    bus->config.limits.incomplete_connections, n, culprit);
}

static int on_connection(sd_event_source *s, int fd, uint32_t events,
			 void *ctx)
{
	struct listener *l = ctx;
	struct listeners *all = l->all;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int one = 1, err;

	if (conn < 0) {
		if (is_shortage(-errno))
			pause_accepting(all, -errno);
		return 0;
	}
	if (l->tcp)
		setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	err = l->native ? peer_new_native(all->bus, conn) :
	      peer_new(all->bus, conn, l->has_nonce ? l->nonce : NULL);
	if (err < 0)
		log_errno(err, "cannot take a connection");
	if (is_full(all)) {
		log_full(all->bus);
		set_enabled(all, false);
	}
	return 0;
}

/* Clients see the process that has called it last, and that may have been
 * the one before we went to the background. */
static void listen_again(int fd)
{
	if (listen(fd, SOMAXCONN) < 0)
		log_errno(-errno, "cannot listen again");
}

/* ---- from one daemon to the next ---- */

static void note(struct listener *l, struct bus *bus)
{
	struct note_listener n = {
		.address = note_text(l->address),
		.path = note_text(l->path),
		.dev = l->dev,
		.ino = l->ino,
		.group = l->group,
		.flags = (l->inherited ? NOTE_INHERITED : 0) |
			 (l->tcp ? NOTE_TCP : 0) |
			 (l->native ? NOTE_NATIVE : 0),
		.nonce = { l->nonce, l->has_nonce ? sizeof(l->nonce) : 0 },
	};
	int err;

	/* A native one is the switch's own socket. */
	if (!bus->keeps || l->native || l->number)
		return;
	l->number = notes_number(bus);
	err = sw_keep(bus->sw, l->number, l->fd);
	if (err)
		log_errno(err, "cannot leave a listening socket behind");
	else
		notes_write(bus, 0, NOTE_LISTENER, l->number, &n);
}

/* The one of ours that is the same socket, or NULL. */
static struct listener *find_socket(struct listeners *all, int fd)
{
	struct stat a, b;
	size_t i;

	if (fstat(fd, &a) < 0)
		return NULL;
	for (i = 0; i < all->n; i++)
		if (!fstat(all->v[i]->fd, &b) && a.st_ino == b.st_ino &&
		    a.st_dev == b.st_dev)
			return all->v[i];
	return NULL;
}

static int copy_text(char **to, const struct rst_blob *b)
{
	if (!b->len)
		return 0;
	*to = strndup(b->data, b->len);
	return *to ? 0 : -ENOMEM;
}

static int restore_one(struct listener *l, const struct note_listener *n)
{
	int err = copy_text(&l->address, &n->address);

	if (!err)
		err = copy_text(&l->path, &n->path);
	if (n->nonce.len && n->nonce.len != sizeof(l->nonce))
		err = -EBADMSG;
	if (err)
		return err;
	l->dev = n->dev;
	l->ino = n->ino;
	l->group = n->group;
	if (l->group > l->all->group)
		l->all->group = l->group;
	l->inherited = n->flags & NOTE_INHERITED;
	l->tcp = n->flags & NOTE_TCP;
	l->has_nonce = n->nonce.len;
	memcpy(l->nonce, n->nonce.data, n->nonce.len);
	return 0;
}

static int restore_listener(struct bus *bus, uint64_t number,
			    const void *noted, void *ctx)
{
	struct listeners *all = ctx;
	int fd = past_take_fd(bus, number), err;
	struct listener *l;

	/* It was to be left behind, and that had failed. */
	if (fd < 0) {
		notes_remove(bus, 0, NOTE_LISTENER, number);
		return 0;
	}
	l = find_socket(all, fd);
	err = l ? 0 : listener_add(all, fd, &l);
	if (err)
		return err;
	if (l->fd == fd)
		err = restore_one(l, noted);
	else
		close(fd);
	l->number = number;
	return err;
}

int listeners_restore(struct listeners *l, struct bus *bus)
{
	int err = past_each(bus, NOTE_LISTENER, restore_listener, l);

	return err ? log_errno(err, "cannot take over the listening sockets") :
		     0;
}

void listeners_give_up(struct listeners *l)
{
	size_t i;

	for (i = 0; l && i < l->n; i++) {
		free(l->v[i]->path);
		l->v[i]->path = NULL;
		/* The nonce's folder stays, too. */
		l->v[i]->has_nonce = false;
	}
}

int listeners_start(struct listeners *l, struct bus *bus)
{
	bool first = !bus->past;
	size_t i;
	int err;

	l->bus = bus;
	if (l->in_use && first)
		return log_errno(-EADDRINUSE, "cannot listen on \"%s\"",
				 l->in_use);
	err = listeners_restore(l, bus);
	if (err)
		return err;
	past_free(bus);
	for (i = 0; i < l->n; i++)
		note(l->v[i], bus);
	for (i = 0; first && i < l->n; i++)
		if (!l->v[i]->inherited)
			listen_again(l->v[i]->fd);
	err = sd_event_add_time_relative(bus->event, &l->retry,
					 CLOCK_MONOTONIC, 0, 0, on_retry, l);
	for (i = 0; err >= 0 && i < l->n; i++)
		/* EPOLLIN is for the switch there. */
		err = sd_event_add_io(bus->event, &l->v[i]->io, l->v[i]->fd,
				      l->v[i]->native ? EPOLLPRI : EPOLLIN,
				      on_connection, l->v[i]);
	if (err < 0)
		return log_errno(err, "cannot serve the listening sockets");
	bus->room = on_room;
	bus->room_ctx = l;
	if (is_full(l))
		set_enabled(l, false);
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
	free(l->in_use);
	free(l);
	return NULL;
}
