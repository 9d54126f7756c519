// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that go to several: broadcasts, and while somebody watches
 * (dbus_watch.c) all others too. Receivers are found below bus->lock taken
 * shared, their copies are made without it, then below the lock taken exclusive
 * room is looked at for all and the message committed to all, provided that the
 * tables are still the same. deliver.c says why.
 *
 * In front are the monitors. Behind them is whom the message is for: one
 * port, all who subscribed to it, or the master.
 */
#include "dbus.h"

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

/* Receivers found before more memory is needed. */
#define RECIPS_FEW 8
#define NOBODY UINT_MAX
/* A bus keeps memory for no more than so many: 370 KiB. */
#define RECIPS_KEPT 4096

struct recip {
	struct bus_port *port;		/* counted */
	struct bus_msg m;
	int err;			/* not to get it, and why */
};

/* Room for many. One of them is left for the next who needs it. */
struct dbus_recips {
	unsigned int cap;
	struct recip r[];		/* and u32 slots[] */
};

struct recips {
	struct recip few[RECIPS_FEW];
	struct recip *r;
	unsigned int cap, n;
	/* Which ports are in ->r, with more than a few: indexes plus one, in a
	 * hash table. Several senders look for receivers at the same time, so
	 * ports cannot be marked. */
	u32 *slots;
	unsigned int bits;		/* of their number */
	struct dbus_recips *many;	/* where both are */
	unsigned int first;		/* of them */
	u64 gen;			/* of the tables when they were found */
	unsigned int seen;		/* monitors, the first of them */
	unsigned int at;		/* whom it is addressed to, or NOBODY */
};

static void recips_init(struct recips *rs)
{
	rs->r = rs->few;
	rs->cap = RECIPS_FEW;
	rs->n = 0;
	rs->slots = NULL;
	rs->bits = 0;
	rs->many = NULL;
}

static void recips_put(struct recips *rs)
{
	unsigned int n = min(rs->n, rs->cap);

	while (n--) {
		struct bus_msg *m = &rs->r[n].m;

		/* As a rule its receiver has taken all that was in it. */
		if (m->files || !skb_queue_empty(&m->skbs))
			bus_msg_purge(m);
		bus_port_put(rs->r[n].port);
	}
	rs->n = 0;
}

/* Memory that large is got and cleared page by page: not for each message. */
static void recips_free(struct recips *rs, struct dbus_bus *db)
{
	struct dbus_recips *many = rs->many;

	if (many && many->cap <= RECIPS_KEPT)
		many = xchg(&db->recips, many);
	kvfree(many);
}

void dbus_recips_free(struct dbus_bus *db)
{
	kvfree(db->recips);
}

static unsigned int slot_bits(unsigned int n)
{
	return order_base_2(n) + 1;
}

/* For @n. There are none in it. */
static int recips_grow(struct recips *rs, struct dbus_bus *db, unsigned int n)
{
	struct dbus_recips *many = xchg(&db->recips, NULL);

	kvfree(rs->many);
	if (many && many->cap < n) {
		kvfree(many);
		many = NULL;
	}
	if (!many) {
		many = kvmalloc(struct_size(many, r, n) +
				(sizeof(*rs->slots) << slot_bits(n)),
				GFP_KERNEL_ACCOUNT);
		if (many)
			many->cap = n;
	}
	rs->many = many;
	if (!many)
		return -ENOMEM;
	rs->r = many->r;
	rs->cap = n;
	rs->slots = (u32 *)&many->r[many->cap];
	rs->bits = slot_bits(n);
	return 0;
}

/* More than there is room for are only counted. */
static void add(struct recips *rs, struct bus_port *port)
{
	struct recip *r = &rs->r[rs->n];

	if (rs->n++ >= rs->cap)
		return;
	bus_port_get(port);
	r->port = port;
	r->err = 0;
	bus_msg_init(&r->m);
}

/* Where @port stands in the hash table, or could. */
static u32 *slot_of(const struct recips *rs, const struct bus_port *port)
{
	/* Addresses follow each other, which this spreads evenly. */
	u32 at = hash_64(port->addr, rs->bits);

	while (rs->slots[at] && rs->r[rs->slots[at] - 1].port != port)
		at = (at + 1) & ((1U << rs->bits) - 1);
	return &rs->slots[at];
}

/*
 * When there is no room for all it does not matter, and they are counted as
 * often as they are found. *@slot is where to note it, if it is not NULL.
 */
static bool is_found(const struct recips *rs, const struct bus_port *port,
		     u32 **slot)
{
	unsigned int i;

	*slot = NULL;
	if (rs->n > rs->cap)
		return false;
	if (rs->slots) {
		*slot = slot_of(rs, port);
		return **slot;
	}
	for (i = rs->first; i < rs->n; i++)
		if (rs->r[i].port == port)
			return true;
	return false;
}

static void add_found(struct recips *rs, struct bus_port *port, u32 *slot)
{
	if (slot && rs->n < rs->cap)
		*slot = rs->n + 1;
	add(rs, port);
}

/* ---- who gets it; below bus.lock ---- */

/* By the policies of the sender and @t. */
static bool may_have(struct dbus_cast *c, struct dbus_port *t)
{
	struct dbus_ruling ruling = {
		.requested = !c->p && c->mm.h->reply_serial,
	};

	if (!dbus_policy_asks(c->p, t))
		return true;
	if (!dbus_policy_admit(c->p, t, c->mm.h, &ruling)) {
		c->n_denied++;
		return false;
	}
	if (ruling.refusal == BUS_LOGGED)
		c->log = true;
	return true;
}

struct search {
	struct dbus_cast *c;
	struct recips *rs;
	bool known, match;		/* of the rule before */
};

static bool matches(struct search *s, const struct dbus_rule *r)
{
	if (!s->known)
		s->match = match_rule_eval(&r->rule, &s->c->mm);
	s->known = true;
	return s->match;
}

static int found(void *ctx, struct match_entry *e, bool again)
{
	struct dbus_rule *r = container_of(e, struct dbus_rule, entry);
	struct bus_port *t = &r->port->port;
	struct search *s = ctx;
	u32 *slot;

	s->known &= again;
	if (test_bit(BUS_PF_ACTIVE, &t->flags) &&
	    !test_bit(BUS_PF_ENDED, &t->flags) && t != s->c->to &&
	    !is_found(s->rs, t, &slot) && matches(s, r))
		add_found(s->rs, t, slot);
	return 0;
}

/* Ports that have a rule for it and @may have it; unless @all, a rule that
 * eavesdrops. */
static void add_matching(struct dbus_cast *c, struct recips *rs, bool all,
			 bool (*may)(struct dbus_cast *c, struct dbus_port *t))
{
	struct search s = { .c = c, .rs = rs };
	unsigned int i, n = rs->n;

	rs->first = rs->n;
	if (rs->slots)
		memset(rs->slots, 0, sizeof(*rs->slots) << rs->bits);
	dbus_rules_visit(c->db, &c->mm, all, found, &s);
	if (rs->n > rs->cap) {
		rs->n = min(rs->n, rs->first + c->db->n_subscribers);
		return;
	}
	for (i = rs->first; i < rs->n; i++) {
		if (may(c, to_dbus_port(rs->r[i].port)))
			rs->r[n++].port = rs->r[i].port;
		else
			bus_port_put(rs->r[i].port);
	}
	rs->n = n;
}

static void add_subscribers(struct dbus_cast *c, struct recips *rs)
{
	add_matching(c, rs, true, may_have);
	/* Only they are told. */
	if (!(c->sets & CAST_MONITORS) || !c->db->n_monitors)
		c->n_denied = 0;
}

static void add_monitors(struct dbus_cast *c, struct recips *rs)
{
	struct dbus_port *t;

	list_for_each_entry(t, &c->db->monitors, mon_link)
		if (&t->port != c->to && dbus_rules_match(t, &c->mm))
			add(rs, &t->port);
	rs->seen = rs->n;
}

static void add_eavesdroppers(struct dbus_cast *c, struct recips *rs)
{
	if (c->db->n_eavesdrop)
		add_matching(c, rs, false, dbus_overhears);
}

/* -ENODATA: a rule looks at the body, which is not there yet. */
static int collect_locked(struct dbus_cast *c, struct recips *rs)
{
	struct dbus_bus *db = c->db;
	int err;

	rs->n = 0;
	rs->seen = 0;
	rs->at = NOBODY;
	c->sets = 0;
	c->to = NULL;
	c->up = NULL;
	c->unseen = false;
	c->log = false;
	c->n_denied = 0;
	rs->gen = db->bus.gen;
	err = c->whom(c);
	if (!err && db->n_arg_rules && !c->mm.body && c->mm.h->f.body_len)
		err = -ENODATA;
	if (err)
		return err;
	if (c->to)
		c->ends.to = c->to->addr;
	if (c->sets & CAST_MONITORS)
		add_monitors(c, rs);
	if (c->to) {
		rs->at = rs->n;
		add(rs, c->to);
	}
	if (c->sets & CAST_EAVESDROPPERS)
		add_eavesdroppers(c, rs);
	if (c->sets & CAST_SUBSCRIBERS)
		add_subscribers(c, rs);
	return 0;
}

static int collect(struct dbus_cast *c, struct recips *rs)
{
	int err;

	read_lock(&c->db->bus.lock);
	err = collect_locked(c, rs);
	read_unlock(&c->db->bus.lock);
	return err;
}

/* A copy for everybody but the last, who gets the message itself; unless that
 * goes to the master. */
static int recips_clone(struct recips *rs, struct dbus_cast *c)
{
	unsigned int i, n = c->up ? rs->n : rs->n - !!rs->n;

	for (i = 0; i < n; i++)
		if (bus_msg_clone(&rs->r[i].m, c->m, GFP_KERNEL_ACCOUNT))
			return -ENOMEM;
	return 0;
}

/* ---- commit; below bus.lock, exclusive ---- */

/*
 * -EAGAIN: *@full has no room, if a peer sends; the master does not wait, and
 * who cannot take its message goes.
 */
static int recips_room(struct dbus_cast *c, struct recips *rs,
		       struct bus_port **full)
{
	const struct bus_wait *w = c->p ? &c->p->port.wait : NULL;
	struct bus_cost cost = dbus_cost_of(c->m);
	struct recip *r;

	for (r = rs->r; r < rs->r + rs->n; r++) {
		r->err = bus_room(r->port, w, &cost);
		if (r->err != -EAGAIN)
			continue;
		*full = r->port;
		return -EAGAIN;
	}
	return rs->at == NOBODY ? 0 : rs->r[rs->at].err;
}

static unsigned int recips_commit(struct dbus_cast *c, struct recips *rs)
{
	unsigned int i, done = 0;
	struct recip *r;

	for (i = 0; i < rs->n; i++) {
		r = &rs->r[i];
		if (r->err || (c->unseen && i < rs->seen))
			continue;
		spin_lock(&r->port->lock);
		r->port->ops->commit(r->port, c->up || i + 1 < rs->n ?
					      &r->m : c->m);
		spin_unlock(&r->port->lock);
		done += i >= rs->seen;
	}
	return done;
}

static int commit(struct dbus_cast *c, struct recips *rs,
		  struct bus_port **full)
{
	struct bus *bus = &c->db->bus;
	unsigned int done;
	size_t len = c->m->len;
	int err;

	if (bus->gen != rs->gen)
		return -ESTALE;
	err = recips_room(c, rs, full);
	if (!err && c->settle)
		err = c->settle(c);
	if (err)
		return err;
	if (!c->up)
		atomic64_inc(&bus->seq);
	done = recips_commit(c, rs);
	if (!c->p || c->up)
		return 0;
	if (c->to) {
		atomic64_inc(&bus->unicast_msgs);
		atomic64_add(len, &bus->unicast_bytes);
	} else if (c->sets & CAST_SUBSCRIBERS) {
		atomic64_inc(&bus->broadcast_msgs);
		atomic64_add(done, &bus->broadcast_copies);
	}
	return 0;
}

static void recips_tell(struct recips *rs, bool done)
{
	struct recip *r;

	for (r = rs->r; r < rs->r + rs->n; r++) {
		if (!r->err && done)
			r->port->ops->wake(r->port);
		else if (r->err == -ENOBUFS)
			r->port->ops->evict(r->port, BUS_REASON_STALLED);
	}
}

/* One try, with receivers that have been found. */
static int send(struct dbus_cast *c, struct recips *rs)
{
	struct bus_port *full = NULL, *p = c->p ? &c->p->port : NULL;
	struct bus_cost cost = dbus_cost_of(c->m);
	int err;

	err = recips_clone(rs, c);
	if (!err && c->log)
		err = dbus_out_log(&c->p->out);
	if (err)
		return err;
	write_lock(&c->db->bus.lock);
	err = commit(c, rs, &full);
	write_unlock(&c->db->bus.lock);
	recips_tell(rs, !err);
	if (full)
		return bus_wait_room(&p->wait, p, full, &cost) ?: -EAGAIN;
	return err;
}

/* ---- */

/* The message's, which the rules look at, in one piece. */
static int get_body(struct dbus_cast *c)
{
	struct dbus_out *o = &c->p->out;

	o->body_buf = dbus_msg_linear(&o->m, o->hdr_len);
	o->body = o->body_buf;
	c->mm.body = o->body;
	return o->body ? 0 : -ENOMEM;
}

static int try(struct dbus_cast *c, struct recips *rs)
{
	int err = collect(c, rs);

	if (err == -ENODATA)
		return get_body(c) ?: -ESTALE;
	if (err)
		return err;
	return rs->n > rs->cap ? -ENOSPC : send(c, rs);
}

int dbus_cast(struct dbus_cast *c)
{
	struct recips rs;
	unsigned int n;
	int err;

	recips_init(&rs);
	/* As many as last time, or what is found first is found in vain. */
	n = c->p ? c->p->n_receivers : 0;
	if (n > RECIPS_FEW && recips_grow(&rs, c->db, n))
		return -ENOMEM;
	for (;;) {
		err = try(c, &rs);
		n = rs.n;
		recips_put(&rs);
		/* Some to spare: more may come while we allocate. */
		n += n / 4;
		if (err == -ENOSPC)
			err = recips_grow(&rs, c->db, n) ?: -ESTALE;
		if (c->p)
			c->p->n_receivers = n;
		if (err != -ESTALE)
			break;
		cond_resched();
	}
	recips_free(&rs, c->db);
	return err;
}

/* ---- as a part of a batch ---- */

struct dbus_ready {
	struct recips rs;
	unsigned int n_copies, used;
	bool sent;
	struct bus_msg copies[];	/* all but one, which is the message */
};

/* Without room for anybody all are counted, whatever policies say of them. */
int dbus_cast_count(struct dbus_cast *c)
{
	struct recips rs;
	int err;

	recips_init(&rs);
	rs.cap = 0;
	err = collect_locked(c, &rs);
	return err ?: (int)min_t(unsigned int, rs.n, INT_MAX);
}

static void ready_free(struct dbus_cast *c)
{
	struct dbus_ready *ready = c->ready;

	c->ready = NULL;
	if (!ready)
		return;
	recips_put(&ready->rs);
	recips_free(&ready->rs, c->db);
	while (ready->used < ready->n_copies)
		bus_msg_purge(&ready->copies[ready->used++]);
	kvfree(ready);
}

int dbus_cast_ready(struct dbus_cast *c, unsigned int n)
{
	unsigned int copies = n ? n - 1 : 0;
	struct dbus_ready *ready;

	ready_free(c);
	ready = kvzalloc(struct_size(ready, copies, copies),
			 GFP_KERNEL_ACCOUNT);
	if (!ready)
		return -ENOMEM;
	recips_init(&ready->rs);
	c->ready = ready;
	if (n > RECIPS_FEW && recips_grow(&ready->rs, c->db, n))
		return -ENOMEM;
	for (; ready->n_copies < copies; ready->n_copies++)
		if (bus_msg_clone(&ready->copies[ready->n_copies], c->m,
				  GFP_KERNEL_ACCOUNT))
			return -ENOMEM;
	return 0;
}

static void commit_ready(struct dbus_cast *c, struct recip *r)
{
	struct dbus_ready *ready = c->ready;
	struct bus_msg *m = c->m;

	if (ready->used < ready->n_copies)
		m = &ready->copies[ready->used++];
	spin_lock(&r->port->lock);
	r->port->ops->commit(r->port, m);
	spin_unlock(&r->port->lock);
}

void dbus_cast_now(struct dbus_cast *c)
{
	struct recips *rs = &c->ready->rs;
	struct bus_port *full;
	unsigned int i;

	if (collect_locked(c, rs) || WARN_ON_ONCE(rs->n > rs->cap))
		return;
	if (recips_room(c, rs, &full))
		return;
	c->ready->sent = true;
	atomic64_inc(&c->db->bus.seq);
	for (i = 0; i < rs->n; i++)
		if (!rs->r[i].err)
			commit_ready(c, &rs->r[i]);
}

void dbus_cast_done(struct dbus_cast *c)
{
	if (!c->ready)
		return;
	c->ready->rs.n = min(c->ready->rs.n, c->ready->rs.cap);
	recips_tell(&c->ready->rs, c->ready->sent);
	ready_free(c);
}
