// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the master leaves with the bus for whoever comes after him: notes, which
 * nobody here looks at, and messages that he holds on to (persist.c). Both are
 * part of a batch. All is below bus.lock, exclusive, where nothing else is said.
 */
#include "dbus_batch.h"

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

/* Of a bus: bytes, with what each note costs besides. */
#define NOTES_MAX (64ULL << 20)

struct dbus_note {
	struct hlist_node hash;		/* dbus_bus.notes */
	struct list_head link;		/* of its port, or of the bus */
	u64 addr, cookie;
	u32 len;
	u8 data[];
};

static u64 cost(const struct dbus_note *n)
{
	return struct_size(n, data, n->len);
}

static u32 key(u64 addr, u64 cookie)
{
	return hash_64(addr * 31 + cookie, 32);
}

static struct dbus_note *find(struct dbus_bus *db, u64 addr, u64 cookie)
{
	struct dbus_note *n;

	hash_for_each_possible(db->notes, n, hash, key(addr, cookie))
		if (n->addr == addr && n->cookie == cookie)
			return n;
	return NULL;
}

/* Without locks. */
int dbus_note_prepare(struct dbus_change *c)
{
	u32 len = c->rec->len - sizeof(*c->rec);
	struct dbus_note *n;

	if (len > BUS_NOTE_MAX)
		return -EINVAL;
	if (!len)
		return 0;
	n = kvmalloc(struct_size(n, data, len), GFP_KERNEL_ACCOUNT);
	if (!n)
		return -ENOMEM;
	INIT_HLIST_NODE(&n->hash);
	INIT_LIST_HEAD(&n->link);
	n->addr = c->rec->addr;
	n->cookie = c->rec->cookie;
	n->len = len;
	memcpy(n->data, c->rec->data, len);
	c->note = n;
	return 0;
}

/* What others of the batch replace or take away is not seen yet. */
int dbus_note_check(struct dbus_bus *db, struct dbus_change *c)
{
	if (c->note)
		db->notes_to_come += cost(c->note);
	return db->notes_bytes + db->notes_to_come > NOTES_MAX ? -ENOSPC : 0;
}

static void unlink(struct dbus_bus *db, struct dbus_note *n,
		   struct list_head *dead)
{
	hash_del(&n->hash);
	list_move(&n->link, dead);
	db->notes_bytes -= cost(n);
	db->n_notes--;
}

void dbus_note_apply(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = c->port ? to_dbus_port(c->port) : NULL;
	struct dbus_note *old = find(db, c->rec->addr, c->rec->cookie);
	struct dbus_note *n = c->note;

	if (old)
		unlink(db, old, &c->dead_notes);
	/* The master has let go of the port before, in this batch. */
	if (!n || (p && p->let_go))
		return;
	c->note = NULL;
	hash_add(db->notes, &n->hash, key(n->addr, n->cookie));
	list_add_tail(&n->link, p ? &p->notes : &db->bus_notes);
	db->notes_bytes += cost(n);
	db->n_notes++;
}

void dbus_notes_take(struct dbus_bus *db, struct dbus_port *p,
		     struct list_head *dead)
{
	struct dbus_note *n, *next;

	list_for_each_entry_safe(n, next, &p->notes, link)
		unlink(db, n, dead);
}

/* Without locks. */
void dbus_notes_free(struct list_head *dead)
{
	struct dbus_note *n, *next;

	list_for_each_entry_safe(n, next, dead, link) {
		list_del(&n->link);
		kvfree(n);
	}
}

void dbus_notes_drop(struct dbus_bus *db)
{
	struct dbus_note *n;
	struct hlist_node *next;
	LIST_HEAD(dead);
	unsigned int i;

	write_lock(&db->bus.lock);
	hash_for_each_safe(db->notes, i, next, n, hash)
		unlink(db, n, &dead);
	write_unlock(&db->bus.lock);
	dbus_notes_free(&dead);
}

static bool notes_dump(struct dbus_dump *d, const struct list_head *notes)
{
	struct dbus_note *n;

	list_for_each_entry(n, notes, link)
		if (!dbus_dump_put(d, BUS_REC_NOTE, n->addr, n->cookie,
				   n->data, n->len))
			return false;
	return true;
}

bool dbus_notes_dump(struct dbus_dump *d, struct dbus_bus *db,
		     const struct dbus_port *p)
{
	return notes_dump(d, p ? &p->notes : &db->bus_notes);
}

/* ---- parked messages ---- */

/* Without locks. */
int dbus_park_prepare(struct dbus_change *c)
{
	if (c->rec->len != sizeof(*c->rec) || !c->rec->cookie)
		return -EINVAL;
	c->park = bus_park_new(c->rec->cookie);
	return c->park ? 0 : -ENOMEM;
}

int dbus_park_check(struct dbus_bus *db, struct dbus_change *c)
{
	return bus_park_check(c->port, c->rec->cookie);
}

void dbus_park_apply(struct dbus_bus *db, struct dbus_change *c)
{
	if (bus_park(c->port, c->park))
		c->park = NULL;
}

int dbus_unpark_check(struct dbus_bus *db, struct dbus_change *c)
{
	return bus_park_find(&db->bus, c->rec->cookie) ? 0 : -ENOENT;
}

/* What the batch did before may have taken it. */
void dbus_unpark_apply(struct dbus_bus *db, struct dbus_change *c)
{
	c->park = bus_unpark(&db->bus, c->rec->cookie);
}
