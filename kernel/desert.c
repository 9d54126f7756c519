// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that wait for a master, when there is none any more.
 *
 * A bus ends when the last descriptor of its socket is closed. That one may be
 * in a message to the master, or in the queue of a socket that is: then the bus
 * holds itself. It cannot be told from the references who else has the socket;
 * but who has it, and means to be a master, is in a system call on it now and
 * then, or waits at it with poll(), epoll, io_uring or recvmsg(), as one does
 * that is stopped. So while a bus has files that may hold others, a clock looks
 * every limits.fd_ms. If nobody has used the socket for as long, and nobody
 * waits at it, the files are let go of, and whoever sent them.
 *
 * What waits for the master: his queue, what he has read and not finished,
 * parked messages, sockets that he keeps; and what the protocol's ports cannot
 * go on with before he has done something (->stranded).
 */
#include "bus.h"

#include <net/sock.h>

#define BATCH 16

static unsigned long clock_period(const struct bus *bus)
{
	return msecs_to_jiffies(READ_ONCE(bus->limits.fd_ms));
}

/* The caller has a reference, so none here is the last. */
void bus_desert_stop(struct bus *bus)
{
	if (cancel_delayed_work(&bus->desert_clock))
		refcount_dec(&bus->ref);
}

void bus_desert_watch(struct bus *bus)
{
	if (delayed_work_pending(&bus->desert_clock))
		return;
	refcount_inc(&bus->ref);
	if (!queue_delayed_work(bus_wq, &bus->desert_clock, clock_period(bus)))
		refcount_dec(&bus->ref);
	/* Pairs with end(): it sees the work, or we see the end. */
	smp_mb();
	if (READ_ONCE(bus->ended))
		bus_desert_stop(bus);
}
EXPORT_SYMBOL_GPL(bus_desert_watch);

static bool is_deserted(struct bus *bus)
{
	bool watched;

	mutex_lock(&bus_list_mutex);
	spin_lock(&bus->mq_lock);
	/* Without a master, it has another clock. */
	watched = bus->orphaned || !bus->sk;
	if (!watched) {
		rcu_read_lock();
		watched = skwq_has_sleeper(rcu_dereference(bus->sk->sk_wq));
		rcu_read_unlock();
	}
	spin_unlock(&bus->mq_lock);
	mutex_unlock(&bus_list_mutex);
	return !watched && time_after_eq(jiffies, READ_ONCE(bus->used) +
						  clock_period(bus));
}

/* ---- messages ---- */

/* Whose files are taken. */
struct taken {
	unsigned int n;
	struct {
		struct bus_files *files;
		struct bus_port *port;		/* counted */
	} of[BATCH];
};

/* Below mq_lock. With @t NULL: is there anything? True when it is enough. */
static bool look_at(struct bus *bus, struct bus_item *item, struct taken *t)
{
	if (!bus_files_hold(item->msg.files))
		return false;
	if (!t)
		return true;
	/* Whoever reads it uses the files without the lock. */
	if (bus->reading == item)
		return false;
	bus_port_get(item->port);
	t->of[t->n].port = item->port;
	t->of[t->n++].files = item->msg.files;
	item->msg.files = NULL;
	return t->n == BATCH;
}

static bool look_at_messages(struct bus *bus, struct taken *t)
{
	struct bus_item *item;
	struct bus_park *k;
	bool enough = true;

	spin_lock(&bus->mq_lock);
	list_for_each_entry(item, &bus->mq, link)
		if (look_at(bus, item, t))
			goto unlock;
	list_for_each_entry(item, &bus->handed, link)
		if (look_at(bus, item, t))
			goto unlock;
	list_for_each_entry(k, &bus->parked, link)
		if (look_at(bus, &k->item, t))
			goto unlock;
	enough = false;
unlock:
	spin_unlock(&bus->mq_lock);
	return enough;
}

static void lose_messages(struct bus *bus)
{
	struct taken t;
	unsigned int i;
	bool more;

	do {
		t.n = 0;
		more = look_at_messages(bus, &t);
		for (i = 0; i < t.n; i++) {
			t.of[i].port->ops->evict(t.of[i].port, BUS_REASON_FDS);
			bus_port_put(t.of[i].port);
			bus_files_put(t.of[i].files);
		}
	} while (more);
}

/* ---- ports ---- */

static bool look_at_ports(struct bus *bus, bool lose)
{
	struct bus_port *p;
	bool any = false;

	read_lock(&bus->lock);
	list_for_each_entry(p, &bus->port_list, link) {
		if (!p->ops->stranded || !p->ops->stranded(p))
			continue;
		any = true;
		if (!lose)
			break;
		p->ops->evict(p, BUS_REASON_FDS);
	}
	read_unlock(&bus->lock);
	return any;
}

void bus_desert_work(struct work_struct *work)
{
	struct bus *bus = container_of(to_delayed_work(work), struct bus,
				       desert_clock);

	if (is_deserted(bus)) {
		lose_messages(bus);
		look_at_ports(bus, true);
		bus_kept_drop(bus, true);
	} else if (look_at_messages(bus, NULL) || look_at_ports(bus, false) ||
		   bus_kept_sockets(bus)) {
		bus_desert_watch(bus);
	}
	bus_put(bus);
}
