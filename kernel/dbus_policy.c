// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy: the blocks that the master compiles (core/policy.h), who has which,
 * the names that a port is among the owners of, and the verdicts.
 *
 * A block never changes. The bus holds those that the master has put down
 * under a number, ports hold theirs.
 */
#include "dbus.h"

#include <linux/mm.h>
#include <linux/slab.h>

/* Of all blocks that the master has put down on a bus. */
#define POLICIES_MAX (64ULL << 20)

/* ---- blocks ---- */

static void policy_put(struct dbus_policy *dp)
{
	if (dp && refcount_dec_and_test(&dp->ref))
		kvfree(dp);
}

/* Below bus.lock. */
struct dbus_policy *dbus_policy_find(struct dbus_bus *db, u64 id)
{
	struct dbus_policy *dp;

	list_for_each_entry(dp, &db->policies, link)
		if (dp->id == id)
			return dp;
	return NULL;
}

static struct dbus_policy *policy_new(u64 id, sockptr_t val, size_t len)
{
	struct dbus_policy *dp;
	int err = -EFAULT;

	if (len > POLICY_MAX_SIZE)
		return ERR_PTR(-E2BIG);
	dp = kvmalloc(offsetof(struct dbus_policy, p) + len,
		      GFP_KERNEL_ACCOUNT);
	if (!dp)
		return ERR_PTR(-ENOMEM);
	dp->id = id;
	refcount_set(&dp->ref, 1);
	INIT_LIST_HEAD(&dp->link);
	if (!copy_from_sockptr_offset(&dp->p, val, sizeof(struct bus_policy),
				      len))
		err = policy_check(&dp->p, len);
	if (!err)
		return dp;
	kvfree(dp);
	return ERR_PTR(err);
}

/* In place of @old, which may be NULL, as may be @fresh. Below bus.lock. */
static int policy_replace(struct dbus_bus *db, struct dbus_policy *old,
			  struct dbus_policy *fresh)
{
	u64 bytes = db->policy_bytes;

	bytes += fresh ? fresh->p.size : 0;
	bytes -= old ? old->p.size : 0;
	if (bytes > POLICIES_MAX)
		return -ENOSPC;
	db->policy_bytes = bytes;
	if (old)
		list_del_init(&old->link);
	if (fresh)
		list_add(&fresh->link, &db->policies);
	return 0;
}

int dbus_policy_set(struct bus *bus, sockptr_t val, unsigned int len)
{
	struct dbus_policy *fresh = NULL, *old = NULL;
	struct dbus_bus *db = to_dbus_bus(bus);
	struct bus_policy head;
	int err;

	if (len < sizeof(head))
		return -EINVAL;
	if (copy_from_sockptr(&head, val, sizeof(head)))
		return -EFAULT;
	if (!head.id)
		return -EINVAL;
	if (len > sizeof(head)) {
		fresh = policy_new(head.id, val, len - sizeof(head));
		if (IS_ERR(fresh))
			return PTR_ERR(fresh);
	}
	write_lock(&bus->lock);
	err = bus->ended ? -ENOTCONN : 0;
	if (!err)
		old = dbus_policy_find(db, head.id);
	if (!err && !fresh && !old)
		err = -ENOENT;
	if (!err)
		err = policy_replace(db, old, fresh);
	write_unlock(&bus->lock);
	policy_put(err ? fresh : old);
	return err;
}

struct dbus_policy *dbus_policy_swap(struct dbus_port *p,
				     struct dbus_policy *dp)
{
	struct dbus_policy *old = p->policy;

	if (dp)
		refcount_inc(&dp->ref);
	p->policy = dp;
	return old;
}

void dbus_policy_put(struct dbus_policy *dp)
{
	policy_put(dp);
}

void dbus_policies_drop(struct dbus_bus *db)
{
	struct dbus_policy *dp, *next;
	LIST_HEAD(gone);

	write_lock(&db->bus.lock);
	list_splice_init(&db->policies, &gone);
	db->policy_bytes = 0;
	write_unlock(&db->bus.lock);
	list_for_each_entry_safe(dp, next, &gone, link) {
		list_del_init(&dp->link);
		policy_put(dp);
	}
}

/* ---- claims ---- */

struct dbus_claim *dbus_claim_new(const char *name, u32 len)
{
	struct dbus_claim *c;

	c = kzalloc(struct_size(c, name, len), GFP_KERNEL_ACCOUNT);
	if (!c)
		return NULL;
	c->len = len;
	memcpy(c->name, name, len);
	return c;
}

static struct dbus_claim *claim_find(const struct dbus_port *p,
				     const char *name, size_t len)
{
	struct dbus_claim *c;

	list_for_each_entry(c, &p->claims, link)
		if (c->len == len && !memcmp(c->name, name, len))
			return c;
	return NULL;
}

/* The names that are left may share a bit with the one that went. */
static void claims_count(struct dbus_port *p)
{
	struct dbus_claim *c;

	p->claim_bits = policy_name_bit(p->unique, p->unique_len);
	list_for_each_entry(c, &p->claims, link)
		p->claim_bits |= policy_name_bit(c->name, c->len);
}

struct dbus_claim *dbus_claim(struct dbus_port *p, struct dbus_claim *c)
{
	struct dbus_claim *old = claim_find(p, c->name, c->len);

	if (old)
		list_del_init(&old->link);
	list_add(&c->link, &p->claims);
	claims_count(p);
	return old;
}

struct dbus_claim *dbus_disclaim(struct dbus_port *p, const char *name,
				 u32 len)
{
	struct dbus_claim *c = claim_find(p, name, len);

	if (c)
		list_del_init(&c->link);
	claims_count(p);
	return c;
}

void dbus_claims_init(struct dbus_port *p)
{
	claims_count(p);
}

void dbus_claims_free(struct dbus_port *p)
{
	struct dbus_claim *c, *next;

	list_for_each_entry_safe(c, next, &p->claims, link)
		kfree(c);
	INIT_LIST_HEAD(&p->claims);
}

static bool owns_below(const struct dbus_port *p, const char *name, size_t len)
{
	struct dbus_claim *c;

	if (dbus_name_in_namespace(p->unique, p->unique_len, name, len))
		return true;
	list_for_each_entry(c, &p->claims, link)
		if (dbus_name_in_namespace(c->name, c->len, name, len))
			return true;
	return false;
}

static bool owns(void *ctx, const char *name, size_t len, bool below)
{
	const struct dbus_port *p = ctx;

	if (below)
		return owns_below(p, name, len);
	if (len && name[0] == ':')
		return len == p->unique_len && !memcmp(name, p->unique, len);
	return claim_find(p, name, len);
}

/* ---- verdicts ---- */

/* The policy of @p (POLICY_SEND) or @t has to be asked. */
static bool is_bound(const struct dbus_port *p, enum policy_kind kind)
{
	return p && p->policy && !(p->policy->p.open[kind] & 1);
}

bool dbus_policy_asks(const struct dbus_port *p, const struct dbus_port *t)
{
	return is_bound(p, POLICY_SEND) || is_bound(t, POLICY_RECEIVE);
}

static unsigned int ask(struct dbus_port *p, struct dbus_port *t,
			enum policy_kind kind, const struct dbus_header *h,
			struct dbus_ruling *ruling)
{
	struct dbus_port *self = kind == POLICY_SEND ? p : t;
	struct dbus_port *other = kind == POLICY_SEND ? t : p;
	struct policy_msg m = {
		.h = h,
		.requested = ruling->requested,
		.eavesdropping = ruling->eavesdropping &&
				 kind == POLICY_RECEIVE,
	};
	unsigned int verdict;

	if (!is_bound(self, kind))
		return POLICY_ALLOWED;
	m.sender = h->sender;
	if (p)
		m.sender = (struct dbus_str){ p->unique, p->unique_len };
	if (other) {
		m.end.owns = owns;
		m.end.ctx = other;
		m.end.names = other->claim_bits;
	}
	verdict = policy_ask(&self->policy->p, kind, &m);
	if (verdict != POLICY_ALLOWED)
		ruling->matched = policy_matching(&self->policy->p, kind, &m);
	return verdict;
}

bool dbus_policy_admit(struct dbus_port *p, struct dbus_port *t,
		       const struct dbus_header *h, struct dbus_ruling *ruling)
{
	unsigned int send = ask(p, t, POLICY_SEND, h, ruling);

	if (!(send & POLICY_ALLOWED))
		ruling->refusal = BUS_DENIED_SEND;
	else if (!(ask(p, t, POLICY_RECEIVE, h, ruling) & POLICY_ALLOWED))
		ruling->refusal = BUS_DENIED_RECEIVE;
	else if (send & POLICY_LOGGED)
		ruling->refusal = BUS_LOGGED;
	return !ruling->refusal || ruling->refusal == BUS_LOGGED;
}
