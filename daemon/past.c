// SPDX-License-Identifier: LGPL-2.1-or-later
#include "past.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/activation.h"
#include "daemon/handshake.h"
#include "daemon/log.h"
#include "daemon/matches.h"
#include "daemon/names.h"
#include "daemon/notes.h"
#include "daemon/peer.h"

/* A note of the bus, as it was told. */
struct told {
	struct list link;
	uint64_t cookie;
	size_t len;
	uint8_t data[];
};

struct told_fd {
	struct list link;
	uint64_t number;
	int fd;			/* -1: taken */
};

struct told_message {
	struct list link;
	uint64_t number;
	struct sw_message m;
	struct dbus_header h;
	int *fds;
	uint8_t data[];
};

struct past {
	struct list notes, fds, messages;
	bool has_version;
};

union any_note {
	struct note_version version;
	struct note_bus bus;
	struct note_listener listener;
	struct note_handshake handshake;
	struct note_pending pending;
	struct note_held held;
	struct note_variable variable;
	struct note_peer peer;
	struct note_claim claim;
};

static int read_note(enum note_kind kind, const void *data, size_t len,
		     union any_note *to)
{
	memset(to, 0, sizeof(*to));
	return rst_get(note_fields[kind], data, len, to);
}

/* ---- being told ---- */

static int check_version(struct past *past, const union any_note *any)
{
	struct rst_version v = { any->version.major, any->version.minor };

	past->has_version = true;
	if (!rst_version_ok(&v))
		return 0;
	log_error("cannot take over the bus: its notes are of version %u.%u, this daemon reads %u.*",
		  v.major, v.minor, rst_version.major);
	return -EPROTO;
}

static int note_of_bus(struct past *past, uint64_t cookie, const void *data,
		       size_t len)
{
	unsigned int kind = NOTE_KIND(cookie);
	struct told *t;
	union any_note any;
	int err;

	/* A newer minor version may know more kinds. */
	if (kind >= NOTE_PEER)
		return 0;
	err = read_note((enum note_kind)kind, data, len, &any);
	if (!err && kind == NOTE_VERSION)
		return check_version(past, &any);
	if (!err && !past->has_version)
		err = -EBADMSG;
	if (err)
		return err;
	t = malloc(sizeof(*t) + len);
	if (!t)
		return -ENOMEM;
	t->cookie = cookie;
	t->len = len;
	memcpy(t->data, data, len);
	list_add_tail(&past->notes, &t->link);
	return 0;
}

static int restore_claim(struct bus *bus, struct peer *peer, uint64_t number,
			 const struct note_claim *n)
{
	if (!dbus_well_known_name_ok(n->name.data, n->name.len))
		return -EBADMSG;
	return registry_restore(&bus->registry, &peer->names, n->name.data,
				n->name.len, n->flags, (int64_t)n->place,
				number);
}

static int note_of_port(struct bus *bus, uint64_t addr, uint64_t cookie,
			const void *data, size_t len)
{
	struct peer *peer = bus_find_port(bus, addr);
	unsigned int kind = NOTE_KIND(cookie);
	union any_note any;
	int err;

	if (!peer)
		return -EBADMSG;
	if (kind != NOTE_PEER && kind != NOTE_CLAIM)
		return 0;
	err = read_note((enum note_kind)kind, data, len, &any);
	if (err)
		return err;
	if (kind == NOTE_PEER)
		return peer_restore_note(peer, &any.peer);
	return restore_claim(bus, peer, NOTE_NUMBER(cookie), &any.claim);
}

static int on_note(void *ctx, uint64_t addr, uint64_t cookie,
		   const void *data, size_t len)
{
	struct bus *bus = ctx;

	return addr ? note_of_port(bus, addr, cookie, data, len) :
		      note_of_bus(bus->past, cookie, data, len);
}

static int on_kept(void *ctx, uint64_t number, int fd)
{
	struct bus *bus = ctx;
	struct told_fd *t = malloc(sizeof(*t));

	if (!t) {
		close(fd);
		return -ENOMEM;
	}
	t->number = number;
	t->fd = fd;
	list_add_tail(&bus->past->fds, &t->link);
	return 0;
}

static int on_port(void *ctx, const struct sw_port *port, int fd)
{
	struct bus *bus = ctx;

	return bus->past->has_version ? peer_restore(bus, port, fd) : -EBADMSG;
}

static int on_rule(void *ctx, uint64_t addr, uint64_t cookie, const char *text)
{
	struct peer *peer = bus_find_port(ctx, addr);

	if (!peer)
		return -EBADMSG;
	/* A monitor cannot give any up. */
	return peer->monitor ? 0 : matches_restore(peer, cookie, text);
}

/* The registry knows from its notes who owns what. */
static int on_name(void *ctx, const char *name, uint64_t addr)
{
	return 0;
}

static int dup_fds(struct told_message *t, const struct sw_message *m)
{
	t->fds = calloc(m->n_fds + 1, sizeof(*t->fds));
	if (!t->fds)
		return -ENOMEM;
	t->m.fds = t->fds;
	for (t->m.n_fds = 0; t->m.n_fds < m->n_fds; t->m.n_fds++) {
		t->fds[t->m.n_fds] = fcntl(m->fds[t->m.n_fds],
					   F_DUPFD_CLOEXEC, 3);
		if (t->fds[t->m.n_fds] < 0)
			return -errno;
	}
	return 0;
}

static int on_parked(void *ctx, uint64_t number, const struct sw_message *m)
{
	struct bus *bus = ctx;
	struct told_message *t = calloc(1, sizeof(*t) + m->len);

	if (!t)
		return -ENOMEM;
	list_add_tail(&bus->past->messages, &t->link);
	t->number = number;
	memcpy(t->data, m->data, m->len);
	t->m.sender = m->sender;
	t->m.data = t->data;
	t->m.len = m->len;
	return dup_fds(t, m);
}

static const struct sw_restorer restorer = {
	.note = on_note,
	.kept = on_kept,
	.port = on_port,
	.rule = on_rule,
	.name = on_name,
	.claim = on_name,
	.parked = on_parked,
};

/* ---- what the bus was ---- */

static int restore_bus(struct bus *bus, uint64_t number, const void *note,
		       void *ctx)
{
	const struct note_bus *n = note;
	bool *found = ctx;

	if (n->guid.len != BUS_GUID_LEN)
		return -EBADMSG;
	memcpy(bus->config.guid, n->guid.data, n->guid.len);
	bus->address = strndup(n->address.data, n->address.len);
	if (!bus->address)
		return -ENOMEM;
	bus->config.address = bus->address;
	bus->serial = bus->serials_until = n->serial;
	bus->takeovers = n->takeovers + 1;
	bus->outage = sw_outage(bus->sw);
	/* It has been read again. */
	bus->generation = n->generation + 1;
	*found = true;
	return 0;
}

static int count_number(struct bus *bus)
{
	struct past *past = bus->past;
	struct list *l;

	for (l = past->notes.next; l != &past->notes; l = l->next) {
		uint64_t cookie = container_of(l, struct told, link)->cookie;

		if (NOTE_NUMBER(cookie) > bus->last_number)
			bus->last_number = NOTE_NUMBER(cookie);
	}
	return bus->last_number < NOTE_NUMBER_MAX / 2 ? 0 : -EBADMSG;
}

static int note_tcp(struct bus *bus, uint64_t number, const void *note,
		    void *ctx)
{
	const struct note_listener *n = note;

	if (n->flags & NOTE_TCP)
		bus->config.unix_only = false;
	return 0;
}

int past_read(struct bus *bus)
{
	struct past *past = calloc(1, sizeof(*past));
	bool found = false;
	int err;

	if (!past)
		return log_errno(-ENOMEM, "cannot take over the bus");
	list_init(&past->notes);
	list_init(&past->fds);
	list_init(&past->messages);
	bus->past = past;
	bus->keeps = true;
	err = sw_restore(bus->sw, &restorer, bus);
	if (!err)
		err = count_number(bus);
	if (!err)
		err = past_each(bus, NOTE_BUS, restore_bus, &found);
	if (!err && !found)
		err = -EBADMSG;
	if (!err)
		err = past_each(bus, NOTE_LISTENER, note_tcp, NULL);
	return err ? log_errno(err, "cannot take over the bus") : 0;
}

/* ---- what needs the configuration ---- */

static int restore_handshake(struct bus *bus, uint64_t number,
			     const void *note, void *ctx)
{
	int fd = past_take_fd(bus, number);

	sw_keep(bus->sw, number, -1);
	notes_remove(bus, 0, NOTE_HANDSHAKE, number);
	/* Only its own connection is lost. */
	if (fd >= 0 && handshake_restore(bus, fd, note) < 0)
		log_info("A connection was lost: its handshake cannot go on");
	return 0;
}

static int restore_peers(struct bus *bus)
{
	struct list *l, *next;
	int err;

	/* One may be doomed. */
	for (l = bus->peers.next; l != &bus->peers; l = next) {
		struct peer *peer = container_of(l, struct peer, link);

		next = l->next;
		err = peer->addr ? peer_restore_end(peer) : 0;
		if (err)
			return err;
		if (peer->state == PEER_ACTIVE && !peer->monitor)
			stats_names_changed(peer);
	}
	return 0;
}

/* Tables say so already, unless our predecessor was interrupted. */
static void restore_routes(struct bus *bus)
{
	struct hnode *node;
	size_t i;

	hmap_for_all(node, &bus->registry.names, i) {
		struct name *n = container_of(node, struct name, node);

		if (!activation_is_pending(bus->activation, n->text))
			names_route(peer_of_claimant(name_owner(n)), n->text);
	}
}

int past_restore(struct bus *bus)
{
	int err;

	bus_enter(bus);
	err = restore_peers(bus);
	if (!err)
		err = past_each(bus, NOTE_HANDSHAKE, restore_handshake, NULL);
	if (!err)
		err = activation_restore(bus->activation);
	if (!err)
		restore_routes(bus);
	bus_leave(bus);
	if (err)
		return log_errno(err, "cannot take over the bus");
	log_info("Took over the bus: %zu connections, %zu names; it was without a daemon for %llu us",
		 bus->by_addr.n, bus->registry.names.n,
		 (unsigned long long)bus->outage);
	return 0;
}

/* ---- for those who restore ---- */

int past_each(struct bus *bus, enum note_kind kind,
	      int (*each)(struct bus *bus, uint64_t number, const void *note,
			  void *ctx), void *ctx)
{
	struct list *l, *next;
	union any_note any;
	int err = 0;

	if (!bus->past)
		return 0;
	for (l = bus->past->notes.next; !err && l != &bus->past->notes;
	     l = next) {
		struct told *t = container_of(l, struct told, link);

		next = l->next;
		if (NOTE_KIND(t->cookie) != kind)
			continue;
		err = read_note(kind, t->data, t->len, &any);
		if (!err)
			err = each(bus, NOTE_NUMBER(t->cookie), &any, ctx);
	}
	return err;
}

int past_take_fd(struct bus *bus, uint64_t number)
{
	struct list *l;
	int fd;

	for (l = bus->past->fds.next; l != &bus->past->fds; l = l->next) {
		struct told_fd *t = container_of(l, struct told_fd, link);

		if (t->number != number)
			continue;
		fd = t->fd;
		t->fd = -1;
		return fd;
	}
	return -1;
}

const struct sw_message *past_parked(struct bus *bus, uint64_t number)
{
	struct list *l;

	for (l = bus->past->messages.next; l != &bus->past->messages;
	     l = l->next) {
		struct told_message *t = container_of(l, struct told_message,
						      link);

		if (t->number == number)
			return &t->m;
	}
	return NULL;
}

static void message_free(struct told_message *t)
{
	while (t->m.n_fds)
		close(t->fds[--t->m.n_fds]);
	free(t->fds);
	free(t);
}

void past_free(struct bus *bus)
{
	struct past *past = bus->past;
	struct told_fd *fd;
	struct list *l;

	bus->past = NULL;
	if (!past)
		return;
	while ((l = past->notes.next) != &past->notes) {
		list_del(l);
		free(container_of(l, struct told, link));
	}
	while ((l = past->fds.next) != &past->fds) {
		list_del(l);
		fd = container_of(l, struct told_fd, link);
		if (fd->fd >= 0)
			close(fd->fd);
		free(fd);
	}
	while ((l = past->messages.next) != &past->messages) {
		list_del(l);
		message_free(container_of(l, struct told_message, link));
	}
	free(past);
}

/* ---- leaving ---- */

int past_keep(struct bus *bus)
{
	struct list *l;
	int err = bus->keeps ? 0 : -EOPNOTSUPP;

	for (l = bus->peers.next; !err && l != &bus->peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		/* With the latest figures. */
		notes_peer(peer);
		if (peer->handshake)
			err = handshake_keep(peer->handshake);
	}
	return err;
}

void past_keep_off(struct bus *bus)
{
	struct list *l;

	for (l = bus->peers.next; l != &bus->peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		if (peer->handshake)
			handshake_keep_off(peer->handshake);
	}
}
