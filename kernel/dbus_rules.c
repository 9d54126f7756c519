// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose match rules match. Rules of monitors are on their ports only; all others
 * also in one of two indexes of the bus (core/match_index.h), which grow by
 * memory that was got before bus->lock was taken.
 */
#include "dbus.h"

#include <linux/mm.h>
#include <linux/random.h>

static struct match_index *index_of(struct dbus_bus *db,
				    const struct dbus_rule *r)
{
	return &db->rules[dbus_rule_kind(&r->rule)];
}

void dbus_rule_file(struct dbus_bus *db, struct dbus_port *p,
		    struct dbus_rule *r)
{
	r->port = p;
	if (!p->monitor)
		match_index_add(index_of(db, r), &r->entry, &r->rule);
}

void dbus_rule_unfile(struct dbus_bus *db, struct dbus_rule *r)
{
	if (!r->port->monitor)
		match_index_del(index_of(db, r), &r->entry);
}

int dbus_rules_visit(const struct dbus_bus *db, const struct match_msg *mm,
		     bool all, match_found found, void *ctx)
{
	int err = 0;

	if (all)
		err = match_index_visit(&db->rules[DBUS_RULES_PLAIN], mm,
					found, ctx);
	return err ?: match_index_visit(&db->rules[DBUS_RULES_EAVESDROP], mm,
					found, ctx);
}

/* ---- growing ---- */

int dbus_growth_prepare(struct dbus_bus *db, struct dbus_growth *g)
{
	unsigned int i;

	read_lock(&db->bus.lock);
	for (i = 0; i < DBUS_RULES_KINDS; i++)
		g->size[i] = g->more[i] ? match_index_wants(&db->rules[i],
							    g->more[i]) : 0;
	read_unlock(&db->bus.lock);
	for (i = 0; i < DBUS_RULES_KINDS; i++) {
		if (!g->size[i])
			continue;
		g->buckets[i] = kvcalloc(g->size[i], sizeof(*g->buckets[i]),
					 GFP_KERNEL_ACCOUNT);
		if (!g->buckets[i])
			return -ENOMEM;
	}
	return 0;
}

void dbus_growth_use(struct dbus_bus *db, struct dbus_growth *g)
{
	unsigned int i;

	for (i = 0; i < DBUS_RULES_KINDS; i++)
		g->buckets[i] = match_index_grow(&db->rules[i], g->buckets[i],
						 g->size[i]);
}

void dbus_growth_free(struct dbus_growth *g)
{
	unsigned int i;

	for (i = 0; i < DBUS_RULES_KINDS; i++)
		kvfree(g->buckets[i]);
}

/* ---- begin and end ---- */

void dbus_rules_init(struct dbus_bus *db)
{
	struct sip_key key;
	unsigned int i;

	for (i = 0; i < DBUS_RULES_KINDS; i++) {
		get_random_bytes(&key, sizeof(key));
		match_index_init(&db->rules[i], &key);
	}
}

void dbus_rules_forget(struct dbus_bus *db, struct dbus_growth *old)
{
	unsigned int i;

	for (i = 0; i < DBUS_RULES_KINDS; i++)
		old->buckets[i] = match_index_forget(&db->rules[i]);
}
