// SPDX-License-Identifier: GPL-2.0-only
/*
 * The master's end: what it reads, and how it sends.
 *
 * The queue is bounded without a limit of its own: a port has at most one
 * message in it (then it is held) and one event, both part of struct
 * bus_port, and the message's memory is charged to the port's user.
 *
 * Of a bus that may outlive its master, what he has read is kept (->handed)
 * until he is done with it: with a message by resuming its port, with an event
 * by letting go of the port. Whoever comes after him reads it again, in front
 * of all else and in the old order.
 */
#include "bus.h"

#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/af_unix.h>
#include <net/scm.h>

/* Linear part of the first skb, for the header; the rest comes in pages. */
#define SEND_HEAD 2048U
#define SEND_CHUNK (64U << 10)

/* Below mq_lock. */
static void post(struct bus *bus, struct bus_item *item, struct bus_port *p)
{
	bus_port_get(p);
	item->port = p;
	item->info.addr = p->addr;
	item->info.seq = atomic64_inc_return(&bus->seq);
	WRITE_ONCE(item->unread, true);
	list_add_tail(&item->link, &bus->mq);
	bus->sk->sk_data_ready(bus->sk);
}

void bus_post_end(struct bus_port *p)
{
	struct bus_item *item = &p->end;
	struct bus *bus = p->bus;

	if (!bus->proto->member)
		return;
	item->info.kind = BUS_KIND_CLOSED;
	item->info.reason = p->reason;
	spin_lock(&bus->mq_lock);
	if (bus->sk)
		post(bus, item, p);
	spin_unlock(&bus->mq_lock);
}

/* What the protocol has to say of a message. */
static void explain(struct bus_item *item, const struct bus_info *why)
{
	item->info.to = why ? why->to : 0;
	item->info.refusal = why ? why->refusal : BUS_ROUTED;
	item->info.flags = why ? why->flags : 0;
	item->info.matched = why ? why->matched : 0;
}

int bus_to_master(struct bus_port *p, struct bus_msg *m,
		  const struct bus_info *why)
{
	bool holders = bus_files_hold(m->files);
	struct bus_item *item = &p->item;
	struct bus *bus = p->bus;

	if (bus_user_charge(p, m->truesize))
		return -EDQUOT;
	p->master_msgs++;
	p->master_bytes += m->len;
	/* Held and queued in one step, or a resume could come between and let
	 * the port use its item twice. */
	spin_lock(&bus->mq_lock);
	if (bus->sk && !WARN_ON_ONCE(!list_empty(&item->link))) {
		set_bit(BUS_PF_HELD, &p->flags);
		item->charged = m->truesize;
		item->info.kind = BUS_KIND_MESSAGE;
		explain(item, why);
		bus_msg_move(&item->msg, m);
		post(bus, item, p);
		m = NULL;
	}
	spin_unlock(&bus->mq_lock);
	if (m)
		bus_user_uncharge(p, m->truesize);	/* the bus has ended */
	else if (holders)
		bus_desert_watch(bus);
	return 0;
}
EXPORT_SYMBOL_GPL(bus_to_master);

static void item_free(struct bus_item *item)
{
	bus_msg_purge(&item->msg);
	kfree(item);
}

/* An item of its own, beside the message or event that the port may have. */
static struct bus_item *own_new(enum bus_kind kind, const struct bus_info *why)
{
	struct bus_item *item = kzalloc(sizeof(*item), GFP_KERNEL_ACCOUNT);

	if (!item)
		return NULL;
	bus_msg_init(&item->msg);
	item->info.kind = kind;
	explain(item, why);
	item->own = true;
	return item;
}

/* The item is the queue's, or is freed: there are too many, or no master. */
static void post_own(struct bus_port *p, struct bus_item *item)
{
	struct bus *bus = p->bus;

	item->charged = item->msg.truesize;
	spin_lock(&bus->mq_lock);
	if (bus->sk && p->n_logged < BUS_MAX_LOGGED) {
		WRITE_ONCE(p->n_logged, p->n_logged + 1);
		post(bus, item, p);
		item = NULL;
	}
	spin_unlock(&bus->mq_lock);
	if (!item)
		return;
	bus_user_uncharge(p, item->charged);
	item_free(item);
}

void bus_post_slow(struct bus_port *p)
{
	struct bus_item *item;

	if (!p->bus->proto->member || test_bit(BUS_PF_ENDED, &p->flags))
		return;
	item = own_new(BUS_KIND_SLOW, NULL);
	if (item)
		post_own(p, item);
}

void bus_post_logged(struct bus_port *p, const void *data, size_t len,
		     const struct bus_info *why)
{
	struct bus_item *item;
	struct sk_buff *skb;

	/* A hint; it is looked at again below. */
	if (READ_ONCE(p->n_logged) >= BUS_MAX_LOGGED)
		return;
	item = own_new(BUS_KIND_LOGGED, why);
	skb = item ? alloc_skb(len, GFP_KERNEL_ACCOUNT) : NULL;
	if (skb) {
		skb_put_data(skb, data, len);
		bus_msg_add(&item->msg, skb, len);
	}
	if (skb && !bus_user_charge(p, item->msg.truesize))
		post_own(p, item);
	else if (item)
		item_free(item);
}
EXPORT_SYMBOL_GPL(bus_post_logged);

/* Off its list, its port may use it again at once: what it held is taken out in
 * the same step. Below mq_lock; if there was something, the port that counted it
 * is returned, for the caller to put. */
static struct bus_port *item_take(struct bus_item *item, struct bus_msg *m)
{
	struct bus_port *p = item->port;

	bus_msg_init(m);
	if (!p)
		return NULL;
	bus_msg_move(m, &item->msg);
	bus_user_uncharge(p, item->charged);
	item->charged = 0;
	item->port = NULL;
	WRITE_ONCE(item->unread, false);
	list_del_init(&item->link);
	if (item->own)
		WRITE_ONCE(p->n_logged, p->n_logged - 1);
	return p;
}

int bus_resume(struct bus_port *p, struct bus_msg *kept)
{
	struct bus *bus = p->bus;
	int err = -EBUSY;

	bus_msg_init(kept);
	spin_lock(&bus->mq_lock);
	if (!p->item.unread) {
		/* The caller's own reference remains. */
		if (item_take(&p->item, kept))
			refcount_dec(&p->ref);
		clear_bit(BUS_PF_HELD, &p->flags);
		err = 0;
	}
	spin_unlock(&bus->mq_lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_resume);

void bus_done_with(struct bus_port *p)
{
	struct bus_item *items[] = { &p->item, &p->end };
	struct bus *bus = p->bus;
	struct bus_port *had;
	struct bus_msg m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		had = NULL;
		bus_msg_init(&m);
		spin_lock(&bus->mq_lock);
		if (!items[i]->unread)
			had = item_take(items[i], &m);
		spin_unlock(&bus->mq_lock);
		bus_msg_purge(&m);
		if (had)
			bus_port_put(had);
	}
}

void bus_hand_again(struct bus *bus)
{
	struct bus_item *item;
	LIST_HEAD(first);

	bus_park_again(bus, &first);
	list_for_each_entry(item, &bus->handed, link) {
		WRITE_ONCE(item->unread, true);
		item->info.flags |= BUS_INFO_AGAIN;
	}
	list_splice_tail_init(&bus->handed, &first);
	list_splice(&first, &bus->mq);
}

void bus_queue_count(struct bus *bus, struct bus_outage *o)
{
	struct bus_item *item;

	spin_lock(&bus->mq_lock);
	list_for_each_entry(item, &bus->mq, link)
		o->waiting++;
	list_for_each_entry(item, &bus->handed, link)
		o->handed++;
	o->parked = bus->n_parked;
	o->kept = bus->n_kept;
	/* Where members are sockets that is what a master is to read. */
	if (!bus->proto->member) {
		o->waiting = bus->n_returned + bus->n_pending;
		o->handed = bus->n_returned;
	}
	spin_unlock(&bus->mq_lock);
}

static struct bus_item *item_first(struct bus *bus)
{
	struct bus_item *item;

	spin_lock(&bus->mq_lock);
	item = list_first_entry_or_null(&bus->mq, struct bus_item, link);
	bus->reading = item;
	spin_unlock(&bus->mq_lock);
	return item;
}

/* Of a port that is gone nobody would ever be done with it; and what is only
 * to be logged the master does not answer. */
static bool is_kept(const struct bus *bus, const struct bus_item *item)
{
	return READ_ONCE(bus->persist_ms) && !item->own &&
	       !test_bit(BUS_PF_CLOSED, &item->port->flags);
}

/* Below mq_lock: it has been read, or was not to be. If somebody has let go of
 * it meanwhile it is the caller's to free. */
static struct bus_park *parked_finish(struct bus_park *k)
{
	WRITE_ONCE(k->item.unread, false);
	list_del_init(&k->item.link);
	return k->gone ? k : NULL;
}

/* The master has looked at it, and will again. */
static void item_leave(struct bus *bus, struct bus_item *item)
{
	struct bus_park *gone = NULL;

	spin_lock(&bus->mq_lock);
	bus->reading = NULL;
	if (item->park && item->park->gone)
		gone = parked_finish(item->park);
	spin_unlock(&bus->mq_lock);
	bus_park_free(gone);
}

/* The master has read it. */
static void item_finish(struct bus *bus, struct bus_item *item, bool keep)
{
	struct bus_park *gone = NULL;
	struct bus_port *p = NULL;
	bool own = item->own;
	struct bus_msg m;

	bus_msg_init(&m);
	spin_lock(&bus->mq_lock);
	bus->reading = NULL;
	if (item->park) {
		gone = parked_finish(item->park);
	} else if (keep && is_kept(bus, item)) {
		WRITE_ONCE(item->unread, false);
		list_move_tail(&item->link, &bus->handed);
	} else {
		p = item_take(item, &m);
	}
	spin_unlock(&bus->mq_lock);
	bus_park_free(gone);
	if (!p)
		return;
	bus_msg_purge(&m);
	if (own)
		kfree(item);
	bus_port_put(p);
}

void bus_master_purge(struct bus *bus)
{
	struct bus_item *item;

	spin_lock(&bus->mq_lock);
	bus->sk = NULL;
	bus_hand_again(bus);
	spin_unlock(&bus->mq_lock);
	while ((item = item_first(bus)))
		item_finish(bus, item, false);
	bus_kept_drop(bus, false);
}

static int copy_out(struct bus_item *item, struct msghdr *msg, size_t size)
{
	struct sk_buff *skb;
	size_t skip, n;
	int err;

	skb_queue_walk(&item->msg.skbs, skb) {
		skip = bus_skb_skip(skb);
		n = min_t(size_t, size, skb->len - skip);
		if (!n)
			break;
		err = skb_copy_datagram_iter(skb, skip, &msg->msg_iter, n);
		if (err)
			return err;
		size -= n;
	}
	return 0;
}

/* Never more than one reader at a time: the socket's lock is held. */
int bus_master_recv(struct bus *bus, struct msghdr *msg, size_t size,
		    int flags)
{
	struct bus_item *item = item_first(bus);
	struct bus_info info;
	size_t len;
	int err;

	if (!item)
		return -EAGAIN;
	len = item->msg.len;
	/* Nothing of a port is copied to user space from where it is: its cache
	 * has no part that may be. */
	info = item->info;
	err = copy_out(item, msg, size);
	if (err) {
		item_leave(bus, item);
		return err;
	}
	if (len > size)
		msg->msg_flags |= MSG_TRUNC;
	if (msg->msg_name)
		msg->msg_namelen = bus_fill_name(msg->msg_name, bus,
						 info.addr);
	put_cmsg(msg, SOL_BUS, BUS_INFO, sizeof(info), &info);
	if (!(flags & MSG_PEEK)) {
		bus_files_give(item->msg.files, msg);
		item_finish(bus, item, true);
	} else {
		item_leave(bus, item);
	}
	return flags & MSG_TRUNC ? len : min(len, size);
}

static struct sk_buff *send_skb(struct msghdr *msg, size_t head, size_t pages)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(head, pages, 3, &err, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(err);
	skb_put(skb, head);
	skb->data_len = pages;
	skb->len += pages;
	UNIXCB(skb).uid = INVALID_UID;
	UNIXCB(skb).gid = INVALID_GID;
	err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter,
					  head + pages);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}

static int copy_in(struct bus_msg *m, struct msghdr *msg, size_t len)
{
	size_t head = min_t(size_t, len, SEND_HEAD), n;
	struct sk_buff *skb;

	for (; len; len -= n, head = 0) {
		n = head ? head : min_t(size_t, len, SEND_CHUNK);
		skb = send_skb(msg, head, n - head);
		if (IS_ERR(skb))
			return PTR_ERR(skb);
		bus_msg_add(m, skb, n);
	}
	return 0;
}

int bus_msg_fill(struct bus_msg *m, const void *buf, size_t len)
{
	struct kvec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { };

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &iov, 1, len);
	return copy_in(m, &msg, len);
}
EXPORT_SYMBOL_GPL(bus_msg_fill);

static int take_how(struct bus_send *how, const struct cmsghdr *cmsg)
{
	if (cmsg->cmsg_type != BUS_SEND ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(*how)))
		return -EINVAL;
	memcpy(how, CMSG_DATA(cmsg), sizeof(*how));
	return how->flags & ~BUS_SEND_UNSEEN || how->pad ? -EINVAL : 0;
}

/* __scm_send() takes files for AF_UNIX only. */
static int take_control(struct bus_msg *m, struct bus_send *how,
			struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err;

	if (!msg->msg_controllen)
		return 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level == SOL_BUS) {
			err = take_how(how, cmsg);
			if (err)
				return err;
		}
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type != SCM_RIGHTS)
			return -EINVAL;
		if (m->files)
			return -EINVAL;
		err = bus_files_from(&m->files, cmsg);
		if (err)
			return err;
	}
	return 0;
}

int bus_master_send(struct bus *bus, struct msghdr *msg, size_t len)
{
	struct bus_send how = { };
	struct bus_msg m;
	u64 addr;
	int err;

	if (!msg->msg_name)
		return -EDESTADDRREQ;
	err = bus_dest(bus, msg, &addr);
	if (err)
		return err;
	if (len > READ_ONCE(bus->limits.message_bytes))
		return -EMSGSIZE;
	bus_msg_init(&m);
	err = take_control(&m, &how, msg);
	if (!err)
		err = copy_in(&m, msg, len);
	if (!err)
		return bus->proto->send(bus, addr, &m, &how) ?: len;
	bus_msg_purge(&m);
	return err;
}
