// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/switch_kernel_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/bus.h"

struct kpolicy {
	struct hnode node;		/* policies, by the pointer */
	const struct policy *p;
	uint64_t id;
	size_t ports;
};

struct kport {
	struct hnode node;		/* ports, by the address */
	uint64_t addr;
	struct kpolicy *policy;
};

static struct kpolicy *find_policy(struct kernel_policies *k,
				   const struct policy *p)
{
	struct hnode *n;

	hmap_for_hash(n, &k->policies, hash_u64((uintptr_t)p)) {
		struct kpolicy *kp = container_of(n, struct kpolicy, node);

		if (kp->p == p)
			return kp;
	}
	return NULL;
}

static struct kport *find_port(struct kernel_policies *k, uint64_t addr)
{
	struct hnode *n;

	hmap_for_hash(n, &k->ports, hash_u64(addr)) {
		struct kport *port = container_of(n, struct kport, node);

		if (port->addr == addr)
			return port;
	}
	return NULL;
}

/* @p NULL: the kernel forgets it. */
static int put_down(int fd, uint64_t id, const struct policy *p)
{
	size_t len = sizeof(struct bus_policy) + (p ? p->size : 0);
	struct bus_policy *b = malloc(len);
	int r = 0;

	if (!b)
		return -ENOMEM;
	b->id = id;
	if (p)
		memcpy(b->data, p, p->size);
	if (setsockopt(fd, SOL_BUS, BUS_POLICY, b, len) < 0)
		r = -errno;
	free(b);
	return r;
}

/* What the kernel is still to be told may name it. */
static void policy_free(struct kernel_policies *k, struct kpolicy *kp)
{
	uint64_t *dead = reallocarray(k->dead, k->n_dead + 1, sizeof(*dead));

	/* Without memory the kernel keeps it for nobody. */
	if (dead) {
		k->dead = dead;
		dead[k->n_dead++] = kp->id;
	}
	hmap_del(&k->policies, &kp->node);
	free(kp);
}

static void policy_drop(struct kernel_policies *k, struct kpolicy *kp)
{
	if (kp && !--kp->ports)
		policy_free(k, kp);
}

void kernel_policies_flush(struct kernel_policies *k, int fd)
{
	while (k->n_dead)
		put_down(fd, k->dead[--k->n_dead], NULL);
}

static int policy_get(struct kernel_policies *k, int fd,
		      const struct policy *p, struct kpolicy **ret)
{
	struct kpolicy *kp = find_policy(k, p);
	int r;

	*ret = kp;
	if (kp)
		return 0;
	kp = calloc(1, sizeof(*kp));
	if (!kp)
		return -ENOMEM;
	kp->p = p;
	kp->id = k->last_id + 1;
	r = hmap_put(&k->policies, &kp->node, hash_u64((uintptr_t)p));
	if (!r) {
		r = put_down(fd, kp->id, p);
		if (r)
			hmap_del(&k->policies, &kp->node);
	}
	if (r) {
		free(kp);
		return r;
	}
	k->last_id++;
	*ret = kp;
	return 0;
}

static int port_get(struct kernel_policies *k, uint64_t addr,
		    struct kport **ret)
{
	struct kport *port = find_port(k, addr);

	*ret = port;
	if (port)
		return 0;
	port = calloc(1, sizeof(*port));
	if (!port)
		return -ENOMEM;
	port->addr = addr;
	if (hmap_put(&k->ports, &port->node, hash_u64(addr))) {
		free(port);
		return -ENOMEM;
	}
	*ret = port;
	return 0;
}

int kernel_policy_set(struct kernel_policies *k, int fd, uint64_t addr,
		      const struct policy *p)
{
	struct kpolicy *kp = NULL, *old;
	struct kport *port;
	int r;

	if (!p && !find_port(k, addr))
		return 0;
	r = port_get(k, addr, &port);
	if (r)
		return r;
	if (p)
		r = policy_get(k, fd, p, &kp);
	if (!r)
		r = k->tell(k->ctx, addr, kp ? kp->id : 0);
	if (r) {
		if (kp && !kp->ports)
			policy_free(k, kp);
		return r;
	}
	old = port->policy;
	port->policy = kp;
	if (kp)
		kp->ports++;
	policy_drop(k, old);
	return 0;
}

void kernel_policy_forget(struct kernel_policies *k, uint64_t addr)
{
	struct kport *port = find_port(k, addr);

	if (!port)
		return;
	policy_drop(k, port->policy);
	hmap_del(&k->ports, &port->node);
	free(port);
}

static void free_all(struct hmap *h, size_t offset)
{
	struct hnode *n;
	size_t i;

	for (i = 0; i < h->n_slots; i++)
		while ((n = h->slots[i])) {
			hmap_del(h, n);
			free((char *)n - offset);
		}
	hmap_clear(h);
}

void kernel_policies_clear(struct kernel_policies *k)
{
	free_all(&k->ports, offsetof(struct kport, node));
	free_all(&k->policies, offsetof(struct kpolicy, node));
	free(k->dead);
}
