/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls that wait for their answer: only the called peer may answer, and
 * once; if it goes away instead, or takes too long, the caller is told.
 *
 * Pure: all memory is the caller's, who embeds a struct replies_port in every
 * port and allocates a struct reply for every call. Locking is his too; all
 * functions change the table. A struct reply that a function returns is in the
 * table no more, and can be freed.
 */
#ifndef AFBUS_CORE_REPLIES_H
#define AFBUS_CORE_REPLIES_H

#include "port.h"

struct replies_link {
	struct replies_link *next, *prev;
};

struct replies_port {
	u64 addr;
	struct replies_link calls;	/* it waits for answers to these */
	struct replies_link owed;	/* it has to answer these */
	u32 n_calls;
};

struct reply {
	struct replies_link hash;
	struct replies_link by_caller;
	struct replies_link by_callee;
	struct replies_link by_time;	/* or among the orphans */
	struct replies_port *caller;
	struct replies_port *callee;	/* NULL: gone */
	u32 serial;			/* of the call */
	u64 since;			/* in units of the caller's */
};

struct replies {
	struct replies_link *buckets;
	size_t n_buckets;		/* a power of 2 */
	size_t n;			/* calls in the buckets */
	u64 seed;
	struct replies_link by_time;	/* the oldest first */
	struct replies_link orphans;	/* their callees are gone */
};

/* @seed: random, so that nobody chooses his bucket. */
void replies_init(struct replies *t, struct replies_link *buckets,
		  size_t n_buckets, u64 seed);
/* Goes over to other buckets; returns the old ones, to be freed. */
struct replies_link *replies_resize(struct replies *t,
				    struct replies_link *buckets,
				    size_t n_buckets);

void replies_port_init(struct replies_port *p, u64 addr);

/* NULL: @callee does not owe @caller an answer to @serial. */
struct reply *replies_find(struct replies *t, const struct replies_port *caller,
			   const struct replies_port *callee, u32 serial);
/* There must be none like it. @since never goes back. */
void replies_add(struct replies *t, struct reply *r,
		 struct replies_port *caller, struct replies_port *callee,
		 u32 serial, u64 since);
void replies_del(struct replies *t, struct reply *r);

/* One call whose caller is @p, or NULL: until then @p must not go. */
struct reply *replies_forget(struct replies *t, struct replies_port *p);
/* @p will not answer any more: what it owed becomes orphans. */
void replies_orphan(struct replies *t, struct replies_port *p);
bool replies_have_orphans(const struct replies *t);
/* An orphan, or NULL. */
struct reply *replies_next_orphan(struct replies *t);
/* The oldest call, if it was made at @before or earlier, or NULL. */
struct reply *replies_next_expired(struct replies *t, u64 before);
/* The oldest call, still in the table, or NULL. */
const struct reply *replies_oldest(const struct replies *t);

#endif
