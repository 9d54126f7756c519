// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/shares.h"

#include "core/quota.h"

static u32 saturated(u64 amount)
{
	return amount < ~0U ? amount : ~0U;
}

void shares_add(struct shares *s, u32 owner, u64 amount)
{
	u32 last = (s->n - 1) % SHARES_RUNS;

	if (s->n && s->run[last].owner == owner) {
		s->run[last].amount = saturated(s->run[last].amount + amount);
		return;
	}
	last = s->n % SHARES_RUNS;
	s->run[last].owner = owner;
	s->run[last].amount = saturated(amount);
	/* Full already, it stays so: only the rest of the division counts. */
	s->n = s->n + 1 < 2 * SHARES_RUNS ? s->n + 1 : SHARES_RUNS;
}

u64 shares_of(const struct shares *s, u32 owner, u64 left)
{
	u32 n = s->n, runs = n < SHARES_RUNS ? n : SHARES_RUNS;
	u64 of = 0, amount;

	for (; runs && left; runs--) {
		n--;
		amount = s->run[n % SHARES_RUNS].amount;
		/* Some of it has gone out. */
		if (amount > left)
			amount = left;
		if (s->run[n % SHARES_RUNS].owner == owner)
			of += amount;
		left -= amount;
	}
	return of;
}

bool shares_ok(const struct shares *s, u32 owner, u64 left, u64 add, u64 limit)
{
	return quota_share_ok(shares_of(s, owner, left), left, add, limit);
}
