/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The switch in this process: what its files share.
 *
 *	switch_user.c		ports, and the calls on them
 *	switch_user_rules.c	match rules, and whose match
 *	switch_user_names.c	names, and who waits for them
 *	switch_user_policy.c	who may send what, and who waits for a reply
 *	switch_user_loop.c	what is ready: reading, waiting, ends, time
 *	switch_user_rx.c	from a client's bytes to messages
 *	switch_user_route.c	who gets a message, and who waits for whom
 *	switch_user_monitor.c	who sees what is not for him
 *	switch_user_tx.c	towards the clients
 *	switch_user_buf.c	buffers, fds, users' accounts
 *	switch_user_keep.c	what is left for a successor
 *	switch_user_save.c	all of it, written down
 *	switch_user_restore.c	and read again
 *
 * One thread. A message meets: uport_readable() (recvmsg into the one read
 * buffer), uport_run() (frames and parses in place), us_route(), and
 * us_commit(), which notes the bytes as pending at the receiver; when the
 * read buffer has been gone through, us_flush() makes one sendmsg() of what
 * is pending for each receiver. A message is copied only when the receiver's
 * socket is full, or when it is so small that copying is cheaper than a
 * further element of an iovec.
 *
 * Lifetime. A port lives from sw_attach() to sw_detach(), then on as a
 * "zombie" while something is queued for its client. Memory is freed only by
 * us_leave() of the outermost us_enter(), so nobody inside has to fear that a
 * port vanishes; uport_end() and sw_detach() only mark.
 */
#ifndef AFBUS_DAEMON_SWITCH_USER_H
#define AFBUS_DAEMON_SWITCH_USER_H

#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/hmap.h"
#include "daemon/switch_ops.h"

#include "core/match_index.h"
#include "core/replies.h"
#include "core/shares.h"

/* One read. In front of it in the buffer: room for the incomplete message of
 * the read before, if it is not longer than that. */
#define US_READ		(64U << 10)
/* When many have something to be read, each has less of it, so that nobody's turn
 * is long in coming; but not less than this. */
#define US_READ_MIN	(8U << 10)
#define US_PREFIX	(32U << 10)
/* Stamped headers, and small bodies behind them, until they are flushed. */
#define US_ARENA	(128U << 10)
#define US_PENDING	2048U
/* Bodies up to this go behind their headers in the arena. */
#define US_BODY_COPY	1024U
/* What is queued in copies, and not by a reference to where it came from. */
#define US_QUEUE_COPY	(16U << 10)
#define US_POOL_FDS	(2 * 253U)
#define US_IOV		64U

/* ---- switch_user_buf.c ---- */

struct ubuf {
	unsigned int refs;
	size_t cap;
	size_t len;
	uint8_t data[];
};

struct ubuf *ubuf_new(size_t cap);
struct ubuf *ubuf_ref(struct ubuf *b);
struct ubuf *ubuf_unref(struct ubuf *b);
/* Only with a single reference; NULL leaves @b as it was. */
struct ubuf *ubuf_grow(struct ubuf *b, size_t cap);

/* Owned descriptors. */
struct ufds {
	unsigned int refs;
	unsigned int n;
	int fd[];
};

struct ufds *ufds_new(const int *fds, unsigned int n);	/* takes them over */
struct ufds *ufds_dup(const int *fds, unsigned int n);
struct ufds *ufds_ref(struct ufds *f);
struct ufds *ufds_unref(struct ufds *f);	/* the last one closes */

struct uuser {
	LIST_ENTRY(uuser) link;
	uid_t uid;
	unsigned int refs;
	uint64_t bytes;
	uint64_t woken;			/* us->woken that has met it */
};

/* No user's: of the daemon, as an owner of what is queued. */
#define US_NOBODY UINT32_MAX

struct us;
struct uuser *uuser_get(struct us *us, uid_t uid);
struct uuser *uuser_put(struct uuser *u);

/* ---- ports ---- */

struct uchunk {
	TAILQ_ENTRY(uchunk) link;
	struct ubuf *buf;
	size_t off, len;
	struct ufds *fds;	/* to go with the first byte */
};

TAILQ_HEAD(uchunk_list, uchunk);

struct urule {
	TAILQ_ENTRY(urule) link;
	struct match_entry entry;	/* unless the port is a monitor */
	struct uport *port;
	uint64_t cookie;
	const char *text;		/* as it came; behind the rule */
	struct match_rule rule;
};

/* A port among the owners of a name, primary or waiting. */
struct uclaim {
	TAILQ_ENTRY(uclaim) by_name;
	TAILQ_ENTRY(uclaim) by_port;
	struct uname *name;
	struct uport *port;
};

TAILQ_HEAD(uclaim_list, uclaim);

/* What the daemon leaves for the next one. */
struct unote {
	struct hnode node;		/* in us->keep.index */
	TAILQ_ENTRY(unote) link;	/* of its port, or of the bus */
	uint64_t addr, cookie;
	size_t len;
	uint8_t data[];
};

TAILQ_HEAD(unote_list, unote);

struct ukept {
	TAILQ_ENTRY(ukept) link;
	uint64_t number;
	int fd;
};

/* The message is the daemon's. */
struct uparked {
	TAILQ_ENTRY(uparked) link;
	uint64_t number;
	struct sw_message m;
};

struct ukeep {
	struct hmap index;		/* of all notes */
	struct unote_list notes;	/* the bus's */
	TAILQ_HEAD(, ukept) kept;
	TAILQ_HEAD(, uparked) parked;
	struct sw_state past;		/* to be restored */
	bool has_past;
	uint64_t outage;		/* usec */
};

enum uport_flags {
	UP_ACTIVE	= 1 << 0,
	UP_FDS		= 1 << 1,	/* passes fds */
	UP_ENDED	= 1 << 2,	/* out of routing, for st.reason */
	UP_DETACHED	= 1 << 3,	/* the daemon has forgotten it */
	UP_BLOCKED	= 1 << 4,	/* its socket is full: it queues */
	UP_BROKEN	= 1 << 5,	/* nobody reads: all is dropped */
	UP_READY	= 1 << 6,	/* on us->ready: parked bytes to go on */
	UP_DIRTY	= 1 << 7,	/* on us->dirty: something is pending */
	UP_POLLED	= 1 << 8,	/* in us->epfd */
	UP_DEAD		= 1 << 9,	/* on us->dead */
	UP_REPORT	= 1 << 10,	/* on us->ended */
	UP_MONITOR	= 1 << 11,	/* sees everything, and is no peer */
	UP_SLOW		= 1 << 12,	/* on us->full, and the daemon knows */
};

struct uport {
	struct uport *next;		/* in its bucket of us->ports */
	uint64_t addr;
	int fd;
	unsigned int flags;		/* UP_* */
	uint32_t polled;		/* events asked of epoll */
	char unique[DBUS_UNIQUE_MAX];
	size_t unique_len;
	struct uuser *user;
	struct bus_port_stats st;
	struct sw_queues q;		/* peaks, and q.out.msgs */

	/* receiving */
	struct ubuf *in;		/* incomplete, or parked at in_off */
	size_t in_off;
	size_t in_charged;		/* to user, for in */
	int *pool;			/* fds not yet in a message */
	unsigned int n_pool;
	uint64_t pool_since;
	TAILQ_ENTRY(uport) pooled;	/* in us->pooled while n_pool */

	/* waiting for room at another port */
	struct uport *waits_for;
	uint64_t waits_since;
	TAILQ_ENTRY(uport) wait;	/* in waits_for->waiters */
	TAILQ_HEAD(, uport) waiters;
	TAILQ_ENTRY(uport) full;	/* in us->full while it has waiters */

	/* sending */
	uint32_t pend_first, pend_last;	/* in us->pend, with UP_DIRTY */
	struct uchunk_list queue;	/* with UP_BLOCKED */
	size_t queued;
	unsigned int queued_fds;
	uint64_t keeps_since;		/* or has read something since */
	TAILQ_ENTRY(uport) keeping;	/* in us->keeping while queued_fds */
	struct shares shares, fd_shares; /* of these, by uid */
	/* A message longer than a queue may be that has gone on an empty one:
	 * what else comes from the daemon meanwhile is not to blame. */
	size_t oversize;

	const struct policy *policy;	/* the daemon's; NULL: all is allowed */
	uint64_t names;			/* policy_name_bit() of them */
	struct uclaim_list claims;
	struct replies_port replies;

	TAILQ_HEAD(, urule) rules;
	struct unote_list notes;
	uint64_t search;		/* us->search that has found it */
	TAILQ_ENTRY(uport) monitor;	/* in us->monitors */

	TAILQ_ENTRY(uport) ready;
	TAILQ_ENTRY(uport) dirty;
	TAILQ_ENTRY(uport) ended;	/* in us->ended, to be reported */
	TAILQ_ENTRY(uport) link;	/* in us->all, zombies or dead */
	uint64_t zombie_since;
};

TAILQ_HEAD(uport_list, uport);

struct uname {
	struct uname *next;
	uint64_t hash;
	uint64_t owner;			/* 0: it is not routed */
	struct uclaim_list claims;
	size_t len;
	char name[];
};

struct pending {
	const uint8_t *base;
	size_t len;
	uint32_t next;			/* index, US_PENDING: none */
};

struct uports {
	struct uport **v;
	size_t n, size;
};

struct us {
	struct sw sw;
	int epfd;
	uint64_t now;			/* usec, of this round */
	bool concerned;			/* the daemon's event loop has woken */
	int pending;			/* at something to dispatch, or error */
	sd_event_source *timer;
	bool ticking;
	int depth;			/* of us_enter() */

	struct uport **ports;		/* by address */
	size_t ports_size;
	struct uname **names;
	size_t names_size;
	uint64_t names_seed;
	uint64_t last_addr;
	size_t names_n;			/* with an owner or claims */
	struct bus_stats st;
	LIST_HEAD(, uuser) users;

	struct sw_limits lim;
	struct replies replies;
	struct reply *spare;		/* a few, linked by caller */
	unsigned int n_spare;
	sd_event_source *reply_timer;
	bool reply_timed;		/* it is armed */

	struct uport_list all, pooled, keeping, full, ready, dirty, ended;
	struct uport_list zombies, dead, monitors;

	struct ukeep keep;

	struct uports recips;		/* of the broadcast at hand */
	struct uports seen;		/* monitors that want it */
	struct unshown *unshown;	/* handed up, not yet shown; or NULL */
	bool show_first;		/* the daemon's goes in front of it */
	unsigned int n_denied;		/* who may not have it */
	struct match_index rules;	/* of ports that are no monitors: those */
	struct match_index eavesdropping;	/* that do not, and that do */
	size_t n_eavesdrop;		/* of the latter */
	uint64_t search;		/* the number of the last one */

	struct ubuf *run_src;		/* what is being gone through, or NULL
					 * if that is rbuf */
	bool running;			/* us_flush() is still to come */
	u32 owner;			/* whose uid that is, or US_NOBODY */
	uint64_t woken;			/* times that waiters were woken */
	unsigned int cost;		/* of what is being gone through */
	uint32_t n_pend;
	struct pending pend[US_PENDING];
	size_t arena_len;
	uint8_t arena[US_ARENA];
	uint8_t up[US_READ];		/* the message handed up */
	uint8_t rbuf[US_PREFIX + US_READ];
	size_t read_size;	/* of a port's turn */
};

static inline struct us *to_us(struct sw *sw)
{
	return (struct us *)sw;
}

/* ---- switch_user.c ---- */

struct uport *us_find(struct us *us, uint64_t addr);
uint64_t us_now(const struct us *us);		/* ms */
void us_look_at_clock(struct us *us);		/* before anything happens */
static inline void us_peak(uint64_t *peak, uint64_t now)
{
	if (now > *peak)
		*peak = now;
}
int us_port_add(struct us *us, int fd, bool pass_fds, uint64_t addr,
		struct uport **ret);
void uport_make_zombie(struct us *us, struct uport *p);
void uport_bury(struct us *us, struct uport *p);	/* a zombie */
void uport_free(struct us *us, struct uport *p);	/* a dead one */

/* ---- switch_user_names.c ---- */

int us_names_init(struct us *us);
void us_names_free(struct us *us);
int us_name(struct sw *sw, const char *name, uint64_t addr);
int us_claim(struct sw *sw, const char *name, uint64_t addr, bool on);
uint64_t us_name_owner(struct us *us, const char *name, size_t len);
/* The names that @addr is the primary owner of, as struct match_msg goes
 * through them. */
bool us_next_name(struct us *us, uint64_t addr, void **at,
		  struct dbus_str *name);
/* As struct policy_end wants it: @ctx is a struct uend. */
struct uend {
	struct us *us;
	const struct uport *p;
};
bool uport_owns(void *ctx, const char *name, size_t len, bool below);
void uport_drop_claims(struct us *us, struct uport *p);

/* ---- switch_user_policy.c ---- */

int us_policy_init(struct us *us);
void us_policy_free(struct us *us);
int us_policy(struct sw *sw, uint64_t addr, const struct policy *p);
int us_limits(struct sw *sw, const struct sw_limits *limits);
void uport_drop_replies(struct us *us, struct uport *p);
/* Tells the daemon of the answers that will not come. */
void us_tell_orphans(struct us *us);

/* May @t have a message that @p sends it? Changes nothing. False: @ruling says
 * why not. */
bool us_admit(struct us *us, const struct uport *p, const struct uport *t,
	      const struct dbus_header *h, struct sw_ruling *ruling);
/* Puts back a call that waits for its answer; they come in their order. */
int us_put_reply(struct us *us, struct uport *caller, struct uport *callee,
		 uint32_t serial, uint64_t age);
uint64_t us_reply_age(struct us *us, const struct reply *r);
/* It is about to get it: a call is noted, a reply crossed off. -ENOMEM. */
int us_note(struct us *us, struct uport *p, struct uport *t,
	    const struct dbus_header *h);
/* It does not, for @ruling. */
void us_note_refusal(struct us *us, struct uport *p, struct uport *t,
		     const struct dbus_header *h,
		     const struct sw_ruling *ruling);
/* The same for a broadcast; @p is NULL if it is the driver's. @log: the
 * sender's policy wants it to be logged. */
/* The same for one who eavesdrops on what goes to @t. */
bool us_admit_eavesdropper(struct us *us, struct uport *p, struct uport *t,
			   struct uport *w, const struct dbus_header *h);
bool us_admit_cast(struct us *us, const struct uport *p, const struct uport *t,
		   const struct dbus_header *h, bool *log);

/* ---- switch_user_rules.c ---- */

void us_rules_init(struct us *us);
void us_rules_free(struct us *us);
int us_match_add(struct sw *sw, uint64_t addr, uint64_t cookie,
		 const char *rule);
int us_match_del(struct sw *sw, uint64_t addr, uint64_t cookie);
void uport_drop_rules(struct us *us, struct uport *p);
/* Files go only where they are expected. */
bool uport_takes(const struct uport *t, const struct dbus_header *h);
/* Puts the ports into @v that have a rule for it, whatever policy says; unless
 * @all, a rule that eavesdrops. -ENOMEM. */
int us_matching(struct us *us, struct uports *v, const struct match_msg *mm,
		bool all);

/* ---- switch_user_loop.c ---- */

void us_enter(struct us *us);
void us_leave(struct us *us);
int us_loop_init(struct us *us);
int us_loop(struct sw *sw);		/* see sw_loop() */
/* Before the daemon is told something, or a source of its event loop is set: the
 * loop knows the time then, and has a round when the ports have had theirs. */
void us_concern(struct us *us);
void us_loop_free(struct us *us);
int uport_poll(struct us *us, struct uport *p);	/* starts polling */
void uport_arm(struct us *us, struct uport *p);	/* asks for what it needs */
void uport_unpoll(struct us *us, struct uport *p);
void us_tick(struct us *us);			/* time matters from now on */
void uport_ready(struct us *us, struct uport *p);
void uport_end(struct us *us, struct uport *p, enum bus_reason reason);

/* Tells the daemon of all that it does not know yet. */
void us_settle(struct us *us);

/* ---- switch_user_rx.c ---- */

/* What an error says about whoever it is about. */
enum bus_reason us_reason_of(int err);

void uport_readable(struct us *us, struct uport *p);
/* Goes on with what was parked. */
void uport_continue(struct us *us, struct uport *p);
void uport_drop_input(struct us *us, struct uport *p);
/* Puts back what was read: bytes, and descriptors, which it takes over. 0 or
 * -ENOMEM. */
int uport_put_input(struct us *us, struct uport *p, const void *data,
		    size_t len);
int uport_put_pool(struct us *us, struct uport *p, const int *fds,
		   unsigned int n, uint64_t age);

/* ---- switch_user_route.c ---- */

/* One message at @data, whole; 0, or -EAGAIN: it must wait, or the reason
 * for which its sender must go. */
int us_route(struct us *us, struct uport *p, const struct dbus_header *h,
	     const uint8_t *data);
void us_wait_done(struct us *us, struct uport *p);
void us_wake_waiter(struct us *us, struct uport *t);
/* @p waits for room at @t, for @age ms already. */
void us_put_wait(struct us *us, struct uport *p, struct uport *t,
		 uint64_t age);
int us_daemon_send(struct us *us, struct uport *t, const void *msg,
		   size_t len, const int *fds, unsigned int n_fds);
/* A whole message of the daemon's. */
int us_header(struct dbus_header *h, const void *msg, size_t len);
int us_forward(struct sw *sw, uint64_t from, uint64_t addr, const void *msg,
	       size_t len, const int *fds, unsigned int n_fds,
	       struct sw_ruling *ruling);
int us_daemon_broadcast(struct us *us, const struct dbus_header *h,
			const void *msg, size_t len);

/* ---- switch_user_tx.c ---- */

/* A stamped message on its way. */
struct umsg {
	const uint8_t *head;		/* lives until the next us_flush() */
	size_t head_len;
	const uint8_t *body;		/* the same */
	size_t body_len;
	struct ubuf *copy;		/* of all of it, made when needed */
	bool several;			/* receivers */
	struct ufds *fds;
};

/* Memory until the next us_flush(), which this may cause; NULL if @n is
 * more than there is. */
uint8_t *us_arena(struct us *us, size_t n);
void us_commit(struct us *us, struct uport *t, struct umsg *m);
void us_flush(struct us *us);
void uport_flush(struct us *us, struct uport *t);
void uport_writable(struct us *us, struct uport *t);
/* Puts back what was queued, for nobody's account; takes @fds over. */
int uport_requeue(struct us *us, struct uport *t, const void *data, size_t len,
		  struct ufds *fds);
void uport_drop_output(struct us *us, struct uport *t);
/* Waits a file for it that may hold others? */
bool uport_keeps_holder(const struct uport *t);

/* ---- switch_user_route.c, of several receivers ---- */

int uports_add(struct uports *v, struct uport *t);
void uports_commit(struct us *us, struct uports *v, struct umsg *m);
/* For what the daemon sends: it does not wait, and whoever has no room goes. */
void uports_evict(struct us *us, struct uports *v, size_t len,
		  unsigned int n_fds);

/* ---- switch_user_monitor.c ---- */

/* Notes in us->seen which monitors want a message from @p (NULL: the driver)
 * to @t (NULL: to the driver, to everybody, or nobody is known). -ENOMEM. */
int us_watch(struct us *us, struct uport *p, struct uport *t,
	     const struct dbus_header *h, const uint8_t *body);
/* Commits it to them. */
void us_show(struct us *us, struct umsg *m);
/* A message that is being handed up, whole at @data. It is shown when the
 * daemon sends something, or when it is done with it. */
struct unshown {
	struct uport *p;
	const struct dbus_header *h;
	const uint8_t *data;
	size_t len;
	struct ufds *fds;
};
void us_show_handed_up(struct us *us);
int us_show_daemons(struct us *us, struct uport *t, const void *msg,
		    size_t len, const int *fds, unsigned int n_fds);
/* Notes in us->recips who eavesdrops on it and may. -ENOMEM. */
int us_eavesdroppers(struct us *us, struct uport *p, struct uport *t,
		     const struct dbus_header *h, const uint8_t *body);
int us_op_monitor(struct sw *sw, uint64_t addr);
bool us_op_watched(const struct sw *sw);
void us_op_show_first(struct sw *sw, bool on);
int us_op_show(struct sw *sw, uint64_t to, const void *msg, size_t len);

/* ---- switch_user_keep.c ---- */

int us_op_note(struct sw *sw, uint64_t addr, uint64_t cookie,
	       const void *data, size_t len);
int us_op_keep(struct sw *sw, uint64_t number, int fd);
int us_op_park(struct sw *sw, uint64_t number, const struct sw_message *m);
int us_op_unpark(struct sw *sw, uint64_t number);
void us_drop_notes(struct us *us, struct uport *p);
void us_keep_free(struct us *us);

/* ---- switch_user_save.c ---- */

int us_op_save(struct sw *sw, struct sw_state *to);
uint64_t us_boottime(void);		/* usec */

/* ---- switch_user_restore.c ---- */

void us_take_past(struct us *us, struct sw_state *from);
void us_past_done(struct us *us);
bool us_op_has_past(const struct sw *sw);
uint64_t us_op_outage(const struct sw *sw);
int us_op_restore(struct sw *sw, const struct sw_restorer *restorer,
		  void *ctx);

#endif
