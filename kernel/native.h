/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The native members of a bus: AF_BUS sockets.
 *
 * Roles. A socket begins with none. bind() makes it the *bus* (SOCK_DGRAM:
 * the bus, and its first member), connect() a *client*; accept() brings the
 * *end* that the master has of a client. Client and end are ports, each with
 * a queue; only clients have addresses. Of another protocol's bus connect()
 * makes a *member*, whose port the protocol has made, and accept() a *card*,
 * that says who has come and nothing else (member.c). The role is set once,
 * below the socket lock, after all that it stands for, and read with
 * smp_load_acquire().
 *
 * Lifetime. The port is part of the socket, and a reference to the port holds
 * one to the sock. The first belongs to the role and goes with release().
 * Client and end hold each other (->other); native_end() cuts that.
 *
 * The close of an end's last descriptor is the end of its client, unless the
 * bus may outlive its master (BUS_PERSIST): then it is *returned*, goes without
 * a socket to bus->returned, and is the next accept()'s. The references that its
 * descriptor had are the list's then, as those of an end that nobody has
 * accepted yet.
 *
 * A message is an skb. What all its receivers share stands in front of its
 * data, in the skb's own buffer (struct bus_body), so that a clone brings it
 * along; what each has of its own is in the cb.
 */
#ifndef _AFBUS_KERNEL_NATIVE_H
#define _AFBUS_KERNEL_NATIVE_H

#include "bus.h"

#define NATIVE_ADDR_BITS 10
#define NATIVE_GROUP_BITS 6
#define NATIVE_BANDS (BUS_PRIO_MAX + 1)

enum bus_role {
	BUS_ROLE_NONE,
	BUS_ROLE_BUS,
	BUS_ROLE_CLIENT,
	BUS_ROLE_END,
	BUS_ROLE_MEMBER,
	BUS_ROLE_CARD,
};

struct bus_sock;

/* Everybody with an address of one prefix. Below bus->lock. */
struct bus_group {
	struct hlist_node hash;
	u64 prefix;
	struct list_head members;	/* struct bus_member */
	unsigned int n;
};

struct bus_member {
	struct list_head link;		/* group->members */
	struct list_head mine;		/* bs->groups */
	struct bus_group *group;
	struct bus_sock *bs;
	unsigned int addrs;		/* of the prefix */
};

/* An address besides that of prefix 0. Below bus->lock. */
struct bus_address {
	struct hlist_node hash;
	struct list_head mine;		/* bs->addrs */
	struct bus_sock *bs;
	u64 addr;
};

struct native_bus {
	struct bus bus;			/* must be first */
	/* all below bus.lock */
	DECLARE_HASHTABLE(addrs, NATIVE_ADDR_BITS);
	DECLARE_HASHTABLE(groups, NATIVE_GROUP_BITS);
	struct list_head joined;	/* bs->joined_link */
	unsigned int n_joined;
	struct list_head taps;		/* bs->tap_link */
	unsigned int n_taps;
	u64 mark;			/* of the last multicast */
	unsigned int n_members;		/* open: who keeps the bus alive */
};

/* Messages of one priority that wait for a reader. Below port.lock. */
struct bus_band {
	struct sk_buff_head q;
	u64 bytes;
};

enum bus_sock_flag {
	BUS_SOCK_NOSPACE,	/* somebody wants to know when it can send */
	BUS_SOCK_OVER,		/* what follows its end was done */
	BUS_SOCK_SHORT,		/* its send buffer is full, since short_since */
	BUS_SOCK_SHUT,		/* an end: its master said shutdown() */
};

/* What the uids of one share have in a queue. */
struct native_share {
	atomic_t msgs, fds;
	atomic64_t bytes;
};

struct bus_sock {
	struct sock sk;			/* must be first */
	unsigned long flags;		/* enum bus_sock_flag, atomic */
	const struct bus_proto *proto;	/* module held until the bus has it */
	struct bus *bus;		/* counted by the port, or the role */
	enum bus_role role;
	struct bus_port port;		/* client, end */
	struct bus_sock *other;		/* port.lock; counted */
	struct bus_port *member;	/* of a member or its card; counted */
	/* Of a member: who connected, counted; once it is one. */
	const struct cred *self_cred;
	struct pid *self_pid;

	struct bus_band band[NATIVE_BANDS];	/* port.lock */
	struct native_share share[BUS_SHARES];
	unsigned int n_msgs;		/* in all bands; port.lock */
	unsigned int n_fds;		/* in them; likewise */
	unsigned int n_holders;		/* with files that may hold others */
	unsigned int burst;		/* taken while others waited; likewise */
	struct list_head sleepers;	/* struct native_sleeper; port.lock */
	unsigned int maxqlen;
	unsigned long short_since;	/* jiffies */
	bool pass_info;
	bool joined;			/* below bus->lock */
	bool creator;			/* open: who made the bus */
	u64 mark;			/* below bus->lock, exclusive */

	struct bpf_prog __rcu *filter;	/* the master's; below filter_mutex */
	bool filter_classic;

	struct list_head pending_link;	/* bus->pending, ->returned; mq_lock */
	/* Of an end, written while it has no descriptor: how often it was
	 * returned, when, and how long it waited for accept() then. */
	u64 returns;
	ktime_t returned_at;
	u64 away_us;
	struct list_head joined_link;	/* below bus->lock */
	struct list_head tap_link;	/* likewise */
	struct list_head addrs;		/* likewise; struct bus_address */
	struct list_head groups;	/* likewise; struct bus_member */
	unsigned int n_addrs;		/* likewise */
};

/* What the receivers of a message share. */
struct bus_body {
	refcount_t ref;			/* one a clone */
	struct bus_port *port;		/* the sender's; counted */
	size_t wmem;			/* charged to its sk_wmem_alloc */
	size_t charged;			/* charged to its user */
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	u32 secid;
	u64 from, to, seq;
	ktime_t tstamp;			/* 0 until somebody wants it */
};

struct bus_skb_cb {
	struct bus_files *files;	/* counted */
	unsigned long since;		/* jiffies, when committed */
	u32 len;			/* what the receiver may read of it */
	u8 share;
	u8 prio;
	bool files_lost;
	struct bus_port *keeper;	/* who is charged for it in the sender's
					 * place; the port whose queue it is on */
};

static inline struct bus_skb_cb *BUSCB(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct bus_skb_cb) >
		     sizeof_field(struct sk_buff, cb));
	return (struct bus_skb_cb *)skb->cb;
}

static inline struct bus_body *bus_body(const struct sk_buff *skb)
{
	return (struct bus_body *)skb->head;
}

static inline struct bus_sock *bus_sk(const struct sock *sk)
{
	return (struct bus_sock *)sk;
}

static inline struct native_bus *to_native_bus(struct bus *bus)
{
	return container_of(bus, struct native_bus, bus);
}

static inline struct bus_sock *port_sk(struct bus_port *p)
{
	return container_of(p, struct bus_sock, port);
}

static inline bool bus_is_open(const struct bus *bus)
{
	return bus->type == SOCK_DGRAM;
}

static inline enum bus_role bus_role(const struct bus_sock *bs)
{
	/* Pairs with the release that sets it: bs->bus and all the rest may be
	 * read after this. */
	return smp_load_acquire(&bs->role);
}

/* native.c: ports */
extern const struct bus_proto native_proto;
/* @pid NULL: the master's. */
int native_port_init(struct bus_sock *bs, struct bus *bus, kuid_t uid,
		     struct pid *pid);
void native_end(struct bus_sock *bs, enum bus_reason reason);
void native_shutdown(struct bus_sock *bs, int how);
/* The errno that reads end with, negative, or 0. */
int native_cause(const struct bus_sock *bs);

/* queue.c: a port's queue */
void native_queue_init(struct bus_sock *bs);
int native_room(struct bus_port *p, const struct bus_user *user,
		const struct bus_cost *c);
/* Below port.lock; owns @skb. */
void native_push(struct bus_sock *bs, struct sk_buff *skb);
/* The next message, or NULL, and its files; the caller's to free. */
struct sk_buff *native_pull(struct bus_sock *bs, bool peek,
			    struct bus_files **files);
/* Back to where it was: its reader could not take it. */
void native_unpull(struct bus_sock *bs, struct sk_buff *skb);
void native_purge(struct bus_sock *bs);
bool native_full(const struct bus_sock *bs);
bool native_files_since(struct bus_port *p, unsigned long *since);
void native_drop_files(struct bus_sock *bs);
/* Charges what is on the queue of a removed port to itself. */
void native_disown(struct bus_sock *bs);
size_t native_next_len(struct bus_sock *bs);
/* Somebody, counted, who has not read what @sender sent @before. */
struct bus_port *native_keeper(struct bus_port *sender, unsigned long before);

/* body.c: a message's memory */
struct sk_buff *native_skb_new(struct bus_sock *bs, struct msghdr *msg,
			       size_t len);
/* Shares the message, for one more receiver. */
struct sk_buff *native_skb_clone(struct sk_buff *skb);
/* Charges a message that is on @p's queue to @p, in two steps: the first
 * below port.lock, the second without locks. */
void native_keep(struct sk_buff *skb, struct bus_port *p);
void native_keep_done(struct sk_buff *skb);
/* For @n copies; -ENOBUFS. */
int native_charge_copies(struct sk_buff *skb, unsigned int n);
bool native_can_send(const struct bus_sock *bs);
bool native_has_buffer(const struct bus_sock *bs);

/* groups.c: who has which address. All but the first two for the master's
 * end, or the member itself on an open bus. */
struct bus_sock *native_addr_find(struct native_bus *nb, u64 addr);
struct bus_group *native_group_find(struct native_bus *nb, u64 addr);
int native_addr_add(struct bus_sock *bs, u64 addr);
int native_addr_del(struct bus_sock *bs, u64 addr);
/* As many as @n of those that were added, oldest first; how many, or
 * -ENOTCONN. */
int native_addr_list(struct bus_sock *bs, u64 *addrs, unsigned int n);
int native_join(struct bus_sock *bs);
int native_tap(struct bus_sock *bs, bool on);
/* 0 or -ENOTCONN. */
int native_standing(struct bus_sock *bs, bool *joined, bool *taps);
void native_leave(struct bus_sock *bs);	/* below bus->lock, exclusive */
void native_forget(struct bus_sock *bs); /* frees what leave() cut loose */

/* route.c: who gets a message, and its delivery */
struct native_out {
	struct bus_sock *bs;	/* who sends */
	struct sk_buff *skb;	/* NULL once it is delivered */
	u64 to;
	bool stray;		/* nobody has the address: to the master */
	struct bus_cost cost;
	struct bus_wait *w;
	struct bus_port *full;	/* counted, with -EAGAIN */
};

static inline bool native_is_group(u64 addr)
{
	return (addr & BUS_CLIENT_MASK) == BUS_CLIENT_MASK;
}

int native_deliver(struct native_out *o);

/* filter.c */
/* Bytes of the message that the receiver may have; 0 drops it. Below
 * bus->lock. */
unsigned int native_filter(struct bus_sock *bs, struct sk_buff *skb);
int native_filter_classic(struct bus_sock *bs, sockptr_t val,
			  unsigned int len);
int native_filter_bpf(struct bus_sock *bs, sockptr_t val, unsigned int len);
void native_filter_free(struct bus_sock *bs);

/* For wait queues where readers and writers sleep: what is said to writers is
 * not for readers. */
int native_wake_reader(struct wait_queue_entry *wait, unsigned int mode,
		       int sync, void *key);
/* send.c, recv.c */
/* Senders of @bs that sleep look whether they still can. */
void native_sleepers_wake(struct bus_sock *bs);
int native_sendmsg(struct bus_sock *bs, struct socket *sock,
		   struct msghdr *msg, size_t len);
int native_recvmsg(struct bus_sock *bs, struct socket *sock,
		   struct msghdr *msg, size_t size, int flags);
__poll_t native_poll(struct bus_sock *bs);

/* connect.c */
int bus_sock_listen(struct socket *sock, int backlog);
int bus_sock_connect(struct socket *sock, struct sockaddr_unsized *addr,
		     int len, int flags);
int bus_sock_accept(struct socket *sock, struct socket *newsock,
		    struct proto_accept_arg *arg);
bool native_pending(struct bus *bus);
/* The end's last descriptor is closed. True: it is another's to accept; false:
 * it is the caller's still, to put. */
bool native_return(struct bus_sock *end);
int native_open_join(struct bus_sock *bs, struct bus *bus);
void native_open_leave(struct bus *bus);

/* member.c: sockets whose ports are another protocol's */
int member_connect(struct bus_sock *bs, struct bus_sock *card,
		   struct bus *bus);
/* It is let go of. */
void member_put(struct bus_sock *bs);
int member_sendmsg(struct bus_sock *bs, struct msghdr *msg, size_t len);
int member_recvmsg(struct bus_sock *bs, struct msghdr *msg, size_t size,
		   int flags);
__poll_t member_poll(struct bus_sock *bs);
int member_shutdown(struct bus_sock *bs, int how);
size_t member_bytes(struct bus_sock *bs, bool unsent);

/* name.c */
int bus_name_parse(struct bus_name *n, const struct sockaddr_bus *sa, int len);
/* Makes the file. */
int bus_name_make(struct bus_name *n, struct socket *sock);
/* Finds the file that bind() would have to make, whoever has made it. */
int bus_name_own(struct bus_name *n);
void bus_name_put(struct bus_name *n);
/* Finds the file, which the caller must be allowed to write. */
int bus_name_find(struct bus_name *n);

/* socket.c */
struct bus_sock *bus_sock_new(struct net *net, int type, int kern);
/* @bs, which is the file's from here on, on failure too. */
struct file *bus_sock_file(struct bus_sock *bs);
/* A client or end is let go of, by its file or by who should have accepted
 * it. */
void bus_sock_put(struct bus_sock *bs, enum bus_reason reason);

/* sockopt.c */
int bus_sock_setsockopt(struct socket *sock, int level, int name,
			sockptr_t val, unsigned int len);
int bus_sock_getsockopt(struct socket *sock, int level, int name,
			char __user *val, int __user *optlen);

#endif
