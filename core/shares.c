// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/shares.h"

void shares_add(struct shares *s, u32 owner, u64 bytes)
{
	u32 last = (s->n - 1) % SHARES_RUNS;

	if (s->n && s->run[last].owner == owner) {
		s->run[last].bytes += bytes;
		return;
	}
	last = s->n % SHARES_RUNS;
	s->run[last].owner = owner;
	s->run[last].bytes = bytes;
	/* Full already, it stays so: only the rest of the division counts. */
	s->n = s->n + 1 < 2 * SHARES_RUNS ? s->n + 1 : SHARES_RUNS;
}

u64 shares_of(const struct shares *s, u32 owner, u64 left)
{
	u32 n = s->n, runs = n < SHARES_RUNS ? n : SHARES_RUNS;
	u64 of = 0, bytes;

	for (; runs && left; runs--) {
		n--;
		bytes = s->run[n % SHARES_RUNS].bytes;
		/* Some of it has gone out. */
		if (bytes > left)
			bytes = left;
		if (s->run[n % SHARES_RUNS].owner == owner)
			of += bytes;
		left -= bytes;
	}
	return of;
}
