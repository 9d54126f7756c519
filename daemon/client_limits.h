/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one client may take. A field is zero only where the configuration
 * says so. Sources: dbus-daemon(1), "<limit>".
 */
#ifndef AFBUS_DAEMON_CLIENT_LIMITS_H
#define AFBUS_DAEMON_CLIENT_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/bus.h"

#define LIMIT_NEVER UINT64_MAX		/* of a time */

/* Times are in microseconds. */
struct limits {
	size_t incoming_bytes;		/* of one connection, not yet sent on */
	size_t outgoing_bytes;		/* waiting for one connection */
	size_t message_bytes;
	size_t incoming_fds;
	size_t outgoing_fds;
	size_t message_fds;
	size_t names_per_connection;	/* the unique name counts */
	size_t matches_per_connection;
	size_t replies_per_connection;	/* calls that wait for an answer */
	size_t connections_per_user;
	size_t completed_connections;
	size_t incomplete_connections;	/* more are not accepted for now */
	size_t pending_service_starts;
	uint64_t auth_timeout;		/* from accept to Hello */
	uint64_t service_start_timeout;
	uint64_t pending_fd_timeout;	/* for fds whose message is not whole */
	uint64_t reply_timeout;

	/* <limit> has named them; otherwise the switch has defaults. */
	bool has_outgoing_bytes;
	bool has_outgoing_fds;
};

/* The reference's, as compiled in: those of a system bus. */
void limits_default(struct limits *l);
/* Those of a session bus without a configuration file. */
void limits_session(struct limits *l);

/*
 * Sets the limit that <limit name="@name"> means to @value, in its unit there.
 * Returns 0; -ENOENT: there is no such limit; -ERANGE.
 */
int limits_set(struct limits *l, const char *name, long long value);

/* What a switch is told of them; within its ranges. */
void limits_for_switch(const struct limits *l, struct bus_limits *to);

#endif
