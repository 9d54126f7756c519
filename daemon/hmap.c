// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmap.h"

#include "core/sip_hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct hnode **slot_of(const struct hmap *h, uint64_t hash)
{
	return &h->slots[hash & (h->n_slots - 1)];
}

static int resize(struct hmap *h, size_t n_slots)
{
	struct hmap bigger = { .n_slots = n_slots, .n = h->n };
	struct hnode *node, *next;
	size_t i;

	bigger.slots = calloc(n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < h->n_slots; i++) {
		for (node = h->slots[i]; node; node = next) {
			struct hnode **slot = slot_of(&bigger, node->hash);

			next = node->next;
			node->next = *slot;
			*slot = node;
		}
	}
	free(h->slots);
	*h = bigger;
	return 0;
}

int hmap_put(struct hmap *h, struct hnode *node, uint64_t hash)
{
	struct hnode **slot;

	if (h->n >= h->n_slots) {
		int err = resize(h, h->n_slots ? h->n_slots * 2 : 8);

		if (err && !h->n_slots)
			return err;
	}
	slot = slot_of(h, hash);
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	h->n++;
	return 0;
}

void hmap_del(struct hmap *h, struct hnode *node)
{
	struct hnode **p = slot_of(h, node->hash);

	while (*p != node)
		p = &(*p)->next;
	*p = node->next;
	h->n--;
}

static struct hnode *with_hash(struct hnode *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct hnode *hmap_first(const struct hmap *h, uint64_t hash)
{
	return h->n_slots ? with_hash(*slot_of(h, hash), hash) : NULL;
}

struct hnode *hmap_next(const struct hnode *node)
{
	return with_hash(node->next, node->hash);
}

void hmap_clear(struct hmap *h)
{
	free(h->slots);
	memset(h, 0, sizeof(*h));
}

static const struct sip_key *hash_key(void)
{
	static struct sip_key key;

	/* Early in boot there may be no randomness yet; rather no key than no
	 * bus. */
	if (!key.k[0] && getrandom(&key, sizeof(key), GRND_NONBLOCK) < 0)
		key.k[0] = 1;
	return &key;
}

uint64_t hash_bytes(const void *data, size_t len)
{
	return sip_hash(hash_key(), data, len);
}

uint64_t hash_u64(uint64_t x)
{
	return x * 0x9e3779b97f4a7c15ULL >> 20;
}
