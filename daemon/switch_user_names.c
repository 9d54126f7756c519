// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Well-known names: where messages for them go, and which ports own them or
 * wait to own them. An entry lives as long as it has one or the other.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define TABLE_MIN 64U

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static uint64_t name_hash(struct us *us, const char *s, size_t len)
{
	uint64_t h = us->names_seed ^ len, v;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&v, s, 8);
		h = mix(h ^ v);
	}
	v = 0;
	memcpy(&v, s, len);
	return mix(h ^ v);
}

static struct uname **name_slot(struct us *us, const char *s, size_t len,
				uint64_t hash)
{
	struct uname **at = &us->names[hash & (us->names_size - 1)];
	struct uname *n;

	for (; (n = *at); at = &n->next)
		if (n->hash == hash && n->len == len &&
		    !memcmp(n->name, s, len))
			break;
	return at;
}

static struct uname *name_find(struct us *us, const char *name, size_t len)
{
	return *name_slot(us, name, len, name_hash(us, name, len));
}

uint64_t us_name_owner(struct us *us, const char *name, size_t len)
{
	struct uname *n = name_find(us, name, len);

	return n ? n->owner : 0;
}

static int names_grow(struct us *us)
{
	size_t size = us->names_size ? us->names_size * 2 : TABLE_MIN, i, to;
	struct uname **v, *n;

	if (us->names_n < us->names_size)
		return 0;
	v = calloc(size, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < us->names_size; i++) {
		while ((n = us->names[i])) {
			us->names[i] = n->next;
			to = n->hash & (size - 1);
			n->next = v[to];
			v[to] = n;
		}
	}
	free(us->names);
	us->names = v;
	us->names_size = size;
	return 0;
}

/* NULL: no memory. */
static struct uname *name_get(struct us *us, const char *name, size_t len)
{
	uint64_t hash = name_hash(us, name, len);
	struct uname *n = *name_slot(us, name, len, hash), **at;

	if (n)
		return n;
	if (names_grow(us))
		return NULL;
	n = malloc(sizeof(*n) + len);
	if (!n)
		return NULL;
	n->hash = hash;
	n->owner = 0;
	n->len = len;
	TAILQ_INIT(&n->claims);
	memcpy(n->name, name, len);
	at = &us->names[hash & (us->names_size - 1)];
	n->next = *at;
	*at = n;
	us->names_n++;
	return n;
}

static void name_put(struct us *us, struct uname *n)
{
	if (n->owner || !TAILQ_EMPTY(&n->claims))
		return;
	*name_slot(us, n->name, n->len, n->hash) = n->next;
	us->names_n--;
	free(n);
}

int us_name(struct sw *sw, const char *name, uint64_t addr)
{
	size_t len = strlen(name);
	struct us *us = to_us(sw);
	struct uname *n;

	if (!dbus_well_known_name_ok(name, len))
		return -EINVAL;
	if (addr && !us_find(us, addr))
		return -ENOENT;
	n = addr ? name_get(us, name, len) : name_find(us, name, len);
	if (!n)
		return addr ? -ENOMEM : 0;
	us->st.names += !!addr - !!n->owner;
	n->owner = addr;
	name_put(us, n);
	return 0;
}

/* ---- claims ---- */

static struct uclaim *claim_find(const struct uname *n, const struct uport *p)
{
	struct uclaim *c;

	TAILQ_FOREACH(c, &n->claims, by_name)
		if (c->port == p)
			return c;
	return NULL;
}

static int claim_add(struct us *us, struct uport *p, const char *name,
		     size_t len)
{
	struct uname *n = name_get(us, name, len);
	struct uclaim *c;

	if (!n)
		return -ENOMEM;
	if (claim_find(n, p))
		return 0;
	c = malloc(sizeof(*c));
	if (!c) {
		name_put(us, n);
		return -ENOMEM;
	}
	c->name = n;
	c->port = p;
	TAILQ_INSERT_TAIL(&n->claims, c, by_name);
	TAILQ_INSERT_TAIL(&p->claims, c, by_port);
	p->names |= policy_name_bit(name, len);
	return 0;
}

/* The bit of its name stays: it only tells where looking is in vain. */
static void claim_drop(struct us *us, struct uclaim *c)
{
	struct uname *n = c->name;

	TAILQ_REMOVE(&n->claims, c, by_name);
	TAILQ_REMOVE(&c->port->claims, c, by_port);
	free(c);
	name_put(us, n);
}

int us_claim(struct sw *sw, const char *name, uint64_t addr, bool on)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);
	size_t len = strlen(name);
	struct uname *n;
	struct uclaim *c;

	if (!p)
		return -ENOENT;
	if (on)
		return claim_add(us, p, name, len);
	n = name_find(us, name, len);
	c = n ? claim_find(n, p) : NULL;
	if (c)
		claim_drop(us, c);
	return 0;
}

void uport_drop_claims(struct us *us, struct uport *p)
{
	struct uclaim *c;

	while ((c = TAILQ_FIRST(&p->claims)))
		claim_drop(us, c);
}

bool us_next_name(struct us *us, uint64_t addr, void **at,
		  struct dbus_str *name)
{
	struct uport *p = addr ? us_find(us, addr) : NULL;
	struct uclaim *c = *at;

	if (!p)
		return false;
	c = c ? TAILQ_NEXT(c, by_port) : TAILQ_FIRST(&p->claims);
	while (c && c->name->owner != addr)
		c = TAILQ_NEXT(c, by_port);
	*at = c;
	if (c)
		*name = (struct dbus_str){ c->name->name, c->name->len };
	return c;
}

static bool owns_below(const struct uport *p, const char *ns, size_t len)
{
	struct uclaim *c;

	if (dbus_name_in_namespace(p->unique, p->unique_len, ns, len))
		return true;
	TAILQ_FOREACH(c, &p->claims, by_port)
		if (dbus_name_in_namespace(c->name->name, c->name->len, ns,
					   len))
			return true;
	return false;
}

bool uport_owns(void *ctx, const char *name, size_t len, bool below)
{
	const struct uend *end = ctx;
	struct uname *n;

	if (below)
		return owns_below(end->p, name, len);
	if (len && name[0] == ':')
		return len == end->p->unique_len &&
		       !memcmp(name, end->p->unique, len);
	n = name_find(end->us, name, len);
	return n && claim_find(n, end->p);
}

/* ---- begin and end ---- */

int us_names_init(struct us *us)
{
	if (getrandom(&us->names_seed, sizeof(us->names_seed), 0) < 0)
		us->names_seed = (uintptr_t)us;
	return names_grow(us);
}

/* All ports are gone, and their claims with them. */
void us_names_free(struct us *us)
{
	struct uname *n;
	size_t i;

	for (i = 0; i < us->names_size; i++) {
		while ((n = us->names[i])) {
			us->names[i] = n->next;
			free(n);
		}
	}
	free(us->names);
}
