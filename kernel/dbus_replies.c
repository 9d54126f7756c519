// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that wait for their answer (core/replies.h), and the errors for those
 * that will have none.
 *
 * The table has a lock of its own, innermost: unicasts change it below
 * bus.lock taken shared. A call is in it before its receiver can see it, a
 * port is out of it as it leaves routing.
 */
#include "dbus.h"

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>

#define BUCKETS_MIN 64U
#define BUCKETS_MAX 65536U

static bool wants_reply(const struct dbus_header *h)
{
	return h->f.type == DBUS_TYPE_CALL &&
	       !(h->f.flags & DBUS_FLAG_NO_REPLY);
}

/* ---- memory, outside of the lock ---- */

/* More chains while the table fills; without memory they only grow longer. */
static void grow(struct dbus_bus *db)
{
	size_t n = 2 * READ_ONCE(db->replies.n_buckets);
	struct replies_link *fresh;

	fresh = kvmalloc_array(n, sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return;
	spin_lock(&db->replies_lock);
	if (db->replies.n_buckets * 2 == n)
		fresh = replies_resize(&db->replies, fresh, n);
	spin_unlock(&db->replies_lock);
	kvfree(fresh);
}

int dbus_reply_prepare(struct dbus_bus *db, const struct dbus_header *h,
		       struct reply **reply)
{
	if (!wants_reply(h))
		return 0;
	if (READ_ONCE(db->replies.n) >= READ_ONCE(db->replies.n_buckets) &&
	    READ_ONCE(db->replies.n_buckets) < BUCKETS_MAX)
		grow(db);
	if (!*reply)
		*reply = kmalloc(sizeof(**reply), GFP_KERNEL_ACCOUNT);
	return *reply ? 0 : -ENOMEM;
}

/* ---- the table ---- */

static struct reply *waiting_for(struct dbus_bus *db,
				 const struct dbus_port *p,
				 const struct dbus_port *t, u32 serial)
{
	return replies_find(&db->replies, &t->replies, &p->replies, serial);
}

bool dbus_reply_requested(struct dbus_port *p, struct dbus_port *t, u32 serial)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	bool is;

	if (!serial)
		return false;
	spin_lock(&db->replies_lock);
	is = waiting_for(db, p, t, serial);
	spin_unlock(&db->replies_lock);
	return is;
}

static void clock_arm(struct dbus_bus *db)
{
	u32 ms = READ_ONCE(db->bus.limits.reply_ms);

	if (ms == BUS_NEVER || delayed_work_pending(&db->reply_clock))
		return;
	refcount_inc(&db->bus.ref);
	/* A port of the caller's holds the bus too. */
	if (!queue_delayed_work(bus_wq, &db->reply_clock,
				msecs_to_jiffies(ms)))
		refcount_dec(&db->bus.ref);
}

/* Below replies_lock. */
static enum bus_refusal add(struct dbus_bus *db, struct dbus_port *p,
			    struct dbus_port *t, u32 serial,
			    struct reply **reply)
{
	if (replies_find(&db->replies, &p->replies, &t->replies, serial))
		return BUS_SAME_SERIAL;
	if (p->replies.n_calls >= READ_ONCE(db->bus.limits.replies))
		return BUS_TOO_MANY_CALLS;
	replies_add(&db->replies, *reply, &p->replies, &t->replies, serial,
		    get_jiffies_64());
	*reply = NULL;
	return BUS_ROUTED;
}

enum bus_refusal dbus_reply_note(struct dbus_port *p, struct dbus_port *t,
				 const struct dbus_header *h,
				 struct reply **reply)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	enum bus_refusal refusal = BUS_ROUTED;
	struct reply *done = NULL;

	if (!wants_reply(h) && !h->reply_serial)
		return BUS_ROUTED;
	spin_lock(&db->replies_lock);
	if (wants_reply(h))
		refusal = add(db, p, t, h->f.serial, reply);
	if (h->reply_serial && !refusal)
		done = waiting_for(db, p, t, h->reply_serial);
	if (done)
		replies_del(&db->replies, done);
	spin_unlock(&db->replies_lock);
	kfree(done);
	if (wants_reply(h) && !refusal)
		clock_arm(db);
	return refusal;
}

void dbus_reply_cross_off(struct dbus_port *p, struct dbus_port *t, u32 serial)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	struct reply *done;

	spin_lock(&db->replies_lock);
	done = waiting_for(db, p, t, serial);
	if (done)
		replies_del(&db->replies, done);
	spin_unlock(&db->replies_lock);
	kfree(done);
}

/* ---- those who will have no answer ---- */

static void send_no_reply(struct dbus_bus *db, u64 caller, u32 serial,
			  const char *text)
{
	dbus_send_error(db, caller, caller, serial,
			"org.freedesktop.DBus.Error.NoReply", text);
}

/* The next that is due: an orphan, or one that has waited since @before. */
static bool next_due(struct dbus_bus *db, bool orphans, u64 before,
		     u64 *caller, u32 *serial)
{
	struct reply *r;
	bool found;

	spin_lock(&db->replies_lock);
	r = orphans ? replies_next_orphan(&db->replies) :
		      replies_next_expired(&db->replies, before);
	if (r) {
		*caller = r->caller->addr;
		*serial = r->serial;
	}
	spin_unlock(&db->replies_lock);
	found = r;
	kfree(r);
	return found;
}

void dbus_orphans_now(struct dbus_bus *db)
{
	u64 caller;
	u32 serial;

	while (next_due(db, true, 0, &caller, &serial)) {
		send_no_reply(db, caller, serial,
			      "Message recipient disconnected from message bus without replying");
		cond_resched();
	}
}

static void orphans_work(struct work_struct *work)
{
	struct dbus_bus *db = container_of(work, struct dbus_bus, orphans);

	dbus_orphans_now(db);
	bus_put(&db->bus);
}

/* When the oldest call is due; false: none is there. */
static bool next_clock(struct dbus_bus *db, u64 *at)
{
	const struct reply *r;
	bool any;

	spin_lock(&db->replies_lock);
	r = replies_oldest(&db->replies);
	any = r;
	if (r)
		*at = r->since;
	spin_unlock(&db->replies_lock);
	return any;
}

static void clock_work(struct work_struct *work)
{
	struct dbus_bus *db = container_of(to_delayed_work(work),
					   struct dbus_bus, reply_clock);
	u32 ms = READ_ONCE(db->bus.limits.reply_ms);
	u64 limit = msecs_to_jiffies(ms), now = get_jiffies_64(), caller, at;
	u32 serial;

	if (ms == BUS_NEVER)
		goto put;
	while (next_due(db, false, now - limit, &caller, &serial)) {
		send_no_reply(db, caller, serial,
			      "Message did not receive a reply (timeout by message bus)");
		cond_resched();
	}
	if (next_clock(db, &at)) {
		at += limit;
		refcount_inc(&db->bus.ref);
		if (!queue_delayed_work(bus_wq, &db->reply_clock,
					at > now ? at - now : 1))
			refcount_dec(&db->bus.ref);
	}
put:
	bus_put(&db->bus);
}

void dbus_replies_ended(struct dbus_port *p)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	struct reply *r;

	spin_lock(&db->replies_lock);
	while ((r = replies_forget(&db->replies, &p->replies)))
		kfree(r);
	spin_unlock(&db->replies_lock);
}

void dbus_replies_closed(struct dbus_port *p)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	bool orphans;

	spin_lock(&db->replies_lock);
	replies_orphan(&db->replies, &p->replies);
	orphans = replies_have_orphans(&db->replies);
	spin_unlock(&db->replies_lock);
	if (orphans && !test_bit(DP_QUIET, &p->events))
		dbus_orphans_tell(db);
}

void dbus_orphans_tell(struct dbus_bus *db)
{
	refcount_inc(&db->bus.ref);
	if (!queue_work(bus_wq, &db->orphans))
		refcount_dec(&db->bus.ref);
}

/* ---- begin and end ---- */

int dbus_replies_init(struct dbus_bus *db)
{
	struct replies_link *buckets;

	buckets = kvmalloc_array(BUCKETS_MIN, sizeof(*buckets),
				 GFP_KERNEL_ACCOUNT);
	if (!buckets)
		return -ENOMEM;
	spin_lock_init(&db->replies_lock);
	replies_init(&db->replies, buckets, BUCKETS_MIN, get_random_u64());
	INIT_WORK(&db->orphans, orphans_work);
	INIT_DELAYED_WORK(&db->reply_clock, clock_work);
	return 0;
}

/* The bus has ended: nobody is left to be told. */
void dbus_replies_end(struct dbus_bus *db)
{
	if (cancel_delayed_work(&db->reply_clock))
		refcount_dec(&db->bus.ref);
}

void dbus_replies_free(struct dbus_bus *db)
{
	kvfree(db->replies.buckets);
}
