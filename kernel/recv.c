// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a native socket receives: from its queue to recvmsg().
 */
#include "native.h"

#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <net/scm.h>

static bool over(const struct bus_sock *bs)
{
	return READ_ONCE(bs->sk.sk_shutdown) & RCV_SHUTDOWN;
}

static bool readable(const struct bus_sock *bs)
{
	return READ_ONCE(bs->n_msgs) || over(bs);
}

/* ---- waiting ---- */

int native_wake_reader(struct wait_queue_entry *wait, unsigned int mode,
		       int sync, void *key)
{
	if (key && !(key_to_poll(key) & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return 0;
	return autoremove_wake_function(wait, mode, sync, key);
}

static int wait_readable(struct bus_sock *bs, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, native_wake_reader);
	struct sock *sk = &bs->sk;
	int err = 0;

	if (!*timeo)
		return -EAGAIN;
	prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
	if (!readable(bs)) {
		if (signal_pending(current))
			err = sock_intr_errno(*timeo);
		else
			*timeo = schedule_timeout(*timeo);
	}
	finish_wait(sk_sleep(sk), &wait);
	/* One of many readers was woken for a message; if it goes away, it is
	 * another's. */
	if (err && readable(bs))
		sk->sk_data_ready(sk);
	return err;
}

/* NULL with @err 0: there will be no more. */
static struct sk_buff *pull(struct bus_sock *bs, int flags,
			    struct bus_files **files, int *err)
{
	long timeo = sock_rcvtimeo(&bs->sk, flags & MSG_DONTWAIT);
	struct sk_buff *skb;
	bool last;

	*err = 0;
	do {
		last = over(bs);
		/* In this order: the end is shown after what was committed
		 * before it, by shut(), which has taken locks since. */
		smp_rmb();
		skb = native_pull(bs, flags & MSG_PEEK, files);
		if (skb || last)
			return skb;
		*err = wait_readable(bs, &timeo);
	} while (!*err);
	return NULL;
}

/* ---- handing over ---- */

static void give_info(struct bus_sock *bs, struct msghdr *msg,
		      struct bus_info *info)
{
	if (READ_ONCE(bs->pass_info))
		put_cmsg(msg, SOL_BUS, BUS_INFO, sizeof(*info), info);
}

static int at_end(struct bus_sock *bs, struct msghdr *msg)
{
	struct bus_info info = {
		.kind = BUS_KIND_CLOSED,
		.reason = READ_ONCE(bs->port.reason),
		.addr = bs->port.addr,
	};

	msg->msg_namelen = 0;
	if (test_bit(BUS_PF_ENDED, &bs->port.flags))
		give_info(bs, msg, &info);
	return native_cause(bs);
}

static void give_scm(struct socket *sock, struct msghdr *msg,
		     const struct sk_buff *skb, struct bus_files *files,
		     int flags)
{
	const struct bus_body *b = bus_body(skb);
	struct scm_cookie scm = { };

	scm_set_cred(&scm, b->pid, b->uid, b->gid);
#ifdef CONFIG_SECURITY_NETWORK
	scm.secid = b->secid;
#endif
	if (files)
		scm.fp = bus_files_list(files);
	if (READ_ONCE(BUSCB(skb)->files_lost) || (files && !scm.fp))
		msg->msg_flags |= MSG_CTRUNC;
	scm_recv_all(sock, msg, &scm, flags);
}

static void give_meta(struct bus_sock *bs, struct socket *sock,
		      struct msghdr *msg, struct sk_buff *skb,
		      struct bus_files *files, int flags)
{
	const struct bus_body *b = bus_body(skb);
	struct bus_info info = {
		.kind = BUS_KIND_MESSAGE,
		.seq = b->seq,
		.addr = b->from,
		.to = b->to,
	};

	if (msg->msg_name)
		msg->msg_namelen = bus_fill_name(msg->msg_name, bs->bus,
						 b->from);
	sock_recv_timestamp(msg, &bs->sk, skb);
	give_info(bs, msg, &info);
	give_scm(sock, msg, skb, files, flags);
}

int native_recvmsg(struct bus_sock *bs, struct socket *sock,
		   struct msghdr *msg, size_t size, int flags)
{
	struct bus_files *files;
	struct sk_buff *skb;
	size_t len, n;
	int err;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	skb = pull(bs, flags, &files, &err);
	if (!skb)
		return err ?: at_end(bs, msg);
	len = BUSCB(skb)->len;
	n = min(len, size);
	err = skb_copy_datagram_msg(skb, 0, msg, n);
	if (err) {
		if (flags & MSG_PEEK)
			kfree_skb(skb);
		else
			native_unpull(bs, skb);
		bus_files_put(files);
		return err;
	}
	if (len > size)
		msg->msg_flags |= MSG_TRUNC;
	give_meta(bs, sock, msg, skb, files, flags);
	consume_skb(skb);
	bus_files_put(files);
	return flags & MSG_TRUNC ? len : n;
}

__poll_t native_poll(struct bus_sock *bs)
{
	const struct sock *sk = &bs->sk;
	u8 shutdown = READ_ONCE(sk->sk_shutdown);
	__poll_t mask = 0;

	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	if (shutdown == SHUTDOWN_MASK)
		mask |= EPOLLHUP;
	if (shutdown & RCV_SHUTDOWN)
		mask |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(bs->n_msgs))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (native_can_send(bs))
		return mask | EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	set_bit(BUS_SOCK_NOSPACE, &bs->flags);
	/* Pairs with bus_write_space(). */
	smp_mb();
	if (native_can_send(bs))
		mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return mask;
}
