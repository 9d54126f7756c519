// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/replies.h"

#define reply_of(link, member) \
	((struct reply *)((char *)(link) - offsetof(struct reply, member)))

static void init(struct replies_link *l)
{
	l->next = l->prev = l;
}

static bool is_empty(const struct replies_link *l)
{
	return l->next == l;
}

static void add_tail(struct replies_link *list, struct replies_link *l)
{
	l->prev = list->prev;
	l->next = list;
	list->prev->next = l;
	list->prev = l;
}

static void unlink_one(struct replies_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	init(l);
}

static u64 mix(u64 h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static struct replies_link *bucket(const struct replies *t, u64 caller,
				   u64 callee, u32 serial)
{
	u64 h = mix(mix(mix(t->seed ^ serial) ^ caller) ^ callee);

	return &t->buckets[h & (t->n_buckets - 1)];
}

static void use(struct replies *t, struct replies_link *buckets,
		size_t n_buckets)
{
	size_t i;

	for (i = 0; i < n_buckets; i++)
		init(&buckets[i]);
	t->buckets = buckets;
	t->n_buckets = n_buckets;
}

void replies_init(struct replies *t, struct replies_link *buckets,
		  size_t n_buckets, u64 seed)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	init(&t->by_time);
	init(&t->orphans);
	use(t, buckets, n_buckets);
}

struct replies_link *replies_resize(struct replies *t,
				    struct replies_link *buckets,
				    size_t n_buckets)
{
	struct replies_link *old = t->buckets, *l;

	use(t, buckets, n_buckets);
	for (l = t->by_time.next; l != &t->by_time; l = l->next) {
		struct reply *r = reply_of(l, by_time);

		add_tail(bucket(t, r->caller->addr, r->callee->addr,
				r->serial), &r->hash);
	}
	return old;
}

void replies_port_init(struct replies_port *p, u64 addr)
{
	p->addr = addr;
	init(&p->calls);
	init(&p->owed);
	p->n_calls = 0;
}

struct reply *replies_find(struct replies *t, const struct replies_port *caller,
			   const struct replies_port *callee, u32 serial)
{
	struct replies_link *list = bucket(t, caller->addr, callee->addr,
					   serial), *l;

	for (l = list->next; l != list; l = l->next) {
		struct reply *r = reply_of(l, hash);

		if (r->serial == serial && r->caller == caller &&
		    r->callee == callee)
			return r;
	}
	return NULL;
}

void replies_add(struct replies *t, struct reply *r,
		 struct replies_port *caller, struct replies_port *callee,
		 u32 serial, u64 since)
{
	r->caller = caller;
	r->callee = callee;
	r->serial = serial;
	r->since = since;
	add_tail(bucket(t, caller->addr, callee->addr, serial), &r->hash);
	add_tail(&caller->calls, &r->by_caller);
	add_tail(&callee->owed, &r->by_callee);
	add_tail(&t->by_time, &r->by_time);
	caller->n_calls++;
	t->n++;
}

void replies_del(struct replies *t, struct reply *r)
{
	if (r->callee)
		t->n--;
	unlink_one(&r->hash);
	unlink_one(&r->by_caller);
	unlink_one(&r->by_callee);
	unlink_one(&r->by_time);
	r->caller->n_calls--;
}

struct reply *replies_forget(struct replies *t, struct replies_port *p)
{
	struct reply *r;

	if (is_empty(&p->calls))
		return NULL;
	r = reply_of(p->calls.next, by_caller);
	replies_del(t, r);
	return r;
}

void replies_orphan(struct replies *t, struct replies_port *p)
{
	while (!is_empty(&p->owed)) {
		struct reply *r = reply_of(p->owed.next, by_callee);

		unlink_one(&r->hash);
		unlink_one(&r->by_callee);
		unlink_one(&r->by_time);
		add_tail(&t->orphans, &r->by_time);
		r->callee = NULL;
		t->n--;
	}
}

bool replies_have_orphans(const struct replies *t)
{
	return !is_empty(&t->orphans);
}

struct reply *replies_next_orphan(struct replies *t)
{
	struct reply *r;

	if (is_empty(&t->orphans))
		return NULL;
	r = reply_of(t->orphans.next, by_time);
	replies_del(t, r);
	return r;
}

const struct reply *replies_oldest(const struct replies *t)
{
	return is_empty(&t->by_time) ? NULL : reply_of(t->by_time.next,
						       by_time);
}

struct reply *replies_next_expired(struct replies *t, u64 before)
{
	struct reply *r;

	if (is_empty(&t->by_time))
		return NULL;
	r = reply_of(t->by_time.next, by_time);
	if (r->since > before)
		return NULL;
	replies_del(t, r);
	return r;
}
