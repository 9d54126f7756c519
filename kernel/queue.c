// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of a native port: a band for each priority, and the accounts of
 * who has how much in it.
 */
#include "native.h"

#include "core/quota.h"
#include "trace.h"

void native_queue_init(struct bus_sock *bs)
{
	int i;

	for (i = 0; i < NATIVE_BANDS; i++)
		__skb_queue_head_init(&bs->band[i].q);
}

bool native_full(const struct bus_sock *bs)
{
	return READ_ONCE(bs->n_msgs) > bs->maxqlen;
}

/* ---- room ---- */

struct fill {
	u64 msgs, bytes;
};

/* What is in the way of a message of priority @prio: its own and higher. */
static struct fill fill_from(const struct bus_sock *bs, unsigned int prio)
{
	struct fill f = { };

	for (; prio < NATIVE_BANDS; prio++) {
		f.msgs += skb_queue_len_lockless(&bs->band[prio].q);
		f.bytes += READ_ONCE(bs->band[prio].bytes);
	}
	return f;
}

static u64 byte_limit(const struct bus_sock *bs)
{
	u64 limit = READ_ONCE(bs->bus->limits.queue_bytes);

	if (bs->sk.sk_userlocks & SOCK_RCVBUF_LOCK)
		limit = min_t(u64, limit, READ_ONCE(bs->sk.sk_rcvbuf));
	return limit;
}

static bool fds_in_share(const struct bus_sock *bs, const struct native_share *s,
			 unsigned int add)
{
	u64 fds = READ_ONCE(bs->n_fds);

	return quota_share_ok(min_t(u64, atomic_read(&s->fds), fds), fds, add,
			      READ_ONCE(bs->bus->limits.queue_fds));
}

/* The receiver's own user shares with nobody: it is its own queue. */
static bool in_share(const struct bus_sock *bs, const struct bus_user *user,
		     const struct bus_cost *c, const struct fill *f)
{
	const struct native_share *s = &bs->share[user->share];

	if (user == bs->port.user)
		return true;
	return quota_share_ok(min_t(u64, atomic_read(&s->msgs), f->msgs),
			      f->msgs, 1, (u64)bs->maxqlen + 1) &&
	       quota_share_ok(min_t(u64, atomic64_read(&s->bytes), f->bytes),
			      f->bytes, c->bytes, byte_limit(bs)) &&
	       (!c->fds || fds_in_share(bs, s, c->fds));
}

int native_room(struct bus_port *p, const struct bus_user *user,
		const struct bus_cost *c)
{
	struct bus_sock *bs = port_sk(p);
	struct fill f = fill_from(bs, c->prio);
	unsigned int fds = READ_ONCE(bs->n_fds);

	if (READ_ONCE(bs->sk.sk_shutdown) & RCV_SHUTDOWN)
		return -EPIPE;
	if (f.msgs > bs->maxqlen)
		return -EAGAIN;
	/* As with their number, full is who has that much already: a long
	 * message would never find its gap between short ones. */
	if (f.bytes >= byte_limit(bs))
		return -EAGAIN;
	if (c->fds && fds &&
	    fds + c->fds > READ_ONCE(bs->bus->limits.queue_fds))
		return -EAGAIN;
	return !user || in_share(bs, user, c, &f) ? 0 : -EAGAIN;
}

/* ---- in and out; below port.lock ---- */

static void account(struct bus_sock *bs, const struct sk_buff *skb, int sign)
{
	const struct bus_skb_cb *cb = BUSCB(skb);
	struct native_share *s = &bs->share[cb->share];
	struct bus_band *b = &bs->band[cb->prio];
	s64 bytes = sign * (s64)skb->truesize;

	WRITE_ONCE(b->bytes, b->bytes + bytes);
	WRITE_ONCE(bs->n_msgs, bs->n_msgs + sign);
	atomic_add(sign, &s->msgs);
	atomic64_add(bytes, &s->bytes);
	if (cb->files) {
		int fds = sign * (int)cb->files->count;

		WRITE_ONCE(bs->n_fds, bs->n_fds + fds);
		atomic_add(fds, &s->fds);
		if (cb->files->holders)
			WRITE_ONCE(bs->n_holders, bs->n_holders + sign);
	}
}

/* One for all receivers, had when the first of them wants it. */
static void timestamp(struct sk_buff *skb)
{
	struct bus_body *b = bus_body(skb);

	if (!b->tstamp)
		b->tstamp = ktime_get_real();
	skb->tstamp = b->tstamp;
}

void native_push(struct bus_sock *bs, struct sk_buff *skb)
{
	struct bus_skb_cb *cb = BUSCB(skb);

	lockdep_assert_held(&bs->port.lock);
	cb->since = jiffies;
	if (sock_flag(&bs->sk, SOCK_RCVTSTAMP))
		timestamp(skb);
	__skb_queue_tail(&bs->band[cb->prio].q, skb);
	account(bs, skb, 1);
	atomic64_inc(&bs->port.received_msgs);
	atomic64_add(cb->len, &bs->port.received_bytes);
	if (bus_files_hold(cb->files))
		bus_stall_arm(&bs->port);
	trace_bus_commit(bs->bus, bs->port.addr, bus_body(skb)->seq, cb->len);
}

static struct sk_buff *band_first(const struct bus_sock *bs, int i)
{
	return skb_peek(&bs->band[i].q);
}

/* The oldest message that waits below band @top. */
static struct sk_buff *oldest_below(const struct bus_sock *bs, int top)
{
	struct sk_buff *skb, *oldest = NULL;
	int i;

	for (i = 0; i < top; i++) {
		skb = band_first(bs, i);
		if (skb && (!oldest ||
			    bus_body(skb)->seq < bus_body(oldest)->seq))
			oldest = skb;
	}
	return oldest;
}

/*
 * The highest band's first; but who is passed by BUS_PRIO_BURST times is not
 * once more, so that a low priority means delay, and not for ever.
 */
static struct sk_buff *choose(const struct bus_sock *bs, bool *passing)
{
	struct sk_buff *skb = NULL, *low;
	int i;

	*passing = false;
	for (i = NATIVE_BANDS - 1; i >= 0 && !skb; i--)
		skb = band_first(bs, i);
	if (!skb || skb_queue_len(&bs->band[i + 1].q) == bs->n_msgs)
		return skb;
	low = oldest_below(bs, i + 1);
	if (!low)
		return skb;
	if (bs->burst >= BUS_PRIO_BURST)
		return low;
	*passing = true;
	return skb;
}

static struct sk_buff *take(struct bus_sock *bs, bool peek)
{
	struct sk_buff *skb;
	bool passing;

	skb = choose(bs, &passing);
	if (!skb)
		return NULL;
	if (peek)
		return skb_get(skb);
	bs->burst = passing ? bs->burst + 1 : 0;
	__skb_unlink(skb, &bs->band[BUSCB(skb)->prio].q);
	account(bs, skb, -1);
	return skb;
}

struct sk_buff *native_pull(struct bus_sock *bs, bool peek,
			    struct bus_files **files)
{
	struct sock *sk = &bs->sk;
	struct sk_buff *skb;
	bool was_full;

	spin_lock(&bs->port.lock);
	was_full = native_full(bs);
	skb = take(bs, peek);
	/* Counted: the queue may lose them while the caller looks. */
	*files = skb ? bus_files_get(BUSCB(skb)->files) : NULL;
	spin_unlock(&bs->port.lock);
	if (!skb || peek)
		return skb;
	bus_room_made(&bs->port);
	/* A client may send again. */
	if (was_full && !native_full(bs))
		sk->sk_write_space(sk);
	return skb;
}

void native_unpull(struct bus_sock *bs, struct sk_buff *skb)
{
	spin_lock(&bs->port.lock);
	__skb_queue_head(&bs->band[BUSCB(skb)->prio].q, skb);
	account(bs, skb, 1);
	spin_unlock(&bs->port.lock);
	/* It may have rung meanwhile, and have seen no files. */
	if (READ_ONCE(bs->n_holders))
		bus_stall_arm(&bs->port);
}

void native_purge(struct bus_sock *bs)
{
	struct sk_buff_head gone;
	int i;

	__skb_queue_head_init(&gone);
	spin_lock(&bs->port.lock);
	for (i = 0; i < NATIVE_BANDS; i++) {
		skb_queue_splice_tail_init(&bs->band[i].q, &gone);
		WRITE_ONCE(bs->band[i].bytes, 0);
	}
	for (i = 0; i < BUS_SHARES; i++) {
		atomic_set(&bs->share[i].msgs, 0);
		atomic_set(&bs->share[i].fds, 0);
		atomic64_set(&bs->share[i].bytes, 0);
	}
	WRITE_ONCE(bs->n_msgs, 0);
	WRITE_ONCE(bs->n_fds, 0);
	WRITE_ONCE(bs->n_holders, 0);
	spin_unlock(&bs->port.lock);
	__skb_queue_purge(&gone);
	bus_room_made(&bs->port);
}

size_t native_next_len(struct bus_sock *bs)
{
	struct sk_buff *skb;
	size_t len = 0;
	bool passing;

	spin_lock(&bs->port.lock);
	skb = choose(bs, &passing);
	if (skb)
		len = BUSCB(skb)->len;
	spin_unlock(&bs->port.lock);
	return len;
}

/* ---- files that may hold others ---- */

static struct sk_buff *first_holder(const struct bus_sock *bs, int band)
{
	struct sk_buff *skb;

	skb_queue_walk(&bs->band[band].q, skb)
		if (bus_files_hold(BUSCB(skb)->files))
			return skb;
	return NULL;
}

bool native_files_since(struct bus_port *p, unsigned long *since)
{
	struct bus_sock *bs = port_sk(p);
	struct sk_buff *skb;
	bool any = false;
	int i;

	if (!READ_ONCE(bs->n_holders))
		return false;
	spin_lock(&bs->port.lock);
	for (i = 0; i < NATIVE_BANDS; i++) {
		skb = first_holder(bs, i);
		if (!skb || (any && !time_before(BUSCB(skb)->since, *since)))
			continue;
		*since = BUSCB(skb)->since;
		any = true;
	}
	spin_unlock(&bs->port.lock);
	return any;
}

/* Out of the messages that wait: whoever reads them yet sees MSG_CTRUNC. */
static struct bus_files *lose_files(struct bus_sock *bs)
{
	struct bus_files *f = NULL;
	struct bus_skb_cb *cb;
	struct sk_buff *skb;
	int i;

	spin_lock(&bs->port.lock);
	for (i = 0; i < NATIVE_BANDS && !f; i++) {
		skb = first_holder(bs, i);
		if (!skb)
			continue;
		account(bs, skb, -1);
		cb = BUSCB(skb);
		f = cb->files;
		cb->files = NULL;
		cb->files_lost = true;
		account(bs, skb, 1);
	}
	spin_unlock(&bs->port.lock);
	return f;
}

void native_drop_files(struct bus_sock *bs)
{
	struct bus_files *f;

	while ((f = lose_files(bs)))
		bus_files_put(f);
}

/* ---- those who keep a sender's messages ---- */

#define KEEP_BATCH 64

/* Below port.lock. */
static unsigned int keep_some(struct bus_sock *bs, struct sk_buff **batch)
{
	unsigned int n = 0;
	struct sk_buff *skb;
	int i;

	for (i = 0; i < NATIVE_BANDS; i++)
		skb_queue_walk(&bs->band[i].q, skb) {
			if (BUSCB(skb)->keeper)
				continue;
			if (n == KEEP_BATCH)
				return n;
			native_keep(skb, &bs->port);
			batch[n++] = skb_get(skb);
		}
	return n;
}

void native_disown(struct bus_sock *bs)
{
	struct sk_buff *batch[KEEP_BATCH];
	unsigned int n, i;

	do {
		spin_lock(&bs->port.lock);
		n = keep_some(bs, batch);
		spin_unlock(&bs->port.lock);
		for (i = 0; i < n; i++) {
			native_keep_done(batch[i]);
			kfree_skb(batch[i]);
		}
	} while (n == KEEP_BATCH);
}

static bool keeps_from(struct bus_sock *bs, const struct bus_port *sender,
		       unsigned long before)
{
	struct sk_buff *skb;
	int i;

	for (i = 0; i < NATIVE_BANDS; i++)
		skb_queue_walk(&bs->band[i].q, skb)
			if (bus_body(skb)->port == sender &&
			    time_before_eq(BUSCB(skb)->since, before))
				return true;
	return false;
}

struct bus_port *native_keeper(struct bus_port *sender, unsigned long before)
{
	struct bus *bus = sender->bus;
	struct bus_port *p;
	bool keeps;

	read_lock(&bus->lock);
	list_for_each_entry(p, &bus->port_list, link) {
		if (p == sender || test_bit(BUS_PF_ENDED, &p->flags))
			continue;
		spin_lock(&p->lock);
		keeps = keeps_from(port_sk(p), sender, before);
		spin_unlock(&p->lock);
		if (keeps) {
			bus_port_get(p);
			read_unlock(&bus->lock);
			return p;
		}
	}
	read_unlock(&bus->lock);
	return NULL;
}
