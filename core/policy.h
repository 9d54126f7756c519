/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policy: who may own which name, send what to whom, receive what from whom
 * (dbus-daemon(1), "<policy>"; corner cases as the reference implementation
 * has them).
 *
 * The rules that hold for one connection, in their order, are compiled into
 * one flat block without pointers: offsets from its start. Both switches hold
 * the same blocks; who gets one from elsewhere looks at it once with
 * policy_check(). The caller owns the memory; a block never changes after
 * policy_compile().
 *
 * The last rule that matches decides, and without one the answer is no.
 */
#ifndef AFBUS_CORE_POLICY_H
#define AFBUS_CORE_POLICY_H

#include "core/dbus_header.h"

enum policy_kind { POLICY_OWN, POLICY_SEND, POLICY_RECEIVE, POLICY_KINDS };

enum policy_string {
	POLICY_NAME,		/* to own, of the receiver, of the sender */
	POLICY_PATH,
	POLICY_INTERFACE,
	POLICY_MEMBER,
	POLICY_ERROR,
	POLICY_STRINGS,
};

enum policy_tristate { POLICY_ANY, POLICY_YES, POLICY_NO };

#define POLICY_MAX_STRING	65535U
#define POLICY_MAX_SIZE		(16U << 20)	/* bytes of a block */
/* As many fds as a message can have by the length of its body. */
#define POLICY_MAX_FDS		(DBUS_MAX_MESSAGE / 4)

/* A rule in words, for policy_compile(). Begin with policy_rule_init(). */
struct policy_rule {
	u8 kind;			/* enum policy_kind */
	u8 type;			/* enum dbus_type; 0: any */
	u8 broadcast;			/* enum policy_tristate, POLICY_SEND */
	bool allow;
	bool log;			/* POLICY_SEND */
	bool eavesdrop;
	/* Allow: replies only if requested. Deny: replies though requested. */
	bool requested_reply;
	bool prefix;			/* the name stands for all below it */
	u32 min_fds, max_fds;
	struct dbus_str str[POLICY_STRINGS];	/* .s NULL: any */
};

void policy_rule_init(struct policy_rule *r, enum policy_kind kind, bool allow);

/* A compiled block. */
struct policy {
	u32 size;			/* of the whole block, bytes */
	u32 n[POLICY_KINDS];		/* rules of each kind */
	/* Bit 0: everything is allowed; bit enum dbus_type: so is every
	 * message of that type, but for unrequested replies and what is
	 * eavesdropped. */
	u8 open[POLICY_KINDS];
	u8 pad[5];
	u32 index[];			/* where the rules are, by kind */
	/* the rules follow, struct policy_rec of policy.c */
};

/*
 * Compiles @n rules into @mem (of @size bytes, 8-aligned). Returns the length
 * of the block, also when @mem is NULL; -ENOSPC when @size is too small;
 * -EMSGSIZE above POLICY_MAX_SIZE or POLICY_MAX_STRING.
 *
 * As in the reference, a rule without a type, path, interface, member, error
 * and name puts all rules of its kind in front of it out of force, even where
 * it does not match itself.
 */
s64 policy_compile(void *mem, size_t size,
		   const struct policy_rule *const *rules, size_t n);

/* 0, or -EINVAL for @size bytes that policy_compile() has not written. */
int policy_check(const void *mem, size_t size);

/* Nothing is forbidden by it, replies that nobody asked for included. */
bool policy_is_open(const struct policy *p);

bool policy_own(const struct policy *p, const char *name, size_t len);

/*
 * The connection at the other end of a message: the receiver for POLICY_SEND,
 * the sender for POLICY_RECEIVE. The driver, and a name that nobody owns yet,
 * are no connections: @owns is NULL then, and names are looked for in the
 * message itself.
 */
struct policy_end {
	/* Among the owners of @name, primary or waiting? Its unique name is
	 * among those. With @below: of any name in the namespace @name. */
	bool (*owns)(void *ctx, const char *name, size_t len, bool below);
	void *ctx;
	/* policy_name_bit() of all its names, at least. */
	u64 names;
};

struct policy_msg {
	const struct dbus_header *h;
	struct dbus_str sender;		/* the stamped sender */
	bool requested;			/* a reply that is waited for */
	bool eavesdropping;		/* addressed to somebody else */
	struct policy_end end;
};

u64 policy_name_bit(const char *name, size_t len);

#define POLICY_ALLOWED	0x1
#define POLICY_LOGGED	0x2		/* the rule wants it to be logged */

/* Returns POLICY_* of the rule that decides; 0: denied. */
unsigned int policy_ask(const struct policy *p, enum policy_kind kind,
			const struct policy_msg *m);
/* How many rules match; for the text of an error. */
unsigned int policy_matching(const struct policy *p, enum policy_kind kind,
			     const struct policy_msg *m);

#endif
