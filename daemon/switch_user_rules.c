// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Match rules. Those of monitors are on their ports only, all others also in
 * one of two indexes of the whole bus: what is for one peer takes a rule that
 * eavesdrops, so most rules are not in question there.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static struct match_index *index_of(struct us *us, const struct urule *r)
{
	return r->rule.keys & MATCH_EAVESDROP ? &us->eavesdropping :
						&us->rules;
}

static int index_grow(struct match_index *x)
{
	size_t size = match_index_wants(x, 1);
	struct match_entry **buckets;

	if (!size)
		return 0;
	buckets = calloc(size, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(match_index_grow(x, buckets, size));
	return 0;
}

static void rule_free(struct us *us, struct uport *p, struct urule *r)
{
	TAILQ_REMOVE(&p->rules, r, link);
	if (!(p->flags & UP_MONITOR)) {
		match_index_del(index_of(us, r), &r->entry);
		us->n_eavesdrop -= !!(r->rule.keys & MATCH_EAVESDROP);
	}
	free(r);
	p->st.matches--;
	us->st.matches--;
}

void uport_drop_rules(struct us *us, struct uport *p)
{
	struct urule *r;

	if (p->flags & UP_MONITOR)
		TAILQ_REMOVE(&us->monitors, p, monitor);
	while ((r = TAILQ_FIRST(&p->rules)))
		rule_free(us, p, r);
}

static int rule_new(struct urule **ret, const char *text)
{
	size_t len = strlen(text), mem = MATCH_RULE_MEM(len);
	struct urule *r = calloc(1, offsetof(struct urule, rule) + mem + len +
				 1);
	int err;

	if (!r)
		return -ENOMEM;
	r->text = memcpy((char *)&r->rule + mem, text, len + 1);
	err = match_rule_parse(&r->rule, mem, text, len, NULL);
	if (err)
		free(r);
	else
		*ret = r;
	return err;
}

static int rule_file(struct us *us, struct urule *r)
{
	struct match_index *x = index_of(us, r);
	int err = index_grow(x);

	if (err)
		return err;
	match_index_add(x, &r->entry, &r->rule);
	us->n_eavesdrop += !!(r->rule.keys & MATCH_EAVESDROP);
	return 0;
}

int us_match_add(struct sw *sw, uint64_t addr, uint64_t cookie,
		 const char *rule)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);
	struct urule *r;
	int err;

	if (!p || p->flags & UP_ENDED)
		return -ENOENT;
	err = rule_new(&r, rule);
	if (err)
		return err;
	r->port = p;
	r->cookie = cookie;
	if (p->flags & UP_MONITOR)
		r->rule.keys |= MATCH_EAVESDROP;
	else
		err = rule_file(us, r);
	if (err) {
		free(r);
		return err;
	}
	TAILQ_INSERT_TAIL(&p->rules, r, link);
	p->st.matches++;
	us->st.matches++;
	return 0;
}

int us_match_del(struct sw *sw, uint64_t addr, uint64_t cookie)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);
	struct urule *r;

	if (!p)
		return -ENOENT;
	TAILQ_FOREACH(r, &p->rules, link)
		if (r->cookie == cookie)
			break;
	if (!r)
		return -ENOENT;
	rule_free(us, p, r);
	return 0;
}

/* ---- whose rules match ---- */

bool uport_takes(const struct uport *t, const struct dbus_header *h)
{
	return !h->unix_fds || t->flags & UP_FDS;
}

struct search {
	struct us *us;
	struct uports *v;
	const struct match_msg *mm;
	bool known, match;		/* of the rule before */
};

static bool matches(struct search *s, const struct urule *r)
{
	if (!s->known)
		s->match = match_rule_eval(&r->rule, s->mm);
	s->known = true;
	return s->match;
}

static int found(void *ctx, struct match_entry *e, bool again)
{
	struct urule *r = container_of(e, struct urule, entry);
	struct search *s = ctx;
	struct uport *t = r->port;

	s->known &= again;
	if (t->search == s->us->search || !(t->flags & UP_ACTIVE) ||
	    !uport_takes(t, s->mm->h) || !matches(s, r))
		return 0;
	t->search = s->us->search;
	return uports_add(s->v, t);
}

int us_matching(struct us *us, struct uports *v, const struct match_msg *mm,
		bool all)
{
	struct search s = { .us = us, .v = v, .mm = mm };
	int r = 0;

	v->n = 0;
	us->search++;
	if (all)
		r = match_index_visit(&us->rules, mm, found, &s);
	if (!r && us->n_eavesdrop)
		r = match_index_visit(&us->eavesdropping, mm, found, &s);
	return r;
}

/* ---- begin and end ---- */

void us_rules_init(struct us *us)
{
	struct sip_key key = { { (uintptr_t)us, 0 } };

	/* Early in boot there may be no randomness yet; rather no key than no
	 * bus. */
	(void)!getrandom(&key, sizeof(key), GRND_NONBLOCK);
	match_index_init(&us->rules, &key);
	match_index_init(&us->eavesdropping, &key);
}

static void index_free(struct match_index *x)
{
	if (x->buckets != &x->first)
		free(x->buckets);
}

/* All ports are gone, and their rules with them. */
void us_rules_free(struct us *us)
{
	index_free(&us->rules);
	index_free(&us->eavesdropping);
}
