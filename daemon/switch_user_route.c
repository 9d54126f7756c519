// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who gets a message, and who waits for whom.
 *
 * Everything happens in one thread and a message is committed to all its
 * receivers before the next one is looked at: that is the order of the bus.
 * What is pending in us->pend is committed too: no client can react to a
 * message it has not got, and none is read before all that is pending was
 * sent.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>

/* SENDER adds at most: padding, code, signature, length, name, NUL, padding */
#define STAMP_ROOM	(8 + 4 + 4 + DBUS_UNIQUE_MAX + 8)
#define STAMP_LONG	(16U << 10)
#define COST_UPCALL	16U

/* ---- room, and waiting for it ---- */

static size_t waiter_mark(struct us *us)
{
	return us->sw.limits.queue_bytes - us->sw.limits.queue_bytes / 4;
}

/* The first of each user: one whose share is used up is in nobody's way. */
void us_wake_waiter(struct us *us, struct uport *t)
{
	struct uport *w;

	if (TAILQ_EMPTY(&t->waiters) || t->queued > waiter_mark(us))
		return;
	us->woken++;
	TAILQ_FOREACH(w, &t->waiters, wait) {
		if (w->user->woken == us->woken)
			continue;
		w->user->woken = us->woken;
		/* Ready means: tries again; it keeps its place until it
		 * succeeds. */
		uport_ready(us, w);
	}
}

void us_wait_done(struct us *us, struct uport *p)
{
	struct uport *t = p->waits_for;

	if (!t)
		return;
	p->waits_for = NULL;
	TAILQ_REMOVE(&t->waiters, p, wait);
	if (TAILQ_EMPTY(&t->waiters))
		TAILQ_REMOVE(&us->full, t, full);
	else
		us_wake_waiter(us, t);
}

static int wait_for(struct us *us, struct uport *p, struct uport *t)
{
	if (p->waits_for == t)
		return -EAGAIN;
	if (!p->waits_for) {
		p->st.held++;
		us->st.held++;
	}
	us_wait_done(us, p);
	if (TAILQ_EMPTY(&t->waiters)) {
		TAILQ_INSERT_TAIL(&us->full, t, full);
		t->flags &= ~UP_SLOW;
	}
	TAILQ_INSERT_TAIL(&t->waiters, p, wait);
	p->waits_for = t;
	p->waits_since = us_now(us);
	us_tick(us);
	return -EAGAIN;
}

void us_put_wait(struct us *us, struct uport *p, struct uport *t, uint64_t age)
{
	wait_for(us, p, t);
	p->waits_since = us_now(us) - age;
	p->st.held--;
	us->st.held--;
	uport_arm(us, p);
}

static bool fits(struct us *us, const struct uport *t, size_t len,
		 unsigned int n_fds, unsigned int times)
{
	const struct bus_limits *l = &us->sw.limits;
	size_t max = times * l->queue_bytes + (times > 1 ? t->oversize : 0);

	if (t->queued && t->queued + len > max)
		return false;
	return !n_fds || !t->queued_fds ||
	       t->queued_fds + n_fds <= times * l->queue_fds;
}

/* The receiver's own user shares with nobody: it is its own queue. */
static bool in_share(struct us *us, const struct uport *t,
		     const struct uport *p, size_t len, unsigned int n_fds)
{
	const struct bus_limits *l = &us->sw.limits;
	uid_t uid = p->user->uid;

	if (p->user == t->user || !t->queued)
		return true;
	return shares_ok(&t->shares, uid, t->queued, len, l->queue_bytes) &&
	       (!n_fds || shares_ok(&t->fd_shares, uid, t->queued_fds, n_fds,
				    l->queue_fds));
}

/* Who of @p's user has waited for @t longest, or NULL. */
static const struct uport *first_waiter(const struct uport *t,
					const struct uport *p)
{
	const struct uport *w;

	TAILQ_FOREACH(w, &t->waiters, wait)
		if (w->user == p->user)
			return w;
	return NULL;
}

/* Room for @p's message, and nobody has been waiting for it longer? */
static bool room(struct us *us, struct uport *t, struct uport *p,
		 const struct dbus_header *h)
{
	const struct uport *first = first_waiter(t, p);

	if (first && first != p)
		return false;
	if (!in_share(us, t, p, h->f.total_len, h->unix_fds))
		return false;
	return fits(us, t, h->f.total_len, h->unix_fds, 1);
}

/* ---- stamping ---- */

/* A header of extraordinary length: the message is put together anew. */
static int stamp_long(struct uport *p, const struct dbus_header *h,
		      const uint8_t *data, struct umsg *m)
{
	size_t size = h->f.header_len + STAMP_ROOM;
	struct ubuf *b = ubuf_new(size + h->f.body_len);
	s64 len;

	if (!b)
		return BUS_REASON_NOMEM;
	len = dbus_header_stamp(h, p->unique, p->unique_len, b->data, size);
	if (len < 0) {
		ubuf_unref(b);
		return BUS_REASON_PROTOCOL;
	}
	memcpy(b->data + len, data + h->f.header_len, h->f.body_len);
	b->len = len + h->f.body_len;
	m->copy = b;
	m->head = b->data;
	m->head_len = b->len;
	return 0;
}

static int stamp(struct us *us, struct uport *p, const struct dbus_header *h,
		 const uint8_t *data, struct umsg *m)
{
	size_t size = h->f.header_len + STAMP_ROOM, body = h->f.body_len;
	uint8_t *at;
	s64 len;

	if (size > STAMP_LONG)
		return stamp_long(p, h, data, m);
	at = us_arena(us, size + US_BODY_COPY);
	len = dbus_header_stamp(h, p->unique, p->unique_len, at, size);
	if (len < 0)
		return BUS_REASON_PROTOCOL;
	m->head = at;
	data += h->f.header_len;
	if (body <= US_BODY_COPY) {
		memcpy(at + len, data, body);
		len += body;
	} else {
		m->body = data;
		m->body_len = body;
	}
	m->head_len = len;
	us->arena_len -= size + US_BODY_COPY - len;
	return 0;
}

static int take_fds(struct us *us, struct uport *p, unsigned int n,
		    struct ufds **ret)
{
	if (!n)
		return 0;
	*ret = ufds_new(p->pool, n);
	if (!*ret)
		return BUS_REASON_NOMEM;
	p->n_pool -= n;
	memmove(p->pool, p->pool + n, p->n_pool * sizeof(*p->pool));
	if (p->n_pool)
		p->pool_since = us_now(us);
	else
		TAILQ_REMOVE(&us->pooled, p, pooled);
	return 0;
}

static int msg_make(struct us *us, struct uport *p,
		    const struct dbus_header *h, const uint8_t *data,
		    struct umsg *m)
{
	int r;

	memset(m, 0, sizeof(*m));
	r = stamp(us, p, h, data, m);
	if (!r)
		r = take_fds(us, p, h->unix_fds, &m->fds);
	if (r)
		ubuf_unref(m->copy);
	return r;
}

static void msg_done(struct us *us, struct umsg *m)
{
	/* What is pending may point into the copy. */
	if (m->copy)
		us_flush(us);
	ubuf_unref(m->copy);
	ufds_unref(m->fds);
}

static void count_sent(struct us *us, struct uport *p, size_t len)
{
	us->st.seq++;
	p->st.sent_msgs++;
	p->st.sent_bytes += len;
}

static void count_received(struct uport *t, size_t len)
{
	t->st.received_msgs++;
	t->st.received_bytes += len;
}

/* ---- to the daemon ---- */

static int hand_up(struct us *us, struct uport *p, const uint8_t *data,
		   size_t len, struct ufds *f, const struct sw_ruling *ruling)
{
	struct sw_message m = {
		.sender = p->addr,
		.data = data,
		.len = len,
		.fds = f ? f->fd : NULL,
		.n_fds = f ? f->n : 0,
	};
	struct dbus_header h;
	struct dbus_frame fr;

	if (dbus_frame_parse(&fr, data, DBUS_MAX_MESSAGE) ||
	    dbus_header_parse(&h, data, fr.header_len, DBUS_MAX_MESSAGE))
		return BUS_REASON_PROTOCOL;
	m.h = &h;
	if (ruling)
		m.ruling = *ruling;
	us->st.seq++;
	p->st.master_msgs++;
	p->st.master_bytes += len;
	us_concern(us);
	us->sw.handler.message(us->sw.ctx, &m);
	return 0;
}

/* Who eavesdrops hears what is said to the driver. */
static void overhear(struct us *us, const struct unshown *u)
{
	struct umsg m = {
		.head = u->data, .head_len = u->len, .fds = u->fds,
	};
	uint64_t addr;

	if (!us->n_eavesdrop || !(u->p->flags & UP_ACTIVE) ||
	    dbus_header_route(u->h, &addr) != DBUS_ROUTE_MASTER ||
	    us_eavesdroppers(us, u->p, NULL, u->h,
			     u->data + u->len - u->h->f.body_len))
		return;
	uports_evict(us, &us->recips, u->len, u->h->unix_fds);
	uports_commit(us, &us->recips, &m);
	/* The buffer is used again. */
	us_flush(us);
	ubuf_unref(m.copy);
}

/* What goes to the daemon is seen by others too. */
static int hand_up_seen(struct us *us, struct uport *p,
			const struct dbus_header *h, const uint8_t *data,
			size_t len, struct ufds *f,
			const struct sw_ruling *ruling)
{
	struct unshown u = { p, h, data, len, f };
	int r;

	overhear(us, &u);
	if (us_op_watched(&us->sw) && !(p->flags & UP_MONITOR))
		/* cppcheck-suppress autoVariables ; forgotten below */
		us->unshown = &u;
	r = hand_up(us, p, data, len, f, ruling);
	us_show_handed_up(us);
	return r;
}

/* @ruling: it was refused, or is only shown; or NULL. */
static int up(struct us *us, struct uport *p, const struct dbus_header *h,
	      const uint8_t *data, const struct sw_ruling *ruling)
{
	bool shown = ruling && (ruling->refusal == SW_LOGGED ||
				ruling->refusal == SW_DENIED_CAST);
	size_t size = h->f.header_len + STAMP_ROOM;
	size_t all = size + h->f.body_len;
	struct ufds *f = NULL;
	uint8_t *buf = us->up;
	int r = BUS_REASON_PROTOCOL;
	s64 len;

	if (all > sizeof(us->up))
		buf = malloc(all);
	if (!buf)
		return BUS_REASON_NOMEM;
	us->cost += COST_UPCALL;
	len = dbus_header_stamp(h, p->unique, p->unique_len, buf, size);
	if (len > 0)
		r = shown ? 0 : take_fds(us, p, h->unix_fds, &f);
	if (!r) {
		memcpy(buf + len, data + h->f.header_len, h->f.body_len);
		len += h->f.body_len;
		r = (shown ? hand_up(us, p, buf, len, f, ruling) :
		     hand_up_seen(us, p, h, buf, len, f, ruling));
	}
	ufds_unref(f);
	if (buf != us->up)
		free(buf);
	return r;
}

static int to_daemon(struct us *us, struct uport *p,
		     const struct dbus_header *h, const uint8_t *data,
		     __u64 *counter)
{
	++*counter;
	return up(us, p, h, data, NULL);
}

/* The daemon tells the sender. */
static int refuse(struct us *us, struct uport *p, struct uport *t,
		  const struct dbus_header *h, const uint8_t *data,
		  const struct sw_ruling *ruling)
{
	us_note_refusal(us, p, t, h, ruling);
	p->st.refused++;
	us->st.refused++;
	return up(us, p, h, data, ruling);
}

/* ---- several receivers ---- */

int uports_add(struct uports *v, struct uport *t)
{
	size_t size = v->size ? v->size * 2 : 64;
	struct uport **p;

	if (v->n == v->size) {
		p = realloc(v->v, size * sizeof(*p));
		if (!p)
			return -ENOMEM;
		v->v = p;
		v->size = size;
	}
	v->v[v->n++] = t;
	return 0;
}

void uports_commit(struct us *us, struct uports *v, struct umsg *m)
{
	size_t i, len = m->head_len + m->body_len;

	m->several |= v->n > 1;
	for (i = 0; i < v->n; i++) {
		us_commit(us, v->v[i], m);
		count_received(v->v[i], len);
	}
}

/* Who has no room, or NULL. */
static struct uport *uports_full(struct us *us, const struct uports *v,
				 struct uport *p, const struct dbus_header *h)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (!room(us, v->v[i], p, h))
			return v->v[i];
	return NULL;
}

void uports_evict(struct us *us, struct uports *v, size_t len,
		  unsigned int n_fds)
{
	size_t i, n = 0;

	for (i = 0; i < v->n; i++) {
		if (fits(us, v->v[i], len, n_fds, 2))
			v->v[n++] = v->v[i];
		else
			uport_end(us, v->v[i], BUS_REASON_STALLED);
	}
	v->n = n;
}

/* ---- unicast ---- */

static int unicast(struct us *us, struct uport *p, const struct dbus_header *h,
		   const uint8_t *data, uint64_t addr)
{
	struct uport *t = us_find(us, addr);
	struct sw_ruling ruling;
	struct uport *full;
	struct umsg m;
	size_t len;
	int r;

	/* Nobody there, or one without files: the daemon answers. */
	if (!t || !(t->flags & UP_ACTIVE) ||
	    (h->unix_fds && !(t->flags & UP_FDS)))
		return to_daemon(us, p, h, data, &us->st.master_unknown);
	if (!us_admit(us, p, t, h, &ruling))
		return refuse(us, p, t, h, data, &ruling);
	if (!room(us, t, p, h))
		return wait_for(us, p, t);
	r = us_eavesdroppers(us, p, t, h, data + h->f.header_len);
	if (r)
		return BUS_REASON_NOMEM;
	full = uports_full(us, &us->recips, p, h);
	if (full)
		return wait_for(us, p, full);
	if (ruling.refusal)
		up(us, p, h, data, &ruling);
	if (us_note(us, p, t, h))
		return BUS_REASON_NOMEM;
	r = msg_make(us, p, h, data, &m);
	if (r)
		return r;
	len = m.head_len + m.body_len;
	us_show(us, &m);
	m.several |= us->recips.n;
	us_commit(us, t, &m);
	uports_commit(us, &us->recips, &m);
	msg_done(us, &m);
	us->cost++;
	us->st.unicast_msgs++;
	us->st.unicast_bytes += len;
	count_sent(us, p, len);
	count_received(t, len);
	return 0;
}

/* ---- broadcast ---- */

struct owns_ctx {
	struct us *us;
	uint64_t addr;
};

static bool owns(void *ctx, const char *name, size_t len)
{
	struct owns_ctx *c = ctx;

	return c->addr && us_name_owner(c->us, name, len) == c->addr;
}

static bool names(void *ctx, void **at, struct dbus_str *name)
{
	struct owns_ctx *c = ctx;

	return us_next_name(c->us, c->addr, at, name);
}

/* @p: the sender, NULL for the driver. */
static int collect(struct us *us, struct uport *p, const struct match_msg *mm,
		   bool *log)
{
	struct uports *v = &us->recips;
	size_t i, n = 0;
	int r;

	r = us_matching(us, v, mm, true);
	if (r)
		return r;
	for (i = 0; i < v->n; i++)
		if (us_admit_cast(us, p, v->v[i], mm->h, log))
			v->v[n++] = v->v[i];
	us->n_denied = v->n - n;
	v->n = n;
	return 0;
}

static int collect_for(struct us *us, struct uport *p,
		       const struct dbus_header *h, const uint8_t *data,
		       bool *log)
{
	struct owns_ctx c = { us, p->addr };
	struct match_msg mm = {
		.h = h,
		.sender = { p->unique, p->unique_len },
		.owns = owns,
		.names = names,
		.ctx = &c,
		.body = data + h->f.header_len,
		.body_len = h->f.body_len,
	};

	return collect(us, p, &mm, log);
}

/* Monitors are told who did not get it. */
static void show_denials(struct us *us, struct uport *p,
			 const struct dbus_header *h, const uint8_t *data)
{
	struct sw_ruling ruling = { .refusal = SW_DENIED_CAST };
	unsigned int n = us_op_watched(&us->sw) ? us->n_denied : 0;

	for (; n && p->flags & UP_ACTIVE; n--)
		up(us, p, h, data, &ruling);
}

static int broadcast(struct us *us, struct uport *p,
		     const struct dbus_header *h, const uint8_t *data)
{
	struct sw_ruling shown = { .refusal = SW_LOGGED };
	struct uport *full;
	struct umsg m;
	bool log = false;
	int r;

	if (collect_for(us, p, h, data, &log))
		return BUS_REASON_NOMEM;
	full = uports_full(us, &us->recips, p, h);
	if (full)
		return wait_for(us, p, full);
	if (log)
		up(us, p, h, data, &shown);
	r = msg_make(us, p, h, data, &m);
	if (r)
		return r;
	count_sent(us, p, m.head_len + m.body_len);
	us_show(us, &m);
	uports_commit(us, &us->recips, &m);
	msg_done(us, &m);
	us->cost += 1 + us->recips.n;
	us->st.broadcast_msgs++;
	us->st.broadcast_copies += us->recips.n;
	if (us->n_denied)
		show_denials(us, p, h, data);
	return 0;
}

/* ---- */

static int ignore(struct us *us, struct uport *p, const struct dbus_header *h)
{
	struct ufds *f = NULL;
	int r;

	r = take_fds(us, p, h->unix_fds, &f);
	ufds_unref(f);
	us->cost++;
	p->st.refused++;
	us->st.refused++;
	return r;
}

static int route(struct us *us, struct uport *p, const struct dbus_header *h,
		 const uint8_t *data)
{
	uint64_t addr = 0;

	if (!(p->flags & UP_ACTIVE))
		return to_daemon(us, p, h, data, &us->st.master_inactive);
	switch (dbus_header_route(h, &addr)) {
	case DBUS_ROUTE_MASTER:
		return to_daemon(us, p, h, data, &us->st.master_driver);
	case DBUS_ROUTE_NAME:
		addr = us_name_owner(us, h->destination.s, h->destination.len);
		return unicast(us, p, h, data, addr);
	case DBUS_ROUTE_UNIQUE:
		return unicast(us, p, h, data, addr);
	case DBUS_ROUTE_BROADCAST:
		return broadcast(us, p, h, data);
	case DBUS_ROUTE_IGNORE:
	default:
		return ignore(us, p, h);
	}
}

/* Whom it is for, if that is known. */
static struct uport *addressed(struct us *us, const struct uport *p,
			       const struct dbus_header *h)
{
	uint64_t addr = 0;

	if (!(p->flags & UP_ACTIVE))
		return NULL;
	if (dbus_header_route(h, &addr) == DBUS_ROUTE_NAME)
		addr = us_name_owner(us, h->destination.s, h->destination.len);
	return addr ? us_find(us, addr) : NULL;
}

/* Monitors do not see what monitors send, since that is nothing. */
static int watch(struct us *us, struct uport *p, const struct dbus_header *h,
		 const uint8_t *data)
{
	struct uport *full;

	us->seen.n = 0;
	if (!us_op_watched(&us->sw) || p->flags & UP_MONITOR)
		return 0;
	if (us_watch(us, p, addressed(us, p, h), h, data + h->f.header_len))
		return BUS_REASON_NOMEM;
	full = uports_full(us, &us->seen, p, h);
	return full ? wait_for(us, p, full) : 0;
}

int us_route(struct us *us, struct uport *p, const struct dbus_header *h,
	     const uint8_t *data)
{
	int r;

	if (h->unix_fds > p->n_pool)
		return BUS_REASON_PROTOCOL;
	if (h->unix_fds > us->sw.limits.message_fds)
		return BUS_REASON_FDS;
	r = watch(us, p, h, data);
	if (!r)
		r = route(us, p, h, data);
	if (r != -EAGAIN)
		us_wait_done(us, p);
	return r;
}

/* ---- from the daemon ---- */

int us_header(struct dbus_header *h, const void *msg, size_t len)
{
	int r;

	if (len < DBUS_FIXED_LEN)
		return -EBADMSG;
	r = dbus_frame_parse(&h->f, msg, DBUS_MAX_MESSAGE);
	if (!r && h->f.total_len != len)
		r = -EBADMSG;
	return r ? r : dbus_header_parse(h, msg, h->f.header_len,
					 DBUS_MAX_MESSAGE);
}

/* Its memory is gone when it returns from here. */
static void daemon_commit(struct us *us, struct uport *t, const void *msg,
			  size_t len, struct ufds *f)
{
	struct umsg m = { .head = msg, .head_len = len, .fds = f };
	uint8_t *at = NULL;

	if (us->running && len <= US_BODY_COPY)
		at = us_arena(us, len);
	if (at)
		m.head = memcpy(at, msg, len);
	us_commit(us, t, &m);
	if (!at)
		us_flush(us);
	ubuf_unref(m.copy);
	count_received(t, len);
}

int us_daemon_send(struct us *us, struct uport *t, const void *msg,
		   size_t len, const int *fds, unsigned int n_fds)
{
	struct ufds *f = NULL;

	if (n_fds && !(t->flags & UP_FDS))
		return -ENOTUNIQ;
	if (!fits(us, t, len, n_fds, 2)) {
		uport_end(us, t, BUS_REASON_STALLED);
		return -ENOBUFS;
	}
	if (n_fds) {
		f = ufds_dup(fds, n_fds);
		if (!f)
			return -ENOMEM;
	}
	us->st.seq++;
	us->st.from_master++;
	daemon_commit(us, t, msg, len, f);
	ufds_unref(f);
	return 0;
}

/* For those who eavesdrop; nobody waits for them any more. */
static void forward_copies(struct us *us, struct uport *p, struct uport *t,
			   const struct dbus_header *h, const void *msg,
			   size_t len, const int *fds, unsigned int n_fds)
{
	size_t i;

	if (us_eavesdroppers(us, p, t, h, (const uint8_t *)msg +
			     h->f.header_len))
		return;
	for (i = 0; i < us->recips.n; i++)
		us_daemon_send(us, us->recips.v[i], msg, len, fds, n_fds);
}

static int forward_daemons(struct us *us, struct uport *t, const void *msg,
			   size_t len)
{
	int r;

	if (!t || t->flags & UP_ENDED)
		return -ENOENT;
	us_enter(us);
	r = us_daemon_send(us, t, msg, len, NULL, 0);
	us_leave(us);
	return r;
}

int us_forward(struct sw *sw, uint64_t from, uint64_t addr, const void *msg,
	       size_t len, const int *fds, unsigned int n_fds,
	       struct sw_ruling *ruling)
{
	struct us *us = to_us(sw);
	struct uport *p = us_find(us, from), *t = us_find(us, addr);
	struct dbus_header h;
	int r;

	if (!from)
		return forward_daemons(us, t, msg, len);
	if (!p || !t || (p->flags | t->flags) & UP_ENDED)
		return -ENOENT;
	r = us_header(&h, msg, len);
	if (r)
		return r;
	if (!us_admit(us, p, t, &h, ruling)) {
		us_note_refusal(us, p, t, &h, ruling);
		return -EACCES;
	}
	if (n_fds && !(t->flags & UP_FDS))
		return -ENOTUNIQ;
	r = us_note(us, p, t, &h);
	if (r)
		return r;
	us_enter(us);
	r = us_daemon_send(us, t, msg, len, fds, n_fds);
	if (!r && us->n_eavesdrop)
		forward_copies(us, p, t, &h, msg, len, fds, n_fds);
	us_leave(us);
	return r;
}

int us_daemon_broadcast(struct us *us, const struct dbus_header *h,
			const void *msg, size_t len)
{
	struct owns_ctx c = {
		us, dbus_unique_parse(h->sender.s, h->sender.len),
	};
	struct match_msg mm = {
		.h = h,
		.sender = h->sender,
		.owns = owns,
		.names = names,
		.ctx = &c,
		.body = (const uint8_t *)msg + h->f.header_len,
		.body_len = h->f.body_len,
	};
	struct umsg m = { .head = msg, .head_len = len };
	uint8_t *at = NULL;
	bool log = false;

	if (collect(us, NULL, &mm, &log))
		return -ENOMEM;
	uports_evict(us, &us->recips, len, 0);
	us->st.seq++;
	us->st.from_master++;
	if (us->running && len <= US_BODY_COPY)
		at = us_arena(us, len);
	if (at)
		m.head = memcpy(at, msg, len);
	uports_commit(us, &us->recips, &m);
	if (!at)
		us_flush(us);
	ubuf_unref(m.copy);
	return 0;
}
