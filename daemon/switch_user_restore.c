// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What another switch of this kind has saved, read again. The text comes from
 * a process that was trusted with the bus; still it is checked like any other,
 * since it may be of a daemon with other ideas, or damaged.
 *
 * All is put back silently, then the daemon is told. Ports whose input was not
 * looked at to its end are ready: they go on from the event loop.
 */
#include "daemon/switch_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/restart_format.h"

#define MANY_PARKED (1U << 20)

struct restore {
	struct us *us;
	struct rst_in in;
	struct uport *port;		/* the last one */
	bool has_bus;
	struct rst_rec *parked;		/* for the end */
	size_t n_parked;
	const struct sw_restorer *to;
	void *ctx;
};

void us_take_past(struct us *us, struct sw_state *from)
{
	us->keep.past = *from;
	us->keep.has_past = true;
	*from = (struct sw_state){ .memfd = -1 };
}

void us_past_done(struct us *us)
{
	struct sw_state *past = &us->keep.past;

	while (past->n_fds)
		if (past->fds[--past->n_fds] >= 0)
			close(past->fds[past->n_fds]);
	sw_state_done(past);
	us->keep.has_past = false;
}

bool us_op_has_past(const struct sw *sw)
{
	return ((const struct us *)sw)->keep.has_past;
}

uint64_t us_op_outage(const struct sw *sw)
{
	return ((const struct us *)sw)->keep.outage;
}

/* ---- descriptors ---- */

/* Returns the descriptor, which is the caller's, or -EBADMSG. */
static int take_fd(struct restore *s, uint32_t index)
{
	struct sw_state *past = &s->us->keep.past;
	int fd;

	if (index >= past->n_fds || past->fds[index] < 0)
		return -EBADMSG;
	fd = past->fds[index];
	past->fds[index] = -1;
	return fd;
}

static void close_fds(const int *fds, unsigned int n)
{
	while (n)
		close(fds[--n]);
}

/* @fds has room for US_POOL_FDS. How many, or -EBADMSG. */
static int take_fds(struct restore *s, const struct rst_blob *b, int *fds)
{
	unsigned int i, n = (unsigned int)(b->len / sizeof(uint32_t));
	uint32_t index;

	if (b->len % sizeof(uint32_t) || b->len / sizeof(uint32_t) >
	    US_POOL_FDS)
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		memcpy(&index, (const char *)b->data + i * sizeof(index),
		       sizeof(index));
		fds[i] = take_fd(s, index);
		if (fds[i] < 0) {
			close_fds(fds, i);
			return -EBADMSG;
		}
	}
	return (int)n;
}

/* ---- records ---- */

/* With a NUL, for calls that want one. */
static int text_of(const struct rst_blob *b, char *text, size_t size)
{
	if (b->len >= size || memchr(b->data, 0, b->len))
		return -EBADMSG;
	memcpy(text, b->data, b->len);
	text[b->len] = 0;
	return 0;
}

/* As much as both know. */
static void blob_into(const struct rst_blob *b, void *to, size_t size)
{
	if (b->len)
		memcpy(to, b->data, b->len < size ? b->len : size);
}

/* Without, what is in the queue is nobody's. */
static void shares_into(const struct rst_blob *b, struct shares *s)
{
	if (b->len == sizeof(*s))
		memcpy(s, b->data, sizeof(*s));
}

static int put_bus(struct restore *s, const void *rec)
{
	const struct rst_bus *r = rec;
	struct us *us = s->us;
	uint64_t now = us_boottime();

	if (s->has_bus || r->last_addr >= UINT64_MAX >> 16)
		return -EBADMSG;
	s->has_bus = true;
	us->last_addr = r->last_addr;
	us->keep.outage = now > r->saved ? now - r->saved : 0;
	blob_into(&r->stats, &us->st, sizeof(us->st));
	us->st.ports = us->st.names = us->st.matches = 0;
	return 0;
}

static int put_note(struct restore *s, const void *rec)
{
	const struct rst_note *r = rec;

	if (r->data.len > SW_NOTE_MAX)
		return -EBADMSG;
	return us_op_note(&s->us->sw, r->addr, r->cookie, r->data.data,
			  r->data.len);
}

static int put_kept(struct restore *s, const void *rec)
{
	const struct rst_kept *r = rec;
	int fd = take_fd(s, r->fd), err;

	if (fd < 0)
		return fd;
	err = us_op_keep(&s->us->sw, r->number, fd);
	close(fd);
	return err;
}

static int put_pool(struct restore *s, struct uport *p,
		    const struct rst_port *r)
{
	int fds[US_POOL_FDS], n = take_fds(s, &r->pool, fds);

	return n <= 0 ? n : uport_put_pool(s->us, p, fds, (unsigned int)n,
					   r->pool_age);
}

static void put_state(struct us *us, struct uport *p, const struct rst_port *r)
{
	p->flags |= (r->flags & RST_PORT_ACTIVE ? UP_ACTIVE : 0) |
		    (r->flags & RST_PORT_BROKEN ? UP_BROKEN : 0);
	if (r->flags & RST_PORT_MONITOR) {
		p->flags = (p->flags | UP_MONITOR) & ~UP_ACTIVE;
		TAILQ_INSERT_TAIL(&us->monitors, p, monitor);
	}
	blob_into(&r->stats, &p->st, sizeof(p->st));
	p->st.addr = p->addr;
	p->st.matches = 0;
	shares_into(&r->shares, &p->shares);
	shares_into(&r->fd_shares, &p->fd_shares);
	p->oversize = r->oversize;
	p->q.out.msgs = r->out_msgs;
	p->q.in.peak_bytes = r->peak_in_bytes;
	p->q.in.peak_fds = r->peak_in_fds;
	p->q.out.peak_bytes = r->peak_out_bytes;
	p->q.out.peak_fds = r->peak_out_fds;
}

static int put_port(struct restore *s, const void *rec)
{
	const struct rst_port *r = rec;
	struct us *us = s->us;
	struct uport *p;
	int fd, err;

	if (!s->has_bus || !r->addr || r->addr > us->last_addr ||
	    us_find(us, r->addr))
		return -EBADMSG;
	fd = take_fd(s, r->fd);
	if (fd < 0)
		return fd;
	err = us_port_add(us, fd, r->flags & RST_PORT_FDS, r->addr, &p);
	if (err) {
		close(fd);
		return err;
	}
	s->port = p;
	put_state(us, p, r);
	if (r->flags & RST_PORT_ZOMBIE) {
		uport_make_zombie(us, p);
		p->zombie_since -= r->zombie_age;
		us_tick(us);
		return r->in.len || r->pool.len ? -EBADMSG : 0;
	}
	err = r->in.len ? uport_put_input(us, p, r->in.data, r->in.len) : 0;
	return err ? err : put_pool(s, p, r);
}

static int put_chunk(struct restore *s, const void *rec)
{
	const struct rst_chunk *r = rec;
	struct uport *p = s->port;
	int fds[US_POOL_FDS], n;
	struct ufds *f = NULL;

	if (!p || !r->data.len)
		return -EBADMSG;
	n = take_fds(s, &r->fds, fds);
	if (n < 0)
		return n;
	if (n) {
		f = ufds_new(fds, (unsigned int)n);
		if (!f) {
			close_fds(fds, (unsigned int)n);
			return -ENOMEM;
		}
	}
	return uport_requeue(s->us, p, r->data.data, r->data.len, f);
}

/* A zombie has neither. */
static bool is_alive(const struct uport *p)
{
	return p && !(p->flags & UP_DETACHED);
}

static int put_rule(struct restore *s, const void *rec)
{
	const struct rst_rule *r = rec;
	char text[MATCH_MAX_TEXT + 1];
	int err = is_alive(s->port) ? text_of(&r->text, text, sizeof(text)) :
				      -EBADMSG;

	if (!err)
		err = us_match_add(&s->us->sw, s->port->addr, r->cookie, text);
	return err;
}

static int put_claim(struct restore *s, const void *rec)
{
	const struct rst_claim *r = rec;
	char text[DBUS_MAX_NAME + 1];
	int err = is_alive(s->port) ? text_of(&r->name, text, sizeof(text)) :
				      -EBADMSG;

	if (!err && !dbus_well_known_name_ok(text, r->name.len))
		err = -EBADMSG;
	if (!err)
		err = us_claim(&s->us->sw, text, s->port->addr, true);
	return err;
}

static int put_name(struct restore *s, const void *rec)
{
	const struct rst_name *r = rec;
	char text[DBUS_MAX_NAME + 1];
	int err = text_of(&r->name, text, sizeof(text));

	s->port = NULL;
	if (!err)
		err = us_name(&s->us->sw, text, r->owner);
	return err;
}

static int put_reply(struct restore *s, const void *rec)
{
	const struct rst_reply *r = rec;
	struct uport *caller = us_find(s->us, r->caller);
	struct uport *callee = us_find(s->us, r->callee);

	if (!caller || !callee || !r->serial)
		return -EBADMSG;
	return us_put_reply(s->us, caller, callee, r->serial, r->age);
}

static int put_wait(struct restore *s, const void *rec)
{
	const struct rst_wait *r = rec;
	struct uport *p = us_find(s->us, r->addr), *t = us_find(s->us, r->at);

	if (!p || !t || p->waits_for || !p->in)
		return -EBADMSG;
	us_put_wait(s->us, p, t, r->age);
	return 0;
}

static int put_ready(struct restore *s, const void *rec)
{
	const struct rst_ready *r = rec;
	struct uport *p = us_find(s->us, r->addr);

	if (!p)
		return -EBADMSG;
	uport_ready(s->us, p);
	return 0;
}

static int put_parked(struct restore *s, const struct rst_rec *rec)
{
	struct rst_rec *v;

	if (s->n_parked >= MANY_PARKED)
		return -EBADMSG;
	v = reallocarray(s->parked, s->n_parked + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->parked = v;
	v[s->n_parked++] = *rec;
	return 0;
}

static int (*const put[RST_TYPES])(struct restore *s, const void *rec) = {
	[RST_BUS] = put_bus,
	[RST_NOTE] = put_note,
	[RST_KEPT] = put_kept,
	[RST_PORT] = put_port,
	[RST_CHUNK] = put_chunk,
	[RST_RULE] = put_rule,
	[RST_CLAIM] = put_claim,
	[RST_NAME] = put_name,
	[RST_REPLY] = put_reply,
	[RST_WAIT] = put_wait,
	[RST_READY] = put_ready,
};

union any {
	struct rst_bus bus;
	struct rst_note note;
	struct rst_kept kept;
	struct rst_port port;
	struct rst_chunk chunk;
	struct rst_rule rule;
	struct rst_claim claim;
	struct rst_name name;
	struct rst_reply reply;
	struct rst_wait wait;
	struct rst_ready ready;
	struct rst_parked parked;
};

static int put_record(struct restore *s, const struct rst_rec *rec)
{
	union any any;
	int err;

	if (rec->type == RST_PARKED)
		return put_parked(s, rec);
	if (rec->type >= RST_TYPES)
		return rec->type & RST_OPTIONAL ? 0 : -EBADMSG;
	err = rst_get(rst_fields[rec->type], rec->data, rec->len, &any);
	return err ? err : put[rec->type](s, &any);
}

static int put_all(struct restore *s)
{
	struct rst_rec rec;
	struct uport *p;
	int r;

	while ((r = rst_next(&s->in, &rec)) > 0) {
		r = put_record(s, &rec);
		if (r < 0)
			return r;
	}
	if (r < 0 || !s->has_bus)
		return -EBADMSG;
	TAILQ_FOREACH(p, &s->us->all, link) {
		if (p->in && !p->waits_for)
			uport_ready(s->us, p);
		uport_arm(s->us, p);
	}
	TAILQ_FOREACH(p, &s->us->zombies, link)
		uport_arm(s->us, p);
	return 0;
}

/* ---- telling the daemon ---- */

static int compare_notes(const void *a, const void *b)
{
	uint64_t x = (*(struct unote *const *)a)->cookie;
	uint64_t y = (*(struct unote *const *)b)->cookie;

	return x < y ? -1 : x > y;
}

static int tell_notes(struct restore *s, const struct unote_list *notes)
{
	const struct unote *n, **v;
	size_t i, count = 0;
	int err = 0;

	TAILQ_FOREACH(n, notes, link)
		count++;
	v = calloc(count + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	count = 0;
	TAILQ_FOREACH(n, notes, link)
		v[count++] = n;
	qsort(v, count, sizeof(*v), compare_notes);
	for (i = 0; !err && i < count; i++)
		err = s->to->note(s->ctx, v[i]->addr, v[i]->cookie, v[i]->data,
				  v[i]->len);
	free(v);
	return err;
}

static int tell_kept(struct restore *s)
{
	struct ukept *k, *next;
	int fd, err = 0;

	/* The daemon may give one up while it is told of it. */
	for (k = TAILQ_FIRST(&s->us->keep.kept); k && !err; k = next) {
		next = TAILQ_NEXT(k, link);
		fd = fcntl(k->fd, F_DUPFD_CLOEXEC, 3);
		err = fd < 0 ? -errno : s->to->kept(s->ctx, k->number, fd);
	}
	return err;
}

static int tell_port(struct restore *s, struct uport *p)
{
	struct sw_port port = {
		.addr = p->addr,
		.flags = (p->flags & UP_ACTIVE ? SW_PORT_ACTIVE : 0) |
			 (p->flags & UP_FDS ? SW_PORT_FDS : 0) |
			 (p->flags & UP_MONITOR ? SW_PORT_MONITOR : 0),
	};

	return s->to->port(s->ctx, &port, p->fd);
}

static int tell_rules(struct restore *s, const struct uport *p)
{
	const struct urule *u;
	int err = 0;

	TAILQ_FOREACH(u, &p->rules, link) {
		err = s->to->rule(s->ctx, p->addr, u->cookie, u->text);
		if (err)
			break;
	}
	return err;
}

static int tell_ports(struct restore *s)
{
	struct uport *p;
	int err = 0;

	TAILQ_FOREACH(p, &s->us->all, link)
		if (!err)
			err = tell_port(s, p);
	TAILQ_FOREACH(p, &s->us->all, link)
		if (!err)
			err = tell_notes(s, &p->notes);
	TAILQ_FOREACH(p, &s->us->all, link)
		if (!err)
			err = tell_rules(s, p);
	return err;
}

/* By name, not by address: nobody has asked for a sorted table. */
static int tell_names(struct restore *s)
{
	char text[DBUS_MAX_NAME + 1];
	const struct uclaim *c;
	const struct uname *n;
	int pass, err = 0;
	size_t i;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < s->us->names_size; i++) {
			for (n = s->us->names[i]; n && !err; n = n->next) {
				memcpy(text, n->name, n->len);
				text[n->len] = 0;
				if (!pass && n->owner)
					err = s->to->name(s->ctx, text,
							  n->owner);
				if (!pass)
					continue;
				TAILQ_FOREACH(c, &n->claims, by_name)
					if (!err)
						err = s->to->claim(s->ctx, text,
								   c->port->addr);
			}
		}
	}
	return err;
}

static int tell_parked(struct restore *s, const struct rst_rec *rec)
{
	struct rst_parked r;
	struct dbus_header h;
	struct sw_message m = { .h = &h };
	int fds[US_POOL_FDS], n, err;

	err = rst_get(rst_fields[RST_PARKED], rec->data, rec->len, &r);
	if (!err)
		err = us_header(&h, r.data.data, r.data.len);
	if (err)
		return -EBADMSG;
	n = take_fds(s, &r.fds, fds);
	if (n < 0)
		return n;
	m.sender = r.sender;
	m.data = r.data.data;
	m.len = r.data.len;
	m.fds = fds;
	m.n_fds = (unsigned int)n;
	err = s->to->parked(s->ctx, r.number, &m);
	close_fds(fds, m.n_fds);
	return err;
}

static int tell_all(struct restore *s)
{
	size_t i;
	int err;

	err = tell_notes(s, &s->us->keep.notes);
	if (!err)
		err = tell_kept(s);
	if (!err)
		err = tell_ports(s);
	if (!err)
		err = tell_names(s);
	for (i = 0; !err && i < s->n_parked; i++)
		err = tell_parked(s, &s->parked[i]);
	return err;
}

/* ---- */

static int open_text(struct restore *s, void **map, size_t *len)
{
	int fd = s->us->keep.past.memfd, want = F_SEAL_SHRINK | F_SEAL_GROW |
		 F_SEAL_WRITE;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	/* Who could still write there could change what was checked. */
	if (seals < 0 || (seals & want) != want || fstat(fd, &st) < 0 ||
	    !st.st_size) {
		log_error("cannot take over the bus: its state is not in a sealed memfd");
		return -EBADMSG;
	}
	*len = (size_t)st.st_size;
	*map = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (*map == MAP_FAILED)
		return -errno;
	return 0;
}

static int open_all(struct restore *s, const void *map, size_t len)
{
	const struct rst_version *v = &s->in.head.version;
	int err = rst_open(&s->in, map, len);

	if (err == -EPROTO)
		log_error("cannot take over the bus: its state is of version %u.%u, this daemon reads %u.*",
			  v->major, v->minor, rst_version.major);
	else if (err)
		log_error("cannot take over the bus: its state is damaged, or is none");
	else if (s->in.head.n_fds != s->us->keep.past.n_fds)
		err = -EBADMSG;
	if (err == -EBADMSG && s->in.head.len == len)
		log_error("cannot take over the bus: %zu descriptors came with it, and not %llu",
			  s->us->keep.past.n_fds,
			  (unsigned long long)s->in.head.n_fds);
	return err;
}

static int restore_from(struct restore *s, const void *map, size_t len)
{
	int err = open_all(s, map, len);

	if (err)
		return err;
	us_enter(s->us);
	err = put_all(s);
	us_leave(s->us);
	/* What is not valid here is what was not valid there. */
	if (err == -EINVAL || err == -ENOENT || err == -E2BIG ||
	    err == -EMSGSIZE)
		err = -EBADMSG;
	if (err)
		log_errno(err, "cannot take over the bus: byte %zu of its state",
			  s->in.pos);
	return err ? err : tell_all(s);
}

int us_op_restore(struct sw *sw, const struct sw_restorer *restorer, void *ctx)
{
	struct us *us = to_us(sw);
	struct restore s = { .us = us, .to = restorer, .ctx = ctx };
	size_t len = 0;
	void *map;
	int err;

	if (!us->keep.has_past)
		return -ENOENT;
	err = open_text(&s, &map, &len);
	if (err)
		return err;
	err = restore_from(&s, map, len);
	munmap(map, len);
	free(s.parked);
	us_past_done(us);
	return err;
}
