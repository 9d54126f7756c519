// SPDX-License-Identifier: GPL-2.0-only
/*
 * A message's memory: copied once from its sender, shared by its receivers,
 * charged to the sender's socket, to its uid on the bus, and to its memory
 * control group, until the last receiver has let go of it.
 */
#include "native.h"

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/security.h>
#include <linux/slab.h>

#define BODY_LEN ALIGN(sizeof(struct bus_body), 8)
/* With this much in front of the pages a message is one page of kmalloc. */
#define LINEAR_MAX (SKB_WITH_OVERHEAD(PAGE_SIZE) - BODY_LEN)
#define CHUNK_MAX ((size_t)64 << 10)
#define PAGE_ORDER_MAX 3

bool native_has_buffer(const struct bus_sock *bs)
{
	return sk_wmem_alloc_get(&bs->sk) < READ_ONCE(bs->sk.sk_sndbuf);
}

bool native_can_send(const struct bus_sock *bs)
{
	if (bus_role(bs) == BUS_ROLE_CLIENT && native_full(bs))
		return false;
	return native_has_buffer(bs);
}

static void body_put(struct bus_body *b)
{
	struct bus_port *p = b->port;
	struct sock *sk = &port_sk(p)->sk;

	if (!refcount_dec_and_test(&b->ref))
		return;
	put_pid(b->pid);
	bus_user_uncharge(p, b->charged);
	WARN_ON(refcount_sub_and_test(b->wmem, &sk->sk_wmem_alloc));
	sk->sk_write_space(sk);
	bus_port_put(p);
}

/* The body itself goes with the skb's data. */
static void skb_destruct(struct sk_buff *skb)
{
	struct bus_skb_cb *cb = BUSCB(skb);

	bus_files_put(cb->files);
	if (cb->keeper) {
		bus_user_uncharge(cb->keeper, skb->truesize);
		put_pid(bus_body(skb)->pid);
	} else {
		body_put(bus_body(skb));
	}
}

void native_keep(struct sk_buff *skb, struct bus_port *p)
{
	get_pid(bus_body(skb)->pid);
	BUSCB(skb)->keeper = p;
	/* Over its limit or not: it is there. */
	atomic64_add(skb->truesize, &p->user->bytes);
}

void native_keep_done(struct sk_buff *skb)
{
	body_put(bus_body(skb));
}

static void body_init(struct bus_body *b, struct bus_sock *bs)
{
	refcount_set(&b->ref, 1);
	bus_port_get(&bs->port);
	b->port = &bs->port;
	b->pid = get_pid(task_tgid(current));
	b->uid = current_uid();
	b->gid = current_gid();
	b->secid = 0;
	b->from = bs->role == BUS_ROLE_END ? BUS_MASTER_ADDR : bs->port.addr;
	b->seq = 0;
	b->tstamp = 0;
	b->wmem = 0;
	b->charged = 0;
}

/* From here on freeing the skb takes everything back. */
static int charge(struct sk_buff *skb, struct bus_sock *bs)
{
	struct bus_body *b = bus_body(skb);
	int err;

	err = bus_user_charge(&bs->port, skb->truesize);
	if (err)
		return -ENOBUFS;
	body_init(b, bs);
	b->charged = skb->truesize;
	b->wmem = skb->truesize;
	refcount_add(b->wmem, &bs->sk.sk_wmem_alloc);
	memset(BUSCB(skb), 0, sizeof(*BUSCB(skb)));
	BUSCB(skb)->len = skb->len;
	skb->destructor = skb_destruct;
	return 0;
}

int native_charge_copies(struct sk_buff *skb, unsigned int n)
{
	struct bus_body *b = bus_body(skb);
	size_t bytes = n * SKB_TRUESIZE(0);

	/* The message is its sender's alone until it is committed. */
	if (bus_user_charge(b->port, bytes))
		return -ENOBUFS;
	b->charged += bytes;
	return 0;
}

struct sk_buff *native_skb_clone(struct sk_buff *skb)
{
	struct sk_buff *copy = skb_clone(skb, GFP_KERNEL_ACCOUNT);

	if (!copy)
		return NULL;
	refcount_inc(&bus_body(skb)->ref);
	bus_files_get(BUSCB(copy)->files);
	copy->destructor = skb_destruct;
	return copy;
}

static struct sk_buff *alloc(size_t linear, size_t paged)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(linear, paged, PAGE_ORDER_MAX, &err,
				   GFP_KERNEL_ACCOUNT);
	return skb ?: ERR_PTR(err);
}

static void set_paged(struct sk_buff *skb, size_t paged)
{
	skb->data_len = paged;
	skb->len += paged;
}

/* The rest of a long message, in a list of skbs behind the first. */
static int add_chunks(struct sk_buff *skb, size_t len)
{
	struct sk_buff **tail = &skb_shinfo(skb)->frag_list, *chunk;
	size_t n;

	for (; len; len -= n) {
		n = min(len, CHUNK_MAX);
		chunk = alloc(0, n);
		if (IS_ERR(chunk))
			return PTR_ERR(chunk);
		set_paged(chunk, n);
		skb->len += n;
		skb->data_len += n;
		skb->truesize += chunk->truesize;
		*tail = chunk;
		tail = &chunk->next;
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static struct sk_buff *skb_new(size_t len)
{
	size_t linear = len > LINEAR_MAX ? 0 : len;
	size_t paged = min(len - linear, CHUNK_MAX);
	struct sk_buff *skb;
	int err;

	skb = alloc(BODY_LEN + linear, paged);
	if (IS_ERR(skb))
		return skb;
	BUILD_BUG_ON(__alignof__(struct bus_body) > ARCH_KMALLOC_MINALIGN);
	skb_reserve(skb, BODY_LEN);
	skb_put(skb, linear);
	set_paged(skb, paged);
	err = add_chunks(skb, len - linear - paged);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}

struct sk_buff *native_skb_new(struct bus_sock *bs, struct msghdr *msg,
			       size_t len)
{
	struct sk_buff *skb = skb_new(len);
	int err;

	if (IS_ERR(skb))
		return skb;
	err = charge(skb, bs);
	if (!err)
		err = skb_copy_datagram_from_iter(skb, 0, &msg->msg_iter, len);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}
