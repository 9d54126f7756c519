// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a client's bytes to stamped messages. Everything here runs as the
 * owner of the port's receiving side.
 *
 * skbs taken off our end's queue stay charged to the client's socket, so a
 * client cannot have more under way than its send buffer, until a message
 * turns out to be longer than what has come: then they must be let go for the
 * rest to be sent, and are charged to the client's user instead.
 */
#include "dbus.h"

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/af_unix.h>
#include <net/scm.h>

/* Bodies up to this are copied behind the header; the skbs of longer ones are
 * sent on as they are. */
#define BODY_COPY	2048U
#define COPY_CHUNK	(16U << 10)
/* skbs with less than this are put together, when a message comes in many. */
#define COMPACT		2048U
/* SENDER adds at most: padding, code, signature, length, name, NUL, padding */
#define STAMP_ROOM	(8 + 4 + 4 + DBUS_UNIQUE_MAX + 8)
#define HEAD_LINEAR	(16U << 10)

static size_t skb_left(const struct sk_buff *skb)
{
	return skb->len - UNIXCB(skb).consumed;
}

/* ---- taking skbs off the queue ---- */

static int pool_grow(struct dbus_port *p)
{
	if (!p->pool)
		p->pool = kcalloc(DBUS_POOL_FDS, sizeof(*p->pool),
				  GFP_KERNEL_ACCOUNT);
	return p->pool ? 0 : -ENOMEM;
}

/*
 * Takes references to the files of the next skb before read_skb() drops
 * them. The daemon's end is not in flight (we hold its file), so AF_UNIX's
 * collector cannot be at work on this queue.
 */
static int pool_take(struct dbus_port *p)
{
	struct sk_buff_head *q = &p->sk->sk_receive_queue;
	struct scm_fp_list *fp = NULL;
	struct sk_buff *skb;
	unsigned long irq;
	int i, err = 0;

	spin_lock_irqsave(&q->lock, irq);
	skb = skb_peek(q);
	if (skb)
		fp = UNIXCB(skb).fp;
	if (!fp || !p->pass_fds)
		goto unlock;
	if (!p->pool) {
		err = -EAGAIN;
	} else if (p->n_pool + fp->count > DBUS_POOL_FDS) {
		err = -E2BIG;
	} else {
		for (i = 0; i < fp->count; i++)
			p->pool[p->n_pool++] = get_file(fp->fp[i]);
	}
unlock:
	spin_unlock_irqrestore(&q->lock, irq);
	return err;
}

static int rx_actor(struct sock *sk, struct sk_buff *skb)
{
	struct dbus_port *p;

	/* Its owner is inside read_skb(), so the port is there. */
	rcu_read_lock();
	p = rcu_dereference_sk_user_data(sk);
	p->fetched = skb;
	rcu_read_unlock();
	return 0;
}

static int read_one(struct dbus_port *p)
{
	int err, tries;

	/* A pending socket error is reported once before the data; out-of-band
	 * bytes are dropped with EAGAIN. */
	for (tries = 0; tries < 64; tries++) {
		err = p->sock->ops->read_skb(p->sk, rx_actor);
		if (err >= 0)
			return 0;
		if (skb_queue_empty_lockless(&p->sk->sk_receive_queue))
			return -EAGAIN;
	}
	return -EAGAIN;
}

void dbus_rx_discard(struct dbus_port *p)
{
	while (!skb_queue_empty_lockless(&p->sk->sk_receive_queue)) {
		p->fetched = NULL;
		if (read_one(p))
			break;
		kfree_skb(p->fetched);
	}
}

/* 1: an skb more on rxq; 0: there is none. */
static int rx_fetch(struct dbus_port *p)
{
	struct sk_buff *skb;
	int err;

	if (skb_queue_empty_lockless(&p->sk->sk_receive_queue))
		return 0;
	err = pool_take(p);
	if (err == -EAGAIN)
		err = pool_grow(p) ?: pool_take(p);
	if (err)
		return err;
	p->fetched = NULL;
	if (read_one(p))
		return 0;
	skb = skb_share_check(p->fetched, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (!skb_left(skb)) {
		consume_skb(skb);
		return 1;
	}
	p->rx_len += skb_left(skb);
	__skb_queue_tail(&p->rxq, skb);
	return 1;
}

static struct sk_buff *new_skb(size_t size)
{
	struct sk_buff *skb = alloc_skb(size, GFP_KERNEL_ACCOUNT);

	if (skb)
		dbus_skb_disown(skb);
	return skb;
}

/*
 * Appends @skb's bytes to @to, if they fit. A client that writes a message
 * byte by byte must not have a thousand times its size in memory, on its own
 * account or later on the receiver's.
 */
static bool rx_append(struct sk_buff *to, struct sk_buff *skb)
{
	size_t n = skb_left(skb);

	if (skb_is_nonlinear(to) || skb_cloned(to) || skb_tailroom(to) < n)
		return false;
	return !skb_copy_bits(skb, UNIXCB(skb).consumed, skb_put(to, n), n);
}

/* Puts the bytes of the small skb @skb at the end of rxq into its neighbour,
 * or into one with room for more. The one to charge, or NULL. */
static struct sk_buff *rx_compact(struct dbus_port *p, struct sk_buff *skb)
{
	struct sk_buff *to = NULL;

	if (!skb_queue_is_first(&p->rxq, skb))
		to = skb_queue_prev(&p->rxq, skb);
	if (!to || to->sk || !rx_append(to, skb)) {
		to = new_skb(COPY_CHUNK);
		if (!to || !rx_append(to, skb)) {
			kfree_skb(to);
			return skb;
		}
		__skb_queue_after(&p->rxq, skb, to);
	} else {
		to = NULL;
	}
	__skb_unlink(skb, &p->rxq);
	consume_skb(skb);
	return to;
}

/* What is here is not all: let the client go on sending. */
static int rx_absorb(struct dbus_port *p)
{
	struct sk_buff *skb = skb_peek_tail(&p->rxq);

	if (!skb || !skb->sk)
		return 0;
	if (skb_left(skb) < COMPACT)
		skb = rx_compact(p, skb);
	if (!skb)
		return 0;
	if (bus_user_charge(&p->port, skb->truesize))
		return -EDQUOT;
	p->rx_charged += skb->truesize;
	dbus_skb_disown(skb);
	return 0;
}

/* 1: at least @n bytes are in rxq; 0: not yet. */
static int rx_want(struct dbus_port *p, size_t n)
{
	int ret;

	while (p->rx_len < n) {
		ret = rx_absorb(p);
		if (!ret)
			ret = rx_fetch(p);
		if (ret <= 0)
			return ret ?: rx_absorb(p);
	}
	return 1;
}

/* ---- using them up ---- */

static int rx_copy(struct dbus_port *p, size_t off, void *to, size_t n)
{
	struct sk_buff *skb;
	size_t part;
	int err;

	skb_queue_walk(&p->rxq, skb) {
		if (!n)
			break;
		if (off >= skb_left(skb)) {
			off -= skb_left(skb);
			continue;
		}
		part = min(n, skb_left(skb) - off);
		err = skb_copy_bits(skb, UNIXCB(skb).consumed + off, to, part);
		if (err)
			return err;
		to += part;
		n -= part;
		off = 0;
	}
	return n ? -EFAULT : 0;
}

static void rx_consume(struct dbus_port *p, size_t n)
{
	struct sk_buff *skb;
	size_t part;

	p->rx_len -= n;
	while (n) {
		skb = skb_peek(&p->rxq);
		part = min(n, skb_left(skb));
		UNIXCB(skb).consumed += part;
		n -= part;
		if (!skb_left(skb)) {
			__skb_unlink(skb, &p->rxq);
			consume_skb(skb);
		}
	}
}

/* Copies @n bytes from the front of rxq to the end of @m. */
static int rx_copy_out(struct dbus_port *p, struct bus_msg *m, size_t n)
{
	struct sk_buff *skb;
	size_t part;
	int err;

	for (; n; n -= part) {
		part = min_t(size_t, n, COPY_CHUNK);
		skb = new_skb(part);
		if (!skb)
			return -ENOMEM;
		err = rx_copy(p, 0, skb_put(skb, part), part);
		bus_msg_add(m, skb, part);
		if (err)
			return err;
		rx_consume(p, part);
	}
	return 0;
}

/* Moves @n bytes; whole skbs as they are, a last part copied. */
static int rx_move(struct dbus_port *p, struct bus_msg *m, size_t n)
{
	struct sk_buff *skb;
	size_t left;

	while (n) {
		skb = skb_peek(&p->rxq);
		left = skb_left(skb);
		if (left > n)
			return rx_copy_out(p, m, n);
		__skb_unlink(skb, &p->rxq);
		p->rx_len -= left;
		n -= left;
		dbus_skb_disown(skb);
		bus_msg_add(m, skb, left);
	}
	return 0;
}

/* ---- messages ---- */

static int take_fds(struct dbus_port *p, struct bus_msg *m, unsigned int n)
{
	struct bus_files *f;

	if (!n)
		return 0;
	if (n > p->n_pool)
		return -EPROTO;
	if (n > READ_ONCE(p->port.bus->limits.message_fds))
		return -E2BIG;
	f = bus_files_new(n);
	if (!f)
		return -ENOMEM;
	memcpy(f->fp, p->pool, n * sizeof(*f->fp));
	f->count = n;
	bus_files_look(f);
	p->n_pool -= n;
	memmove(p->pool, p->pool + n, p->n_pool * sizeof(*p->pool));
	m->files = f;
	return 0;
}

/* A header too long for one linear skb: legal, and slow. */
static int put_long(struct bus_msg *m, const void *buf, size_t n)
{
	struct sk_buff *skb;
	size_t part;

	for (; n; n -= part, buf += part) {
		part = min_t(size_t, n, COPY_CHUNK);
		skb = new_skb(part);
		if (!skb)
			return -ENOMEM;
		skb_put_data(skb, buf, part);
		bus_msg_add(m, skb, part);
	}
	return 0;
}

static int stamp_long(struct dbus_port *p, const struct dbus_header *h)
{
	struct dbus_out *o = &p->out;
	size_t room = h->f.header_len + STAMP_ROOM;
	s64 len;

	o->hdr_buf = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!o->hdr_buf)
		return -ENOMEM;
	len = dbus_header_stamp(h, p->unique, p->unique_len, o->hdr_buf, room);
	if (len < 0)
		return len;
	o->hdr = o->hdr_buf;
	o->hdr_len = len;
	rx_consume(p, h->f.header_len);
	return put_long(&o->m, o->hdr_buf, len);
}

/* The first skb is this message and nothing else, the header @h in its linear
 * part, and has room for @growth bytes more, which nobody else can see. */
static bool fits_in_place(struct dbus_port *p, const struct dbus_header *h,
			  u32 growth)
{
	struct sk_buff *skb = skb_peek(&p->rxq);

	return growth && skb_left(skb) == h->f.total_len &&
	       !skb_is_nonlinear(skb) && !skb_cloned(skb) &&
	       skb_tailroom(skb) >= growth;
}

static void stamp_in_place(struct dbus_port *p, struct dbus_header *h,
			   u32 growth)
{
	size_t len = h->f.header_len, body = h->f.body_len;
	struct sk_buff *skb = __skb_dequeue(&p->rxq);
	void *hdr = skb->data + UNIXCB(skb).consumed;
	struct dbus_out *o = &p->out;

	p->rx_len -= h->f.total_len;
	skb_put(skb, growth);
	memmove(hdr + len + growth, hdr + len, body);
	dbus_header_append(h, p->unique, p->unique_len, hdr);
	dbus_skb_disown(skb);
	bus_msg_add(&o->m, skb, h->f.total_len);
	o->hdr = hdr;
	o->hdr_len = len + growth;
	o->body = body ? hdr + len + growth : NULL;
	o->parsed = true;
}

/* Header and, if it is short, body in one linear skb of our own. */
static int stamp_copy(struct dbus_port *p, struct dbus_header *h, u32 growth)
{
	size_t old = h->f.header_len;
	size_t body = h->f.body_len <= BODY_COPY ? h->f.body_len : 0;
	size_t room = old + (growth ?: STAMP_ROOM);
	struct dbus_out *o = &p->out;
	struct sk_buff *skb;
	s64 len = room;
	int err;

	skb = new_skb(room + body);
	if (!skb)
		return -ENOMEM;
	if (growth)
		dbus_header_append(h, p->unique, p->unique_len, skb->data);
	else
		len = dbus_header_stamp(h, p->unique, p->unique_len, skb->data,
					room);
	if (len < 0) {
		kfree_skb(skb);
		return len;
	}
	o->parsed = growth != 0;
	skb_put(skb, len + body);
	err = rx_copy(p, old, skb->data + len, body);
	bus_msg_add(&o->m, skb, len + body);
	if (body)
		o->body = skb->data + len;
	o->hdr = skb->data;
	o->hdr_len = len;
	rx_consume(p, old + body);
	return err ?: rx_move(p, &o->m, h->f.body_len - body);
}

/* @in_place: @h is that of the first skb. */
static int stamp(struct dbus_port *p, struct dbus_header *h, bool in_place)
{
	u32 growth = dbus_header_growth(h, p->unique_len);

	if (h->f.header_len > HEAD_LINEAR)
		return stamp_long(p, h) ?:
		       rx_move(p, &p->out.m, h->f.body_len);
	if (in_place && fits_in_place(p, h, growth)) {
		stamp_in_place(p, h, growth);
		return 0;
	}
	return stamp_copy(p, h, growth);
}

static int build(struct dbus_port *p, bool in_place)
{
	struct dbus_out *o = &p->out;
	struct dbus_header *h = &o->h;
	int err;

	o->route = dbus_header_route(h, &o->addr);
	o->m.share = p->port.user->share;
	err = stamp(p, h, in_place);
	if (!err && o->route == DBUS_ROUTE_NAME) {
		err = dbus_out_parse(o);
		o->name = h->destination;
	}
	if (!err)
		err = take_fds(p, &o->m, h->unix_fds);
	if (!err && (o->route == DBUS_ROUTE_UNIQUE ||
		     o->route == DBUS_ROUTE_NAME))
		err = dbus_reply_prepare(to_dbus_bus(p->port.bus), h,
					 &o->reply);
	return err;
}

/* The first @n bytes, when the first skb has them in its linear part, which
 * only the kernel can write; pages may be spliced ones that the client can
 * still change, so from them it is copied. */
static const void *rx_linear(struct dbus_port *p, size_t n)
{
	struct sk_buff *skb = skb_peek(&p->rxq);

	if (skb_headlen(skb) < UNIXCB(skb).consumed + n)
		return NULL;
	return skb->data + UNIXCB(skb).consumed;
}

/* The header in one piece. @framed: its frame was read in place. */
static int take_message(struct dbus_port *p, bool framed)
{
	u32 max = READ_ONCE(p->port.bus->limits.message_bytes);
	struct dbus_header *h = &p->out.h;
	size_t len = h->f.header_len;
	const void *bytes = rx_linear(p, len);
	void *buf = NULL;
	int err;

	if (!bytes) {
		buf = kvmalloc(len, GFP_KERNEL_ACCOUNT);
		if (!buf)
			return -ENOMEM;
		err = rx_copy(p, 0, buf, len);
		if (err)
			goto free;
	}
	err = framed ? dbus_fields_parse(h, bytes ?: buf) :
		       dbus_header_parse(h, bytes ?: buf, len, max);
	if (!err)
		err = build(p, bytes != NULL);
free:
	kvfree(buf);
	if (err)
		return err;
	/* The charge for what came in pieces follows the message. */
	p->out.charged = p->rx_charged;
	p->rx_charged = 0;
	p->out.valid = true;
	return 1;
}

static int next(struct dbus_port *p)
{
	u32 max = READ_ONCE(p->port.bus->limits.message_bytes);
	struct dbus_frame *f = &p->out.h.f;
	u8 copy[DBUS_FIXED_LEN];
	const void *fixed;
	int ret;

	ret = rx_want(p, sizeof(copy));
	if (ret <= 0)
		return ret;
	fixed = rx_linear(p, sizeof(copy));
	if (!fixed)
		ret = rx_copy(p, 0, copy, sizeof(copy));
	if (ret < 0)
		return ret;
	ret = dbus_frame_parse(f, fixed ?: copy, max);
	if (ret)
		return ret;
	ret = rx_want(p, f->total_len);
	if (ret <= 0)
		return ret;
	return take_message(p, fixed != NULL);
}

static enum bus_reason reason_of(int err)
{
	switch (err) {
	case -ENOMEM:
		return BUS_REASON_NOMEM;
	case -EDQUOT:
		return BUS_REASON_QUOTA;
	case -EMSGSIZE:
		return BUS_REASON_TOO_LONG;
	case -E2BIG:
		return BUS_REASON_FDS;
	default:
		return BUS_REASON_PROTOCOL;
	}
}

int dbus_rx_next(struct dbus_port *p, enum bus_reason *why)
{
	int ret;

	if (p->native)
		return dbus_native_next(p, why);
	ret = next(p);
	*why = reason_of(ret);
	return ret;
}

void dbus_rx_drop(struct dbus_port *p)
{
	if (p->native)
		dbus_native_drop(p);
	__skb_queue_purge(&p->rxq);
	p->rx_len = 0;
	bus_user_uncharge(&p->port, p->rx_charged);
	p->rx_charged = 0;
	while (p->n_pool)
		fput(p->pool[--p->n_pool]);
	dbus_out_release(p);
	bus_wait_done(&p->port.wait, p->port.bus);
}
