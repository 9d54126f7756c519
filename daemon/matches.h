/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The match rules of a peer. The switch has them too, and does the matching;
 * here they are found again for RemoveMatch.
 */
#ifndef AFBUS_DAEMON_MATCHES_H
#define AFBUS_DAEMON_MATCHES_H

#include "daemon/peer.h"

/*
 * Returns 0; -EINVAL with *@why set: not a rule; -EMSGSIZE: too long;
 * -EDQUOT: the peer has too many; -ENOMEM or another error of the switch.
 */
int matches_add(struct peer *peer, const char *text, size_t len,
		const char **why);
/* The same errors of text; -ENOENT: the peer has no such rule. */
int matches_del(struct peer *peer, const char *text, size_t len,
		const char **why);
/* One that the switch has already, by its number there. 0 or -errno. */
int matches_restore(struct peer *peer, uint64_t cookie, const char *text);
/* Calls @each with the text of every rule, values in quotes as the reference
 * writes them. */
void matches_each(struct peer *peer,
		  void (*each)(void *ctx, const char *text, size_t len),
		  void *ctx);
/* Forgets them all; the peer is going, and the switch knows. */
void matches_free(struct peer *peer);

/* It is a rule with eavesdrop='true'. */
bool matches_eavesdrops(const char *text, size_t len);

#endif
