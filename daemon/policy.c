// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The rules for one uid, one gid, or everybody, in the order they came. */
struct section {
	enum policy_scope scope;
	uint32_t id;
	size_t n;
	struct policy_rule **rules;
};

/* A block that was compiled from these sections. */
struct compiled {
	struct compiled *next;
	struct policy_block *block;
	size_t n;
	size_t section[];
};

struct policy_set {
	size_t n;
	struct section *sections;
	size_t n_connect;
	struct policy_connect *connect;
	struct compiled *compiled;
};

struct policy_block *policy_block_ref(struct policy_block *b)
{
	b->refs++;
	return b;
}

struct policy_block *policy_block_unref(struct policy_block *b)
{
	if (b && !--b->refs)
		free(b);
	return NULL;
}

struct policy_set *policy_set_new(void)
{
	return calloc(1, sizeof(struct policy_set));
}

static void forget_compiled(struct policy_set *set)
{
	struct compiled *c;

	while ((c = set->compiled)) {
		set->compiled = c->next;
		policy_block_unref(c->block);
		free(c);
	}
}

struct policy_set *policy_set_free(struct policy_set *set)
{
	size_t i;

	if (!set)
		return NULL;
	forget_compiled(set);
	for (i = 0; i < set->n; i++) {
		struct section *s = &set->sections[i];

		while (s->n)
			free(s->rules[--s->n]);
		free(s->rules);
	}
	free(set->sections);
	free(set->connect);
	free(set);
	return NULL;
}

struct policy_set *policy_set_new_open(void)
{
	struct policy_set *set = policy_set_new();
	unsigned int kind;

	for (kind = 0; set && kind < POLICY_KINDS; kind++) {
		struct policy_rule r;

		policy_rule_init(&r, kind, true);
		r.eavesdrop = kind != POLICY_OWN;
		if (policy_set_add(set, POLICY_DEFAULT, 0, &r) < 0)
			set = policy_set_free(set);
	}
	return set;
}

/* One more element in an array of *@n; NULL leaves it as it was. */
static void *grow(void *array, size_t *n, size_t size)
{
	void *more;

	/* Powers of two suffice as capacities. */
	if (*n & (*n - 1))
		return array;
	more = realloc(array, (*n ? *n * 2 : 1) * size);
	return more;
}

static struct section *find_section(const struct policy_set *set,
				    enum policy_scope scope, uint32_t id)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (set->sections[i].scope == scope &&
		    set->sections[i].id == id)
			return &set->sections[i];
	return NULL;
}

static struct section *get_section(struct policy_set *set,
				   enum policy_scope scope, uint32_t id)
{
	struct section *s = find_section(set, scope, id);

	if (s)
		return s;
	s = grow(set->sections, &set->n, sizeof(*s));
	if (!s)
		return NULL;
	set->sections = s;
	s += set->n++;
	*s = (struct section){ .scope = scope, .id = id };
	return s;
}

/* The strings in the same piece of memory. */
static struct policy_rule *copy_rule(const struct policy_rule *r)
{
	size_t len = sizeof(*r), i;
	struct policy_rule *copy;
	char *at;

	for (i = 0; i < POLICY_STRINGS; i++)
		len += r->str[i].len;
	copy = malloc(len);
	if (!copy)
		return NULL;
	*copy = *r;
	at = (char *)(copy + 1);
	for (i = 0; i < POLICY_STRINGS; i++) {
		if (!r->str[i].s)
			continue;
		memcpy(at, r->str[i].s, r->str[i].len);
		copy->str[i].s = at;
		at += r->str[i].len;
	}
	return copy;
}

int policy_set_add(struct policy_set *set, enum policy_scope scope,
		   uint32_t id, const struct policy_rule *rule)
{
	struct section *s = get_section(set, scope, id);
	struct policy_rule **v, *copy;

	if (!s)
		return -ENOMEM;
	v = grow(s->rules, &s->n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->rules = v;
	copy = copy_rule(rule);
	if (!copy)
		return -ENOMEM;
	s->rules[s->n++] = copy;
	forget_compiled(set);
	return 0;
}

int policy_set_add_connect(struct policy_set *set,
			   const struct policy_connect *rule)
{
	struct policy_connect *v = grow(set->connect, &set->n_connect,
					sizeof(*v));

	if (!v)
		return -ENOMEM;
	set->connect = v;
	v[set->n_connect++] = *rule;
	return 0;
}

int policy_set_merge(struct policy_set *to, const struct policy_set *from)
{
	size_t i, j;
	int err = 0;

	for (i = 0; !err && i < from->n; i++) {
		const struct section *s = &from->sections[i];

		for (j = 0; !err && j < s->n; j++)
			err = policy_set_add(to, s->scope, s->id, s->rules[j]);
	}
	for (i = 0; !err && i < from->n_connect; i++)
		err = policy_set_add_connect(to, &from->connect[i]);
	return err;
}

/* ---- who may connect ---- */

static bool in_group(const struct creds *creds, gid_t gid)
{
	size_t i;

	for (i = 0; i < creds->n_groups; i++)
		if (creds->groups[i] == gid)
			return true;
	return false;
}

static bool is_meant(const struct policy_connect *r, const struct creds *creds)
{
	if (r->any)
		return true;
	return r->group ? in_group(creds, r->id) : creds->uid == r->id;
}

bool policy_set_connect(const struct policy_set *set, const struct creds *creds,
			uid_t owner)
{
	static const enum policy_scope scopes[] = {
		POLICY_DEFAULT, POLICY_MANDATORY,
	};
	bool allow = creds->uid == owner;
	size_t i, j;

	for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		for (j = 0; j < set->n_connect; j++)
			if (set->connect[j].scope == scopes[i] &&
			    is_meant(&set->connect[j], creds))
				allow = set->connect[j].allow;
	return allow;
}

/* ---- selecting and compiling ---- */

struct selection {
	const struct policy_set *set;
	size_t n;
	size_t *section;
};

static void choose(struct selection *sel, enum policy_scope scope, uint32_t id)
{
	struct section *s = find_section(sel->set, scope, id);

	if (s)
		sel->section[sel->n++] = (size_t)(s - sel->set->sections);
}

static void choose_all(struct selection *sel, const struct creds *creds)
{
	size_t i;

	choose(sel, POLICY_DEFAULT, 0);
	for (i = 0; creds && i < creds->n_groups; i++)
		choose(sel, POLICY_GROUP, creds->groups[i]);
	if (creds) {
		choose(sel, POLICY_USER, creds->uid);
		choose(sel, POLICY_NO_CONSOLE, 0);
	}
	choose(sel, POLICY_MANDATORY, 0);
}

static struct compiled *find_compiled(const struct selection *sel)
{
	struct compiled *c;

	for (c = sel->set->compiled; c; c = c->next)
		if (c->n == sel->n && !memcmp(c->section, sel->section,
					      sel->n * sizeof(*sel->section)))
			return c;
	return NULL;
}

static size_t gather(const struct selection *sel,
		     const struct policy_rule **rules)
{
	size_t i, n = 0;

	for (i = 0; i < sel->n; i++) {
		struct section *s = &sel->set->sections[sel->section[i]];

		if (rules)
			memcpy(rules + n, s->rules, s->n * sizeof(*rules));
		n += s->n;
	}
	return n;
}

static int compile_block(const struct selection *sel,
			 struct policy_block **ret)
{
	size_t n = gather(sel, NULL);
	const struct policy_rule **rules = calloc(n + 1, sizeof(*rules));
	struct policy_block *b = NULL;
	s64 len = -ENOMEM;

	if (!rules)
		return -ENOMEM;
	gather(sel, rules);
	len = policy_compile(NULL, 0, rules, n);
	if (len >= 0) {
		b = malloc(offsetof(struct policy_block, p) + (size_t)len);
		if (!b)
			len = -ENOMEM;
	}
	if (b) {
		policy_compile(&b->p, (size_t)len, rules, n);
		b->refs = 1;
		*ret = b;
	}
	free(rules);
	return len < 0 ? (int)len : 0;
}

static int compile_new(struct policy_set *set, const struct selection *sel,
		       struct compiled **ret)
{
	struct compiled *c = malloc(sizeof(*c) +
				    sel->n * sizeof(c->section[0]));
	int err = c ? compile_block(sel, &c->block) : -ENOMEM;

	if (err) {
		free(c);
		return err;
	}
	c->n = sel->n;
	memcpy(c->section, sel->section, sel->n * sizeof(c->section[0]));
	c->next = set->compiled;
	set->compiled = *ret = c;
	return 0;
}

int policy_set_compile(struct policy_set *set, const struct creds *creds,
		       struct policy_block **ret)
{
	size_t most = 4 + (creds ? creds->n_groups : 0);
	struct selection sel = { set, 0, calloc(most, sizeof(size_t)) };
	struct compiled *c;
	int err = 0;

	if (!sel.section)
		return -ENOMEM;
	choose_all(&sel, creds);
	c = find_compiled(&sel);
	if (!c)
		err = compile_new(set, &sel, &c);
	if (!err)
		*ret = policy_block_ref(c->block);
	free(sel.section);
	return err;
}

/* With the default rules, and those of the section @more if there is such. */
static bool is_open_with(struct policy_set *set, size_t more)
{
	size_t two[2];
	struct selection sel = { set, 0, two };
	struct policy_block *b;
	bool open;

	choose(&sel, POLICY_DEFAULT, 0);
	if (more < set->n && set->sections[more].scope != POLICY_DEFAULT)
		sel.section[sel.n++] = more;
	if (compile_block(&sel, &b) < 0)
		return false;
	open = policy_is_open(&b->p);
	policy_block_unref(b);
	return open;
}

/* What each section leaves open, all of them together leave open: an open
 * block has no rule that forbids behind the one that allows everything. */
bool policy_set_is_open(struct policy_set *set)
{
	size_t i;

	for (i = 0; i <= set->n; i++)
		if (!is_open_with(set, i))
			return false;
	return true;
}
