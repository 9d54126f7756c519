// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "core/match_index.h"

/* A shape is a sum of these; 0 is the rule that asks for nothing. */
#define BY_TYPE		0x001U
#define BY_SELF		0x002U	/* sender is a unique name, or the driver's */
#define BY_NAME		0x004U	/* sender is a name that somebody may own */
#define BY_INTERFACE	0x008U
#define BY_MEMBER	0x010U
#define BY_PATH		0x020U
#define BY_PATH_NS	0x040U
#define BY_ARG		0x080U	/* times 1 + argument's number */
#define BY_ARG_NS	(BY_ARG * (MATCH_INDEX_ARGS + 1))
#define ARG_MASK	(BY_ARG * 7)

/* Matches no message at all, and is filed nowhere. */
#define NEVER		0xffffU

/* What @v says is part of the key @h. */
static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

/* Of a text, never 0; or 0: there is none, or one that no rule can hold. */
static u64 value(const struct match_index *x, const char *s, size_t len)
{
	return s && len <= MATCH_MAX_TEXT ? sip_hash(&x->key, s, len) | 1 : 0;
}

static u64 value_of(const struct match_index *x, struct dbus_str s)
{
	return value(x, s.s, s.len);
}

/* Where the element that begins at @from ends. */
static u32 element_end(struct dbus_str s, u32 from, char sep)
{
	while (from < s.len && from <= MATCH_MAX_TEXT && s.s[from] != sep)
		from++;
	return from;
}

/* ---- rules ---- */

static struct dbus_str text(const struct match_rule *r, struct match_span at)
{
	return (struct dbus_str){ (const char *)r + at.off, at.len };
}

static struct dbus_str arg_text(const struct match_rule *r,
				const struct match_arg *a)
{
	return text(r, (struct match_span){ a->off, a->len });
}

/* The first @max elements. */
static struct dbus_str shorten(struct dbus_str s, u32 from, char sep,
			       unsigned int max)
{
	u32 end = element_end(s, from, sep);

	while (--max && end < s.len)
		end = element_end(s, end + 1, sep);
	s.len = end;
	return s;
}

static bool has_owner(struct dbus_str name)
{
	return name.len && name.s[0] != ':' &&
	       !dbus_str_eq(name, DBUS_DRIVER_NAME,
			    sizeof(DBUS_DRIVER_NAME) - 1);
}

/* The argument that a rule is filed by, and its part of the shape. */
static unsigned int choose_arg(const struct match_rule *r, bool ns_too,
			       struct dbus_str *arg)
{
	const struct match_arg *a;

	for (a = r->args; a < r->args + r->n_args; a++) {
		if (a->kind != MATCH_ARG_STRING || a->index >= MATCH_INDEX_ARGS)
			continue;
		*arg = arg_text(r, a);
		return BY_ARG * (a->index + 1);
	}
	if (!ns_too || !r->n_args || r->args[0].kind != MATCH_ARG_NAMESPACE)
		return 0;
	a = &r->args[0];
	*arg = shorten(arg_text(r, a), 0, '.', MATCH_INDEX_NAME);
	return BY_ARG_NS;
}

static u16 shape_of(const struct match_rule *r, struct dbus_str *arg)
{
	u16 k = r->keys;
	unsigned int s = 0;

	/* It could match only what is not for everybody, and does not ask for
	 * that. */
	if (k & MATCH_DESTINATION && !(k & MATCH_EAVESDROP))
		return NEVER;
	if (k & MATCH_SENDER)
		s |= has_owner(text(r, r->sender)) ?
		     BY_NAME : BY_SELF;
	s |= k & MATCH_TYPE ? BY_TYPE : 0;
	s |= k & MATCH_INTERFACE ? BY_INTERFACE : 0;
	s |= k & MATCH_MEMBER ? BY_MEMBER : 0;
	s |= k & MATCH_PATH ? BY_PATH : 0;
	s |= k & MATCH_PATH_NAMESPACE ? BY_PATH_NS : 0;
	/* Of two namespaces every pair would have to be looked for. */
	return (u16)(s | choose_arg(r, !(k & MATCH_PATH_NAMESPACE), arg));
}

/* The order of the parts is that of look(). */
static void entry_init(const struct match_index *x, struct match_entry *e,
		       const struct match_rule *r)
{
	struct dbus_str sender = text(r, r->sender);
	struct dbus_str path = text(r, r->path);
	struct dbus_str arg = { NULL, 0 };
	u16 s = shape_of(r, &arg);
	u64 h = mix(x->key.k[0], s);

	if (s & BY_TYPE)
		h = mix(h, r->type);
	if (s & BY_SELF)
		h = mix(h, value_of(x, sender));
	if (s & BY_INTERFACE)
		h = mix(h, value_of(x, text(r, r->interface)));
	if (s & BY_MEMBER)
		h = mix(h, value_of(x, text(r, r->member)));
	if (s & BY_PATH)
		h = mix(h, value_of(x, path));
	if (s & ARG_MASK && (s & ARG_MASK) != BY_ARG_NS)
		h = mix(h, value_of(x, arg));
	if (s & BY_NAME)
		h = mix(h, value_of(x, sender));
	if (s & BY_PATH_NS)
		h = mix(h, value_of(x, shorten(path, 1, '/',
					       MATCH_INDEX_PATH)));
	if ((s & ARG_MASK) == BY_ARG_NS)
		h = mix(h, value_of(x, arg));
	e->shape = s;
	e->hash = h;
}

/* ---- the table ---- */

void match_index_init(struct match_index *x, const struct sip_key *key)
{
	memset(x, 0, sizeof(*x));
	x->key = *key;
	x->buckets = &x->first;
	x->size = 1;
	x->n_buckets = 1;
}

static size_t bucket_of(const struct match_index *x, u64 hash)
{
	size_t b = hash & x->mask;

	return b < x->n_buckets ? b : b & (x->mask >> 1);
}

/* The first of those filed under @hash, where it hangs in its bucket. */
static struct match_entry **slot(const struct match_index *x, u64 hash)
{
	struct match_entry **at = &x->buckets[bucket_of(x, hash)];

	while (*at && (*at)->hash != hash)
		at = &(*at)->next;
	return at;
}

/* One more bucket in use: it takes its own out of the one that had them. */
static void split(struct match_index *x)
{
	size_t b = x->n_buckets++;
	struct match_entry **from, **to = &x->buckets[b], *e;

	if (b > x->mask)
		x->mask = x->mask * 2 + 1;
	from = &x->buckets[b & (x->mask >> 1)];
	while ((e = *from)) {
		if ((e->hash & x->mask) == b) {
			*from = e->next;
			e->next = *to;
			*to = e;
		} else {
			from = &e->next;
		}
	}
}

size_t match_index_wants(const struct match_index *x, size_t more)
{
	size_t size = x->size < 64 ? 64 : x->size;

	if (x->n_keys + more <= x->size)
		return 0;
	while (size < x->n_keys + more)
		size *= 2;
	return size;
}

struct match_entry **match_index_grow(struct match_index *x,
				      struct match_entry **buckets,
				      size_t size)
{
	struct match_entry **old = x->buckets;

	if (size <= x->size)
		return buckets;
	memcpy(buckets, old, x->n_buckets * sizeof(struct match_entry *));
	x->buckets = buckets;
	x->size = size;
	return old == &x->first ? NULL : old;
}

struct match_entry **match_index_forget(struct match_index *x)
{
	struct match_entry **old = x->buckets;
	struct sip_key key = x->key;

	match_index_init(x, &key);
	return old == &x->first ? NULL : old;
}

static void shape_add(struct match_index *x, u16 shape)
{
	if (!x->n[shape]++)
		x->used[x->n_used++] = shape;
}

static void shape_del(struct match_index *x, u16 shape)
{
	u32 i;

	if (--x->n[shape])
		return;
	for (i = 0; x->used[i] != shape; i++)
		;
	x->used[i] = x->used[--x->n_used];
}

/* Equal rules stay together, behind @first if they are like it; only that one
 * is looked at, or adding would take longer with every rule. */
static void ring_add(struct match_index *x, struct match_entry *first,
		     struct match_entry *e)
{
	bool like = match_rule_equal(first->rule, e->rule);
	struct match_entry *next = like ? first->same : first;

	e->group = like ? first->group : ++x->groups;
	e->same = next;
	e->same_prev = next->same_prev;
	next->same_prev->same = e;
	next->same_prev = e;
}

void match_index_add(struct match_index *x, struct match_entry *e,
		     const struct match_rule *r)
{
	struct match_entry **at;
	int i;

	entry_init(x, e, r);
	if (e->shape == NEVER)
		return;
	e->rule = r;
	shape_add(x, e->shape);
	at = slot(x, e->hash);
	if (*at) {
		ring_add(x, *at, e);
		return;
	}
	e->group = ++x->groups;
	e->next = NULL;
	e->same = e;
	e->same_prev = e;
	*at = e;
	x->n_keys++;
	/* Two, to catch up with what was added while there was no memory. */
	for (i = 0; i < 2; i++)
		if (x->n_buckets < x->n_keys && x->n_buckets < x->size)
			split(x);
}

void match_index_del(struct match_index *x, struct match_entry *e)
{
	struct match_entry **at;

	if (e->shape == NEVER)
		return;
	shape_del(x, e->shape);
	at = slot(x, e->hash);
	if (*at == e && e->same == e) {
		*at = e->next;
		x->n_keys--;
	} else if (*at == e) {
		e->same->next = e->next;
		*at = e->same;
	}
	e->same_prev->same = e->same;
	e->same->same_prev = e->same_prev;
}

/* ---- messages ---- */

/* A message's values; 0: it has no such part. Arrays are filled only if a rule
 * looks at them. */
struct values {
	unsigned int need;	/* parts that any rule looks at */
	u64 type, self, interface, member, path;
	u64 arg[MATCH_INDEX_ARGS];
	u64 path_ns[MATCH_INDEX_PATH + 1];	/* "/" is no element */
	u64 arg_ns[MATCH_INDEX_NAME];
	unsigned int n_path_ns, n_arg_ns;
};

struct visit {
	const struct match_index *x;
	struct values v;
	match_found found;
	void *ctx;
};

static unsigned int needed(const struct match_index *x)
{
	unsigned int all = 0;
	u32 i;

	for (i = 0; i < x->n_used; i++)
		all |= x->used[i];
	return all;
}

/* The namespaces that @s is in, the widest first. */
static unsigned int spaces(const struct match_index *x, u64 *out,
			   unsigned int max, struct dbus_str s, u32 from,
			   char sep)
{
	unsigned int n = 0;
	u32 end;

	for (; n < max; from = end + 1) {
		end = element_end(s, from, sep);
		if (end > MATCH_MAX_TEXT)
			break;
		out[n++] = value(x, s.s, end);
		if (end == s.len)
			break;
	}
	return n;
}

static void read_path_ns(const struct match_index *x, struct values *v,
			 struct dbus_str path)
{
	v->n_path_ns = 0;
	if (!path.s)
		return;
	v->path_ns[v->n_path_ns++] = value(x, "/", 1);
	if (path.len > 1)
		v->n_path_ns += spaces(x, v->path_ns + 1, MATCH_INDEX_PATH,
				       path, 1, '/');
}

static void read_args(const struct match_index *x, struct values *v,
		      const struct match_msg *m)
{
	struct dbus_str arg[MATCH_INDEX_ARGS];
	unsigned int i;

	match_msg_strings(m, arg, MATCH_INDEX_ARGS);
	for (i = 0; i < MATCH_INDEX_ARGS; i++)
		v->arg[i] = value_of(x, arg[i]);
	v->n_arg_ns = 0;
	if (arg[0].s)
		v->n_arg_ns = spaces(x, v->arg_ns, MATCH_INDEX_NAME, arg[0],
				     0, '.');
}

static void read_values(const struct match_index *x, struct values *v,
			const struct match_msg *m)
{
	const struct dbus_header *h = m->h;
	unsigned int need = needed(x);

	v->need = need;
	v->type = h->f.type;
	v->self = need & BY_SELF ? value_of(x, m->sender) : 0;
	v->interface = need & BY_INTERFACE ? value_of(x, h->interface) : 0;
	v->member = need & BY_MEMBER ? value_of(x, h->member) : 0;
	v->path = need & BY_PATH ? value_of(x, h->path) : 0;
	if (need & BY_PATH_NS)
		read_path_ns(x, v, h->path);
	if (need & ARG_MASK)
		read_args(x, v, m);
}

static int look_up(const struct visit *t, u64 hash)
{
	struct match_entry *first = *slot(t->x, hash), *e = first;
	u64 last = 0;
	int r = 0;

	for (; e && !r; e = e->same == first ? NULL : e->same) {
		r = t->found(t->ctx, e, e->group == last);
		last = e->group;
	}
	return r;
}

static int look_up_each(const struct visit *t, u64 hash, const u64 *values,
			unsigned int n)
{
	int r = 0;

	for (; n-- && !r; values++)
		r = look_up(t, mix(hash, *values));
	return r;
}

/* Adds a part to the key, if the shape has it; false: the message has not. */
static bool part(u64 *hash, u16 shape, unsigned int bit, u64 v)
{
	if (!(shape & bit))
		return true;
	*hash = mix(*hash, v);
	return v;
}

/* The order is that of entry_init(). */
static int look(const struct visit *t, u16 shape, u64 name)
{
	unsigned int arg = (shape & ARG_MASK) / BY_ARG;
	const struct values *v = &t->v;
	u64 h = mix(t->x->key.k[0], shape);

	if (!part(&h, shape, BY_TYPE, v->type) ||
	    !part(&h, shape, BY_SELF, v->self) ||
	    !part(&h, shape, BY_INTERFACE, v->interface) ||
	    !part(&h, shape, BY_MEMBER, v->member) ||
	    !part(&h, shape, BY_PATH, v->path))
		return 0;
	if (arg && arg <= MATCH_INDEX_ARGS) {
		/* A shape in use has one, so they were read.
		 * NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
		if (!part(&h, shape, ARG_MASK, v->arg[arg - 1]))
			return 0;
	}
	if (!part(&h, shape, BY_NAME, name))
		return 0;
	if (shape & BY_PATH_NS)
		return look_up_each(t, h, v->path_ns, v->n_path_ns);
	if (arg > MATCH_INDEX_ARGS)
		return look_up_each(t, h, v->arg_ns, v->n_arg_ns);
	return look_up(t, h);
}

/* @name 0: shapes without one. */
static int look_shapes(const struct visit *t, u64 name)
{
	u32 i;
	int r = 0;

	for (i = 0; i < t->x->n_used && !r; i++)
		if (!(t->x->used[i] & BY_NAME) == !name)
			r = look(t, t->x->used[i], name);
	return r;
}

static int look_name(const struct visit *t, struct dbus_str name)
{
	u64 v = value_of(t->x, name);

	return v ? look_shapes(t, v) : 0;
}

static int look_names(const struct visit *t, const struct match_msg *m)
{
	struct dbus_str name;
	void *at = NULL;
	int r = 0;

	if (has_owner(m->sender))
		r = look_name(t, m->sender);
	while (!r && m->names && m->names(m->ctx, &at, &name))
		r = look_name(t, name);
	return r;
}

int match_index_visit(const struct match_index *x, const struct match_msg *m,
		      match_found found, void *ctx)
{
	struct visit t;
	int r;

	if (!x->n_keys)
		return 0;
	t.x = x;
	t.found = found;
	t.ctx = ctx;
	read_values(x, &t.v, m);
	r = look_shapes(&t, 0);
	if (!r && t.v.need & BY_NAME)
		r = look_names(&t, m);
	return r;
}
