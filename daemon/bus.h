/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bus: what everything in the daemon hangs on. One for the life of the
 * process, single-threaded.
 *
 * A peer that has to go while somebody further up may still be looking at it
 * is *doomed*: it takes part in nothing any more, and ends when the event
 * that is being handled has been (bus_enter(), bus_leave()).
 */
#ifndef AFBUS_DAEMON_BUS_H
#define AFBUS_DAEMON_BUS_H

#include "daemon/creds.h"
#include "daemon/registry.h"
#include "daemon/switch.h"

struct activation;
struct peer;

/* Zero in none of them. */
struct limits {
	size_t names_per_connection;	/* the unique name counts */
	size_t matches_per_connection;
	size_t connections_per_user;
	size_t completed_connections;
	size_t incomplete_connections;	/* more are not accepted for now */
	uint64_t auth_timeout;		/* from accept to Hello, microseconds */
};

enum bus_type {
	BUS_TYPE_SESSION,
	BUS_TYPE_SYSTEM,
};

#define BUS_GUID_LEN 32

struct bus_config {
	enum bus_type type;
	struct limits limits;
	struct bus_limits switch_limits;
	bool allow_anonymous;
	const char *switch_kind;	/* "auto", "kernel", "user" */
	const char *address;		/* as listened on, for status */
	char guid[BUS_GUID_LEN + 1];
};

struct bus {
	struct bus_config config;
	sd_event *event;
	struct sw *sw;
	struct creds self;
	struct activation *activation;

	struct registry registry;
	struct hmap users;		/* struct user */
	struct hmap by_addr;		/* struct peer, once attached */
	struct list peers;		/* all of them, struct peer.link */
	struct list doomed;		/* the same link */
	size_t n_incomplete;
	size_t n_completed;
	uint32_t serial;
	unsigned int depth;		/* of events being handled */

	/* Called when n_incomplete has become less. */
	void (*room)(void *ctx);
	void *room_ctx;
};

void bus_limits_default(struct limits *l, enum bus_type type);
void bus_guid_new(char guid[BUS_GUID_LEN + 1]);

/* Says why it failed. @config is copied, @config->address is not. */
int bus_new(struct bus **ret, sd_event *event, const struct bus_config *config);
struct bus *bus_free(struct bus *bus);		/* NULL is fine */

uint32_t bus_next_serial(struct bus *bus);
/* NULL: no such peer, or one that has not said Hello. */
struct peer *bus_find_addr(struct bus *bus, uint64_t addr);
/* By unique name or by well-known name. */
struct peer *bus_find_name(struct bus *bus, const char *name, size_t len);

/* Around the handling of anything that may doom peers. */
void bus_enter(struct bus *bus);
void bus_leave(struct bus *bus);

#endif
