// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which switch, and the way into it. */
#include "daemon/switch_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

struct range {
	uint64_t def, min, max;
};

/* As linux/bus.h says; the user's the kernel has too. */
static const struct range queue_bytes = { MIB(16), KIB(64), MIB(256) };
static const struct range user_bytes = { MIB(512), KIB(64), MIB(1 << 20) };
static const struct range message_bytes = { MIB(128), KIB(1), MIB(128) };
static const struct range message_fds = { 16, 1, 253 };
static const struct range queue_fds = { 1024, 1, 1 << 20 };
static const struct range stall_ms = { 10000, 1, 3600000 };

static bool pick(uint64_t *to, uint64_t want, const struct range *r)
{
	*to = want ? want : r->def;
	return *to >= r->min && *to <= r->max;
}

static bool pick32(uint32_t *to, uint32_t want, const struct range *r)
{
	uint64_t v;
	bool ok = pick(&v, want, r);

	*to = v;
	return ok;
}

int sw_limits_fill(struct bus_limits *to, const struct bus_limits *want)
{
	static const struct bus_limits none;
	uint64_t queue, user;

	if (!want)
		want = &none;
	if (!pick(&queue, want->queue_bytes, &queue_bytes) ||
	    !pick(&user, want->user_bytes, &user_bytes) ||
	    !pick32(&to->message_bytes, want->message_bytes, &message_bytes) ||
	    !pick32(&to->message_fds, want->message_fds, &message_fds) ||
	    !pick32(&to->queue_fds, want->queue_fds, &queue_fds) ||
	    !pick32(&to->stall_ms, want->stall_ms, &stall_ms))
		return -EINVAL;
	to->queue_bytes = queue;
	to->user_bytes = user;
	return 0;
}

int sw_new(struct sw **ret, const char *kind, const char *path, int bound,
	   struct sw_state *from, const struct bus_limits *limits,
	   sd_event *event, const struct sw_handler *handler, void *ctx)
{
	struct sw common = {
		.handler = *handler,
		.ctx = ctx,
		.event = event,
	};
	int r;

	r = sw_limits_fill(&common.limits, limits);
	if (r < 0)
		return r;
	if (!strcmp(kind, "user"))
		r = bound < 0 ? sw_user_new(ret, &common, from) :
				-EPROTONOSUPPORT;
	else if (!strcmp(kind, "kernel"))
		r = sw_kernel_new(ret, &common, path, bound, from);
	else
		r = -EINVAL;
	if (r < 0)
		return r;
	sd_event_ref(event);
	return 0;
}

struct sw *sw_free(struct sw *sw)
{
	sd_event *event;

	if (!sw)
		return NULL;
	event = sw->event;
	sw->ops->free(sw);
	sd_event_unref(event);
	return NULL;
}

int sw_loop(struct sw *sw)
{
	return sw->ops->loop ? sw->ops->loop(sw) : sd_event_loop(sw->event);
}

const char *sw_kind(const struct sw *sw)
{
	return sw->ops->kind;
}

int sw_attach(struct sw *sw, int fd, bool pass_fds, uint64_t *addr)
{
	return sw->ops->attach(sw, fd, pass_fds, addr);
}

int sw_activate(struct sw *sw, uint64_t addr)
{
	return sw->ops->activate(sw, addr);
}

int sw_detach(struct sw *sw, uint64_t addr)
{
	return sw->ops->detach(sw, addr);
}

int sw_name(struct sw *sw, const char *name, uint64_t addr)
{
	return sw->ops->name(sw, name, addr);
}

int sw_monitor(struct sw *sw, uint64_t addr)
{
	return sw_has_monitors(sw) ? sw->ops->monitor(sw, addr) : -EOPNOTSUPP;
}

int sw_cork(struct sw *sw, uint64_t addr, bool on)
{
	return sw->ops->cork ? sw->ops->cork(sw, addr, on) : 0;
}

bool sw_has_monitors(const struct sw *sw)
{
	if (!sw->ops->monitor)
		return false;
	return !sw->ops->has_monitors || sw->ops->has_monitors(sw);
}

bool sw_watched(const struct sw *sw)
{
	return sw->ops->watched && sw->ops->watched(sw);
}

void sw_show_first(struct sw *sw, bool on)
{
	if (sw->ops->show_first)
		sw->ops->show_first(sw, on);
}

int sw_show(struct sw *sw, uint64_t to, const void *msg, size_t len)
{
	return sw->ops->show ? sw->ops->show(sw, to, msg, len) : 0;
}

int sw_match_add(struct sw *sw, uint64_t addr, uint64_t cookie,
		 const char *rule)
{
	return sw->ops->match_add(sw, addr, cookie, rule);
}

int sw_match_del(struct sw *sw, uint64_t addr, uint64_t cookie)
{
	return sw->ops->match_del(sw, addr, cookie);
}

int sw_send(struct sw *sw, uint64_t addr, const void *msg, size_t len,
	    const int *fds, unsigned int n_fds)
{
	return sw->ops->send(sw, addr, msg, len, fds, n_fds);
}

int sw_broadcast(struct sw *sw, const void *msg, size_t len)
{
	return sw->ops->broadcast(sw, msg, len);
}

int sw_claim(struct sw *sw, const char *name, uint64_t addr, bool on)
{
	return sw->ops->claim ? sw->ops->claim(sw, name, addr, on) : 0;
}

int sw_about(struct sw *sw, uint64_t addr, const char *text)
{
	return sw->ops->about ? sw->ops->about(sw, addr, text) : 0;
}

int sw_policy(struct sw *sw, uint64_t addr, const struct policy *p)
{
	return sw->ops->policy ? sw->ops->policy(sw, addr, p) : 0;
}

int sw_limits(struct sw *sw, const struct sw_limits *limits)
{
	return sw->ops->limits ? sw->ops->limits(sw, limits) : 0;
}

int sw_forward(struct sw *sw, uint64_t from, uint64_t addr, const void *msg,
	       size_t len, const int *fds, unsigned int n_fds,
	       struct sw_ruling *ruling)
{
	if (!sw->ops->forward)
		return sw->ops->send(sw, addr, msg, len, fds, n_fds);
	return sw->ops->forward(sw, from, addr, msg, len, fds, n_fds, ruling);
}

int sw_queues(struct sw *sw, uint64_t addr, struct sw_queues *ret)
{
	return sw->ops->queues(sw, addr, ret);
}

int sw_port_stats(struct sw *sw, uint64_t addr, struct bus_port_stats *ret)
{
	return sw->ops->port_stats(sw, addr, ret);
}

int sw_stats(struct sw *sw, struct bus_stats *ret)
{
	return sw->ops->stats(sw, ret);
}

/* ---- outliving the daemon ---- */

void sw_begin(struct sw *sw)
{
	if (sw->ops->begin)
		sw->ops->begin(sw);
}

int sw_commit(struct sw *sw)
{
	return sw->ops->commit ? sw->ops->commit(sw) : 0;
}

int sw_note(struct sw *sw, uint64_t addr, uint64_t cookie, const void *data,
	    size_t len)
{
	if (len > SW_NOTE_MAX)
		return -E2BIG;
	return sw->ops->note ? sw->ops->note(sw, addr, cookie, data, len) :
			       -EOPNOTSUPP;
}

int sw_keep(struct sw *sw, uint64_t number, int fd)
{
	return sw->ops->keep ? sw->ops->keep(sw, number, fd) : -EOPNOTSUPP;
}

int sw_park(struct sw *sw, uint64_t number, const struct sw_message *m)
{
	return sw->ops->park ? sw->ops->park(sw, number, m) : -EOPNOTSUPP;
}

int sw_unpark(struct sw *sw, uint64_t number)
{
	return sw->ops->unpark ? sw->ops->unpark(sw, number) : -EOPNOTSUPP;
}

int sw_forward_parked(struct sw *sw, uint64_t number, uint64_t addr,
		      const struct sw_message *m, struct sw_ruling *ruling)
{
	int r;

	if (sw->ops->forward_parked)
		return sw->ops->forward_parked(sw, number, addr, m, ruling);
	r = sw_forward(sw, m->sender, addr, m->data, m->len, m->fds, m->n_fds,
		       ruling);
	sw_unpark(sw, number);
	return r;
}

int sw_persist(struct sw *sw, uint32_t ms)
{
	return sw->ops->persist ? sw->ops->persist(sw, ms) : -EOPNOTSUPP;
}

bool sw_has_past(const struct sw *sw)
{
	return sw->ops->has_past && sw->ops->has_past(sw);
}

int sw_restore(struct sw *sw, const struct sw_restorer *restorer, void *ctx)
{
	return sw->ops->restore ? sw->ops->restore(sw, restorer, ctx) :
				  -EOPNOTSUPP;
}

uint64_t sw_outage(const struct sw *sw)
{
	return sw->ops->outage ? sw->ops->outage(sw) : 0;
}

int sw_save(struct sw *sw, struct sw_state *to)
{
	return sw->ops->save ? sw->ops->save(sw, to) : -EOPNOTSUPP;
}

void sw_state_done(struct sw_state *state)
{
	if (state->memfd >= 0)
		close(state->memfd);
	free(state->fds);
	*state = (struct sw_state){ .memfd = -1 };
}
