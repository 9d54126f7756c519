// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a client's bytes to messages.
 *
 * Everything is read into the one buffer us->rbuf and gone through there.
 * What stays over is kept in the port: an incomplete message, or a run of
 * messages parked because the first of them must wait. An incomplete message
 * comes back in front of the next read, unless it is long: then the rest of
 * it is read behind it in the port's own buffer, which grows with what has
 * come and not by what was announced.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Of us->cost, for one port before the next has its turn. */
#define RUN_COST 1024U
#define GROW_MIN (128U << 10)

/* ---- fds that have come ---- */

static int pool_add(struct us *us, struct uport *p, const int *fds,
		    unsigned int n)
{
	if (!p->pool)
		p->pool = malloc(US_POOL_FDS * sizeof(*p->pool));
	if (!p->pool || p->n_pool + n > US_POOL_FDS ||
	    (p->n_pool && p->n_pool >= us->lim.incoming_fds)) {
		while (n)
			close(fds[--n]);
		return p->pool ? -E2BIG : -ENOMEM;
	}
	memcpy(p->pool + p->n_pool, fds, n * sizeof(*fds));
	if (!p->n_pool && n) {
		TAILQ_INSERT_TAIL(&us->pooled, p, pooled);
		p->pool_since = us_now(us);
		us_tick(us);
	}
	p->n_pool += n;
	us_peak(&p->q.in.peak_fds, p->n_pool);
	return 0;
}

static int take_cmsgs(struct us *us, struct uport *p, struct msghdr *mh)
{
	struct cmsghdr *c;
	int r = 0, e;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		e = pool_add(us, p, (const int *)CMSG_DATA(c),
			     (c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		if (e)
			r = e;
	}
	return r;
}

/* ---- input that is kept ---- */

static int charge(struct us *us, struct uport *p, size_t n)
{
	if (p->user->bytes + n > us->sw.limits.user_bytes)
		return -EDQUOT;
	p->user->bytes += n;
	p->in_charged += n;
	us_peak(&p->q.in.peak_bytes, p->in_charged);
	return 0;
}

static void in_drop(struct uport *p)
{
	p->user->bytes -= p->in_charged;
	p->in_charged = 0;
	p->in = ubuf_unref(p->in);
	p->in_off = 0;
}

void uport_drop_input(struct us *us, struct uport *p)
{
	in_drop(p);
	if (p->n_pool)
		TAILQ_REMOVE(&us->pooled, p, pooled);
	while (p->n_pool)
		close(p->pool[--p->n_pool]);
	us_wait_done(us, p);
	if (p->flags & UP_READY) {
		TAILQ_REMOVE(&us->ready, p, ready);
		p->flags &= ~UP_READY;
	}
}

enum bus_reason us_reason_of(int err)
{
	switch (err) {
	case -ENOMEM:
		return BUS_REASON_NOMEM;
	case -EDQUOT:
		return BUS_REASON_QUOTA;
	case -EMSGSIZE:
		return BUS_REASON_TOO_LONG;
	case -E2BIG:
		return BUS_REASON_FDS;
	default:
		return BUS_REASON_PROTOCOL;
	}
}

/* Nothing is kept yet. */
static void keep(struct us *us, struct uport *p, const uint8_t *data, size_t n)
{
	int r;

	if (!n || p->flags & (UP_ENDED | UP_DETACHED))
		return;
	r = charge(us, p, n);
	if (!r) {
		p->in = ubuf_new(n);
		r = p->in ? 0 : -ENOMEM;
	}
	if (r) {
		uport_end(us, p, us_reason_of(r));
		return;
	}
	memcpy(p->in->data, data, n);
	p->in->len = n;
}

int uport_put_input(struct us *us, struct uport *p, const void *data,
		    size_t len)
{
	p->in = ubuf_new(len);
	if (!p->in)
		return -ENOMEM;
	memcpy(p->in->data, data, len);
	p->in->len = len;
	/* It was within the limits when it came. */
	p->user->bytes += len;
	p->in_charged = len;
	return 0;
}

int uport_put_pool(struct us *us, struct uport *p, const int *fds,
		   unsigned int n, uint64_t age)
{
	int r = pool_add(us, p, fds, n);

	if (!r && n)
		p->pool_since = us_now(us) - age;
	return r;
}

/* ---- messages ---- */

/* Bytes used, 0 if there is nothing more to do now. */
static size_t one(struct us *us, struct uport *p, const uint8_t *data,
		  size_t len)
{
	uint32_t max = us->sw.limits.message_bytes;
	struct dbus_frame f;
	struct dbus_header h;
	int r;

	r = dbus_frame_parse(&f, data, max);
	if (!r && f.total_len > len)
		return 0;
	if (!r)
		r = dbus_header_parse(&h, data, f.header_len, max);
	if (!r)
		r = us_route(us, p, &h, data);
	else
		r = us_reason_of(r);
	if (r > 0)
		uport_end(us, p, r);
	return r ? 0 : f.total_len;
}

static size_t run(struct us *us, struct uport *p, const uint8_t *data,
		  size_t len)
{
	size_t pos = 0, used;

	us->cost = 0;
	us->running = true;
	us->owner = p->user->uid;
	while (len - pos >= DBUS_FIXED_LEN &&
	       !(p->flags & (UP_ENDED | UP_DETACHED))) {
		if (us->cost > RUN_COST) {
			uport_ready(us, p);
			break;
		}
		used = one(us, p, data + pos, len - pos);
		if (!used)
			break;
		pos += used;
	}
	us_flush(us);
	us->running = false;
	us->owner = US_NOBODY;
	return pos;
}

void uport_continue(struct us *us, struct uport *p)
{
	struct ubuf *in;
	size_t used, left;

	if (!p->in)
		return;
	in = ubuf_ref(p->in);
	us->run_src = in;
	used = run(us, p, in->data + p->in_off, in->len - p->in_off);
	us->run_src = NULL;
	if (p->in == in) {
		p->in_off += used;
		left = in->len - p->in_off;
		if (!p->waits_for && !(p->flags & UP_READY)) {
			used = p->in_off;
			if (used)
				in_drop(p);
			if (used)
				keep(us, p, in->data + used, left);
		}
	}
	ubuf_unref(in);
	uport_arm(us, p);
}

/* ---- reading ---- */

/* Bytes read, -EAGAIN, 0: no more will come, or another error. */
static ssize_t receive(struct us *us, struct uport *p, void *buf, size_t size)
{
	union {
		char buf[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buf, size };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;
	int r = 0;

	/* Without a control buffer the kernel drops what fds may come. */
	if (p->flags & UP_FDS) {
		mh.msg_control = control.buf;
		mh.msg_controllen = sizeof(control.buf);
	}
	do {
		n = recvmsg(p->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -EAGAIN : 0;
	if (mh.msg_controllen && p->flags & UP_FDS)
		r = take_cmsgs(us, p, &mh);
	return r ? r : n;
}

static bool received(struct us *us, struct uport *p, ssize_t n)
{
	if (n > 0)
		return true;
	if (!n)
		uport_end(us, p, BUS_REASON_HANGUP);
	else if (n != -EAGAIN)
		uport_end(us, p, us_reason_of(n));
	return false;
}

static void read_rbuf(struct us *us, struct uport *p)
{
	size_t before = p->in ? p->in->len : 0, used;
	uint8_t *at = us->rbuf + US_PREFIX - before;
	ssize_t n;

	n = receive(us, p, us->rbuf + US_PREFIX, us->read_size);
	if (!received(us, p, n))
		return;
	if (before) {
		memcpy(at, p->in->data, before);
		in_drop(p);
	}
	used = run(us, p, at, before + n);
	keep(us, p, at + used, before + n - used);
	if (p->waits_for)
		uport_arm(us, p);
}

/* Room for more of a message of @total bytes; at most twice what is here. */
static int in_grow(struct us *us, struct uport *p, size_t total)
{
	size_t cap = p->in->cap * 2;
	struct ubuf *b;
	int r;

	if (p->in->cap > p->in->len)
		return 0;
	if (cap < GROW_MIN)
		cap = GROW_MIN;
	if (cap > total)
		cap = total;
	r = charge(us, p, cap - p->in->cap);
	if (r)
		return r;
	b = ubuf_grow(p->in, cap);
	if (!b)
		return -ENOMEM;
	p->in = b;
	return 0;
}

static void read_long(struct us *us, struct uport *p, size_t total)
{
	struct ubuf *b;
	size_t want;
	ssize_t n;
	int r;

	r = in_grow(us, p, total);
	if (r) {
		uport_end(us, p, us_reason_of(r));
		return;
	}
	b = p->in;
	want = (b->cap < total ? b->cap : total) - b->len;
	n = receive(us, p, b->data + b->len, want);
	if (!received(us, p, n))
		return;
	b->len += n;
	if (b->len == total)
		uport_continue(us, p);
}

void uport_readable(struct us *us, struct uport *p)
{
	struct dbus_frame f;

	if (!p->in || p->in->len <= US_PREFIX) {
		read_rbuf(us, p);
		return;
	}
	/* It was looked at when it began. */
	dbus_frame_parse(&f, p->in->data, DBUS_MAX_MESSAGE);
	read_long(us, p, f.total_len);
}
