/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy of the configuration: all rules, by whom they are for. For one
 * connection those that hold are selected, in the order default, groups,
 * user, not at the console, mandatory, and compiled (core/policy.h).
 * Connections for which the same are selected share the compiled block.
 */
#ifndef AFBUS_DAEMON_POLICY_H
#define AFBUS_DAEMON_POLICY_H

#include <sys/types.h>

#include "core/policy.h"
#include "daemon/creds.h"

enum policy_scope {
	POLICY_DEFAULT,
	POLICY_GROUP,
	POLICY_USER,
	POLICY_NO_CONSOLE,	/* nobody is at the console; that is obsolete */
	POLICY_MANDATORY,
};

/* Who may connect at all. */
struct policy_connect {
	enum policy_scope scope;	/* default or mandatory */
	bool allow;
	bool group;
	bool any;
	uint32_t id;
};

/* Shared and never changed; lives while it is referenced. */
struct policy_block {
	unsigned int refs;
	struct policy p;
};

struct policy_block *policy_block_ref(struct policy_block *b);
struct policy_block *policy_block_unref(struct policy_block *b);

struct policy_set;

struct policy_set *policy_set_new(void);
struct policy_set *policy_set_free(struct policy_set *set);
/* A set in which everything is allowed to whom the bus's user is. */
struct policy_set *policy_set_new_open(void);

/* Copies the strings. @id is a gid or uid. 0 or -ENOMEM. */
int policy_set_add(struct policy_set *set, enum policy_scope scope,
		   uint32_t id, const struct policy_rule *rule);
int policy_set_add_connect(struct policy_set *set,
			   const struct policy_connect *rule);
/* All of @from behind all of @to, as if written there. 0 or -ENOMEM. */
int policy_set_merge(struct policy_set *to, const struct policy_set *from);

/* May somebody with @creds connect to a bus run by @owner? */
bool policy_set_connect(const struct policy_set *set, const struct creds *creds,
			uid_t owner);

/* The policy for @creds, or for somebody unknown if that is NULL; a
 * reference. 0, -ENOMEM, -EMSGSIZE. */
int policy_set_compile(struct policy_set *set, const struct creds *creds,
		       struct policy_block **ret);

/* Nothing is forbidden to anybody on the bus. */
bool policy_set_is_open(struct policy_set *set);

#endif
