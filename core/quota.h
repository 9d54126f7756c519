/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fair shares of a bounded resource. Pure arithmetic: no memory, no locks.
 */
#ifndef _AFBUS_CORE_QUOTA_H
#define _AFBUS_CORE_QUOTA_H

#include "port.h"

/*
 * May a user, who has @used of the @total in use, take @add more of @limit?
 * It may fill half of what the others leave, so that the next user still
 * finds as much, and the one after that half of it; and the first thing it
 * asks for is never refused here, or a small limit would shut it out.
 */
static inline bool quota_share_ok(u64 used, u64 total, u64 add, u64 limit)
{
	u64 others = total - used;

	if (!used)
		return true;
	return others < limit && used + add <= (limit - others + 1) / 2;
}

#endif
