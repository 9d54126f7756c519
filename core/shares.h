/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who has how much in a queue that goes out at the front unseen: all that is
 * known is how much is left, in bytes, or in descriptors, each of which wants
 * a struct of its own. What was added last is at the back, so the last
 * additions tell.
 *
 * Runs of additions by the same owner are kept, so many of them; what is older
 * is nobody's. Their amounts stop at 2^32 - 1, which no queue holds. No locks:
 * additions are the caller's to order, and a reader that meets one sees a
 * moment's wrong figure, never memory that is not there.
 */
#ifndef AFBUS_CORE_SHARES_H
#define AFBUS_CORE_SHARES_H

#include "port.h"

#define SHARES_RUNS 32U		/* a power of 2 */

struct shares {
	u32 n;			/* runs so far; the last is (n - 1) % RUNS */
	struct {
		u32 owner;
		u32 amount;
	} run[SHARES_RUNS];
};

/* All zero is an empty queue. @owner: any number. */
void shares_add(struct shares *s, u32 owner, u64 amount);

/* What of the @left in the queue is @owner's. */
u64 shares_of(const struct shares *s, u32 owner, u64 left);

/* May @owner add @add to it, if it is to hold @limit? quota_share_ok(). */
bool shares_ok(const struct shares *s, u32 owner, u64 left, u64 add,
	       u64 limit);

#endif
