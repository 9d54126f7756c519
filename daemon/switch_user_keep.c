// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the daemon leaves with the switch for its successor. Here it is only
 * put aside: it outlives this process by us_op_save() and not otherwise.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- notes ---- */

static uint64_t hash_note(uint64_t addr, uint64_t cookie)
{
	return hash_u64(hash_u64(addr) ^ cookie);
}

static struct unote *note_find(struct us *us, uint64_t addr, uint64_t cookie)
{
	struct hnode *node;

	hmap_for_hash(node, &us->keep.index, hash_note(addr, cookie)) {
		struct unote *n = container_of(node, struct unote, node);

		if (n->addr == addr && n->cookie == cookie)
			return n;
	}
	return NULL;
}

static void note_free(struct us *us, struct unote_list *of, struct unote *n)
{
	TAILQ_REMOVE(of, n, link);
	hmap_del(&us->keep.index, &n->node);
	free(n);
}

static int note_new(struct us *us, struct unote_list *of, uint64_t addr,
		    uint64_t cookie, const void *data, size_t len)
{
	struct unote *n = malloc(sizeof(*n) + len);

	if (!n)
		return -ENOMEM;
	n->addr = addr;
	n->cookie = cookie;
	n->len = len;
	memcpy(n->data, data, len);
	if (hmap_put(&us->keep.index, &n->node, hash_note(addr, cookie)) < 0) {
		free(n);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(of, n, link);
	return 0;
}

int us_op_note(struct sw *sw, uint64_t addr, uint64_t cookie,
	       const void *data, size_t len)
{
	struct us *us = to_us(sw);
	struct uport *p = addr ? us_find(us, addr) : NULL;
	struct unote *old = note_find(us, addr, cookie);
	struct unote_list *of = p ? &p->notes : &us->keep.notes;
	int r = 0;

	if (addr && !p)
		return -ENOENT;
	if (len && old && old->len == len) {
		memcpy(old->data, data, len);
		return 0;
	}
	if (len)
		r = note_new(us, of, addr, cookie, data, len);
	if (!r && old)
		note_free(us, of, old);
	return r;
}

void us_drop_notes(struct us *us, struct uport *p)
{
	struct unote *n;

	while ((n = TAILQ_FIRST(&p->notes)))
		note_free(us, &p->notes, n);
}

/* ---- descriptors ---- */

static struct ukept *kept_find(struct us *us, uint64_t number)
{
	struct ukept *k;

	TAILQ_FOREACH(k, &us->keep.kept, link)
		if (k->number == number)
			return k;
	return NULL;
}

static void kept_free(struct us *us, struct ukept *k)
{
	TAILQ_REMOVE(&us->keep.kept, k, link);
	close(k->fd);
	free(k);
}

int us_op_keep(struct sw *sw, uint64_t number, int fd)
{
	struct us *us = to_us(sw);
	struct ukept *old = kept_find(us, number), *k;

	if (fd >= 0) {
		k = malloc(sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->number = number;
		k->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (k->fd < 0) {
			free(k);
			return -errno;
		}
		TAILQ_INSERT_TAIL(&us->keep.kept, k, link);
	}
	if (old)
		kept_free(us, old);
	return 0;
}

/* ---- messages ---- */

static struct uparked *parked_find(struct us *us, uint64_t number)
{
	struct uparked *p;

	TAILQ_FOREACH(p, &us->keep.parked, link)
		if (p->number == number)
			return p;
	return NULL;
}

int us_op_park(struct sw *sw, uint64_t number, const struct sw_message *m)
{
	struct us *us = to_us(sw);
	struct uparked *p;

	if (parked_find(us, number))
		return -EEXIST;
	p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->number = number;
	p->m = *m;
	TAILQ_INSERT_TAIL(&us->keep.parked, p, link);
	return 0;
}

int us_op_unpark(struct sw *sw, uint64_t number)
{
	struct us *us = to_us(sw);
	struct uparked *p = parked_find(us, number);

	if (!p)
		return -ENOENT;
	TAILQ_REMOVE(&us->keep.parked, p, link);
	free(p);
	return 0;
}

/* Ports are gone, and their notes with them. */
void us_keep_free(struct us *us)
{
	struct uparked *p;
	struct unote *n;
	struct ukept *k;

	while ((p = TAILQ_FIRST(&us->keep.parked)))
		us_op_unpark(&us->sw, p->number);
	while ((n = TAILQ_FIRST(&us->keep.notes)))
		note_free(us, &us->keep.notes, n);
	while ((k = TAILQ_FIRST(&us->keep.kept)))
		kept_free(us, k);
	hmap_clear(&us->keep.index);
	us_past_done(us);
}
