// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a native message, and its delivery: resolve, filter, look for
 * room, commit, wake. deliver.c says why the locks are as they are.
 */
#include "native.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "trace.h"

/* Receivers before more memory is needed than the stack has. */
#define RECIPS_FEW 8

struct recip {
	struct bus_sock *bs;	/* counted from its commit on */
	struct sk_buff *skb;	/* its copy; the first has the message itself */
	unsigned int len;	/* of it may be read; 0: not for it */
};

struct recips {
	struct recip few[RECIPS_FEW];
	struct recip *r;
	unsigned int cap, n;
	unsigned int copies;	/* r[1] to r[copies] have one */
};

/* ---- resolving; below bus->lock ---- */

static struct bus_sock *live(struct bus_sock *bs)
{
	return bs && !test_bit(BUS_PF_ENDED, &bs->port.flags) ? bs : NULL;
}

/* Where what the sender sends to the master, or to nobody, goes: its own end
 * there; the master's messages of that kind come back to it. */
static struct bus_sock *master_side(struct bus_sock *from)
{
	if (from->role == BUS_ROLE_END)
		return from;
	/* It is there as long as the sender's own file is. */
	return READ_ONCE(from->other);
}

static struct bus_sock *resolve(struct native_out *o)
{
	struct bus_sock *from = o->bs, *t;
	struct bus *bus = from->bus;

	if (o->to == BUS_MASTER_ADDR || o->stray)
		return master_side(from);
	t = live(native_addr_find(to_native_bus(bus), o->to));
	if (t && t->joined)
		return t;
	/* What the master sends to its client needs no joining. */
	if (t && from->role == BUS_ROLE_END && t == READ_ONCE(from->other))
		return t;
	return bus_is_open(bus) ? NULL : master_side(from);
}

/* Below bus->lock: after its end was told, nothing of it is delivered. */
static bool sender_gone(const struct native_out *o)
{
	return test_bit(BUS_PF_ENDED, &o->bs->port.flags);
}

static void cut(struct sk_buff *skb, unsigned int len)
{
	BUSCB(skb)->len = min(len, skb->len);
}

static void stamp(struct native_out *o)
{
	struct bus *bus = o->bs->bus;
	struct bus_body *b = bus_body(o->skb);

	b->to = o->to;
	b->seq = atomic64_inc_return(&bus->seq);
}

static void count_sent(struct native_out *o)
{
	struct bus_port *p = &o->bs->port;

	atomic64_inc(&p->sent_msgs);
	atomic64_add(o->skb->len, &p->sent_bytes);
}

/* ---- unicast ---- */

/* Below t's port.lock: two senders do not see the same room, and the order on
 * the queue is that of the numbers. */
static int commit_one(struct native_out *o, struct bus_sock *t)
{
	unsigned int len;
	int err;

	/* Who does not want it needs no room. */
	len = native_filter(t, o->skb);
	err = len ? bus_room(&t->port, o->w, &o->cost) : 0;
	if (err)
		return err;
	stamp(o);
	count_sent(o);
	if (!len)
		return 0;
	cut(o->skb, len);
	native_push(t, o->skb);
	o->skb = NULL;
	return 0;
}

/* -EXDEV: somebody taps, so this is a multicast. */
static int try_unicast(struct native_out *o, struct bus_sock **ret)
{
	struct native_bus *nb = to_native_bus(o->bs->bus);
	struct bus_sock *t;
	int err = -EHOSTUNREACH;

	*ret = NULL;
	read_lock(&nb->bus.lock);
	if (nb->n_taps) {
		read_unlock(&nb->bus.lock);
		return -EXDEV;
	}
	t = resolve(o);
	if (sender_gone(o)) {
		err = -EPIPE;
		t = NULL;
	} else if (t) {
		bus_port_get(&t->port);
		spin_lock(&t->port.lock);
		err = commit_one(o, t);
		spin_unlock(&t->port.lock);
	}
	read_unlock(&nb->bus.lock);
	*ret = t;
	return err;
}

static void count_unicast(struct native_out *o, struct bus_sock *t,
			  size_t len)
{
	struct bus *bus = o->bs->bus;

	if (o->bs->role == BUS_ROLE_END) {
		atomic64_inc(&bus->from_master);
	} else if (t->role != BUS_ROLE_END) {
		atomic64_inc(&bus->unicast_msgs);
		atomic64_add(len, &bus->unicast_bytes);
	} else if (o->to == BUS_MASTER_ADDR) {
		atomic64_inc(&bus->master_driver);
	} else {
		atomic64_inc(&bus->master_unknown);
	}
}

static int unicast(struct native_out *o)
{
	size_t len = o->skb->len;
	struct bus_sock *t;
	int err;

	err = try_unicast(o, &t);
	if (err == -EAGAIN) {
		o->full = &t->port;
		return err;
	}
	if (!err) {
		count_unicast(o, t, len);
		t->port.ops->wake(&t->port);
	}
	if (t)
		bus_port_put(&t->port);
	return err;
}

/* ---- multicast ---- */

static void recips_init(struct recips *rs)
{
	memset(rs->few, 0, sizeof(rs->few));
	rs->r = rs->few;
	rs->cap = RECIPS_FEW;
	rs->n = 0;
	rs->copies = 0;
}

static void recips_free(struct recips *rs)
{
	unsigned int i;

	for (i = 1; i <= rs->copies; i++)
		kfree_skb(rs->r[i].skb);
	if (rs->r != rs->few)
		kvfree(rs->r);
}

/* Room for @n, and a copy of the message for all but the first. */
static int recips_grow(struct recips *rs, unsigned int n, struct sk_buff *skb)
{
	struct recip *r;

	if (n > rs->cap) {
		r = kvcalloc(n, sizeof(*r), GFP_KERNEL_ACCOUNT);
		if (!r)
			return -ENOMEM;
		memcpy(r, rs->r, rs->cap * sizeof(*r));
		if (rs->r != rs->few)
			kvfree(rs->r);
		rs->r = r;
		rs->cap = n;
	}
	if (n <= rs->copies + 1)
		return 0;
	if (native_charge_copies(skb, n - 1 - rs->copies))
		return -ENOBUFS;
	for (; rs->copies + 1 < n; rs->copies++) {
		rs->r[rs->copies + 1].skb = native_skb_clone(skb);
		if (!rs->r[rs->copies + 1].skb)
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* Below bus->lock, exclusive: one copy each, whoever asks twice. */
static void add(struct native_bus *nb, struct recips *rs, struct bus_sock *bs)
{
	if (!bs || bs->mark == nb->mark)
		return;
	bs->mark = nb->mark;
	if (rs->n < rs->cap)
		rs->r[rs->n].bs = bs;
	rs->n++;
}

static void add_group(struct native_bus *nb, struct recips *rs, u64 to)
{
	struct bus_member *m;
	struct bus_sock *bs;
	struct bus_group *g;

	if (!(to & BUS_PREFIX_MASK)) {
		list_for_each_entry(bs, &nb->joined, joined_link)
			add(nb, rs, bs);
		return;
	}
	g = native_group_find(nb, to);
	if (!g)
		return;
	list_for_each_entry(m, &g->members, link)
		if (m->bs->joined)
			add(nb, rs, m->bs);
}

/* Everybody who is to have it; with no room for all, only their number. */
static int collect(struct native_out *o, struct recips *rs)
{
	struct native_bus *nb = to_native_bus(o->bs->bus);
	struct bus_sock *bs;

	if (sender_gone(o))
		return -EPIPE;
	nb->mark++;
	rs->n = 0;
	if (native_is_group(o->to)) {
		add_group(nb, rs, o->to);
	} else {
		bs = resolve(o);
		if (!bs)
			return -EHOSTUNREACH;
		if (test_bit(BUS_PF_ENDED, &bs->port.flags))
			return -EPIPE;
		add(nb, rs, bs);
	}
	list_for_each_entry(bs, &nb->taps, tap_link)
		add(nb, rs, bs);
	return rs->n > rs->copies + 1 ? -ENOSPC : 0;
}

/* The first that is full, and is to have it. Who reads no more gets none. */
static int look_for_room(struct native_out *o, struct recips *rs)
{
	struct recip *r;
	int err;

	for (r = rs->r; r < rs->r + rs->n; r++) {
		r->len = native_filter(r->bs, o->skb);
		if (!r->len)
			continue;
		err = bus_room(&r->bs->port, o->w, &o->cost);
		if (err == -EPIPE) {
			r->len = 0;
		} else if (err) {
			bus_port_get(&r->bs->port);
			o->full = &r->bs->port;
			return err;
		}
	}
	return 0;
}

static void commit_all(struct native_out *o, struct recips *rs)
{
	struct sk_buff *skb;
	unsigned int i;

	stamp(o);
	count_sent(o);
	for (i = 0; i < rs->n; i++) {
		struct recip *r = &rs->r[i];

		bus_port_get(&r->bs->port);
		if (!r->len)
			continue;
		skb = i ? r->skb : o->skb;
		r->skb = NULL;
		if (!i)
			o->skb = NULL;
		cut(skb, r->len);
		spin_lock(&r->bs->port.lock);
		native_push(r->bs, skb);
		spin_unlock(&r->bs->port.lock);
	}
}

static unsigned int wake_all(struct recips *rs)
{
	unsigned int i, n = 0;

	for (i = 0; i < rs->n; i++) {
		struct bus_port *p = &rs->r[i].bs->port;

		if (rs->r[i].len) {
			p->ops->wake(p);
			n++;
		}
		bus_port_put(p);
	}
	return n;
}

static int try_multicast(struct native_out *o, struct recips *rs)
{
	struct bus *bus = o->bs->bus;
	int err;

	write_lock(&bus->lock);
	err = collect(o, rs);
	if (!err)
		err = look_for_room(o, rs);
	if (!err)
		commit_all(o, rs);
	write_unlock(&bus->lock);
	return err;
}

/* How many it will be, or a few more. */
static unsigned int estimate(const struct native_out *o)
{
	struct native_bus *nb = to_native_bus(o->bs->bus);
	unsigned int n = 1;
	struct bus_group *g;

	read_lock(&nb->bus.lock);
	if (native_is_group(o->to)) {
		g = native_group_find(nb, o->to);
		n = !(o->to & BUS_PREFIX_MASK) ? nb->n_joined : g ? g->n : 0;
	}
	n += nb->n_taps;
	read_unlock(&nb->bus.lock);
	return n;
}

static int multicast(struct native_out *o)
{
	struct bus *bus = o->bs->bus;
	unsigned int n = estimate(o);
	struct recips rs;
	int err;

	recips_init(&rs);
	do {
		err = recips_grow(&rs, n, o->skb);
		if (!err)
			err = try_multicast(o, &rs);
		/* More may come while we allocate. */
		n = rs.n + rs.n / 8;
	} while (err == -ENOSPC);
	if (!err) {
		atomic64_inc(&bus->broadcast_msgs);
		atomic64_add(wake_all(&rs), &bus->broadcast_copies);
	}
	recips_free(&rs);
	return err;
}

/* ---- */

static int deliver(struct native_out *o)
{
	int err;

	if (native_is_group(o->to))
		return multicast(o);
	err = unicast(o);
	return err == -EXDEV ? multicast(o) : err;
}

/*
 * 0; -EAGAIN: o->full has no room. A receiver that went, or reads no more, is
 * one that is not there.
 */
int native_deliver(struct native_out *o)
{
	int err = deliver(o);

	if (err != -EPIPE || o->to == BUS_MASTER_ADDR || o->stray ||
	    bus_is_open(o->bs->bus))
		return err;
	o->stray = true;
	return deliver(o);
}
