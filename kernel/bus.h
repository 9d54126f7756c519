/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * af_bus.ko: the bus itself, without a word of D-Bus. Who is on it is a
 * protocol's: sockets of the family (native.h), or what a protocol module
 * (af_bus_dbus.ko) brings.
 *
 * Lifetime
 *   struct bus is made by bind() on the master's socket. References: the
 *   socket, and every port. Release of the socket (on an open bus, of the
 *   last member) ends the bus: it leaves the table of names and every port is
 *   closed; the memory goes with the last port.
 *   struct bus_port: references from the bus's table (until the master closes
 *   it or the bus ends), from a queued master item, from lookups, from the
 *   protocol's hooks. The last one calls ops->free.
 *   A bus whose master asked for it (persist_ms) outlives him: *orphaned*, it
 *   keeps his sock, without a socket, as ->sk, and the reference that the
 *   socket had, until somebody binds its name (bus_take_over()) or the time is
 *   up. All three are below bus_list_mutex.
 *   struct bus_user: one a uid and bus; references from ports.
 *
 * Locking, outermost first
 *   bus->lock	   the order of the bus, and all tables. Unicast takes it
 *		   shared, multicast and table changes exclusive; see
 *		   deliver.c for why that makes one causal order. A spinning
 *		   lock: nobody allocates or sleeps below it.
 *   port->lock	   the port's queue: a unicast looks for room and commits
 *		   below it, so two of them do not see the same room
 *   bus->wait_lock  lists of senders waiting for room; innermost but for
 *		   workqueue and wait queue locks
 *   bus->mq_lock  the master's queue, and who waits to be accepted
 * All are taken in process context only. Hooks that can run in softirq or
 * below foreign locks do no more than queue work.
 */
#ifndef _AFBUS_KERNEL_BUS_H
#define _AFBUS_KERNEL_BUS_H

#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/path.h>
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
#define BUS_MAXQLEN_DEFAULT 10
#define BUS_MAXQLEN_LIMIT 65535
#define BUS_MAX_WATCHES 64
#define BUS_SHARES	8	/* uids share these; which ones, only we know */

struct bus;
struct bus_port;
struct scm_fp_list;
struct seq_file;

struct bus_inflight;

/* Open files that travel with a message; shared by its receivers. */
struct bus_files {
	refcount_t ref;
	unsigned int count;
	bool holders;		/* some may hold others: sockets, rings */
	struct bus_inflight *inflight;	/* whom they count for, or NULL */
	unsigned int charged;
	struct file *fp[];
};

static inline bool bus_files_hold(const struct bus_files *f)	/* NULL is fine */
{
	return f && f->holders;
}

struct bus_files *bus_files_new(unsigned int count);
/* All are in it: may some hold others? */
void bus_files_look(struct bus_files *f);
/* Takes what @msg brings as SCM_RIGHTS; -ETOOMANYREFS when the uid has more
 * under way than it may have open. NULL when there is none. */
int bus_files_from(struct bus_files **ret, const struct cmsghdr *cmsg);
struct bus_files *bus_files_get(struct bus_files *f);	/* NULL is fine */
void bus_files_put(struct bus_files *f);		/* NULL is fine */
/* For AF_UNIX's and our own recvmsg(): a list of its own; NULL: no memory. */
struct scm_fp_list *bus_files_list(const struct bus_files *f);
/* Into the reader's table; what does not fit is dropped and shown by
 * MSG_CTRUNC, as everywhere. NULL is fine. */
void bus_files_give(const struct bus_files *f, struct msghdr *msg);

/*
 * A message on its way: payload skbs in order (each from its
 * UNIXCB().consumed on; see dbus.h), and files. Owns both.
 */
struct bus_msg {
	struct sk_buff_head skbs;
	struct bus_files *files;
	size_t len;		/* bytes of payload */
	size_t truesize;	/* bytes of memory */
	unsigned int share;	/* the sender's; BUS_SHARES: the master's */
};

static inline void bus_msg_init(struct bus_msg *m)
{
	/* The list is private to its owner; its lock is never taken. */
	__skb_queue_head_init(&m->skbs);
	m->files = NULL;
	m->len = 0;
	m->truesize = 0;
	m->share = BUS_SHARES;
}

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
	unsigned int share;	/* which of BUS_SHARES is its */
	atomic64_t bytes;
};

/* What a message takes of its receiver's queue. */
struct bus_cost {
	size_t bytes;		/* of memory */
	unsigned int fds;
	unsigned int prio;
};

/* Something for the master to read. */
struct bus_item {
	struct list_head link;	/* bus->mq, protected by bus->mq_lock */
	struct bus_port *port;	/* counted while queued */
	struct bus_msg msg;
	struct bus_info info;
	size_t charged;		/* bytes, to the port's user */
	bool own;		/* it is no part of the port, and freed */
	bool unread;		/* on bus->mq; else the master has it, and it
				 * is on bus->handed, or on no list */
	struct bus_park *park;	/* of which it is a part, or NULL */
};

/* A message that the master holds on to; the port's, which is counted. */
struct bus_park {
	struct bus_item item;		/* on bus->mq for a successor */
	struct list_head link;		/* bus->parked; mq_lock */
	struct list_head mine;		/* port->parked; mq_lock */
	u64 cookie;
	bool gone;			/* who reads it just now frees it;
					 * mq_lock */
};

/* Of one port, in the master's queue; more are not told. */
#define BUS_MAX_LOGGED 16

/*
 * A sender that waits for room. It has a place in the line of its uid's share
 * and keeps it until it leaves; or it only *watches*: it is told once, and has
 * no place. Protected by bus->wait_lock.
 */
struct bus_wait {
	struct list_head link;	/* target->waiters[] or ->watchers */
	struct bus_port *target; /* counted; NULL: not waiting */
	struct bus_user *user;
	struct bus_cost cost;
	unsigned long since;	/* jiffies */
	bool told;
	/* There may be room. Called below wait_lock. */
	void (*resume)(struct bus_wait *w);
};

struct bus_port_ops {
	/* May a message of @user be committed? 0, -EAGAIN when full, -EPIPE
	 * when the receiver is gone, -ENOTUNIQ when it takes no files. @user
	 * NULL: the master sends, who does not wait; twice the limit, then
	 * -ENOBUFS. Called below bus->lock, and below p->lock or with
	 * bus->lock taken exclusive; or, for a hint, with neither. */
	int (*room)(struct bus_port *p, const struct bus_user *user,
		    const struct bus_cost *c);
	/* Takes the message; cannot fail. Called below bus->lock and
	 * p->lock. */
	void (*commit)(struct bus_port *p, struct bus_msg *m);
	/* Tells the receiver; called without locks. */
	void (*wake)(struct bus_port *p);
	/* The master is done with the port's message. Queues work only. */
	void (*resume)(struct bus_port *p);
	/* It watched for room, and there is some. Below wait_lock. May be NULL
	 * when it never watches. */
	void (*writable)(struct bus_port *p);
	/* The port is out of routing: drop what leads to it. Below bus->lock,
	 * exclusive. May be NULL. */
	void (*ended)(struct bus_port *p);
	/* The stall clock has rung for the port. May be NULL. */
	void (*tick)(struct bus_port *p, unsigned long limit);
	/* Since when has the receiver left files unread that may hold others?
	 * May be NULL. Called without locks. */
	bool (*files_since)(struct bus_port *p, unsigned long *since);
	/* Has it files that it cannot pass on before the master has done
	 * something? May be NULL. Called below bus->lock. */
	bool (*stranded)(struct bus_port *p);
	/* Ends the connection for @reason; queues work only. */
	void (*evict)(struct bus_port *p, enum bus_reason reason);
	/* The bus lets go of the port; queues work only. */
	void (*close)(struct bus_port *p);
	void (*stats)(struct bus_port *p, struct bus_port_stats *st);
	/* May be NULL when the protocol does not count them. */
	void (*queues)(struct bus_port *p, struct bus_port_queues *q);
	void (*free)(struct bus_port *p);
};

enum bus_port_flag {
	BUS_PF_ACTIVE,		/* may talk to peers */
	BUS_PF_HELD,		/* the master has a message of it */
	BUS_PF_ENDED,		/* out of routing; set below bus->lock */
	BUS_PF_CLOSED,		/* the bus let go of it; set below wait_lock */
	BUS_PF_WAITED,		/* senders wait for its room */
	BUS_PF_PATIENT,		/* who waits for it waits for ever: a master */
	BUS_PF_NEW,		/* of a member whom no master has accepted */
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

	spinlock_t lock;		/* the queue, and what the protocol says */
	/* Of each share: struct bus_wait, bus->wait_lock. */
	struct list_head waiters[BUS_SHARES];
	struct list_head watchers;	/* struct bus_wait, bus->wait_lock */
	unsigned int n_waits;		/* all of them, bus->wait_lock */
	unsigned int turn;		/* the share to be told next, likewise */
	struct bus_wait wait;		/* as a sender, bus->wait_lock */
	struct list_head watches;	/* likewise, struct bus_watch */
	unsigned int n_watches;		/* likewise */
	struct delayed_work stall;

	/* A port has at most one message at the master, so these cannot run
	 * out, and its end can always be told. */
	struct bus_item item;
	struct bus_item end;
	u32 reason;			/* enum bus_reason */
	unsigned int n_logged;		/* bus->mq_lock */
	struct list_head parked;	/* struct bus_park; bus->mq_lock */

	atomic64_t sent_msgs, sent_bytes;
	u64 master_msgs, master_bytes;	/* written by the one sender at a time */
	u64 refused;			/* likewise */
	atomic64_t waits;
	atomic64_t received_msgs, received_bytes;
	pid_t pid;			/* in the initial namespace, to show */
	bool slow;		/* the master was told; bus_stall_work() */
};

/*
 * Sockets of the family that are members of a protocol's bus: what system
 * calls come to. Nothing here waits for room or for messages; that is done by
 * those who call it (member.c).
 */
struct bus_member_ops {
	/* A port for @sk, which connects, in the table and held; the caller's
	 * reference. It holds @sk. Or an ERR_PTR(). */
	struct bus_port *(*new)(struct bus *bus, struct sock *sk, kuid_t uid,
				struct pid *pid);
	/* 0: it is taken; -EAGAIN: not before poll() says EPOLLOUT. */
	int (*send)(struct bus_port *p, struct msghdr *msg, size_t len);
	/* -EAGAIN: there is none; 0 at the end. */
	int (*recv)(struct bus_port *p, struct msghdr *msg, size_t size,
		    int flags);
	__poll_t (*poll)(struct bus_port *p);
	/* Bytes of the next message to read, or of those not yet routed. */
	size_t (*bytes)(struct bus_port *p, bool unsent);
	void (*shutdown)(struct bus_port *p, int how);
	/* Nobody has the socket any more. */
	void (*release)(struct bus_port *p);
};

/* What a protocol module brings. */
struct bus_proto {
	struct module *owner;
	const char *name;
	unsigned int nr;
	u32 message_fds;		/* default of the limit */
	bool persists;			/* a bus may outlive its master */
	/* NULL: members come in another way. */
	const struct bus_member_ops *member;
	struct bus *(*bus_new)(void);
	void (*bus_free)(struct bus *bus);
	/* The bus ends: drop the tables. Ports are closed by the caller. */
	void (*bus_end)(struct bus *bus);
	int (*attach)(struct bus *bus, struct bus_attach *at);
	int (*update)(struct bus *bus, const void *recs, size_t len);
	int (*policy)(struct bus *bus, sockptr_t val, unsigned int len);
	/* Fills @buf of @len bytes with whole records of what is on the bus, from
	 * number *@at on; then *@at is that of the next, or 0. The length, or
	 * -errno. *@gen is the tables'; -ESTALE when they have changed since
	 * *@at was not 0. */
	ssize_t (*dump)(struct bus *bus, void *buf, size_t len, u64 *at,
			u64 *gen);
	/* A file that leads to the port's client, counted; or an ERR_PTR(). */
	struct file *(*port_file)(struct bus_port *p);
	/* Sends for the master, to @addr or to all who want it; owns @m. Below
	 * the lock of the master's socket. */
	int (*send)(struct bus *bus, u64 addr, struct bus_msg *m,
		    const struct bus_send *how);
	/* Why it was refused. */
	int (*ruling)(struct bus *bus, struct bus_info *info);
	void (*stats)(struct bus *bus, struct bus_stats *st);
	/* Lines of /proc/net/bus for a port; below bus->lock. */
	void (*show)(struct seq_file *m, struct bus_port *p);
};

/* Where a bus is found. */
struct bus_name {
	char name[BUS_PATH_MAX + 1];	/* without abstract's leading NUL */
	unsigned int len;
	bool abstract;
	struct path path;		/* held, unless abstract */
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
	/* What the master has read, and is not done with: for his successor.
	 * In the order of ->mq; mq_lock. */
	struct list_head handed;
	struct bus_item *reading;	/* of ->mq, by the master; likewise */
	struct list_head parked;	/* struct bus_park; mq_lock */
	unsigned int n_parked;		/* likewise */
	struct list_head kept;		/* struct bus_kept; mq_lock */
	unsigned int n_kept;		/* likewise */

	u32 persist_ms;			/* 0: it ends with its master */
	bool orphaned;			/* bus_list_mutex, and what follows */
	u64 began;			/* the master's time; jiffies_64 */
	unsigned long orphan_until;	/* jiffies */
	ktime_t orphan_since;
	struct delayed_work orphan_clock; /* a reference while queued */
	const struct cred *owner;	/* the master, as he came */
	u64 takeovers;
	u64 outage_us;			/* of the last one */

	unsigned long used;		/* the master's socket; jiffies */
	struct delayed_work desert_clock; /* a reference while queued */

	struct list_head link;		/* bus_list, protected by bus_list_mutex */
	struct hlist_node hash;		/* by name, likewise */
	possible_net_t net;
	struct bus_name name;
	kuid_t uid;			/* of who made it, or has taken it over */
	pid_t pid;			/* likewise, to show */
	int type;			/* SOCK_SEQPACKET, or open: SOCK_DGRAM */
	int sendbuf;			/* of clients to come; 0: the system's */
	unsigned int maxqlen;		/* of clients to come */

	/* Who waits to be accepted: struct bus_sock, mq_lock. */
	struct list_head pending;
	unsigned int n_pending;
	unsigned int backlog;
	/* Those that were accepted, and let go of by a master whose clients may
	 * have another: likewise, and first. */
	struct list_head returned;
	unsigned int n_returned;
	bool listening;
	wait_queue_head_t connect_wq;	/* for backlog */

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
/* @name's path is the bus's on success. */
int bus_new(struct bus **ret, const struct bus_proto *proto, struct sock *sk,
	    const struct bus_name *name);
/* Takes a reference. -ECONNREFUSED when there is none. */
int bus_find(struct bus **ret, struct net *net, const struct bus_name *name);
void bus_end(struct bus *bus);
/* The master's socket is let go of: the bus is orphaned, or ends. */
void bus_leave(struct bus *bus);
/* @sk becomes the master's of an orphaned bus, whose reference is the caller's
 * then. -ENOENT: no bus has the name; -EADDRINUSE: it has a master; -EPERM;
 * -EPROTOTYPE. */
int bus_take_over(struct bus **ret, const struct bus_proto *proto,
		  struct sock *sk, const struct bus_name *name);
/* The same master, or one to whom he gave his socket, begins anew. */
void bus_begin_anew(struct bus *bus);
void bus_outage(struct bus *bus, struct bus_outage *o);
/* What waits for a master since @since, in jiffies: since when has he let it?
 * Time without one does not count. Sleeps. */
unsigned long bus_left_since(struct bus *bus, unsigned long since);
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
/* Takes the port out of routing, and tells the master; once. */
void bus_port_end(struct bus_port *p, enum bus_reason reason);
/* Below bus->lock, exclusive: the first half of it; true for the first caller. */
bool bus_port_retire(struct bus_port *p, enum bus_reason reason);
void bus_wait_init(struct bus_wait *w, struct bus_user *user,
		   void (*resume)(struct bus_wait *w));
/* @w gets, or keeps, a place in the line for @target. -EPIPE: @sender was
 * closed. */
int bus_wait_room(struct bus_wait *w, struct bus_port *sender,
		  struct bus_port *target, const struct bus_cost *c);
/* @sender, who may not block, is told once there is room; without a place. */
void bus_watch_room(struct bus_port *sender, struct bus_port *target,
		    const struct bus_cost *c);
/* Lets go of @p: nobody gets into a line as it, and no clock is begun for its
 * own. */
void bus_lines_close(struct bus_port *p);
void bus_watch_done(struct bus_port *sender);
void bus_wait_done(struct bus_wait *w, struct bus *bus);
/* May @w commit, or do others wait before it? NULL is a master that does not
 * wait. Locks as for ops->room. */
int bus_room(struct bus_port *target, const struct bus_wait *w,
	     const struct bus_cost *c);
void bus_room_made(struct bus_port *target);
/* The stall clock runs for @p if it does not yet. */
void bus_stall_arm(struct bus_port *p);
void bus_stall_sooner(struct bus *bus);
void bus_stall_work(struct work_struct *work);

/* master.c */
/* Hands @m to the master and holds the port; or fails with -EDQUOT. What is
 * left in @m is the caller's to purge. */
int bus_to_master(struct bus_port *p, struct bus_msg *m,
		  const struct bus_info *why);
/* Tells the master of a D-Bus bus that @p makes others wait; if there is no
 * memory, not. */
void bus_post_slow(struct bus_port *p);
/* Shows the master a message that has gone its way: @data is its header. It is
 * not told when too many wait to be read, or memory is short. */
void bus_post_logged(struct bus_port *p, const void *data, size_t len,
		     const struct bus_info *why);
/* The master is done with the port's message; -EBUSY if it has not read it. What
 * was kept of it is moved to @kept, for the caller, who has counted @p, to
 * purge. */
int bus_resume(struct bus_port *p, struct bus_msg *kept);
static inline bool bus_unread(const struct bus_port *p)
{
	return READ_ONCE(p->item.unread);
}
/* A message of it is with the master, or on its way to him. */
static inline bool bus_asked(const struct bus_port *p)
{
	return READ_ONCE(p->item.port);
}
/* The bus lets go of @p, which is BUS_PF_CLOSED: the master is done with all
 * that he has read of it. */
void bus_done_with(struct bus_port *p);
/* Below mq_lock: what the master has read comes again, in front. */
void bus_hand_again(struct bus *bus);
/* Tells the master of a D-Bus bus that the port ended. Below bus->lock,
 * exclusive. */
void bus_post_end(struct bus_port *p);
int bus_master_recv(struct bus *bus, struct msghdr *msg, size_t size,
		    int flags);
int bus_master_send(struct bus *bus, struct msghdr *msg, size_t len);
void bus_master_purge(struct bus *bus);
/* What waits for the master, and what he has. */
void bus_queue_count(struct bus *bus, struct bus_outage *o);

/* Reads @len bytes of @buf into @m, as what the master sends is. */
int bus_msg_fill(struct bus_msg *m, const void *buf, size_t len);

/* persist.c */
struct bus_park *bus_park_new(u64 cookie);
void bus_park_free(struct bus_park *k);		/* NULL is fine */
/* -ENODATA: the master has no message of @p; -EEXIST, -ENOSPC. */
int bus_park_check(struct bus_port *p, u64 cookie);
/* Takes @k if he has one, which then is its. */
bool bus_park(struct bus_port *p, struct bus_park *k);
bool bus_park_find(struct bus *bus, u64 cookie);
/* It is the caller's to free; NULL: there is none, or it frees itself. */
struct bus_park *bus_unpark(struct bus *bus, u64 cookie);
/* Its message once more, and its sender. -ENOENT, -ENOMEM. */
int bus_park_clone(struct bus *bus, u64 cookie, struct bus_msg *m, u64 *from);
void bus_parked_drop(struct bus_port *p);
/* The message that @p is held with, once more; and the end of it, with what is
 * to be purged without locks. -ENODATA: the master has not read one. */
int bus_handed_clone(struct bus_port *p, struct bus_msg *m);
int bus_handed_check(struct bus_port *p);
void bus_handed_take(struct bus_port *p, struct bus_msg *m);
/* The files of the message that port @addr is held with, counted; *@f may be
 * NULL. -ENODATA: the master has not read one. */
int bus_handed_files(struct bus *bus, u64 addr, struct bus_files **f);
/* Below mq_lock: those that are read go to the end of @first. */
void bus_park_again(struct bus *bus, struct list_head *first);
/* @fd -1: no longer. -ENOENT: it is not; -ENOSPC, -EINVAL, -EBADF. */
int bus_keep(struct bus *bus, u64 id, int fd);
struct file *bus_kept_file(struct bus *bus, u64 id);	/* counted; or NULL */
void bus_kept_drop(struct bus *bus, bool only_sockets);
bool bus_kept_sockets(struct bus *bus);		/* are there any? */
/* Records of what is kept and parked, until @put says false. */
typedef bool (*bus_dump_put)(void *ctx, u32 type, u64 addr, u64 cookie);
bool bus_persist_dump(struct bus *bus, bus_dump_put put, void *ctx);

/* desert.c */
/* There may be files that wait for the master. Any context; the caller has a
 * reference. */
void bus_desert_watch(struct bus *bus);
void bus_desert_stop(struct bus *bus);
void bus_desert_work(struct work_struct *work);
/* A system call on the master's socket. */
static inline void bus_used(struct bus *bus)
{
	WRITE_ONCE(bus->used, jiffies);
}

/* send.c: the address that @msg goes to. */
int bus_dest(const struct bus *bus, const struct msghdr *msg, u64 *addr);

/* connect.c: a new card of the member @sk, whose port @p is; or an ERR_PTR(). */
struct file *bus_card_file(struct bus_port *p, struct sock *sk);
/* Nobody will accept these any more. */
void bus_pending_drop(struct bus *bus);
/* Who connects from now on is told that @sk is the master's. */
void bus_master_is(struct sock *sk);

/* socket.c, proc.c */
/* Returns the length. */
int bus_fill_name(struct sockaddr_bus *sa, const struct bus *bus, u64 addr);
extern struct net_proto_family bus_family;
extern struct proto bus_sk_proto;
/* The start of a port's line; the protocol adds the name. */
void bus_port_show(struct seq_file *m, const char *kind, struct bus_port *p);
int bus_proc_init(void);
void bus_proc_exit(void);

#endif
