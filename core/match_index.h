/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The match rules of a whole bus, filed so that a message meets those that can
 * match it, however many others there are.
 *
 * A rule asks for exact values of some *parts* of a message: type, sender,
 * interface, member, path, one argument. Which parts is its *shape*. It is
 * filed under one hash of its shape and of all these values. A message looks
 * once for each shape that any rule has, with its own values of the shape's
 * parts; there are few shapes on a bus (408 at the very most), whatever the
 * number of rules. What it finds agrees with it in all these parts, and differs
 * only in what is not filed by: more arguments, argNpath, and the like. So the
 * one who finds a rule asks match_rule_eval() about it.
 *
 * Some parts have several values in one message, each of them looked for: the
 * names that the sender owns, the namespaces that the path or the first
 * argument is in. Namespaces are filed by their first elements, so that a long
 * path costs no more than MATCH_INDEX_PATH look-ups.
 *
 * The hash is keyed, since both rules and messages are written by those who
 * might want them to collide.
 *
 * Pure: the caller embeds a struct match_entry in each rule, provides the table,
 * and has a lock. Adding and deleting take a time that does not depend on the
 * number of rules: the table grows by linear hashing, one bucket after the other
 * (W. Litwin, 1980), and rules filed alike hang on one that stands for all.
 */
#ifndef AFBUS_CORE_MATCH_INDEX_H
#define AFBUS_CORE_MATCH_INDEX_H

#include "core/match.h"
#include "core/sip_hash.h"

#define MATCH_INDEX_PATH	16U	/* elements of a path_namespace */
#define MATCH_INDEX_NAME	8U	/* elements of an arg0namespace */
#define MATCH_INDEX_ARGS	4U	/* argN with N below this are filed by */
#define MATCH_SHAPES		1024U

struct match_entry {
	struct match_entry *next;	/* in the bucket; of the first alike */
	struct match_entry *same;	/* those filed alike: a ring */
	struct match_entry *same_prev;
	const struct match_rule *rule;	/* the caller's, while it is filed */
	u64 hash;
	u64 group;			/* rules of one group are equal */
	u16 shape;
};

struct match_index {
	struct match_entry **buckets;
	size_t size;			/* there is memory for, a power of 2 */
	size_t n_buckets;		/* in use */
	size_t mask;			/* the power of 2 above that, less 1 */
	size_t n_keys;			/* entries in the buckets' chains */
	u64 groups;			/* so far */
	struct match_entry *first;	/* the table until there is another */
	struct sip_key key;
	u32 n_used;
	u16 used[MATCH_SHAPES];		/* shapes that rules have, in no order */
	u32 n[MATCH_SHAPES];		/* rules of each shape */
};

/* Must not be moved from then on. */
void match_index_init(struct match_index *x, const struct sip_key *key);

/* How many buckets to provide before @more rules are added; 0: there are
 * enough. With fewer everything works, but slower. */
size_t match_index_wants(const struct match_index *x, size_t more);
/* Goes over to @buckets, all NULL, of @size as match_index_wants() gave it.
 * Returns the memory that is not needed (any more), or NULL. */
struct match_entry **match_index_grow(struct match_index *x,
				      struct match_entry **buckets,
				      size_t size);

/* All rules are out of it; returns memory as match_index_grow() does. */
struct match_entry **match_index_forget(struct match_index *x);

/* @r must stay where it is, and what it is, as long as @e is filed. */
void match_index_add(struct match_index *x, struct match_entry *e,
		     const struct match_rule *r);
void match_index_del(struct match_index *x, struct match_entry *e);

typedef int (*match_found)(void *ctx, struct match_entry *e, bool again);
/*
 * Calls @found once for each rule that may match @m: for all that do, and for
 * few that do not. Returns what @found did if that was not 0, and goes on no
 * further then. @found must not change the index. Rules that many have come one
 * behind the other; @again: it equals the one before, so that match_rule_eval()
 * would say the same.
 */
int match_index_visit(const struct match_index *x, const struct match_msg *m,
		      match_found found, void *ctx);

#endif
