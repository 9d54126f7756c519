/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which policies the kernel has been given, under which numbers. Many ports
 * share one; the kernel has it as long as one of them does.
 */
#ifndef AFBUS_DAEMON_SWITCH_KERNEL_POLICY_H
#define AFBUS_DAEMON_SWITCH_KERNEL_POLICY_H

#include <stdint.h>

#include "core/policy.h"
#include "daemon/hmap.h"

/* All zero: there are none. */
struct kernel_policies {
	struct hmap policies, ports;
	uint64_t last_id;
	uint64_t *dead;			/* numbers that nobody has any more */
	size_t n_dead;
	/* Tells the kernel, perhaps not at once: the port has number @id. */
	int (*tell)(void *ctx, uint64_t addr, uint64_t id);
	void *ctx;
};

/* The port is to have @p, which lives as long as it does; NULL: none. Writes
 * to the bus's socket @fd. 0 or -errno, and then it has what it had. */
int kernel_policy_set(struct kernel_policies *k, int fd, uint64_t addr,
		      const struct policy *p);
/* The port is no more. */
void kernel_policy_forget(struct kernel_policies *k, uint64_t addr);
/* All has been told: what nobody has any more the kernel may forget. */
void kernel_policies_flush(struct kernel_policies *k, int fd);
/* The bus is no more. */
void kernel_policies_clear(struct kernel_policies *k);

#endif
