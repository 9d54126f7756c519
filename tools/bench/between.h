/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Round trips, or messages one way, between two. */
#ifndef AFBUS_TOOLS_BENCH_BETWEEN_H
#define AFBUS_TOOLS_BENCH_BETWEEN_H

#include "tools/bench/bench.h"

/* @n of them with bodies of @body bytes; microseconds of one. 0 or -errno. */
int between_turn(struct bench_end pair[2], size_t body, bool one_way,
		 unsigned int n, double *us);

#endif
