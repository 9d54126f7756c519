// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Towards the clients. A port whose socket takes everything has no queue:
 * messages are pending in us->pend while one read of a sender is gone
 * through, then sent in one system call. When the socket is full the rest is
 * queued, in the same order, and EPOLLOUT asked for.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/holders.h"
#include "daemon/rights.h"

#define CHUNK_MIN 4096U
#define CHUNK_MAX (64U << 10)

/* ---- the socket ---- */

/* Bytes sent, 0 when the socket is full; or -errno. */
static ssize_t xmit(struct uport *t, struct iovec *iov, size_t n,
		    const struct ufds *fds)
{
	union {
		char buf[CMSG_SPACE(253 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t r;

	if (fds)
		rights_put(&mh, control.buf, fds->fd, fds->n);
	do {
		r = sendmsg(t->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	return errno == EAGAIN ? 0 : -errno;
}

/* ---- the queue ---- */

static void fds_in(struct us *us, struct uport *t, unsigned int n)
{
	if (!t->queued_fds) {
		TAILQ_INSERT_TAIL(&us->keeping, t, keeping);
		t->keeps_since = us_now(us);
		us_tick(us);
	}
	t->queued_fds += n;
}

static void chunk_drop_fds(struct us *us, struct uport *t, struct uchunk *c)
{
	if (!c->fds)
		return;
	t->queued_fds -= c->fds->n;
	if (!t->queued_fds)
		TAILQ_REMOVE(&us->keeping, t, keeping);
	c->fds = ufds_unref(c->fds);
}

static void chunk_free(struct us *us, struct uport *t, struct uchunk *c)
{
	TAILQ_REMOVE(&t->queue, c, link);
	t->queued -= c->len;
	chunk_drop_fds(us, t, c);
	ubuf_unref(c->buf);
	free(c);
}

static bool may_hold(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || mode_may_hold(st.st_mode);
}

bool uport_keeps_holder(const struct uport *t)
{
	const struct uchunk *c;
	unsigned int i;

	TAILQ_FOREACH(c, &t->queue, link)
		for (i = 0; c->fds && i < c->fds->n; i++)
			if (may_hold(c->fds->fd[i]))
				return true;
	return false;
}

static void count_queued(struct us *us, struct uport *t, size_t len)
{
	t->queued += len;
	shares_add(&t->shares, us->owner, len);
	us_peak(&t->q.out.peak_bytes, t->queued);
}

static void count_fds(struct us *us, struct uport *t, unsigned int n)
{
	fds_in(us, t, n);
	shares_add(&t->fd_shares, us->owner, n);
	us_peak(&t->q.out.peak_fds, t->queued_fds);
}

/* A reference of its own to @buf and @fds. */
static int queue_ref(struct us *us, struct uport *t, struct ubuf *buf,
		     size_t off, size_t len, struct ufds *fds)
{
	struct uchunk *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->buf = ubuf_ref(buf);
	c->off = off;
	c->len = len;
	c->fds = ufds_ref(fds);
	TAILQ_INSERT_TAIL(&t->queue, c, link);
	if (fds)
		count_fds(us, t, fds->n);
	count_queued(us, t, len);
	return 0;
}

/* As much as the last chunk has room for, if that is nobody else's. */
static size_t queue_append(struct us *us, struct uport *t,
			   const uint8_t *p, size_t len)
{
	struct uchunk *c = TAILQ_LAST(&t->queue, uchunk_list);
	struct ubuf *b = c ? c->buf : NULL;

	if (!b || b->refs > 1 || c->off + c->len != b->len)
		return 0;
	if (len > b->cap - b->len)
		len = b->cap - b->len;
	memcpy(b->data + b->len, p, len);
	b->len += len;
	c->len += len;
	count_queued(us, t, len);
	return len;
}

int uport_requeue(struct us *us, struct uport *t, const void *data, size_t len,
		  struct ufds *fds)
{
	struct uchunk *c = malloc(sizeof(*c));
	struct ubuf *b = ubuf_new(len);

	if (!c || !b) {
		free(c);
		ubuf_unref(b);
		ufds_unref(fds);
		return -ENOMEM;
	}
	memcpy(b->data, data, len);
	b->len = len;
	*c = (struct uchunk){ .buf = b, .len = len, .fds = fds };
	TAILQ_INSERT_TAIL(&t->queue, c, link);
	t->queued += len;
	if (fds)
		fds_in(us, t, fds->n);
	t->flags |= UP_BLOCKED;
	return 0;
}

static int queue_copy(struct us *us, struct uport *t, const uint8_t *p,
		      size_t len)
{
	size_t n = queue_append(us, t, p, len), cap = t->queued;
	struct ubuf *b;
	int r;

	if (n == len)
		return 0;
	if (cap < CHUNK_MIN)
		cap = CHUNK_MIN;
	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	b = ubuf_new(cap > len - n ? cap : len - n);
	if (!b)
		return -ENOMEM;
	b->len = len - n;
	memcpy(b->data, p + n, len - n);
	r = queue_ref(us, t, b, 0, len - n, NULL);
	ubuf_unref(b);
	return r;
}

static int queue_bytes(struct us *us, struct uport *t, const uint8_t *p,
		       size_t len)
{
	struct ubuf *src = us->run_src;

	if (src && len >= US_QUEUE_COPY && p >= src->data &&
	    p < src->data + src->len)
		return queue_ref(us, t, src, p - src->data, len, NULL);
	return queue_copy(us, t, p, len);
}

void uport_drop_output(struct us *us, struct uport *t)
{
	struct uchunk *c;

	while ((c = TAILQ_FIRST(&t->queue)))
		chunk_free(us, t, c);
	t->flags &= ~UP_BLOCKED;
	t->q.out.msgs = 0;
	t->flags |= UP_BROKEN;
	uport_arm(us, t);
	us_wake_waiter(us, t);
}

/*
 * A client that does not read any more goes, but what it sent before is still
 * read: the end of its input comes behind that. Any other error (it leaves
 * too many fds lying about: ETOOMANYREFS) means a loss, which nobody survives.
 */
static void failed(struct us *us, struct uport *t, int err)
{
	uport_drop_output(us, t);
	if (err == -EPIPE || err == -ECONNRESET)
		shutdown(t->fd, SHUT_RD);
	else
		uport_end(us, t, BUS_REASON_QUOTA);
}

static void block(struct us *us, struct uport *t)
{
	if (t->flags & UP_BLOCKED)
		return;
	t->flags |= UP_BLOCKED;
	/* The one at which it was full; of those pending nobody knows. */
	t->q.out.msgs = 1;
	uport_arm(us, t);
}

/* It would miss something: then it cannot stay. */
static void out_of_memory(struct us *us, struct uport *t)
{
	uport_drop_output(us, t);
	uport_end(us, t, BUS_REASON_NOMEM);
}

/* ---- pending ---- */

static void send_rest(struct us *us, struct uport *t, struct iovec *iov,
		      size_t n, size_t sent)
{
	size_t i;

	block(us, t);
	for (i = 0; i < n; i++) {
		if (sent >= iov[i].iov_len) {
			sent -= iov[i].iov_len;
			continue;
		}
		if (queue_bytes(us, t, iov[i].iov_base + sent,
				iov[i].iov_len - sent)) {
			out_of_memory(us, t);
			return;
		}
		sent = 0;
	}
}

static void send_iov(struct us *us, struct uport *t, struct iovec *iov,
		     size_t n, size_t total)
{
	ssize_t r = 0;

	if (t->flags & UP_BROKEN)
		return;
	if (!(t->flags & UP_BLOCKED))
		r = xmit(t, iov, n, NULL);
	if (r < 0)
		failed(us, t, r);
	else if ((size_t)r < total)
		send_rest(us, t, iov, n, r);
}

void uport_flush(struct us *us, struct uport *t)
{
	uint32_t i = t->pend_first;
	struct iovec iov[US_IOV];
	size_t n, total;

	if (!(t->flags & UP_DIRTY))
		return;
	TAILQ_REMOVE(&us->dirty, t, dirty);
	t->flags &= ~UP_DIRTY;
	while (i != US_PENDING) {
		total = 0;
		for (n = 0; n < US_IOV && i != US_PENDING; n++) {
			iov[n].iov_base = (void *)us->pend[i].base;
			iov[n].iov_len = us->pend[i].len;
			total += us->pend[i].len;
			i = us->pend[i].next;
		}
		send_iov(us, t, iov, n, total);
	}
}

static void flush_pending(struct us *us)
{
	struct uport *t;

	while ((t = TAILQ_FIRST(&us->dirty)))
		uport_flush(us, t);
	us->n_pend = 0;
}

void us_flush(struct us *us)
{
	flush_pending(us);
	us->arena_len = 0;
}

uint8_t *us_arena(struct us *us, size_t n)
{
	uint8_t *p;

	if (n > US_ARENA)
		return NULL;
	if (us->arena_len + n > US_ARENA)
		us_flush(us);
	p = us->arena + us->arena_len;
	us->arena_len += n;
	return p;
}

static void pend_new(struct us *us, struct uport *t, const uint8_t *p,
		     size_t len)
{
	uint32_t i;

	if (us->n_pend == US_PENDING)
		flush_pending(us);
	i = us->n_pend++;
	us->pend[i].base = p;
	us->pend[i].len = len;
	us->pend[i].next = US_PENDING;
	if (t->flags & UP_DIRTY) {
		us->pend[t->pend_last].next = i;
	} else {
		t->flags |= UP_DIRTY;
		t->pend_first = i;
		TAILQ_INSERT_TAIL(&us->dirty, t, dirty);
	}
	t->pend_last = i;
}

static void pend(struct us *us, struct uport *t, const uint8_t *p, size_t len)
{
	struct pending *last = &us->pend[t->pend_last];

	/* Small messages stand side by side in the arena. */
	if (t->flags & UP_DIRTY && last->base + last->len == p)
		last->len += len;
	else
		pend_new(us, t, p, len);
}

/* ---- messages ---- */

static struct ubuf *whole(struct umsg *m)
{
	struct ubuf *b = m->copy;

	if (b)
		return b;
	b = ubuf_new(m->head_len + m->body_len);
	if (!b)
		return NULL;
	memcpy(b->data, m->head, m->head_len);
	if (m->body_len)
		memcpy(b->data + m->head_len, m->body, m->body_len);
	b->len = m->head_len + m->body_len;
	return m->copy = b;
}

/* From byte @off on; fds go with byte 0. */
static int queue_whole(struct us *us, struct uport *t, struct umsg *m,
		       size_t off)
{
	struct ubuf *b = whole(m);

	if (!b)
		return -ENOMEM;
	return queue_ref(us, t, b, off, b->len - off, off ? NULL : m->fds);
}

static int queue_message(struct us *us, struct uport *t, struct umsg *m)
{
	int r;

	if (m->fds || m->several)
		return queue_whole(us, t, m, 0);
	r = queue_bytes(us, t, m->head, m->head_len);
	if (!r && m->body_len)
		r = queue_bytes(us, t, m->body, m->body_len);
	return r;
}

/* Not pending with others: fds belong to the first byte of a sendmsg(). */
static void send_fds(struct us *us, struct uport *t, struct umsg *m)
{
	struct iovec iov[2] = {
		{ (void *)m->head, m->head_len },
		{ (void *)m->body, m->body_len },
	};
	ssize_t r;

	r = xmit(t, iov, m->body_len ? 2 : 1, m->fds);
	if (r < 0) {
		failed(us, t, r);
	} else if ((size_t)r < m->head_len + m->body_len) {
		block(us, t);
		if (queue_whole(us, t, m, r))
			out_of_memory(us, t);
	}
}

void us_commit(struct us *us, struct uport *t, struct umsg *m)
{
	size_t len = m->head_len + m->body_len;

	if (len > us->sw.limits.queue_bytes)
		t->oversize = len;
	if (m->fds)
		uport_flush(us, t);
	if (t->flags & UP_BROKEN)
		return;
	if (t->flags & UP_BLOCKED) {
		t->q.out.msgs++;
		if (queue_message(us, t, m))
			out_of_memory(us, t);
	} else if (m->fds) {
		send_fds(us, t, m);
	} else {
		pend(us, t, m->head, m->head_len);
		if (m->body_len)
			pend(us, t, m->body, m->body_len);
	}
}

/* ---- when there is room again ---- */

/* Up to, and without, the next chunk that has fds of its own. */
static size_t queue_iov(struct uport *t, struct iovec *iov, size_t *total)
{
	struct uchunk *c;
	size_t n = 0;

	*total = 0;
	TAILQ_FOREACH(c, &t->queue, link) {
		if (n == US_IOV || (n && c->fds))
			break;
		iov[n].iov_base = c->buf->data + c->off;
		iov[n++].iov_len = c->len;
		*total += c->len;
	}
	return n;
}

static void queue_sent(struct us *us, struct uport *t, size_t sent)
{
	struct uchunk *c;

	if (sent && t->queued_fds)
		t->keeps_since = us_now(us);
	while (sent && (c = TAILQ_FIRST(&t->queue))) {
		chunk_drop_fds(us, t, c);
		if (sent >= c->len) {
			sent -= c->len;
			chunk_free(us, t, c);
			continue;
		}
		c->off += sent;
		c->len -= sent;
		t->queued -= sent;
		break;
	}
}

void uport_writable(struct us *us, struct uport *t)
{
	struct iovec iov[US_IOV];
	size_t n, total;
	ssize_t r;

	while (!TAILQ_EMPTY(&t->queue)) {
		n = queue_iov(t, iov, &total);
		r = xmit(t, iov, n, TAILQ_FIRST(&t->queue)->fds);
		if (r < 0) {
			failed(us, t, r);
			return;
		}
		queue_sent(us, t, r);
		if ((size_t)r < total)
			break;
	}
	if (TAILQ_EMPTY(&t->queue)) {
		t->flags &= ~UP_BLOCKED;
		t->oversize = 0;
		t->q.out.msgs = 0;
		uport_arm(us, t);
		if (t->flags & UP_DETACHED)
			uport_bury(us, t);
	}
	us_wake_waiter(us, t);
}
