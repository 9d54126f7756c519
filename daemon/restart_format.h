/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The restart format: how one daemon writes down what the next one reads, in a
 * sealed memfd (switch_user_save.c) and in notes (past.h). Pure: bytes in,
 * structs out.
 *
 * A text begins with a head and ends with a record of type RST_END, so that a
 * part of it is told from the whole. A record is a type and a length, and its
 * fields one behind the other: a number takes 8 bytes, a blob its length and
 * its bytes, all of them padded to 8. Numbers are the machine's own: the text
 * does not leave it.
 *
 * Versions. A different major number is refused. A newer minor one may have
 * fields behind those that are known here, and records of types unknown here
 * that are marked as RST_OPTIONAL; both are skipped. An older one may lack
 * fields that are marked as RST_LATER: they are zero then.
 */
#ifndef AFBUS_DAEMON_RESTART_FORMAT_H
#define AFBUS_DAEMON_RESTART_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rst_version {
	uint32_t major, minor;
};

/* What this daemon writes, and the newest that it knows all of. */
extern const struct rst_version rst_version;

/* 0, or -EPROTO: this daemon cannot read what is of version @v. */
int rst_version_ok(const struct rst_version *v);

/* ---- fields ---- */

enum rst_kind {
	RST_U32,
	RST_U64,
	RST_BLOB,		/* struct rst_blob */
};

struct rst_blob {
	const void *data;	/* in the text that was read */
	size_t len;
};

struct rst_field {
	size_t offset;		/* in the struct */
	enum rst_kind kind;
	bool later;		/* since a later minor version */
};

/* What a struct is made of. Ends with an element whose offset is RST_LAST. */
#define RST_LAST SIZE_MAX
#define RST_FIELD(type, field, kind) { offsetof(struct type, field), kind, false }
#define RST_FIELDS_END { RST_LAST, RST_U64, false }
#define RST_LATER(type, field, kind) { offsetof(struct type, field), kind, true }

/* Reads @len bytes at @data into @to, the struct that @fields is of. What is
 * behind them is skipped. 0 or -EBADMSG. */
int rst_get(const struct rst_field *fields, const void *data, size_t len,
	    void *to);

/* ---- writing ---- */

/* Bytes to come, in memory that grows. All zero is an empty one. */
struct rst_out {
	uint8_t *data;
	size_t len, size;
	int err;		/* -ENOMEM: from then on nothing is added */
};

void rst_put(struct rst_out *out, const struct rst_field *fields,
	     const void *from);
void rst_out_done(struct rst_out *out);

/* ---- a text ---- */

#define RST_OPTIONAL 0x80000000U	/* in a type */
#define RST_END 0

struct rst_head {
	char magic[8];
	struct rst_version version;
	uint64_t len;		/* of everything */
	uint64_t n_fds;		/* that go with it */
};

/* Begins a text; the head is complete after rst_finish(). */
void rst_begin(struct rst_out *out);
void rst_record(struct rst_out *out, uint32_t type,
		const struct rst_field *fields, const void *from);
/* 0 or -ENOMEM. */
int rst_finish(struct rst_out *out, uint64_t n_fds);

struct rst_in {
	const uint8_t *data;
	size_t len, pos;
	struct rst_head head;
};

/* -EPROTO: it is of another version, in->head.version; -EBADMSG: it is none,
 * or not all of it. The caller's are @data, as long as @in is used. */
int rst_open(struct rst_in *in, const void *data, size_t len);

struct rst_rec {
	uint32_t type;		/* with RST_OPTIONAL */
	const void *data;
	size_t len;
};

/* 1: there is one; 0: that was all; or -EBADMSG. */
int rst_next(struct rst_in *in, struct rst_rec *rec);

/* ---- records of the switch in the daemon ---- */

enum rst_type {
	RST_BUS = 1,
	RST_NOTE,
	RST_KEPT,
	RST_PORT,
	RST_CHUNK,		/* of the port before, as those that follow */
	RST_RULE,
	RST_CLAIM,
	RST_NAME,		/* of no port, as those that follow */
	RST_REPLY,
	RST_WAIT,
	RST_READY,
	RST_PARKED,
	RST_TYPES
};

struct rst_bus {
	uint64_t last_addr;
	uint64_t saved;			/* usec of CLOCK_BOOTTIME */
	struct rst_blob stats;		/* struct bus_stats */
};

struct rst_note {
	uint64_t addr, cookie;
	struct rst_blob data;
};

struct rst_kept {
	uint64_t number;
	uint32_t fd;			/* index, as all of them */
};

struct rst_port {
	uint64_t addr;
	uint32_t fd;
	uint32_t flags;			/* enum rst_port_flags */
	struct rst_blob stats;		/* struct bus_port_stats */
	struct rst_blob in;		/* what was read, not routed */
	struct rst_blob pool;		/* fds of that: uint32_t indexes */
	uint64_t pool_age;		/* ms */
	struct rst_blob shares;		/* struct shares; of another length
					 * it is not looked at */
	uint64_t oversize;
	uint64_t out_msgs;
	uint64_t peak_in_bytes, peak_in_fds, peak_out_bytes, peak_out_fds;
	uint64_t zombie_age;		/* ms */
	struct rst_blob fd_shares;	/* likewise */
};

enum rst_port_flags {
	RST_PORT_ACTIVE		= 1 << 0,
	RST_PORT_FDS		= 1 << 1,
	RST_PORT_MONITOR	= 1 << 2,
	RST_PORT_BROKEN		= 1 << 3,
	RST_PORT_ZOMBIE		= 1 << 4,	/* detached, with a queue */
};

struct rst_chunk {
	struct rst_blob data;
	struct rst_blob fds;		/* to go with its first byte */
};

struct rst_rule {
	uint64_t cookie;
	struct rst_blob text;
};

struct rst_claim {
	struct rst_blob name;
};

struct rst_name {
	struct rst_blob name;
	uint64_t owner;
};

struct rst_reply {
	uint64_t caller, callee;
	uint32_t serial;
	uint64_t age;			/* usec */
};

struct rst_wait {
	uint64_t addr;			/* who waits */
	uint64_t at;			/* for room there */
	uint64_t age;			/* ms */
};

struct rst_ready {
	uint64_t addr;
};

struct rst_parked {
	uint64_t number, sender;
	struct rst_blob data, fds;
};

/* By enum rst_type. */
extern const struct rst_field *const rst_fields[RST_TYPES];

#endif
