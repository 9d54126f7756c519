/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names as everybody sees them: the registry's decisions written into the
 * switch's table, and told to those concerned. The order of the signals is
 * NameLost, NameOwnerChanged, NameAcquired; an answer comes after them. A name
 * that changes hands leads nowhere until all have been told, or its new owner
 * could answer somebody who does not know of him yet: what is sent to it
 * meanwhile comes to the daemon, which is busy telling.
 */
#ifndef AFBUS_DAEMON_NAMES_H
#define AFBUS_DAEMON_NAMES_H

#include "daemon/peer.h"

/* The registry's move(): ctx is the bus. */
int names_move(void *ctx, const char *name, struct claimant *from,
	       struct claimant *to);

/* The registry's claim(). */
int names_claim(void *ctx, const char *name, struct claimant *c, bool on);

/* enum request_result or -errno; @name is valid and has a NUL. */
int names_request(struct peer *peer, const char *name, uint32_t flags);
/* enum release_result or -errno. */
int names_release(struct peer *peer, const char *name);

/* Messages for @name go to @peer, its owner, by themselves from now on. */
void names_route(struct peer *peer, const char *name);

/* The unique name appears, and disappears with all others; a peer that stays
 * is told. */
void names_join(struct peer *peer);
void names_leave(struct peer *peer);

#endif
