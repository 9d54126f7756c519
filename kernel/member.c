// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members: sockets of the family on a bus whose ports are its protocol's
 * (struct bus_member_ops). What the protocol does not do is here: connecting,
 * and waiting.
 *
 * The master has no socket of a member's. What accept() brings it is a card: it
 * tells who has connected (SO_PEERCRED and its like, getpeername()), and is
 * closed then; the member stays.
 */
#include "native.h"

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

static const struct bus_member_ops *ops_of(const struct bus_sock *bs)
{
	return bs->bus->proto->member;
}

int member_connect(struct bus_sock *bs, struct bus_sock *card, struct bus *bus)
{
	struct bus_port *p;

	p = bus->proto->member->new(bus, &bs->sk, current_euid(),
				    task_tgid(current));
	if (IS_ERR(p))
		return PTR_ERR(p);
	bus_port_get(p);
	bs->member = p;
	card->member = p;
	/* Counted by the port. */
	bs->bus = bus;
	card->bus = bus;
	return 0;
}

void member_put(struct bus_sock *bs)
{
	if (bs->role == BUS_ROLE_MEMBER)
		ops_of(bs)->release(bs->member);
	bus_port_put(bs->member);
}

/* ---- waiting ---- */

__poll_t member_poll(struct bus_sock *bs)
{
	__poll_t mask = ops_of(bs)->poll(bs->member);

	if (mask & EPOLLOUT)
		return mask;
	set_bit(BUS_SOCK_NOSPACE, &bs->flags);
	/* Pairs with bus_write_space(). */
	smp_mb();
	return ops_of(bs)->poll(bs->member);
}

/* Until poll() says one of @events, or that it is over. */
static int wait_for(struct bus_sock *bs, __poll_t events, long *timeo)
{
	struct sock *sk = &bs->sk;
	DEFINE_WAIT_FUNC(reader, native_wake_reader);
	DEFINE_WAIT(writer);
	bool read = events & EPOLLIN;
	struct wait_queue_entry *w = read ? &reader : &writer;
	int err = 0;

	if (!*timeo)
		return -EAGAIN;
	if (read)
		prepare_to_wait_exclusive(sk_sleep(sk), w, TASK_INTERRUPTIBLE);
	else
		prepare_to_wait(sk_sleep(sk), w, TASK_INTERRUPTIBLE);
	if (!(member_poll(bs) & (events | EPOLLHUP | EPOLLERR))) {
		if (signal_pending(current))
			err = sock_intr_errno(*timeo);
		else
			*timeo = schedule_timeout(*timeo);
	}
	finish_wait(sk_sleep(sk), w);
	/* One of many readers was woken for a message; if it goes away, it is
	 * another's. */
	if (err && read && member_poll(bs) & EPOLLIN)
		sk->sk_data_ready(sk);
	return err;
}

/* ---- data ---- */

int member_sendmsg(struct bus_sock *bs, struct msghdr *msg, size_t len)
{
	long timeo = sock_sndtimeo(&bs->sk, msg->msg_flags & MSG_DONTWAIT);
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	/* The message says where it goes. */
	if (msg->msg_namelen)
		return -EISCONN;
	do {
		err = ops_of(bs)->send(bs->member, msg, len);
		if (err != -EAGAIN)
			break;
		err = wait_for(bs, EPOLLOUT, &timeo);
	} while (!err);
	return err ?: len;
}

int member_recvmsg(struct bus_sock *bs, struct msghdr *msg, size_t size,
		   int flags)
{
	long timeo = sock_rcvtimeo(&bs->sk, flags & MSG_DONTWAIT);
	int ret;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	msg->msg_namelen = 0;
	do {
		ret = ops_of(bs)->recv(bs->member, msg, size, flags);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for(bs, EPOLLIN, &timeo);
	} while (!ret);
	return ret;
}

int member_shutdown(struct bus_sock *bs, int how)
{
	ops_of(bs)->shutdown(bs->member, how);
	return 0;
}

size_t member_bytes(struct bus_sock *bs, bool unsent)
{
	return ops_of(bs)->bytes(bs->member, unsent);
}
