/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy of the configuration, put into force: what the daemon itself
 * asks it about, and who answers for messages between peers.
 */
#ifndef AFBUS_DAEMON_ENFORCE_H
#define AFBUS_DAEMON_ENFORCE_H

#include "daemon/peer.h"

/*
 * Why the switch in the kernel cannot be used with @file, or NULL. It knows
 * no policy and no sockets but unix ones yet; when it does, this goes.
 */
const char *enforce_refuses_kernel(const struct bus *bus,
				   const struct config *file);
/* Why @file cannot be put into effect while the bus runs, or NULL. */
const char *enforce_refuses(const struct bus *bus, const struct config *file);

/* Policies of all peers anew, from bus->file. */
void enforce_renew(struct bus *bus);

/* The handshake is complete: may it connect? Then it has its policy. Logs a
 * refusal. */
bool enforce_connect(struct peer *peer);

#endif
