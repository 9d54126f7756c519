// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which address, who joined, who taps. All tables are below
 * bus->lock; memory is had before it is taken, and freed after.
 */
#include "native.h"

#include <linux/slab.h>

struct bus_sock *native_addr_find(struct native_bus *nb, u64 addr)
{
	struct bus_address *a;
	struct bus_port *p;

	if (!(addr & BUS_PREFIX_MASK)) {
		p = bus_port_find(&nb->bus, addr);
		return p ? port_sk(p) : NULL;
	}
	hash_for_each_possible(nb->addrs, a, hash, addr)
		if (a->addr == addr)
			return a->bs;
	return NULL;
}

struct bus_group *native_group_find(struct native_bus *nb, u64 addr)
{
	u64 prefix = addr & BUS_PREFIX_MASK;
	struct bus_group *g;

	hash_for_each_possible(nb->groups, g, hash, prefix)
		if (g->prefix == prefix)
			return g;
	return NULL;
}

static struct bus_member *member_find(struct bus_sock *bs, u64 prefix)
{
	struct bus_member *m;

	list_for_each_entry(m, &bs->groups, mine)
		if (m->group->prefix == prefix)
			return m;
	return NULL;
}

/* What a new address may need; what is left of it is freed. */
struct fresh {
	struct bus_address *a;
	struct bus_member *m;
	struct bus_group *g;
};

static void fresh_free(struct fresh *f)
{
	kfree(f->a);
	kfree(f->m);
	kfree(f->g);
}

static int fresh_alloc(struct fresh *f)
{
	f->a = kzalloc(sizeof(*f->a), GFP_KERNEL_ACCOUNT);
	f->m = kzalloc(sizeof(*f->m), GFP_KERNEL_ACCOUNT);
	f->g = kzalloc(sizeof(*f->g), GFP_KERNEL_ACCOUNT);
	if (f->a && f->m && f->g)
		return 0;
	fresh_free(f);
	return -ENOMEM;
}

static struct bus_group *group_make(struct native_bus *nb, u64 prefix,
				    struct fresh *f)
{
	struct bus_group *g = f->g;

	f->g = NULL;
	g->prefix = prefix;
	INIT_LIST_HEAD(&g->members);
	hash_add(nb->groups, &g->hash, prefix);
	return g;
}

static void member_make(struct native_bus *nb, struct bus_sock *bs,
			u64 prefix, struct fresh *f)
{
	struct bus_group *g = native_group_find(nb, prefix);
	struct bus_member *m = f->m;

	f->m = NULL;
	m->group = g ?: group_make(nb, prefix, f);
	m->bs = bs;
	m->addrs = 1;
	m->group->n++;
	list_add_tail(&m->link, &m->group->members);
	list_add_tail(&m->mine, &bs->groups);
}

/* Below bus->lock, exclusive. */
static int addr_add(struct native_bus *nb, struct bus_sock *bs, u64 addr,
		    struct fresh *f)
{
	struct bus_member *m;

	if (test_bit(BUS_PF_ENDED, &bs->port.flags))
		return -ENOTCONN;
	if (native_addr_find(nb, addr))
		return -EADDRINUSE;
	if (bs->n_addrs == BUS_MAX_ADDRS)
		return -E2BIG;
	f->a->bs = bs;
	f->a->addr = addr;
	hash_add(nb->addrs, &f->a->hash, addr);
	list_add_tail(&f->a->mine, &bs->addrs);
	f->a = NULL;
	bs->n_addrs++;
	m = member_find(bs, addr & BUS_PREFIX_MASK);
	if (m)
		m->addrs++;
	else
		member_make(nb, bs, addr & BUS_PREFIX_MASK, f);
	nb->bus.gen++;
	return 0;
}

int native_addr_add(struct bus_sock *bs, u64 addr)
{
	struct native_bus *nb = to_native_bus(bs->bus);
	struct fresh f;
	int err;

	if (!(addr & BUS_PREFIX_MASK) || native_is_group(addr))
		return -EINVAL;
	err = fresh_alloc(&f);
	if (err)
		return err;
	write_lock(&nb->bus.lock);
	err = addr_add(nb, bs, addr, &f);
	write_unlock(&nb->bus.lock);
	fresh_free(&f);
	return err;
}

/* Cut loose, below bus->lock; the caller frees it. */
static void member_cut(struct bus_member *m, struct fresh *f)
{
	list_del(&m->link);
	list_del(&m->mine);
	f->m = m;
	if (!--m->group->n) {
		hash_del(&m->group->hash);
		f->g = m->group;
	}
}

static int addr_del(struct native_bus *nb, struct bus_sock *bs, u64 addr,
		    struct fresh *f)
{
	struct bus_member *m;
	struct bus_address *a;

	if (test_bit(BUS_PF_ENDED, &bs->port.flags))
		return -ENOTCONN;	/* they are being freed */
	list_for_each_entry(a, &bs->addrs, mine) {
		if (a->addr != addr)
			continue;
		hash_del(&a->hash);
		list_del(&a->mine);
		f->a = a;
		bs->n_addrs--;
		m = member_find(bs, addr & BUS_PREFIX_MASK);
		if (!--m->addrs)
			member_cut(m, f);
		nb->bus.gen++;
		return 0;
	}
	return -EADDRNOTAVAIL;
}

int native_addr_del(struct bus_sock *bs, u64 addr)
{
	struct native_bus *nb = to_native_bus(bs->bus);
	struct fresh f = { };
	int err;

	write_lock(&nb->bus.lock);
	err = addr_del(nb, bs, addr, &f);
	write_unlock(&nb->bus.lock);
	fresh_free(&f);
	return err;
}

int native_addr_list(struct bus_sock *bs, u64 *addrs, unsigned int n)
{
	struct bus *bus = bs->bus;
	struct bus_address *a;
	unsigned int i = 0;
	bool over;

	read_lock(&bus->lock);
	over = test_bit(BUS_PF_ENDED, &bs->port.flags);
	if (!over)
		list_for_each_entry(a, &bs->addrs, mine) {
			if (i == n)
				break;
			addrs[i++] = a->addr;
		}
	read_unlock(&bus->lock);
	return over ? -ENOTCONN : (int)i;
}

int native_join(struct bus_sock *bs)
{
	struct native_bus *nb = to_native_bus(bs->bus);
	int err = 0;

	write_lock(&nb->bus.lock);
	if (test_bit(BUS_PF_ENDED, &bs->port.flags)) {
		err = -ENOTCONN;
	} else if (bs->joined) {
		err = -EISCONN;
	} else {
		bs->joined = true;
		set_bit(BUS_PF_ACTIVE, &bs->port.flags);
		list_add_tail(&bs->joined_link, &nb->joined);
		nb->n_joined++;
		nb->bus.gen++;
	}
	write_unlock(&nb->bus.lock);
	return err;
}

int native_tap(struct bus_sock *bs, bool on)
{
	struct native_bus *nb = to_native_bus(bs->bus);
	int err = 0;

	write_lock(&nb->bus.lock);
	if (test_bit(BUS_PF_ENDED, &bs->port.flags)) {
		err = -ENOTCONN;
	} else if (on && list_empty(&bs->tap_link)) {
		list_add_tail(&bs->tap_link, &nb->taps);
		WRITE_ONCE(nb->n_taps, nb->n_taps + 1);
	} else if (!on && !list_empty(&bs->tap_link)) {
		list_del_init(&bs->tap_link);
		WRITE_ONCE(nb->n_taps, nb->n_taps - 1);
	}
	write_unlock(&nb->bus.lock);
	return err;
}

int native_standing(struct bus_sock *bs, bool *joined, bool *taps)
{
	bool ended;

	read_lock(&bs->bus->lock);
	ended = test_bit(BUS_PF_ENDED, &bs->port.flags);
	*joined = bs->joined;
	*taps = !list_empty(&bs->tap_link);
	read_unlock(&bs->bus->lock);
	return ended ? -ENOTCONN : 0;
}

/* Nothing leads to the member any more; its addresses stay linked to it, for
 * native_forget() to free. */
void native_leave(struct bus_sock *bs)
{
	struct native_bus *nb = to_native_bus(bs->bus);
	struct bus_address *a;
	struct bus_member *m;

	list_for_each_entry(a, &bs->addrs, mine)
		hash_del(&a->hash);
	list_for_each_entry(m, &bs->groups, mine) {
		list_del(&m->link);
		if (!--m->group->n)
			hash_del(&m->group->hash);
		else
			m->group = NULL;	/* others still need it */
	}
	if (bs->joined) {
		bs->joined = false;
		list_del_init(&bs->joined_link);
		nb->n_joined--;
	}
	if (!list_empty(&bs->tap_link)) {
		list_del_init(&bs->tap_link);
		WRITE_ONCE(nb->n_taps, nb->n_taps - 1);
	}
}

void native_forget(struct bus_sock *bs)
{
	struct bus_member *m, *m2;
	struct bus_address *a, *a2;

	list_for_each_entry_safe(a, a2, &bs->addrs, mine)
		kfree(a);
	list_for_each_entry_safe(m, m2, &bs->groups, mine) {
		kfree(m->group);
		kfree(m);
	}
	INIT_LIST_HEAD(&bs->addrs);
	INIT_LIST_HEAD(&bs->groups);
}
