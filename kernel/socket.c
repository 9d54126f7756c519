// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket API of AF_BUS: from struct proto_ops to what the socket's role
 * makes of the call.
 */
#include "native.h"
#include "compat/scm_options.h"

#include <linux/compat.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <net/scm.h>

#include <asm/ioctls.h>

struct proto bus_sk_proto = {
	.name = "BUS",
	.obj_size = sizeof(struct bus_sock),
};

static bool is_port(enum bus_role role)
{
	return role == BUS_ROLE_CLIENT || role == BUS_ROLE_END;
}

static bool is_member(const struct bus_sock *bs)
{
	return bus_role(bs) == BUS_ROLE_MEMBER;
}

/* The master's socket of a bus whose members are not sockets of the family. */
static bool is_master(const struct bus_sock *bs)
{
	return bus_role(bs) == BUS_ROLE_BUS &&
	       bs->bus->proto != &native_proto;
}

/* ---- a sock's life ---- */

/* From any kfree_skb(). */
static void bus_write_space(struct sock *sk)
{
	struct bus_sock *bs = bus_sk(sk);
	struct socket_wq *wq;

	/* Pairs with those who set the bit and then look at the room, which
	 * was made before this. */
	smp_mb();
	if (!test_and_clear_bit(BUS_SOCK_NOSPACE, &bs->flags))
		return;
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_poll(&wq->wait, EPOLLOUT |
					   EPOLLWRNORM | EPOLLWRBAND);
	sk_wake_async(sk, SOCK_WAKE_SPACE, POLL_OUT);
	rcu_read_unlock();
}

static void bus_destruct(struct sock *sk)
{
	native_filter_free(bus_sk(sk));
	put_cred(bus_sk(sk)->self_cred);
	put_pid(bus_sk(sk)->self_pid);
}

static void sock_setup(struct socket *sock, struct sock *sk)
{
	struct bus_sock *bs = bus_sk(sk);

	sock_init_data(sock, sk);
	sk->sk_write_space = bus_write_space;
	sk->sk_destruct = bus_destruct;
	sk->sk_allocation = GFP_KERNEL_ACCOUNT;
	scm_own_options(sk, sock);
	native_queue_init(bs);
	INIT_LIST_HEAD(&bs->sleepers);
	INIT_LIST_HEAD(&bs->pending_link);
	INIT_LIST_HEAD(&bs->joined_link);
	INIT_LIST_HEAD(&bs->tap_link);
	INIT_LIST_HEAD(&bs->addrs);
	INIT_LIST_HEAD(&bs->groups);
}

struct bus_sock *bus_sock_new(struct net *net, int type, int kern)
{
	struct sock *sk = sk_alloc(net, bus_family.family, GFP_KERNEL_ACCOUNT,
				   &bus_sk_proto, kern);

	if (!sk)
		return NULL;
	sock_setup(NULL, sk);
	sk->sk_type = type;
	return bus_sk(sk);
}

static void drop_other(struct bus_sock *bs)
{
	struct bus_sock *other;

	spin_lock(&bs->port.lock);
	other = bs->other;
	bs->other = NULL;
	spin_unlock(&bs->port.lock);
	if (other)
		bus_port_put(&other->port);
}

/* Nobody sends from it, or reads it, any more. */
static void port_release(struct bus_sock *bs)
{
	if (bs->role == BUS_ROLE_CLIENT) {
		bus_port_remove(&bs->port);
	} else {
		bus_lines_close(&bs->port);
		bus_watch_done(&bs->port);
	}
	if (cancel_delayed_work_sync(&bs->port.stall))
		bus_port_put(&bs->port);
	drop_other(bs);
	native_purge(bs);
	bus_port_put(&bs->port);
}

void bus_sock_put(struct bus_sock *bs, enum bus_reason reason)
{
	struct bus *bus = bs->bus;
	struct bus_sock *client = bs;
	bool open;

	if (bs->member) {
		member_put(bs);
		goto put_sock;
	}
	if (bs->role == BUS_ROLE_END)
		client = bs->other;
	native_end(client, reason);
	open = bs->role == BUS_ROLE_CLIENT && bus_is_open(bus);
	refcount_inc(&bus->ref);
	port_release(bs);
	if (open)
		native_open_leave(bus);
	bus_put(bus);
put_sock:
	sock_orphan(&bs->sk);
	sock_put(&bs->sk);
}

static int bus_sock_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct bus_sock *bs;

	if (!sk)
		return 0;
	bs = bus_sk(sk);
	sock->sk = NULL;
	/* A bus has taken the reference over. */
	if (bs->proto && bs->role != BUS_ROLE_BUS)
		module_put(bs->proto->owner);
	switch (bs->role) {
	case BUS_ROLE_CLIENT:
	case BUS_ROLE_MEMBER:
	case BUS_ROLE_CARD:
		bus_sock_put(bs, BUS_REASON_HANGUP);
		return 0;
	case BUS_ROLE_END:
		if (!native_return(bs))
			bus_sock_put(bs, BUS_REASON_MASTER);
		return 0;
	case BUS_ROLE_BUS:
		bus_leave(bs->bus);
		break;
	case BUS_ROLE_NONE:
		break;
	}
	sock_orphan(sk);
	sock_put(sk);
	return 0;
}

/* ---- bind and names ---- */

static int bind_open(struct bus_sock *bs, struct bus *bus)
{
	int err;

	/* The bus outlives its maker. */
	__module_get(bs->proto->owner);
	bus->sk = NULL;
	bs->creator = true;
	err = native_open_join(bs, bus);
	if (!err) {
		bs->sk.sk_state = TCP_ESTABLISHED;
		bs->sk.sk_socket->state = SS_CONNECTED;
	}
	return err;
}

static int bind_bus(struct bus_sock *bs, const struct bus_name *name)
{
	struct bus *bus;
	int err;

	err = bus_new(&bus, bs->proto, &bs->sk, name);
	if (err)
		return err;
	if (bus_is_open(bus))
		return bind_open(bs, bus);
	bs->bus = bus;
	/* Pairs with bus_role(). */
	smp_store_release(&bs->role, BUS_ROLE_BUS);
	return 0;
}

/* Of a bus whose master has gone, and that was to live on. -ENOENT: the name is
 * no bus's. */
static int bind_orphan(struct bus_sock *bs, struct bus_name *name)
{
	struct bus *bus;
	int err;

	err = bus_name_own(name);
	if (err)
		return -ENOENT;
	err = bus_take_over(&bus, bs->proto, &bs->sk, name);
	bus_name_put(name);
	if (err)
		return err;
	/* The bus has one of its own. */
	module_put(bs->proto->owner);
	bs->bus = bus;
	if (READ_ONCE(bus->listening))
		bus_master_is(&bs->sk);
	/* Pairs with bus_role(). */
	smp_store_release(&bs->role, BUS_ROLE_BUS);
	return 0;
}

static int bus_sock_bind(struct socket *sock, struct sockaddr_unsized *addr,
			 int len)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	struct bus_name name;
	int err;

	err = bus_name_parse(&name, (struct sockaddr_bus *)addr, len);
	if (err)
		return err;
	lock_sock(sock->sk);
	err = -EINVAL;
	if (bs->role != BUS_ROLE_NONE)
		goto unlock;
	err = bind_orphan(bs, &name);
	if (err != -ENOENT)
		goto unlock;
	err = bus_name_make(&name, sock);
	if (err)
		goto unlock;
	err = bind_bus(bs, &name);
unlock:
	release_sock(sock->sk);
	return err;
}

int bus_fill_name(struct sockaddr_bus *sa, const struct bus *bus, u64 addr)
{
	BUILD_BUG_ON(sizeof(*sa) > sizeof(struct sockaddr_storage));
	memset(sa, 0, sizeof(*sa));
	sa->sbus_family = bus_family.family;
	sa->sbus_addr.s_addr = addr;
	if (bus)
		memcpy(sa->sbus_path + bus->name.abstract, bus->name.name,
		       bus->name.len);
	return sizeof(*sa);
}

static int bus_sock_getname(struct socket *sock, struct sockaddr *addr,
			    int peer)
{
	struct sockaddr_bus *sa = (struct sockaddr_bus *)addr;
	struct bus_sock *bs = bus_sk(sock->sk);
	enum bus_role role = bus_role(bs);
	bool client;
	u64 own;

	if (!is_port(role) && !bs->member)
		return peer ? -ENOTCONN :
			      bus_fill_name(sa, role == BUS_ROLE_BUS ?
						bs->bus : NULL,
					    BUS_MASTER_ADDR);
	/* Of an open bus there is no other side. */
	if (peer && bus_is_open(bs->bus))
		return -ENOTCONN;
	/* The client is named at its own socket, and as the peer of the
	 * master's. */
	client = (role == BUS_ROLE_CLIENT || role == BUS_ROLE_MEMBER) != !!peer;
	own = bs->member ? bs->member->addr : bs->port.addr;
	return bus_fill_name(sa, bs->bus, client ? own : BUS_MASTER_ADDR);
}

/* ---- data ---- */

/* Is it the socket of a bus? Then somebody uses it. */
static bool is_used_master(struct bus_sock *bs)
{
	if (!is_master(bs))
		return false;
	bus_used(bs->bus);
	return true;
}

static __poll_t master_poll(struct bus *bus)
{
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;	/* sending never blocks */

	if (!list_empty_careful(&bus->mq))
		mask |= EPOLLIN | EPOLLRDNORM;
	/* Another descriptor's business, if the master wants it so. */
	if (native_pending(bus))
		mask |= EPOLLPRI | EPOLLRDBAND;
	return mask;
}

static __poll_t listener_poll(struct bus *bus)
{
	bus_used(bus);
	return native_pending(bus) ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t bus_sock_poll(struct file *file, struct socket *sock,
			      poll_table *wait)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	enum bus_role role = bus_role(bs);

	sock_poll_wait(file, sock, wait);
	if (is_port(role))
		return native_poll(bs);
	if (role == BUS_ROLE_MEMBER)
		return member_poll(bs);
	if (is_used_master(bs))
		return master_poll(bs->bus);
	if (role == BUS_ROLE_BUS)
		return listener_poll(bs->bus);
	return EPOLLOUT | EPOLLWRNORM | EPOLLHUP;
}

static int bus_sock_sendmsg(struct socket *sock, struct msghdr *msg,
			    size_t len)
{
	struct bus_sock *bs = bus_sk(sock->sk);

	if (is_port(bus_role(bs)))
		return native_sendmsg(bs, sock, msg, len);
	if (is_member(bs))
		return member_sendmsg(bs, msg, len);
	if (!is_used_master(bs))
		return -ENOTCONN;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	return bus_master_send(bs->bus, msg, len);
}

static int wait_for_item(struct sock *sk, struct bus *bus, int flags)
{
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);

	if (!timeo)
		return -EAGAIN;
	timeo = wait_event_interruptible_timeout(*sk_sleep(sk),
						 !list_empty_careful(&bus->mq),
						 timeo);
	if (timeo < 0)
		return sock_intr_errno(sk->sk_rcvtimeo);
	return timeo ? 0 : -EAGAIN;
}

static int master_recvmsg(struct sock *sk, struct bus *bus,
			  struct msghdr *msg, size_t size, int flags)
{
	int ret;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		lock_sock(sk);
		ret = bus_master_recv(bus, msg, size, flags);
		release_sock(sk);
		if (ret != -EAGAIN)
			return ret;
		ret = wait_for_item(sk, bus, flags);
	} while (!ret);
	return ret;
}

static int bus_sock_recvmsg(struct socket *sock, struct msghdr *msg,
			    size_t size, int flags)
{
	struct bus_sock *bs = bus_sk(sock->sk);

	if (is_port(bus_role(bs)))
		return native_recvmsg(bs, sock, msg, size, flags);
	if (is_member(bs))
		return member_recvmsg(bs, msg, size, flags);
	if (!is_used_master(bs))
		return -ENOTCONN;
	return master_recvmsg(sock->sk, bs->bus, msg, size, flags);
}

static int bus_sock_shutdown(struct socket *sock, int how)
{
	struct bus_sock *bs = bus_sk(sock->sk);

	/* SHUT_RD, SHUT_WR, SHUT_RDWR make RCV_SHUTDOWN, SEND_SHUTDOWN. */
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (is_member(bs))
		return member_shutdown(bs, how + 1);
	if (!is_port(bus_role(bs)))
		return -ENOTCONN;
	native_shutdown(bs, how + 1);
	return 0;
}

static int bus_sock_ioctl(struct socket *sock, unsigned int cmd,
			  unsigned long arg)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	int n;

	if (!is_port(bus_role(bs)) && !is_member(bs))
		return cmd == SIOCINQ || cmd == SIOCOUTQ ? -EINVAL :
							   -ENOIOCTLCMD;
	switch (cmd) {
	case SIOCINQ:
		n = min_t(size_t, INT_MAX, bs->member ?
			  member_bytes(bs, false) : native_next_len(bs));
		break;
	case SIOCOUTQ:
		n = min_t(size_t, INT_MAX, bs->member ?
			  member_bytes(bs, true) : sk_wmem_alloc_get(sock->sk));
		break;
	default:
		return -ENOIOCTLCMD;
	}
	return put_user(n, (int __user *)arg);
}

#ifdef CONFIG_COMPAT
static int bus_sock_compat_ioctl(struct socket *sock, unsigned int cmd,
				 unsigned long arg)
{
	return bus_sock_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
}
#endif

DEFINE_PROTO_ACCEPT(bus_proto_accept, bus_sock_accept)

static const struct proto_ops bus_sock_ops = {
	.family = AF_BUS_DEFAULT,
	.owner = THIS_MODULE,
	.release = bus_sock_release,
	.bind = bus_sock_bind,
	.connect = bus_sock_connect,
	.socketpair = sock_no_socketpair,
	.accept = bus_proto_accept,
	.getname = bus_sock_getname,
	.poll = bus_sock_poll,
	.ioctl = bus_sock_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = bus_sock_compat_ioctl,
#endif
	.gettstamp = sock_gettstamp,
	.listen = bus_sock_listen,
	.shutdown = bus_sock_shutdown,
	.setsockopt = bus_sock_setsockopt,
	.getsockopt = bus_sock_getsockopt,
	.sendmsg = bus_sock_sendmsg,
	.recvmsg = bus_sock_recvmsg,
	.mmap = sock_no_mmap,
};

struct file *bus_sock_file(struct bus_sock *bs)
{
	struct socket *sock;
	int err;

	err = sock_create_lite(bus_family.family, bs->sk.sk_type, 0, &sock);
	if (err) {
		bus_sock_put(bs, BUS_REASON_HANGUP);
		return ERR_PTR(err);
	}
	sock->ops = &bus_sock_ops;
	__module_get(sock->ops->owner);
	lock_sock(&bs->sk);
	sock_graft(&bs->sk, sock);
	scm_own_options(&bs->sk, sock);
	sock->state = SS_CONNECTED;
	release_sock(&bs->sk);
	return sock_alloc_file(sock, O_CLOEXEC, NULL);
}

static int bus_create(struct net *net, struct socket *sock, int protocol,
		      int kern)
{
	const struct bus_proto *proto;
	struct sock *sk;

	if (sock->type != SOCK_SEQPACKET && sock->type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol < 0 || (sock->type == SOCK_DGRAM && protocol))
		return -EPROTONOSUPPORT;
	proto = bus_proto_get(protocol);
	if (!proto)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, bus_family.family, GFP_KERNEL_ACCOUNT,
		      &bus_sk_proto, kern);
	if (!sk) {
		module_put(proto->owner);
		return -ENOMEM;
	}
	sock->ops = &bus_sock_ops;
	sock_setup(sock, sk);
	bus_sk(sk)->proto = proto;
	return 0;
}

struct net_proto_family bus_family = {
	.family = AF_BUS_DEFAULT,
	.create = bus_create,
	.owner = THIS_MODULE,
};
