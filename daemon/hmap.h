/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intrusive hash table with chains, and doubly linked lists. Both live in
 * their users' structs: nothing here owns an element.
 *
 * Growing a table may fail for want of memory; it then stays as it is, only
 * slower. So an insertion fails only when the very first slots cannot be had.
 */
#ifndef AFBUS_DAEMON_HMAP_H
#define AFBUS_DAEMON_HMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

struct hnode {
	struct hnode *next;
	uint64_t hash;
};

/* All zero is an empty table. */
struct hmap {
	struct hnode **slots;
	size_t n_slots;		/* 0 or a power of two */
	size_t n;
};

/* Returns 0 or -ENOMEM (then nothing has changed). */
int hmap_put(struct hmap *h, struct hnode *node, uint64_t hash);
void hmap_del(struct hmap *h, struct hnode *node);
/* The first node of this hash, and the next one behind @node. */
struct hnode *hmap_first(const struct hmap *h, uint64_t hash);
struct hnode *hmap_next(const struct hnode *node);
/* Frees the slots. The table must be empty or its nodes be forgotten. */
void hmap_clear(struct hmap *h);

#define hmap_for_hash(node, h, key) \
	for ((node) = hmap_first((h), (key)); (node); (node) = hmap_next(node))

/* Visits every node, in no order; the loop may not change the table. */
#define hmap_for_all(node, h, i) \
	for ((i) = 0; (i) < (h)->n_slots; (i)++) \
		for ((node) = (h)->slots[i]; (node); (node) = (node)->next)

/* Keyed by a random number of this process, since clients choose the keys. */
uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_u64(uint64_t x);

struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_after(struct list *where, struct list *l)
{
	l->prev = where;
	l->next = where->next;
	where->next->prev = l;
	where->next = l;
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	list_add_after(head->prev, l);
}

static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#endif
