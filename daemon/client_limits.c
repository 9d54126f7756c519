// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client_limits.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define MIB(n) ((size_t)(n) << 20)
#define MSEC 1000ULL
#define SECOND (1000 * MSEC)

void limits_default(struct limits *l)
{
	*l = (struct limits){
		.incoming_bytes = MIB(127),
		.outgoing_bytes = MIB(127),
		.message_bytes = MIB(32),
		.incoming_fds = 64,
		.outgoing_fds = 64,
		.message_fds = 16,
		.names_per_connection = 512,
		.matches_per_connection = 512,
		.replies_per_connection = 128,
		.connections_per_user = 256,
		.completed_connections = 2048,
		.incomplete_connections = 64,
		.pending_service_starts = 512,
		.auth_timeout = 30 * SECOND,
		.service_start_timeout = 25 * SECOND,
		.pending_fd_timeout = 150 * SECOND,
		.reply_timeout = LIMIT_NEVER,
	};
}

/* One user, who harms only himself. */
void limits_session(struct limits *l)
{
	limits_default(l);
	l->incoming_bytes = 1000000000;
	l->message_bytes = 1000000000;
	l->incoming_fds = 250000000;
	l->names_per_connection = 50000;
	l->matches_per_connection = 50000;
	l->replies_per_connection = 50000;
	l->connections_per_user = 100000;
	l->completed_connections = 100000;
	l->pending_service_starts = 10000;
	l->service_start_timeout = 120 * SECOND;
}

enum unit {
	LONG,		/* a number that may be long */
	INT,
	MILLISECONDS,
	UNUSED,		/* known, for what this bus does not have */
};

static const struct limit {
	const char *name;
	enum unit unit;
	size_t offset;
	size_t named;		/* of the field that says so, or 0 */
} table[] = {
#define AT(field) offsetof(struct limits, field)
	{ "max_incoming_bytes", LONG, AT(incoming_bytes) },
	{ "max_outgoing_bytes", LONG, AT(outgoing_bytes),
	  AT(has_outgoing_bytes) },
	{ "max_message_size", LONG, AT(message_bytes) },
	{ "max_incoming_unix_fds", LONG, AT(incoming_fds) },
	{ "max_outgoing_unix_fds", LONG, AT(outgoing_fds),
	  AT(has_outgoing_fds) },
	{ "max_message_unix_fds", LONG, AT(message_fds) },
	{ "max_names_per_connection", INT, AT(names_per_connection) },
	{ "max_match_rules_per_connection", INT, AT(matches_per_connection) },
	{ "max_replies_per_connection", INT, AT(replies_per_connection) },
	{ "max_connections_per_user", INT, AT(connections_per_user) },
	{ "max_completed_connections", INT, AT(completed_connections) },
	{ "max_incomplete_connections", INT, AT(incomplete_connections) },
	{ "max_pending_service_starts", INT, AT(pending_service_starts) },
	{ "auth_timeout", MILLISECONDS, AT(auth_timeout) },
	{ "service_start_timeout", MILLISECONDS, AT(service_start_timeout) },
	{ "pending_fd_timeout", MILLISECONDS, AT(pending_fd_timeout) },
	{ "reply_timeout", MILLISECONDS, AT(reply_timeout) },
	{ "max_containers", UNUSED },
	{ "max_containers_per_user", UNUSED },
	{ "max_container_metadata_bytes", UNUSED },
	{ "max_connections_per_container", UNUSED },
#undef AT
};

static void set(struct limits *l, const struct limit *limit, long long value)
{
	void *field = (char *)l + limit->offset;

	if (limit->unit == UNUSED)
		return;
	if (limit->unit == MILLISECONDS)
		*(uint64_t *)field = (uint64_t)value * MSEC;
	else
		*(size_t *)field = (size_t)value;
	if (limit->named)
		*(bool *)((char *)l + limit->named) = true;
}

int limits_set(struct limits *l, const char *name, long long value)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct limit *limit = &table[i];

		if (strcmp(limit->name, name))
			continue;
		if (value < 0 || value > (limit->unit == LONG ? LONG_MAX :
							      INT_MAX))
			return -ERANGE;
		set(l, limit, value);
		return 0;
	}
	return -ENOENT;
}

static uint64_t within(uint64_t v, uint64_t min, uint64_t max)
{
	return v < min ? min : v > max ? max : v;
}

/*
 * Our senders wait at a full queue, they lose nothing: so without a word in
 * the configuration the switch's own length serves, which is less than the
 * reference's.
 */
void limits_for_switch(const struct limits *l, struct bus_limits *to)
{
	memset(to, 0, sizeof(*to));
	if (l->has_outgoing_bytes)
		to->queue_bytes = within(l->outgoing_bytes, 64 << 10, MIB(256));
	if (l->has_outgoing_fds)
		to->queue_fds = (uint32_t)within(l->outgoing_fds, 1, 1 << 20);
	to->message_bytes = (uint32_t)within(l->message_bytes, 1024, MIB(128));
	to->message_fds = (uint32_t)within(l->message_fds, 1, 253);
}
