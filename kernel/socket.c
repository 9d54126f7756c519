// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket API of AF_BUS. Here it is the master's end alone: bind() makes
 * the bus, release() ends it. lock_sock() covers the state of the socket and
 * makes readers take turns.
 */
#include "bus.h"

#include <linux/net.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define UPDATE_MAX (16U << 20)

struct bus_sock {
	struct sock sk;			/* must be first */
	const struct bus_proto *proto;	/* module held until the bus has it */
	struct bus *bus;		/* set once, by bind() */
};

static inline struct bus_sock *bus_sk(const struct sock *sk)
{
	return (struct bus_sock *)sk;
}

struct proto bus_sk_proto = {
	.name = "BUS",
	.obj_size = sizeof(struct bus_sock),
};

/* Set once below the socket lock, never unset while the socket is open. */
static struct bus *sock_bus(struct socket *sock)
{
	return smp_load_acquire(&bus_sk(sock->sk)->bus);
}

static int bus_sock_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct bus *bus;

	if (!sk)
		return 0;
	bus = bus_sk(sk)->bus;
	if (bus)
		bus_end(bus);
	else
		module_put(bus_sk(sk)->proto->owner);
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

static int bind_name(struct sockaddr *addr, int len, const char **name,
		     unsigned int *name_len)
{
	struct sockaddr_bus *sa = (struct sockaddr_bus *)addr;
	int n = len - (int)offsetof(struct sockaddr_bus, sbus_path);

	if (n < 2 || len > sizeof(*sa))
		return -EINVAL;
	n = min(n, BUS_PATH_MAX);	/* the struct ends in padding */
	if (sa->sbus_family != bus_family.family)
		return -EAFNOSUPPORT;
	/* Native clients, who would connect to a file, come with listen(). */
	if (sa->sbus_path[0])
		return -EOPNOTSUPP;
	*name = sa->sbus_path + 1;
	*name_len = strnlen(*name, n - 1);
	return *name_len ? 0 : -EINVAL;
}

static int bus_sock_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	struct sock *sk = sock->sk;
	struct bus_sock *bs = bus_sk(sk);
	struct bus *bus;
	unsigned int n;
	const char *name;
	int err;

	err = bind_name(addr, len, &name, &n);
	if (err)
		return err;
	lock_sock(sk);
	if (bs->bus) {
		err = -EINVAL;
	} else {
		err = bus_new(&bus, bs->proto, sk, name, n);
		if (!err)
			smp_store_release(&bs->bus, bus);
	}
	release_sock(sk);
	return err;
}

static int bus_sock_getname(struct socket *sock, struct sockaddr *addr,
			    int peer)
{
	struct sockaddr_bus *sa = (struct sockaddr_bus *)addr;
	struct bus *bus = sock_bus(sock);

	if (peer)
		return -ENOTCONN;
	memset(sa, 0, sizeof(*sa));
	sa->sbus_family = bus_family.family;
	if (bus)
		memcpy(sa->sbus_path + 1, bus->name, bus->name_len);
	return sizeof(*sa);
}

static __poll_t bus_sock_poll(struct file *file, struct socket *sock,
			      poll_table *wait)
{
	struct bus *bus = sock_bus(sock);
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;	/* sending never blocks */

	sock_poll_wait(file, sock, wait);
	if (bus && !list_empty_careful(&bus->mq))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static int bus_sock_sendmsg(struct socket *sock, struct msghdr *msg,
			    size_t len)
{
	struct bus *bus = sock_bus(sock);

	if (!bus)
		return -ENOTCONN;
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	return bus_master_send(bus, msg, len);
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

static int bus_sock_recvmsg(struct socket *sock, struct msghdr *msg,
			    size_t size, int flags)
{
	struct bus *bus = sock_bus(sock);
	struct sock *sk = sock->sk;
	int ret;

	if (!bus)
		return -ENOTCONN;
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

static int set_limits(struct bus *bus, sockptr_t val, unsigned int len)
{
	struct bus_limits l;

	if (len != sizeof(l))
		return -EINVAL;
	if (copy_from_sockptr(&l, val, sizeof(l)))
		return -EFAULT;
	return bus_set_limits(bus, &l);
}

static int update(struct bus *bus, sockptr_t val, unsigned int len)
{
	void *recs;
	int err;

	if (len > UPDATE_MAX)
		return -E2BIG;
	recs = kvmalloc(max(len, 1U), GFP_KERNEL_ACCOUNT);
	if (!recs)
		return -ENOMEM;
	if (copy_from_sockptr(recs, val, len))
		err = -EFAULT;
	else
		err = bus->proto->update(bus, recs, len);
	kvfree(recs);
	return err;
}

static int bus_sock_setsockopt(struct socket *sock, int level, int name,
			       sockptr_t val, unsigned int len)
{
	struct bus *bus = sock_bus(sock);

	if (level != SOL_BUS)
		return -ENOPROTOOPT;
	if (!bus)
		return -ENOTCONN;
	switch (name) {
	case BUS_LIMITS:
		return set_limits(bus, val, len);
	case BUS_UPDATE:
		return update(bus, val, len);
	default:
		return -ENOPROTOOPT;
	}
}

static int get_version(struct bus *bus, void *arg)
{
	*(u32 *)arg = BUS_ABI_VERSION;
	return 0;
}

static int get_limits(struct bus *bus, void *arg)
{
	struct bus_limits *l = arg;

	read_lock(&bus->lock);
	*l = bus->limits;
	read_unlock(&bus->lock);
	return 0;
}

static int get_attach(struct bus *bus, void *arg)
{
	return bus->proto->attach(bus, arg);
}

static int get_port_stats(struct bus *bus, void *arg)
{
	struct bus_port_stats *st = arg;
	struct bus_port *p = bus_port_lookup(bus, st->addr);

	if (!p)
		return -ENOENT;
	bus_port_stats(p, st);
	bus_port_put(p);
	return 0;
}

static int get_stats(struct bus *bus, void *arg)
{
	bus_stats(bus, arg);
	return 0;
}

static const struct {
	int name;
	unsigned int size;
	bool in;		/* the caller's bytes count */
	int (*get)(struct bus *bus, void *arg);
} getters[] = {
	{ BUS_VERSION, sizeof(u32), false, get_version },
	{ BUS_LIMITS, sizeof(struct bus_limits), false, get_limits },
	{ BUS_ATTACH, sizeof(struct bus_attach), true, get_attach },
	{ BUS_PORT_STATS, sizeof(struct bus_port_stats), true, get_port_stats },
	{ BUS_STATS, sizeof(struct bus_stats), false, get_stats },
};

union get_arg {
	u32 version;
	struct bus_limits limits;
	struct bus_attach attach;
	struct bus_port_stats port_stats;
	struct bus_stats stats;
};

static int run_getter(struct bus *bus, unsigned int i, char __user *val)
{
	union get_arg arg = { };
	int err;

	if (getters[i].in && copy_from_user(&arg, val, getters[i].size))
		return -EFAULT;
	err = getters[i].get(bus, &arg);
	if (err)
		return err;
	return copy_to_user(val, &arg, getters[i].size) ? -EFAULT : 0;
}

static int bus_sock_getsockopt(struct socket *sock, int level, int name,
			       char __user *val, int __user *optlen)
{
	struct bus *bus = sock_bus(sock);
	unsigned int i;
	int len;

	if (level != SOL_BUS)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	for (i = 0; i < ARRAY_SIZE(getters); i++)
		if (getters[i].name == name)
			break;
	if (i == ARRAY_SIZE(getters))
		return -ENOPROTOOPT;
	if (len != getters[i].size)
		return -EINVAL;
	/* The version can be asked for before there is a bus. */
	if (!bus && name != BUS_VERSION)
		return -ENOTCONN;
	return run_getter(bus, i, val);
}

static const struct proto_ops bus_sock_ops = {
	.family = AF_BUS_DEFAULT,
	.owner = THIS_MODULE,
	.release = bus_sock_release,
	.bind = bus_sock_bind,
	.connect = sock_no_connect,
	.socketpair = sock_no_socketpair,
	.accept = sock_no_accept,
	.getname = bus_sock_getname,
	.poll = bus_sock_poll,
	.ioctl = sock_no_ioctl,
	.gettstamp = sock_gettstamp,
	.listen = sock_no_listen,
	.shutdown = sock_no_shutdown,
	.setsockopt = bus_sock_setsockopt,
	.getsockopt = bus_sock_getsockopt,
	.sendmsg = bus_sock_sendmsg,
	.recvmsg = bus_sock_recvmsg,
	.mmap = sock_no_mmap,
};

static int bus_create(struct net *net, struct socket *sock, int protocol,
		      int kern)
{
	const struct bus_proto *proto;
	struct sock *sk;

	if (sock->type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	if (protocol < 0)
		return -EPROTONOSUPPORT;
	proto = bus_proto_get(protocol);
	if (!proto)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, bus_family.family, GFP_KERNEL, &bus_sk_proto, kern);
	if (!sk) {
		module_put(proto->owner);
		return -ENOMEM;
	}
	sock_init_data(sock, sk);
	sock->ops = &bus_sock_ops;
	bus_sk(sk)->proto = proto;
	bus_sk(sk)->bus = NULL;
	return 0;
}

struct net_proto_family bus_family = {
	.family = AF_BUS_DEFAULT,
	.create = bus_create,
	.owner = THIS_MODULE,
};
