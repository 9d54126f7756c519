// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmap.h"

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

/* SipHash-1-3: what a client cannot predict it cannot make collide. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static const uint64_t *hash_key(void)
{
	static uint64_t key[2];

	/* Early in boot there may be no randomness yet; rather no key than no
	 * bus. */
	if (!key[0] && getrandom(key, sizeof(key), GRND_NONBLOCK) < 0)
		key[0] = 1;
	return key;
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const uint64_t *key = hash_key();
	struct sip s = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};
	const uint8_t *p = data;
	size_t left = len;
	uint64_t word;
	int i;

	for (; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sip_word(&s, word);
		p += sizeof(word);
	}
	word = 0;
	memcpy(&word, p, left);
	sip_word(&s, word ^ (uint64_t)len << 56);
	s.v2 ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_u64(uint64_t x)
{
	return x * 0x9e3779b97f4a7c15ULL >> 20;
}
