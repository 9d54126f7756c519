/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon writes into notes (sw_note()), in the restart format. Pure.
 *
 * A note's number is its kind and, where there are several, a serial number;
 * its version is that of the restart format in the bus's note 0, which must be
 * there. Blobs point into the note that was read; texts have no NUL.
 */
#ifndef AFBUS_DAEMON_NOTE_FORMAT_H
#define AFBUS_DAEMON_NOTE_FORMAT_H

#include "daemon/restart_format.h"

enum note_kind {
	/* Of the bus. */
	NOTE_VERSION,
	NOTE_BUS,
	NOTE_LISTENER,		/* with a kept descriptor of the same number */
	NOTE_HANDSHAKE,		/* the same */
	NOTE_PENDING,
	NOTE_HELD,		/* with a parked message of the same number, or
				 * the bus's own in it */
	NOTE_VARIABLE,
	/* Of a port. */
	NOTE_PEER,
	NOTE_CLAIM,
	NOTE_KINDS
};

#define NOTE_NUMBER_MAX ((uint64_t)1 << 56)
#define NOTE(kind, number) ((uint64_t)(kind) << 56 | (number))
#define NOTE_KIND(cookie) ((unsigned int)((cookie) >> 56))
#define NOTE_NUMBER(cookie) ((cookie) & (NOTE_NUMBER_MAX - 1))

struct note_version {
	uint32_t major, minor;
};

struct note_bus {
	struct rst_blob guid, address;
	uint32_t serial;		/* not used yet, nor what follows */
	uint32_t takeovers;
	uint64_t outage;		/* the last one, usec */
	uint64_t generation;		/* of the configuration */
};

struct note_listener {
	struct rst_blob address;	/* empty: another has it */
	struct rst_blob path;		/* made by us, or empty */
	uint64_t dev, ino;		/* of that */
	uint32_t group;
	uint32_t flags;			/* enum note_listener_flags */
	struct rst_blob nonce;		/* or empty */
};

enum note_listener_flags {
	NOTE_INHERITED	= 1 << 0,
	NOTE_TCP	= 1 << 1,
	NOTE_NATIVE	= 1 << 2,
};

/* A connection before BEGIN; see struct sasl. */
struct note_handshake {
	uint64_t since;			/* accepted, usec of CLOCK_BOOTTIME */
	uint32_t state, mechanism, failed, used, pass_fds;
	uint32_t cookie_id;
	uint64_t total;
	struct rst_blob cookie_secret, challenge, line;
	struct rst_blob nonce;		/* still to come, or empty */
};

struct note_pending {
	struct rst_blob name, exec, unit;
	uint64_t deadline;		/* usec of CLOCK_MONOTONIC */
	uint32_t pid;			/* 0: none */
};

struct note_held {
	struct rst_blob name;		/* of the service */
	uint64_t sender;		/* 0: the bus */
	uint32_t uid;
	uint32_t automatic;
	struct rst_blob data;		/* of the bus's own */
};

struct note_variable {
	struct rst_blob key, value;
};

struct note_peer {
	uint32_t flags;			/* enum note_peer_flags */
	uint32_t uid, pid;
	uint64_t since;			/* accepted, usec of CLOCK_BOOTTIME */
	struct rst_blob program;
	uint64_t peak_matches, peak_names;
};

enum note_peer_flags {
	NOTE_ANONYMOUS	= 1 << 0,
	NOTE_HELLO	= 1 << 1,	/* it has said it */
};

struct note_claim {
	struct rst_blob name;
	uint32_t flags;			/* NAME_*, of the latest request */
	uint64_t place;			/* in the queue: signed, by order */
};

/* By enum note_kind. */
extern const struct rst_field *const note_fields[NOTE_KINDS];

/* Reads all records of a text, and the notes among them; what they mean to each
 * other is another matter. As rst_open(), or -EBADMSG with @in->pos telling
 * where. */
int restart_check(struct rst_in *in, const void *data, size_t len);

#endif
