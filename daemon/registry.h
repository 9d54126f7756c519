/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who owns which well-known name, and who waits for it. Pure: it knows
 * neither peers nor messages, so it can be tested alone.
 *
 * A *claimant* (embedded in each peer) has *claims*; the claims to one name
 * form its queue, and the first claim's claimant owns the name. A name exists
 * as long as it has a claim. Claims belong to the registry and end by
 * registry_release() or registry_forget().
 *
 * The order of names that a claimant gives up at its end is the reverse of
 * that in which it asked for them.
 */
#ifndef AFBUS_DAEMON_REGISTRY_H
#define AFBUS_DAEMON_REGISTRY_H

#include "daemon/hmap.h"

#define NAME_ALLOW_REPLACEMENT	0x1
#define NAME_REPLACE_EXISTING	0x2
#define NAME_DO_NOT_QUEUE	0x4

enum request_result {		/* of RequestName */
	REQUEST_PRIMARY_OWNER = 1,
	REQUEST_IN_QUEUE,
	REQUEST_EXISTS,
	REQUEST_ALREADY_OWNER,
};

enum release_result {		/* of ReleaseName */
	RELEASE_RELEASED = 1,
	RELEASE_NON_EXISTENT,
	RELEASE_NOT_OWNER,
};

struct claimant {
	struct list claims;	/* struct claim.by_claimant */
	size_t n_claims;
};

struct name {
	struct hnode node;	/* in registry.names */
	struct list queue;	/* struct claim.by_name; never empty */
	size_t len;
	char text[];		/* NUL-terminated */
};

struct claim {
	struct list by_name;
	struct list by_claimant;
	struct name *name;
	struct claimant *claimant;
	uint32_t flags;		/* of the latest request */
	int64_t place;		/* in the queue, which is sorted by it */
	uint64_t number;	/* no other claim has had it */
};

struct registry {
	struct hmap names;
	/*
	 * Asked before ownership of @name moves (NULL stands for nobody), when
	 * nothing else can fail any more: what it refuses does not happen.
	 * Returns 0 or -errno.
	 */
	int (*move)(void *ctx, const char *name, struct claimant *from,
		    struct claimant *to);
	/* Told of every claim before it is made (0 or -errno: then it is not)
	 * and after it has ended. */
	int (*claim)(void *ctx, const char *name, struct claimant *c, bool on);
	/* Told of every claim that has changed, or is new, and before it
	 * ends. */
	void (*note)(void *ctx, const struct claim *claim, bool on);
	void *ctx;
	uint64_t last_number;	/* of a claim */
};

/* An owner's change that has happened, for the signals. */
struct name_change {
	bool happened;
	struct claimant *from;	/* NULL: nobody */
	struct claimant *to;
};

void claimant_init(struct claimant *c);

struct name *registry_find(const struct registry *r, const char *name,
			   size_t len);
struct claim *name_first(const struct name *n);
struct claimant *name_owner(const struct name *n);
/* NULL when nobody owns it. */
struct claimant *registry_owner(const struct registry *r, const char *name,
				size_t len);

/* Returns a result, or -ENOMEM, or what move() has returned. */
int registry_request(struct registry *r, struct claimant *c, const char *name,
		     size_t len, uint32_t flags, struct name_change *change);
int registry_release(struct registry *r, struct claimant *c, const char *name,
		     size_t len, struct name_change *change);
/*
 * Ends the claim whatever move() says: its claimant is going away. The caller
 * keeps a copy of the name's text when it needs it afterwards.
 */
void registry_forget(struct registry *r, struct claim *claim,
		     struct name_change *change);
/*
 * Puts a claim where it was: nobody is asked or told. Claims to a name may come
 * in any order, those of a claimant in that of their numbers. 0, -ENOMEM, or
 * -EEXIST: it has one to that name, or another is in its place.
 */
int registry_restore(struct registry *r, struct claimant *c, const char *name,
		     size_t len, uint32_t flags, int64_t place,
		     uint64_t number);
/* All claims must be gone. */
void registry_clear(struct registry *r);

#endif
