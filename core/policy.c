// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/policy.h"

/* A rule in a block: @len bytes, a multiple of 4, strings without NUL. */
struct policy_rec {
	u32 len;
	u16 flags;
	u8 type;
	u8 bit;			/* of the name, see policy_name_bit() */
	u32 min_fds, max_fds;
	u16 str[POLICY_STRINGS];	/* lengths, in the order of text */
	u16 run;		/* so many up to this one have the same name */
	char text[];
};

#define REC_ALLOW	0x001
#define REC_LOG		0x002
#define REC_EAVESDROP	0x004
#define REC_REPLY	0x008
#define REC_CAST	0x010		/* broadcasts only */
#define REC_NO_CAST	0x020		/* no broadcasts */
#define REC_PREFIX	0x040
#define REC_STRING(i)	(0x100U << (i))
#define REC_STRINGS	(REC_STRING(POLICY_STRINGS) - REC_STRING(0))
#define REC_FLAGS	(0x07f | REC_STRINGS)

#define NO_MAX (~(u32)0)		/* in max_fds */
#define MAX_RUN 0xffffU
#define ALIGN4(n) (((n) + 3) & ~(size_t)3)

void policy_rule_init(struct policy_rule *r, enum policy_kind kind, bool allow)
{
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->allow = allow;
	/* An allow rule is for replies that were asked for, a deny rule for
	 * those that were not, unless the rule says otherwise. */
	r->requested_reply = allow;
	r->max_fds = POLICY_MAX_FDS;
}

static unsigned int name_hash(const char *name, size_t len)
{
	u32 h = 0x811c9dc5;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (u8)name[i]) * 0x01000193;
	return h >> 26;
}

u64 policy_name_bit(const char *name, size_t len)
{
	return 1ULL << name_hash(name, len);
}

/* ---- compiling ---- */

static bool is_blanket(const struct policy_rule *r)
{
	unsigned int i;

	if (r->kind != POLICY_OWN && r->type)
		return false;
	for (i = 0; i < POLICY_STRINGS; i++)
		if (r->str[i].s)
			return false;
	return true;
}

/* The first rule of this kind that is still in force. */
static size_t first_rule(const struct policy_rule *const *rules, size_t n,
			 unsigned int kind)
{
	while (n--)
		if (rules[n]->kind == kind && is_blanket(rules[n]))
			return n;
	return 0;
}

static s64 rec_size(const struct policy_rule *r)
{
	size_t len = sizeof(struct policy_rec);
	unsigned int i;

	for (i = 0; i < POLICY_STRINGS; i++) {
		if (!r->str[i].s)
			continue;
		if (r->str[i].len > POLICY_MAX_STRING)
			return -EMSGSIZE;
		len += r->str[i].len;
	}
	return (s64)ALIGN4(len);
}

static u16 rec_flags(const struct policy_rule *r)
{
	u16 flags = (r->allow ? REC_ALLOW : 0) | (r->log ? REC_LOG : 0) |
		    (r->eavesdrop ? REC_EAVESDROP : 0) |
		    (r->requested_reply ? REC_REPLY : 0) |
		    (r->broadcast == POLICY_YES ? REC_CAST : 0) |
		    (r->broadcast == POLICY_NO ? REC_NO_CAST : 0) |
		    (r->prefix ? REC_PREFIX : 0);
	unsigned int i;

	for (i = 0; i < POLICY_STRINGS; i++)
		flags |= r->str[i].s ? REC_STRING(i) : 0;
	return flags;
}

/* Rules of a service stand together: what is not about one of them is not
 * about any of them. @before: in front of @r, of the same kind, or NULL. */
static u16 rec_run(const struct policy_rec *r, const struct policy_rec *before)
{
	const u16 which = REC_STRING(POLICY_NAME) | REC_PREFIX;

	if (!before || (r->flags & which) != REC_STRING(POLICY_NAME) ||
	    (before->flags & which) != REC_STRING(POLICY_NAME) ||
	    before->str[POLICY_NAME] != r->str[POLICY_NAME] ||
	    memcmp(before->text, r->text, r->str[POLICY_NAME]) ||
	    before->run == MAX_RUN)
		return 1;
	return before->run + 1;
}

static void rec_write(struct policy_rec *to, const struct policy_rule *r,
		      size_t len, const struct policy_rec *before)
{
	char *at = to->text;
	unsigned int i;

	memset(to, 0, len);
	to->len = (u32)len;
	to->flags = rec_flags(r);
	to->type = r->type;
	to->min_fds = r->min_fds;
	to->max_fds = r->max_fds < POLICY_MAX_FDS ? r->max_fds : NO_MAX;
	if (r->str[POLICY_NAME].s)
		to->bit = (u8)name_hash(r->str[POLICY_NAME].s,
					r->str[POLICY_NAME].len);
	for (i = 0; i < POLICY_STRINGS; i++) {
		if (!r->str[i].s)
			continue;
		to->str[i] = (u16)r->str[i].len;
		memcpy(at, r->str[i].s, r->str[i].len);
		at += r->str[i].len;
	}
	to->run = rec_run(to, before);
}

struct plan {
	size_t first[POLICY_KINDS];
	size_t n[POLICY_KINDS];
	size_t size;
};

static bool in_force(const struct plan *plan, const struct policy_rule *r,
		     size_t i)
{
	return i >= plan->first[r->kind];
}

static int make_plan(struct plan *plan, const struct policy_rule *const *rules,
		     size_t n)
{
	unsigned int k;
	size_t i;
	s64 len;

	plan->size = sizeof(struct policy);
	for (k = 0; k < POLICY_KINDS; k++) {
		plan->first[k] = first_rule(rules, n, k);
		plan->n[k] = 0;
	}
	for (i = 0; i < n; i++) {
		if (!in_force(plan, rules[i], i))
			continue;
		len = rec_size(rules[i]);
		if (len < 0)
			return (int)len;
		plan->n[rules[i]->kind]++;
		plan->size += sizeof(u32) + (size_t)len;
		if (plan->size > POLICY_MAX_SIZE)
			return -EMSGSIZE;
	}
	return 0;
}

static const struct policy_rec *rec_at(const struct policy *p, size_t i)
{
	return (const struct policy_rec *)((const char *)p + p->index[i]);
}

static size_t kind_start(const struct policy *p, unsigned int kind)
{
	size_t at = 0;

	while (kind)
		at += p->n[--kind];
	return at;
}

/* Does it match whatever the message says of itself, leaving aside types? */
static bool is_unconditional(const struct policy_rec *r)
{
	return !(r->flags & (REC_CAST | REC_NO_CAST | REC_STRINGS)) &&
	       !r->min_fds && r->max_fds == NO_MAX;
}

/* The answer to every question of @kind is yes. */
static bool all_open(const struct policy *p, unsigned int kind)
{
	size_t start = kind_start(p, kind), i = start + p->n[kind];

	while (i-- > start) {
		const struct policy_rec *r = rec_at(p, i);

		if (!(r->flags & REC_ALLOW))
			return false;
		if (is_unconditional(r) && !r->type &&
		    (kind == POLICY_OWN || r->flags & REC_EAVESDROP))
			return true;
	}
	return false;
}

/* Could a rule that denies match a message of @type that is neither
 * eavesdropped nor an unrequested reply? */
static bool may_deny(const struct policy_rec *r, unsigned int kind, u8 type)
{
	if (kind == POLICY_RECEIVE && r->flags & REC_EAVESDROP)
		return false;
	return r->flags & REC_REPLY ||
	       (type != DBUS_TYPE_RETURN && type != DBUS_TYPE_ERROR);
}

static bool type_open(const struct policy *p, unsigned int kind, u8 type)
{
	size_t start = kind_start(p, kind), i = start + p->n[kind];

	while (i-- > start) {
		const struct policy_rec *r = rec_at(p, i);

		if (r->type && r->type != type)
			continue;
		if (r->flags & REC_ALLOW && is_unconditional(r))
			return true;
		if (!(r->flags & REC_ALLOW) && may_deny(r, kind, type))
			return false;
	}
	return false;
}

static bool any_log(const struct policy *p, unsigned int kind)
{
	size_t start = kind_start(p, kind), i;

	for (i = 0; i < p->n[kind]; i++)
		if (rec_at(p, start + i)->flags & REC_LOG)
			return true;
	return false;
}

static u8 openness(const struct policy *p, unsigned int kind)
{
	u8 open, type;

	if (any_log(p, kind))
		return 0;
	open = all_open(p, kind);
	for (type = DBUS_TYPE_CALL; type <= DBUS_TYPE_SIGNAL; type++)
		if (kind != POLICY_OWN && type_open(p, kind, type))
			open |= 1U << type;
	return open;
}

s64 policy_compile(void *mem, size_t size,
		   const struct policy_rule *const *rules, size_t n)
{
	struct policy *p = mem;
	struct policy_rec *rec, *before;
	struct plan plan;
	size_t at, next = 0, i;
	unsigned int k;
	int err = make_plan(&plan, rules, n);

	if (err)
		return err;
	if (!mem)
		return (s64)plan.size;
	if (size < plan.size)
		return -ENOSPC;
	memset(p, 0, sizeof(*p));
	p->size = (u32)plan.size;
	at = sizeof(*p);
	for (k = 0; k < POLICY_KINDS; k++) {
		p->n[k] = (u32)plan.n[k];
		at += plan.n[k] * sizeof(u32);
	}
	for (k = 0; k < POLICY_KINDS; k++) {
		for (i = plan.first[k], before = NULL; i < n; i++) {
			size_t len;

			if (rules[i]->kind != k)
				continue;
			len = (size_t)rec_size(rules[i]);
			p->index[next++] = (u32)at;
			rec = (void *)((char *)mem + at);
			rec_write(rec, rules[i], len, before);
			before = rec;
			at += len;
		}
		p->open[k] = openness(p, k);
	}
	return (s64)plan.size;
}

/* ---- looking at one from elsewhere ---- */

static bool rec_ok(const struct policy_rec *r, unsigned int kind)
{
	size_t len = sizeof(*r), i;

	if (r->flags & ~REC_FLAGS || r->type > DBUS_TYPE_SIGNAL || r->bit > 63)
		return false;
	for (i = 0; i < POLICY_STRINGS; i++) {
		if (!(r->flags & REC_STRING(i)) && r->str[i])
			return false;
		len += r->str[i];
	}
	if (ALIGN4(len) != r->len)
		return false;
	if (kind == POLICY_OWN &&
	    (r->type || r->flags & (REC_STRINGS ^ REC_STRING(0))))
		return false;
	return !(r->flags & REC_STRING(POLICY_NAME)) ||
	       r->bit == name_hash(r->text, r->str[POLICY_NAME]);
}

/* The rules lie behind the index without gaps, in its order. */
static bool index_ok(const struct policy *p, size_t n)
{
	size_t at = sizeof(*p) + n * sizeof(u32), i, kind = 0, left = p->n[0];
	const struct policy_rec *before = NULL;

	for (i = 0; i < n; i++, left--) {
		const struct policy_rec *r;

		while (!left) {
			left = p->n[++kind];
			before = NULL;
		}
		if (p->index[i] != at || p->size - at < sizeof(*r))
			return false;
		r = rec_at(p, i);
		if (r->len < sizeof(*r) || r->len > p->size - at)
			return false;
		if (!rec_ok(r, kind) || r->run != rec_run(r, before))
			return false;
		before = r;
		at += r->len;
	}
	return at == p->size;
}

int policy_check(const void *mem, size_t size)
{
	const struct policy *p = mem;
	u64 n = 0;
	size_t i;

	if (size < sizeof(*p) || size > POLICY_MAX_SIZE || p->size != size)
		return -EINVAL;
	for (i = 0; i < POLICY_KINDS; i++)
		n += p->n[i];
	for (i = 0; i < sizeof(p->pad); i++)
		if (p->pad[i])
			return -EINVAL;
	if (n > (size - sizeof(*p)) / sizeof(u32) || !index_ok(p, (size_t)n))
		return -EINVAL;
	for (i = 0; i < POLICY_KINDS; i++)
		if (p->open[i] != openness(p, i))
			return -EINVAL;
	return 0;
}

bool policy_is_open(const struct policy *p)
{
	return p->open[POLICY_OWN] & p->open[POLICY_SEND] &
	       p->open[POLICY_RECEIVE] & 1;
}

/* ---- verdicts ---- */

bool policy_own(const struct policy *p, const char *name, size_t len)
{
	size_t start = kind_start(p, POLICY_OWN), i = start + p->n[POLICY_OWN];

	while (i-- > start) {
		const struct policy_rec *r = rec_at(p, i);
		size_t n = r->str[POLICY_NAME];
		bool match;

		if (!(r->flags & REC_STRING(POLICY_NAME)))
			match = true;
		else if (r->flags & REC_PREFIX)
			match = dbus_name_in_namespace(name, len, r->text, n);
		else
			match = len == n && !memcmp(name, r->text, n);
		if (match)
			return r->flags & REC_ALLOW;
	}
	return false;
}

static bool reply_matches(const struct policy_rec *r,
			  const struct policy_msg *m)
{
	if (!m->h->reply_serial)
		return true;
	if (r->flags & REC_ALLOW)
		return m->requested || !(r->flags & REC_REPLY) ||
		       r->flags & REC_EAVESDROP;
	return !m->requested || r->flags & REC_REPLY;
}

static bool eavesdrop_matches(const struct policy_rec *r,
			      const struct policy_msg *m)
{
	if (r->flags & REC_ALLOW)
		return !m->eavesdropping || r->flags & REC_EAVESDROP;
	return m->eavesdropping || !(r->flags & REC_EAVESDROP);
}

static bool cast_matches(const struct policy_rec *r,
			 const struct dbus_header *h)
{
	bool cast = h->f.type == DBUS_TYPE_SIGNAL && !h->destination.s;

	return !(r->flags & (cast ? REC_NO_CAST : REC_CAST));
}

static bool name_matches(const struct policy_rec *r, unsigned int kind,
			 const struct policy_msg *m)
{
	const struct policy_end *end = &m->end;
	size_t len = r->str[POLICY_NAME];
	bool below = r->flags & REC_PREFIX;
	struct dbus_str name;

	if (!(r->flags & REC_STRING(POLICY_NAME)))
		return true;
	if (end->owns)
		return end->owns(end->ctx, r->text, len, below);
	name = kind == POLICY_SEND ? m->h->destination : m->sender;
	if (!name.s)
		return false;
	if (below)
		return dbus_name_in_namespace(name.s, name.len, r->text, len);
	return dbus_str_eq(name, r->text, len);
}

/* What a message does not have is no difference; but an allow rule with an
 * interface is not for messages without one. */
static bool strings_match(const struct policy_rec *r,
			  const struct dbus_header *h)
{
	const char *at = r->text + r->str[POLICY_NAME];
	const struct dbus_str *have[POLICY_STRINGS] = {
		[POLICY_PATH] = &h->path,
		[POLICY_INTERFACE] = &h->interface,
		[POLICY_MEMBER] = &h->member,
		[POLICY_ERROR] = &h->error_name,
	};
	unsigned int i;

	for (i = POLICY_PATH; i < POLICY_STRINGS; at += r->str[i++]) {
		if (!(r->flags & REC_STRING(i)))
			continue;
		if (have[i]->s ? !dbus_str_eq(*have[i], at, r->str[i]) :
		    i == POLICY_INTERFACE && r->flags & REC_ALLOW)
			return false;
	}
	return true;
}

/* Most rules are about somebody else: soon over. */
static bool is_elsewhere(const struct policy_rec *r,
			 const struct policy_end *end)
{
	return (r->flags & (REC_STRING(POLICY_NAME) | REC_PREFIX)) ==
	       REC_STRING(POLICY_NAME) &&
	       end->owns && !(end->names >> r->bit & 1);
}

static bool rec_matches(const struct policy_rec *r, unsigned int kind,
			const struct policy_msg *m)
{
	const struct dbus_header *h = m->h;

	if (r->type && r->type != h->f.type)
		return false;
	if (h->unix_fds < r->min_fds || h->unix_fds > r->max_fds)
		return false;
	if (!reply_matches(r, m))
		return false;
	if (kind == POLICY_SEND ? !cast_matches(r, h) :
				  !eavesdrop_matches(r, m))
		return false;
	return strings_match(r, h) && name_matches(r, kind, m);
}

static bool is_open_to(const struct policy *p, enum policy_kind kind,
		       const struct policy_msg *m)
{
	const struct dbus_header *h = m->h;

	if (p->open[kind] & 1)
		return true;
	if (m->eavesdropping || (h->reply_serial && !m->requested) ||
	    h->f.type > DBUS_TYPE_SIGNAL)
		return false;
	return p->open[kind] >> h->f.type & 1;
}

unsigned int policy_ask(const struct policy *p, enum policy_kind kind,
			const struct policy_msg *m)
{
	size_t start = kind_start(p, kind), i = start + p->n[kind];

	if (is_open_to(p, kind, m))
		return POLICY_ALLOWED;
	while (i-- > start) {
		const struct policy_rec *r = rec_at(p, i);

		if (is_elsewhere(r, &m->end))
			i -= r->run - 1;
		else if (rec_matches(r, kind, m))
			return (r->flags & REC_ALLOW ? POLICY_ALLOWED : 0) |
			       (r->flags & REC_LOG ? POLICY_LOGGED : 0);
	}
	return 0;
}

unsigned int policy_matching(const struct policy *p, enum policy_kind kind,
			     const struct policy_msg *m)
{
	size_t start = kind_start(p, kind), i;
	unsigned int n = 0;

	for (i = 0; i < p->n[kind]; i++)
		n += rec_matches(rec_at(p, start + i), kind, m);
	return n;
}
