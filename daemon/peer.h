/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A peer: one connection from accept() to its end.
 *
 *	PEER_AUTH	the daemon has its socket and does the handshake, unless
 *			it is a native client
 *	PEER_HELLO	the switch has the socket; Hello is awaited
 *	PEER_ACTIVE	on the bus
 *
 * The time-out and the limit for incomplete connections cover the first two.
 */
#ifndef AFBUS_DAEMON_PEER_H
#define AFBUS_DAEMON_PEER_H

#include "core/names.h"
#include "daemon/bus.h"
#include "daemon/lsm.h"
#include "daemon/message.h"

struct handshake;
struct user;

enum peer_state {
	PEER_AUTH,
	PEER_HELLO,
	PEER_ACTIVE,
};

struct peer {
	struct bus *bus;
	struct list link;		/* in bus->peers or bus->doomed */
	enum peer_state state;
	bool doomed;
	bool monitor;			/* it has no name any more */
	bool detached;			/* the switch knows it no more */
	bool anonymous;			/* its user is not known to the bus */
	bool pass_fds;
	bool restored;			/* it was a predecessor's, too */
	struct creds creds;
	struct lsm_label label;		/* with bus->lsm */
	struct policy_block *policy;	/* from the end of the handshake on */
	uint64_t since;			/* accepted, usec of CLOCK_BOOTTIME */
	struct handshake *handshake;	/* PEER_AUTH */
	sd_event_source *timer;		/* until PEER_ACTIVE */

	uint64_t addr;			/* from PEER_HELLO on, never 0 */
	struct hnode by_addr;
	char unique[DBUS_UNIQUE_MAX];
	struct user *user;		/* PEER_ACTIVE */
	struct claimant names;
	struct hmap matches;		/* struct match_node, see match.c */
	uint64_t next_cookie;
	struct peer_figures figures;
};

/* Takes an accepted socket, and owns it on failure too. @nonce: see
 * handshake_new(). */
int peer_new(struct bus *bus, int fd, const uint8_t *nonce);
/* The same for a native client: there is no handshake. */
int peer_new_native(struct bus *bus, int fd);
/* Leaves the bus without a word; for peer_end() and the bus's own end. */
struct peer *peer_free(struct peer *peer);
/* Gives up its names, tells everybody, frees it. */
void peer_end(struct peer *peer);
/* It ends as soon as that is safe. */
void peer_doom(struct peer *peer);

/* The handshake is complete: gives its socket (owned) to the switch. */
int peer_attach(struct peer *peer, int fd);

/*
 * A port that was a predecessor's: first the port itself, with its connection
 * @fd (borrowed) or -1; then what was noted of it, if that was done; at the
 * end, with the configuration and everything else there is, its policy. 0 or
 * -errno.
 */
struct note_peer;
int peer_restore(struct bus *bus, const struct sw_port *port, int fd);
int peer_restore_note(struct peer *peer, const struct note_peer *n);
int peer_restore_end(struct peer *peer);
/* One that was in its handshake, which the caller goes on with: @fd stays his.
 * NULL: it cannot be. */
struct peer *peer_new_restored(struct bus *bus, int fd, uint64_t since);

/* Hello: checks the limits and counts it. Returns 0; -EUSERS or -EMFILE: too
 * many of this user, or of all; -ENOMEM. */
int peer_count(struct peer *peer);
/* Hello has been answered. */
int peer_activate(struct peer *peer);

/* Sends a finished message of the daemon. A peer that cannot get it has
 * missed something, so it is doomed. */
void peer_send(struct peer *peer, struct msg *m, const int *fds,
	       unsigned int n_fds);

/* Who it is, in the words of the reference's log: uid=, pid=, comm= (not the
 * command line: reading that may take as long as its owner likes), label=. */
#define PEER_INFO_MAX 256
void peer_info(const struct peer *peer, char text[PEER_INFO_MAX]);
/* The same with its name, and the unit of the service manager that it belongs
 * to: who is to blame for what happens now. */
#define PEER_CULPRIT_MAX (PEER_INFO_MAX + 320)
void peer_culprit(const struct peer *peer, char text[PEER_CULPRIT_MAX]);
/* Of those who have not logged in, one of the uid that has most of them. NULL
 * if there are none; *@n is how many that uid has. */
const struct peer *peer_most_incomplete(const struct bus *bus, size_t *n);

static inline struct peer *peer_of_claimant(struct claimant *c)
{
	return c ? container_of(c, struct peer, names) : NULL;
}

#endif
