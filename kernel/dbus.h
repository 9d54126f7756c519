/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * af_bus_dbus.ko: D-Bus on a bus whose peers are adopted AF_UNIX streams.
 *
 * A port keeps the daemon's end of a client's connection (file, sk) and sits
 * in its callbacks. The client's end (peer) stays untouched: it is an
 * ordinary socket that its program reads and writes.
 *
 * Receiving from the client. unix_stream_sendmsg() of the client queues an
 * skb on our end and calls sk_data_ready in the client's own context, without
 * locks: from there service() takes skbs off, frames, stamps, routes. One
 * context at a time *owns* a port's receiving side, counted in ->kicks;
 * who comes meanwhile raises the count and leaves, and the owner goes round
 * once more. So two threads of one client, or a client and the work item,
 * never meet there, and a message from A to A or from A to B while B sends to
 * A recurses nowhere: delivering touches the peer's queue only, whose
 * callbacks are not ours (attach refuses a socket whose peer is adopted).
 *
 * Sending to the client. commit() puts skbs on the *client's* receive queue,
 * as unix_stream_sendmsg() would, charged to our end's sk_wmem_alloc: that is
 * the queue's fill, and sk_write_space tells when the client has read.
 * Nothing is ever written in part. Messages with files take the long way: a
 * worker installs them in its own descriptor table and sends them with
 * SCM_RIGHTS through our end, so that AF_UNIX's garbage collector knows of
 * them; what comes after them waits behind them on ->held.
 *
 * Locking: see bus.h. port.lock orders commits to one client; below it AF_UNIX's
 * state lock of the peer, below that the lock of its receive queue. Fields
 * marked "owner" belong to the context that owns the receiving side.
 */
#ifndef _AFBUS_KERNEL_DBUS_H
#define _AFBUS_KERNEL_DBUS_H

#include "bus.h"
#include "core/match_index.h"
#include "core/policy.h"
#include "core/replies.h"
#include "core/shares.h"

#define DBUS_NAME_BITS	10
#define DBUS_POOL_FDS	(2 * BUS_MAX_FDS)
#define DBUS_BUDGET	64	/* messages before a sender is let go */

/* What is for one peer takes a rule that eavesdrops: they are by themselves. */
enum { DBUS_RULES_PLAIN, DBUS_RULES_EAVESDROP, DBUS_RULES_KINDS };

struct dbus_bus {
	struct bus bus;				/* must be first */
	DECLARE_HASHTABLE(names, DBUS_NAME_BITS);
	DECLARE_HASHTABLE(owned, DBUS_NAME_BITS);	/* names by owner */
	struct match_index rules[DBUS_RULES_KINDS];	/* but monitors' */
	u32 n_subscribers;			/* ports that have some of them */
	struct list_head monitors;		/* dbus_port.mon_link */
	u32 n_monitors;
	u32 n_eavesdrop;			/* rules of others */
	DECLARE_HASHTABLE(notes, DBUS_NAME_BITS);	/* struct dbus_note */
	struct list_head bus_notes;		/* of no port */
	u64 n_notes, notes_bytes;
	u64 notes_to_come;			/* of the batch at hand */
	struct list_head policies;		/* struct dbus_policy */
	u64 policy_bytes;			/* of them */
	u64 n_names, n_matches, n_arg_rules;
	/* all above below bus.lock */

	spinlock_t replies_lock;		/* innermost */
	struct replies replies;
	struct work_struct orphans;		/* a reference while queued */
	struct delayed_work reply_clock;	/* likewise */
	atomic_t serial;			/* of our own messages */
	struct dbus_recips *recips;		/* dbus_cast.c; taken by xchg() */
	struct bus_info ruling;			/* for BUS_RULING; the master's
						 * socket lock */
};

struct dbus_name {
	struct hlist_node hash;
	struct hlist_node by_owner;
	u64 owner;		/* an address; the port may be gone */
	u32 len;
	char name[];
};

/* A block under the master's number for it. */
struct dbus_policy {
	struct list_head link;	/* dbus_bus.policies, below bus.lock */
	refcount_t ref;
	u64 id;
	struct policy p;	/* must be last */
};

/* A name that a port is among the owners of, primary or waiting. */
struct dbus_claim {
	struct list_head link;	/* dbus_port.claims, below bus.lock */
	u32 len;
	char name[];
};

/* Whether a message may go to one receiver, and why not. */
struct dbus_ruling {
	enum bus_refusal refusal;
	bool requested;		/* a reply that is waited for */
	bool eavesdropping;	/* addressed to somebody else */
	unsigned int matched;	/* policy rules */
	u64 to;
};

struct dbus_rule {
	struct list_head link;	/* dbus_port.rules, below bus.lock */
	struct rb_node node;	/* dbus_port.cookies, likewise */
	u64 cookie;
	struct dbus_port *port;
	struct match_entry entry;	/* unless that is a monitor */
	struct match_rule rule;	/* must be last */
};

static inline unsigned int dbus_rule_kind(const struct match_rule *r)
{
	return r->keys & MATCH_EAVESDROP ? DBUS_RULES_EAVESDROP :
					   DBUS_RULES_PLAIN;
}

/* The message a port is about to deliver. */
struct dbus_out {
	struct bus_msg m;
	enum dbus_route route;
	u64 addr;			/* DBUS_ROUTE_UNIQUE */
	struct dbus_str name;		/* DBUS_ROUTE_NAME; in ->hdr */
	bool valid;			/* waits for room */
	size_t charged;			/* to the sender's user */
	struct reply *reply;		/* for a call; NULL once it waits */
	void *log;			/* a copy of the header, if a rule wants
					 * the message logged or its sender is
					 * told of a refusal, for whose text
					 * there is room behind */
	const void *hdr;		/* the stamped header, of hdr_len */
	size_t hdr_len;
	/* Of the stamped message; until ->parsed its strings are nobody's. */
	struct dbus_header h;
	bool parsed;
	const void *body;		/* NULL: not in one piece */
	void *hdr_buf, *body_buf;	/* when not linear in the first skb */
};

enum dbus_port_event {
	DP_HUP,			/* the client sends, or reads, no more */
	DP_EVICT,		/* end it for ->evict_reason */
	DP_FD_LATE,		/* files have waited too long for a message */
	DP_HANDOFF,		/* the work item inherits the ownership */
	DP_DRAINED,		/* closed, and ->held is empty: tear down */
	DP_SHUT,		/* our end is shut down */
	DP_HOOKED,		/* our callbacks are in place */
	DP_FD_WAIT,		/* somebody waits for room for files */
	DP_QUIET,		/* the master says when its end is told */
	DP_CORKED,		/* what is committed stays on ->held */
};

struct dbus_port {
	struct bus_port port;			/* must be first */
	struct file *file;			/* until torn down; the work
						 * item's, others look at it
						 * below port.lock */
	struct socket *sock;
	struct sock *sk;			/* counted */
	struct sock *peer;			/* counted */
	void (*saved_data_ready)(struct sock *sk);
	void (*saved_write_space)(struct sock *sk);
	void (*saved_state_change)(struct sock *sk);
	unsigned long events;			/* enum dbus_port_event */
	u32 evict_reason;
	atomic_t kicks;
	bool pass_fds;
	bool native;				/* dbus_native.c */
	bool malformed;		/* behind ->sent; below its lock */
	bool monitor;				/* below bus.lock, for good */
	bool let_go;			/* by the master; below bus.lock */
	struct work_struct work;		/* a reference while queued */
	struct delayed_work fd_timer;		/* likewise */

	/* owner: */
	struct sk_buff_head rxq;	/* taken off, not yet used up */
	size_t rx_len;			/* bytes in it */
	size_t rx_charged;		/* bytes of it charged to the user */
	struct sk_buff *fetched;
	struct file **pool;		/* files without a message yet */
	unsigned int n_pool;
	unsigned int n_receivers;	/* expected of its next broadcast */
	struct dbus_out out;
	struct bus_queue in;		/* after its last round */

	/* Of a native client: what it has sent, stamped, until the owner takes
	 * it; what it is to read. A message is a run of skbs (dbus_cb). */
	struct sk_buff_head sent;	/* below its lock */
	size_t sent_bytes;		/* of memory; below sent.lock */
	struct sk_buff_head rq;		/* port.lock */
	struct mutex reading;		/* only its holder takes off ->rq */

	struct sk_buff_head held;	/* behind files; port.lock */
	unsigned int held_fds;		/* port.lock */
	/* Of them, those that the worker hands to AF_UNIX just now, and how
	 * many that had before; likewise. */
	unsigned int handing, handing_onto;
	/* Of a message longer than the limit, which was let on an empty queue:
	 * what the master sends on top of it is not to blame. port.lock */
	size_t oversize;
	struct shares shares, fd_shares; /* of the client's queue; port.lock */
	u64 queued_msgs;		/* since the queue was empty; port.lock */
	u64 peak_bytes, peak_fds;	/* of the queue; port.lock */

	char *about;			/* set once below bus.lock, before it
					 * is active */
	struct list_head rules;		/* below bus.lock */
	struct rb_root cookies;		/* of them; below bus.lock */
	struct list_head mon_link;	/* below bus.lock */
	u64 n_matches;			/* below bus.lock */
	struct dbus_policy *policy;	/* below bus.lock; NULL: all is allowed */
	struct list_head notes;		/* struct dbus_note; below bus.lock */
	struct list_head claims;	/* below bus.lock */
	u64 claim_bits;			/* policy_name_bit() of them; likewise */
	struct replies_port replies;	/* replies_lock */
	struct rcu_head rcu;
	char unique[DBUS_UNIQUE_MAX];
	u32 unique_len;
};

static inline struct dbus_bus *to_dbus_bus(struct bus *bus)
{
	return container_of(bus, struct dbus_bus, bus);
}

static inline struct dbus_port *to_dbus_port(struct bus_port *p)
{
	return container_of(p, struct dbus_port, port);
}

/* What is kept back goes at the end all the same. */
static inline bool dbus_keeps_back(const struct dbus_port *p)
{
	return test_bit(DP_CORKED, &p->events) &&
	       !test_bit(BUS_PF_ENDED, &p->port.flags) &&
	       !test_bit(BUS_PF_CLOSED, &p->port.flags);
}

/* dbus_stream.c: a port's life, and its client's queue */
int dbus_ports_init(void);
void dbus_ports_exit(void);	/* none is left, nor waits for RCU */
int dbus_attach(struct bus *bus, struct bus_attach *at);
struct file *dbus_port_file(struct bus_port *p);
void dbus_kick(struct dbus_port *p);	/* may sleep */
/* Who has made ->kicks 1 out of 0 owns the receiving side, until here. */
void dbus_own(struct dbus_port *p);
/* A port, held, without a client yet. */
struct dbus_port *dbus_port_new(struct bus *bus, struct sock *sk, kuid_t uid,
				pid_t pid);
int dbus_port_add(struct dbus_port *p);
void dbus_queue(struct dbus_port *p);	/* the same, later */
void dbus_skb_disown(struct sk_buff *skb);
/* Below port.lock: to the end of the client's queue. */
void dbus_push(struct dbus_port *p, struct sk_buff_head *skbs);

/* dbus_native.c: clients that are sockets of the family */
extern const struct bus_member_ops dbus_member_ops;
/* As dbus_rx_next(). */
int dbus_native_next(struct dbus_port *p, enum bus_reason *why);
void dbus_native_drop(struct dbus_port *p);	/* what it has sent */
void dbus_native_shut(struct dbus_port *p);
/* Below port.lock: the message is its client's to read, or waits on ->held. */
void dbus_native_push(struct dbus_port *p, struct bus_msg *m);
void dbus_native_uncork(struct dbus_port *p);
bool dbus_native_files_since(struct bus_port *bp, unsigned long *since);
/* What it has sent, and was not routed yet: are there files that may hold
 * others? */
bool dbus_native_sent_files(struct dbus_port *p);

/* dbus_rx.c: from the client's bytes to messages; owner only */
/* 1: p->out holds a message; 0: not yet; else the port is to end for that. */
int dbus_rx_next(struct dbus_port *p, enum bus_reason *why);
void dbus_rx_drop(struct dbus_port *p);
/* Owner, hooked: what the client has sent to an end that is shut down. */
void dbus_rx_discard(struct dbus_port *p);

/* dbus_route.c */
/* 0: delivered, or dropped by rule; -EAGAIN: waits for room; -EDQUOT,
 * -ENOMEM: the sender is to end. */
int dbus_deliver(struct dbus_port *p);
int dbus_master_send(struct bus *bus, u64 addr, struct bus_msg *m,
		     const struct bus_send *how);
bool dbus_is_group(u64 addr);
/* In the driver's name, to @addr: @caller's message @serial has failed. When
 * there is no memory for it a port ends; monitors do without. */
void dbus_send_error(struct dbus_bus *db, u64 addr, u64 caller, u32 serial,
		     const char *name, const char *text);
void dbus_out_release(struct dbus_port *p);
/* May @p send @t a message of header @h? Below bus.lock. -EACCES: no, @ruling
 * says why; -ESTALE: the header has to be parsed first. */
int dbus_admit(struct dbus_port *p, struct dbus_port *t,
	       const struct dbus_header *h, bool parsed,
	       struct dbus_ruling *ruling);
struct bus_info dbus_explain(const struct dbus_ruling *ruling);
/* The stamped header, for those who look at its strings. */
int dbus_out_parse(struct dbus_out *o);
/* The message may go, and its header with it: a copy for the log. */
int dbus_out_log(struct dbus_out *o);
struct bus_cost dbus_cost_of(const struct bus_msg *m);
/* What is behind the first @skip bytes, in one piece; kvfree() it. NULL: no
 * memory. */
void *dbus_msg_linear(const struct bus_msg *m, size_t skip);

/* dbus_cast.c: to several */

/* Between whom, as match rules ask. */
struct dbus_ends {
	struct dbus_bus *db;
	u64 from, to;		/* 0: the driver, or nobody known */
};

#define CAST_MONITORS		0x1
#define CAST_SUBSCRIBERS	0x2
#define CAST_EAVESDROPPERS	0x4

struct dbus_cast {
	struct dbus_bus *db;
	struct bus_msg *m;		/* what is left of it is the caller's */
	struct dbus_port *p;		/* who sends and waits; NULL: the master */
	struct match_msg mm;		/* asks about ->ends */
	struct dbus_ends ends;
	/* Below bus.lock: who is to have it. Fills what follows, up to ->log. */
	int (*whom)(struct dbus_cast *c);
	unsigned int sets;		/* CAST_* */
	struct bus_port *to;		/* or NULL */
	struct dbus_port *as;		/* in whose name; NULL: the driver's */
	atomic64_t *up;			/* it goes to the master, counted here */
	bool unseen;			/* monitors need room for it, and get
					 * it from the master */
	bool log;			/* a rule wants it logged */
	unsigned int n_denied;		/* subscribers, if monitors are to know */
	struct dbus_ready *ready;	/* of a batch: room and copies */
	/* Below bus.lock, exclusive, with room at all of them: the last word.
	 * Hands it to the master if it goes there. NULL: there is none. */
	int (*settle)(struct dbus_cast *c);
};

/*
 * 0: everybody has it; -EAGAIN: the sender waits for room. Else nobody has: as
 * ->whom() and ->settle() say, or why ->to cannot take it. They are called
 * again after -ESTALE, or when the tables have changed.
 */
int dbus_cast(struct dbus_cast *c);
/*
 * The same in steps, for what the master sends within a batch. How many
 * receivers there are at most by the tables as they are; below bus.lock. Room and
 * copies for @n; without locks, in place of what was there. The cast, below
 * bus.lock, exclusive: who cannot have it has not. Who has it is told, without
 * locks, and what was prepared is freed.
 */
int dbus_cast_count(struct dbus_cast *c);
int dbus_cast_ready(struct dbus_cast *c, unsigned int n);
void dbus_cast_now(struct dbus_cast *c);
void dbus_cast_done(struct dbus_cast *c);
/* The bus is to be freed. */
void dbus_recips_free(struct dbus_bus *db);

/* dbus_watch.c; below bus.lock */
static inline bool dbus_watched(const struct dbus_bus *db)
{
	return db->n_monitors | db->n_eavesdrop;
}
/* For struct match_msg, with a struct dbus_ends. */
bool dbus_ends_owns(void *ctx, const char *name, size_t len);
bool dbus_ends_receives(void *ctx, const char *name, size_t len);
bool dbus_ends_names(void *ctx, void **at, struct dbus_str *name);
/* Who has a name, unique or well-known; 0: nobody. */
u64 dbus_name_addr(struct dbus_bus *db, struct dbus_str name);
/* Does @t, if it is still there, want it by one of its rules? */
bool dbus_rules_match(const struct dbus_port *t, const struct match_msg *mm);
/* May @t, who has a rule for it, get what is not for it? */
bool dbus_overhears(struct dbus_cast *c, struct dbus_port *t);
/* A rule comes (1) or goes (-1). */
void dbus_watch_count(struct dbus_bus *db, struct dbus_port *p,
		      const struct match_rule *r, int n);
/* Exclusive; @p has no rules. */
void dbus_watch_begin(struct dbus_bus *db, struct dbus_port *p);
void dbus_watch_end(struct dbus_bus *db, struct dbus_port *p);

/* dbus_tables.c */
u64 dbus_name_owner(struct dbus_bus *db, const char *name, size_t len);
/* The names of @owner, as struct match_msg goes through them. */
bool dbus_name_next(struct dbus_bus *db, u64 owner, void **at,
		    struct dbus_str *name);
int dbus_update(struct bus *bus, const void *recs, size_t len);
void dbus_tables_drop(struct dbus_bus *db);
void dbus_rules_free(struct dbus_port *p);

/* dbus_dump.c */
struct dbus_dump;
ssize_t dbus_dump(struct bus *bus, void *buf, size_t len, u64 *at, u64 *gen);
/* Below bus.lock. False: there is no more room. */
bool dbus_dump_put(struct dbus_dump *d, u32 type, u64 addr, u64 cookie,
		   const void *data, size_t len);
/* dbus_notes.c; of a port, or of the bus */
bool dbus_notes_dump(struct dbus_dump *d, struct dbus_bus *db,
		     const struct dbus_port *p);

/* dbus_rules.c; below bus.lock, but what begins and ends a growth */
void dbus_rules_init(struct dbus_bus *db);
void dbus_rule_file(struct dbus_bus *db, struct dbus_port *p,
		    struct dbus_rule *r);
void dbus_rule_unfile(struct dbus_bus *db, struct dbus_rule *r);
/* Rules that may match; unless @all, of those that eavesdrop. */
int dbus_rules_visit(const struct dbus_bus *db, const struct match_msg *mm,
		     bool all, match_found found, void *ctx);
/* All zero but ->more. */
struct dbus_growth {
	unsigned int more[DBUS_RULES_KINDS];	/* rules are to be added */
	struct match_entry **buckets[DBUS_RULES_KINDS];
	size_t size[DBUS_RULES_KINDS];
};
int dbus_growth_prepare(struct dbus_bus *db, struct dbus_growth *g);
void dbus_growth_use(struct dbus_bus *db, struct dbus_growth *g);
void dbus_growth_free(struct dbus_growth *g);	/* what is left of it */
/* No rule is filed any more. @old is to be freed. */
void dbus_rules_forget(struct dbus_bus *db, struct dbus_growth *old);

/* dbus_policy.c; all but the first and the last three below bus.lock */
int dbus_policy_set(struct bus *bus, sockptr_t val, unsigned int len);
struct dbus_policy *dbus_policy_find(struct dbus_bus *db, u64 id);
/* The old one is the caller's to put. */
struct dbus_policy *dbus_policy_swap(struct dbus_port *p,
				     struct dbus_policy *dp);
/* One that is to be freed, or NULL. */
struct dbus_claim *dbus_claim(struct dbus_port *p, struct dbus_claim *c);
struct dbus_claim *dbus_disclaim(struct dbus_port *p, const char *name,
				 u32 len);
/* Is a rule to be asked at all for what @p (NULL: the driver) sends @t? */
bool dbus_policy_asks(const struct dbus_port *p, const struct dbus_port *t);
bool dbus_policy_admit(struct dbus_port *p, struct dbus_port *t,
		       const struct dbus_header *h,
		       struct dbus_ruling *ruling);
void dbus_policy_put(struct dbus_policy *dp);	/* NULL is fine */
struct dbus_claim *dbus_claim_new(const char *name, u32 len);
void dbus_claims_init(struct dbus_port *p);
void dbus_claims_free(struct dbus_port *p);
void dbus_policies_drop(struct dbus_bus *db);

/* dbus_replies.c */
int dbus_replies_init(struct dbus_bus *db);
void dbus_replies_end(struct dbus_bus *db);
void dbus_replies_free(struct dbus_bus *db);
/* Memory for a call that is about to be made, in *@reply if it has none. */
int dbus_reply_prepare(struct dbus_bus *db, const struct dbus_header *h,
		       struct reply **reply);
/* Does @t wait for @p's answer to @serial? */
bool dbus_reply_requested(struct dbus_port *p, struct dbus_port *t,
			  u32 serial);
/* Just before the commit: a call waits from now on (and has taken *@reply), an
 * answer is waited for no more. */
enum bus_refusal dbus_reply_note(struct dbus_port *p, struct dbus_port *t,
				 const struct dbus_header *h,
				 struct reply **reply);
void dbus_reply_cross_off(struct dbus_port *p, struct dbus_port *t,
			  u32 serial);
/* Below bus.lock, exclusive: @p is out of routing, and waits for nothing. */
void dbus_replies_ended(struct dbus_port *p);
/* The master has let go of @p: those who wait for its answers are orphans.
 * Without locks. */
void dbus_replies_closed(struct dbus_port *p);
/* They are told: before it returns, without locks; */
void dbus_orphans_now(struct dbus_bus *db);
/* soon. The caller holds the bus. */
void dbus_orphans_tell(struct dbus_bus *db);

/* dbus_fds.c: messages with files, in a worker */
void dbus_held_drain(struct dbus_port *p);
void dbus_held_purge(struct dbus_port *p);

#endif
