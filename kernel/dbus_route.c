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
	o->hdr = NULL;
	o->body = NULL;
	o->parsed = false;
	o->valid = false;
	kfree(o->reply);
	o->reply = NULL;
	kvfree(o->log);
	o->log = NULL;
	bus_user_uncharge(&p->port, o->charged);
	o->charged = 0;
}

/* The stamped header, for those who look at its strings. */
static int parse(struct dbus_out *o)
{
	int err;

	if (o->parsed)
		return 0;
	err = dbus_frame_parse(&o->h.f, o->hdr, DBUS_MAX_MESSAGE) ?:
	      dbus_header_parse(&o->h, o->hdr, o->hdr_len, DBUS_MAX_MESSAGE);
	o->parsed = !err;
	return err;
}

static void count_sent(struct bus_port *p, struct bus_msg *m)
{
	atomic64_inc(&p->sent_msgs);
	atomic64_add(m->len, &p->sent_bytes);
}

static int to_master(struct dbus_port *p, atomic64_t *counter)
{
	int err = bus_to_master(&p->port, &p->out.m, NULL);

	if (!err)
		atomic64_inc(counter);
	return err;
}

static struct bus_info explain(const struct dbus_ruling *ruling)
{
	struct bus_info info = {
		.to = ruling->to,
		.refusal = ruling->refusal,
		.flags = ruling->requested ? BUS_INFO_REQUESTED : 0,
		.matched = ruling->matched,
	};

	return info;
}

/* The master tells the sender. */
static int refuse(struct dbus_port *p, const struct dbus_ruling *ruling)
{
	struct bus_info why = explain(ruling);

	p->port.refused++;
	atomic64_inc(&p->port.bus->refused);
	return bus_to_master(&p->port, &p->out.m, &why);
}

static void tell_logged(struct dbus_port *p, const struct dbus_ruling *ruling)
{
	struct bus_info why = explain(ruling);

	bus_post_logged(&p->port, p->out.log, p->out.hdr_len, &why);
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

/*
 * May @p send @t what @o says? Below bus.lock. -EACCES: no, @ruling says why;
 * -ESTALE: the header has to be parsed first.
 */
static int admit(struct dbus_port *p, struct dbus_port *t,
		 const struct dbus_header *h, bool parsed,
		 struct dbus_ruling *ruling)
{
	if (!dbus_policy_asks(p, t))
		return 0;
	if (!parsed)
		return -ESTALE;
	ruling->requested = dbus_reply_requested(p, t, h->reply_serial);
	if (dbus_policy_admit(p, t, h, ruling))
		return 0;
	/* A reply that is forbidden was one all the same. */
	if (ruling->requested)
		dbus_reply_cross_off(p, t, h->reply_serial);
	return -EACCES;
}

/* Below bus.lock and @t's lock: the message is @t's, or why not. */
static int put(struct dbus_port *p, struct bus_port *t, const struct bus_cost *c,
	       struct dbus_ruling *ruling)
{
	struct dbus_out *o = &p->out;
	enum bus_refusal refusal;
	int err;

	err = bus_room(t, &p->port.wait, c);
	if (err)
		return err;
	refusal = dbus_reply_note(p, to_dbus_port(t), &o->h, &o->reply);
	if (refusal) {
		ruling->refusal = refusal;
		return -EACCES;
	}
	count_sent(&p->port, &o->m);
	atomic64_inc(&p->port.bus->seq);
	t->ops->commit(t, &o->m);
	return 0;
}

/* Commits, or returns why not; *@ret is counted when there is a receiver. */
static int try_unicast(struct dbus_port *p, struct bus_port **ret,
		       struct dbus_ruling *ruling)
{
	struct bus *bus = p->port.bus;
	struct dbus_out *o = &p->out;
	struct bus_cost c = cost_of(&o->m);
	struct bus_port *t = NULL;
	size_t len = o->m.len;
	int err = -EPIPE;

	read_lock(&bus->lock);
	/* Who was removed sends no more: nobody would answer to him. */
	if (test_bit(BUS_PF_ENDED, &p->port.flags))
		err = -ESHUTDOWN;
	else
		t = resolve(to_dbus_bus(bus), o);
	if (t) {
		bus_port_get(t);
		ruling->to = t->addr;
		err = admit(p, to_dbus_port(t), &o->h, o->parsed, ruling);
		if (!err && ruling->refusal == BUS_LOGGED && !o->log)
			err = -ESTALE;
	}
	if (t && !err) {
		spin_lock(&t->lock);
		err = put(p, t, &c, ruling);
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

/* -ESTALE: once more. */
static int unicast_once(struct dbus_port *p, struct dbus_ruling *ruling)
{
	struct bus_cost c = cost_of(&p->out.m);
	struct bus *bus = p->port.bus;
	struct bus_port *t;
	int err;

	err = try_unicast(p, &t, ruling);
	if (!err)
		t->ops->wake(t);
	if (err == -EAGAIN)
		err = bus_wait_room(&p->port.wait, &p->port, t, &c) ?: -EAGAIN;
	else if (err != -ESTALE)
		bus_wait_done(&p->port.wait, bus);
	if (t)
		bus_port_put(t);
	return err;
}

/* The message goes, and its header with it: a copy for the log. */
static int copy_for_log(struct dbus_out *o)
{
	if (!o->log) {
		o->log = kvmalloc(o->hdr_len, GFP_KERNEL_ACCOUNT);
		if (o->log)
			memcpy(o->log, o->hdr, o->hdr_len);
	}
	return o->log ? 0 : -ENOMEM;
}

static int unicast(struct dbus_port *p)
{
	struct bus *bus = p->port.bus;
	struct dbus_ruling ruling;
	int err;

	do {
		memset(&ruling, 0, sizeof(ruling));
		err = unicast_once(p, &ruling);
		if (err == -ESTALE &&
		    (parse(&p->out) ||
		     (ruling.refusal && copy_for_log(&p->out))))
			return -ENOMEM;
	} while (err == -ESTALE);
	if (!err && ruling.refusal)
		tell_logged(p, &ruling);
	/* Nobody there, going, or without files: the master answers. */
	if (err == -EPIPE || err == -ENOTUNIQ)
		return to_master(p, &bus->master_unknown);
	if (err == -EACCES)
		return refuse(p, &ruling);
	return err == -ESHUTDOWN ? 0 : err;
}

/* ---- broadcast ---- */

struct dbus_cast {
	struct dbus_bus *db;
	const struct match_msg *mm;
	struct dbus_port *p;		/* who sends; NULL: the driver */
	struct bus_msg *m;
	bool log;			/* a rule wants it logged */
};

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

/* By the policies of @p, NULL for the driver, and @t. Below bus.lock. */
static bool may_have(struct dbus_port *p, struct dbus_port *t,
		     const struct dbus_header *h, bool *log)
{
	struct dbus_ruling ruling = { .requested = !p && h->reply_serial };

	if (!dbus_policy_asks(p, t))
		return true;
	if (!dbus_policy_admit(p, t, h, &ruling))
		return false;
	if (ruling.refusal == BUS_LOGGED)
		*log = true;
	return true;
}

/* Finds the receivers; more than @cap are only counted. */
static unsigned int collect(struct dbus_cast *cast, struct recip *r,
			    unsigned int cap, u64 *gen)
{
	struct dbus_bus *db = cast->db;
	struct dbus_port *t;
	unsigned int n = 0;

	read_lock(&db->bus.lock);
	*gen = db->bus.gen;
	cast->log = false;
	list_for_each_entry(t, &db->subscribers, sub_link) {
		if (!wants(t, cast->mm) ||
		    !may_have(cast->p, t, cast->mm->h, &cast->log))
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
static int bcast_try(struct dbus_cast *cast, struct recip *r, unsigned int cap)
{
	struct bus_port *sender = cast->p ? &cast->p->port : NULL;
	struct bus_cost c = cost_of(cast->m);
	struct dbus_bus *db = cast->db;
	struct bus_port *full = NULL;
	unsigned int n;
	u64 gen;
	int err;

	n = collect(cast, r, cap, &gen);
	if (n > cap) {
		recips_put(r, cap);
		return n;
	}
	err = recips_clone(r, n, cast->m);
	if (!err && cast->log)
		err = copy_for_log(&cast->p->out);
	if (!err)
		err = recips_send(db, r, n, sender, cast->m, gen, &full);
	if (err == -EAGAIN)
		err = bus_wait_room(&sender->wait, sender, full, &c) ?: -EAGAIN;
	else if (sender && err != -ESTALE)
		bus_wait_done(&sender->wait, &db->bus);
	recips_put(r, n);
	return err;
}

static int bcast(struct dbus_cast *cast)
{
	struct recip few[RECIPS_FEW], *many = NULL;
	unsigned int cap = RECIPS_FEW;
	int ret;

	for (;;) {
		ret = bcast_try(cast, many ?: few, cap);
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
	static const struct dbus_ruling logged = { .refusal = BUS_LOGGED };
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
	struct dbus_cast cast = { .db = db, .mm = &mm, .p = p, .m = &o->m };
	int err;

	if (parse(o))
		return -ENOMEM;
	err = bcast(&cast);
	if (!err && cast.log)
		tell_logged(p, &logged);
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

/* What the master sends in the place of a port. */
struct forward {
	u64 from;
	const struct dbus_header *h;
	struct dbus_ruling ruling;
	struct reply *reply;
};

/* Below bus.lock and @t's lock, with room at @t. */
static int put_forward(struct bus *bus, struct bus_port *t, struct forward *f)
{
	struct bus_port *p = bus_port_find(bus, f->from);
	enum bus_refusal refusal;
	int err;

	if (!p || test_bit(BUS_PF_ENDED, &p->flags))
		return -ENOENT;
	f->ruling.to = t->addr;
	err = admit(to_dbus_port(p), to_dbus_port(t), f->h, true, &f->ruling);
	if (err)
		return err;
	refusal = dbus_reply_note(to_dbus_port(p), to_dbus_port(t), f->h,
				  &f->reply);
	if (!refusal)
		return 0;
	f->ruling.refusal = refusal;
	return -EACCES;
}

/* @f NULL: the master's own. */
static int master_unicast(struct bus *bus, u64 addr, struct bus_msg *m,
			  struct forward *f)
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
	return err == -EPIPE ? -ENOENT : err;
}

void dbus_send_own(struct dbus_bus *db, u64 addr, const void *msg, size_t len)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	struct bus_msg m;

	if (!skb)
		return;
	dbus_skb_disown(skb);
	skb_put_data(skb, msg, len);
	bus_msg_init(&m);
	bus_msg_add(&m, skb, len);
	master_unicast(&db->bus, addr, &m, NULL);
	bus_msg_purge(&m);
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

static int master_broadcast(struct dbus_bus *db, struct bus_msg *m,
			    const struct dbus_header *h, const void *buf)
{
	struct owns_ctx c = {
		.db = db,
		.addr = dbus_unique_parse(h->sender.s, h->sender.len),
	};
	struct match_msg mm = {
		.h = h,
		.sender = h->sender,
		.owns = owns,
		.ctx = &c,
		.body = buf + h->f.header_len,
		.body_len = h->f.body_len,
	};
	struct dbus_cast cast = { .db = db, .mm = &mm, .m = m };

	return bcast(&cast);
}

static int forward(struct dbus_bus *db, u64 addr, struct bus_msg *m,
		   const struct dbus_header *h, u64 from)
{
	struct forward f = { .from = from, .h = h };
	int err;

	err = dbus_reply_prepare(db, h, &f.reply) ?:
	      master_unicast(&db->bus, addr, m, &f);
	kfree(f.reply);
	db->ruling = explain(&f.ruling);
	return err;
}

/* What needs the message's header. */
static int master_send_parsed(struct dbus_bus *db, u64 addr, struct bus_msg *m,
			      const struct bus_send *how)
{
	struct dbus_header h;
	void *buf = linear(m);
	int err;

	if (!buf)
		return -ENOMEM;
	err = parse_whole(&h, buf, m->len);
	if (!err)
		err = addr == BUS_CLIENT_MASK ?
		      master_broadcast(db, m, &h, buf) :
		      forward(db, addr, m, &h, how->from);
	kvfree(buf);
	return err;
}

int dbus_master_send(struct bus *bus, u64 addr, struct bus_msg *m,
		     const struct bus_send *how)
{
	int err;

	if (addr == BUS_CLIENT_MASK && how->from)
		err = -EINVAL;
	else if (addr == BUS_CLIENT_MASK || how->from)
		err = master_send_parsed(to_dbus_bus(bus), addr, m, how);
	else
		err = master_unicast(bus, addr, m, NULL);
	bus_msg_purge(m);
	if (!err)
		atomic64_inc(&bus->from_master);
	return err;
}
