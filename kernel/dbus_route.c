// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a message, and its delivery to one: resolve, look for room, commit,
 * wake. deliver.c says why the locks are as they are; dbus_cast.c delivers to
 * several.
 */
#include "dbus.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "core/dbus_denied.h"

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

int dbus_out_parse(struct dbus_out *o)
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

/* -EXDEV: somebody sees it, so it does not go there alone. */
static int hand_up(struct dbus_port *p, const struct bus_info *why)
{
	struct bus *bus = p->port.bus;
	int err = -EXDEV;

	read_lock(&bus->lock);
	if (p->monitor || !dbus_watched(to_dbus_bus(bus)))
		err = bus_to_master(&p->port, &p->out.m, why);
	read_unlock(&bus->lock);
	if (!err)
		bus_wait_done(&p->port.wait, bus);
	return err;
}

static int cast_out(struct dbus_port *p);

static int to_master(struct dbus_port *p, atomic64_t *counter)
{
	int err = hand_up(p, NULL);

	if (!err)
		atomic64_inc(counter);
	return err == -EXDEV ? cast_out(p) : err;
}

struct bus_info dbus_explain(const struct dbus_ruling *ruling)
{
	struct bus_info info = {
		.to = ruling->to,
		.refusal = ruling->refusal,
		.flags = ruling->requested ? BUS_INFO_REQUESTED : 0,
		.matched = ruling->matched,
	};

	return info;
}

static void count_refusal(struct dbus_port *p, struct dbus_port *t,
			  const struct dbus_ruling *ruling)
{
	p->port.refused++;
	atomic64_inc(&p->port.bus->refused);
	/* A reply that is forbidden was one all the same. */
	if (ruling->requested)
		dbus_reply_cross_off(p, t, p->out.h.reply_serial);
}

static void tell_logged(struct dbus_port *p, const struct dbus_ruling *ruling)
{
	struct bus_info why = dbus_explain(ruling);

	bus_post_logged(&p->port, p->out.log, p->out.hdr_len, &why);
}

/* Refusals of dbus_reply_note(), in the reference's words. */
static const struct {
	const char *name, *text;
} refusals[] = {
	[BUS_SAME_SERIAL] = {
		"org.freedesktop.DBus.Error.AccessDenied",
		"Message has the same reply serial as a currently-outstanding existing method call",
	},
	[BUS_TOO_MANY_CALLS] = {
		"org.freedesktop.DBus.Error.LimitsExceeded",
		"The maximum number of pending replies per connection has been reached",
	},
};

static bool is_denied(enum bus_refusal refusal)
{
	return refusal == BUS_DENIED_SEND || refusal == BUS_DENIED_RECEIVE;
}

/* Below bus.lock, or with a reference to @t. */
static bool told_here(const struct dbus_port *p, const struct dbus_port *t,
		      enum bus_refusal refusal)
{
	if (is_denied(refusal))
		return p->about && t->about;
	return refusal < ARRAY_SIZE(refusals) && refusals[refusal].name;
}

static struct dbus_str str_of(const char *s)
{
	return (struct dbus_str){ s, strlen(s) };
}

/* The place for it is behind the header that dbus_out_log() has copied. */
static char *denial(struct dbus_out *o)
{
	return o->log + o->hdr_len;
}

/* As told_here(). */
static void write_denial(struct dbus_port *p, struct dbus_port *t,
			 const struct dbus_ruling *ruling)
{
	struct dbus_denied d = {
		.what = str_of(ruling->refusal == BUS_DENIED_SEND ?
			       "Rejected send message" :
			       "Rejected receive message"),
		.counts = true,
		.matched = ruling->matched,
		.h = &p->out.h,
		.sender = { p->unique, p->unique_len },
		.requested = ruling->requested,
	};

	if (!is_denied(ruling->refusal))
		return;
	d.from = str_of(p->about);
	d.at = str_of(t->about);
	dbus_denied_write(&d, denial(&p->out));
}

/* By us, which does not hold the sender: what it sent next is looked at now,
 * not after an answer to an earlier call has made room. */
static void tell_refused(struct dbus_port *p, const struct dbus_ruling *ruling)
{
	bool denied = is_denied(ruling->refusal);

	dbus_send_error(to_dbus_bus(p->port.bus), p->port.addr, p->port.addr,
			p->out.h.f.serial,
			denied ? "org.freedesktop.DBus.Error.AccessDenied" :
				 refusals[ruling->refusal].name,
			denied ? denial(&p->out) :
				 refusals[ruling->refusal].text);
	if (ruling->refusal != BUS_SAME_SERIAL)
		tell_logged(p, ruling);
}

/* With a reference to @t. */
static int refuse_here(struct dbus_port *p, struct dbus_port *t,
		       const struct dbus_ruling *ruling)
{
	int err = dbus_out_log(&p->out);

	if (err)
		return err;
	write_denial(p, t, ruling);
	count_refusal(p, t, ruling);
	tell_refused(p, ruling);
	bus_wait_done(&p->port.wait, p->port.bus);
	return 0;
}

/* The master tells the sender. */
static int refuse(struct dbus_port *p, struct dbus_port *t,
		  const struct dbus_ruling *ruling)
{
	struct bus_info why = dbus_explain(ruling);
	int err;

	if (told_here(p, t, ruling->refusal))
		return refuse_here(p, t, ruling);
	err = hand_up(p, &why);
	if (!err)
		count_refusal(p, t, ruling);
	return err;
}

struct bus_cost dbus_cost_of(const struct bus_msg *m)
{
	struct bus_cost c = {
		.bytes = m->truesize,
		.fds = m->files ? m->files->count : 0,
	};

	return c;
}

void *dbus_msg_linear(const struct bus_msg *m, size_t skip)
{
	char *buf = kvmalloc(m->len - skip, GFP_KERNEL_ACCOUNT), *to = buf;
	struct sk_buff *skb;
	size_t off, n;

	if (!buf)
		return NULL;
	skb_queue_walk(&m->skbs, skb) {
		off = bus_skb_skip(skb);
		n = min_t(size_t, skip, skb->len - off);
		skip -= n;
		off += n;
		n = skb->len - off;
		if (skb_copy_bits(skb, off, to, n)) {
			kvfree(buf);
			return NULL;
		}
		to += n;
	}
	return buf;
}

/* ---- unicast ---- */

/* Below bus.lock. */
static struct bus_port *resolve(struct dbus_bus *db, const struct dbus_out *o)
{
	u64 addr = o->addr;
	struct bus_port *t;

	if (o->route == DBUS_ROUTE_NAME)
		addr = dbus_name_owner(db, o->name.s, o->name.len);
	t = addr ? bus_port_find(&db->bus, addr) : NULL;
	return t && test_bit(BUS_PF_ACTIVE, &t->flags) ? t : NULL;
}

int dbus_admit(struct dbus_port *p, struct dbus_port *t,
	       const struct dbus_header *h, bool parsed,
	       struct dbus_ruling *ruling)
{
	if (!dbus_policy_asks(p, t))
		return 0;
	if (!parsed)
		return -ESTALE;
	ruling->requested = dbus_reply_requested(p, t, h->reply_serial);
	return dbus_policy_admit(p, t, h, ruling) ? 0 : -EACCES;
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

/* Commits, or returns why not; *@ret is counted when there is a receiver.
 * -EXDEV: somebody sees it, so this is a multicast. */
static int try_unicast(struct dbus_port *p, struct bus_port **ret,
		       struct dbus_ruling *ruling)
{
	struct bus *bus = p->port.bus;
	struct dbus_out *o = &p->out;
	struct bus_cost c = dbus_cost_of(&o->m);
	struct bus_port *t = NULL;
	size_t len = o->m.len;
	int err = -EPIPE;

	read_lock(&bus->lock);
	/* Who was removed sends no more: nobody would answer to him. */
	if (test_bit(BUS_PF_ENDED, &p->port.flags))
		err = -ESHUTDOWN;
	else if (dbus_watched(to_dbus_bus(bus)))
		err = -EXDEV;
	else
		t = resolve(to_dbus_bus(bus), o);
	if (t) {
		bus_port_get(t);
		ruling->to = t->addr;
		err = dbus_admit(p, to_dbus_port(t), &o->h, o->parsed,
				 ruling);
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
	struct bus_cost c = dbus_cost_of(&p->out.m);
	struct bus *bus = p->port.bus;
	struct bus_port *t;
	int err;

	err = try_unicast(p, &t, ruling);
	if (!err)
		t->ops->wake(t);
	if (err == -EAGAIN)
		err = bus_wait_room(&p->port.wait, &p->port, t, &c) ?: -EAGAIN;
	else if (err == -EACCES)
		err = refuse(p, to_dbus_port(t), ruling);
	else if (err != -ESTALE && err != -EXDEV)
		bus_wait_done(&p->port.wait, bus);
	if (t)
		bus_port_put(t);
	return err;
}

int dbus_out_log(struct dbus_out *o)
{
	if (!o->log) {
		o->log = kvmalloc(o->hdr_len + DBUS_DENIED_MAX,
				  GFP_KERNEL_ACCOUNT);
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
		    (dbus_out_parse(&p->out) ||
		     (ruling.refusal && dbus_out_log(&p->out))))
			return -ENOMEM;
	} while (err == -ESTALE);
	if (err == -EXDEV)
		return cast_out(p);
	if (!err && ruling.refusal == BUS_LOGGED)
		tell_logged(p, &ruling);
	/* Nobody there, going, or without files: the master answers. */
	if (err == -EPIPE || err == -ENOTUNIQ)
		return to_master(p, &bus->master_unknown);
	return err == -ESHUTDOWN ? 0 : err;
}

/* ---- to several ---- */

struct client_cast {
	struct dbus_cast c;
	struct dbus_ruling ruling;	/* of its receiver, if it has one */
	bool refused;			/* for that */
	bool lost;			/* the receiver cannot take it */
};

static struct client_cast *to_client(struct dbus_cast *c)
{
	return container_of(c, struct client_cast, c);
}

/* Below bus.lock. */
static void whom_one(struct client_cast *cc)
{
	struct dbus_cast *c = &cc->c;
	struct bus *bus = &c->db->bus;
	struct bus_port *t = resolve(c->db, &c->p->out);

	c->ends.to = t ? t->addr : 0;
	if (!t || cc->lost) {
		cc->refused = false;
		c->up = &bus->master_unknown;
		return;
	}
	if (!cc->refused || cc->ruling.to != t->addr) {
		cc->ruling = (struct dbus_ruling){ .to = t->addr };
		cc->refused = false;
		if (dbus_admit(c->p, to_dbus_port(t), c->mm.h, true,
			       &cc->ruling))
			cc->refused = true;
	}
	if (cc->refused) {
		c->log = told_here(c->p, to_dbus_port(t), cc->ruling.refusal);
		if (!c->log)
			c->up = &bus->refused;
		return;
	}
	c->to = t;
	c->log = cc->ruling.refusal == BUS_LOGGED;
	c->sets |= CAST_EAVESDROPPERS;
}

/* What may start something: the master shows that it does in front of why. Of
 * signals to the driver, that is those of who starts. */
static bool master_shows(const struct dbus_cast *c)
{
	return c->up == &c->db->bus.master_unknown ||
	       (c->up == &c->db->bus.master_driver &&
		c->mm.h->f.type == DBUS_TYPE_SIGNAL);
}

static int who_gets_it(struct dbus_cast *c)
{
	struct bus *bus = &c->db->bus;
	struct dbus_port *p = c->p;

	/* Who was removed sends no more: nobody would answer to him. */
	if (test_bit(BUS_PF_ENDED, &p->port.flags))
		return -ESHUTDOWN;
	/* What a monitor says is nothing. */
	c->sets = p->monitor ? 0 : CAST_MONITORS;
	if (!test_bit(BUS_PF_ACTIVE, &p->port.flags)) {
		c->up = &bus->master_inactive;
		return 0;
	}
	switch (p->out.route) {
	case DBUS_ROUTE_MASTER:
		c->up = &bus->master_driver;
		c->sets |= CAST_EAVESDROPPERS;
		break;
	case DBUS_ROUTE_UNIQUE:
	case DBUS_ROUTE_NAME:
		whom_one(to_client(c));
		break;
	case DBUS_ROUTE_BROADCAST:
		c->sets |= CAST_SUBSCRIBERS;
		break;
	case DBUS_ROUTE_IGNORE:
	default:
		break;
	}
	return 0;
}

static int client_whom(struct dbus_cast *c)
{
	int err = who_gets_it(c);

	c->unseen = !err && c->sets & CAST_MONITORS && c->db->n_monitors &&
		    master_shows(c);
	return err;
}

/* Below bus.lock, exclusive. */
static void count_refused_cast(struct client_cast *cc)
{
	struct dbus_port *p = cc->c.p;
	struct bus_port *t = bus_port_find(p->port.bus, cc->ruling.to);

	if (!cc->c.up)
		write_denial(p, to_dbus_port(t), &cc->ruling);
	count_refusal(p, to_dbus_port(t), &cc->ruling);
}

static int settle_up(struct client_cast *cc)
{
	struct bus_info why = {};
	struct dbus_port *p = cc->c.p;
	int err;

	if (cc->refused)
		why = dbus_explain(&cc->ruling);
	if (cc->c.unseen)
		why.flags |= BUS_INFO_UNSEEN;
	err = bus_to_master(&p->port, cc->c.m, &why);
	if (err)
		return err;
	if (cc->refused)
		count_refused_cast(cc);
	else
		atomic64_inc(cc->c.up);
	return 0;
}

static int client_settle(struct dbus_cast *c)
{
	struct client_cast *cc = to_client(c);
	struct dbus_out *o = &c->p->out;
	enum bus_refusal refusal;

	if (c->up)
		return settle_up(cc);
	if (cc->refused) {
		count_refused_cast(cc);
		return 0;
	}
	if (c->to) {
		refusal = dbus_reply_note(c->p, to_dbus_port(c->to), &o->h,
					  &o->reply);
		if (refusal) {
			cc->ruling.refusal = refusal;
			cc->refused = true;
			return -ESTALE;
		}
	}
	if (c->to || c->sets & CAST_SUBSCRIBERS)
		count_sent(&c->p->port, c->m);
	return 0;
}

static void tell_of_cast(struct client_cast *cc)
{
	static const struct dbus_ruling logged = { .refusal = BUS_LOGGED };
	struct dbus_cast *c = &cc->c;
	unsigned int i;

	if (cc->refused && !c->up)
		tell_refused(c->p, &cc->ruling);
	else if (c->log)
		tell_logged(c->p, c->to ? &cc->ruling : &logged);
	/* Monitors are told who did not get it, one by one. */
	for (i = 0; i < c->n_denied; i++) {
		dbus_send_error(c->db, BUS_MONITORS, c->p->port.addr,
				c->mm.h->f.serial,
				"org.freedesktop.DBus.Error.AccessDenied",
				"One of those who want this message is not allowed to have it");
		cond_resched();
	}
}

static int cast_out(struct dbus_port *p)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	struct dbus_out *o = &p->out;
	struct client_cast cc = {
		.c = {
			.db = db,
			.m = &o->m,
			.p = p,
			.as = p,
			.mm = {
				.h = &o->h,
				.sender = { p->unique, p->unique_len },
				.owns = dbus_ends_owns,
				.receives = dbus_ends_receives,
				.names = dbus_ends_names,
				.ctx = &cc.c.ends,
				.body = o->body,
			},
			.ends = { .db = db, .from = p->port.addr },
			.whom = client_whom,
			.settle = client_settle,
		},
	};
	int err;

	if (dbus_out_parse(o))
		return -ENOMEM;
	cc.c.mm.body_len = o->h.f.body_len;
	err = dbus_cast(&cc.c);
	/* Going, or without files: the master answers. */
	if ((err == -EPIPE || err == -ENOTUNIQ) && cc.c.to) {
		cc.lost = true;
		err = dbus_cast(&cc.c);
	}
	if (err != -EAGAIN)
		bus_wait_done(&p->port.wait, &db->bus);
	if (!err)
		tell_of_cast(&cc);
	/* The sender was closed while it waited: nobody is left to tell. */
	return err == -EPIPE || err == -ESHUTDOWN ? 0 : err;
}

static int ignore(struct dbus_port *p)
{
	struct dbus_bus *db = to_dbus_bus(p->port.bus);
	int err = 0;

	if (READ_ONCE(db->n_monitors))
		err = cast_out(p);
	if (err)
		return err;
	bus_wait_done(&p->port.wait, &db->bus);
	p->port.refused++;
	atomic64_inc(&db->bus.refused);
	return 0;
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
		return cast_out(p);
	case DBUS_ROUTE_IGNORE:
	default:
		return ignore(p);
	}
}
