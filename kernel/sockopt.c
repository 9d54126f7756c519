// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket options at level SOL_BUS. A table says whose each is: that of the
 * bus's socket, of the master's end of a client (on an open bus: of each
 * member), of any port.
 */
#include "native.h"
#include "compat/scm_options.h"

#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/scm.h>

#define UPDATE_MAX (16U << 20)
#define SENDBUF_MIN 2048

/* ---- of the bus's socket ---- */

static int set_limits(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct bus_limits l;

	if (len != sizeof(l))
		return -EINVAL;
	if (copy_from_sockptr(&l, val, sizeof(l)))
		return -EFAULT;
	return bus_set_limits(bs->bus, &l);
}

static int set_update(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct bus *bus = bs->bus;
	void *recs;
	int err;

	if (!bus->proto->update)
		return -EOPNOTSUPP;
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

static int get_int(int *n, sockptr_t val, unsigned int len)
{
	if (len != sizeof(*n))
		return -EINVAL;
	return copy_from_sockptr(n, val, sizeof(*n)) ? -EFAULT : 0;
}

static int set_sendbuf(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	int n, err;

	err = get_int(&n, val, len);
	if (err)
		return err;
	if (n < SENDBUF_MIN || n > READ_ONCE(bs->bus->limits.message_bytes))
		return -EINVAL;
	WRITE_ONCE(bs->bus->sendbuf, n);
	return 0;
}

static int set_maxqlen(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	int n, err;

	err = get_int(&n, val, len);
	if (err)
		return err;
	if (n < 0 || n > BUS_MAXQLEN_LIMIT)
		return -EINVAL;
	WRITE_ONCE(bs->bus->maxqlen, n);
	return 0;
}

/* ---- of the master's end, about its client ---- */

/* The client that the caller has power over; it is there as long as the
 * caller's own file is. */
static struct bus_sock *subject(struct bus_sock *bs)
{
	return bs->role == BUS_ROLE_END ? bs->other : bs;
}

static int get_joined(struct bus_sock *bs, void *arg)
{
	bool joined, taps;
	int err = native_standing(subject(bs), &joined, &taps);

	*(u32 *)arg = joined;
	return err;
}

static int get_taps(struct bus_sock *bs, void *arg)
{
	bool joined, taps;
	int err = native_standing(subject(bs), &joined, &taps);

	*(u32 *)arg = taps;
	return err;
}

static int get_addr(u64 *addr, sockptr_t val, unsigned int len)
{
	struct bus_addr a;

	if (len != sizeof(a))
		return -EINVAL;
	if (copy_from_sockptr(&a, val, sizeof(a)))
		return -EFAULT;
	*addr = a.s_addr;
	return 0;
}

static int set_add_addr(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	u64 addr;

	return get_addr(&addr, val, len) ?: native_addr_add(subject(bs), addr);
}

static int set_del_addr(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	u64 addr;

	return get_addr(&addr, val, len) ?: native_addr_del(subject(bs), addr);
}

static int set_join(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	return native_join(subject(bs));
}

static int set_tap(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	return native_tap(subject(bs), true);
}

static int set_untap(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	return native_tap(subject(bs), false);
}

static int set_filter(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	return native_filter_classic(subject(bs), val, len);
}

static int set_filter_bpf(struct bus_sock *bs, sockptr_t val,
			  unsigned int len)
{
	return native_filter_bpf(subject(bs), val, len);
}

/* ---- of any port ---- */

static int set_policy(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct bus *bus = bs->bus;

	return bus->proto->policy ? bus->proto->policy(bus, val, len) :
				    -EOPNOTSUPP;
}

#define PERSIST_MAX 3600000U

static int set_persist(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	u32 ms;

	if (!bs->bus->proto->persists)
		return -EOPNOTSUPP;
	if (len != sizeof(ms))
		return -EINVAL;
	if (copy_from_sockptr(&ms, val, sizeof(ms)))
		return -EFAULT;
	if (ms > PERSIST_MAX)
		return -EINVAL;
	WRITE_ONCE(bs->bus->persist_ms, ms);
	return 0;
}

static int set_keep(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct bus_keep k;

	if (!bs->bus->proto->persists)
		return -EOPNOTSUPP;
	if (len != sizeof(k))
		return -EINVAL;
	if (copy_from_sockptr(&k, val, sizeof(k)))
		return -EFAULT;
	if (k.pad || k.fd < -1)
		return -EINVAL;
	return bus_keep(bs->bus, k.id, k.fd);
}

/* Nobody reads meanwhile. */
static int set_takeover(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	if (!bs->bus->proto->persists)
		return -EOPNOTSUPP;
	if (len)
		return -EINVAL;
	lock_sock(&bs->sk);
	bus_begin_anew(bs->bus);
	release_sock(&bs->sk);
	return 0;
}

static int set_pass_info(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	int n, err;

	err = get_int(&n, val, len);
	if (!err)
		WRITE_ONCE(bs->pass_info, n);
	return err;
}

/* ---- whose is what ---- */

enum whose {
	OF_BUS = 0x1,	/* the bound socket */
	OF_END = 0x2,	/* accepted, or a member of an open bus */
	OF_OPEN = 0x4,	/* the maker of an open bus */
	OF_PORT = 0x8,	/* any port */
	OF_NONE = 0x10,	/* not even bound */
	OF_MEMBER = 0x20, /* a client whose port is another protocol's */
	OF_MASTER = OF_BUS | OF_OPEN,
};

static unsigned int is_what(struct bus_sock *bs)
{
	unsigned int is = 0;

	switch (bus_role(bs)) {
	case BUS_ROLE_NONE:
		return OF_NONE;
	case BUS_ROLE_BUS:
		return OF_BUS;
	case BUS_ROLE_END:
		return OF_END | OF_PORT;
	case BUS_ROLE_CLIENT:
		is = OF_PORT;
		if (bs->creator)
			is |= OF_OPEN;
		break;
	case BUS_ROLE_MEMBER:
		return OF_MEMBER;
	case BUS_ROLE_CARD:
		break;
	}
	return is;
}

/* 0, or why @bs may not ask for it. */
static int check_whose(struct bus_sock *bs, unsigned int whose)
{
	enum bus_role role = bus_role(bs);

	if (is_what(bs) & whose) {
		if (role == BUS_ROLE_BUS)
			bus_used(bs->bus);
		return 0;
	}
	if (role == BUS_ROLE_NONE)
		return -ENOTCONN;
	if ((role == BUS_ROLE_CLIENT || role == BUS_ROLE_MEMBER) &&
	    !bus_is_open(bs->bus) &&
	    (whose & (OF_END | OF_BUS)))
		return -EPERM;
	return -EOPNOTSUPP;
}

static const struct {
	int name;
	unsigned int whose;
	bool open;		/* each member's own on an open bus */
	int (*set)(struct bus_sock *bs, sockptr_t val, unsigned int len);
} setters[] = {
	{ BUS_ADD_ADDR, OF_END, true, set_add_addr },
	{ BUS_JOIN_BUS, OF_END, false, set_join },
	{ BUS_DEL_ADDR, OF_END, true, set_del_addr },
	{ BUS_SET_EAVESDROP, OF_END, false, set_tap },
	{ BUS_UNSET_EAVESDROP, OF_END, false, set_untap },
	{ BUS_SET_SENDBUF, OF_MASTER, false, set_sendbuf },
	{ BUS_SET_MAXQLEN, OF_MASTER, false, set_maxqlen },
	{ BUS_LIMITS, OF_MASTER, false, set_limits },
	{ BUS_UPDATE, OF_BUS, false, set_update },
	{ BUS_POLICY, OF_BUS, false, set_policy },
	{ BUS_PERSIST, OF_BUS, false, set_persist },
	{ BUS_TAKEOVER, OF_BUS, false, set_takeover },
	{ BUS_KEEP, OF_BUS, false, set_keep },
	{ BUS_PASS_INFO, OF_PORT, false, set_pass_info },
	{ BUS_FILTER, OF_END, false, set_filter },
	{ BUS_FILTER_BPF, OF_END, false, set_filter_bpf },
};

int bus_sock_setsockopt(struct socket *sock, int level, int name,
			sockptr_t val, unsigned int len)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	unsigned int i, whose;
	int err;

	if (level == SOL_SOCKET)
		return scm_setsockopt(sock, name, val, len);
	if (level != SOL_BUS)
		return -ENOPROTOOPT;
	for (i = 0; i < ARRAY_SIZE(setters); i++)
		if (setters[i].name == name)
			break;
	if (i == ARRAY_SIZE(setters))
		return -ENOPROTOOPT;
	whose = setters[i].whose;
	if (setters[i].open && sock->type == SOCK_DGRAM)
		whose |= OF_PORT;
	err = check_whose(bs, whose);
	return err ?: setters[i].set(bs, val, len);
}

/* ---- get ---- */

static int get_version(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = BUS_ABI_VERSION;
	return 0;
}

static int get_features(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = BUS_FEATURE_QUEUES | BUS_FEATURE_WATCH |
		      BUS_FEATURE_MEMBERS | BUS_FEATURE_PERSIST |
		      BUS_FEATURE_ABOUT | BUS_FEATURE_SLOW |
		      BUS_FEATURE_RETURN;
	return 0;
}

static int get_sendbuf(struct bus_sock *bs, void *arg)
{
	/* The system's default is what the master's own socket began with. */
	*(u32 *)arg = READ_ONCE(bs->bus->sendbuf) ?:
		      READ_ONCE(bs->sk.sk_sndbuf);
	return 0;
}

static int get_maxqlen(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = READ_ONCE(bs->bus->maxqlen);
	return 0;
}

static int get_limits(struct bus_sock *bs, void *arg)
{
	struct bus_limits *l = arg;

	read_lock(&bs->bus->lock);
	*l = bs->bus->limits;
	read_unlock(&bs->bus->lock);
	return 0;
}

static int get_attach(struct bus_sock *bs, void *arg)
{
	struct bus *bus = bs->bus;

	return bus->proto->attach ? bus->proto->attach(bus, arg) : -EOPNOTSUPP;
}

static struct bus_port *port_of(struct bus_sock *bs)
{
	return bs->member ?: &bs->port;
}

/* Of itself, or of whom the master asks for. */
static int get_port_stats(struct bus_sock *bs, void *arg)
{
	struct bus_port_stats *st = arg;
	struct bus_port *p;

	if (bs->role != BUS_ROLE_BUS) {
		bus_port_stats(port_of(bs), st);
		return 0;
	}
	p = bus_port_lookup(bs->bus, st->addr);
	if (!p)
		return -ENOENT;
	bus_port_stats(p, st);
	bus_port_put(p);
	return 0;
}

static int get_port_queues(struct bus_sock *bs, void *arg)
{
	struct bus_port_queues *q = arg;
	struct bus_port *p;
	int err = -EOPNOTSUPP;

	p = bus_port_lookup(bs->bus, q->addr);
	if (!p)
		return -ENOENT;
	memset(q, 0, sizeof(*q));
	q->addr = p->addr;
	if (p->ops->queues) {
		p->ops->queues(p, q);
		err = 0;
	}
	bus_port_put(p);
	return err;
}

static int get_stats(struct bus_sock *bs, void *arg)
{
	bus_stats(bs->bus, arg);
	return 0;
}

static int get_ruling(struct bus_sock *bs, void *arg)
{
	struct bus *bus = bs->bus;

	return bus->proto->ruling ? bus->proto->ruling(bus, arg) : -EOPNOTSUPP;
}

static int get_persist(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = READ_ONCE(bs->bus->persist_ms);
	return 0;
}

/* Of an end it is how often, and for how long, nobody had it. */
static int get_outage(struct bus_sock *bs, void *arg)
{
	struct bus_outage *o = arg;

	if (bs->role == BUS_ROLE_END) {
		o->takeovers = bs->returns;
		o->last_us = bs->away_us;
		o->waiting = READ_ONCE(bs->n_msgs);
		return 0;
	}
	bus_outage(bs->bus, o);
	return 0;
}

static int get_pass_info(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = READ_ONCE(bs->pass_info);
	return 0;
}

static int get_reason(struct bus_sock *bs, void *arg)
{
	*(u32 *)arg = READ_ONCE(port_of(bs)->reason);
	return 0;
}

static const struct {
	int name;
	unsigned int size;
	bool in;		/* the caller's bytes count */
	unsigned int whose;
	int (*get)(struct bus_sock *bs, void *arg);
} getters[] = {
	{ BUS_SET_SENDBUF, sizeof(u32), false, OF_MASTER, get_sendbuf },
	{ BUS_SET_MAXQLEN, sizeof(u32), false, OF_MASTER, get_maxqlen },
	{ BUS_VERSION, sizeof(u32), false,
	  OF_BUS | OF_PORT | OF_MEMBER | OF_NONE, get_version },
	{ BUS_FEATURES, sizeof(u32), false,
	  OF_BUS | OF_PORT | OF_MEMBER | OF_NONE, get_features },
	{ BUS_LIMITS, sizeof(struct bus_limits), false,
	  OF_BUS | OF_PORT | OF_MEMBER, get_limits },
	{ BUS_ATTACH, sizeof(struct bus_attach), true, OF_BUS, get_attach },
	{ BUS_PORT_STATS, sizeof(struct bus_port_stats), true,
	  OF_BUS | OF_PORT | OF_MEMBER, get_port_stats },
	{ BUS_PORT_QUEUES, sizeof(struct bus_port_queues), true, OF_BUS,
	  get_port_queues },
	{ BUS_STATS, sizeof(struct bus_stats), false, OF_BUS | OF_END | OF_OPEN,
	  get_stats },
	{ BUS_RULING, sizeof(struct bus_info), false, OF_BUS, get_ruling },
	{ BUS_PERSIST, sizeof(u32), false, OF_BUS, get_persist },
	{ BUS_TAKEOVER, sizeof(struct bus_outage), false, OF_BUS | OF_END,
	  get_outage },
	{ BUS_JOIN_BUS, sizeof(u32), false, OF_END, get_joined },
	{ BUS_SET_EAVESDROP, sizeof(u32), false, OF_END, get_taps },
	{ BUS_PASS_INFO, sizeof(u32), false, OF_PORT, get_pass_info },
	{ BUS_REASON, sizeof(u32), false, OF_PORT | OF_MEMBER, get_reason },
};

union get_arg {
	u32 u32;
	struct bus_limits limits;
	struct bus_attach attach;
	struct bus_port_stats port_stats;
	struct bus_port_queues port_queues;
	struct bus_stats stats;
	struct bus_info info;
	struct bus_outage outage;
};

static int run_getter(struct bus_sock *bs, unsigned int i, char __user *val)
{
	union get_arg arg = { };
	int err;

	if (getters[i].in && copy_from_user(&arg, val, getters[i].size))
		return -EFAULT;
	err = getters[i].get(bs, &arg);
	if (err)
		return err;
	return copy_to_user(val, &arg, getters[i].size) ? -EFAULT : 0;
}

/* Addresses of full clients, as many as fit in @n. */
static unsigned int list_full(struct bus *bus, u64 *addrs, unsigned int n)
{
	struct bus_port *p;
	unsigned int i = 0;

	read_lock(&bus->lock);
	list_for_each_entry(p, &bus->port_list, link) {
		if (i == n)
			break;
		if (!test_bit(BUS_PF_ENDED, &p->flags) &&
		    native_full(port_sk(p)))
			addrs[i++] = p->addr;
	}
	read_unlock(&bus->lock);
	return i;
}

static int get_qlenfull(struct bus_sock *bs, char __user *val, int len,
			int __user *optlen)
{
	struct bus *bus = bs->bus;
	unsigned int n = len / sizeof(u64);
	u64 *addrs;
	int err = 0;

	if (bus->proto != &native_proto)
		return -EOPNOTSUPP;
	n = min_t(u64, n, READ_ONCE(bus->n_ports));
	addrs = kvmalloc_array(max(n, 1U), sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!addrs)
		return -ENOMEM;
	n = list_full(bus, addrs, n);
	if (copy_to_user(val, addrs, n * sizeof(u64)) ||
	    put_user(n * sizeof(u64), optlen))
		err = -EFAULT;
	kvfree(addrs);
	return err;
}

/* ---- what a successor asks for ---- */

static int get_addrs(struct bus_sock *bs, char __user *val, int len,
		     int __user *optlen)
{
	unsigned int room = min_t(unsigned int, len / sizeof(u64),
				  BUS_MAX_ADDRS);
	u64 *addrs;
	int n, err = 0;

	addrs = kvmalloc_array(max(room, 1U), sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!addrs)
		return -ENOMEM;
	n = native_addr_list(subject(bs), addrs, room);
	if (n < 0)
		err = n;
	else if (copy_to_user(val, addrs, n * sizeof(u64)) ||
		 put_user(n * sizeof(u64), optlen))
		err = -EFAULT;
	kvfree(addrs);
	return err;
}

static struct file *kept_file(struct bus *bus, u64 id)
{
	return bus_kept_file(bus, id) ?: ERR_PTR(-ENOENT);
}

static struct file *port_file(struct bus *bus, u64 addr)
{
	struct bus_port *p;
	struct file *file;

	if (!bus->proto->port_file)
		return ERR_PTR(-EOPNOTSUPP);
	p = bus_port_lookup(bus, addr);
	if (!p)
		return ERR_PTR(-ENOENT);
	file = bus->proto->port_file(p);
	bus_port_put(p);
	return file;
}

/* struct bus_keep and struct bus_port_file look the same. The descriptor comes
 * into being when nothing can fail any more. */
static int get_file_of(struct bus_sock *bs, int name, char __user *val, int len)
{
	struct bus_keep k;
	struct file *file;
	int fd, err = 0;

	BUILD_BUG_ON(sizeof(k) != sizeof(struct bus_port_file));
	if (!bs->bus->proto->persists)
		return -EOPNOTSUPP;
	if (len != sizeof(k))
		return -EINVAL;
	if (copy_from_user(&k, val, sizeof(k)))
		return -EFAULT;
	if (k.pad)
		return -EINVAL;
	file = name == BUS_KEEP ? kept_file(bs->bus, k.id) :
				  port_file(bs->bus, k.id);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	k.fd = fd;
	if (fd < 0)
		err = fd;
	else if (copy_to_user(val, &k, sizeof(k)))
		err = -EFAULT;
	if (!err) {
		fd_install(fd, file);
		return 0;
	}
	if (fd >= 0)
		put_unused_fd(fd);
	fput(file);
	return err;
}

#define DUMP_MAX (1U << 20)

static int get_dump(struct bus_sock *bs, char __user *val, int len,
		    int __user *optlen)
{
	struct bus *bus = bs->bus;
	struct bus_dump d;
	ssize_t n;
	void *buf;
	int err = 0;

	if (!bus->proto->dump)
		return -EOPNOTSUPP;
	if (len < sizeof(d))
		return -EINVAL;
	if (copy_from_user(&d, val, sizeof(d)))
		return -EFAULT;
	if (d.pad)
		return -EINVAL;
	len = min_t(size_t, len - sizeof(d), DUMP_MAX);
	buf = kvmalloc(max(len, 1), GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	n = bus->proto->dump(bus, buf, len, &d.cursor, &d.gen);
	d.len = max_t(ssize_t, n, 0);
	if (n < 0)
		err = n;
	else if (copy_to_user(val, &d, sizeof(d)) ||
		 copy_to_user(val + sizeof(d), buf, n) ||
		 put_user(sizeof(d) + n, optlen))
		err = -EFAULT;
	kvfree(buf);
	return err;
}

static unsigned int whose_special(const struct bus_sock *bs, int name)
{
	switch (name) {
	case BUS_ADD_ADDR:
		return bs->sk.sk_type == SOCK_DGRAM ? OF_PORT : OF_END;
	case BUS_GET_QLENFULL:
		return OF_MASTER | OF_END;
	default:
		return OF_BUS;
	}
}

/* Options whose values are no structs of one size. */
static int get_special(struct bus_sock *bs, int name, char __user *val,
		       int len, int __user *optlen)
{
	int err = check_whose(bs, whose_special(bs, name));

	if (err)
		return err;
	switch (name) {
	case BUS_ADD_ADDR:
		return get_addrs(bs, val, len, optlen);
	case BUS_GET_QLENFULL:
		return get_qlenfull(bs, val, len, optlen);
	case BUS_DUMP:
		return get_dump(bs, val, len, optlen);
	default:
		return get_file_of(bs, name, val, len);
	}
}

int bus_sock_getsockopt(struct socket *sock, int level, int name,
			char __user *val, int __user *optlen)
{
	struct bus_sock *bs = bus_sk(sock->sk);
	unsigned int i;
	int len, err;

	if (level != SOL_BUS)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	if (name == BUS_GET_QLENFULL || name == BUS_KEEP ||
	    name == BUS_PORT_FILE || name == BUS_DUMP || name == BUS_ADD_ADDR)
		return get_special(bs, name, val, len, optlen);
	for (i = 0; i < ARRAY_SIZE(getters); i++)
		if (getters[i].name == name)
			break;
	if (i == ARRAY_SIZE(getters))
		return -ENOPROTOOPT;
	if (len != getters[i].size)
		return -EINVAL;
	err = check_whose(bs, getters[i].whose);
	return err ?: run_getter(bs, i, val);
}
