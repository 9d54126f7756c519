// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is ready. All ports are in one epoll set, and so is the daemon's event
 * loop, whose rounds cost much more than a message: it has one only when it is
 * ready itself, or when something happens at a port that concerns others than
 * ports.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
/* Ports that go on with what was parked, before the loop looks around. */
#define READY_MAX 256

/* ---- epoll ---- */

/*
 * Level-triggered as long as it is read from. A port that is not read, since
 * its message waits, would tell EPOLLHUP without end: edge-triggered then.
 */
static uint32_t events_of(const struct uport *p)
{
	uint32_t ev = 0;

	if (p->flags & UP_BLOCKED)
		ev |= EPOLLOUT;
	if (!(p->flags & (UP_ENDED | UP_DETACHED)) && !p->waits_for)
		ev |= EPOLLIN;
	return ev & EPOLLIN ? ev : ev | EPOLLET;
}

int uport_poll(struct us *us, struct uport *p)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };

	if (epoll_ctl(us->epfd, EPOLL_CTL_ADD, p->fd, &e) < 0)
		return -errno;
	p->polled = EPOLLIN;
	p->flags |= UP_POLLED;
	return 0;
}

void uport_unpoll(struct us *us, struct uport *p)
{
	if (p->flags & UP_POLLED)
		epoll_ctl(us->epfd, EPOLL_CTL_DEL, p->fd, NULL);
	p->flags &= ~UP_POLLED;
}

void uport_arm(struct us *us, struct uport *p)
{
	struct epoll_event e = { .events = events_of(p), .data.ptr = p };

	if (!(p->flags & UP_POLLED) || e.events == p->polled)
		return;
	if (e.events == EPOLLET && p->flags & (UP_ENDED | UP_DETACHED)) {
		uport_unpoll(us, p);
		return;
	}
	epoll_ctl(us->epfd, EPOLL_CTL_MOD, p->fd, &e);
	p->polled = e.events;
}

/* ---- ends ---- */

static void release_waiters(struct us *us, struct uport *t)
{
	struct uport *w;

	if (!TAILQ_EMPTY(&t->waiters))
		TAILQ_REMOVE(&us->full, t, full);
	while ((w = TAILQ_FIRST(&t->waiters))) {
		TAILQ_REMOVE(&t->waiters, w, wait);
		w->waits_for = NULL;
		uport_ready(us, w);
	}
}

void uport_end(struct us *us, struct uport *p, enum bus_reason reason)
{
	if (p->flags & (UP_ENDED | UP_DETACHED))
		return;
	p->flags |= UP_ENDED;
	p->flags &= ~UP_ACTIVE;
	p->st.reason = reason;
	if (reason != BUS_REASON_HANGUP)
		us->st.evicted++;
	uport_drop_input(us, p);
	release_waiters(us, p);
	if (reason == BUS_REASON_STALLED) {
		uport_drop_output(us, p);
		shutdown(p->fd, SHUT_RDWR);
	}
	uport_arm(us, p);
	p->flags |= UP_REPORT;
	TAILQ_INSERT_TAIL(&us->ended, p, ended);
}

static void report(struct us *us)
{
	struct uport *p;

	while ((p = TAILQ_FIRST(&us->ended))) {
		TAILQ_REMOVE(&us->ended, p, ended);
		p->flags &= ~UP_REPORT;
		us_concern(us);
		us->sw.handler.closed(us->sw.ctx, p->addr, p->st.reason);
	}
}

void us_settle(struct us *us)
{
	us_enter(us);
	while (!TAILQ_EMPTY(&us->ended) ||
	       replies_have_orphans(&us->replies)) {
		report(us);
		us_tell_orphans(us);
	}
	us_leave(us);
}

/* ---- what can go on ---- */

void uport_ready(struct us *us, struct uport *p)
{
	if (p->flags & (UP_READY | UP_ENDED | UP_DETACHED))
		return;
	p->flags |= UP_READY;
	TAILQ_INSERT_TAIL(&us->ready, p, ready);
}

static void run_ready(struct us *us)
{
	struct uport *p;
	int n;

	for (n = 0; n < READY_MAX && (p = TAILQ_FIRST(&us->ready)); n++) {
		TAILQ_REMOVE(&us->ready, p, ready);
		p->flags &= ~UP_READY;
		uport_continue(us, p);
		report(us);
	}
}

static void on_port(struct us *us, struct uport *p, uint32_t ev)
{
	if (p->flags & UP_BLOCKED && ev & ~EPOLLIN)
		uport_writable(us, p);
	if (p->flags & (UP_ENDED | UP_DETACHED | UP_READY) || p->waits_for)
		return;
	if (ev & ~EPOLLOUT)
		uport_readable(us, p);
}

static void share_reading(struct us *us, int n)
{
	us->read_size = n > 1 ? US_READ / (size_t)n : US_READ;
	if (us->read_size < US_READ_MIN)
		us->read_size = US_READ_MIN;
}

static bool has_left_over(const struct us *us)
{
	return !TAILQ_EMPTY(&us->ready) || !TAILQ_EMPTY(&us->ended) ||
	       replies_have_orphans(&us->replies);
}

static int serve_ports(struct us *us)
{
	bool wait = !us->concerned && !has_left_over(us);
	struct epoll_event ev[BATCH];
	int i, n;

	n = epoll_wait(us->epfd, ev, BATCH, wait ? -1 : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	us_look_at_clock(us);
	us_enter(us);
	share_reading(us, n);
	for (i = 0; i < n; i++) {
		if (!ev[i].data.ptr) {
			us_concern(us);
			continue;
		}
		on_port(us, ev[i].data.ptr, ev[i].events);
		report(us);
	}
	report(us);
	us_tell_orphans(us);
	run_ready(us);
	us_leave(us);
	return 0;
}

void us_concern(struct us *us)
{
	if (us->concerned)
		return;
	us->concerned = true;
	us->pending = sd_event_wait(us->sw.event, 0);
}

/* A round of the daemon's event loop, and before it as many of the ports' as
 * concern only them. */
static int turn(struct us *us)
{
	int r;

	us->pending = sd_event_prepare(us->sw.event);
	us->concerned = us->pending;
	do {
		r = serve_ports(us);
	} while (!r && !us->concerned);
	if (!r)
		r = us->pending;
	return r > 0 ? sd_event_dispatch(us->sw.event) : r;
}

int us_loop(struct sw *sw)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct us *us = to_us(sw);
	int r = 0, code = 0;

	if (epoll_ctl(us->epfd, EPOLL_CTL_ADD, sd_event_get_fd(sw->event),
		      &ev) < 0)
		return -errno;
	while (r >= 0 && sd_event_get_state(sw->event) != SD_EVENT_FINISHED)
		r = turn(us);
	if (r >= 0)
		sd_event_get_exit_code(sw->event, &code);
	return r < 0 ? r : code;
}

/* ---- time ---- */

static bool over(struct us *us, uint64_t now, uint64_t since)
{
	return now - since >= us->sw.limits.stall_ms;
}

static bool fds_over(struct us *us, uint64_t now, uint64_t since)
{
	return now - since >= us->lim.pending_fd_timeout / 1000;
}

/* One that has made somebody wait too long, or NULL. */
static struct uport *find_stalled(struct us *us, uint64_t now)
{
	struct uport *t;

	TAILQ_FOREACH(t, &us->full, full)
		if (over(us, now, TAILQ_FIRST(&t->waiters)->waits_since))
			return t;
	return NULL;
}

/* One whose fds wait for a message too long; not while its own one waits. */
static struct uport *find_pooled(struct us *us, uint64_t now)
{
	struct uport *p;

	TAILQ_FOREACH(p, &us->pooled, pooled)
		if (!p->waits_for && !(p->flags & UP_READY) &&
		    fds_over(us, now, p->pool_since))
			return p;
	return NULL;
}

/* One that has read nothing for as long while a file waits for it that may hold
 * others: its own socket, maybe, which would live for ever then. AF_UNIX collects
 * only what is in queues of its own. */
static struct uport *find_keeping(struct us *us, uint64_t now)
{
	struct uport *p;

	TAILQ_FOREACH(p, &us->keeping, keeping) {
		if (!fds_over(us, now, p->keeps_since))
			continue;
		if (uport_keeps_holder(p))
			return p;
		p->keeps_since = now;
	}
	return NULL;
}

static struct uport *find_zombie(struct us *us, uint64_t now)
{
	struct uport *p;

	TAILQ_FOREACH(p, &us->zombies, link)
		if (TAILQ_EMPTY(&p->queue) || over(us, now, p->zombie_since))
			return p;
	return NULL;
}

static void warn_slow(struct us *us, uint64_t now)
{
	struct uport *t;

	TAILQ_FOREACH(t, &us->full, full) {
		if (t->flags & UP_SLOW ||
		    2 * (now - TAILQ_FIRST(&t->waiters)->waits_since) <
			    us->sw.limits.stall_ms)
			continue;
		t->flags |= UP_SLOW;
		us_concern(us);
		us->sw.handler.slow(us->sw.ctx, t->addr);
	}
}

static void expire(struct us *us)
{
	uint64_t now = us_now(us);
	struct uport *p;

	/* From the start each time: an end may change any of the lists. */
	while ((p = find_stalled(us, now)))
		uport_end(us, p, BUS_REASON_STALLED);
	if (us->sw.handler.slow)
		warn_slow(us, now);
	while ((p = find_pooled(us, now)))
		uport_end(us, p, BUS_REASON_FDS);
	while ((p = find_keeping(us, now))) {
		/* It may have ended already; off the list it must come. */
		uport_drop_output(us, p);
		uport_end(us, p, BUS_REASON_STALLED);
	}
	while ((p = find_zombie(us, now))) {
		uport_drop_output(us, p);
		uport_bury(us, p);
	}
}

/* Often enough for a deviation of an eighth. */
static void timer_arm(struct us *us)
{
	uint64_t ms = us->sw.limits.stall_ms / 8;

	us_concern(us);
	sd_event_source_set_time(us->timer, (us_now(us) + ms + 1) * 1000);
	sd_event_source_set_enabled(us->timer, SD_EVENT_ONESHOT);
}

void us_tick(struct us *us)
{
	if (us->ticking)
		return;
	us->ticking = true;
	timer_arm(us);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	struct us *us = ctx;

	us_enter(us);
	expire(us);
	report(us);
	run_ready(us);
	us->ticking = !TAILQ_EMPTY(&us->full) || !TAILQ_EMPTY(&us->pooled) ||
		      !TAILQ_EMPTY(&us->keeping) || !TAILQ_EMPTY(&us->zombies);
	if (us->ticking)
		timer_arm(us);
	us_leave(us);
	return 0;
}

/* ---- */

void us_enter(struct us *us)
{
	us->depth++;
}

void us_leave(struct us *us)
{
	struct uport *p;

	if (--us->depth)
		return;
	while ((p = TAILQ_FIRST(&us->dead)))
		uport_free(us, p);
}

int us_loop_init(struct us *us)
{
	sd_event *e = us->sw.event;
	int r;

	us->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (us->epfd < 0)
		return -errno;
	r = sd_event_add_time(e, &us->timer, CLOCK_MONOTONIC, 0, 1000,
			      on_timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(us->timer, SD_EVENT_OFF);
	return r < 0 ? r : 0;
}

void us_loop_free(struct us *us)
{
	sd_event_source_disable_unref(us->timer);
	if (us->epfd >= 0)
		close(us->epfd);
}
