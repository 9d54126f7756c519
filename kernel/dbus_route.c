// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a message, and its delivery: resolve, look for room, commit, wake.
 * deliver.c says why the locks are as they are.
 */
#include "dbus.h"

#include <linux/mm.h>
#include <linux/slab.h>

/* Receivers of a broadcast found before more memory is needed. */
#define RECIPS_FEW 8

struct recip {
	struct bus_port *port;		/* counted */
	struct bus_msg m;
	int err;			/* not to get it, and why */
};

void dbus_out_release(struct dbus_port *p)
{
	struct dbus_out *o = &p->out;

	bus_msg_purge(&o->m);
	kvfree(o->hdr_buf);
	kvfree(o->body_buf);
	o->hdr_buf = NULL;
	o->body_buf = NULL;
	o->body = NULL;
	o->valid = false;
	bus_user_uncharge(&p->port, o->charged);
	o->charged = 0;
}

int dbus_out_prepare(struct dbus_out *o, const void *hdr, size_t len)
{
	if (o->route != DBUS_ROUTE_BROADCAST)
		return 0;
	return dbus_header_parse(&o->h, hdr, len, DBUS_MAX_MESSAGE);
}

static void count_sent(struct bus_port *p, struct bus_msg *m)
{
	atomic64_inc(&p->sent_msgs);
	atomic64_add(m->len, &p->sent_bytes);
}

static int to_master(struct dbus_port *p, atomic64_t *counter)
{
	int err = bus_to_master(&p->port, &p->out.m);

	if (!err)
		atomic64_inc(counter);
	return err;
}

static struct bus_cost cost_of(const struct bus_msg *m)
{
	struct bus_cost c = {
		.bytes = m->truesize,
		.fds = m->files ? m->files->count : 0,
	};

	return c;
}

/* ---- unicast ---- */

/* Below bus.lock. */
static struct bus_port *resolve(struct dbus_bus *db, const struct dbus_out *o)
{
	u64 addr = o->addr;
	struct bus_port *t;

	if (o->route == DBUS_ROUTE_NAME)
		addr = dbus_name_owner(db, o->name, o->name_len);
	t = addr ? bus_port_find(&db->bus, addr) : NULL;
	return t && test_bit(BUS_PF_ACTIVE, &t->flags) ? t : NULL;
}

/* Commits, or returns why not; *@ret is counted when there is a receiver. */
static int try_unicast(struct dbus_port *p, struct bus_port **ret)
{
	struct bus *bus = p->port.bus;
	struct dbus_out *o = &p->out;
	struct bus_cost c = cost_of(&o->m);
	size_t len = o->m.len;
	struct bus_port *t;
	int err = -EPIPE;

	read_lock(&bus->lock);
	t = resolve(to_dbus_bus(bus), o);
	if (t) {
		bus_port_get(t);
		spin_lock(&t->lock);
		err = bus_room(t, &p->port.wait, &c);
		if (!err) {
			count_sent(&p->port, &o->m);
			atomic64_inc(&bus->seq);
			t->ops->commit(t, &o->m);
		}
		spin_unlock(&t->lock);
	}
	read_unlock(&bus->lock);
	if (!err) {
		atomic64_inc(&bus->unicast_msgs);
		atomic64_add(len, &bus->unicast_bytes);
	}
	*ret = t;
	return err;
}

static int unicast(struct dbus_port *p)
{
	struct bus_cost c = cost_of(&p->out.m);
	struct bus *bus = p->port.bus;
	struct bus_port *t;
	int err;

	err = try_unicast(p, &t);
	if (!err)
		t->ops->wake(t);
	if (err == -EAGAIN)
		err = bus_wait_room(&p->port.wait, &p->port, t, &c) ?: -EAGAIN;
	else
		bus_wait_done(&p->port.wait, bus);
	if (t)
		bus_port_put(t);
	/* Nobody there, going, or without files: the master answers. */
	if (err == -EPIPE || err == -ENOTUNIQ)
		return to_master(p, &bus->master_unknown);
	return err;
}

/* ---- broadcast ---- */

struct owns_ctx {
	struct dbus_bus *db;
	u64 addr;
};

static bool owns(void *ctx, const char *name, size_t len)
{
	struct owns_ctx *c = ctx;

	return c->addr && dbus_name_owner(c->db, name, len) == c->addr;
}

static bool wants(struct dbus_port *t, const struct match_msg *mm)
{
	struct dbus_rule *r;

	if (!test_bit(BUS_PF_ACTIVE, &t->port.flags) ||
	    test_bit(BUS_PF_ENDED, &t->port.flags))
		return false;
	list_for_each_entry(r, &t->rules, link)
		if (match_rule_eval(&r->rule, mm))
			return true;
	return false;
}

/* Finds the receivers; more than @cap are only counted. */
static unsigned int collect(struct dbus_bus *db, const struct match_msg *mm,
			    struct recip *r, unsigned int cap, u64 *gen)
{
	struct dbus_port *t;
	unsigned int n = 0;

	read_lock(&db->bus.lock);
	*gen = db->bus.gen;
	list_for_each_entry(t, &db->subscribers, sub_link) {
		if (!wants(t, mm))
			continue;
		if (n < cap) {
			bus_port_get(&t->port);
			r[n].port = &t->port;
			r[n].err = 0;
			bus_msg_init(&r[n].m);
		}
		n++;
	}
	read_unlock(&db->bus.lock);
	return n;
}

static void recips_put(struct recip *r, unsigned int n)
{
	while (n--) {
		bus_msg_purge(&r[n].m);
		bus_port_put(r[n].port);
	}
}

/* A copy for everybody but the last, who gets the message itself. */
static int recips_clone(struct recip *r, unsigned int n, struct bus_msg *m)
{
	unsigned int i;

	for (i = 0; i + 1 < n; i++)
		if (bus_msg_clone(&r[i].m, m, GFP_KERNEL_ACCOUNT))
			return -ENOMEM;
	return 0;
}

/*
 * Below bus.lock, exclusive. Returns the port that has no room, if a peer
 * sends; the master does not wait, and who cannot take its message goes.
 */
static struct bus_port *recips_room(struct recip *r, unsigned int n,
				    struct bus_port *sender,
				    const struct bus_cost *c)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		r[i].err = bus_room(r[i].port, sender ? &sender->wait : NULL,
				    c);
		if (r[i].err == -EAGAIN)
			return r[i].port;
	}
	return NULL;
}

static unsigned int recips_commit(struct recip *r, unsigned int n,
				  struct bus_msg *m)
{
	unsigned int i, done = 0;

	for (i = 0; i < n; i++) {
		if (r[i].err)
			continue;
		spin_lock(&r[i].port->lock);
		r[i].port->ops->commit(r[i].port, i + 1 < n ? &r[i].m : m);
		spin_unlock(&r[i].port->lock);
		done++;
	}
	return done;
}

static void recips_tell(struct recip *r, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!r[i].err)
			r[i].port->ops->wake(r[i].port);
		else if (r[i].err == -ENOBUFS)
			r[i].port->ops->evict(r[i].port, BUS_REASON_STALLED);
	}
}

/* -ESTALE: the tables changed since @gen. -EAGAIN: *@full has no room. */
static int recips_send(struct dbus_bus *db, struct recip *r, unsigned int n,
		       struct bus_port *sender, struct bus_msg *m, u64 gen,
		       struct bus_port **full)
{
	struct bus_cost c = cost_of(m);
	unsigned int done;

	write_lock(&db->bus.lock);
	if (db->bus.gen != gen) {
		write_unlock(&db->bus.lock);
		return -ESTALE;
	}
	*full = recips_room(r, n, sender, &c);
	if (*full) {
		write_unlock(&db->bus.lock);
		return -EAGAIN;
	}
	if (sender)
		count_sent(sender, m);
	atomic64_inc(&db->bus.seq);
	done = recips_commit(r, n, m);
	write_unlock(&db->bus.lock);
	if (sender) {
		atomic64_inc(&db->bus.broadcast_msgs);
		atomic64_add(done, &db->bus.broadcast_copies);
	}
	recips_tell(r, n);
	return 0;
}

/* One try with room for @cap receivers; their number when there are more. */
static int bcast_try(struct dbus_bus *db, const struct match_msg *mm,
		     struct recip *r, unsigned int cap,
		     struct bus_port *sender, struct bus_msg *m)
{
	struct bus_cost c = cost_of(m);
	struct bus_port *full = NULL;
	unsigned int n;
	u64 gen;
	int err;

	n = collect(db, mm, r, cap, &gen);
	if (n > cap) {
		recips_put(r, cap);
		return n;
	}
	err = recips_clone(r, n, m);
	if (!err)
		err = recips_send(db, r, n, sender, m, gen, &full);
	if (err == -EAGAIN)
		err = bus_wait_room(&sender->wait, sender, full, &c) ?: -EAGAIN;
	else if (sender && err != -ESTALE)
		bus_wait_done(&sender->wait, &db->bus);
	recips_put(r, n);
	return err;
}

static int bcast(struct dbus_bus *db, const struct match_msg *mm,
		 struct bus_port *sender, struct bus_msg *m)
{
	struct recip few[RECIPS_FEW], *many = NULL;
	unsigned int cap = RECIPS_FEW;
	int ret;

	for (;;) {
		ret = bcast_try(db, mm, many ?: few, cap, sender, m);
		if (ret <= 0 && ret != -ESTALE)
			break;
		cond_resched();
		if (ret == -ESTALE)
			continue;
		/* Some to spare: more may come while we allocate. */
		cap = ret + ret / 4;
		kvfree(many);
		many = kvmalloc_array(cap, sizeof(*many), GFP_KERNEL_ACCOUNT);
		if (!many)
			return -ENOMEM;
	}
	kvfree(many);
	return ret;
}

static int broadcast(struct dbus_port *p)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	struct owns_ctx c = { .db = db, .addr = p->port.addr };
	struct dbus_out *o = &p->out;
	struct match_msg mm = {
		.h = &o->h,
		.sender = { p->unique, p->unique_len },
		.owns = owns,
		.ctx = &c,
		.body = o->body,
		.body_len = o->body ? o->body_len : 0,
	};
	int err = bcast(db, &mm, &p->port, &o->m);

	/* The sender was closed while it waited: nobody is left to tell. */
	return err == -EPIPE ? 0 : err;
}

/* ---- */

int dbus_deliver(struct dbus_port *p)
{
	struct bus *bus = p->port.bus;

	if (!test_bit(BUS_PF_ACTIVE, &p->port.flags))
		return to_master(p, &bus->master_inactive);
	switch (p->out.route) {
	case DBUS_ROUTE_MASTER:
		return to_master(p, &bus->master_driver);
	case DBUS_ROUTE_UNIQUE:
	case DBUS_ROUTE_NAME:
		return unicast(p);
	case DBUS_ROUTE_BROADCAST:
		return broadcast(p);
	case DBUS_ROUTE_IGNORE:
	default:
		p->port.refused++;
		atomic64_inc(&bus->refused);
		return 0;
	}
}

/* ---- for the master ---- */

static int master_unicast(struct bus *bus, u64 addr, struct bus_msg *m)
{
	struct bus_cost c = cost_of(m);
	struct bus_port *t;
	int err = -ENOENT;

	read_lock(&bus->lock);
	t = bus_port_find(bus, addr);
	if (t) {
		bus_port_get(t);
		spin_lock(&t->lock);
		err = bus_room(t, NULL, &c);
		if (!err) {
			atomic64_inc(&bus->seq);
			t->ops->commit(t, m);
		}
		spin_unlock(&t->lock);
	}
	read_unlock(&bus->lock);
	if (!t)
		return err;
	if (!err)
		t->ops->wake(t);
	if (err == -ENOBUFS)
		t->ops->evict(t, BUS_REASON_STALLED);
	bus_port_put(t);
	return err == -EPIPE ? -ENOENT : err;
}

/* All of a message that the master wrote, in one piece. */
static void *linear(const struct bus_msg *m)
{
	char *buf = kvmalloc(m->len, GFP_KERNEL_ACCOUNT), *to = buf;
	struct sk_buff *skb;

	if (!buf)
		return NULL;
	skb_queue_walk(&m->skbs, skb) {
		if (skb_copy_bits(skb, 0, to, skb->len)) {
			kvfree(buf);
			return NULL;
		}
		to += skb->len;
	}
	return buf;
}

static int master_broadcast(struct dbus_bus *db, struct bus_msg *m)
{
	struct owns_ctx c = { .db = db };
	struct match_msg mm = { .owns = owns, .ctx = &c };
	struct dbus_header h;
	void *buf = linear(m);
	int err;

	if (!buf)
		return -ENOMEM;
	err = -EBADMSG;
	if (m->len >= DBUS_FIXED_LEN)
		err = dbus_frame_parse(&h.f, buf, DBUS_MAX_MESSAGE);
	if (!err && h.f.total_len != m->len)
		err = -EBADMSG;
	if (!err)
		err = dbus_header_parse(&h, buf, h.f.header_len,
					DBUS_MAX_MESSAGE);
	if (!err) {
		mm.h = &h;
		mm.sender = h.sender;
		c.addr = dbus_unique_parse(h.sender.s, h.sender.len);
		mm.body = buf + h.f.header_len;
		mm.body_len = h.f.body_len;
		err = bcast(db, &mm, NULL, m);
	}
	kvfree(buf);
	return err;
}

int dbus_master_send(struct bus *bus, u64 addr, struct bus_msg *m)
{
	int err;

	if (addr == BUS_CLIENT_MASK)
		err = master_broadcast(to_dbus_bus(bus), m);
	else
		err = master_unicast(bus, addr, m);
	bus_msg_purge(m);
	if (!err)
		atomic64_inc(&bus->from_master);
	return err;
}
