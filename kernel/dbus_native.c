// SPDX-License-Identifier: GPL-2.0-only
/*
 * Native clients: sockets of the family on a D-Bus bus, a message a datagram.
 * They have the same ports as adopted ones, and what dbus_stream.c says of who
 * serves a port holds; only the two ends differ.
 *
 * Sending. The message is copied once, checked and stamped in sendmsg(), which
 * fails for it, so nothing malformed is ever queued. Who finds the receiving
 * side of its port free and idle goes on with it there and then; else it is put
 * on ->sent, as bytes would wait in a stream, and the owner comes back for it.
 * The send buffer bounds ->sent; what is on it is charged to the user.
 *
 * Receiving. commit() puts the message on ->rq, charged to the client's socket
 * (sk_wmem_alloc, as a stream's is: it is the queue's fill), and recvmsg()
 * takes it off. Files travel with it: nobody's queue but ours has them, so those
 * that may hold others are let go of when they are not read in time.
 *
 * A message on either queue is a run of skbs, of which the first says how long
 * it is (->mark), has its files (in the cb, where ->held has them too), and
 * since when it waits (->tstamp, jiffies; ->priority: its files are lost).
 */
#include "dbus.h"

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/af_unix.h>

/* Of a message, looked at on the stack; a longer header is allocated for. */
#define PEEK 512U
/* SENDER adds at most: padding, code, signature, length, name, NUL, padding */
#define STAMP_ROOM (8 + 4 + 4 + DBUS_UNIQUE_MAX + 8)
/* Bodies up to this are in one piece with their header; of longer ones this
 * much is in one skb. */
#define BODY_LINEAR 2048U
#define CHUNK (64U << 10)
#define PAGE_ORDER_MAX 3
#define HEAD_LINEAR (16U << 10)

/* ---- queues of messages ---- */

static struct bus_files *files_of(const struct sk_buff *skb)
{
	return (struct bus_files *)UNIXCB(skb).fp;
}

/* Empties @m. */
static void put_on(struct sk_buff_head *q, struct bus_msg *m)
{
	struct sk_buff *skb;

	skb_queue_walk(&m->skbs, skb)
		skb->mark = 0;
	skb = skb_peek(&m->skbs);
	skb->mark = m->len;
	skb->priority = 0;
	skb->tstamp = jiffies;
	UNIXCB(skb).fp = (void *)m->files;
	m->files = NULL;
	skb_queue_splice_tail_init(&m->skbs, q);
	bus_msg_init(m);
}

/* The first of @q, which has one. */
static void take_off(struct sk_buff_head *q, struct bus_msg *m)
{
	struct sk_buff *skb = skb_peek(q);
	size_t left = skb->mark;

	bus_msg_init(m);
	m->files = files_of(skb);
	UNIXCB(skb).fp = NULL;
	while (left) {
		size_t n;

		skb = __skb_dequeue(q);
		n = skb->len - bus_skb_skip(skb);
		left -= min(left, n);
		bus_msg_add(m, skb, n);
	}
}

/* ---- sending: the message ---- */

/* On its way from sendmsg(). */
struct parcel {
	struct bus_msg m;
	struct dbus_header h;		/* its strings are in ->seen or ->buf */
	void *stamped;			/* a header too long for one skb */
	void *buf;
	size_t charged;			/* to the user */
	size_t n_seen;
	u8 seen[PEEK] __aligned(8);
};

static void parcel_free(struct dbus_port *p, struct parcel *c)
{
	bus_msg_purge(&c->m);
	bus_user_uncharge(&p->port, c->charged);
	kvfree(c->stamped);
	kvfree(c->buf);
}

/* The header in one piece, in memory that the client cannot change. */
static const void *header_bytes(struct parcel *c, struct msghdr *msg)
{
	u32 len = c->h.f.header_len;

	if (len <= c->n_seen)
		return c->seen;
	c->buf = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!c->buf)
		return ERR_PTR(-ENOMEM);
	memcpy(c->buf, c->seen, c->n_seen);
	if (!copy_from_iter_full(c->buf + c->n_seen, len - c->n_seen,
				 &msg->msg_iter))
		return ERR_PTR(-EFAULT);
	c->n_seen = len;
	return c->buf;
}

static int parse(struct parcel *c, struct msghdr *msg, size_t len, u32 max)
{
	const void *bytes;
	int err;

	c->n_seen = min_t(size_t, len, PEEK);
	if (!copy_from_iter_full(c->seen, c->n_seen, &msg->msg_iter))
		return -EFAULT;
	if (len < DBUS_FIXED_LEN)
		return -EBADMSG;
	/* Who claims to be longer than is allowed is not as long as he says. */
	if (dbus_frame_parse(&c->h.f, c->seen, max) ||
	    c->h.f.total_len != len)
		return -EBADMSG;
	bytes = header_bytes(c, msg);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	err = dbus_header_parse(&c->h, bytes, c->h.f.header_len, max);
	return err ? -EBADMSG : 0;
}

static struct sk_buff *new_skb(size_t linear, size_t pages)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(linear, pages, PAGE_ORDER_MAX, &err,
				   GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(err);
	dbus_skb_disown(skb);
	return skb;
}

/* @n bytes of the body to @skb from @at on: what was seen already, then what
 * comes. */
static int fill_body(struct parcel *c, struct sk_buff *skb, size_t at,
		     struct msghdr *msg, size_t n)
{
	size_t have = c->n_seen - min_t(size_t, c->n_seen, c->h.f.header_len);
	int err;

	/* The first skb has more room than that. */
	BUILD_BUG_ON(PEEK > BODY_LINEAR);
	if (have) {
		err = skb_store_bits(skb, at, c->seen + c->h.f.header_len,
				     have);
		if (err)
			return err;
		c->n_seen = c->h.f.header_len;
	}
	if (n == have)
		return 0;
	return skb_copy_datagram_from_iter(skb, at + have, &msg->msg_iter,
					   n - have);
}

/* A body, or the rest of it, in pages. */
static int add_body_pages(struct parcel *c, struct msghdr *msg, size_t left)
{
	struct sk_buff *skb;
	size_t n;
	int err;

	for (; left; left -= n) {
		n = min_t(size_t, left, CHUNK);
		skb = new_skb(0, n);
		if (IS_ERR(skb))
			return PTR_ERR(skb);
		skb->data_len = n;
		skb->len = n;
		bus_msg_add(&c->m, skb, n);
		err = fill_body(c, skb, 0, msg, n);
		if (err)
			return err;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* A header too long for one linear skb: legal, and slow. */
static int stamp_long(struct dbus_port *p, struct parcel *c)
{
	size_t room = c->h.f.header_len + STAMP_ROOM, off, n;
	struct sk_buff *skb;
	s64 len;

	c->stamped = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!c->stamped)
		return -ENOMEM;
	len = dbus_header_stamp(&c->h, p->unique, p->unique_len, c->stamped,
				room);
	if (len < 0)
		return len;
	for (off = 0; off < len; off += n) {
		n = min_t(size_t, len - off, HEAD_LINEAR);
		skb = new_skb(n, 0);
		if (IS_ERR(skb))
			return PTR_ERR(skb);
		skb_put_data(skb, c->stamped + off, n);
		bus_msg_add(&c->m, skb, n);
	}
	return 0;
}

/* The header, and as much of the body as goes with it; how much that is. */
static s64 stamp(struct dbus_port *p, struct parcel *c, struct msghdr *msg)
{
	size_t room = c->h.f.header_len + STAMP_ROOM, body = c->h.f.body_len;
	size_t linear = body <= BODY_LINEAR ? body : 0;
	size_t paged = min_t(size_t, body - linear, CHUNK);
	struct sk_buff *skb;
	s64 len;
	int err;

	skb = new_skb(room + linear, paged);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	len = dbus_header_stamp(&c->h, p->unique, p->unique_len, skb->data,
				room);
	if (len < 0) {
		kfree_skb(skb);
		return len;
	}
	skb_put(skb, len + linear);
	skb->data_len = paged;
	skb->len += paged;
	bus_msg_add(&c->m, skb, len + linear + paged);
	err = fill_body(c, skb, len, msg, linear + paged);
	return err ?: linear + paged;
}

static int copy_in(struct dbus_port *p, struct parcel *c, struct msghdr *msg)
{
	s64 done;

	c->m.share = p->port.user->share;
	/* What is short is gone again before it counts. */
	if (c->h.f.total_len > CHUNK) {
		if (bus_user_charge(&p->port, c->h.f.total_len))
			return -ENOBUFS;
		c->charged = c->h.f.total_len;
	}
	if (c->h.f.header_len > HEAD_LINEAR)
		return stamp_long(p, c) ?:
		       add_body_pages(c, msg, c->h.f.body_len);
	done = stamp(p, c, msg);
	if (done < 0)
		return done;
	return add_body_pages(c, msg, c->h.f.body_len - done);
}

static int take_files(struct dbus_port *p, struct parcel *c,
		      struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err;

	if (!msg->msg_controllen)
		return 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		/* Who sends is told by SENDER, and by the bus. */
		if (cmsg->cmsg_type != SCM_RIGHTS || c->m.files)
			return -EINVAL;
		err = bus_files_from(&c->m.files, cmsg);
		if (err)
			return err;
	}
	if (c->m.files && c->m.files->count >
			  READ_ONCE(p->port.bus->limits.message_fds))
		return -E2BIG;
	return 0;
}

static int parcel_fill(struct dbus_port *p, struct parcel *c,
		       struct msghdr *msg, size_t len)
{
	u32 max = READ_ONCE(p->port.bus->limits.message_bytes);
	int err;

	bus_msg_init(&c->m);
	c->stamped = NULL;
	c->buf = NULL;
	c->charged = 0;
	if (len > max)
		return -EMSGSIZE;
	err = take_files(p, c, msg) ?: parse(c, msg, len, max);
	if (err)
		return err;
	if (c->h.unix_fds != (c->m.files ? c->m.files->count : 0))
		return -EBADMSG;
	return copy_in(p, c, msg);
}

/* ---- sending: where the stream's owner would find it ---- */

static bool closed(const struct dbus_port *p)
{
	return READ_ONCE(p->sk->sk_shutdown) & SEND_SHUTDOWN ||
	       test_bit(BUS_PF_ENDED, &p->port.flags) ||
	       READ_ONCE(p->malformed);
}

static bool has_space(const struct dbus_port *p)
{
	return READ_ONCE(p->sent_bytes) < READ_ONCE(p->sk->sk_sndbuf);
}

/* Where DESTINATION of @h is in the stamped copy, of @len bytes at @hdr. */
static int find_name(struct dbus_port *p, const struct dbus_header *h,
		     const void *hdr, size_t len)
{
	struct dbus_str *name = &p->out.name;
	struct dbus_header anew;
	int err;

	*name = h->destination;
	if (hdr == h->bytes)
		return 0;
	/* Grown at its end, it is the same before. */
	if (dbus_header_growth(h, p->unique_len)) {
		name->s = hdr + (name->s - (const char *)h->bytes);
		return 0;
	}
	err = dbus_frame_parse(&anew.f, hdr, DBUS_MAX_MESSAGE) ?:
	      dbus_header_parse(&anew, hdr, len, DBUS_MAX_MESSAGE);
	if (!err)
		*name = anew.destination;
	return err;
}

/* Owner: the message in ->out, stamped at @hdr, is routed by @h, whose strings
 * are looked at now. */
static int set_out(struct dbus_port *p, const struct dbus_header *h,
		   const void *hdr, size_t len)
{
	struct dbus_out *o = &p->out;
	int err;

	o->route = dbus_header_route(h, &o->addr);
	o->h.f = h->f;
	o->h.reply_serial = h->reply_serial;
	o->h.unix_fds = h->unix_fds;
	if (o->route == DBUS_ROUTE_NAME) {
		err = find_name(p, h, hdr, len);
		if (err)
			return err;
	}
	if (o->route == DBUS_ROUTE_UNIQUE || o->route == DBUS_ROUTE_NAME)
		return dbus_reply_prepare(to_dbus_bus(p->port.bus), h,
					  &o->reply);
	return 0;
}

/* Owner: where header and body are, if the first skb has them whole. */
static void set_parts(struct dbus_port *p, size_t hdr_len)
{
	struct dbus_out *o = &p->out;
	struct sk_buff *skb = skb_peek(&o->m.skbs);

	o->hdr_len = hdr_len;
	if (!o->hdr_buf)
		o->hdr = skb->data;
	else
		o->hdr = o->hdr_buf;
	if (!o->hdr_buf && o->m.len > hdr_len && skb_headlen(skb) == o->m.len)
		o->body = skb->data + hdr_len;
}

/* Owner. */
static int out_now(struct dbus_port *p, struct parcel *c)
{
	size_t len = c->m.len - c->h.f.body_len;
	struct dbus_out *o = &p->out;
	int err;

	err = set_out(p, &c->h, c->stamped ?: skb_peek(&c->m.skbs)->data, len);
	if (err)
		return err;
	o->hdr_buf = c->stamped;
	c->stamped = NULL;
	o->charged = c->charged;
	c->charged = 0;
	bus_msg_move(&o->m, &c->m);
	set_parts(p, len);
	o->valid = true;
	return 0;
}

/* Charged to the user from here on. */
static int out_later(struct dbus_port *p, struct parcel *c)
{
	size_t bytes = c->m.truesize;

	if (bus_user_charge(&p->port, bytes))
		return -ENOBUFS;
	spin_lock(&p->sent.lock);
	WRITE_ONCE(p->sent_bytes, p->sent_bytes + bytes);
	put_on(&p->sent, &c->m);
	spin_unlock(&p->sent.lock);
	return 0;
}

static bool idle(struct dbus_port *p)
{
	return !p->out.valid && skb_queue_empty_lockless(&p->sent) &&
	       !test_bit(BUS_PF_HELD, &p->port.flags) &&
	       !test_bit(BUS_PF_ENDED, &p->port.flags) &&
	       !READ_ONCE(p->malformed);
}

static int parcel_send(struct dbus_port *p, struct parcel *c)
{
	int err;

	if (atomic_cmpxchg(&p->kicks, 0, 1)) {
		err = out_later(p, c);
		dbus_kick(p);
	} else {
		err = idle(p) ? out_now(p, c) : out_later(p, c);
		dbus_own(p);
	}
	return err;
}

/* Behind all that was right. */
static void end_malformed(struct dbus_port *p)
{
	WRITE_ONCE(p->malformed, true);
	dbus_kick(p);
}

static int native_send(struct bus_port *bp, struct msghdr *msg, size_t len)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct parcel c;
	int err;

	if (closed(p))
		return -EPIPE;
	if (!has_space(p))
		return -EAGAIN;
	err = parcel_fill(p, &c, msg, len);
	if (err == -EBADMSG)
		end_malformed(p);
	if (!err)
		err = parcel_send(p, &c);
	parcel_free(p, &c);
	return err;
}

/* The first @len bytes in one piece; kvfree() it. NULL: no memory. */
static void *long_header(const struct bus_msg *m, size_t len)
{
	void *buf = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	struct sk_buff *skb;
	size_t at = 0, n;

	skb_queue_walk(&m->skbs, skb) {
		n = min_t(size_t, len - at, skb->len);
		if (!buf || !n)
			break;
		if (skb_copy_bits(skb, 0, buf + at, n)) {
			kvfree(buf);
			return NULL;
		}
		at += n;
	}
	return buf;
}

/* Owner: it was right when it was queued, so what may be missing is memory. */
static int out_next(struct dbus_port *p)
{
	struct dbus_out *o = &p->out;
	struct sk_buff *skb = skb_peek(&o->m.skbs);
	struct dbus_header h;
	size_t len;
	int err;

	err = dbus_frame_parse(&h.f, skb->data, DBUS_MAX_MESSAGE);
	if (err)
		return err;
	len = h.f.header_len;
	if (skb_headlen(skb) < len) {
		o->hdr_buf = long_header(&o->m, len);
		if (!o->hdr_buf)
			return -ENOMEM;
	}
	set_parts(p, len);
	err = dbus_header_parse(&h, o->hdr, len, DBUS_MAX_MESSAGE) ?:
	      set_out(p, &h, o->hdr, len);
	if (!err)
		o->valid = true;
	return err;
}

int dbus_native_next(struct dbus_port *p, enum bus_reason *why)
{
	struct dbus_out *o = &p->out;
	bool malformed, any;

	spin_lock(&p->sent.lock);
	malformed = p->malformed;
	any = !skb_queue_empty(&p->sent);
	if (any) {
		take_off(&p->sent, &o->m);
		WRITE_ONCE(p->sent_bytes, p->sent_bytes - o->m.truesize);
	}
	spin_unlock(&p->sent.lock);
	*why = any ? BUS_REASON_NOMEM : BUS_REASON_PROTOCOL;
	if (!any)
		return malformed ? -EBADMSG : 0;
	o->m.share = p->port.user->share;
	o->charged = o->m.truesize;
	p->sk->sk_write_space(p->sk);
	return out_next(p) ?: 1;
}

void dbus_native_drop(struct dbus_port *p)
{
	struct bus_msg m;
	bool any;

	do {
		spin_lock(&p->sent.lock);
		any = !skb_queue_empty(&p->sent);
		if (any) {
			take_off(&p->sent, &m);
			WRITE_ONCE(p->sent_bytes, p->sent_bytes - m.truesize);
		}
		spin_unlock(&p->sent.lock);
		if (any) {
			bus_user_uncharge(&p->port, m.truesize);
			bus_msg_purge(&m);
		}
	} while (any);
}

/* ---- receiving ---- */

static bool over(const struct dbus_port *p)
{
	return READ_ONCE(p->sk->sk_shutdown) & RCV_SHUTDOWN;
}

/* What reads end with, when that is more than an end. */
static int cause(const struct dbus_port *p)
{
	static const int causes[] = {
		[BUS_REASON_PROTOCOL] = -EBADMSG,
		[BUS_REASON_STALLED] = -ETIMEDOUT,
		[BUS_REASON_QUOTA] = -EDQUOT,
		[BUS_REASON_NOMEM] = -ENOMEM,
	};
	u32 reason = READ_ONCE(p->port.reason);

	return reason < ARRAY_SIZE(causes) ? causes[reason] : 0;
}

void dbus_native_push(struct dbus_port *p, struct bus_msg *m)
{
	bool holders = bus_files_hold(m->files);

	/* As it would be dropped from the queue of a stream. */
	if (over(p)) {
		bus_msg_purge(m);
		return;
	}
	if (m->files)
		WRITE_ONCE(p->held_fds, p->held_fds + m->files->count);
	if (test_bit(DP_CORKED, &p->events) || !skb_queue_empty(&p->held))
		put_on(&p->held, m);
	else
		put_on(&p->rq, m);
	if (holders)
		bus_stall_arm(&p->port);
}

void dbus_native_uncork(struct dbus_port *p)
{
	bool any;

	if (skb_queue_empty_lockless(&p->held))
		return;
	spin_lock(&p->port.lock);
	any = !dbus_keeps_back(p);
	if (any)
		skb_queue_splice_tail_init(&p->held, &p->rq);
	spin_unlock(&p->port.lock);
	if (any)
		p->port.ops->wake(&p->port);
}

/* Not for every message read, or senders and reader would go in step. */
static void room_made(struct dbus_port *p)
{
	u64 limit = READ_ONCE(p->port.bus->limits.queue_bytes);

	if (!test_bit(BUS_PF_WAITED, &p->port.flags))
		return;
	if (sk_wmem_alloc_get(p->sk) <= limit - limit / 4 ||
	    test_bit(DP_FD_WAIT, &p->events))
		bus_room_made(&p->port);
}

static int copy_out(struct sk_buff *skb, size_t len, struct msghdr *msg)
{
	size_t skip, n;
	int err;

	/* Its last skb is followed by another message's, or by none. */
	for (; len; len -= n, skb = skb->next) {
		skip = bus_skb_skip(skb);
		n = min_t(size_t, len, skb->len - skip);
		err = skb_copy_datagram_iter(skb, skip, &msg->msg_iter, n);
		if (err)
			return err;
	}
	return 0;
}

/* Its files, counted: the queue may lose them meanwhile. */
static struct bus_files *get_files(struct dbus_port *p, struct sk_buff *skb,
				   struct msghdr *msg)
{
	struct bus_files *f;

	spin_lock(&p->port.lock);
	f = bus_files_get(files_of(skb));
	if (skb->priority)
		msg->msg_flags |= MSG_CTRUNC;
	spin_unlock(&p->port.lock);
	return f;
}

static void finish(struct dbus_port *p)
{
	struct bus_msg m;

	spin_lock(&p->port.lock);
	take_off(&p->rq, &m);
	if (m.files)
		WRITE_ONCE(p->held_fds, p->held_fds - m.files->count);
	spin_unlock(&p->port.lock);
	bus_msg_purge(&m);
	room_made(p);
}

/* Below ->reading, so that the first message stays the first. */
static int read_first(struct dbus_port *p, struct sk_buff *skb,
		      struct msghdr *msg, size_t size, int flags)
{
	size_t len = skb->mark;
	struct bus_files *f;
	int err;

	/* Half a message is of no use to anybody who does not ask for it. */
	if (len > size && !(flags & MSG_TRUNC))
		return -EMSGSIZE;
	err = copy_out(skb, min(len, size), msg);
	if (err)
		return err;
	if (len > size)
		msg->msg_flags |= MSG_TRUNC;
	f = get_files(p, skb, msg);
	bus_files_give(f, msg);
	bus_files_put(f);
	if (!(flags & MSG_PEEK))
		finish(p);
	return len;
}

static int native_recv(struct bus_port *bp, struct msghdr *msg, size_t size,
		       int flags)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct sk_buff *skb;
	bool last;
	int ret;

	if (mutex_lock_interruptible(&p->reading))
		return -ERESTARTSYS;
	last = over(p);
	/* In this order: what was committed is there before the end is. */
	smp_rmb();
	spin_lock(&p->port.lock);
	skb = skb_peek(&p->rq);
	spin_unlock(&p->port.lock);
	if (skb)
		ret = read_first(p, skb, msg, size, flags);
	else
		ret = last ? cause(p) : -EAGAIN;
	mutex_unlock(&p->reading);
	return ret;
}

static __poll_t native_poll_mask(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);
	u8 shutdown = READ_ONCE(p->sk->sk_shutdown);
	__poll_t mask = 0;

	if (READ_ONCE(p->sk->sk_err))
		mask |= EPOLLERR;
	if (shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (!skb_queue_empty_lockless(&p->rq))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (has_space(p) || closed(p))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static size_t native_bytes(struct bus_port *bp, bool unsent)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct sk_buff *skb;
	size_t len = 0;

	if (unsent)
		return READ_ONCE(p->sent_bytes);
	spin_lock(&p->port.lock);
	skb = skb_peek(&p->rq);
	if (skb)
		len = skb->mark;
	spin_unlock(&p->port.lock);
	return len;
}

/* ---- files that may hold others ---- */

/* Below port.lock: the oldest message with such files. */
static struct sk_buff *first_holder(struct sk_buff_head *q)
{
	struct sk_buff *skb;

	skb_queue_walk(q, skb)
		if (skb->mark && bus_files_hold(files_of(skb)))
			return skb;
	return NULL;
}

bool dbus_native_sent_files(struct dbus_port *p)
{
	struct sk_buff *skb;

	spin_lock(&p->sent.lock);
	skb = first_holder(&p->sent);
	spin_unlock(&p->sent.lock);
	return skb;
}

static struct sk_buff *oldest_holder(struct dbus_port *p)
{
	return first_holder(&p->rq) ?: first_holder(&p->held);
}

bool dbus_native_files_since(struct bus_port *bp, unsigned long *since)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct sk_buff *skb;

	if (!p->native || !READ_ONCE(p->held_fds))
		return false;
	spin_lock(&p->port.lock);
	skb = oldest_holder(p);
	if (skb)
		*since = skb->tstamp;
	spin_unlock(&p->port.lock);
	return skb;
}

static struct bus_files *lose_files(struct dbus_port *p)
{
	struct bus_files *f = NULL;
	struct sk_buff *skb;

	spin_lock(&p->port.lock);
	skb = oldest_holder(p);
	if (skb) {
		f = files_of(skb);
		UNIXCB(skb).fp = NULL;
		skb->priority = 1;
		WRITE_ONCE(p->held_fds, p->held_fds - f->count);
	}
	spin_unlock(&p->port.lock);
	return f;
}

/* ---- begin and end ---- */

static void shut(struct dbus_port *p, int how)
{
	struct sock *sk = p->sk;

	spin_lock(&p->port.lock);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
	spin_unlock(&p->port.lock);
	sk->sk_state_change(sk);
	bus_room_made(&p->port);
}

/* The port has ended. Its reads yield what was committed, but for files that
 * nobody may ever come for. */
void dbus_native_shut(struct dbus_port *p)
{
	struct bus_files *f;

	WRITE_ONCE(p->sk->sk_err, -cause(p));
	shut(p, SHUTDOWN_MASK);
	while ((f = lose_files(p)))
		bus_files_put(f);
}

/* As with streams: who does not read any more is no peer, nor who says that it
 * has said all. */
static void native_shutdown(struct bus_port *bp, int how)
{
	struct dbus_port *p = to_dbus_port(bp);

	shut(p, how);
	set_bit(DP_HUP, &p->events);
	dbus_queue(p);
}

static void native_release(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct bus_msg m;
	bool any;

	native_shutdown(bp, SHUTDOWN_MASK);
	do {
		spin_lock(&p->port.lock);
		any = !skb_queue_empty(&p->rq);
		if (any)
			take_off(&p->rq, &m);
		if (any && m.files)
			WRITE_ONCE(p->held_fds, p->held_fds - m.files->count);
		spin_unlock(&p->port.lock);
		if (any)
			bus_msg_purge(&m);
	} while (any);
	bus_room_made(bp);
}

static struct bus_port *native_new(struct bus *bus, struct sock *sk,
				   kuid_t uid, struct pid *pid)
{
	struct dbus_port *p = dbus_port_new(bus, sk, uid, pid_nr(pid));
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->native = true;
	p->pass_fds = true;
	set_bit(BUS_PF_NEW, &p->port.flags);
	sock_hold(sk);
	p->peer = sk;
	err = dbus_port_add(p);
	if (!err)
		return &p->port;
	bus_port_put(&p->port);
	return ERR_PTR(err);
}

const struct bus_member_ops dbus_member_ops = {
	.new = native_new,
	.send = native_send,
	.recv = native_recv,
	.poll = native_poll_mask,
	.bytes = native_bytes,
	.shutdown = native_shutdown,
	.release = native_release,
};
