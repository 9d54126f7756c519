// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on a bus, for the master's successor (BUS_DUMP): one walk through all
 * tables below bus.lock, taken shared, that leaves out the records which the
 * reader has and stops when there is no room for the next. A reader that comes
 * more than once is sent back to the start when tables have changed.
 */
#include "dbus.h"

#include <linux/cred.h>

/* Text of a rule, with quotes around some of its pieces, and a NUL. */
#define RULE_ROOM (2 * MATCH_MAX_TEXT + 1)

struct dbus_dump {
	u8 *buf;
	size_t len, used;
	u64 at;			/* of the next record */
	u64 from;		/* the first that is wanted */
	bool full;
};

/* Room for the next record's data, of at most @len bytes: NULL if it is not
 * wanted, or there is none. */
static struct bus_rec *next(struct dbus_dump *d, size_t len)
{
	size_t start = ALIGN(d->used, 8);

	if (d->at < d->from)
		return NULL;
	if (start + sizeof(struct bus_rec) + len > d->len) {
		d->full = true;
		return NULL;
	}
	memset(d->buf + d->used, 0, start - d->used);
	return (struct bus_rec *)(d->buf + start);
}

static void finish(struct dbus_dump *d, struct bus_rec *rec, size_t len)
{
	rec->len = sizeof(*rec) + len;
	d->used = (u8 *)rec - d->buf + rec->len;
}

bool dbus_dump_put(struct dbus_dump *d, u32 type, u64 addr, u64 cookie,
		   const void *data, size_t len)
{
	struct bus_rec *rec = next(d, len);

	if (d->full)
		return false;
	d->at++;
	if (!rec)
		return true;
	rec->type = type;
	rec->addr = addr;
	rec->cookie = cookie;
	if (len)
		memcpy(rec->data, data, len);
	finish(d, rec, len);
	return true;
}

static bool put_plain(void *ctx, u32 type, u64 addr, u64 cookie)
{
	return dbus_dump_put(ctx, type, addr, cookie, NULL, 0);
}

/* ---- the walk; each step returns false when there is no more room ---- */

static bool dump_port(struct dbus_dump *d, struct dbus_port *p)
{
	struct bus_port_stats st;
	struct bus_dump_port data = {
		.uid = from_kuid_munged(current_user_ns(), p->port.user->uid),
		.policy = p->policy ? p->policy->id : 0,
	};

	bus_port_stats(&p->port, &st);
	data.reason = st.reason;
	if (p->monitor)
		st.flags |= BUS_PORT_MONITOR;
	if (bus_asked(&p->port))
		st.flags |= BUS_PORT_ASKED;
	if (test_bit(DP_CORKED, &p->events))
		st.flags |= BUS_PORT_CORKED;
	return dbus_dump_put(d, BUS_REC_PORT, p->port.addr, st.flags, &data,
			     sizeof(data));
}

static bool dump_rule(struct dbus_dump *d, struct dbus_port *p,
		      const struct dbus_rule *r)
{
	struct bus_rec *rec = next(d, RULE_ROOM);

	if (d->full)
		return false;
	d->at++;
	if (!rec)
		return true;
	rec->type = BUS_REC_MATCH_ADD;
	rec->addr = p->port.addr;
	rec->cookie = r->cookie;
	finish(d, rec, match_rule_text(&r->rule, rec->data, RULE_ROOM));
	return true;
}

static bool dump_rules(struct dbus_dump *d, struct dbus_port *p)
{
	struct dbus_rule *r;

	list_for_each_entry(r, &p->rules, link)
		if (!dump_rule(d, p, r))
			return false;
	return true;
}

static bool dump_claims(struct dbus_dump *d, struct dbus_port *p)
{
	struct dbus_claim *c;

	list_for_each_entry(c, &p->claims, link)
		if (!dbus_dump_put(d, BUS_REC_CLAIM, p->port.addr, 1, c->name,
				   c->len))
			return false;
	return true;
}

static bool dump_port_notes(struct dbus_dump *d, struct dbus_port *p)
{
	return dbus_notes_dump(d, to_dbus_bus(p->port.bus), p);
}

/* A master has accepted it, and not let go of it. */
static bool is_there(const struct dbus_port *p)
{
	return !p->let_go && !test_bit(BUS_PF_NEW, &p->port.flags);
}

static bool each_port(struct dbus_dump *d, struct bus *bus,
		      bool (*dump)(struct dbus_dump *d, struct dbus_port *p))
{
	struct bus_port *p;

	list_for_each_entry(p, &bus->port_list, link)
		if (is_there(to_dbus_port(p)) && !dump(d, to_dbus_port(p)))
			return false;
	return true;
}

static bool dump_policies(struct dbus_dump *d, struct dbus_bus *db)
{
	struct dbus_policy *dp;

	list_for_each_entry(dp, &db->policies, link)
		if (!put_plain(d, BUS_REC_POLICY, 0, dp->id))
			return false;
	return true;
}

static bool dump_names(struct dbus_dump *d, struct dbus_bus *db)
{
	struct dbus_name *n;
	unsigned int i;

	hash_for_each(db->names, i, n, hash)
		if (!dbus_dump_put(d, BUS_REC_NAME, n->owner, 0, n->name,
				   n->len))
			return false;
	return true;
}

struct kinds {
	struct dbus_dump *d;
	bool parked;
};

/* What is kept comes first, what is parked last. */
static bool put_kind(void *ctx, u32 type, u64 addr, u64 cookie)
{
	struct kinds *k = ctx;

	return (type == BUS_REC_PARK) != k->parked ||
	       put_plain(k->d, type, addr, cookie);
}

static bool dump_persist(struct dbus_dump *d, struct bus *bus, bool parked)
{
	struct kinds k = { .d = d, .parked = parked };

	return bus_persist_dump(bus, put_kind, &k);
}

static bool dump_all(struct dbus_dump *d, struct dbus_bus *db)
{
	struct bus *bus = &db->bus;

	return dump_persist(d, bus, false) && dump_policies(d, db) &&
	       dbus_notes_dump(d, db, NULL) &&
	       each_port(d, bus, dump_port) &&
	       each_port(d, bus, dump_port_notes) &&
	       each_port(d, bus, dump_rules) &&
	       each_port(d, bus, dump_claims) && dump_names(d, db) &&
	       dump_persist(d, bus, true);
}

ssize_t dbus_dump(struct bus *bus, void *buf, size_t len, u64 *at, u64 *gen)
{
	struct dbus_dump d = { .buf = buf, .len = len, .from = *at };
	int err = 0;

	read_lock(&bus->lock);
	if (*at && *gen != bus->gen)
		err = -ESTALE;
	else
		dump_all(&d, to_dbus_bus(bus));
	*gen = bus->gen;
	read_unlock(&bus->lock);
	if (err)
		return err;
	if (d.full && !d.used)
		return -EMSGSIZE;
	*at = d.full ? d.at : 0;
	return d.used;
}
