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

#include "daemon/config.h"
#include "daemon/creds.h"
#include "daemon/registry.h"
#include "daemon/stats.h"
#include "daemon/switch.h"

struct activation;
struct lsm;
struct past;
struct peer;

enum bus_type {
	BUS_TYPE_SESSION,
	BUS_TYPE_SYSTEM,
};

#define BUS_GUID_LEN 32

struct bus_config {
	enum bus_type type;
	struct limits limits;
	struct bus_limits switch_limits;	/* instead of the files' */
	unsigned int mechanisms;	/* SASL_* */
	bool allow_anonymous;
	bool systemd_activation;
	bool unix_only;			/* it listens nowhere else */
	int bus_fd;			/* bound for native clients, or -1 */
	const char *switch_kind;	/* "auto", "kernel", "user" */
	const char *address;		/* as listened on, for status */
	char user_name[64];		/* who the daemon is; may be empty */
	const char *config_path;	/* to be read again; NULL: built in */
	char guid[BUS_GUID_LEN + 1];
	uint32_t persist_ms;		/* how long the bus lives without us */
	const char *wanted;		/* the address that was asked for */
	struct sw_state *state;		/* of our predecessor, or NULL; what it
					 * says of address and guid holds */
};

struct bus {
	struct bus_config config;
	struct config *file;		/* as read last */
	sd_event *event;
	struct sw *sw;
	struct creds self;
	struct lsm *lsm;		/* NULL: none has a say */
	struct activation *activation;
	struct bus_figures figures;
	sd_event_source **watches;	/* of folders of files */
	size_t n_watches;
	sd_event_source *reload_timer;	/* when they have changed */

	struct registry registry;
	struct hmap users;		/* struct user */
	struct hmap by_addr;		/* struct peer, once attached */
	struct list peers;		/* all of them, struct peer.link */
	struct list doomed;		/* the same link */
	size_t n_incomplete;
	size_t n_completed;
	uint32_t serial;
	unsigned int depth;		/* of events being handled */

	bool ending;			/* the switch ends all ports at once */
	bool handed_over;		/* a successor has it all */
	/* For a successor, or of a predecessor. */
	bool keeps;			/* the switch does */
	struct past *past;		/* until all has been restored */
	char *address;			/* the restored one, or NULL */
	uint32_t serials_until;		/* noted as used, as far as this */
	uint64_t last_number;		/* of a note */
	uint32_t takeovers;
	uint64_t outage;		/* the last one, usec; 0: unknown */
	uint64_t generation;		/* of the configuration */

	/* Called when n_incomplete has become less. */
	void (*room)(void *ctx);
	void *room_ctx;
};

void bus_guid_new(char guid[BUS_GUID_LEN + 1]);

/* Says why it failed. @config is copied, its strings are not; its limits are
 * those of @file, which the bus owns, on failure too. */
int bus_new(struct bus **ret, sd_event *event, const struct bus_config *config,
	    struct config *file);
struct bus *bus_free(struct bus *bus);		/* NULL is fine */

uint32_t bus_next_serial(struct bus *bus);
/* Whoever it is, as long as the switch has a port of his. */
struct peer *bus_find_port(struct bus *bus, uint64_t addr);
/* NULL: no such peer, or one that has not said Hello. */
struct peer *bus_find_addr(struct bus *bus, uint64_t addr);
/* By unique name or by well-known name. */
struct peer *bus_find_name(struct bus *bus, const char *name, size_t len);

/* Around the handling of anything that may doom peers. */
void bus_enter(struct bus *bus);
void bus_leave(struct bus *bus);

#endif
