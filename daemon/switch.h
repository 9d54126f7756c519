/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The switch: what moves messages between peers. Two of them stand behind
 * this interface: switch_kernel.c (AF_BUS; messages between peers never come
 * near the daemon) and switch_user.c (the same in this process). The daemon
 * above decides; the switch routes by the tables the daemon writes.
 *
 * A *port* is one attached connection, known by its address: a number from 1
 * on that is never reused, and that its unique name ":1.<addr>" shows.
 *
 * Order. A message for the daemon is handed up one at a time per port, and
 * the port is held meanwhile: nothing that its client wrote later is looked
 * at before @message has returned. So table changes made within @message are
 * in force for everything that comes after.
 *
 * Single-threaded; all calls and upcalls happen on the sd-event loop. Calls
 * made from within an upcall are fine, sw_detach() of the same port included.
 *
 * All functions return 0 or -errno.
 */
#ifndef AFBUS_DAEMON_SWITCH_H
#define AFBUS_DAEMON_SWITCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "core/dbus_header.h"
#include "core/policy.h"
#include "linux/bus.h"

struct sw;
struct sw_state;

/* Why a message did not go where it was sent. */
enum sw_refusal {
	SW_ROUTED,			/* it is for the daemon */
	SW_DENIED_SEND,			/* by the sender's policy */
	SW_DENIED_RECEIVE,		/* by the receiver's */
	SW_DENIED_LSM,			/* by the daemon's mediate() */
	SW_SAME_SERIAL,			/* the receiver owes the sender an
					 * answer to the same serial */
	SW_TOO_MANY_CALLS,		/* of the sender wait for an answer */
	SW_LOGGED,			/* it went there: only to be logged */
	SW_DENIED_CAST,			/* it went to all who may have it, and
					 * one may not: only to be shown */
};

/* Between whom, for those that were refused or are to be logged. */
struct sw_ruling {
	enum sw_refusal refusal;
	uint64_t to;			/* port address */
	bool requested;			/* a reply that was waited for */
	unsigned int matched;		/* rules */
	int err;			/* of mediate() */
};

/* A message for the daemon. Everything in it is the switch's, and valid
 * until the upcall returns; fds too (dup what is kept). */
struct sw_message {
	uint64_t sender;		/* port address */
	const void *data;		/* whole message, SENDER stamped */
	size_t len;
	const struct dbus_header *h;	/* parsed from data */
	const int *fds;
	unsigned int n_fds;
	struct sw_ruling ruling;
	bool told;			/* its sender has been, by the switch:
					 * only to be logged. There is no more
					 * of @data than the header */
};

struct sw_limits {
	struct bus_limits bus;		/* as for sw_new() */
	size_t replies;			/* calls of one port without answer */
	uint64_t reply_timeout;		/* microseconds; UINT64_MAX: never */
	uint64_t pending_fd_timeout;	/* the same */
	size_t incoming_fds;		/* of one port, not yet sent on */
};

struct sw_handler {
	/* The driver's, for a name nobody owns, or from a port that is not
	 * active yet. */
	void (*message)(void *ctx, const struct sw_message *m);
	/* The port ended; it is out of routing. The daemon cleans up its names
	 * and calls sw_detach(). */
	void (*closed)(void *ctx, uint64_t addr, enum bus_reason reason);
	/* The port has made others wait for half of limits.stall_ms. Once,
	 * until nobody waits for it any more. NULL: nobody wants to know. */
	void (*slow)(void *ctx, uint64_t addr);
	/* The call @serial of @addr will have no answer: the called port is
	 * gone, or has taken too long. */
	void (*no_reply)(void *ctx, uint64_t addr, uint32_t serial, bool gone);
	/* May port @to get @h, of port @from? It comes before the policies.
	 * 0, or -errno: no. NULL: nobody wants to be asked; otherwise the
	 * switch has to be one that asks. */
	int (*mediate)(void *ctx, uint64_t from, uint64_t to,
		       const struct dbus_header *h, bool requested);
};

/* @kind is "kernel" or "user". -EAFNOSUPPORT: no module in this kernel.
 * @path names the bus (any string unique on the machine; shown by status).
 * @limits may be NULL; zero fields mean the defaults of linux/bus.h.
 * @bound is -1, or a socket that is bound already where native clients find
 * the bus; it stays the caller's, and @path is not looked at. Only the kernel
 * has those: -EPROTONOSUPPORT.
 * @from is NULL, or what sw_save() of a switch of this kind has given: then
 * neither @path nor @bound is looked at. Its descriptors are the switch's from
 * here on, on failure too (-1 is left in their place). */
int sw_new(struct sw **ret, const char *kind, const char *path, int bound,
	   struct sw_state *from, const struct bus_limits *limits,
	   sd_event *event, const struct sw_handler *handler, void *ctx);
struct sw *sw_free(struct sw *sw);	/* ends every port, unless the bus
					 * outlives us: sw_persist(), or
					 * sw_save() and all is dup()ed; NULL
					 * is fine */
/* As sd_event_loop(3) of its event loop, all of whose sources are served, but
 * cheaper for what goes from peer to peer. */
int sw_loop(struct sw *sw);
const char *sw_kind(const struct sw *sw);

/* Takes a connected, authenticated stream socket from which exactly the
 * handshake has been read; or what accept() gave for a native client. Owns @fd from here on, on failure too (then it is
 * closed). The port is not active: its messages go to the daemon until
 * sw_activate(). No upcall happens within this call. */
int sw_attach(struct sw *sw, int fd, bool pass_fds, uint64_t *addr);
int sw_activate(struct sw *sw, uint64_t addr);
/* What is queued for the client is still delivered, then its connection
 * ends. -ENOENT: no such port. No @closed upcall follows. */
int sw_detach(struct sw *sw, uint64_t addr);

/* Who receives messages for well-known @name; 0: nobody (they come here). */
int sw_name(struct sw *sw, const char *name, uint64_t addr);

/* The port is among the owners of @name, primary or waiting, or is not any
 * more: for policies. -ENOENT: no such port. */
int sw_claim(struct sw *sw, const char *name, uint64_t addr, bool on);
/* Who the client of a port is, for what the switch itself tells those who are
 * denied something; once, before sw_activate(). Without it the daemon is asked
 * to tell them. -EINVAL: not UTF-8. */
int sw_about(struct sw *sw, uint64_t addr, const char *text);
/* Policy of a port; NULL: everything is allowed. The switch holds on to @p
 * until the port's end or the next one. */
int sw_policy(struct sw *sw, uint64_t addr, const struct policy *p);
/* From now on. Without it there are only those of sw_new(). -EINVAL: out of
 * range. The kernel's switch keeps what it has. */
int sw_limits(struct sw *sw, const struct sw_limits *limits);

/*
 * Makes an active port a monitor, for good: it gets nothing addressed to it
 * any more, its rules are gone, and those added from now on are asked about
 * every message, whoever it is for. What it sends still comes to the daemon.
 * -EOPNOTSUPP: this switch has no monitors.
 */
int sw_monitor(struct sw *sw, uint64_t addr);
/*
 * What is sent to the port from now on is given to its client when this is off
 * again: who learns that it has become a monitor must miss nothing from then
 * on. -ENOENT: no such port.
 */
int sw_cork(struct sw *sw, uint64_t addr, bool on);
bool sw_has_monitors(const struct sw *sw);	/* it can */
/* There is a monitor. */
bool sw_watched(const struct sw *sw);
/*
 * Within @message, what the daemon sends while this is on is shown in front of
 * the message that was handed up, and not behind it. The kernel hands up unseen
 * what that matters for: messages for names nobody has, and signals to the
 * driver; others it shows before.
 */
void sw_show_first(struct sw *sw, bool on);
/* Shows the daemon's message to monitors alone, as one for @to, or if that is
 * 0 for nobody known. */
int sw_show(struct sw *sw, uint64_t to, const void *msg, size_t len);

/* @cookie: the daemon's number for the rule, unique in the port. */
int sw_match_add(struct sw *sw, uint64_t addr, uint64_t cookie,
		 const char *rule);
int sw_match_del(struct sw *sw, uint64_t addr, uint64_t cookie);

/* Sends a whole message whose SENDER is already right, to one port (even an
 * inactive one: the reply to Hello), or to every port with a rule that
 * matches. Never blocks. @fds stay the caller's.
 * -ENOENT: no such port; -ENOTUNIQ: fds for a port without fd passing. */
int sw_send(struct sw *sw, uint64_t addr, const void *msg, size_t len,
	    const int *fds, unsigned int n_fds);
int sw_broadcast(struct sw *sw, const void *msg, size_t len);
/* The same as port @from would have sent it to port @addr: both policies are
 * asked, and a call is waited for. Monitors have seen it. @from is 0 for the
 * daemon's own that they have seen (without fds), and may have ended. -EACCES: @ruling says
 * why not. */
int sw_forward(struct sw *sw, uint64_t from, uint64_t addr, const void *msg,
	       size_t len, const int *fds, unsigned int n_fds,
	       struct sw_ruling *ruling);

/* What waits in a port now, and how much it was at most; what a switch does
 * not count is 0. Outgoing messages are those since nothing waited last. */
struct sw_queue {
	uint64_t msgs, bytes, fds;
	uint64_t peak_bytes, peak_fds;
};

struct sw_queues {
	struct sw_queue in;		/* of its client, not yet routed */
	struct sw_queue out;		/* for its client to read */
};

int sw_queues(struct sw *sw, uint64_t addr, struct sw_queues *ret);
int sw_port_stats(struct sw *sw, uint64_t addr, struct bus_port_stats *ret);
int sw_stats(struct sw *sw, struct bus_stats *ret);

/*
 * ---- Outliving the daemon ----
 *
 * What the switch has anyway (ports, names, claims, rules, calls that wait for
 * an answer) needs nothing of the daemon. What only the daemon knows it leaves
 * with the switch in *notes*, *kept* descriptors and *parked* messages; a
 * successor gets everything back by sw_restore(). A switch that keeps nothing
 * says -EOPNOTSUPP to all of it. Between sw_begin() and
 * sw_commit() stands what one event causes, so that a daemon that is killed
 * leaves all of an event's effects, or none and the event itself.
 */

/*
 * What is done to the switch from the first sw_begin() to the last sw_commit()
 * (they nest; the outermost ones count) takes effect in its order, and all or
 * none of it if the daemon dies meanwhile. The end of the upcall of a message
 * that is handed up belongs to the same batch: a switch puts its own pair
 * around the upcalls @message, @closed and @no_reply. What is handed up again
 * to a successor has had no effect before.
 *
 * Within a batch a call checks what it can without doing it; what is about a
 * port that has ended meanwhile is then left out silently. sw_attach(),
 * sw_restore(), sw_save() and figures are not part of it. sw_forward() and
 * sw_forward_parked() may be the end of one batch and the begin of the next,
 * where their answer cannot be known otherwise: what was gathered is applied
 * before.
 *
 * sw_commit(): 0, or -errno of the outermost one: nothing of the batch has
 * happened (there was no memory for it). The switch has then gone back to
 * making the changes one by one, and tells of the first that failed.
 */
void sw_begin(struct sw *sw);
int sw_commit(struct sw *sw);

#define SW_NOTE_MAX (64U << 10)		/* bytes of a note */

/*
 * Leaves @len bytes at @data with port @addr, or with the bus if that is 0,
 * under a number of the daemon's; in place of what was there. @len 0 takes it
 * away. Those of a port go with sw_detach(). The switch never looks at them.
 * -ENOENT: no such port; -E2BIG: more than SW_NOTE_MAX; -EDQUOT: more than the
 * switch keeps; -ENOMEM.
 */
int sw_note(struct sw *sw, uint64_t addr, uint64_t cookie, const void *data,
	    size_t len);
/*
 * Leaves a descriptor with the bus under a number; what it is open on lives as
 * long as the bus does. @fd stays the caller's. -1 takes it away. -EDQUOT: more
 * than the switch keeps; -EINVAL: the switch does not keep its like (a socket
 * of AF_BUS).
 */
int sw_keep(struct sw *sw, uint64_t number, int fd);
/*
 * Within the upcall of a message: the daemon holds on to it, and a successor
 * shall get it back, by this number, whether or not the port has gone on. @m
 * is the daemon's own copy, and stays as it is, with data and fds, until
 * sw_unpark(). Its sender's end unparks it for a successor, but the number
 * remains the daemon's to sw_unpark().
 */
int sw_park(struct sw *sw, uint64_t number, const struct sw_message *m);
int sw_unpark(struct sw *sw, uint64_t number);	/* -ENOENT: not parked */
/* sw_forward() of the parked message @m, and whatever comes of it sw_unpark(),
 * in one. */
int sw_forward_parked(struct sw *sw, uint64_t number, uint64_t addr,
		      const struct sw_message *m, struct sw_ruling *ruling);

/* How long the bus lives without a daemon, milliseconds; 0: not at all, as at
 * first. -EOPNOTSUPP: it cannot without sw_save(). */
int sw_persist(struct sw *sw, uint32_t ms);

enum sw_port_flags {
	SW_PORT_ACTIVE	= 1 << 0,	/* sw_activate() has been called */
	SW_PORT_FDS	= 1 << 1,	/* passes fds */
	SW_PORT_MONITOR	= 1 << 2,
	SW_PORT_ENDED	= 1 << 3,	/* @closed is still to come */
	SW_PORT_NATIVE	= 1 << 4,	/* sw_attach() got it from accept() */
	SW_PORT_CORKED	= 1 << 5,
};

struct sw_port {
	uint64_t addr;
	unsigned int flags;		/* SW_PORT_* */
};

/*
 * What was left behind. All of a kind come together, kinds in the order of the
 * members, within a kind by address, then by number. A negative return ends
 * sw_restore() with it. Memory is the switch's and valid until the return.
 * A port that has ended is told of like the others, with notes and rules; its
 * @closed upcall comes from the event loop, as any message does that was
 * handed up and not done with: never within sw_restore().
 */
struct sw_restorer {
	/* @addr 0: of the bus. These come first; those of ports behind the
	 * ports. */
	int (*note)(void *ctx, uint64_t addr, uint64_t cookie,
		    const void *data, size_t len);
	/* @fd is the callee's from here on, on failure too. It is still kept:
	 * sw_keep() of the number, -1 to end that. */
	int (*kept)(void *ctx, uint64_t number, int fd);
	/* @fd: the connection, to ask who it is (SO_PEERCRED and its like), or
	 * -1; it is the switch's. */
	int (*port)(void *ctx, const struct sw_port *port, int fd);
	/* A rule of a port, with the text that sw_match_add() was given or one
	 * that means the same. */
	int (*rule)(void *ctx, uint64_t addr, uint64_t cookie,
		    const char *text);
	/* As sw_name() and sw_claim() have it. */
	int (*name)(void *ctx, const char *name, uint64_t addr);
	int (*claim)(void *ctx, const char *name, uint64_t addr);
	/* The daemon copies it, and tells sw_park() where; that is all right
	 * within this call. */
	int (*parked)(void *ctx, uint64_t number, const struct sw_message *m);
};

/* What one daemon gives to the next besides the bus: all that the switch in
 * this process has, or the one in the kernel's socket. */
struct sw_state {
	const char *kind;		/* "kernel" or "user": a constant */
	int memfd;			/* sealed; -1: the switch needs none */
	int *fds;			/* malloc()ed */
	size_t n_fds;
};

/* There is something to be restored: sw_new() has taken over a bus without
 * master, or there is a state. */
bool sw_has_past(const struct sw *sw);
/* Once, right after sw_new(). -EPROTO, after it has said why: it is not
 * understood; -EBADMSG, the same: it is damaged. Then the switch is only good
 * for sw_free(). */
int sw_restore(struct sw *sw, const struct sw_restorer *restorer, void *ctx);
/* How long the bus was without a daemon before it was taken over, the last time
 * and not by us: microseconds; 0: it has not been, or nobody knows. */
uint64_t sw_outage(const struct sw *sw);
/* Between events, though what the daemon has to be told it is told first, by
 * upcalls. The descriptors are the switch's own, except for the memfd
 * and the array, which are the caller's (sw_state_done()). Whoever has
 * duplicates of them all can go on where this process is now, if nothing else
 * happens here until it ends; or it goes on as if nothing had been. */
int sw_save(struct sw *sw, struct sw_state *to);
void sw_state_done(struct sw_state *state);

#endif
