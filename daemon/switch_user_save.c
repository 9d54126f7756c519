// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Everything the switch has, as a text in the restart format, and the
 * descriptors that go with it. Nothing changes here by being written down.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "daemon/restart_format.h"

struct save {
	struct us *us;
	struct rst_out out;
	int *fds;
	size_t n_fds, size;
};

static void record(struct save *s, enum rst_type type, const void *from)
{
	rst_record(&s->out, type, rst_fields[type], from);
}

static uint32_t add_fd(struct save *s, int fd)
{
	size_t size = s->size ? s->size * 2 : 64;
	int *v;

	if (s->n_fds == s->size) {
		v = reallocarray(s->fds, size, sizeof(*v));
		if (!v) {
			s->out.err = -ENOMEM;
			return 0;
		}
		s->fds = v;
		s->size = size;
	}
	s->fds[s->n_fds] = fd;
	return (uint32_t)s->n_fds++;
}

/* @index has room for them. */
static struct rst_blob add_fds(struct save *s, uint32_t *index, const int *fds,
			       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		index[i] = add_fd(s, fds[i]);
	return (struct rst_blob){ index, n * sizeof(*index) };
}

static struct rst_blob text(const char *s)
{
	return (struct rst_blob){ s, strlen(s) };
}

/* ---- what was left with us ---- */

static void save_notes(struct save *s, const struct unote_list *notes)
{
	const struct unote *n;

	TAILQ_FOREACH(n, notes, link) {
		struct rst_note r = {
			n->addr, n->cookie, { n->data, n->len },
		};

		record(s, RST_NOTE, &r);
	}
}

static void save_kept(struct save *s)
{
	const struct ukept *k;

	TAILQ_FOREACH(k, &s->us->keep.kept, link) {
		struct rst_kept r = { k->number, add_fd(s, k->fd) };

		record(s, RST_KEPT, &r);
	}
}

static void save_parked(struct save *s)
{
	uint32_t index[US_POOL_FDS];
	const struct uparked *p;

	TAILQ_FOREACH(p, &s->us->keep.parked, link) {
		struct rst_parked r = {
			.number = p->number,
			.sender = p->m.sender,
			.data = { p->m.data, p->m.len },
		};

		if (p->m.n_fds > US_POOL_FDS)
			s->out.err = -E2BIG;
		else
			r.fds = add_fds(s, index, p->m.fds, p->m.n_fds);
		record(s, RST_PARKED, &r);
	}
}

/* ---- ports ---- */

static uint32_t flags_of(const struct uport *p)
{
	static const struct { unsigned int ours, theirs; } flags[] = {
		{ UP_ACTIVE, RST_PORT_ACTIVE },
		{ UP_FDS, RST_PORT_FDS },
		{ UP_MONITOR, RST_PORT_MONITOR },
		{ UP_BROKEN, RST_PORT_BROKEN },
		{ UP_DETACHED, RST_PORT_ZOMBIE },
	};
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		v |= p->flags & flags[i].ours ? flags[i].theirs : 0;
	return v;
}

static void save_queue(struct save *s, const struct uport *p)
{
	uint32_t index[US_POOL_FDS];
	const struct uchunk *c;

	TAILQ_FOREACH(c, &p->queue, link) {
		struct rst_chunk r = {
			.data = { c->buf->data + c->off, c->len },
		};

		if (c->fds && c->fds->n > US_POOL_FDS)
			s->out.err = -E2BIG;
		else if (c->fds)
			r.fds = add_fds(s, index, c->fds->fd, c->fds->n);
		record(s, RST_CHUNK, &r);
	}
}

static void save_rules(struct save *s, const struct uport *p)
{
	const struct urule *u;

	TAILQ_FOREACH(u, &p->rules, link) {
		struct rst_rule r = { u->cookie, text(u->text) };

		record(s, RST_RULE, &r);
	}
}

static void save_claims(struct save *s, const struct uport *p)
{
	const struct uclaim *c;

	TAILQ_FOREACH(c, &p->claims, by_port) {
		struct rst_claim r = { { c->name->name, c->name->len } };

		record(s, RST_CLAIM, &r);
	}
}

static void save_port(struct save *s, const struct uport *p)
{
	uint32_t index[US_POOL_FDS];
	uint64_t now = us_now(s->us);
	struct rst_port r = {
		.addr = p->addr,
		.fd = add_fd(s, p->fd),
		.flags = flags_of(p),
		.stats = { &p->st, sizeof(p->st) },
		.pool = add_fds(s, index, p->pool, p->n_pool),
		.pool_age = p->n_pool ? now - p->pool_since : 0,
		.shares = { &p->shares, sizeof(p->shares) },
		.fd_shares = { &p->fd_shares, sizeof(p->fd_shares) },
		.oversize = p->oversize,
		.out_msgs = p->q.out.msgs,
		.peak_in_bytes = p->q.in.peak_bytes,
		.peak_in_fds = p->q.in.peak_fds,
		.peak_out_bytes = p->q.out.peak_bytes,
		.peak_out_fds = p->q.out.peak_fds,
		.zombie_age = p->flags & UP_DETACHED ? now - p->zombie_since :
						       0,
	};

	if (p->in)
		r.in = (struct rst_blob){ p->in->data + p->in_off,
					  p->in->len - p->in_off };
	record(s, RST_PORT, &r);
	save_queue(s, p);
	save_rules(s, p);
	save_claims(s, p);
	save_notes(s, &p->notes);
}

/* ---- between ports ---- */

static void save_names(struct save *s)
{
	const struct uname *n;
	size_t i;

	for (i = 0; i < s->us->names_size; i++) {
		for (n = s->us->names[i]; n; n = n->next) {
			struct rst_name r = { { n->name, n->len }, n->owner };

			if (n->owner)
				record(s, RST_NAME, &r);
		}
	}
}

/* The oldest first. */
static void save_replies(struct save *s)
{
	const struct replies_link *l, *end = &s->us->replies.by_time;

	for (l = end->next; l != end; l = l->next) {
		const struct reply *y = container_of(l, struct reply, by_time);
		struct rst_reply r = {
			y->caller->addr, y->callee->addr, y->serial,
			us_reply_age(s->us, y),
		};

		record(s, RST_REPLY, &r);
	}
}

static void save_waits(struct save *s)
{
	const struct uport *t, *w;

	TAILQ_FOREACH(t, &s->us->full, full) {
		TAILQ_FOREACH(w, &t->waiters, wait) {
			struct rst_wait r = {
				w->addr, t->addr,
				us_now(s->us) - w->waits_since,
			};

			record(s, RST_WAIT, &r);
		}
	}
}

static void save_ready(struct save *s)
{
	const struct uport *p;

	TAILQ_FOREACH(p, &s->us->ready, ready) {
		struct rst_ready r = { p->addr };

		record(s, RST_READY, &r);
	}
}

static void save_all(struct save *s)
{
	struct us *us = s->us;
	struct rst_bus r = {
		.last_addr = us->last_addr,
		.saved = us_boottime(),
		.stats = { &us->st, sizeof(us->st) },
	};
	const struct uport *p;

	rst_begin(&s->out);
	record(s, RST_BUS, &r);
	save_notes(s, &us->keep.notes);
	save_kept(s);
	TAILQ_FOREACH(p, &us->all, link)
		save_port(s, p);
	TAILQ_FOREACH(p, &us->zombies, link)
		save_port(s, p);
	save_names(s);
	save_replies(s);
	save_waits(s);
	save_ready(s);
	save_parked(s);
}

/* ---- */

uint64_t us_boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* Returns the descriptor or -errno. */
static int seal(const struct rst_out *out)
{
	int fd = memfd_create("afbus-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, out->data, out->len);
	if (!r && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
			F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	if (!r)
		return fd;
	close(fd);
	return r;
}

int us_op_save(struct sw *sw, struct sw_state *to)
{
	struct save s = { .us = to_us(sw) };
	int r;

	us_settle(s.us);
	save_all(&s);
	r = rst_finish(&s.out, s.n_fds);
	if (!r)
		r = seal(&s.out);
	rst_out_done(&s.out);
	if (r < 0) {
		free(s.fds);
		return r;
	}
	*to = (struct sw_state){ "user", r, s.fds, s.n_fds };
	return 0;
}
