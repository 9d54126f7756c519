// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and match rules, and the batches in which the master changes them.
 *
 * A batch is prepared without locks (memory, rules compiled), then checked
 * and applied below bus.lock in one go.
 */
#include "dbus_batch.h"

#include <linux/mm.h>
#include <linux/net.h>
#include <linux/rbtree.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#define UPDATE_RECS 4096U

/* Clients choose names, and shall not choose which collide. */
static u32 name_hash(const char *name, size_t len)
{
	static siphash_key_t key __read_mostly;

	net_get_random_once(&key, sizeof(key));
	return siphash(name, len, &key);
}

/* Below bus.lock. */
static struct dbus_name *name_find(struct dbus_bus *db, const char *name,
				   size_t len)
{
	struct dbus_name *n;

	hash_for_each_possible(db->names, n, hash, name_hash(name, len))
		if (n->len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

u64 dbus_name_owner(struct dbus_bus *db, const char *name, size_t len)
{
	struct dbus_name *n = name_find(db, name, len);

	return n ? n->owner : 0;
}

bool dbus_name_next(struct dbus_bus *db, u64 owner, void **at,
		    struct dbus_str *name)
{
	struct dbus_name *n = *at;
	struct hlist_node *node;

	node = n ? n->by_owner.next :
	       db->owned[hash_min(owner, DBUS_NAME_BITS)].first;
	for (; node; node = node->next) {
		n = hlist_entry(node, struct dbus_name, by_owner);
		if (n->owner == owner)
			break;
	}
	if (!node)
		return false;
	*at = n;
	name->s = n->name;
	name->len = n->len;
	return true;
}

static int cookie_cmp(const void *key, const struct rb_node *node)
{
	u64 a = *(const u64 *)key, b = rb_entry(node, struct dbus_rule,
						node)->cookie;

	return a < b ? -1 : a > b;
}

static bool cookie_less(struct rb_node *a, const struct rb_node *b)
{
	return cookie_cmp(&rb_entry(a, struct dbus_rule, node)->cookie, b) < 0;
}

static struct dbus_rule *rule_find(struct dbus_port *p, u64 cookie)
{
	struct rb_node *node = rb_find(&cookie, &p->cookies, cookie_cmp);

	return rb_entry_safe(node, struct dbus_rule, node);
}

/* ---- prepare ---- */

static const char *rec_text(const struct bus_rec *rec, u32 *len)
{
	*len = rec->len - sizeof(*rec);
	return (const char *)rec->data;
}

static int prepare_none(struct dbus_change *c)
{
	return c->rec->len == sizeof(*c->rec) ? 0 : -EINVAL;
}

static int prepare_name(struct dbus_change *c)
{
	const char *text;
	u32 len;

	text = rec_text(c->rec, &len);
	if (!dbus_well_known_name_ok(text, len))
		return -EINVAL;
	c->name = kzalloc(struct_size(c->name, name, len), GFP_KERNEL_ACCOUNT);
	if (!c->name)
		return -ENOMEM;
	c->name->owner = c->rec->addr;
	c->name->len = len;
	memcpy(c->name->name, text, len);
	return 0;
}

static int prepare_rule(struct dbus_change *c)
{
	const char *text, *why;
	size_t mem;
	u32 len;

	text = rec_text(c->rec, &len);
	if (len > MATCH_MAX_TEXT)
		return -EINVAL;
	mem = MATCH_RULE_MEM(len);
	c->rule = kzalloc(offsetof(struct dbus_rule, rule) + mem,
			  GFP_KERNEL_ACCOUNT);
	if (!c->rule)
		return -ENOMEM;
	c->rule->cookie = c->rec->cookie;
	INIT_LIST_HEAD(&c->rule->link);
	return match_rule_parse(&c->rule->rule, mem, text, len, &why);
}

static int prepare_claim(struct dbus_change *c)
{
	const char *text;
	u32 len;

	text = rec_text(c->rec, &len);
	if (!dbus_well_known_name_ok(text, len) || c->rec->cookie > 1)
		return -EINVAL;
	c->claim = dbus_claim_new(text, len);
	return c->claim ? 0 : -ENOMEM;
}

static int prepare_about(struct dbus_change *c)
{
	const char *text;
	u32 len;

	text = rec_text(c->rec, &len);
	if (len > BUS_ABOUT_MAX || !dbus_utf8_ok(text, len))
		return -EINVAL;
	c->about = kmemdup_nul(text, len, GFP_KERNEL_ACCOUNT);
	return c->about ? 0 : -ENOMEM;
}

/* ---- apply, below bus.lock; nothing here can fail ---- */

static void apply_activate(struct dbus_bus *db, struct dbus_change *c)
{
	set_bit(BUS_PF_ACTIVE, &c->port->flags);
}

static void apply_resume(struct dbus_bus *db, struct dbus_change *c)
{
	/* Busy again since the check: somebody else has resumed it. */
	bus_resume(c->port, &c->kept);
}

static void rules_count(struct dbus_bus *db, struct dbus_port *p,
			const struct dbus_rule *r, int n)
{
	p->n_matches += n;
	db->n_matches += n;
	if (!p->monitor && p->n_matches == (n > 0))
		db->n_subscribers += n;
	if (r->rule.n_args)
		db->n_arg_rules += n;
	dbus_watch_count(db, p, &r->rule, n);
}

static void drop_rules(struct dbus_bus *db, struct dbus_port *p,
		       struct list_head *dead)
{
	struct dbus_rule *r;

	list_for_each_entry(r, &p->rules, link) {
		dbus_rule_unfile(db, r);
		rules_count(db, p, r, -1);
	}
	list_splice_init(&p->rules, dead);
	p->cookies = RB_ROOT;
}

/* Out of routing in the batch's place; freed after it. */
static void apply_close(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);

	/* The world is to hear of its end first. */
	if (c->rec->cookie)
		set_bit(DP_QUIET, &p->events);
	bus_port_retire(c->port, BUS_REASON_MASTER);
	drop_rules(db, p, &c->dead_rules);
	dbus_notes_take(db, p, &c->dead_notes);
	p->let_go = true;
	dbus_watch_end(db, p);
}

static void apply_monitor(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);

	if (p->monitor || test_bit(BUS_PF_ENDED, &c->port->flags))
		return;
	drop_rules(db, p, &c->dead_rules);
	dbus_replies_ended(p);
	dbus_watch_begin(db, p);
}

static void apply_cork(struct dbus_bus *db, struct dbus_change *c)
{
	set_bit(DP_CORKED, &to_dbus_port(c->port)->events);
}

static void apply_uncork(struct dbus_bus *db, struct dbus_change *c)
{
	clear_bit(DP_CORKED, &to_dbus_port(c->port)->events);
}

static void apply_name(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_name *old = name_find(db, c->name->name, c->name->len);

	if (old) {
		hash_del(&old->hash);
		hash_del(&old->by_owner);
		db->n_names--;
		c->garbage = old;
	}
	if (c->rec->addr) {
		hash_add(db->names, &c->name->hash,
			 name_hash(c->name->name, c->name->len));
		hash_add(db->owned, &c->name->by_owner, c->name->owner);
		db->n_names++;
		c->name = NULL;
	}
}

static void apply_match_add(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);

	/* It will get nothing any more. */
	if (test_bit(BUS_PF_ENDED, &c->port->flags))
		return;
	if (p->monitor)
		c->rule->rule.keys |= MATCH_EAVESDROP;
	list_add_tail(&c->rule->link, &p->rules);
	rb_add(&c->rule->node, &p->cookies, cookie_less);
	dbus_rule_file(db, p, c->rule);
	rules_count(db, p, c->rule, 1);
	c->rule = NULL;
}

static void apply_match_del(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);
	struct dbus_rule *r = rule_find(p, c->rec->cookie);

	/* Gone with its port, earlier in this batch. */
	if (!r)
		return;
	list_move(&r->link, &c->dead_rules);
	rb_erase(&r->node, &p->cookies);
	dbus_rule_unfile(db, r);
	rules_count(db, p, r, -1);
}

static void apply_policy(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_policy *dp = NULL;

	if (c->rec->cookie)
		dp = dbus_policy_find(db, c->rec->cookie);
	c->policy = dbus_policy_swap(to_dbus_port(c->port), dp);
}

static void apply_claim(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);
	struct dbus_claim *fresh = c->claim;

	if (c->rec->cookie) {
		c->claim = NULL;
		c->garbage = dbus_claim(p, fresh);
	} else {
		c->garbage = dbus_disclaim(p, fresh->name, fresh->len);
	}
}

static void apply_about(struct dbus_bus *db, struct dbus_change *c)
{
	struct dbus_port *p = to_dbus_port(c->port);

	/* Twice in one batch: the first it was. */
	if (p->about)
		return;
	p->about = c->about;
	c->about = NULL;
}

static void apply_none(struct dbus_bus *db, struct dbus_change *c)
{
}

/* ---- check, below bus.lock ---- */

static int check_none(struct dbus_bus *db, struct dbus_change *c)
{
	return 0;
}

static int check_activate(struct dbus_bus *db, struct dbus_change *c)
{
	return to_dbus_port(c->port)->monitor ? -EINVAL : 0;
}

static int check_about(struct dbus_bus *db, struct dbus_change *c)
{
	/* Who reads it takes no lock. */
	if (test_bit(BUS_PF_ACTIVE, &c->port->flags) ||
	    to_dbus_port(c->port)->about)
		return -EINVAL;
	return 0;
}

static int check_resume(struct dbus_bus *db, struct dbus_change *c)
{
	/* It has not even read the message. */
	return bus_unread(c->port) ? -EBUSY : 0;
}

static int check_match_del(struct dbus_bus *db, struct dbus_change *c)
{
	return rule_find(to_dbus_port(c->port), c->rec->cookie) ? 0 : -ENOENT;
}

static int check_match_add(struct dbus_bus *db, struct dbus_change *c)
{
	return rule_find(to_dbus_port(c->port), c->rec->cookie) ? -EEXIST : 0;
}

static int check_policy(struct dbus_bus *db, struct dbus_change *c)
{
	u64 id = c->rec->cookie;

	return !id || dbus_policy_find(db, id) ? 0 : -ENOENT;
}

/* ---- after the lock ---- */

static void after_resume(struct dbus_change *c)
{
	c->port->ops->resume(c->port);
}

static void after_uncork(struct dbus_change *c)
{
	dbus_queue(to_dbus_port(c->port));
}

static void after_close(struct dbus_change *c)
{
	bus_port_remove(c->port);
}

/* Here, and not as it is applied: ports that the same batch has closed make
 * orphans just now. Before the master goes on: what he answers next comes behind
 * it. */
static void after_orphans(struct dbus_change *c)
{
	dbus_orphans_now(c->db);
}

enum { ONE_PORT, ANY_PORT, GROUPS };

static const struct rec_kind {
	int whom;		/* addr 0 is fine, or that of a group */
	int (*prepare)(struct dbus_change *c);
	int (*check)(struct dbus_bus *db, struct dbus_change *c);
	void (*apply)(struct dbus_bus *db, struct dbus_change *c);
	void (*after)(struct dbus_change *c);
} kinds[] = {
	[BUS_REC_ACTIVATE] = { ONE_PORT, prepare_none, check_activate,
			       apply_activate, NULL },
	[BUS_REC_RESUME] = { ONE_PORT, prepare_none, check_resume,
			     apply_resume, after_resume },
	[BUS_REC_CLOSE] = { ONE_PORT, prepare_none, check_none,
			    apply_close, after_close },
	[BUS_REC_NAME] = { ANY_PORT, prepare_name, check_none, apply_name,
			   NULL },
	[BUS_REC_MATCH_ADD] = { ONE_PORT, prepare_rule, check_match_add,
				apply_match_add, NULL },
	[BUS_REC_MATCH_DEL] = { ONE_PORT, prepare_none, check_match_del,
				apply_match_del, NULL },
	[BUS_REC_POLICY] = { ONE_PORT, prepare_none, check_policy,
			     apply_policy, NULL },
	[BUS_REC_ORPHANS] = { ANY_PORT, prepare_none, check_none, apply_none,
			      after_orphans },
	[BUS_REC_CLAIM] = { ONE_PORT, prepare_claim, check_none, apply_claim,
			    NULL },
	[BUS_REC_MONITOR] = { ONE_PORT, prepare_none, check_none,
			      apply_monitor, NULL },
	[BUS_REC_CORK] = { ONE_PORT, prepare_none, check_none, apply_cork,
			   NULL },
	[BUS_REC_UNCORK] = { ONE_PORT, prepare_none, check_none, apply_uncork,
			     after_uncork },
	[BUS_REC_SEND] = { GROUPS, dbus_send_prepare, check_none,
			   dbus_send_apply, NULL },
	[BUS_REC_NOTE] = { ANY_PORT, dbus_note_prepare, dbus_note_check,
			   dbus_note_apply, NULL },
	[BUS_REC_PARK] = { ONE_PORT, dbus_park_prepare, dbus_park_check,
			   dbus_park_apply, NULL },
	[BUS_REC_UNPARK] = { ANY_PORT, prepare_none, dbus_unpark_check,
			     dbus_unpark_apply, NULL },
	[BUS_REC_FORWARD] = { ONE_PORT, dbus_forward_prepare, check_none,
			      dbus_send_apply, NULL },
	[BUS_REC_ABOUT] = { ONE_PORT, prepare_about, check_about, apply_about,
			    NULL },
};

static int prepare(struct bus *bus, struct dbus_change *c)
{
	const struct rec_kind *k;

	if (c->rec->type >= ARRAY_SIZE(kinds) || !kinds[c->rec->type].prepare)
		return -EINVAL;
	k = &kinds[c->rec->type];
	if (k->whom == GROUPS && dbus_is_group(c->rec->addr))
		return k->prepare(c);
	if (c->rec->addr) {
		c->port = bus_port_lookup(bus, c->rec->addr);
		if (!c->port)
			return -ENOENT;
	} else if (k->whom != ANY_PORT) {
		return -EINVAL;
	}
	return k->prepare(c);
}

/* The next record at *@off, or NULL with *@off unchanged if malformed. */
static const struct bus_rec *rec_next(const void *recs, size_t len,
				      size_t *off)
{
	const struct bus_rec *rec = recs + *off;

	if (len - *off < sizeof(*rec) || rec->len < sizeof(*rec) ||
	    rec->len > len - *off)
		return NULL;
	*off = min(len, ALIGN(*off + rec->len, 8));
	return rec;
}

static int rec_count(const void *recs, size_t len)
{
	unsigned int n = 0;
	size_t off = 0;

	for (; off < len; n++)
		if (!rec_next(recs, len, &off))
			return -EINVAL;
	return n > UPDATE_RECS ? -E2BIG : n;
}

/* Below bus.lock. */
static int check_all(struct dbus_bus *db, struct dbus_change *c,
		     unsigned int n)
{
	unsigned int i;
	int err = db->bus.ended ? -ENOTCONN : 0;

	db->notes_to_come = 0;
	for (i = 0; i < n && !err; i++) {
		err = kinds[c[i].rec->type].check(db, &c[i]);
		/* Closed since it was looked up. */
		if (c[i].port && list_empty(&c[i].port->link))
			err = -ENOENT;
	}
	if (!err && c[0].rec->type == BUS_REC_FORWARD)
		err = dbus_forward_check(db, &c[0]);
	return err;
}

/* -ESTALE: sends have been prepared by tables that have changed since @gen. */
static int apply_all(struct bus *bus, struct dbus_change *c, unsigned int n,
		     struct dbus_growth *g, const u64 *gen)
{
	struct dbus_bus *db = to_dbus_bus(bus);
	unsigned int i;
	int err;

	write_lock(&bus->lock);
	if (gen && *gen != bus->gen)
		err = -ESTALE;
	else
		err = check_all(db, c, n);
	if (!err) {
		dbus_growth_use(db, g);
		for (i = 0; i < n; i++)
			kinds[c[i].rec->type].apply(db, &c[i]);
		bus->gen++;
	}
	write_unlock(&bus->lock);
	return err;
}

static int prepare_and_apply(struct bus *bus, struct dbus_change *c,
			     unsigned int n, bool sends)
{
	struct dbus_bus *db = to_dbus_bus(bus);
	struct dbus_growth g = { .more = { 0 } };
	unsigned int i;
	u64 gen;
	int err;

	for (i = 0; i < n; i++)
		if (c[i].rule)
			g.more[dbus_rule_kind(&c[i].rule->rule)]++;
	err = dbus_growth_prepare(db, &g);
	while (!err) {
		if (sends)
			err = dbus_sends_prepare(db, c, n, &gen);
		if (!err)
			err = apply_all(bus, c, n, &g, sends ? &gen : NULL);
		if (err != -ESTALE)
			break;
		err = 0;
		cond_resched();
	}
	dbus_growth_free(&g);
	return err;
}

static void rules_free(struct list_head *rules)
{
	struct dbus_rule *r, *next;

	list_for_each_entry_safe(r, next, rules, link)
		kfree(r);
}

void dbus_rules_free(struct dbus_port *p)
{
	rules_free(&p->rules);
}

static void finish(struct dbus_change *c, unsigned int n, bool applied)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		/* Which may be unknown, if that is why nothing was applied. */
		u32 type = c[i].rec->type;

		if (applied && kinds[type].after)
			kinds[type].after(&c[i]);
		kfree(c[i].name);
		kfree(c[i].rule);
		kfree(c[i].claim);
		kvfree(c[i].note);
		bus_park_free(c[i].park);
		dbus_send_done(&c[i]);
		kfree(c[i].about);
		dbus_policy_put(c[i].policy);
		kfree(c[i].garbage);
		rules_free(&c[i].dead_rules);
		dbus_notes_free(&c[i].dead_notes);
		bus_msg_purge(&c[i].kept);
		if (c[i].port)
			bus_port_put(c[i].port);
	}
}

int dbus_update(struct bus *bus, const void *recs, size_t len)
{
	struct dbus_change *c;
	bool sends = false;
	size_t off = 0;
	int n, i, err = 0;

	n = rec_count(recs, len);
	if (n <= 0)
		return n;
	c = kvcalloc(n, sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++) {
		INIT_LIST_HEAD(&c[i].dead_rules);
		INIT_LIST_HEAD(&c[i].dead_notes);
		bus_msg_init(&c[i].kept);
		c[i].db = to_dbus_bus(bus);
		c[i].rec = rec_next(recs, len, &off);
		/* What it does must be known before anything else is done. */
		if (i && c[i].rec->type == BUS_REC_FORWARD)
			err = -EINVAL;
		else
			err = prepare(bus, &c[i]);
		sends |= !!c[i].send;
	}
	if (!err)
		err = prepare_and_apply(bus, c, n, sends);
	finish(c, i, !err);
	kvfree(c);
	return err;
}

void dbus_tables_drop(struct dbus_bus *db)
{
	struct dbus_growth old = { .more = { 0 } };
	struct dbus_port *p, *next_port;
	struct hlist_node *next;
	struct dbus_name *n;
	unsigned int i;

	write_lock(&db->bus.lock);
	hash_for_each_safe(db->names, i, next, n, hash) {
		hash_del(&n->hash);
		hash_del(&n->by_owner);
		kfree(n);
	}
	db->n_names = 0;
	dbus_rules_forget(db, &old);
	list_for_each_entry_safe(p, next_port, &db->monitors, mon_link)
		list_del_init(&p->mon_link);
	db->n_subscribers = 0;
	db->n_monitors = 0;
	db->n_eavesdrop = 0;
	write_unlock(&db->bus.lock);
	dbus_growth_free(&old);
}
