// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define claim_of(l) container_of(l, struct claim, by_name)

void claimant_init(struct claimant *c)
{
	list_init(&c->claims);
	c->n_claims = 0;
}

struct name *registry_find(const struct registry *r, const char *name,
			   size_t len)
{
	struct hnode *node;

	hmap_for_hash(node, &r->names, hash_bytes(name, len)) {
		struct name *n = container_of(node, struct name, node);

		if (n->len == len && !memcmp(n->text, name, len))
			return n;
	}
	return NULL;
}

struct claim *name_first(const struct name *n)
{
	return claim_of(n->queue.next);
}

struct claimant *name_owner(const struct name *n)
{
	return name_first(n)->claimant;
}

struct claimant *registry_owner(const struct registry *r, const char *name,
				size_t len)
{
	struct name *n = registry_find(r, name, len);

	return n ? name_owner(n) : NULL;
}

static struct claim *find_claim(const struct name *n, const struct claimant *c)
{
	struct list *l;

	for (l = n->queue.next; l != &n->queue; l = l->next)
		if (claim_of(l)->claimant == c)
			return claim_of(l);
	return NULL;
}

static struct name *name_new(struct registry *r, const char *text, size_t len)
{
	struct name *n = malloc(sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	list_init(&n->queue);
	n->len = len;
	memcpy(n->text, text, len);
	n->text[len] = 0;
	if (hmap_put(&r->names, &n->node, hash_bytes(text, len)) < 0) {
		free(n);
		return NULL;
	}
	return n;
}

static void name_free(struct registry *r, struct name *n)
{
	hmap_del(&r->names, &n->node);
	free(n);
}

static void claim_drop(struct claim *claim)
{
	list_del(&claim->by_name);
	list_del(&claim->by_claimant);
	claim->claimant->n_claims--;
	free(claim);
}

static struct claim *claim_make(struct name *n, struct claimant *c)
{
	struct claim *claim = calloc(1, sizeof(*claim));

	if (!claim)
		return NULL;
	list_init(&claim->by_name);
	list_add_tail(&c->claims, &claim->by_claimant);
	c->n_claims++;
	claim->name = n;
	claim->claimant = c;
	return claim;
}

static struct claim *claim_new(struct registry *r, struct name *n,
			       struct claimant *c)
{
	struct claim *claim = claim_make(n, c);

	if (!claim)
		return NULL;
	if (r->claim && r->claim(r->ctx, n->text, c, true)) {
		claim_drop(claim);
		return NULL;
	}
	claim->number = ++r->last_number;
	return claim;
}

static void claim_changed(struct registry *r, const struct claim *claim)
{
	if (r->note)
		r->note(r->ctx, claim, true);
}

static void claim_free(struct registry *r, struct claim *claim)
{
	/* One that has got no place has not been told of. */
	if (r->note && !list_empty(&claim->by_name))
		r->note(r->ctx, claim, false);
	if (r->claim)
		r->claim(r->ctx, claim->name->text, claim->claimant, false);
	claim_drop(claim);
}

static int ask(struct registry *r, const struct name *n, struct claimant *from,
	       struct claimant *to, struct name_change *change)
{
	int err = r->move ? r->move(r->ctx, n->text, from, to) : 0;

	if (!err)
		*change = (struct name_change){ true, from, to };
	return err;
}

static int request_new(struct registry *r, struct claimant *c,
		       const char *name, size_t len, uint32_t flags,
		       struct name_change *change)
{
	struct name *n = name_new(r, name, len);
	struct claim *claim;
	int err = -ENOMEM;

	if (!n)
		return err;
	claim = claim_new(r, n, c);
	if (!claim)
		goto free_name;
	err = ask(r, n, NULL, c, change);
	if (err)
		goto free_claim;
	claim->flags = flags;
	list_add_tail(&n->queue, &claim->by_name);
	claim_changed(r, claim);
	return REQUEST_PRIMARY_OWNER;

free_claim:
	claim_free(r, claim);
free_name:
	name_free(r, n);
	return err;
}

/* A claim of @c that is not its first; one it has is used again. */
static struct claim *get_claim(struct registry *r, struct name *n,
			       struct claimant *c)
{
	struct claim *claim = find_claim(n, c);

	return claim ? claim : claim_new(r, n, c);
}

/* Who may not replace, but wants to, waits in front of those who do not. */
static int enqueue(struct registry *r, struct name *n, struct claimant *c,
		   uint32_t flags)
{
	struct claim *claim = get_claim(r, n, c);

	if (!claim)
		return -ENOMEM;
	claim->flags = flags;
	if (flags & NAME_REPLACE_EXISTING) {
		list_del(&claim->by_name);
		list_add_after(n->queue.next, &claim->by_name);
		/* Room between two is made in front of the first. */
		claim->place = name_first(n)->place--;
		claim_changed(r, name_first(n));
	} else if (list_empty(&claim->by_name)) {
		claim->place = claim_of(n->queue.prev)->place + 1;
		list_add_tail(&n->queue, &claim->by_name);
	}
	claim_changed(r, claim);
	return REQUEST_IN_QUEUE;
}

/* The displaced owner stays second, if it can stand to wait. */
static int replace(struct registry *r, struct name *n, struct claimant *c,
		   uint32_t flags, struct name_change *change)
{
	struct claim *old = name_first(n);
	struct claim *claim = get_claim(r, n, c);
	int err;

	if (!claim)
		return -ENOMEM;
	err = ask(r, n, old->claimant, c, change);
	if (err) {
		if (list_empty(&claim->by_name))
			claim_free(r, claim);
		return err;
	}
	claim->flags = flags;
	list_del(&claim->by_name);
	list_add_after(&n->queue, &claim->by_name);
	claim->place = old->place - 1;
	claim_changed(r, claim);
	if (old->flags & NAME_DO_NOT_QUEUE)
		claim_free(r, old);
	return REQUEST_PRIMARY_OWNER;
}

static int refuse(struct registry *r, struct name *n,
		  const struct claimant *c)
{
	struct claim *claim = find_claim(n, c);

	/* The latest request counts, and it does not want to wait. */
	if (claim)
		claim_free(r, claim);
	return REQUEST_EXISTS;
}

int registry_request(struct registry *r, struct claimant *c, const char *name,
		     size_t len, uint32_t flags, struct name_change *change)
{
	struct name *n = registry_find(r, name, len);
	struct claim *first;

	*change = (struct name_change){ 0 };
	if (!n)
		return request_new(r, c, name, len, flags, change);
	first = name_first(n);
	if (first->claimant == c) {
		first->flags = flags;
		claim_changed(r, first);
		return REQUEST_ALREADY_OWNER;
	}
	if ((flags & NAME_REPLACE_EXISTING) &&
	    (first->flags & NAME_ALLOW_REPLACEMENT))
		return replace(r, n, c, flags, change);
	if (flags & NAME_DO_NOT_QUEUE)
		return refuse(r, n, c);
	return enqueue(r, n, c, flags);
}

static struct claimant *second(const struct name *n)
{
	struct list *l = n->queue.next->next;

	return l == &n->queue ? NULL : claim_of(l)->claimant;
}

static int give_up(struct registry *r, struct claim *claim, bool force,
		   struct name_change *change)
{
	struct name *n = claim->name;

	if (claim == name_first(n)) {
		struct claimant *next = second(n);
		int err = ask(r, n, claim->claimant, next, change);

		if (err && !force)
			return err;
		*change = (struct name_change){ true, claim->claimant, next };
	}
	claim_free(r, claim);
	if (list_empty(&n->queue))
		name_free(r, n);
	return RELEASE_RELEASED;
}

int registry_release(struct registry *r, struct claimant *c, const char *name,
		     size_t len, struct name_change *change)
{
	struct name *n = registry_find(r, name, len);
	struct claim *claim;

	*change = (struct name_change){ 0 };
	if (!n)
		return RELEASE_NON_EXISTENT;
	claim = find_claim(n, c);
	if (!claim)
		return RELEASE_NOT_OWNER;
	return give_up(r, claim, false, change);
}

void registry_forget(struct registry *r, struct claim *claim,
		     struct name_change *change)
{
	*change = (struct name_change){ 0 };
	give_up(r, claim, true, change);
}

/* Where a claim of that place belongs, or NULL if there is one. */
static struct list *find_place(struct name *n, int64_t place)
{
	struct list *l = n->queue.prev;

	while (l != &n->queue && claim_of(l)->place > place)
		l = l->prev;
	return l != &n->queue && claim_of(l)->place == place ? NULL : l;
}

int registry_restore(struct registry *r, struct claimant *c, const char *name,
		     size_t len, uint32_t flags, int64_t place,
		     uint64_t number)
{
	struct name *n = registry_find(r, name, len);
	struct list *before;
	struct claim *claim;

	if (!n)
		n = name_new(r, name, len);
	if (!n)
		return -ENOMEM;
	before = find_place(n, place);
	if (!before || find_claim(n, c))
		return -EEXIST;
	claim = claim_make(n, c);
	if (!claim) {
		if (list_empty(&n->queue))
			name_free(r, n);
		return -ENOMEM;
	}
	claim->flags = flags;
	claim->place = place;
	claim->number = number;
	list_add_after(before, &claim->by_name);
	if (number > r->last_number)
		r->last_number = number;
	return 0;
}

void registry_clear(struct registry *r)
{
	hmap_clear(&r->names);
}
