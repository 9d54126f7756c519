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
 * orders them.
 *
 * All or none. Room is looked at for every recipient before the first
 * commit, below the lock that keeps other senders of a multicast out, and
 * everything that a commit needs has been allocated before. A concurrent
 * unicast can make two senders see the same room: a queue may exceed its
 * limit by one message per processor, which is not an error.
 *
 * Room. A sender that finds a receiver full waits at the end of that
 * receiver's list (struct bus_wait) and is resumed first come, first served;
 * nobody overtakes. The wait is bounded: after limits.stall_ms the receiver
 * is evicted.
 *
 * The lost wake-up: a sender sets BUS_PF_WAITED and *then* looks for room
 * once more; a reader frees memory and *then* looks at BUS_PF_WAITED. One of
 * them sees the other.
 */
#include "bus.h"

#include <linux/slab.h>

static bool may_commit(struct bus_port *target, struct bus_port *sender)
{
	struct bus *bus = target->bus;
	struct bus_wait *first;

	if (!sender || !test_bit(BUS_PF_WAITED, &target->flags))
		return true;
	spin_lock(&bus->wait_lock);
	first = list_first_entry_or_null(&target->waiters, struct bus_wait,
					 link);
	spin_unlock(&bus->wait_lock);
	return !first || first == &sender->wait;
}

int bus_room(struct bus_port *target, struct bus_port *sender,
	     const struct bus_msg *m)
{
	if (test_bit(BUS_PF_ENDED, &target->flags))
		return -EPIPE;
	if (!may_commit(target, sender))
		return -EAGAIN;
	return target->ops->room(target, m->truesize,
				 m->files ? m->files->count : 0, !sender);
}
EXPORT_SYMBOL_GPL(bus_room);

/* Below wait_lock. Returns the port whose reference the caller drops. */
static struct bus_port *wait_leave(struct bus_port *sender)
{
	struct bus_port *target = sender->wait.target;
	struct bus_wait *next;

	if (!target)
		return NULL;
	list_del_init(&sender->wait.link);
	WRITE_ONCE(sender->wait.target, NULL);
	next = list_first_entry_or_null(&target->waiters, struct bus_wait,
					link);
	if (!next) {
		clear_bit(BUS_PF_WAITED, &target->flags);
	} else {
		struct bus_port *p = container_of(next, struct bus_port, wait);

		p->ops->resume(p);
	}
	return target;
}

/* Below wait_lock. */
static void stall_arm(struct bus_port *target)
{
	unsigned int ms = READ_ONCE(target->bus->limits.stall_ms);

	bus_port_get(target);
	if (!queue_delayed_work(bus_wq, &target->stall, msecs_to_jiffies(ms)))
		refcount_dec(&target->ref);
}

/* Below wait_lock. */
static void wait_enter(struct bus_port *sender, struct bus_port *target)
{
	bus_port_get(target);
	WRITE_ONCE(sender->wait.target, target);
	sender->wait.since = jiffies;
	list_add_tail(&sender->wait.link, &target->waiters);
	set_bit(BUS_PF_WAITED, &target->flags);
	/* Pairs with the barrier before a reader looks at BUS_PF_WAITED. */
	smp_mb__after_atomic();
	stall_arm(target);
}

/*
 * @sender, which has @m that @target has no room for, waits for it; it keeps its place if it waits for it already. ops->resume(@sender) will be
 * called. -EPIPE: the sender itself was closed.
 */
int bus_wait_room(struct bus_port *sender, struct bus_port *target,
		  const struct bus_msg *m)
{
	struct bus *bus = sender->bus;
	struct bus_port *left = NULL;
	int err = 0;

	spin_lock(&bus->wait_lock);
	if (test_bit(BUS_PF_CLOSED, &sender->flags)) {
		err = -EPIPE;
	} else if (sender->wait.target != target) {
		left = wait_leave(sender);
		wait_enter(sender, target);
		sender->waits++;
		atomic64_inc(&bus->waits);
	}
	spin_unlock(&bus->wait_lock);
	if (left)
		bus_port_put(left);
	if (!err && bus_room(target, sender, m) != -EAGAIN)
		bus_room_made(target);
	return err;
}
EXPORT_SYMBOL_GPL(bus_wait_room);

void bus_wait_done(struct bus_port *sender)
{
	struct bus *bus = sender->bus;
	struct bus_port *left;

	if (!READ_ONCE(sender->wait.target))
		return;
	spin_lock(&bus->wait_lock);
	left = wait_leave(sender);
	spin_unlock(&bus->wait_lock);
	if (left)
		bus_port_put(left);
}
EXPORT_SYMBOL_GPL(bus_wait_done);

/* Lets the first waiter try again; it lets the next one. */
void bus_room_made(struct bus_port *target)
{
	struct bus *bus = target->bus;
	struct bus_wait *w;

	if (!test_bit(BUS_PF_WAITED, &target->flags))
		return;
	spin_lock(&bus->wait_lock);
	w = list_first_entry_or_null(&target->waiters, struct bus_wait, link);
	if (w) {
		struct bus_port *p = container_of(w, struct bus_port, wait);

		p->ops->resume(p);
	}
	spin_unlock(&bus->wait_lock);
}
EXPORT_SYMBOL_GPL(bus_room_made);

bool bus_port_end(struct bus_port *p, enum bus_reason reason)
{
	struct bus *bus = p->bus;
	bool first;

	write_lock(&bus->lock);
	first = !test_and_set_bit(BUS_PF_ENDED, &p->flags);
	if (first)
		bus->gen++;
	write_unlock(&bus->lock);
	if (!first)
		return false;
	WRITE_ONCE(p->reason, reason);
	if (reason != BUS_REASON_HANGUP)
		atomic64_inc(&bus->evicted);
	bus_wait_done(p);
	bus_room_made(p);
	p->end.info.kind = BUS_KIND_CLOSED;
	p->end.info.reason = reason;
	bus_post(bus, &p->end, p);
	return true;
}
EXPORT_SYMBOL_GPL(bus_port_end);
