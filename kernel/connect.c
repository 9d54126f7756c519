// SPDX-License-Identifier: GPL-2.0-only
/*
 * How clients come: listen, connect, accept; and how members of an open bus
 * do.
 */
#include "native.h"
#include "compat/scm_options.h"

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <net/scm.h>

/* ---- whom one is talking to: as it was when they met ---- */

static void cred_set(struct sock *sk, struct pid *pid, const struct cred *cred)
{
	const struct cred *old_cred;
	struct pid *old_pid;

	spin_lock(&sk->sk_peer_lock);
	old_pid = sk->sk_peer_pid;
	old_cred = sk->sk_peer_cred;
	sk->sk_peer_pid = get_pid(pid);
	sk->sk_peer_cred = get_cred(cred);
	spin_unlock(&sk->sk_peer_lock);
	put_pid(old_pid);
	put_cred(old_cred);
}

static void cred_current(struct sock *sk)
{
	cred_set(sk, task_tgid(current), current_cred());
}

/* Below mq_lock, which keeps the listening socket. */
static void cred_of_master(struct sock *sk, struct sock *master)
{
	spin_lock_nested(&sk->sk_peer_lock, SINGLE_DEPTH_NESTING);
	sk->sk_peer_pid = get_pid(master->sk_peer_pid);
	sk->sk_peer_cred = get_cred(master->sk_peer_cred);
	spin_unlock(&sk->sk_peer_lock);
}

/* ---- listen ---- */

void bus_master_is(struct sock *sk)
{
	cred_current(sk);
	sk->sk_state = TCP_LISTEN;
}

int bus_sock_listen(struct socket *sock, int backlog)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	struct bus *bus;

	if (sock->type != SOCK_SEQPACKET)
		return -EOPNOTSUPP;
	if (bus_role(bs) != BUS_ROLE_BUS)
		return -EINVAL;
	bus = bs->bus;
	lock_sock(sock->sk);
	bus_master_is(sock->sk);
	spin_lock(&bus->mq_lock);
	/* As many as may wait for the master in any other way. */
	bus->backlog = min_t(unsigned int, backlog, bus->proto->member ?
						    SOMAXCONN : bus->maxqlen);
	bus->listening = true;
	spin_unlock(&bus->mq_lock);
	sock->sk->sk_max_ack_backlog = bus->backlog;
	release_sock(sock->sk);
	wake_up_interruptible_all(&bus->connect_wq);
	return 0;
}

bool native_pending(struct bus *bus)
{
	return !list_empty_careful(&bus->returned) ||
	       !list_empty_careful(&bus->pending);
}

/* ---- connect ---- */

/* A place in the line of those to be accepted. */
static int reserve(struct bus *bus)
{
	int err = 0;

	spin_lock(&bus->mq_lock);
	if (!bus->sk || !bus->listening)
		err = -ECONNREFUSED;
	else if (bus->n_pending > bus->backlog)
		err = -EAGAIN;
	else
		WRITE_ONCE(bus->n_pending, bus->n_pending + 1);
	spin_unlock(&bus->mq_lock);
	return err;
}

static void unreserve(struct bus *bus)
{
	spin_lock(&bus->mq_lock);
	WRITE_ONCE(bus->n_pending, bus->n_pending - 1);
	spin_unlock(&bus->mq_lock);
	wake_up_interruptible(&bus->connect_wq);
}

/* First come, first served: whoever is let in leaves the next one asleep. */
static int reserve_wait(struct bus *bus, long timeo)
{
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(&bus->connect_wq, &wait,
					  TASK_INTERRUPTIBLE);
		err = reserve(bus);
		if (err != -EAGAIN || !timeo)
			break;
		if (signal_pending(current)) {
			err = sock_intr_errno(timeo);
			break;
		}
		timeo = schedule_timeout(timeo);
	}
	finish_wait(&bus->connect_wq, &wait);
	/* It may have been woken for a place that it did not take. */
	if (err)
		wake_up_interruptible(&bus->connect_wq);
	return err;
}

/* Both ends of a connection, and what they know of each other. */
static int pair(struct bus_sock *bs, struct bus_sock *end, struct bus *bus)
{
	int err;

	err = native_port_init(bs, bus, current_euid(), task_tgid(current));
	if (err)
		return err;
	err = native_port_init(end, bus, bus->uid, NULL);
	if (err)
		goto put_client;
	set_bit(BUS_PF_PATIENT, &end->port.flags);
	bus_port_get(&end->port);
	bs->other = end;
	bus_port_get(&bs->port);
	end->other = bs;
	err = bus_port_add(&bs->port);
	if (err)
		goto unpair;
	end->port.addr = bs->port.addr;
	return 0;

unpair:
	bs->other = NULL;
	bus_port_put(&end->port);
	end->other = NULL;
	bus_port_put(&bs->port);
	bus_port_put(&end->port);
put_client:
	bus_port_put(&bs->port);
	return err;
}

/* To the master, unless it has gone. */
static int announce(struct bus_sock *bs, struct bus_sock *end,
		    struct bus *bus)
{
	int err = 0;

	spin_lock(&bus->mq_lock);
	if (bus->sk) {
		cred_of_master(&bs->sk, bus->sk);
		list_add_tail(&end->pending_link, &bus->pending);
		bus->sk->sk_data_ready(bus->sk);
	} else {
		err = -ECONNREFUSED;
	}
	spin_unlock(&bus->mq_lock);
	return err;
}

static int connect_end(struct bus_sock *bs, struct bus_sock *end,
		       struct bus *bus)
{
	bool member = bus->proto->member;
	int err;

	err = member ? member_connect(bs, end, bus) : pair(bs, end, bus);
	if (err)
		return err == -ENOTCONN ? -ECONNREFUSED : err;
	cred_current(&end->sk);
	if (member) {
		bs->self_cred = get_current_cred();
		bs->self_pid = get_pid(task_tgid(current));
	}
	end->sk.sk_state = TCP_ESTABLISHED;
	/* Pairs with bus_role(): all that the roles stand for is there. */
	smp_store_release(&end->role, member ? BUS_ROLE_CARD : BUS_ROLE_END);
	/* Pairs with bus_role() as well. */
	smp_store_release(&bs->role, member ? BUS_ROLE_MEMBER :
					      BUS_ROLE_CLIENT);
	return announce(bs, end, bus);
}

/* Without the client's lock, which its end takes. */
static void unconnect(struct bus_sock *end)
{
	/* If it was a client for a moment, it was of a bus that is no more. */
	if (end->role != BUS_ROLE_NONE)
		bus_sock_put(end, BUS_REASON_ENDED);
	else
		sock_put(&end->sk);
}

/* ---- open buses ---- */

static int member_count(struct native_bus *nb, int n)
{
	bool over;

	write_lock(&nb->bus.lock);
	over = nb->bus.ended;
	if (!over)
		nb->n_members += n;
	write_unlock(&nb->bus.lock);
	return over ? -ECONNREFUSED : 0;
}

void native_open_leave(struct bus *bus)
{
	struct native_bus *nb = to_native_bus(bus);
	bool last;

	write_lock(&bus->lock);
	last = !--nb->n_members && !bus->ended;
	if (last)
		bus->ended = true;
	write_unlock(&bus->lock);
	if (last)
		bus_end(bus);
}

int native_open_join(struct bus_sock *bs, struct bus *bus)
{
	int err;

	err = member_count(to_native_bus(bus), 1);
	if (err)
		return err;
	err = native_port_init(bs, bus, current_euid(), task_tgid(current));
	if (err)
		goto leave;
	err = bus_port_add(&bs->port);
	if (err)
		goto put_port;
	native_join(bs);
	/* Pairs with bus_role(). */
	smp_store_release(&bs->role, BUS_ROLE_CLIENT);
	return 0;

put_port:
	bus_port_put(&bs->port);
leave:
	native_open_leave(bus);
	return err;
}

/* ---- */

static int may_connect(const struct bus_sock *bs, const struct bus *bus)
{
	if (bus_role(bs) == BUS_ROLE_BUS)
		return -EINVAL;
	if (bus_role(bs) != BUS_ROLE_NONE)
		return -EISCONN;
	if (bus->type != bs->sk.sk_type || bus->proto != bs->proto)
		return -EPROTOTYPE;
	return 0;
}

static int connect_to(struct socket *sock, struct bus *bus,
		      struct bus_sock *end)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	int err;

	lock_sock(sock->sk);
	err = may_connect(bs, bus);
	if (!err)
		err = end ? connect_end(bs, end, bus) :
			    native_open_join(bs, bus);
	if (!err) {
		sock->state = SS_CONNECTED;
		sock->sk->sk_state = TCP_ESTABLISHED;
	}
	release_sock(sock->sk);
	return err;
}

static int connect_master(struct socket *sock, struct bus *bus)
{
	struct bus_sock *end;
	int err;

	end = bus_sock_new(read_pnet(&bus->net), SOCK_SEQPACKET, 0);
	if (!end)
		return -ENOMEM;
	err = connect_to(sock, bus, end);
	if (err)
		unconnect(end);
	return err;
}

/* The master may take its time, and the socket's lock is not held meanwhile:
 * what another thread does with the socket shall not wait for the master, too.
 * The other thread may even connect it. */
static int connect_waiting(struct socket *sock, struct bus *bus, int flags)
{
	int err;

	err = may_connect(bus_sk(sock->sk), bus);
	if (!err)
		err = reserve_wait(bus, sock_sndtimeo(sock->sk,
						      flags & O_NONBLOCK));
	if (err)
		return err;
	err = connect_master(sock, bus);
	if (err)
		unreserve(bus);
	return err;
}

int bus_sock_connect(struct socket *sock, struct sockaddr_unsized *addr,
		     int len, int flags)
{
	struct bus_name name;
	struct bus *bus;
	int err;

	err = bus_name_parse(&name, (struct sockaddr_bus *)addr, len);
	if (!err)
		err = bus_name_find(&name);
	if (err)
		return err;
	err = bus_find(&bus, sock_net(sock->sk), &name);
	bus_name_put(&name);
	if (err)
		return err;
	err = bus_is_open(bus) ? connect_to(sock, bus, NULL) :
				 connect_waiting(sock, bus, flags);
	bus_put(bus);
	return err;
}

/* ---- accept ---- */

/* Its master has said so, or there is nothing to be had of it, or to be said to
 * it, any more. Half an end is not: a client that sends no more reads still. */
static bool is_over(const struct bus_sock *end)
{
	return test_bit(BUS_SOCK_SHUT, &end->flags) ||
	       test_bit(BUS_PF_ENDED, &end->port.flags) ||
	       READ_ONCE(end->sk.sk_shutdown) == SHUTDOWN_MASK;
}

bool native_return(struct bus_sock *end)
{
	struct bus *bus = end->bus;
	bool live;

	if (!READ_ONCE(bus->persist_ms) || is_over(end))
		return false;
	/* What nobody sends makes nobody wait. */
	bus_watch_done(&end->port);
	sock_orphan(&end->sk);
	spin_lock(&bus->mq_lock);
	/* Without, nobody would drop it either: bus_pending_drop() follows. */
	live = bus->sk;
	if (live) {
		end->returns++;
		end->returned_at = ktime_get();
		list_add_tail(&end->pending_link, &bus->returned);
		bus->n_returned++;
		bus->sk->sk_data_ready(bus->sk);
	}
	spin_unlock(&bus->mq_lock);
	return live;
}

/* Below mq_lock. */
static struct bus_sock *take_first(struct list_head *line, unsigned int *n)
{
	struct bus_sock *end;

	end = list_first_entry_or_null(line, struct bus_sock, pending_link);
	if (end) {
		list_del_init(&end->pending_link);
		WRITE_ONCE(*n, *n - 1);
	}
	return end;
}

static struct bus_sock *pending_take(struct bus *bus)
{
	struct bus_sock *end;

	spin_lock(&bus->mq_lock);
	end = take_first(&bus->returned, &bus->n_returned) ?:
	      take_first(&bus->pending, &bus->n_pending);
	spin_unlock(&bus->mq_lock);
	if (end)
		wake_up_interruptible(&bus->connect_wq);
	return end;
}

static int pending_wait(struct sock *sk, struct bus *bus, long *timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
	if (!native_pending(bus)) {
		if (!*timeo)
			err = -EAGAIN;
		else if (signal_pending(current))
			err = sock_intr_errno(*timeo);
		else
			*timeo = schedule_timeout(*timeo);
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

/* It has no descriptor yet. */
static void end_is_of(struct bus_sock *end, const struct bus *bus)
{
	WRITE_ONCE(end->port.pid, READ_ONCE(bus->pid));
	if (end->returns)
		end->away_us = ktime_us_delta(ktime_get(), end->returned_at);
}

int bus_sock_accept(struct socket *sock, struct socket *newsock,
		    struct proto_accept_arg *arg)
{
	struct bus_sock *bs = bus_sk(sock->sk), *end;
	struct bus *bus;
	long timeo;
	int err;

	if (sock->type != SOCK_SEQPACKET)
		return -EOPNOTSUPP;
	if (bus_role(bs) != BUS_ROLE_BUS || !READ_ONCE(bs->bus->listening))
		return -EINVAL;
	bus = bs->bus;
	bus_used(bus);
	timeo = sock_rcvtimeo(sock->sk, arg->flags & O_NONBLOCK);
	while (!(end = pending_take(bus))) {
		err = pending_wait(sock->sk, bus, &timeo);
		if (err)
			return err;
	}
	if (end->member)
		clear_bit(BUS_PF_NEW, &end->member->flags);
	else
		end_is_of(end, bus);
	lock_sock(&end->sk);
	sock_reset_flag(&end->sk, SOCK_DEAD);
	sock_graft(&end->sk, newsock);
	scm_own_options(&end->sk, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(&end->sk);
	return 0;
}

struct file *bus_card_file(struct bus_port *p, struct sock *sk)
{
	struct bus_sock *client = bus_sk(sk), *card;

	card = bus_sock_new(sock_net(sk), SOCK_SEQPACKET, 0);
	if (!card)
		return ERR_PTR(-ENOMEM);
	bus_port_get(p);
	card->member = p;
	card->bus = p->bus;
	cred_set(&card->sk, client->self_pid, client->self_cred);
	card->sk.sk_state = TCP_ESTABLISHED;
	/* Pairs with bus_role(). */
	smp_store_release(&card->role, BUS_ROLE_CARD);
	return bus_sock_file(card);
}
EXPORT_SYMBOL_GPL(bus_card_file);

void bus_pending_drop(struct bus *bus)
{
	struct bus_sock *end;

	while ((end = pending_take(bus)))
		bus_sock_put(end, BUS_REASON_ENDED);
	wake_up_interruptible_all(&bus->connect_wq);
}
EXPORT_SYMBOL_GPL(bus_pending_drop);
