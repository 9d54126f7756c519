// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who may send what to whom, and who waits for an answer from whom. The rules
 * are those of core/policy.h and core/replies.h.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 256U
#define SPARE_MAX 256U

/* ---- calls that wait ---- */

static struct reply *reply_get(struct us *us)
{
	struct reply *r = us->spare;

	if (!r)
		return malloc(sizeof(*r));
	us->spare = (struct reply *)r->caller;
	us->n_spare--;
	return r;
}

static void reply_put(struct us *us, struct reply *r)
{
	if (us->n_spare == SPARE_MAX) {
		free(r);
		return;
	}
	r->caller = (struct replies_port *)us->spare;
	us->spare = r;
	us->n_spare++;
}

static int buckets_grow(struct us *us)
{
	struct replies *t = &us->replies;
	size_t n = t->n_buckets ? t->n_buckets * 2 : BUCKETS_MIN;
	struct replies_link *v;

	if (t->n < t->n_buckets)
		return 0;
	v = calloc(n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (t->n_buckets)
		free(replies_resize(t, v, n));
	else
		replies_init(t, v, n, us->names_seed);
	return 0;
}

/* It may be early, for a call that has been answered since. */
static void timer_arm(struct us *us)
{
	const struct reply *r = replies_oldest(&us->replies);

	if (!r || us->reply_timed || us->lim.reply_timeout == UINT64_MAX)
		return;
	us->reply_timed = true;
	us_concern(us);
	sd_event_source_set_time(us->reply_timer,
				 r->since + us->lim.reply_timeout);
	sd_event_source_set_enabled(us->reply_timer, SD_EVENT_ONESHOT);
}

/* Takes @r, which is out of the table. */
static void tell(struct us *us, struct reply *r, bool gone)
{
	uint64_t addr = r->caller->addr;
	uint32_t serial = r->serial;

	reply_put(us, r);
	us_concern(us);
	us->sw.handler.no_reply(us->sw.ctx, addr, serial, gone);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct us *us = ctx;
	uint64_t now = us->now;
	struct reply *r;

	us_enter(us);
	us->reply_timed = false;
	while (us->lim.reply_timeout <= now &&
	       (r = replies_next_expired(&us->replies,
					 now - us->lim.reply_timeout)))
		tell(us, r, false);
	timer_arm(us);
	us_leave(us);
	return 0;
}

void us_tell_orphans(struct us *us)
{
	struct reply *r;

	while ((r = replies_next_orphan(&us->replies)))
		tell(us, r, true);
}

void uport_drop_replies(struct us *us, struct uport *p)
{
	struct reply *r;

	while ((r = replies_forget(&us->replies, &p->replies)))
		reply_put(us, r);
	replies_orphan(&us->replies, &p->replies);
}

static bool wants_reply(const struct dbus_header *h)
{
	return h->f.type == DBUS_TYPE_CALL && !(h->f.flags & DBUS_FLAG_NO_REPLY);
}

static struct reply *waiting_for(struct us *us, const struct uport *p,
				 const struct uport *t,
				 const struct dbus_header *h)
{
	if (!h->reply_serial)
		return NULL;
	return replies_find(&us->replies, &t->replies, &p->replies,
			    h->reply_serial);
}

static void cross_off(struct us *us, struct uport *p, struct uport *t,
		      const struct dbus_header *h)
{
	struct reply *r = waiting_for(us, p, t, h);

	if (!r)
		return;
	replies_del(&us->replies, r);
	reply_put(us, r);
}

int us_note(struct us *us, struct uport *p, struct uport *t,
	    const struct dbus_header *h)
{
	struct reply *r;

	if (wants_reply(h)) {
		r = buckets_grow(us) ? NULL : reply_get(us);
		if (!r)
			return -ENOMEM;
		replies_add(&us->replies, r, &p->replies, &t->replies,
			    h->f.serial, us->now);
		if (replies_oldest(&us->replies) == r)
			timer_arm(us);
	}
	cross_off(us, p, t, h);
	return 0;
}

int us_put_reply(struct us *us, struct uport *caller, struct uport *callee,
		 uint32_t serial, uint64_t age)
{
	struct reply *r;
	int err;

	if (replies_find(&us->replies, &caller->replies, &callee->replies,
			 serial))
		return -EBADMSG;
	err = buckets_grow(us);
	r = err ? NULL : reply_get(us);
	if (!r)
		return -ENOMEM;
	replies_add(&us->replies, r, &caller->replies, &callee->replies,
		    serial, us->now - age);
	return 0;
}

uint64_t us_reply_age(struct us *us, const struct reply *r)
{
	return us->now - r->since;
}

/* A reply that is forbidden was one all the same. */
void us_note_refusal(struct us *us, struct uport *p, struct uport *t,
		     const struct dbus_header *h,
		     const struct sw_ruling *ruling)
{
	if (ruling->requested)
		cross_off(us, p, t, h);
}

/* ---- may it? ---- */

static struct policy_msg question(struct us *us, struct uend *end,
				  const struct uport *p, const struct uport *t,
				  enum policy_kind kind,
				  const struct dbus_header *h)
{
	const struct uport *other = kind == POLICY_SEND ? t : p;
	struct policy_msg m = { .h = h };

	if (p)
		m.sender = (struct dbus_str){ p->unique, p->unique_len };
	else
		m.sender = h->sender;
	if (other) {
		*end = (struct uend){ us, other };
		m.end.owns = uport_owns;
		m.end.ctx = end;
		m.end.names = other->names;
	}
	return m;
}

/* The policy of @p or of @t, as @kind says. */
static unsigned int ask(struct us *us, const struct uport *p,
			const struct uport *t, enum policy_kind kind,
			const struct dbus_header *h, struct sw_ruling *ruling)
{
	const struct policy *policy = (kind == POLICY_SEND ? p : t)->policy;
	struct policy_msg m;
	struct uend end;
	unsigned int verdict;

	if (!policy || policy->open[kind] & 1)
		return POLICY_ALLOWED;
	m = question(us, &end, p, t, kind, h);
	m.requested = ruling->requested;
	verdict = policy_ask(policy, kind, &m);
	if (verdict != POLICY_ALLOWED)
		ruling->matched = policy_matching(policy, kind, &m);
	return verdict;
}

static int mediate(struct us *us, const struct uport *p,
		   const struct uport *t, const struct dbus_header *h,
		   bool requested)
{
	const struct sw_handler *up = &us->sw.handler;

	return up->mediate ? up->mediate(us->sw.ctx, p->addr, t->addr, h,
					 requested) : 0;
}

static enum sw_refusal may_call(struct us *us, const struct uport *p,
				const struct uport *t,
				const struct dbus_header *h)
{
	if (!wants_reply(h))
		return SW_ROUTED;
	if (replies_find(&us->replies, &p->replies, &t->replies, h->f.serial))
		return SW_SAME_SERIAL;
	return p->replies.n_calls >= us->lim.replies ? SW_TOO_MANY_CALLS :
						       SW_ROUTED;
}

bool us_admit(struct us *us, const struct uport *p, const struct uport *t,
	      const struct dbus_header *h, struct sw_ruling *ruling)
{
	unsigned int send;

	*ruling = (struct sw_ruling){
		.to = t->addr,
		.requested = waiting_for(us, p, t, h),
	};
	ruling->err = mediate(us, p, t, h, ruling->requested);
	if (ruling->err) {
		ruling->refusal = SW_DENIED_LSM;
		return false;
	}
	send = ask(us, p, t, POLICY_SEND, h, ruling);
	if (!(send & POLICY_ALLOWED))
		ruling->refusal = SW_DENIED_SEND;
	else if (!(ask(us, p, t, POLICY_RECEIVE, h, ruling) & POLICY_ALLOWED))
		ruling->refusal = SW_DENIED_RECEIVE;
	else
		ruling->refusal = may_call(us, p, t, h);
	if (ruling->refusal)
		return false;
	if (send & POLICY_LOGGED)
		ruling->refusal = SW_LOGGED;
	return true;
}

bool us_admit_cast(struct us *us, const struct uport *p, const struct uport *t,
		   const struct dbus_header *h, bool *log)
{
	struct sw_ruling ruling = { .requested = !p && h->reply_serial };
	unsigned int send = POLICY_ALLOWED;

	if (p && mediate(us, p, t, h, false))
		return false;
	if (p)
		send = ask(us, p, t, POLICY_SEND, h, &ruling);
	if (!(send & POLICY_ALLOWED))
		return false;
	if (send & POLICY_LOGGED)
		*log = true;
	return ask(us, p, t, POLICY_RECEIVE, h, &ruling) & POLICY_ALLOWED;
}

bool us_admit_eavesdropper(struct us *us, struct uport *p, struct uport *t,
			   struct uport *w, const struct dbus_header *h)
{
	/* No reply was promised to him. */
	struct sw_ruling ruling = { .requested = false };
	struct policy_msg m;
	struct uend end;

	if (mediate(us, p, w, h, false) ||
	    !(ask(us, p, w, POLICY_SEND, h, &ruling) & POLICY_ALLOWED))
		return false;
	if (!w->policy)
		return true;
	m = question(us, &end, p, w, POLICY_RECEIVE, h);
	m.eavesdropping = true;
	return policy_ask(w->policy, POLICY_RECEIVE, &m) & POLICY_ALLOWED;
}

/* ---- what the daemon sets ---- */

int us_policy(struct sw *sw, uint64_t addr, const struct policy *p)
{
	struct uport *port = us_find(to_us(sw), addr);

	if (!port)
		return -ENOENT;
	port->policy = p;
	return 0;
}

int us_limits(struct sw *sw, const struct sw_limits *limits)
{
	struct us *us = to_us(sw);
	struct bus_limits bus;
	int r = sw_limits_fill(&bus, &limits->bus);

	if (r)
		return r;
	us->sw.limits = bus;
	us->lim = *limits;
	us->reply_timed = false;
	timer_arm(us);
	return 0;
}

/* ---- begin and end ---- */

int us_policy_init(struct us *us)
{
	int r;

	us->lim = (struct sw_limits){
		.replies = SIZE_MAX,
		.reply_timeout = UINT64_MAX,
		.pending_fd_timeout = UINT64_MAX,
		.incoming_fds = SIZE_MAX,
	};
	r = sd_event_add_time(us->sw.event, &us->reply_timer, CLOCK_MONOTONIC,
			      0, 1000, on_timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(us->reply_timer, SD_EVENT_OFF);
	return r < 0 ? r : buckets_grow(us);
}

void us_policy_free(struct us *us)
{
	struct reply *r;

	sd_event_source_disable_unref(us->reply_timer);
	if (us->replies.n_buckets)
		while ((r = replies_next_orphan(&us->replies)))
			free(r);
	while ((r = us->spare)) {
		us->spare = (struct reply *)r->caller;
		free(r);
	}
	free(us->replies.buckets);
}
