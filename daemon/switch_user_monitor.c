// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Monitors, which see every message, and ports that eavesdrop.
 *
 * A monitor is a port out of routing whose rules are asked about everything:
 * what clients send, before it goes to anybody or to the daemon; what the
 * daemon sends. It gets one copy, at the message's place in the order of the
 * bus. One that is full makes senders wait as any receiver does, and is
 * removed when it takes too long.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>

/* What is asked about: sender and receiver, NULL for the driver or nobody. */
struct ends {
	struct us *us;
	uint64_t from, to;
};

static bool is_owner(struct us *us, uint64_t addr, const char *name,
		     size_t len)
{
	if (!addr || !len)
		return false;
	return (name[0] == ':' ? dbus_unique_parse(name, len) :
		us_name_owner(us, name, len)) == addr;
}

static bool owns(void *ctx, const char *name, size_t len)
{
	struct ends *e = ctx;

	return is_owner(e->us, e->from, name, len);
}

static bool names(void *ctx, void **at, struct dbus_str *name)
{
	struct ends *e = ctx;

	return us_next_name(e->us, e->from, at, name);
}

static bool receives(void *ctx, const char *name, size_t len)
{
	struct ends *e = ctx;

	return is_owner(e->us, e->to, name, len);
}

static bool wants(const struct uport *t, const struct match_msg *mm)
{
	struct urule *r;

	if (t->flags & UP_ENDED || !uport_takes(t, mm->h))
		return false;
	TAILQ_FOREACH(r, &t->rules, link)
		if (match_rule_eval(&r->rule, mm))
			return true;
	return false;
}

static struct match_msg question(struct ends *e, struct us *us,
				 struct uport *p, struct uport *t,
				 const struct dbus_header *h,
				 const uint8_t *body)
{
	struct match_msg mm = {
		.h = h,
		.sender = h->sender,
		.owns = owns,
		.names = names,
		.receives = receives,
		.ctx = e,
		.body = body,
		.body_len = h->f.body_len,
	};

	*e = (struct ends){ us, p ? p->addr : 0, t ? t->addr : 0 };
	/* Not stamped yet. */
	if (p)
		mm.sender = (struct dbus_str){ p->unique, (u32)p->unique_len };
	return mm;
}

/* ---- monitors ---- */

int us_watch(struct us *us, struct uport *p, struct uport *t,
	     const struct dbus_header *h, const uint8_t *body)
{
	struct match_msg mm;
	struct uport *w;
	struct ends e;

	us->seen.n = 0;
	if (TAILQ_EMPTY(&us->monitors))
		return 0;
	mm = question(&e, us, p, t, h, body);
	TAILQ_FOREACH(w, &us->monitors, monitor)
		if (wants(w, &mm) && uports_add(&us->seen, w))
			return -ENOMEM;
	return 0;
}

void us_show(struct us *us, struct umsg *m)
{
	if (us->seen.n)
		uports_commit(us, &us->seen, m);
	us->seen.n = 0;
}

/* They have missed something for want of memory. */
static void uports_end_all(struct us *us)
{
	struct uport *w;

	TAILQ_FOREACH(w, &us->monitors, monitor)
		uport_end(us, w, BUS_REASON_NOMEM);
}

static int show_now(struct us *us, struct uport *p, struct uport *t,
		    const struct dbus_header *h, const void *data, size_t len,
		    struct ufds *fds)
{
	struct umsg m = { .head = data, .head_len = len, .fds = fds };
	int r = us_watch(us, p, t, h, (const uint8_t *)data +
			 len - h->f.body_len);

	if (r || !us->seen.n)
		return r;
	uports_evict(us, &us->seen, len, fds ? fds->n : 0);
	us_show(us, &m);
	/* Neither is there longer than this. */
	us_flush(us);
	ubuf_unref(m.copy);
	return 0;
}

void us_show_handed_up(struct us *us)
{
	struct unshown *u = us->unshown;

	us->unshown = NULL;
	if (!u)
		return;
	if (show_now(us, u->p, NULL, u->h, u->data, u->len, u->fds))
		uports_end_all(us);
}

void us_op_show_first(struct sw *sw, bool on)
{
	to_us(sw)->show_first = on;
}

int us_show_daemons(struct us *us, struct uport *t, const void *msg,
		    size_t len, const int *fds, unsigned int n_fds)
{
	struct ufds *f = NULL;
	struct dbus_header h;
	int r;

	if (TAILQ_EMPTY(&us->monitors))
		return 0;
	if (!us->show_first)
		us_show_handed_up(us);
	r = us_header(&h, msg, len);
	if (r)
		return r;
	if (n_fds) {
		f = ufds_dup(fds, n_fds);
		if (!f)
			return -ENOMEM;
	}
	r = show_now(us, NULL, t, &h, msg, len, f);
	ufds_unref(f);
	return r;
}

int us_op_show(struct sw *sw, uint64_t to, const void *msg, size_t len)
{
	struct us *us = to_us(sw);
	int r;

	us_enter(us);
	r = us_show_daemons(us, us_find(us, to), msg, len, NULL, 0);
	us_leave(us);
	return r;
}

bool us_op_watched(const struct sw *sw)
{
	return !TAILQ_EMPTY(&((const struct us *)sw)->monitors);
}

int us_op_monitor(struct sw *sw, uint64_t addr)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, addr);

	if (!p || p->flags & UP_ENDED)
		return -ENOENT;
	uport_drop_rules(us, p);
	uport_drop_claims(us, p);
	uport_drop_replies(us, p);
	p->flags &= ~UP_ACTIVE;
	p->flags |= UP_MONITOR;
	TAILQ_INSERT_TAIL(&us->monitors, p, monitor);
	return 0;
}

/* ---- eavesdropping ---- */

int us_eavesdroppers(struct us *us, struct uport *p, struct uport *t,
		     const struct dbus_header *h, const uint8_t *body)
{
	struct uports *v = &us->recips;
	struct match_msg mm;
	struct uport *w;
	struct ends e;
	size_t i, n = 0;
	int r;

	v->n = 0;
	if (!us->n_eavesdrop)
		return 0;
	mm = question(&e, us, p, t, h, body);
	r = us_matching(us, v, &mm, false);
	if (r)
		return r;
	for (i = 0; i < v->n; i++) {
		w = v->v[i];
		if (w != t && us_admit_eavesdropper(us, p, t, w, h))
			v->v[n++] = w;
	}
	v->n = n;
	return 0;
}
