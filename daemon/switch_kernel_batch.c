// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One event, one system call: what the daemon does from sw_begin() to
 * sw_commit() is gathered as records and applied by one BUS_UPDATE, all or none
 * of it; so whoever kills the daemon finds an event with all its effects, or
 * undone and handed to the next daemon.
 *
 * Nothing may be gathered that makes the kernel refuse the whole: which ports
 * there are, and which messages are parked, is known here.
 */
#include "daemon/switch_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"

/* What the kernel takes at once is above both. */
#define BATCH_BYTES (12U << 20)
#define BATCH_RECS 4000U
/* A longer message goes by itself. */
#define SEND_MAX (1U << 20)
/* What stays in memory between batches. */
#define BATCH_KEEP (64U << 10)

/* ---- ports ---- */

struct kernel_port *kernel_port_find(const struct kernel *k, uint64_t addr)
{
	struct hnode *n;

	hmap_for_hash(n, &k->ports, hash_u64(addr)) {
		struct kernel_port *p = container_of(n, struct kernel_port,
						     node);

		if (p->addr == addr)
			return p;
	}
	return NULL;
}

int kernel_port_add(struct kernel *k, uint64_t addr)
{
	struct kernel_port *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->addr = addr;
	if (hmap_put(&k->ports, &p->node, hash_u64(addr))) {
		free(p);
		return -ENOMEM;
	}
	return 0;
}

/* With a port the kernel lets go of what was parked of it. */
static void parked_gone(struct kernel *k, uint64_t addr)
{
	struct hnode *n;
	size_t i;

	hmap_for_all(n, &k->parked, i) {
		struct kernel_park *p = container_of(n, struct kernel_park,
						     node);

		if (p->addr == addr)
			p->gone = true;
	}
}

void kernel_port_del(struct kernel *k, uint64_t addr)
{
	struct kernel_port *p = kernel_port_find(k, addr);

	if (!p)
		return;
	parked_gone(k, addr);
	hmap_del(&k->ports, &p->node);
	free(p);
}

/* ---- records ---- */

static bool about_port(uint64_t addr)
{
	return addr && addr != BUS_CLIENT_MASK && addr != BUS_MONITORS;
}

static int update(struct kernel *k, const void *recs, size_t len)
{
	return setsockopt(k->fd, SOL_BUS, BUS_UPDATE, recs, len) < 0 ? -errno :
								       0;
}

/* Room for @len more bytes, from a multiple of 8 on. */
static void *batch_room(struct kernel *k, size_t len)
{
	size_t at = (k->batch_len + 7) & ~(size_t)7, size = k->batch_size;
	uint8_t *p;

	if (at + len > size) {
		size = 2 * (at + len);
		p = realloc(k->batch, size);
		if (!p)
			return NULL;
		k->batch = p;
		k->batch_size = size;
	}
	memset(k->batch + k->batch_len, 0, at - k->batch_len);
	return k->batch + at;
}

/* Two pieces of data make one record. */
static int gather(struct kernel *k, const struct bus_rec *head,
		  const void *a, size_t a_len, const void *b, size_t b_len)
{
	uint8_t *p;
	int r = 0;

	if (k->batch_len + head->len > BATCH_BYTES || k->n_recs >= BATCH_RECS)
		r = kernel_flush(k);
	if (r < 0)
		return r;
	p = batch_room(k, head->len);
	if (!p)
		return -ENOMEM;
	memcpy(p, head, sizeof(*head));
	if (a_len)
		memcpy(p + sizeof(*head), a, a_len);
	if (b_len)
		memcpy(p + sizeof(*head) + a_len, b, b_len);
	k->batch_len = p + head->len - k->batch;
	k->n_recs++;
	return 0;
}

int kernel_record(struct kernel *k, uint32_t type, uint64_t addr,
		  uint64_t cookie, const void *data, size_t len)
{
	struct bus_rec head = {
		.len = sizeof(head) + len,
		.type = type,
		.addr = addr,
		.cookie = cookie,
	};
	int r;

	/* A name may be an ended port's, or be nobody's. */
	if (about_port(addr) && !kernel_port_find(k, addr))
		return -ENOENT;
	r = gather(k, &head, data, len, NULL, 0);
	return r || kernel_gathers(k) ? r : kernel_flush(k);
}

int kernel_record_send(struct kernel *k, uint64_t addr,
		       const struct bus_send *how, const void *msg, size_t len)
{
	struct bus_rec head = {
		.len = sizeof(head) + sizeof(*how) + len,
		.type = BUS_REC_SEND,
		.addr = addr,
	};

	if (len > SEND_MAX)
		return -E2BIG;
	if (about_port(addr) && !kernel_port_find(k, addr))
		return -ENOENT;
	return gather(k, &head, how, sizeof(*how), msg, len);
}

/* ---- applying ---- */

/* There was no memory for all together, or something is wrong with one: each
 * for itself. The first error. */
static int one_by_one(struct kernel *k, const uint8_t *recs, size_t len)
{
	const struct bus_rec *rec;
	int r, err = 0;
	size_t at;

	for (at = 0; at < len; at = (at + rec->len + 7) & ~(size_t)7) {
		rec = (const void *)(recs + at);
		r = update(k, rec, rec->len);
		if (r < 0 && !err)
			err = r;
		if (r < 0 && r != -ENOENT)
			log_errno(r, "the kernel refuses record %u of :1.%llu",
				  rec->type, (unsigned long long)rec->addr);
	}
	return err;
}

static void batch_empty(struct kernel *k)
{
	k->batch_len = 0;
	k->n_recs = 0;
	if (k->batch_size > BATCH_KEEP) {
		free(k->batch);
		k->batch = NULL;
		k->batch_size = 0;
	}
}

int kernel_flush(struct kernel *k)
{
	bool many = k->n_recs > 1;
	int r;

	if (!k->batch_len)
		return 0;
	r = update(k, k->batch, k->batch_len);
	if (r < 0 && many) {
		log_errno(r, "the kernel refuses a batch of %u changes; now one by one",
			  k->n_recs);
		r = one_by_one(k, k->batch, k->batch_len);
	}
	batch_empty(k);
	kernel_policies_flush(&k->policies, k->fd);
	return r;
}

void kernel_begin(struct sw *sw)
{
	to_kernel(sw)->depth++;
}

int kernel_commit(struct sw *sw)
{
	struct kernel *k = to_kernel(sw);

	return --k->depth ? 0 : kernel_flush(k);
}

void kernel_batch_clear(struct kernel *k)
{
	struct hnode *n;
	size_t i;

	free(k->batch);
	for (i = 0; i < k->ports.n_slots; i++)
		while ((n = k->ports.slots[i])) {
			hmap_del(&k->ports, n);
			free(container_of(n, struct kernel_port, node));
		}
	for (i = 0; i < k->parked.n_slots; i++)
		while ((n = k->parked.slots[i])) {
			hmap_del(&k->parked, n);
			free(container_of(n, struct kernel_park, node));
		}
	hmap_clear(&k->ports);
	hmap_clear(&k->parked);
}

/* ---- what is left with the bus ---- */

int kernel_note(struct sw *sw, uint64_t addr, uint64_t cookie,
		const void *data, size_t len)
{
	struct kernel *k = to_kernel(sw);
	int r;

	if (!kernel_keeps(k))
		return -EOPNOTSUPP;
	r = kernel_record(k, BUS_REC_NOTE, addr, cookie, data, len);
	return r == -ENOSPC ? -EDQUOT : r;
}

int kernel_keep(struct sw *sw, uint64_t number, int fd)
{
	struct bus_keep keep = { .id = number, .fd = fd < 0 ? -1 : fd };
	struct kernel *k = to_kernel(sw);

	if (!kernel_keeps(k))
		return -EOPNOTSUPP;
	if (!setsockopt(k->fd, SOL_BUS, BUS_KEEP, &keep, sizeof(keep)))
		return 0;
	return errno == ENOSPC ? -EDQUOT : -errno;
}

static struct kernel_park *park_find(const struct kernel *k, uint64_t number)
{
	struct hnode *n;

	hmap_for_hash(n, &k->parked, hash_u64(number)) {
		struct kernel_park *p = container_of(n, struct kernel_park,
						     node);

		if (p->number == number)
			return p;
	}
	return NULL;
}

bool kernel_is_parked(const struct kernel *k, uint64_t number)
{
	struct kernel_park *p = park_find(k, number);

	return p && !p->gone;
}

int kernel_park_add(struct kernel *k, uint64_t number, uint64_t addr)
{
	struct kernel_park *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->number = number;
	p->addr = addr;
	if (hmap_put(&k->parked, &p->node, hash_u64(number))) {
		free(p);
		return -ENOMEM;
	}
	return 0;
}

void kernel_park_del(struct kernel *k, uint64_t number)
{
	struct kernel_park *p = park_find(k, number);

	if (!p)
		return;
	hmap_del(&k->parked, &p->node);
	free(p);
}

int kernel_park(struct sw *sw, uint64_t number, const struct sw_message *m)
{
	struct kernel *k = to_kernel(sw);
	int r;

	/* What is not to outlive us the kernel has not kept. */
	if (!k->persist_ms)
		return -EOPNOTSUPP;
	if (park_find(k, number))
		return k->restoring ? 0 : -EEXIST;
	if (!number || m->sender != k->sender)
		return -EINVAL;
	r = kernel_park_add(k, number, m->sender);
	if (r)
		return r;
	r = kernel_record(k, BUS_REC_PARK, m->sender, number, NULL, 0);
	if (r < 0)
		kernel_park_del(k, number);
	return r;
}

int kernel_unpark(struct sw *sw, uint64_t number)
{
	struct kernel *k = to_kernel(sw);
	struct kernel_park *p = park_find(k, number);
	bool gone;

	if (!p)
		return -ENOENT;
	gone = p->gone;
	kernel_park_del(k, number);
	return gone ? 0 : kernel_record(k, BUS_REC_UNPARK, 0, number, NULL, 0);
}

int kernel_persist(struct sw *sw, uint32_t ms)
{
	struct kernel *k = to_kernel(sw);

	if (!kernel_keeps(k))
		return -EOPNOTSUPP;
	if (setsockopt(k->fd, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)) < 0)
		return -errno;
	k->persist_ms = ms;
	return 0;
}
