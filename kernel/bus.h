/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * af_bus.ko: the bus itself, without a word of D-Bus. A protocol module
 * (af_bus_dbus.ko) brings ports and tables.
 *
 * Lifetime
 *   struct bus is made by bind() on the master's socket. References: the
 *   socket, and every port. Release of the socket ends the bus: it leaves the
 *   list of its namespace and every port is closed; the memory goes with the
 *   last port.
 *   struct bus_port: references from the bus's table (until the master closes
 *   it or the bus ends), from a queued master item, from lookups, from the
 *   protocol's hooks. The last one calls ops->free.
 *   struct bus_user: one a uid and bus; references from ports.
 *
 * Locking, outermost first
 *   bus->lock	   the order of the bus, and all tables. Unicast takes it
 *		   shared, multicast and table changes exclusive; see
 *		   deliver.c for why that makes one causal order. A spinning
 *		   lock: nobody allocates or sleeps below it.
 *   port->lock	   the protocol's (see dbus.h)
 *   bus->wait_lock  lists of senders waiting for room; innermost but for
 *		   workqueue locks
 *   bus->mq_lock  the master's queue
 * All are taken in process context only. Hooks that can run in softirq or
 * below foreign locks do no more than queue work.
 */
#ifndef _AFBUS_KERNEL_BUS_H
#define _AFBUS_KERNEL_BUS_H

#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include <uapi/linux/bus.h>

#define BUS_MAX_FDS	253	/* SCM_MAX_FD */
#define BUS_PORT_BITS	10

struct bus;
struct bus_port;

/* Open files that travel with a message; shared by its receivers. */
struct bus_files {
	refcount_t ref;
	unsigned int count;
	struct file *fp[];
};

struct bus_files *bus_files_new(unsigned int count);
struct bus_files *bus_files_get(struct bus_files *f);	/* NULL is fine */
void bus_files_put(struct bus_files *f);		/* NULL is fine */

/*
 * A message on its way: payload skbs in order (each from its
 * UNIXCB().consumed on; see dbus.h), and files. Owns both.
 */
struct bus_msg {
	struct sk_buff_head skbs;
	struct bus_files *files;
	size_t len;		/* bytes of payload */
	size_t truesize;	/* bytes of memory */
};

void bus_msg_init(struct bus_msg *m);
void bus_msg_purge(struct bus_msg *m);
void bus_msg_add(struct bus_msg *m, struct sk_buff *skb, size_t len);
int bus_msg_clone(struct bus_msg *to, const struct bus_msg *from, gfp_t gfp);
/* Takes everything out of @from. */
void bus_msg_move(struct bus_msg *to, struct bus_msg *from);
/* Where the payload of an skb starts; the cb layout is AF_UNIX's, so that
 * an skb can go to a client's queue as it is. */
size_t bus_skb_skip(const struct sk_buff *skb);

/* What one uid has in incomplete and waiting messages. */
struct bus_user {
	struct list_head link;	/* bus->users; protected by bus->wait_lock */
	refcount_t ref;		/* last put under bus->wait_lock */
	kuid_t uid;
	atomic64_t bytes;
};

/* Something for the master to read. */
struct bus_item {
	struct list_head link;	/* bus->mq, protected by bus->mq_lock */
	struct bus_port *port;	/* counted while queued */
	struct bus_msg msg;
	struct bus_info info;
	size_t charged;		/* bytes, to the port's user */
};

/* As a sender: for whom it waits. Protected by bus->wait_lock. */
struct bus_wait {
	struct list_head link;	/* target->waiters */
	struct bus_port *target; /* counted; NULL: not waiting */
	unsigned long since;	/* jiffies */
};

struct bus_port_ops {
	/* May a message of @truesize bytes and @fds files be committed? 0,
	 * -EAGAIN when full, -EPIPE when the receiver is gone, -ENOTUNIQ when
	 * it takes no files. @force: the master sends; twice the limit, then
	 * -ENOBUFS. Called below bus->lock. */
	int (*room)(struct bus_port *p, size_t truesize, unsigned int fds,
		    bool force);
	/* Takes the message; cannot fail. Called below bus->lock. */
	void (*commit)(struct bus_port *p, struct bus_msg *m);
	/* Tells the receiver; called without locks. */
	void (*wake)(struct bus_port *p);
	/* Go on sending: room was made, or the master is done. Queues work
	 * only. */
	void (*resume)(struct bus_port *p);
	/* Ends the connection for @reason; queues work only. */
	void (*evict)(struct bus_port *p, enum bus_reason reason);
	/* The bus lets go of the port; queues work only. */
	void (*close)(struct bus_port *p);
	void (*stats)(struct bus_port *p, struct bus_port_stats *st);
	void (*free)(struct bus_port *p);
};

enum bus_port_flag {
	BUS_PF_ACTIVE,		/* may talk to peers */
	BUS_PF_HELD,		/* the master has a message of it */
	BUS_PF_ENDED,		/* out of routing; set below bus->lock */
	BUS_PF_CLOSED,		/* the bus let go of it */
	BUS_PF_WAITED,		/* senders wait for its room */
};

struct bus_port {
	struct bus *bus;		/* counted */
	const struct bus_port_ops *ops;
	struct bus_user *user;		/* counted */
	u64 addr;
	refcount_t ref;
	unsigned long flags;		/* enum bus_port_flag, atomic */
	struct hlist_node hash;		/* bus->ports, below bus->lock */
	struct list_head link;		/* bus->port_list, below bus->lock */

	struct list_head waiters;	/* struct bus_wait, bus->wait_lock */
	struct bus_wait wait;		/* as a sender, bus->wait_lock */
	struct delayed_work stall;

	/* A port has at most one message at the master, so these cannot run
	 * out, and its end can always be told. */
	struct bus_item item;
	struct bus_item end;
	u32 reason;			/* enum bus_reason */

	u64 sent_msgs, sent_bytes;	/* written by the one sender at a time */
	u64 master_msgs, master_bytes;
	u64 waits, refused;
	atomic64_t received_msgs, received_bytes;
	pid_t pid;			/* in the initial namespace, to show */
};

/* What a protocol module brings. */
struct bus_proto {
	struct module *owner;
	const char *name;
	struct bus *(*bus_new)(void);
	void (*bus_free)(struct bus *bus);
	/* The bus ends: drop the tables. Ports are closed by the caller. */
	void (*bus_end)(struct bus *bus);
	int (*attach)(struct bus *bus, struct bus_attach *at);
	int (*update)(struct bus *bus, const void *recs, size_t len);
	/* Sends for the master, to @addr or to all who want it; owns @m. */
	int (*send)(struct bus *bus, u64 addr, struct bus_msg *m);
	void (*stats)(struct bus *bus, struct bus_stats *st);
};

struct bus {
	const struct bus_proto *proto;
	refcount_t ref;
	rwlock_t lock;
	bool ended;			/* below lock */
	u64 next_addr;			/* below lock */
	u64 gen;			/* table changes; below lock */
	u64 n_ports;			/* below lock */
	DECLARE_HASHTABLE(ports, BUS_PORT_BITS);
	struct list_head port_list;
	struct bus_limits limits;	/* fields read without lock */

	spinlock_t wait_lock;
	struct list_head users;

	struct sock *sk;		/* the master's; valid until ended */
	spinlock_t mq_lock;
	struct list_head mq;		/* struct bus_item */

	struct list_head link;		/* bus_list, protected by bus_list_mutex */
	possible_net_t net;
	char name[BUS_PATH_MAX + 1];	/* without abstract's leading NUL */
	unsigned int name_len;

	atomic64_t seq;
	atomic64_t unicast_msgs, unicast_bytes;
	atomic64_t broadcast_msgs, broadcast_copies;
	atomic64_t master_driver, master_unknown, master_inactive;
	atomic64_t waits, refused, evicted, from_master;
};

/* main.c */
int bus_proto_register(unsigned int nr, const struct bus_proto *proto);
void bus_proto_unregister(unsigned int nr, const struct bus_proto *proto);
const struct bus_proto *bus_proto_get(unsigned int nr); /* holds the module */
extern struct workqueue_struct *bus_wq;

/* bus.c */
extern struct mutex bus_list_mutex;
extern struct list_head bus_list;
int bus_new(struct bus **ret, const struct bus_proto *proto, struct sock *sk,
	    const char *name, unsigned int len);
void bus_end(struct bus *bus);
void bus_put(struct bus *bus);
int bus_set_limits(struct bus *bus, const struct bus_limits *set);
int bus_port_init(struct bus_port *p, struct bus *bus,
		  const struct bus_port_ops *ops, kuid_t uid);
int bus_port_add(struct bus_port *p);	/* gives it its address */
/* Lets go of a port that is in the table; -ENOENT when it is not any more. */
int bus_port_remove(struct bus_port *p);
void bus_port_put(struct bus_port *p);
static inline void bus_port_get(struct bus_port *p)
{
	refcount_inc(&p->ref);
}
/* Below bus->lock. */
struct bus_port *bus_port_find(struct bus *bus, u64 addr);
/* Takes a reference; NULL when there is none. */
struct bus_port *bus_port_lookup(struct bus *bus, u64 addr);
void bus_port_stats(struct bus_port *p, struct bus_port_stats *st);
void bus_stats(struct bus *bus, struct bus_stats *st);
/* -EDQUOT when the uid would have more than the bus allows. */
int bus_user_charge(struct bus_port *p, size_t bytes);
void bus_user_uncharge(struct bus_port *p, size_t bytes);

/* deliver.c */
/* Takes the port out of routing, once, and tells the master why. */
bool bus_port_end(struct bus_port *p, enum bus_reason reason);
int bus_wait_room(struct bus_port *sender, struct bus_port *target,
		  const struct bus_msg *m);
void bus_wait_done(struct bus_port *sender);
/* May @sender commit, or do others wait before it? @sender: NULL is the
 * master. Below bus->lock. */
int bus_room(struct bus_port *target, struct bus_port *sender,
	     const struct bus_msg *m);
void bus_room_made(struct bus_port *target);

/* master.c */
/* Hands @m to the master and holds the port; or fails with -EDQUOT. What is
 * left in @m is the caller's to purge. */
int bus_to_master(struct bus_port *p, struct bus_msg *m);
/* The master is done with the port's message; -EBUSY if it has not read it. */
int bus_resume(struct bus_port *p);
void bus_post(struct bus *bus, struct bus_item *item, struct bus_port *p);
int bus_master_recv(struct bus *bus, struct msghdr *msg, size_t size,
		    int flags);
int bus_master_send(struct bus *bus, struct msghdr *msg, size_t len);
void bus_master_purge(struct bus *bus);

/* socket.c, proc.c */
extern struct net_proto_family bus_family;
extern struct proto bus_sk_proto;
int bus_proc_init(void);
void bus_proc_exit(void);

#endif
