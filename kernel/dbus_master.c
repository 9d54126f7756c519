// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the master sends: by itself, in the place of a port, or within a batch
 * of table changes (BUS_REC_SEND, BUS_REC_FORWARD). He never waits: who has no
 * room for him goes.
 */
#include "dbus.h"
#include "dbus_batch.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "core/dbus_error.h"

/* What the master sends in the place of a port. */
struct forward {
	u64 from;
	const struct dbus_header *h;
	struct dbus_ruling ruling;
	struct reply *reply;
};

/* Below bus.lock. */
static struct bus_port *forwarder(struct bus *bus, const struct forward *f)
{
	struct bus_port *p = bus_port_find(bus, f->from);

	return p && !test_bit(BUS_PF_ENDED, &p->flags) ? p : NULL;
}

/* Below bus.lock, and @t's lock or exclusive, with room at @t. */
static int put_forward(struct bus *bus, struct bus_port *t, struct forward *f)
{
	struct bus_port *p = forwarder(bus, f);
	enum bus_refusal refusal;
	int err;

	if (!p)
		return -ENOENT;
	f->ruling.to = t->addr;
	err = dbus_admit(to_dbus_port(p), to_dbus_port(t), f->h, true,
			 &f->ruling);
	if (err && f->ruling.requested)
		dbus_reply_cross_off(to_dbus_port(p), to_dbus_port(t),
				     f->h->reply_serial);
	if (err)
		return err;
	refusal = dbus_reply_note(to_dbus_port(p), to_dbus_port(t), f->h,
				  &f->reply);
	if (!refusal)
		return 0;
	f->ruling.refusal = refusal;
	return -EACCES;
}

/* @f NULL: the master's own. -EXDEV: somebody sees it. */
static int master_unicast(struct bus *bus, u64 addr, struct bus_msg *m,
			  struct forward *f)
{
	struct bus_cost c = dbus_cost_of(m);
	struct bus_port *t = NULL;
	int err = -ENOENT;

	read_lock(&bus->lock);
	if (dbus_watched(to_dbus_bus(bus)))
		err = -EXDEV;
	else
		t = bus_port_find(bus, addr);
	if (t) {
		bus_port_get(t);
		spin_lock(&t->lock);
		err = bus_room(t, NULL, &c);
		if (!err && f)
			err = put_forward(bus, t, f);
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
	return err;
}

/* @buf is all of @m. */
static int parse_whole(struct dbus_header *h, const void *buf, size_t len)
{
	int err = -EBADMSG;

	if (len >= DBUS_FIXED_LEN)
		err = dbus_frame_parse(&h->f, buf, DBUS_MAX_MESSAGE);
	if (!err && h->f.total_len != len)
		err = -EBADMSG;
	return err ?: dbus_header_parse(h, buf, h->f.header_len,
					DBUS_MAX_MESSAGE);
}

struct master_cast {
	struct dbus_cast c;
	u64 addr;
	bool unseen;
	struct forward *f;		/* or NULL */
};

static struct master_cast *to_master_cast(struct dbus_cast *c)
{
	return container_of(c, struct master_cast, c);
}

static int master_whom(struct dbus_cast *c)
{
	struct master_cast *mc = to_master_cast(c);
	struct bus *bus = &c->db->bus;
	struct bus_port *p;

	if (!mc->unseen)
		c->sets = CAST_MONITORS;
	if (mc->addr == BUS_CLIENT_MASK) {
		c->sets |= CAST_SUBSCRIBERS;
		return 0;
	}
	if (mc->addr == BUS_MONITORS) {
		c->ends.to = dbus_name_addr(c->db, c->mm.h->destination);
		return 0;
	}
	c->to = bus_port_find(bus, mc->addr);
	if (!c->to)
		return -ENOENT;
	if (!mc->f)
		return 0;
	p = forwarder(bus, mc->f);
	if (!p)
		return -ENOENT;
	c->as = to_dbus_port(p);
	c->sets |= CAST_EAVESDROPPERS;
	return 0;
}

static int master_settle(struct dbus_cast *c)
{
	struct master_cast *mc = to_master_cast(c);

	return mc->f ? put_forward(&c->db->bus, c->to, mc->f) : 0;
}

/* @buf is all of the message. The caller says who settles it, whether monitors
 * have seen it, and in whose place it is sent. */
static void cast_init(struct master_cast *mc, struct dbus_bus *db, u64 addr,
		      struct bus_msg *m, const struct dbus_header *h,
		      const void *buf)
{
	*mc = (struct master_cast){
		.c = {
			.db = db,
			.m = m,
			.mm = {
				.h = h,
				.sender = h->sender,
				.owns = dbus_ends_owns,
				.receives = dbus_ends_receives,
				.names = dbus_ends_names,
				.ctx = &mc->c.ends,
				.body = buf + h->f.header_len,
				.body_len = h->f.body_len,
			},
			.ends = {
				.db = db,
				.from = dbus_unique_parse(h->sender.s,
							  h->sender.len),
			},
			.whom = master_whom,
		},
		.addr = addr,
	};
}

static int master_cast(struct dbus_bus *db, u64 addr, struct bus_msg *m,
		       const struct dbus_header *h, const void *buf,
		       const struct bus_send *how, struct forward *f)
{
	struct master_cast mc;

	cast_init(&mc, db, addr, m, h, buf);
	mc.c.settle = master_settle;
	mc.unseen = how->from || how->flags & BUS_SEND_UNSEEN;
	mc.f = f;
	return dbus_cast(&mc.c);
}

static int forward(struct dbus_bus *db, u64 addr, struct bus_msg *m,
		   const struct dbus_header *h, const void *buf,
		   const struct bus_send *how)
{
	struct forward f = { .from = how->from, .h = h };
	int err;

	err = dbus_reply_prepare(db, h, &f.reply) ?:
	      master_unicast(&db->bus, addr, m, &f);
	if (err == -EXDEV)
		err = master_cast(db, addr, m, h, buf, how, &f);
	kfree(f.reply);
	db->ruling = dbus_explain(&f.ruling);
	return err;
}

/* What needs the message's header. */
static int master_send_parsed(struct dbus_bus *db, u64 addr, struct bus_msg *m,
			      const struct bus_send *how)
{
	struct dbus_header h;
	void *buf = dbus_msg_linear(m, 0);
	int err;

	if (!buf)
		return -ENOMEM;
	err = parse_whole(&h, buf, m->len);
	if (!err)
		err = how->from ? forward(db, addr, m, &h, buf, how) :
		      master_cast(db, addr, m, &h, buf, how, NULL);
	kvfree(buf);
	return err;
}

bool dbus_is_group(u64 addr)
{
	return addr == BUS_CLIENT_MASK || addr == BUS_MONITORS;
}

static int master_send(struct dbus_bus *db, u64 addr, struct bus_msg *m,
		       const struct bus_send *how)
{
	int err = -EXDEV;

	if (!dbus_is_group(addr) && !how->from)
		err = master_unicast(&db->bus, addr, m, NULL);
	if (err == -EXDEV)
		err = master_send_parsed(db, addr, m, how);
	return err == -EPIPE ? -ENOENT : err;
}

static int send_own(struct dbus_bus *db, u64 addr, struct sk_buff *skb)
{
	static const struct bus_send how = { };
	struct bus_msg m;
	size_t len = skb->len;
	int err;

	dbus_skb_disown(skb);
	bus_msg_init(&m);
	bus_msg_add(&m, skb, len);
	err = master_send(db, addr, &m, &how);
	bus_msg_purge(&m);
	return err;
}

/* Who waits for an answer that cannot be given is not left waiting for it. */
static void end_for_memory(struct dbus_bus *db, u64 addr)
{
	struct bus_port *p = bus_port_lookup(&db->bus, addr);

	if (!p)
		return;
	p->ops->evict(p, BUS_REASON_NOMEM);
	bus_port_put(p);
}

void dbus_send_error(struct dbus_bus *db, u64 addr, u64 caller, u32 serial,
		     const char *name, const char *text)
{
	char unique[DBUS_UNIQUE_MAX];
	struct dbus_error e = {
		.name = { name, strlen(name) },
		.destination = { unique, dbus_unique_format(caller, unique) },
		.text = { text, strlen(text) },
		.reply_serial = serial,
	};
	s64 len = dbus_error_write(&e, NULL, 0);
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	int err = -ENOMEM;

	if (skb) {
		/* Numbers that the master's own messages do not come near. */
		e.serial = (u32)atomic_inc_return(&db->serial) | 0x80000000U;
		dbus_error_write(&e, skb_put(skb, len), len);
		err = send_own(db, addr, skb);
	}
	if (err == -ENOMEM)
		end_for_memory(db, addr);
}

int dbus_master_send(struct bus *bus, u64 addr, struct bus_msg *m,
		     const struct bus_send *how)
{
	int err;

	if (!m->len || (dbus_is_group(addr) && how->from) ||
	    (addr == BUS_MONITORS && how->flags & BUS_SEND_UNSEEN))
		err = -EINVAL;
	else
		err = master_send(to_dbus_bus(bus), addr, m, how);
	bus_msg_purge(m);
	if (!err && addr != BUS_MONITORS)
		atomic64_inc(&bus->from_master);
	return err;
}

/* ---- within a batch ---- */

struct dbus_send {
	struct master_cast mc;
	struct dbus_header h;
	struct bus_send how;
	struct forward f;
	struct bus_msg m;
	void *buf;			/* of a forwarded one; else it is in the
					 * record */
	struct bus_port *held;		/* with it; counted. NULL: it is parked */
};

static void send_init(struct dbus_send *s, struct dbus_bus *db, u64 addr,
		      const void *bytes, bool forward)
{
	cast_init(&s->mc, db, addr, &s->m, &s->h, bytes);
	s->mc.unseen = forward || s->how.flags & BUS_SEND_UNSEEN;
	s->mc.f = forward ? &s->f : NULL;
}

static struct dbus_send *send_new(struct dbus_change *c)
{
	c->send = kzalloc(sizeof(*c->send), GFP_KERNEL_ACCOUNT);
	if (c->send)
		bus_msg_init(&c->send->m);
	return c->send;
}

static int check_how(const struct bus_send *how, u64 addr)
{
	if (how->flags & ~(BUS_SEND_UNSEEN | BUS_SEND_FILES) || how->pad ||
	    !how->from == !!(how->flags & BUS_SEND_FILES) || !addr)
		return -EINVAL;
	return addr == BUS_MONITORS && how->flags & BUS_SEND_UNSEEN ?
	       -EINVAL : 0;
}

int dbus_send_prepare(struct dbus_change *c)
{
	const struct bus_rec *rec = c->rec;
	struct bus *bus = &c->db->bus;
	struct dbus_send *s;
	const u8 *bytes;
	size_t len;
	int err;

	if (rec->len < sizeof(*rec) + sizeof(s->how))
		return -EINVAL;
	len = rec->len - sizeof(*rec) - sizeof(s->how);
	if (len > READ_ONCE(bus->limits.message_bytes))
		return -EMSGSIZE;
	s = send_new(c);
	if (!s)
		return -ENOMEM;
	memcpy(&s->how, rec->data, sizeof(s->how));
	bytes = rec->data + sizeof(s->how);
	err = check_how(&s->how, rec->addr) ?: parse_whole(&s->h, bytes, len);
	if (!err)
		err = bus_msg_fill(&s->m, bytes, len);
	if (!err && s->how.from)
		err = bus_handed_files(bus, s->how.from, &s->m.files);
	if (!err)
		send_init(s, c->db, rec->addr, bytes, false);
	return err;
}

void dbus_send_apply(struct dbus_bus *db, struct dbus_change *c)
{
	dbus_cast_now(&c->send->mc.c);
	if (c->rec->addr != BUS_MONITORS)
		atomic64_inc(&db->bus.from_master);
	/* It was the last word about the message. */
	if (c->send->held)
		bus_handed_take(c->send->held, &c->kept);
	else if (c->send->mc.f)
		c->park = bus_unpark(&db->bus, c->rec->cookie);
}

/* The message, and whose it is. */
static int forwarded(struct dbus_change *c, struct dbus_send *s)
{
	struct bus *bus = &c->db->bus;
	size_t len = c->rec->len - sizeof(*c->rec);

	if (len != (c->rec->cookie ? 0 : sizeof(s->f.from)))
		return -EINVAL;
	if (c->rec->cookie)
		return bus_park_clone(bus, c->rec->cookie, &s->m, &s->f.from);
	memcpy(&s->f.from, c->rec->data, sizeof(s->f.from));
	s->held = bus_port_lookup(bus, s->f.from);
	return s->held ? bus_handed_clone(s->held, &s->m) : -ENOENT;
}

int dbus_forward_prepare(struct dbus_change *c)
{
	struct dbus_send *s;
	int err;

	s = send_new(c);
	if (!s)
		return -ENOMEM;
	err = forwarded(c, s);
	if (err)
		return err;
	s->buf = dbus_msg_linear(&s->m, 0);
	if (!s->buf)
		return -ENOMEM;
	err = parse_whole(&s->h, s->buf, s->m.len);
	if (err)
		return err;
	s->f.h = &s->h;
	send_init(s, c->db, c->rec->addr, s->buf, true);
	return dbus_reply_prepare(c->db, &s->h, &s->f.reply);
}

/* The last check of its batch: from here on the call is waited for. */
int dbus_forward_check(struct dbus_bus *db, struct dbus_change *c)
{
	struct bus_cost cost = dbus_cost_of(&c->send->m);
	struct bus_port *held = c->send->held;
	int err;

	c->send->f.ruling = (struct dbus_ruling){};
	if (held && bus_handed_check(held))
		return -ENODATA;
	if (!held && !bus_park_find(&db->bus, c->rec->cookie))
		return -ENOENT;
	err = bus_room(c->port, NULL, &cost);
	if (err == -ENOBUFS)
		c->port->ops->evict(c->port, BUS_REASON_STALLED);
	if (!err)
		err = put_forward(&db->bus, c->port, &c->send->f);
	db->ruling = dbus_explain(&c->send->f.ruling);
	return err == -EPIPE ? -ENOENT : err;
}

static bool adds_receivers(u32 type)
{
	return type == BUS_REC_MATCH_ADD || type == BUS_REC_MONITOR ||
	       type == BUS_REC_ACTIVATE;
}

int dbus_sends_prepare(struct dbus_bus *db, struct dbus_change *c,
		       unsigned int n, u64 *gen)
{
	unsigned int i, more = 0;
	int count, err = 0;

	for (i = 0; i < n; i++)
		more += adds_receivers(c[i].rec->type);
	read_lock(&db->bus.lock);
	*gen = db->bus.gen;
	read_unlock(&db->bus.lock);
	for (i = 0; i < n && !err; i++) {
		if (!c[i].send)
			continue;
		read_lock(&db->bus.lock);
		count = dbus_cast_count(&c[i].send->mc.c);
		read_unlock(&db->bus.lock);
		err = count < 0 ? count :
		      dbus_cast_ready(&c[i].send->mc.c, count + more);
	}
	return err;
}

void dbus_send_done(struct dbus_change *c)
{
	struct dbus_send *s = c->send;

	if (!s)
		return;
	dbus_cast_done(&s->mc.c);
	bus_msg_purge(&s->m);
	kfree(s->f.reply);
	kvfree(s->buf);
	if (s->held)
		bus_port_put(s->held);
	kfree(s);
	c->send = NULL;
}
