// SPDX-License-Identifier: LGPL-2.1-or-later
/* The switch in this process: ports, and the calls on them. */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TABLE_MIN 64U

void us_look_at_clock(struct us *us)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	us->now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t us_now(const struct us *us)
{
	return us->now / 1000;
}

/* ---- ports ---- */

/* Addresses follow each other: their low bits are a perfect hash. */
static struct uport **port_slot(struct us *us, uint64_t addr)
{
	struct uport **at = &us->ports[addr & (us->ports_size - 1)];

	while (*at && (*at)->addr != addr)
		at = &(*at)->next;
	return at;
}

struct uport *us_find(struct us *us, uint64_t addr)
{
	return *port_slot(us, addr);
}

static int ports_grow(struct us *us)
{
	size_t size = us->ports_size ? us->ports_size * 2 : TABLE_MIN, i, to;
	struct uport **v, *p;

	if (us->st.ports < us->ports_size)
		return 0;
	v = calloc(size, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < us->ports_size; i++) {
		while ((p = us->ports[i])) {
			us->ports[i] = p->next;
			to = p->addr & (size - 1);
			p->next = v[to];
			v[to] = p;
		}
	}
	free(us->ports);
	us->ports = v;
	us->ports_size = size;
	return 0;
}

static void port_insert(struct us *us, struct uport *p)
{
	struct uport **at = &us->ports[p->addr & (us->ports_size - 1)];

	p->next = *at;
	*at = p;
	us->st.ports++;
	TAILQ_INSERT_TAIL(&us->all, p, link);
}

static void port_remove(struct us *us, struct uport *p)
{
	*port_slot(us, p->addr) = p->next;
	us->st.ports--;
	TAILQ_REMOVE(&us->all, p, link);
}

static struct uport *uport_new(int fd, bool pass_fds)
{
	struct uport *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fd = fd;
	p->flags = pass_fds ? UP_FDS : 0;
	TAILQ_INIT(&p->waiters);
	TAILQ_INIT(&p->queue);
	TAILQ_INIT(&p->rules);
	TAILQ_INIT(&p->claims);
	TAILQ_INIT(&p->notes);
	return p;
}

static int set_user(struct us *us, struct uport *p)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	p->user = uuser_get(us, cred.uid);
	return p->user ? 0 : -ENOMEM;
}

/* @fd stays the caller's on failure. @addr has never been used. */
int us_port_add(struct us *us, int fd, bool pass_fds, uint64_t addr,
		struct uport **ret)
{
	struct uport *p = uport_new(fd, pass_fds);
	int r;

	if (!p)
		return -ENOMEM;
	r = set_user(us, p);
	if (!r)
		r = ports_grow(us);
	if (!r)
		r = uport_poll(us, p);
	if (r) {
		uuser_put(p->user);
		free(p);
		return r;
	}
	p->addr = p->st.addr = addr;
	p->unique_len = dbus_unique_format(p->addr, p->unique);
	p->names = policy_name_bit(p->unique, p->unique_len);
	replies_port_init(&p->replies, p->addr);
	port_insert(us, p);
	*ret = p;
	return 0;
}

static int user_attach(struct sw *sw, int fd, bool pass_fds, uint64_t *addr)
{
	struct us *us = to_us(sw);
	struct uport *p;
	int r;

	r = us_port_add(us, fd, pass_fds, us->last_addr + 1, &p);
	if (r)
		close(fd);
	else
		*addr = ++us->last_addr;
	return r;
}

/* Out of all tables; only its queue is still of interest. */
void uport_make_zombie(struct us *us, struct uport *p)
{
	p->flags |= UP_DETACHED | UP_ENDED;
	port_remove(us, p);
	p->zombie_since = us_now(us);
	TAILQ_INSERT_TAIL(&us->zombies, p, link);
}

void uport_bury(struct us *us, struct uport *p)
{
	TAILQ_REMOVE(&us->zombies, p, link);
	TAILQ_INSERT_TAIL(&us->dead, p, link);
	p->flags |= UP_DEAD;
}

void uport_free(struct us *us, struct uport *p)
{
	TAILQ_REMOVE(&us->dead, p, link);
	uport_unpoll(us, p);
	close(p->fd);
	uuser_put(p->user);
	free(p->pool);
	free(p);
}

static int user_detach(struct sw *sw, uint64_t addr)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);

	if (!p)
		return -ENOENT;
	us_enter(us);
	uport_end(us, p, BUS_REASON_HANGUP);
	if (p->flags & UP_REPORT)
		TAILQ_REMOVE(&us->ended, p, ended);
	p->flags &= ~UP_REPORT;
	uport_drop_rules(us, p);
	uport_drop_claims(us, p);
	uport_drop_replies(us, p);
	us_drop_notes(us, p);
	p->policy = NULL;
	uport_make_zombie(us, p);
	uport_flush(us, p);
	if (TAILQ_EMPTY(&p->queue))
		uport_bury(us, p);
	else
		us_tick(us);
	us_leave(us);
	return 0;
}

static int user_activate(struct sw *sw, uint64_t addr)
{
	struct uport *p = us_find(to_us(sw), addr);

	if (!p || p->flags & UP_ENDED)
		return -ENOENT;
	p->flags |= UP_ACTIVE;
	return 0;
}

/* ---- sending ---- */

static int user_send(struct sw *sw, uint64_t addr, const void *msg, size_t len,
		     const int *fds, unsigned int n_fds)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);
	int r;

	if (!p || p->flags & UP_ENDED)
		return -ENOENT;
	us_enter(us);
	r = us_show_daemons(us, p, msg, len, fds, n_fds);
	if (!r)
		r = us_daemon_send(us, p, msg, len, fds, n_fds);
	us_leave(us);
	return r;
}

static int user_broadcast(struct sw *sw, const void *msg, size_t len)
{
	struct us *us = to_us(sw);
	struct dbus_header h;
	int r;

	r = us_header(&h, msg, len);
	if (r)
		return r;
	us_enter(us);
	r = us_show_daemons(us, NULL, msg, len, NULL, 0);
	if (!r)
		r = us_daemon_broadcast(us, &h, msg, len);
	us_leave(us);
	return r;
}

/* ---- figures ---- */

static uint32_t stats_flags(const struct uport *p)
{
	return (p->flags & UP_ACTIVE ? BUS_PORT_ACTIVE : 0) |
	       (p->flags & UP_ENDED ? BUS_PORT_ENDED : 0) |
	       (p->flags & UP_FDS ? BUS_PORT_FDS : 0) |
	       (p->waits_for ? BUS_PORT_WAITING : 0);
}

static int user_port_stats(struct sw *sw, uint64_t addr,
			   struct bus_port_stats *ret)
{
	struct uport *p = us_find(to_us(sw), addr);

	if (!p)
		return -ENOENT;
	*ret = p->st;
	ret->queue_bytes = p->queued;
	ret->queue_fds = p->queued_fds;
	ret->flags = stats_flags(p);
	return 0;
}

static int user_queues(struct sw *sw, uint64_t addr, struct sw_queues *ret)
{
	struct uport *p = us_find(to_us(sw), addr);

	if (!p)
		return -ENOENT;
	*ret = p->q;
	ret->in.msgs = p->waits_for || p->flags & UP_READY;
	ret->in.bytes = p->in ? p->in->len - p->in_off : 0;
	ret->in.fds = p->n_pool;
	ret->out.bytes = p->queued;
	ret->out.fds = p->queued_fds;
	return 0;
}

static int user_stats(struct sw *sw, struct bus_stats *ret)
{
	*ret = to_us(sw)->st;
	return 0;
}

/* ---- begin and end ---- */

static void user_free(struct sw *sw)
{
	struct us *us = to_us(sw);
	struct uport *p;

	us_enter(us);
	while ((p = TAILQ_FIRST(&us->all)))
		user_detach(sw, p->addr);
	while ((p = TAILQ_FIRST(&us->zombies))) {
		uport_drop_output(us, p);
		uport_bury(us, p);
	}
	us_leave(us);
	us_loop_free(us);
	us_names_free(us);
	us_rules_free(us);
	us_policy_free(us);
	us_keep_free(us);
	free(us->ports);
	free(us->recips.v);
	free(us->seen.v);
	free(us);
}

static const struct sw_ops user_ops = {
	.kind = "user",
	.free = user_free,
	.loop = us_loop,
	.attach = user_attach,
	.activate = user_activate,
	.detach = user_detach,
	.name = us_name,
	.claim = us_claim,
	.policy = us_policy,
	.limits = us_limits,
	.forward = us_forward,
	.monitor = us_op_monitor,
	.watched = us_op_watched,
	.show_first = us_op_show_first,
	.show = us_op_show,
	.match_add = us_match_add,
	.match_del = us_match_del,
	.send = user_send,
	.broadcast = user_broadcast,
	.queues = user_queues,
	.port_stats = user_port_stats,
	.stats = user_stats,
	.note = us_op_note,
	.keep = us_op_keep,
	.park = us_op_park,
	.unpark = us_op_unpark,
	.has_past = us_op_has_past,
	.restore = us_op_restore,
	.save = us_op_save,
	.outage = us_op_outage,
};

static void lists_init(struct us *us)
{
	LIST_INIT(&us->users);
	TAILQ_INIT(&us->all);
	TAILQ_INIT(&us->monitors);
	TAILQ_INIT(&us->pooled);
	TAILQ_INIT(&us->keeping);
	TAILQ_INIT(&us->full);
	TAILQ_INIT(&us->ready);
	TAILQ_INIT(&us->dirty);
	TAILQ_INIT(&us->ended);
	TAILQ_INIT(&us->zombies);
	TAILQ_INIT(&us->dead);
	TAILQ_INIT(&us->keep.notes);
	TAILQ_INIT(&us->keep.kept);
	TAILQ_INIT(&us->keep.parked);
}

int sw_user_new(struct sw **ret, const struct sw *common,
		struct sw_state *from)
{
	struct us *us = calloc(1, sizeof(*us));
	int r;

	if (!us)
		return -ENOMEM;
	us->sw = *common;
	us->sw.ops = &user_ops;
	us->epfd = -1;
	us->owner = US_NOBODY;
	us->keep.past.memfd = -1;
	lists_init(us);
	us_rules_init(us);
	us_look_at_clock(us);
	us->concerned = true;
	r = us_loop_init(us);
	if (!r)
		r = ports_grow(us);
	if (!r)
		r = us_names_init(us);
	if (!r)
		r = us_policy_init(us);
	if (r) {
		user_free(&us->sw);
		return r;
	}
	if (from)
		us_take_past(us, from);
	*ret = &us->sw;
	return 0;
}
