// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Taking over: the kernel tells what is on the bus (BUS_DUMP), and the daemon
 * above makes its own of it.
 */
#include "daemon/switch_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/match.h"
#include "daemon/log.h"

/* Of BUS_DUMP, at a time. */
#define CHUNK (1U << 20)

/* ---- reading ---- */

struct dump {
	uint8_t *data;
	size_t len;
	const struct bus_rec **recs;	/* sorted */
	size_t n;
};

static void dump_free(struct dump *d)
{
	free(d->data);
	free(d->recs);
}

/* One piece behind what there is. */
static int read_piece(struct kernel *k, struct dump *d, struct bus_dump *piece)
{
	size_t at = (d->len + 7) & ~(size_t)7;
	socklen_t len = sizeof(*piece) + CHUNK;
	uint8_t *data;

	if (getsockopt(k->fd, SOL_BUS, BUS_DUMP, piece, &len) < 0)
		return -errno;
	if (len < sizeof(*piece) || piece->len > len - sizeof(*piece))
		return -EBADMSG;
	data = realloc(d->data, at + piece->len + 1);
	if (!data)
		return -ENOMEM;
	memset(data + d->len, 0, at - d->len);
	memcpy(data + at, piece->data, piece->len);
	d->data = data;
	d->len = at + piece->len;
	return 0;
}

/* All of one moment. */
static int read_all(struct kernel *k, struct dump *d)
{
	struct bus_dump *piece = malloc(sizeof(*piece) + CHUNK);
	int r;

	if (!piece)
		return -ENOMEM;
	piece->cursor = 0;
	do {
		if (!piece->cursor)
			*piece = (struct bus_dump){ 0 };
		r = read_piece(k, d, piece);
		if (r == -ESTALE) {
			piece->cursor = 0;
			d->len = 0;
			continue;
		}
	} while (r == -ESTALE || (!r && piece->cursor));
	free(piece);
	return r;
}

/* ---- the order in which it is told ---- */

enum rank { BUS_NOTES, KEPT, POLICIES, PORTS, NOTES, RULES, NAMES, CLAIMS,
	    PARKED, OTHER };

static enum rank rank_of(const struct bus_rec *rec)
{
	switch (rec->type) {
	case BUS_REC_NOTE:
		return rec->addr ? NOTES : BUS_NOTES;
	case BUS_REC_KEPT:
		return KEPT;
	case BUS_REC_POLICY:
		return POLICIES;
	case BUS_REC_PORT:
		return PORTS;
	case BUS_REC_MATCH_ADD:
		return RULES;
	case BUS_REC_NAME:
		return NAMES;
	case BUS_REC_CLAIM:
		return CLAIMS;
	case BUS_REC_PARK:
		return PARKED;
	}
	return OTHER;
}

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

static int compare(const void *a, const void *b)
{
	const struct bus_rec *x = *(const struct bus_rec *const *)a;
	const struct bus_rec *y = *(const struct bus_rec *const *)b;
	int c = ORDER(rank_of(x), rank_of(y));

	/* What is parked comes in the order in which it was. */
	if (!c && x->type != BUS_REC_PARK)
		c = ORDER(x->addr, y->addr);
	if (!c && x->type != BUS_REC_PARK)
		c = ORDER(x->cookie, y->cookie);
	return c ? c : ORDER(x, y);
}

static const struct bus_rec *rec_at(const struct dump *d, size_t at)
{
	const struct bus_rec *rec = (const void *)(d->data + at);

	if (d->len - at < sizeof(*rec) || rec->len < sizeof(*rec) ||
	    rec->len > d->len - at)
		return NULL;
	return rec;
}

static int sort(struct dump *d)
{
	const struct bus_rec *rec;
	size_t at, room = 0;
	void *p;

	for (at = 0; at < d->len; at = (at + rec->len + 7) & ~(size_t)7) {
		rec = rec_at(d, at);
		if (!rec)
			return -EBADMSG;
		if (d->n == room) {
			room = room ? 2 * room : 64;
			p = reallocarray(d->recs, room, sizeof(*d->recs));
			if (!p)
				return -ENOMEM;
			d->recs = p;
		}
		d->recs[d->n++] = rec;
	}
	if (d->n)
		qsort(d->recs, d->n, sizeof(*d->recs), compare);
	return 0;
}

/* ---- telling ---- */

struct restore {
	struct kernel *k;
	const struct sw_restorer *to;
	void *ctx;
};

static size_t data_len(const struct bus_rec *rec)
{
	return rec->len - sizeof(*rec);
}

static char *text_of(const struct bus_rec *rec)
{
	return strndup((const char *)rec->data, data_len(rec));
}

static int tell_note(struct restore *r, const struct bus_rec *rec)
{
	return r->to->note(r->ctx, rec->addr, rec->cookie, rec->data,
			   data_len(rec));
}

static int tell_kept(struct restore *r, const struct bus_rec *rec)
{
	struct bus_keep keep = { .id = rec->cookie };
	socklen_t len = sizeof(keep);

	if (getsockopt(r->k->fd, SOL_BUS, BUS_KEEP, &keep, &len) < 0)
		return -errno;
	return r->to->kept(r->ctx, rec->cookie, keep.fd);
}

/* Its ports keep it until they are given theirs anew; the number is free. */
static int forget_policy(struct restore *r, const struct bus_rec *rec)
{
	struct bus_policy p = { .id = rec->cookie };

	if (setsockopt(r->k->fd, SOL_BUS, BUS_POLICY, &p, sizeof(p)) < 0)
		return -errno;
	return 0;
}

static unsigned int port_flags(uint64_t flags)
{
	static const struct {
		uint64_t bus;
		unsigned int sw;
	} map[] = {
		{ BUS_PORT_ACTIVE, SW_PORT_ACTIVE },
		{ BUS_PORT_FDS, SW_PORT_FDS },
		{ BUS_PORT_MONITOR, SW_PORT_MONITOR },
		{ BUS_PORT_ENDED, SW_PORT_ENDED },
		{ BUS_PORT_NATIVE, SW_PORT_NATIVE },
		{ BUS_PORT_CORKED, SW_PORT_CORKED },
	};
	unsigned int i, to = 0;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (flags & map[i].bus)
			to |= map[i].sw;
	return to;
}

static int port_fd(const struct kernel *k, uint64_t addr)
{
	struct bus_port_file f = { .addr = addr };
	socklen_t len = sizeof(f);

	return getsockopt(k->fd, SOL_BUS, BUS_PORT_FILE, &f, &len) < 0 ? -1 :
									 f.fd;
}

static int add_monitor(struct kernel *k, uint64_t addr)
{
	uint64_t *m = reallocarray(k->monitors, k->n_monitors + 1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	k->monitors = m;
	m[k->n_monitors++] = addr;
	return 0;
}

static int tell_port(struct restore *r, const struct bus_rec *rec)
{
	struct sw_port port = {
		.addr = rec->addr,
		.flags = port_flags(rec->cookie),
	};
	struct kernel *k = r->k;
	int fd, ret;

	ret = kernel_port_add(k, rec->addr);
	if (!ret && port.flags & SW_PORT_MONITOR)
		ret = add_monitor(k, rec->addr);
	if (ret)
		return ret;
	kernel_port_find(k, rec->addr)->stuck =
		(rec->cookie & (BUS_PORT_HELD | BUS_PORT_ASKED)) ==
		BUS_PORT_HELD;
	fd = port_fd(k, rec->addr);
	ret = r->to->port(r->ctx, &port, fd);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int tell_rule(struct restore *r, const struct bus_rec *rec)
{
	char *text = text_of(rec);
	int ret = text ? r->to->rule(r->ctx, rec->addr, rec->cookie, text) :
			 -ENOMEM;

	free(text);
	return ret;
}

static int tell_name(struct restore *r, const struct bus_rec *rec)
{
	char *text = text_of(rec);
	int ret = text ? r->to->name(r->ctx, text, rec->addr) : -ENOMEM;

	free(text);
	return ret;
}

static int tell_claim(struct restore *r, const struct bus_rec *rec)
{
	char *text = text_of(rec);
	int ret = text ? r->to->claim(r->ctx, text, rec->addr) : -ENOMEM;

	free(text);
	return ret;
}

/* They are the first to be read, in this order; but for those whose senders
 * were let go of since. */
static int tell_parked(struct restore *r, const struct bus_rec *rec)
{
	struct kernel *k = r->k;
	struct kernel_item it;
	struct sw_message m;
	struct dbus_header h;
	int ret;

	ret = kernel_item_recv(k, &it);
	if (ret < 0)
		return ret;
	if (it.info.kind != BUS_KIND_PARKED || it.info.to != rec->cookie) {
		log_error("the kernel has parked message %llu, and hands up another",
			  (unsigned long long)rec->cookie);
		ret = -EBADMSG;
	} else {
		ret = kernel_item_parse(k, &it, &h, &m);
	}
	if (!ret)
		ret = kernel_park_add(k, rec->cookie, it.info.addr);
	if (!ret)
		ret = r->to->parked(r->ctx, rec->cookie, &m);
	kernel_item_done(k, &it);
	return ret;
}

static int (*const tellers[])(struct restore *r, const struct bus_rec *rec) = {
	[BUS_NOTES] = tell_note,
	[KEPT] = tell_kept,
	[POLICIES] = forget_policy,
	[PORTS] = tell_port,
	[NOTES] = tell_note,
	[RULES] = tell_rule,
	[NAMES] = tell_name,
	[CLAIMS] = tell_claim,
	[PARKED] = tell_parked,
};

/* Who was held for something that our predecessor had begun, and not done, goes
 * on. */
static int free_stuck(struct kernel *k)
{
	struct hnode *n;
	int r = 0, err;
	size_t i;

	hmap_for_all(n, &k->ports, i) {
		struct kernel_port *p = container_of(n, struct kernel_port,
						     node);

		if (!p->stuck)
			continue;
		p->stuck = false;
		err = kernel_record(k, BUS_REC_RESUME, p->addr, 0, NULL, 0);
		if (err < 0 && !r)
			r = err;
	}
	return r;
}

static int tell_all(struct restore *r, const struct dump *d)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < d->n && ret >= 0; i++)
		if (rank_of(d->recs[i]) != OTHER)
			ret = tellers[rank_of(d->recs[i])](r, d->recs[i]);
	return ret < 0 ? ret : 0;
}

int kernel_restore(struct sw *sw, const struct sw_restorer *restorer,
		   void *ctx)
{
	struct kernel *k = to_kernel(sw);
	struct restore r = { .k = k, .to = restorer, .ctx = ctx };
	struct dump d = { 0 };
	int ret;

	k->restoring = true;
	k->depth++;
	ret = read_all(k, &d);
	if (!ret)
		ret = sort(&d);
	if (ret < 0)
		log_errno(ret, "cannot read what is on the bus");
	else
		ret = tell_all(&r, &d);
	if (!ret)
		ret = free_stuck(k);
	k->depth--;
	if (!ret)
		ret = kernel_flush(k);
	k->restoring = false;
	dump_free(&d);
	return ret;
}

/* ---- before and after ---- */

int kernel_look_back(struct kernel *k, bool given)
{
	struct bus_outage o;
	socklen_t len = sizeof(o);
	socklen_t size = sizeof(k->persist_ms);

	if (!kernel_keeps(k))
		return given ? -EOPNOTSUPP : 0;
	if (given && setsockopt(k->fd, SOL_BUS, BUS_TAKEOVER, NULL, 0) < 0)
		return -errno;
	if (getsockopt(k->fd, SOL_BUS, BUS_TAKEOVER, &o, &len) < 0 ||
	    getsockopt(k->fd, SOL_BUS, BUS_PERSIST, &k->persist_ms, &size) < 0)
		return -errno;
	k->has_past = o.takeovers;
	k->outage_us = o.last_us;
	return 0;
}

uint64_t kernel_outage(const struct sw *sw)
{
	return ((const struct kernel *)sw)->outage_us;
}

bool kernel_has_past(const struct sw *sw)
{
	return ((const struct kernel *)sw)->has_past;
}

int kernel_save(struct sw *sw, struct sw_state *to)
{
	struct kernel *k = to_kernel(sw);

	if (!kernel_keeps(k))
		return -EOPNOTSUPP;
	*to = (struct sw_state){ .kind = sw->ops->kind, .memfd = -1 };
	to->fds = malloc(sizeof(*to->fds));
	if (!to->fds)
		return -ENOMEM;
	to->fds[0] = k->fd;
	to->n_fds = 1;
	return 0;
}
