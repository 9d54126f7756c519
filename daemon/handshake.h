/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The I/O of the authentication handshake of one peer.
 *
 * Not a byte behind "BEGIN\r\n" is read: the input is looked at with
 * MSG_PEEK, and then as much is read as the handshake has understood. The
 * first message and its descriptors stay in the socket for the switch. No
 * room is given for descriptors, so a client that sends some before its
 * BEGIN is noticed, and refused.
 */
#ifndef AFBUS_DAEMON_HANDSHAKE_H
#define AFBUS_DAEMON_HANDSHAKE_H

#include "daemon/peer.h"

#define HANDSHAKE_NONCE 16		/* bytes */

/* Owns @fd, on failure too. @nonce: what the client has to send before all
 * else, or NULL; it lives as long as the bus. On success @peer's end or
 * peer_attach() follow from the event loop. */
int handshake_new(struct handshake **ret, struct peer *peer, int fd,
		  const uint8_t *nonce);
/* One that a predecessor had begun: a peer of its own, which is not lost unless
 * it returns an error. Owns @fd, on failure too. */
struct note_handshake;
int handshake_restore(struct bus *bus, int fd,
		      const struct note_handshake *note);
/* Leaves it with the switch as it is now; and takes that away again. 0 or
 * -errno. */
int handshake_keep(struct handshake *h);
void handshake_keep_off(struct handshake *h);
struct handshake *handshake_free(struct handshake *h);

#endif
