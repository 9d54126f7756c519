// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order, room, and what happens to those who make others wait.
 *
 * The order. A message is *committed* when it is on the queues of all its
 * receivers. A unicast commits below bus->lock taken shared, a multicast
 * below the same lock taken exclusive. Say that m1 causes m2: a receiver of
 * m1 read it and then sent m2. If m1 was a multicast, it left the exclusive
 * section with *all* its queues filled before any reader could see it to the
 * end: a fast receiver can peek at its own queue earlier, but what it sends
 * then needs the lock and waits. So m2 follows m1 on every queue they share,
 * and since two multicasts exclude each other, all receivers see both in the
 * same order. Two unicasts share no more than one queue, whose own lock
 * orders them. A message that somebody taps is a multicast.
 *
 * All or none. Room is looked at for every recipient before the first
 * commit, below the exclusive lock (a unicast: below that of the one queue),
 * so that nobody else can take the room between, and everything that a commit
 * needs has been allocated before.
 *
 * Room. A sender that finds a receiver full waits at the end of the line of
 * its uid (strictly: of those uids of one share) and is
 * resumed first come, first served; nobody of the same uid overtakes, and the
 * lines take turns. One sender is told when room is made, and tells the next
 * as it leaves: there is no herd. The wait is bounded: after limits.stall_ms
 * the receiver is evicted. Who only watches (a sender that may not block) has
 * no place that it could block, but its clock runs as well.
 *
 * The lost wake-up: a sender sets BUS_PF_WAITED and *then* looks for room
 * once more; a reader frees memory and *then* looks at BUS_PF_WAITED. One of
 * them sees the other.
 *
 * Sockets in messages. A receiver may hold a socket that holds it, in a
 * queue that nobody will ever read: nothing tells such a ring from a slow
 * reader, but time. Files that may hold others count as a sender that waits.
 */
#include "bus.h"

#include <linux/slab.h>

static struct bus_wait *first_of(struct bus_port *target, unsigned int share)
{
	return list_first_entry_or_null(&target->waiters[share],
					struct bus_wait, link);
}

static bool my_turn(struct bus_port *target, const struct bus_wait *w)
{
	struct bus *bus = target->bus;
	struct bus_wait *first;

	if (!test_bit(BUS_PF_WAITED, &target->flags))
		return true;
	spin_lock(&bus->wait_lock);
	first = first_of(target, w->user->share);
	spin_unlock(&bus->wait_lock);
	return !first || first == w;
}

int bus_room(struct bus_port *target, const struct bus_wait *w,
	     const struct bus_cost *c)
{
	if (test_bit(BUS_PF_ENDED, &target->flags))
		return -EPIPE;
	if (w && !my_turn(target, w))
		return -EAGAIN;
	return target->ops->room(target, w ? w->user : NULL, c);
}
EXPORT_SYMBOL_GPL(bus_room);

/* ---- lines ---- */

/* Jiffies: how long @p may make others wait until something is to be done. */
static unsigned long patience(const struct bus_port *p)
{
	const struct bus_limits *l = &p->bus->limits;
	u32 ms = READ_ONCE(l->stall_ms);

	if (!READ_ONCE(p->slow))
		ms = min(ms, READ_ONCE(l->slow_ms));
	return msecs_to_jiffies(ms);
}

/* Until what began at @since has lasted that long. */
static unsigned long stall_left(const struct bus_port *p, unsigned long since)
{
	unsigned long end = since + patience(p);

	return time_before(jiffies, end) ? end - jiffies : 0;
}

static void stall_arm_in(struct bus_port *p, unsigned long delay)
{
	bus_port_get(p);
	/* The caller has a reference, so this is not the last. */
	if (!queue_delayed_work(bus_wq, &p->stall, delay))
		refcount_dec(&p->ref);
}

void bus_stall_arm(struct bus_port *p)
{
	stall_arm_in(p, patience(p));
}
EXPORT_SYMBOL_GPL(bus_stall_arm);

/* Below wait_lock: for a line. Whose line ended is told as all who come too late
 * are; no clock runs for them, which nobody would stop. */
static void line_arm(struct bus_port *p, unsigned long delay)
{
	if (!test_bit(BUS_PF_CLOSED, &p->flags))
		stall_arm_in(p, delay);
}

void bus_wait_init(struct bus_wait *w, struct bus_user *user,
		   void (*resume)(struct bus_wait *w))
{
	memset(w, 0, sizeof(*w));
	INIT_LIST_HEAD(&w->link);
	w->user = user;
	w->resume = resume;
}
EXPORT_SYMBOL_GPL(bus_wait_init);

/* Below wait_lock. The caller drops the reference to the target. */
static void leave(struct bus_wait *w)
{
	struct bus_port *target = w->target;

	list_del_init(&w->link);
	WRITE_ONCE(w->target, NULL);
	if (!--target->n_waits)
		clear_bit(BUS_PF_WAITED, &target->flags);
}

static bool has_room(struct bus_port *target, const struct bus_wait *w)
{
	return test_bit(BUS_PF_ENDED, &target->flags) ||
	       target->ops->room(target, w->user, &w->cost) != -EAGAIN;
}

/* Below wait_lock; the caller has a reference to @target. Watchers leave as
 * they are told, so their references are not the last. */
static void tell_watchers(struct bus_port *target)
{
	struct bus_wait *w, *next;

	list_for_each_entry_safe(w, next, &target->watchers, link) {
		if (!has_room(target, w))
			continue;
		leave(w);
		refcount_dec(&target->ref);
		w->resume(w);
	}
}

/* Likewise. Who was told already and has not come yet is on its way. */
static void tell_one(struct bus_port *target)
{
	struct bus_wait *w;
	unsigned int i, s;

	for (i = 0; i < BUS_SHARES; i++) {
		s = (target->turn + i) % BUS_SHARES;
		w = first_of(target, s);
		if (!w || (!w->told && !has_room(target, w)))
			continue;
		if (!w->told) {
			target->turn = s + 1;
			w->told = true;
			w->resume(w);
		}
		return;
	}
}

static void tell(struct bus_port *target)
{
	tell_watchers(target);
	tell_one(target);
}

/* Below wait_lock. */
static void enter(struct bus_wait *w, struct bus_port *target,
		  const struct bus_cost *c, struct list_head *line)
{
	bus_port_get(target);
	WRITE_ONCE(w->target, target);
	w->cost = *c;
	w->since = jiffies;
	w->told = false;
	list_add_tail(&w->link, line);
	target->n_waits++;
	set_bit(BUS_PF_WAITED, &target->flags);
	/* Pairs with bus_room_made(). */
	smp_mb__after_atomic();
	line_arm(target, patience(target));
}

/* Leaves the old line and enters that of @target; a reference to drop. */
static struct bus_port *change(struct bus_wait *w, struct bus_port *sender,
			       struct bus_port *target,
			       const struct bus_cost *c)
{
	struct bus_port *left = w->target;

	if (left == target) {
		w->told = false;
		w->cost = *c;
		line_arm(target, stall_left(target, w->since));
		return NULL;
	}
	if (left) {
		leave(w);
		tell(left);
	}
	enter(w, target, c, &target->waiters[w->user->share]);
	atomic64_inc(&sender->waits);
	atomic64_inc(&sender->bus->waits);
	return left;
}

int bus_wait_room(struct bus_wait *w, struct bus_port *sender,
		  struct bus_port *target, const struct bus_cost *c)
{
	struct bus *bus = sender->bus;
	struct bus_port *left = NULL;
	int err = 0;

	spin_lock(&bus->wait_lock);
	if (test_bit(BUS_PF_CLOSED, &sender->flags))
		err = -EPIPE;
	else
		left = change(w, sender, target, c);
	spin_unlock(&bus->wait_lock);
	if (left)
		bus_port_put(left);
	if (!err)
		bus_room_made(target);
	return err;
}
EXPORT_SYMBOL_GPL(bus_wait_room);

/* ---- watchers ---- */

/* One of @sender, whom @target refused. */
struct bus_watch {
	struct bus_wait wait;
	struct list_head mine;		/* sender->watches, bus->wait_lock */
	struct bus_port *sender;	/* which lets go of it as it closes */
};

/* Below wait_lock. */
static void watch_unlink(struct bus_watch *wt)
{
	list_del(&wt->mine);
	wt->sender->n_watches--;
}

static void watch_resume(struct bus_wait *w)
{
	struct bus_watch *wt = container_of(w, struct bus_watch, wait);
	struct bus_port *sender = wt->sender;

	watch_unlink(wt);
	kfree(wt);
	sender->ops->writable(sender);
}

/* Below wait_lock. */
static struct bus_watch *watch_of(struct bus_port *sender,
				  const struct bus_port *target)
{
	struct bus_watch *wt;

	list_for_each_entry(wt, &sender->watches, mine)
		if (wt->wait.target == target)
			return wt;
	return NULL;
}

/* Below wait_lock: the one that is left behind is the caller's. */
static struct bus_watch *watch_leave(struct bus_port *sender)
{
	struct bus_watch *wt;

	wt = list_first_entry_or_null(&sender->watches, struct bus_watch,
				      mine);
	if (wt)
		watch_unlink(wt);
	return wt;
}

static void watch_free(struct bus_watch *wt, struct bus_port *left)
{
	if (left)
		bus_port_put(left);
	kfree(wt);
}

/* The oldest is given up for a new one. */
static struct bus_watch *watch_enter(struct bus_watch *wt,
				     struct bus_port *target,
				     const struct bus_cost *c,
				     struct bus_port **left)
{
	struct bus_port *sender = wt->sender;
	struct bus_watch *old = NULL;

	if (sender->n_watches == BUS_MAX_WATCHES) {
		old = watch_leave(sender);
		*left = old->wait.target;
		leave(&old->wait);
	}
	list_add_tail(&wt->mine, &sender->watches);
	sender->n_watches++;
	enter(&wt->wait, target, c, &target->watchers);
	atomic64_inc(&sender->waits);
	atomic64_inc(&sender->bus->waits);
	return old;
}

void bus_watch_room(struct bus_port *sender, struct bus_port *target,
		    const struct bus_cost *c)
{
	struct bus *bus = sender->bus;
	struct bus_port *left = NULL;
	struct bus_watch *wt;

	/* Without memory there is no edge, which nobody was promised for
	 * certain: the sender may always try again. */
	wt = kzalloc(sizeof(*wt), GFP_KERNEL_ACCOUNT);
	if (!wt)
		return;
	bus_wait_init(&wt->wait, sender->user, watch_resume);
	wt->sender = sender;
	spin_lock(&bus->wait_lock);
	if (!test_bit(BUS_PF_CLOSED, &sender->flags) &&
	    !watch_of(sender, target))
		wt = watch_enter(wt, target, c, &left);
	spin_unlock(&bus->wait_lock);
	if (wt)
		watch_free(wt, left);
	bus_room_made(target);
}

void bus_lines_close(struct bus_port *p)
{
	struct bus *bus = p->bus;

	spin_lock(&bus->wait_lock);
	set_bit(BUS_PF_CLOSED, &p->flags);
	spin_unlock(&bus->wait_lock);
}

/* @sender is BUS_PF_CLOSED, so there will be no more. */
void bus_watch_done(struct bus_port *sender)
{
	struct bus *bus = sender->bus;
	struct bus_port *left;
	struct bus_watch *wt;

	do {
		left = NULL;
		spin_lock(&bus->wait_lock);
		wt = watch_leave(sender);
		if (wt) {
			left = wt->wait.target;
			leave(&wt->wait);
		}
		spin_unlock(&bus->wait_lock);
		watch_free(wt, left);
	} while (wt);
}

void bus_wait_done(struct bus_wait *w, struct bus *bus)
{
	struct bus_port *left;

	if (!READ_ONCE(w->target))
		return;
	spin_lock(&bus->wait_lock);
	left = w->target;
	if (left) {
		leave(w);
		tell(left);
	}
	spin_unlock(&bus->wait_lock);
	if (left)
		bus_port_put(left);
}
EXPORT_SYMBOL_GPL(bus_wait_done);

void bus_room_made(struct bus_port *target)
{
	struct bus *bus = target->bus;

	/* Pairs with enter(): room was made before this. */
	smp_mb();
	if (!test_bit(BUS_PF_WAITED, &target->flags))
		return;
	spin_lock(&bus->wait_lock);
	tell(target);
	spin_unlock(&bus->wait_lock);
}
EXPORT_SYMBOL_GPL(bus_room_made);

/* ---- those who make others wait ---- */

/* Clocks that run were set for a longer time. Below bus->lock. */
void bus_stall_sooner(struct bus *bus)
{
	struct bus_port *p;

	list_for_each_entry(p, &bus->port_list, link) {
		if (!delayed_work_pending(&p->stall))
			continue;
		bus_port_get(p);
		/* One reference for the work; the table has another. */
		if (mod_delayed_work(bus_wq, &p->stall, patience(p)))
			refcount_dec(&p->ref);
	}
}

static void older(bool *any, unsigned long *since, unsigned long t)
{
	if (!*any || time_before(t, *since))
		*since = t;
	*any = true;
}

/* Below wait_lock. Since when has somebody waited? Not those who were told:
 * they are on their way. */
static bool waited_since(struct bus_port *p, unsigned long *since)
{
	struct bus_wait *w;
	bool any = false;
	unsigned int i;

	for (i = 0; i < BUS_SHARES; i++) {
		w = first_of(p, i);
		if (w && !w->told)
			older(&any, since, w->since);
	}
	w = list_first_entry_or_null(&p->watchers, struct bus_wait, link);
	if (w)
		older(&any, since, w->since);
	return any;
}

/* Since when has @p made somebody wait, or kept files? */
static bool stalled_since(struct bus_port *p, unsigned long *since)
{
	struct bus *bus = p->bus;
	bool any = false;
	unsigned long t;

	if (!test_bit(BUS_PF_ENDED, &p->flags) &&
	    !test_bit(BUS_PF_PATIENT, &p->flags)) {
		spin_lock(&bus->wait_lock);
		/* Who has room by now was only not told yet. */
		tell(p);
		any = waited_since(p, since);
		spin_unlock(&bus->wait_lock);
	}
	if (p->ops->files_since && p->ops->files_since(p, &t))
		older(&any, since, t);
	return any;
}

/* Whoever is still a peer has missed nothing: who makes others wait for too
 * long goes. */
void bus_stall_work(struct work_struct *work)
{
	struct bus_port *p = container_of(to_delayed_work(work),
					  struct bus_port, stall);
	bool closed = test_bit(BUS_PF_CLOSED, &p->flags);
	struct bus *bus = p->bus;
	unsigned long limit, since;

	limit = msecs_to_jiffies(READ_ONCE(bus->limits.stall_ms));
	if (!stalled_since(p, &since)) {
		WRITE_ONCE(p->slow, false);
	} else if (time_after_eq(jiffies, since + limit)) {
		p->ops->evict(p, BUS_REASON_STALLED);
	} else {
		if (time_after_eq(jiffies, since + patience(p))) {
			WRITE_ONCE(p->slow, true);
			bus_post_slow(p);
		}
		/* Who was closed meanwhile has had its clock stopped; one for
		 * files alone was begun after that. */
		spin_lock(&bus->wait_lock);
		if (closed == test_bit(BUS_PF_CLOSED, &p->flags))
			stall_arm_in(p, stall_left(p, since));
		spin_unlock(&bus->wait_lock);
	}
	if (p->ops->tick)
		p->ops->tick(p, limit);
	bus_port_put(p);
}

static bool is_fault(enum bus_reason reason)
{
	return reason != BUS_REASON_HANGUP && reason != BUS_REASON_MASTER &&
	       reason != BUS_REASON_ENDED;
}

bool bus_port_retire(struct bus_port *p, enum bus_reason reason)
{
	if (test_and_set_bit(BUS_PF_ENDED, &p->flags))
		return false;
	p->bus->gen++;
	WRITE_ONCE(p->reason, reason);
	if (p->ops->ended)
		p->ops->ended(p);
	return true;
}
EXPORT_SYMBOL_GPL(bus_port_retire);

void bus_port_end(struct bus_port *p, enum bus_reason reason)
{
	struct bus *bus = p->bus;
	bool first;

	write_lock(&bus->lock);
	first = bus_port_retire(p, reason);
	/* In the same step: what is sent to it too late goes to the master,
	 * and comes behind this. */
	if (first)
		bus_post_end(p);
	write_unlock(&bus->lock);
	if (!first)
		return;
	if (is_fault(reason))
		atomic64_inc(&bus->evicted);
	bus_wait_done(&p->wait, bus);
	bus_room_made(p);
}
EXPORT_SYMBOL_GPL(bus_port_end);
