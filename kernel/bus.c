// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buses, their ports and users: making, finding, letting go.
 */
#include "bus.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/user_namespace.h>

DEFINE_MUTEX(bus_list_mutex);
LIST_HEAD(bus_list);
static DEFINE_HASHTABLE(bus_names, 8);	/* below bus_list_mutex */

static void orphan_work(struct work_struct *work);

static const struct bus_limits limits_default = {
	.queue_bytes = 16ULL << 20,
	.user_bytes = 512ULL << 20,
	.message_bytes = 128U << 20,
	.queue_fds = 1024,
	.stall_ms = 10000,
	.replies = 65536,
	.reply_ms = BUS_NEVER,
	.fd_ms = 10000,
	.slow_ms = BUS_NEVER,
};

/* ---- names ---- */

static u32 name_key(const struct bus_name *n)
{
	if (n->abstract)
		return full_name_hash(NULL, n->name, n->len);
	return hash_ptr(d_backing_inode(n->path.dentry), 32);
}

/* A file is the same from wherever it is seen; a name is its namespace's. */
static bool same_name(const struct bus *b, struct net *net,
		      const struct bus_name *n)
{
	if (b->name.abstract != n->abstract)
		return false;
	if (!n->abstract)
		return d_backing_inode(b->name.path.dentry) ==
		       d_backing_inode(n->path.dentry);
	return net_eq(read_pnet(&b->net), net) && b->name.len == n->len &&
	       !memcmp(b->name.name, n->name, n->len);
}

/* Below bus_list_mutex. */
static struct bus *find(struct net *net, const struct bus_name *n)
{
	struct bus *b;

	hash_for_each_possible(bus_names, b, hash, name_key(n))
		if (same_name(b, net, n))
			return b;
	return NULL;
}

int bus_find(struct bus **ret, struct net *net, const struct bus_name *name)
{
	struct bus *b;

	mutex_lock(&bus_list_mutex);
	b = find(net, name);
	if (b)
		refcount_inc(&b->ref);
	mutex_unlock(&bus_list_mutex);
	*ret = b;
	return b ? 0 : -ECONNREFUSED;
}

static int list_bus(struct bus *bus, struct net *net)
{
	int err = 0;

	mutex_lock(&bus_list_mutex);
	if (find(net, &bus->name)) {
		err = -EADDRINUSE;
	} else {
		list_add_tail(&bus->link, &bus_list);
		hash_add(bus_names, &bus->hash, name_key(&bus->name));
	}
	mutex_unlock(&bus_list_mutex);
	return err;
}

int bus_new(struct bus **ret, const struct bus_proto *proto, struct sock *sk,
	    const struct bus_name *name)
{
	struct bus *bus = proto->bus_new();
	int err;

	if (!bus)
		return -ENOMEM;
	bus->owner = get_current_cred();
	bus->proto = proto;
	bus->type = sk->sk_type;
	bus->uid = current_euid();
	bus->pid = pid_nr(task_tgid(current));
	refcount_set(&bus->ref, 1);
	rwlock_init(&bus->lock);
	spin_lock_init(&bus->wait_lock);
	spin_lock_init(&bus->mq_lock);
	hash_init(bus->ports);
	INIT_LIST_HEAD(&bus->port_list);
	INIT_LIST_HEAD(&bus->users);
	INIT_LIST_HEAD(&bus->mq);
	INIT_LIST_HEAD(&bus->handed);
	INIT_LIST_HEAD(&bus->parked);
	INIT_LIST_HEAD(&bus->kept);
	INIT_DELAYED_WORK(&bus->orphan_clock, orphan_work);
	/* It wakes no processor that sleeps. */
	INIT_DEFERRABLE_WORK(&bus->desert_clock, bus_desert_work);
	bus->used = jiffies;
	bus->began = get_jiffies_64();
	INIT_LIST_HEAD(&bus->pending);
	INIT_LIST_HEAD(&bus->returned);
	init_waitqueue_head(&bus->connect_wq);
	bus->next_addr = 1;
	bus->limits = limits_default;
	bus->limits.message_fds = proto->message_fds;
	bus->maxqlen = BUS_MAXQLEN_DEFAULT;
	bus->sk = sk;
	write_pnet(&bus->net, sock_net(sk));
	bus->name = *name;
	err = list_bus(bus, sock_net(sk));
	if (err) {
		put_cred(bus->owner);
		proto->bus_free(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

void bus_put(struct bus *bus)
{
	const struct bus_proto *proto = bus->proto;

	if (!refcount_dec_and_test(&bus->ref))
		return;
	WARN_ON(!list_empty(&bus->users));
	if (!bus->name.abstract)
		path_put(&bus->name.path);
	put_cred(bus->owner);
	proto->bus_free(bus);
	/* The protocol's exit waits for whoever is still inside it. */
	module_put(proto->owner);
}
EXPORT_SYMBOL_GPL(bus_put);

/* Below bus_list_mutex. */
static void delist(struct bus *bus)
{
	list_del(&bus->link);
	hash_del(&bus->hash);
}

/* Nobody can look the bus up any more but through ports, which see ->ended
 * below the lock. */
static void end(struct bus *bus)
{
	struct bus_port *p;

	write_lock(&bus->lock);
	bus->ended = true;
	bus->gen++;
	write_unlock(&bus->lock);
	/* Pairs with bus_desert_watch(). */
	smp_mb();
	bus_desert_stop(bus);
	/* Items hold ports, so they go first. */
	bus_master_purge(bus);
	bus->proto->bus_end(bus);
	for (;;) {
		write_lock(&bus->lock);
		p = list_first_entry_or_null(&bus->port_list, struct bus_port,
					     link);
		if (p)
			bus_port_get(p);
		write_unlock(&bus->lock);
		if (!p)
			break;
		bus_port_remove(p);
		bus_port_put(p);
	}
	bus_put(bus);
}

void bus_end(struct bus *bus)
{
	mutex_lock(&bus_list_mutex);
	delist(bus);
	mutex_unlock(&bus_list_mutex);
	end(bus);
}

/* ---- without a master ---- */

/* Below bus_list_mutex. */
static void orphan_clock_arm(struct bus *bus, unsigned long delay)
{
	refcount_inc(&bus->ref);
	/* The caller has a reference, so this is not the last. */
	if (mod_delayed_work(bus_wq, &bus->orphan_clock, delay))
		refcount_dec(&bus->ref);
}

/* The clock of an orphaned bus: of this time, or an earlier one. */
static void orphan_work(struct work_struct *work)
{
	struct bus *bus = container_of(to_delayed_work(work), struct bus,
				       orphan_clock);
	struct sock *sk = NULL;

	mutex_lock(&bus_list_mutex);
	if (bus->orphaned && time_before(jiffies, bus->orphan_until)) {
		orphan_clock_arm(bus, bus->orphan_until - jiffies);
	} else if (bus->orphaned) {
		bus->orphaned = false;
		sk = bus->sk;
		delist(bus);
	}
	mutex_unlock(&bus_list_mutex);
	if (sk) {
		end(bus);
		sock_put(sk);
	}
	bus_put(bus);
}

static bool orphan(struct bus *bus)
{
	unsigned long ms;

	mutex_lock(&bus_list_mutex);
	ms = bus->persist_ms;
	if (ms) {
		sock_hold(bus->sk);
		bus->orphaned = true;
		bus->orphan_since = ktime_get();
		bus->orphan_until = jiffies + msecs_to_jiffies(ms);
		orphan_clock_arm(bus, msecs_to_jiffies(ms));
	}
	mutex_unlock(&bus_list_mutex);
	return ms;
}

void bus_leave(struct bus *bus)
{
	if (!orphan(bus))
		bus_end(bus);
}

/* Below bus_list_mutex. */
static int may_take_over(const struct bus *bus, const struct bus_proto *proto,
			 const struct sock *sk)
{
	if (!bus->orphaned)
		return -EADDRINUSE;
	/* Its ports' figures are shown there, and its clients' sockets made. */
	if (!net_eq(read_pnet(&bus->net), sock_net(sk)))
		return -EPERM;
	if (!uid_eq(bus->owner->euid, current_euid()) &&
	    !ns_capable(bus->owner->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (bus->proto != proto || bus->type != sk->sk_type)
		return -EPROTOTYPE;
	return 0;
}

/* Likewise. */
static void begin_anew(struct bus *bus, struct sock *sk)
{
	const struct cred *old = bus->owner;

	bus->owner = get_current_cred();
	bus->uid = current_euid();
	bus->pid = pid_nr(task_tgid(current));
	bus->takeovers++;
	bus->began = get_jiffies_64();
	bus_used(bus);
	spin_lock(&bus->mq_lock);
	bus->sk = sk;
	bus_hand_again(bus);
	spin_unlock(&bus->mq_lock);
	sk->sk_data_ready(sk);
	put_cred(old);
}

int bus_take_over(struct bus **ret, const struct bus_proto *proto,
		  struct sock *sk, const struct bus_name *name)
{
	struct sock *old = NULL;
	struct bus *bus;
	int err;

	mutex_lock(&bus_list_mutex);
	bus = find(sock_net(sk), name);
	err = bus ? may_take_over(bus, proto, sk) : -ENOENT;
	if (!err) {
		old = bus->sk;
		bus->orphaned = false;
		bus->outage_us = ktime_us_delta(ktime_get(),
						bus->orphan_since);
		begin_anew(bus, sk);
		/* If it runs just now, it will find no orphan. */
		if (cancel_delayed_work(&bus->orphan_clock))
			refcount_dec(&bus->ref);
	}
	mutex_unlock(&bus_list_mutex);
	if (err)
		return err;
	sock_put(old);
	*ret = bus;
	return 0;
}

void bus_begin_anew(struct bus *bus)
{
	mutex_lock(&bus_list_mutex);
	bus->outage_us = 0;
	begin_anew(bus, bus->sk);
	mutex_unlock(&bus_list_mutex);
}

void bus_outage(struct bus *bus, struct bus_outage *o)
{
	memset(o, 0, sizeof(*o));
	mutex_lock(&bus_list_mutex);
	o->takeovers = bus->takeovers;
	o->last_us = bus->outage_us;
	mutex_unlock(&bus_list_mutex);
	bus_queue_count(bus, o);
}

unsigned long bus_left_since(struct bus *bus, unsigned long since)
{
	unsigned long now = jiffies;
	u64 had = 0;

	mutex_lock(&bus_list_mutex);
	if (!bus->orphaned)
		had = get_jiffies_64() - bus->began;
	mutex_unlock(&bus_list_mutex);
	return had < now - since ? now - (unsigned long)had : since;
}

/* Zero keeps the present value. */
#define LIMIT(to, from, field, lo, hi)					\
	do {								\
		if ((from)->field) {					\
			if ((from)->field < (lo) || (from)->field > (hi)) \
				return -EINVAL;				\
			(to)->field = (from)->field;			\
		}							\
	} while (0)

int bus_set_limits(struct bus *bus, const struct bus_limits *set)
{
	struct bus_limits l = bus->limits;
	bool sooner;

	LIMIT(&l, set, queue_bytes, 64ULL << 10, 256ULL << 20);
	LIMIT(&l, set, user_bytes, 64ULL << 10, 1ULL << 40);
	LIMIT(&l, set, message_bytes, 1024U, 128U << 20);
	LIMIT(&l, set, message_fds, 1U, BUS_MAX_FDS);
	LIMIT(&l, set, queue_fds, 1U, 1U << 20);
	LIMIT(&l, set, stall_ms, 1U, 3600000U);
	LIMIT(&l, set, replies, 1U, 1U << 20);
	LIMIT(&l, set, reply_ms, 1U, BUS_NEVER);
	LIMIT(&l, set, fd_ms, 1U, 3600000U);
	LIMIT(&l, set, slow_ms, 1U, BUS_NEVER);
	write_lock(&bus->lock);
	sooner = l.stall_ms < bus->limits.stall_ms ||
		 l.slow_ms < bus->limits.slow_ms;
	bus->limits = l;
	if (sooner)
		bus_stall_sooner(bus);
	write_unlock(&bus->lock);
	return 0;
}

/* ---- users ---- */

/* Which uids are in one share with another is for nobody to choose. */
static unsigned int user_share(kuid_t uid)
{
	static siphash_key_t key __read_mostly;

	net_get_random_once(&key, sizeof(key));
	return siphash_1u32(__kuid_val(uid), &key) % BUS_SHARES;
}

static struct bus_user *user_find(struct bus *bus, kuid_t uid)
{
	struct bus_user *u;

	list_for_each_entry(u, &bus->users, link)
		if (uid_eq(u->uid, uid))
			return u;
	return NULL;
}

static struct bus_user *user_get(struct bus *bus, kuid_t uid)
{
	struct bus_user *u, *fresh;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return NULL;
	spin_lock(&bus->wait_lock);
	u = user_find(bus, uid);
	if (u) {
		refcount_inc(&u->ref);
	} else {
		u = fresh;
		fresh = NULL;
		u->uid = uid;
		u->share = user_share(uid);
		refcount_set(&u->ref, 1);
		list_add(&u->link, &bus->users);
	}
	spin_unlock(&bus->wait_lock);
	kfree(fresh);
	return u;
}

static void user_put(struct bus *bus, struct bus_user *u)
{
	spin_lock(&bus->wait_lock);
	if (refcount_dec_and_test(&u->ref))
		list_del(&u->link);
	else
		u = NULL;
	spin_unlock(&bus->wait_lock);
	kfree(u);
}

int bus_user_charge(struct bus_port *p, size_t bytes)
{
	s64 now = atomic64_add_return(bytes, &p->user->bytes);

	if (now <= (s64)READ_ONCE(p->bus->limits.user_bytes))
		return 0;
	atomic64_sub(bytes, &p->user->bytes);
	return -EDQUOT;
}
EXPORT_SYMBOL_GPL(bus_user_charge);

void bus_user_uncharge(struct bus_port *p, size_t bytes)
{
	atomic64_sub(bytes, &p->user->bytes);
}
EXPORT_SYMBOL_GPL(bus_user_uncharge);

/* ---- ports ---- */

int bus_port_init(struct bus_port *p, struct bus *bus,
		  const struct bus_port_ops *ops, kuid_t uid)
{
	int i;

	p->ops = ops;
	p->user = user_get(bus, uid);
	if (!p->user)
		return -ENOMEM;
	refcount_inc(&bus->ref);
	p->bus = bus;
	refcount_set(&p->ref, 1);
	spin_lock_init(&p->lock);
	for (i = 0; i < BUS_SHARES; i++)
		INIT_LIST_HEAD(&p->waiters[i]);
	INIT_LIST_HEAD(&p->watchers);
	INIT_LIST_HEAD(&p->watches);
	INIT_LIST_HEAD(&p->link);
	INIT_LIST_HEAD(&p->parked);
	INIT_LIST_HEAD(&p->item.link);
	INIT_LIST_HEAD(&p->end.link);
	bus_msg_init(&p->item.msg);
	bus_msg_init(&p->end.msg);
	INIT_DELAYED_WORK(&p->stall, bus_stall_work);
	return 0;
}
EXPORT_SYMBOL_GPL(bus_port_init);

int bus_port_add(struct bus_port *p)
{
	struct bus *bus = p->bus;
	int err = 0;

	write_lock(&bus->lock);
	if (bus->ended) {
		err = -ENOTCONN;
	} else {
		p->addr = bus->next_addr++;
		bus_port_get(p);
		hash_add(bus->ports, &p->hash, p->addr);
		list_add_tail(&p->link, &bus->port_list);
		bus->n_ports++;
		bus->gen++;
	}
	write_unlock(&bus->lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_port_add);

int bus_port_remove(struct bus_port *p)
{
	struct bus *bus = p->bus;
	bool was;

	write_lock(&bus->lock);
	was = !list_empty(&p->link);
	if (was) {
		hash_del(&p->hash);
		list_del_init(&p->link);
		bus->n_ports--;
		bus->gen++;
		bus_port_retire(p, BUS_REASON_ENDED);
	}
	write_unlock(&bus->lock);
	if (!was)
		return -ENOENT;
	bus_lines_close(p);
	bus_wait_done(&p->wait, bus);
	bus_watch_done(p);
	bus_done_with(p);
	bus_parked_drop(p);
	if (cancel_delayed_work(&p->stall))
		bus_port_put(p);
	bus_room_made(p);
	p->ops->close(p);
	bus_port_put(p);
	return 0;
}
EXPORT_SYMBOL_GPL(bus_port_remove);

void bus_port_put(struct bus_port *p)
{
	struct bus_user *user = p->user;
	struct bus *bus = p->bus;

	if (!refcount_dec_and_test(&p->ref))
		return;
	p->ops->free(p);
	user_put(bus, user);
	bus_put(bus);
}
EXPORT_SYMBOL_GPL(bus_port_put);

struct bus_port *bus_port_find(struct bus *bus, u64 addr)
{
	struct bus_port *p;

	hash_for_each_possible(bus->ports, p, hash, addr)
		if (p->addr == addr)
			return p;
	return NULL;
}
EXPORT_SYMBOL_GPL(bus_port_find);

struct bus_port *bus_port_lookup(struct bus *bus, u64 addr)
{
	struct bus_port *p;

	read_lock(&bus->lock);
	p = bus_port_find(bus, addr);
	if (p)
		bus_port_get(p);
	read_unlock(&bus->lock);
	return p;
}
EXPORT_SYMBOL_GPL(bus_port_lookup);

static u32 show_flags(const struct bus_port *p)
{
	static const struct {
		int bit;
		u32 flag;
	} map[] = {
		{ BUS_PF_ACTIVE, BUS_PORT_ACTIVE },
		{ BUS_PF_HELD, BUS_PORT_HELD },
		{ BUS_PF_ENDED, BUS_PORT_ENDED },
	};
	u32 flags = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (test_bit(map[i].bit, &p->flags))
			flags |= map[i].flag;
	if (READ_ONCE(p->wait.target))
		flags |= BUS_PORT_WAITING;
	return flags;
}

void bus_port_stats(struct bus_port *p, struct bus_port_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->addr = p->addr;
	st->sent_msgs = atomic64_read(&p->sent_msgs);
	st->sent_bytes = atomic64_read(&p->sent_bytes);
	st->received_msgs = atomic64_read(&p->received_msgs);
	st->received_bytes = atomic64_read(&p->received_bytes);
	st->master_msgs = READ_ONCE(p->master_msgs);
	st->master_bytes = READ_ONCE(p->master_bytes);
	st->held = atomic64_read(&p->waits);
	st->refused = READ_ONCE(p->refused);
	st->flags = show_flags(p);
	st->reason = READ_ONCE(p->reason);
	p->ops->stats(p, st);
}
EXPORT_SYMBOL_GPL(bus_port_stats);

void bus_stats(struct bus *bus, struct bus_stats *st)
{
	memset(st, 0, sizeof(*st));
	st->seq = atomic64_read(&bus->seq);
	st->ports = READ_ONCE(bus->n_ports);
	st->unicast_msgs = atomic64_read(&bus->unicast_msgs);
	st->unicast_bytes = atomic64_read(&bus->unicast_bytes);
	st->broadcast_msgs = atomic64_read(&bus->broadcast_msgs);
	st->broadcast_copies = atomic64_read(&bus->broadcast_copies);
	st->master_driver = atomic64_read(&bus->master_driver);
	st->master_unknown = atomic64_read(&bus->master_unknown);
	st->master_inactive = atomic64_read(&bus->master_inactive);
	st->held = atomic64_read(&bus->waits);
	st->refused = atomic64_read(&bus->refused);
	st->evicted = atomic64_read(&bus->evicted);
	st->from_master = atomic64_read(&bus->from_master);
	bus->proto->stats(bus, st);
}
