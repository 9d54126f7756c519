// SPDX-License-Identifier: LGPL-2.1-or-later
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-login.h>
#include <time.h>
#include <unistd.h>

#include "daemon/enforce.h"
#include "daemon/handshake.h"
#include "daemon/log.h"
#include "daemon/matches.h"
#include "daemon/monitor.h"
#include "daemon/names.h"
#include "daemon/notes.h"

/* How many active connections a user has; exists as long as there is one. */
struct user {
	struct hnode node;
	uid_t uid;
	size_t n;
};

static struct user *user_find(struct bus *bus, uid_t uid)
{
	struct hnode *node;

	hmap_for_hash(node, &bus->users, hash_u64(uid)) {
		struct user *u = container_of(node, struct user, node);

		if (u->uid == uid)
			return u;
	}
	return NULL;
}

static struct user *user_get(struct bus *bus, uid_t uid)
{
	struct user *u = user_find(bus, uid);

	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return NULL;
		u->uid = uid;
		if (hmap_put(&bus->users, &u->node, hash_u64(uid)) < 0) {
			free(u);
			return NULL;
		}
	}
	u->n++;
	return u;
}

static void user_put(struct bus *bus, struct user *u)
{
	if (!u || --u->n)
		return;
	hmap_del(&bus->users, &u->node);
	free(u);
}

static void complete(struct peer *peer)
{
	struct bus *bus = peer->bus;

	peer->timer = sd_event_source_disable_unref(peer->timer);
	bus->n_incomplete--;
	if (bus->room)
		bus->room(bus->room_ctx);
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct peer *peer = ctx;
	struct bus *bus = peer->bus;

	char culprit[PEER_CULPRIT_MAX];

	bus_enter(bus);
	peer_culprit(peer, culprit);
	log_info("Connection has not authenticated soon enough, closing it (auth_timeout=%llums): %s",
		 (unsigned long long)(bus->config.limits.auth_timeout / 1000),
		 culprit);
	peer_doom(peer);
	bus_leave(bus);
	return 0;
}

static uint64_t boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static struct peer *new_peer(struct bus *bus)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->bus = bus;
	peer->next_cookie = 1;
	peer->since = boottime();
	creds_init(&peer->creds);
	claimant_init(&peer->names);
	list_add_tail(&bus->peers, &peer->link);
	bus->n_incomplete++;
	return peer;
}

/* Who is at the other end of @fd, and how long it may take to log in. */
static int meet(struct peer *peer, int fd)
{
	struct bus *bus = peer->bus;
	int err;

	err = creds_of_peer(&peer->creds, fd);
	if (err < 0)
		return err;
	err = lsm_label(bus->lsm, &peer->label, peer->creds.label);
	if (err < 0) {
		log_errno(err, "Unable to set up new connection: its security label");
		return err;
	}
	return sd_event_add_time_relative(bus->event, &peer->timer,
					  CLOCK_MONOTONIC,
					  bus->config.limits.auth_timeout, 0,
					  on_timeout, peer);
}

int peer_new(struct bus *bus, int fd, const uint8_t *nonce)
{
	struct peer *peer = new_peer(bus);
	int err = peer ? meet(peer, fd) : -ENOMEM;

	if (err < 0)
		close(fd);
	else
		err = handshake_new(&peer->handshake, peer, fd, nonce);
	if (err < 0 && peer)
		peer_free(peer);
	return err < 0 ? err : 0;
}

/* Closing its descriptor does not end it: the switch has its port. */
static void refuse_native(struct bus *bus, int fd)
{
	uint64_t addr;

	if (!sw_attach(bus->sw, fd, true, &addr))
		sw_detach(bus->sw, addr);
}

int peer_new_native(struct bus *bus, int fd)
{
	struct peer *peer = new_peer(bus);
	int err = peer ? meet(peer, fd) : -ENOMEM;

	if (err < 0) {
		refuse_native(bus, fd);
		if (peer)
			peer_free(peer);
		return err;
	}
	peer->pass_fds = true;
	bus_enter(bus);
	if (!enforce_connect(peer)) {
		refuse_native(bus, fd);
		peer_doom(peer);
	} else if (peer_attach(peer, fd) < 0) {
		peer_doom(peer);
	}
	bus_leave(bus);
	return 0;
}

static void detach(struct peer *peer)
{
	if (peer->addr && !peer->detached && !peer->bus->ending)
		sw_detach(peer->bus->sw, peer->addr);
	peer->detached = true;
}

struct peer *peer_free(struct peer *peer)
{
	struct bus *bus = peer->bus;

	list_del(&peer->link);
	peer->handshake = handshake_free(peer->handshake);
	detach(peer);
	if (peer->addr)
		hmap_del(&bus->by_addr, &peer->by_addr);
	matches_free(peer);
	creds_done(&peer->creds);
	lsm_label_done(&peer->label);
	policy_block_unref(peer->policy);
	if (peer->state == PEER_ACTIVE) {
		bus->n_completed--;
		user_put(bus, peer->user);
	} else {
		complete(peer);
	}
	free(peer);
	return NULL;
}

void peer_end(struct peer *peer)
{
	/* First, or its own rules would show it its end. */
	detach(peer);
	if (peer->monitor)
		log_info("Monitoring connection %s closed.", peer->unique);
	else if (peer->state == PEER_ACTIVE)
		names_leave(peer);
	peer_free(peer);
}

void peer_doom(struct peer *peer)
{
	if (peer->doomed)
		return;
	peer->doomed = true;
	list_del(&peer->link);
	list_add_tail(&peer->bus->doomed, &peer->link);
}

/* A label may be anything; then we tell what is denied him. */
static void introduce(const struct peer *peer)
{
	char info[PEER_INFO_MAX];
	int err;

	peer_info(peer, info);
	err = sw_about(peer->bus->sw, peer->addr, info);
	if (err && err != -EINVAL && err != -ENOENT)
		log_errno(err, "cannot say who %s is", peer->unique);
}

int peer_attach(struct peer *peer, int fd)
{
	struct bus *bus = peer->bus;
	uint64_t addr;
	int err = sw_attach(bus->sw, fd, peer->pass_fds, &addr);

	peer->handshake = handshake_free(peer->handshake);
	if (err < 0)
		return log_errno(err, "cannot attach a connection");
	err = hmap_put(&bus->by_addr, &peer->by_addr, hash_u64(addr));
	if (err < 0) {
		sw_detach(bus->sw, addr);
		return err;
	}
	peer->addr = addr;
	peer->state = PEER_HELLO;
	dbus_unique_format(addr, peer->unique);
	notes_peer(peer);
	introduce(peer);
	return enforce_attach(peer);
}

/* ---- of a predecessor's ---- */

/* As creds_of_peer() has it, but of the time at which it connected. */
static int remember(struct peer *peer, int fd)
{
	int err = fd >= 0 ? creds_of_peer(&peer->creds, fd) : 0;

	if (err < 0)
		return err;
	err = lsm_label(peer->bus->lsm, &peer->label, peer->creds.label);
	return err < 0 ? err : 0;
}

int peer_restore(struct bus *bus, const struct sw_port *port, int fd)
{
	struct peer *peer = new_peer(bus);
	int err = peer ? remember(peer, fd) : -ENOMEM;

	if (!err)
		err = hmap_put(&bus->by_addr, &peer->by_addr,
			       hash_u64(port->addr));
	if (err) {
		if (peer)
			peer_free(peer);
		return err;
	}
	peer->addr = port->addr;
	peer->state = PEER_HELLO;
	peer->pass_fds = port->flags & SW_PORT_FDS;
	peer->monitor = port->flags & SW_PORT_MONITOR;
	dbus_unique_format(peer->addr, peer->unique);
	return 0;
}

/* It had been counted, and stays so, whatever the limits are now. */
static int recount(struct peer *peer)
{
	peer->user = user_get(peer->bus, peer->creds.uid);
	if (!peer->user)
		return -ENOMEM;
	peer->bus->n_completed++;
	peer->state = PEER_ACTIVE;
	complete(peer);
	if (!peer->monitor)
		stats_names_changed(peer);
	return 0;
}

int peer_restore_note(struct peer *peer, const struct note_peer *n)
{
	size_t len = n->program.len;
	int err = 0;

	if (peer->state == PEER_ACTIVE)
		return -EBADMSG;
	peer->since = n->since;
	peer->anonymous = n->flags & NOTE_ANONYMOUS;
	if (n->uid != peer->creds.uid)
		err = creds_set_user(&peer->creds, n->uid);
	peer->creds.pid = (pid_t)n->pid;
	if (len >= sizeof(peer->creds.program))
		return -EBADMSG;
	memcpy(peer->creds.program, n->program.data, len);
	peer->creds.program[len] = 0;
	peer->figures.peak_matches = n->peak_matches;
	peer->figures.peak_names = n->peak_names;
	peer->restored = true;
	if (!err && n->flags & NOTE_HELLO)
		err = recount(peer);
	return err;
}

/* What is left of the time for logging in. */
static int await_hello(struct peer *peer)
{
	uint64_t limit = peer->bus->config.limits.auth_timeout;
	uint64_t gone = boottime() - peer->since;

	return sd_event_add_time_relative(peer->bus->event, &peer->timer,
					  CLOCK_MONOTONIC,
					  gone < limit ? limit - gone : 0, 0,
					  on_timeout, peer);
}

int peer_restore_end(struct peer *peer)
{
	int err = peer->state == PEER_ACTIVE ? 0 : await_hello(peer);

	/* One of whom nothing was noted has only just come. */
	if (err >= 0 && !peer->restored && !enforce_connect(peer)) {
		peer_doom(peer);
		return 0;
	}
	if (err >= 0 && peer->restored)
		err = enforce_restore(peer);
	if (err >= 0 && !peer->restored)
		err = enforce_attach(peer);
	notes_peer(peer);
	return err < 0 ? err : 0;
}

struct peer *peer_new_restored(struct bus *bus, int fd, uint64_t since)
{
	struct peer *peer = new_peer(bus);

	if (!peer)
		return NULL;
	peer->since = since;
	if (remember(peer, fd) < 0 || await_hello(peer) < 0)
		return peer_free(peer);
	return peer;
}

int peer_count(struct peer *peer)
{
	struct bus *bus = peer->bus;
	const struct limits *l = &bus->config.limits;
	struct user *u = user_find(bus, peer->creds.uid);

	if (bus->n_completed >= l->completed_connections)
		return -EMFILE;
	if (u && u->n >= l->connections_per_user)
		return -EUSERS;
	peer->user = user_get(bus, peer->creds.uid);
	if (!peer->user)
		return -ENOMEM;
	bus->n_completed++;
	peer->state = PEER_ACTIVE;
	complete(peer);
	return 0;
}

int peer_activate(struct peer *peer)
{
	int err = sw_activate(peer->bus->sw, peer->addr);

	if (!err)
		names_join(peer);
	notes_peer(peer);
	return err;
}

void peer_send(struct peer *peer, struct msg *m, const int *fds,
	       unsigned int n_fds)
{
	int err = msg_finish(m);

	if (peer->doomed)
		return;
	if (!err && !enforce_receive(peer, m)) {
		monitor_show_refused(peer, m);
		return;
	}
	if (!err)
		err = sw_send(peer->bus->sw, peer->addr, m->data, m->len, fds,
			      n_fds);
	/* It has ended; the switch is about to tell. */
	if (err && err != -ENOENT) {
		log_errno(err, "cannot send to %s", peer->unique);
		peer_doom(peer);
	}
}

static const struct peer *next_incomplete(const struct bus *bus,
					  const struct list *l)
{
	const struct peer *peer;

	for (l = l->next; l != &bus->peers; l = l->next) {
		peer = container_of(l, struct peer, link);
		if (peer->state != PEER_ACTIVE)
			return peer;
	}
	return NULL;
}

const struct peer *peer_most_incomplete(const struct bus *bus, size_t *n)
{
	const struct peer *p, *q, *most = NULL;
	size_t count;

	*n = 0;
	for (p = next_incomplete(bus, &bus->peers); p;
	     p = next_incomplete(bus, &p->link)) {
		count = 1;
		for (q = next_incomplete(bus, &p->link); q;
		     q = next_incomplete(bus, &q->link))
			count += q->creds.uid == p->creds.uid;
		if (count <= *n)
			continue;
		most = p;
		*n = count;
	}
	return most;
}

void peer_culprit(const struct peer *peer, char text[PEER_CULPRIT_MAX])
{
	char info[PEER_INFO_MAX], *unit = NULL;
	pid_t pid = peer->creds.pid;

	/* A user's own manager has units, too, within one of the system's. */
	if (pid > 0 && sd_pid_get_user_unit(pid, &unit) < 0 &&
	    sd_pid_get_unit(pid, &unit) < 0)
		unit = NULL;
	peer_info(peer, info);
	snprintf(text, PEER_CULPRIT_MAX, "\"%s\" (%s%s%s%s)",
		 peer->addr ? peer->unique : "(inactive)", info,
		 unit ? " unit=\"" : "", unit ? unit : "", unit ? "\"" : "");
	free(unit);
}

void peer_info(const struct peer *peer, char text[PEER_INFO_MAX])
{
	const struct creds *c = &peer->creds;
	const char *label = c->label;
	int n = snprintf(text, PEER_INFO_MAX, "uid=%u pid=%d comm=\"%s\"",
			 (unsigned int)c->uid, (int)c->pid, c->program);

	if (label && n > 0 && n < PEER_INFO_MAX)
		snprintf(text + n, PEER_INFO_MAX - (size_t)n, " label=\"%s\"",
			 label);
}
