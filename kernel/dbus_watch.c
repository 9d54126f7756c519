// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sees what is not for them: monitors, which see everything and are no
 * peers, and ports that eavesdrop. linux/bus.h says what each sees.
 *
 * While there are any, every message is a multicast (dbus_cast.c), so that a
 * copy has one place in the order of the bus: nobody who got the message can
 * have answered before it. Without them a message costs one look at two
 * counters. What goes to the master takes bus->lock too, or it could be handed
 * up by somebody who has not seen the monitor that sees the answer.
 */
#include "dbus.h"

u64 dbus_name_addr(struct dbus_bus *db, struct dbus_str name)
{
	if (!name.len)
		return 0;
	return name.s[0] == ':' ? dbus_unique_parse(name.s, name.len) :
				  dbus_name_owner(db, name.s, name.len);
}

static bool is_of(struct dbus_bus *db, u64 addr, const char *name, size_t len)
{
	struct dbus_str s = { name, len };

	return addr && dbus_name_addr(db, s) == addr;
}

bool dbus_ends_owns(void *ctx, const char *name, size_t len)
{
	struct dbus_ends *e = ctx;

	return is_of(e->db, e->from, name, len);
}

bool dbus_ends_receives(void *ctx, const char *name, size_t len)
{
	struct dbus_ends *e = ctx;

	return is_of(e->db, e->to, name, len);
}

bool dbus_ends_names(void *ctx, void **at, struct dbus_str *name)
{
	struct dbus_ends *e = ctx;

	return e->from && dbus_name_next(e->db, e->from, at, name);
}

bool dbus_rules_match(const struct dbus_port *t, const struct match_msg *mm)
{
	struct dbus_rule *r;

	if (test_bit(BUS_PF_ENDED, &t->port.flags))
		return false;
	list_for_each_entry(r, &t->rules, link)
		if (match_rule_eval(&r->rule, mm))
			return true;
	return false;
}

bool dbus_overhears(struct dbus_cast *c, struct dbus_port *t)
{
	/* No reply was promised to it. */
	struct dbus_ruling ruling = { .eavesdropping = true };

	return !dbus_policy_asks(c->as, t) ||
	       dbus_policy_admit(c->as, t, c->mm.h, &ruling);
}

void dbus_watch_count(struct dbus_bus *db, struct dbus_port *p,
		      const struct match_rule *r, int n)
{
	if (p->monitor || !(r->keys & MATCH_EAVESDROP))
		return;
	db->n_eavesdrop += n;
}

void dbus_watch_begin(struct dbus_bus *db, struct dbus_port *p)
{
	clear_bit(BUS_PF_ACTIVE, &p->port.flags);
	p->monitor = true;
	list_add_tail(&p->mon_link, &db->monitors);
	db->n_monitors++;
}

void dbus_watch_end(struct dbus_bus *db, struct dbus_port *p)
{
	/* Closed before, in the same batch. */
	if (!p->monitor || list_empty(&p->mon_link))
		return;
	list_del_init(&p->mon_link);
	db->n_monitors--;
}
