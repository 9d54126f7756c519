/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): for
 * tables whose keys are chosen by those who might want them to collide. The
 * result depends on the byte order of the machine, so it is for memory alone.
 */
#ifndef AFBUS_CORE_SIP_HASH_H
#define AFBUS_CORE_SIP_HASH_H

#include "port.h"

/* Random, and told to nobody. */
struct sip_key {
	u64 k[2];
};

u64 sip_hash(const struct sip_key *key, const void *data, size_t len);

#endif
