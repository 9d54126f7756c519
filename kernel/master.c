// SPDX-License-Identifier: GPL-2.0-only
/*
 * The master's end: what it reads, and how it sends.
 *
 * The queue is bounded without a limit of its own: a port has at most one
 * message in it (then it is held) and one event, both part of struct
 * bus_port, and the message's memory is charged to the port's user.
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
	list_add_tail(&item->link, &bus->mq);
	bus->sk->sk_data_ready(bus->sk);
}

void bus_post_end(struct bus_port *p)
{
	struct bus_item *item = &p->end;
	struct bus *bus = p->bus;

	item->info.kind = BUS_KIND_CLOSED;
	item->info.reason = p->reason;
	spin_lock(&bus->mq_lock);
	if (bus->sk)
		post(bus, item, p);
	spin_unlock(&bus->mq_lock);
}
EXPORT_SYMBOL_GPL(bus_post_end);

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
	return 0;
}
EXPORT_SYMBOL_GPL(bus_to_master);

static struct bus_item *logged_new(const void *data, size_t len,
				   const struct bus_info *why)
{
	struct bus_item *item = kzalloc(sizeof(*item), GFP_KERNEL_ACCOUNT);
	struct sk_buff *skb;

	if (!item)
		return NULL;
	skb = alloc_skb(len, GFP_KERNEL_ACCOUNT);
	if (!skb) {
		kfree(item);
		return NULL;
	}
	skb_put_data(skb, data, len);
	bus_msg_init(&item->msg);
	bus_msg_add(&item->msg, skb, len);
	item->info.kind = BUS_KIND_LOGGED;
	explain(item, why);
	item->own = true;
	return item;
}

static void item_free(struct bus_item *item)
{
	bus_msg_purge(&item->msg);
	kfree(item);
}

void bus_post_logged(struct bus_port *p, const void *data, size_t len,
		     const struct bus_info *why)
{
	struct bus *bus = p->bus;
	struct bus_item *item;

	/* A hint; it is looked at again below. */
	if (READ_ONCE(p->n_logged) >= BUS_MAX_LOGGED)
		return;
	item = logged_new(data, len, why);
	if (!item)
		return;
	if (bus_user_charge(p, item->msg.truesize)) {
		item_free(item);
		return;
	}
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
EXPORT_SYMBOL_GPL(bus_post_logged);

int bus_resume(struct bus_port *p)
{
	struct bus *bus = p->bus;
	int err = -EBUSY;

	spin_lock(&bus->mq_lock);
	if (list_empty(&p->item.link)) {
		clear_bit(BUS_PF_HELD, &p->flags);
		err = 0;
	}
	spin_unlock(&bus->mq_lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_resume);

static struct bus_item *item_first(struct bus *bus)
{
	struct bus_item *item;

	spin_lock(&bus->mq_lock);
	item = list_first_entry_or_null(&bus->mq, struct bus_item, link);
	spin_unlock(&bus->mq_lock);
	return item;
}

/* Off the queue, its port may use it again at once: what it held is taken
 * out in the same step. */
static void item_finish(struct bus *bus, struct bus_item *item)
{
	struct bus_port *p;
	struct bus_msg m;
	size_t charged;

	spin_lock(&bus->mq_lock);
	p = item->port;
	charged = item->charged;
	bus_msg_move(&m, &item->msg);
	item->charged = 0;
	item->port = NULL;
	list_del_init(&item->link);
	if (item->own)
		WRITE_ONCE(p->n_logged, p->n_logged - 1);
	spin_unlock(&bus->mq_lock);
	bus_user_uncharge(p, charged);
	bus_msg_purge(&m);
	if (item->own)
		kfree(item);
	bus_port_put(p);
}

void bus_master_purge(struct bus *bus)
{
	struct bus_item *item;

	spin_lock(&bus->mq_lock);
	bus->sk = NULL;
	spin_unlock(&bus->mq_lock);
	while ((item = item_first(bus)))
		item_finish(bus, item);
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
	size_t len;
	int err;

	if (!item)
		return -EAGAIN;
	len = item->msg.len;
	err = copy_out(item, msg, size);
	if (err)
		return err;
	if (len > size)
		msg->msg_flags |= MSG_TRUNC;
	if (msg->msg_name)
		msg->msg_namelen = bus_fill_name(msg->msg_name, bus,
						 item->info.addr);
	put_cmsg(msg, SOL_BUS, BUS_INFO, sizeof(item->info), &item->info);
	if (!(flags & MSG_PEEK)) {
		bus_files_give(item->msg.files, msg);
		item_finish(bus, item);
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
