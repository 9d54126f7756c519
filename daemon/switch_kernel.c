// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The switch in the kernel: a client of the AF_BUS socket, whose manual opens
 * linux/bus.h. No message between peers comes near here.
 *
 * What the daemon does because of an event is gathered (switch_kernel_batch.c)
 * and applied in one step, with what says that the event is done with.
 */
#include "daemon/switch_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/match.h"
#include "daemon/bus_socket.h"
#include "daemon/log.h"

#define MAX_FDS KERNEL_MAX_FDS
/* Messages in one go, before other sources of the loop have their turn. */
#define BATCH 32
/* Of the receive buffer, what stays in memory between messages. */
#define KEEP (64U << 10)
#define RECV_SIZE KERNEL_RECV_SIZE

static int record(struct kernel *k, uint32_t type, uint64_t addr,
		  uint64_t cookie, const char *text)
{
	return kernel_record(k, type, addr, cookie, text,
			     text ? strlen(text) : 0);
}

/* ---- messages ---- */

static void put_cmsg(struct msghdr *mh, int level, int type, const void *data,
		     size_t len)
{
	struct cmsghdr *c = (void *)((char *)mh->msg_control +
				     mh->msg_controllen);

	mh->msg_controllen += CMSG_SPACE(len);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
}

static int send_how(struct kernel *k, const struct bus_send *how,
		    uint64_t addr, const void *msg, size_t len,
		    const int *fds, unsigned int n_fds)
{
	union {
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int)) +
			 CMSG_SPACE(sizeof(*how))];
		struct cmsghdr align;
	} control = { 0 };
	struct sockaddr_bus to = {
		.sbus_family = k->family,
		.sbus_addr.s_addr = addr,
	};
	struct iovec iov = { (void *)msg, len };
	struct msghdr mh = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
	};

	if (n_fds > MAX_FDS)
		return -EINVAL;
	if (n_fds)
		put_cmsg(&mh, SOL_SOCKET, SCM_RIGHTS, fds,
			 n_fds * sizeof(int));
	if (how)
		put_cmsg(&mh, SOL_BUS, BUS_SEND, how, sizeof(*how));
	return sendmsg(k->fd, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ---- upwards ---- */

static void item_cmsgs(struct kernel_item *it, struct msghdr *mh)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		n = c->cmsg_len - CMSG_LEN(0);
		if (c->cmsg_level == SOL_BUS && c->cmsg_type == BUS_INFO) {
			if (n >= sizeof(it->info))
				memcpy(&it->info, CMSG_DATA(c),
				       sizeof(it->info));
		} else if (c->cmsg_level == SOL_SOCKET &&
			   c->cmsg_type == SCM_RIGHTS) {
			it->n_fds = n / sizeof(int);
			memcpy(it->fds, CMSG_DATA(c), n);
		}
	}
}

int kernel_item_recv(struct kernel *k, struct kernel_item *it)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct bus_info)) +
			 CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { k->buf, RECV_SIZE };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	it->n_fds = 0;
	memset(&it->info, 0, sizeof(it->info));
	n = recvmsg(k->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	it->len = n;
	item_cmsgs(it, &mh);
	return 0;
}

static struct sw_ruling ruling_of(const struct bus_info *info)
{
	static const enum sw_refusal refusals[] = {
		[BUS_ROUTED] = SW_ROUTED,
		[BUS_DENIED_SEND] = SW_DENIED_SEND,
		[BUS_DENIED_RECEIVE] = SW_DENIED_RECEIVE,
		[BUS_SAME_SERIAL] = SW_SAME_SERIAL,
		[BUS_TOO_MANY_CALLS] = SW_TOO_MANY_CALLS,
		[BUS_LOGGED] = SW_LOGGED,
	};
	const size_t n = sizeof(refusals) / sizeof(refusals[0]);

	return (struct sw_ruling){
		.refusal = info->refusal < n ? refusals[info->refusal] :
					       SW_ROUTED,
		.to = info->to,
		.requested = info->flags & BUS_INFO_REQUESTED,
		.matched = info->matched,
	};
}

/* With the batch, if there is one; by itself if it cannot be a part of that. */
static int send_message(struct kernel *k, uint32_t flags, uint64_t addr,
			const void *msg, size_t len, const int *fds,
			unsigned int n_fds)
{
	struct bus_send how = { .flags = flags };
	int r = -E2BIG;

	if (kernel_gathers(k) && !n_fds)
		r = kernel_record_send(k, addr, &how, msg, len);
	if (r != -E2BIG)
		return r;
	kernel_flush(k);
	return send_how(k, flags ? &how : NULL, addr, msg, len, fds, n_fds);
}

/* The kernel still has the files, if it keeps what it has handed up. */
static int show_item(struct kernel *k, const struct kernel_item *it)
{
	struct bus_send how = {
		.from = it->info.addr,
		.flags = BUS_SEND_FILES,
	};
	int r = -E2BIG;

	if (it->n_fds && kernel_gathers(k) && k->persist_ms)
		r = kernel_record_send(k, BUS_MONITORS, &how, k->buf,
				       it->len);
	if (r != -E2BIG)
		return r;
	return send_message(k, 0, BUS_MONITORS, k->buf, it->len, it->fds,
			    it->n_fds);
}

/* What is handed up is shown before what the daemon says to it. */
static void show_handed_up(struct kernel *k)
{
	struct kernel_item *it = k->unshown;
	int r;

	k->unshown = NULL;
	if (!it)
		return;
	r = show_item(k, it);
	if (r < 0)
		log_errno(r, "cannot show a message to monitors");
}

int kernel_item_parse(struct kernel *k, const struct kernel_item *it,
		      struct dbus_header *h, struct sw_message *m)
{
	bool logged = it->info.kind == BUS_KIND_LOGGED;

	*m = (struct sw_message){
		.sender = it->info.addr,
		.data = k->buf,
		.len = it->len,
		.h = h,
		.fds = it->fds,
		.n_fds = it->n_fds,
		.ruling = ruling_of(&it->info),
	};
	m->told = logged && m->ruling.refusal != SW_LOGGED;
	if (it->len < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&h->f, k->buf, DBUS_MAX_MESSAGE) ||
	    (logged ? h->f.header_len : h->f.total_len) != it->len ||
	    dbus_header_parse(h, k->buf, h->f.header_len, DBUS_MAX_MESSAGE)) {
		log_error("the kernel handed up a malformed message");
		return -EBADMSG;
	}
	/* When we are out of descriptors the kernel drops what is too much. */
	if (h->unix_fds != it->n_fds && !logged) {
		log_error("dropped a message of :1.%llu: descriptors are short",
			  (unsigned long long)it->info.addr);
		return -EBADMSG;
	}
	return 0;
}

static void hand_up(struct kernel *k, struct kernel_item *it)
{
	struct dbus_header h;
	struct sw_message m;

	if (kernel_item_parse(k, it, &h, &m))
		return;
	if (it->info.flags & BUS_INFO_UNSEEN)
		k->unshown = it;
	k->sw.handler.message(k->sw.ctx, &m);
	show_handed_up(k);
}

/* The port may be gone: an item of one that was detached still comes. */
static void resume(struct kernel *k, uint64_t addr)
{
	int r;

	r = record(k, BUS_REC_RESUME, addr, 0, NULL);
	if (r < 0 && r != -ENOENT)
		log_errno(r, "cannot resume :1.%llu",
			  (unsigned long long)addr);
}

void kernel_item_done(struct kernel *k, struct kernel_item *it)
{
	while (it->n_fds)
		close(it->fds[--it->n_fds]);
	if (it->len > KEEP)
		madvise(k->buf + KEEP, RECV_SIZE - KEEP, MADV_DONTNEED);
}

static void message(struct kernel *k, struct kernel_item *it)
{
	k->sender = it->info.addr;
	hand_up(k, it);
	if (k->sender)
		resume(k, k->sender);
	k->sender = 0;
}

/* An event that was under way when the port was detached still comes; the
 * daemon knows no such port then. */
static void item_handle(struct kernel *k, struct kernel_item *it)
{
	int r;

	kernel_begin(&k->sw);
	k->handling = true;
	switch (it->info.kind) {
	case BUS_KIND_CLOSED:
		k->sw.handler.closed(k->sw.ctx, it->info.addr,
				     it->info.reason);
		break;
	case BUS_KIND_MESSAGE:
		message(k, it);
		break;
	case BUS_KIND_SLOW:
		if (k->sw.handler.slow)
			k->sw.handler.slow(k->sw.ctx, it->info.addr);
		break;
	case BUS_KIND_LOGGED:
		/* Its port goes on, and is not to be resumed. */
		hand_up(k, it);
		break;
	}
	k->handling = false;
	/* Everybody has been told of their end. */
	if (k->orphans && !record(k, BUS_REC_ORPHANS, 0, 0, NULL))
		k->orphans = false;
	r = kernel_commit(&k->sw);
	if (r < 0 && r != -ENOENT)
		log_errno(r, "what an event of :1.%llu causes is not complete",
			  (unsigned long long)it->info.addr);
	kernel_item_done(k, it);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	struct kernel *k = ctx;
	struct kernel_item it;
	int i, r;

	for (i = 0; i < BATCH; i++) {
		r = kernel_item_recv(k, &it);
		if (r == -EAGAIN || r == -EINTR)
			return 0;
		if (r < 0) {
			log_errno(r, "cannot read from the kernel's switch");
			/* Not transient: without it nothing works. */
			return r == -ENOMEM ? 0 : sd_event_exit(k->sw.event, r);
		}
		item_handle(k, &it);
	}
	return 0;
}

/* ---- ports ---- */

static int adopt(struct kernel *k, int fd, bool pass_fds, uint64_t *addr)
{
	struct bus_attach at = {
		.fd = fd,
		.flags = pass_fds ? BUS_ATTACH_FDS : 0,
	};
	socklen_t len = sizeof(at);

	if (getsockopt(k->fd, SOL_BUS, BUS_ATTACH, &at, &len) < 0)
		return -errno;
	*addr = at.addr;
	return 0;
}

/* A native client has its port already, and the descriptor tells which. */
static int attach(struct kernel *k, int fd, bool pass_fds, uint64_t *addr)
{
	struct sockaddr_bus sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	if (sa.sbus_family != k->family)
		return adopt(k, fd, pass_fds, addr);
	*addr = sa.sbus_addr.s_addr;
	return 0;
}

static void attach_undo(struct kernel *k, uint64_t addr)
{
	struct bus_rec rec = {
		.len = sizeof(rec),
		.type = BUS_REC_CLOSE,
		.addr = addr,
	};

	setsockopt(k->fd, SOL_BUS, BUS_UPDATE, &rec, sizeof(rec));
	kernel_port_del(k, addr);
}

static int kernel_attach(struct sw *sw, int fd, bool pass_fds, uint64_t *addr)
{
	struct kernel *k = to_kernel(sw);
	int r = attach(k, fd, pass_fds, addr);

	close(fd);
	if (r < 0)
		return r;
	r = kernel_port_add(k, *addr);
	if (!r)
		r = record(k, BUS_REC_RESUME, *addr, 0, NULL);
	if (r < 0)
		attach_undo(k, *addr);
	return r;
}

static int kernel_activate(struct sw *sw, uint64_t addr)
{
	return record(to_kernel(sw), BUS_REC_ACTIVATE, addr, 0, NULL);
}

static void monitor_forget(struct kernel *k, uint64_t addr)
{
	size_t i;

	for (i = 0; i < k->n_monitors; i++)
		if (k->monitors[i] == addr)
			k->monitors[i] = k->monitors[--k->n_monitors];
}

static int kernel_detach(struct sw *sw, uint64_t addr)
{
	struct kernel *k = to_kernel(sw);
	int r;

	if (addr == k->sender)
		k->sender = 0;
	kernel_policy_forget(&k->policies, addr);
	monitor_forget(k, addr);
	k->orphans |= k->handling;
	r = record(k, BUS_REC_CLOSE, addr, k->handling, NULL);
	kernel_port_del(k, addr);
	return r;
}

static int kernel_name(struct sw *sw, const char *name, uint64_t addr)
{
	return record(to_kernel(sw), BUS_REC_NAME, addr, 0, name);
}

static int kernel_match_add(struct sw *sw, uint64_t addr, uint64_t cookie,
			    const char *rule)
{
	if (strlen(rule) > MATCH_MAX_TEXT)
		return -EINVAL;
	return record(to_kernel(sw), BUS_REC_MATCH_ADD, addr, cookie, rule);
}

static int kernel_match_del(struct sw *sw, uint64_t addr, uint64_t cookie)
{
	return record(to_kernel(sw), BUS_REC_MATCH_DEL, addr, cookie, NULL);
}

/* ---- monitors ---- */

static bool kernel_has_monitors(const struct sw *sw)
{
	return ((const struct kernel *)sw)->features & BUS_FEATURE_WATCH;
}

static bool kernel_watched(const struct sw *sw)
{
	return ((const struct kernel *)sw)->n_monitors;
}

static int kernel_cork(struct sw *sw, uint64_t addr, bool on)
{
	return record(to_kernel(sw), on ? BUS_REC_CORK : BUS_REC_UNCORK, addr,
		      0, NULL);
}

static int kernel_monitor(struct sw *sw, uint64_t addr)
{
	struct kernel *k = to_kernel(sw);
	uint64_t *m;
	int r;

	m = reallocarray(k->monitors, k->n_monitors + 1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	k->monitors = m;
	r = record(k, BUS_REC_MONITOR, addr, 0, NULL);
	if (!r)
		k->monitors[k->n_monitors++] = addr;
	return r;
}

/* ---- policy ---- */

static int kernel_claim(struct sw *sw, const char *name, uint64_t addr,
			bool on)
{
	return record(to_kernel(sw), BUS_REC_CLAIM, addr, on, name);
}

static int kernel_about(struct sw *sw, uint64_t addr, const char *text)
{
	struct kernel *k = to_kernel(sw);

	if (!(k->features & BUS_FEATURE_ABOUT))
		return 0;
	/* It would take its whole batch with it. */
	if (!dbus_utf8_ok(text, strlen(text)))
		return -EINVAL;
	return record(k, BUS_REC_ABOUT, addr, 0, text);
}

static int kernel_policy(struct sw *sw, uint64_t addr, const struct policy *p)
{
	struct kernel *k = to_kernel(sw);

	return kernel_policy_set(&k->policies, k->fd, addr, p);
}

/* The kernel counts milliseconds, and BUS_NEVER is for ever. */
static uint32_t to_ms(uint64_t usec, uint32_t max)
{
	uint64_t ms = usec / 1000 + !!(usec % 1000);

	if (!ms)
		return 1;
	return ms < max ? ms : max;
}

#define REPLIES_MAX (1U << 20)
#define FD_MS_MAX 3600000U

static int kernel_limits(struct sw *sw, const struct sw_limits *limits)
{
	struct bus_limits l = { 0 };
	int r = sw_limits_fill(&l, &limits->bus);

	if (r)
		return r;
	l.replies = limits->replies < REPLIES_MAX ? limits->replies :
						    REPLIES_MAX;
	if (!l.replies)
		l.replies = 1;
	l.reply_ms = to_ms(limits->reply_timeout, BUS_NEVER);
	l.fd_ms = to_ms(limits->pending_fd_timeout, FD_MS_MAX);
	if (to_kernel(sw)->features & BUS_FEATURE_SLOW)
		l.slow_ms = (l.stall_ms + 1) / 2;
	if (setsockopt(to_kernel(sw)->fd, SOL_BUS, BUS_LIMITS, &l,
		       sizeof(l)) < 0)
		return -errno;
	sw->limits = l;
	return 0;
}

/* ---- downwards ---- */

static int kernel_send(struct sw *sw, uint64_t addr, const void *msg,
		       size_t len, const int *fds, unsigned int n_fds)
{
	struct kernel *k = to_kernel(sw);

	if (!k->show_first)
		show_handed_up(k);
	return send_message(k, 0, addr, msg, len, fds, n_fds);
}

static void kernel_show_first(struct sw *sw, bool on)
{
	to_kernel(sw)->show_first = on;
}

/* To monitors alone. Whose it is says its DESTINATION. */
static int kernel_show(struct sw *sw, uint64_t to, const void *msg, size_t len)
{
	if (!kernel_watched(sw))
		return 0;
	return kernel_send(sw, BUS_MONITORS, msg, len, NULL, 0);
}

/* An older module shows nothing to anybody, and knows no such flag. */
static uint32_t unseen(const struct kernel *k)
{
	return kernel_has_monitors(&k->sw) ? BUS_SEND_UNSEEN : 0;
}

/* The parked message, or what @from is held with; -errno as sendmsg(). */
static int forward_record(struct kernel *k, uint64_t to, uint64_t number,
			  uint64_t from)
{
	union {
		struct bus_rec head;
		char bytes[sizeof(struct bus_rec) + sizeof(from)];
	} rec = { .head = {
		.len = number ? sizeof(rec.head) : sizeof(rec),
		.type = BUS_REC_FORWARD,
		.addr = to,
		.cookie = number,
	} };

	memcpy(rec.head.data, &from, sizeof(from));
	return setsockopt(k->fd, SOL_BUS, BUS_UPDATE, &rec, rec.head.len) < 0 ?
	       -errno : 0;
}

static int forwarded(struct kernel *k, int r, struct sw_ruling *ruling)
{
	struct bus_info why = { 0 };
	socklen_t size = sizeof(why);

	if (r == -EACCES &&
	    getsockopt(k->fd, SOL_BUS, BUS_RULING, &why, &size) < 0)
		return -errno;
	*ruling = ruling_of(&why);
	return r;
}

static int kernel_forward(struct sw *sw, uint64_t from, uint64_t addr,
			  const void *msg, size_t len, const int *fds,
			  unsigned int n_fds, struct sw_ruling *ruling)
{
	struct bus_send how = { .from = from };
	struct kernel *k = to_kernel(sw);
	int r;

	if (!k->show_first)
		show_handed_up(k);
	if (!from)
		return send_message(k, unseen(k), addr, msg, len, fds, n_fds);
	kernel_flush(k);
	/* What it is held with, which then is not handed up again. */
	if (k->persist_ms && from == k->sender)
		r = forward_record(k, addr, 0, from);
	else
		r = send_how(k, &how, addr, msg, len, fds, n_fds);
	return forwarded(k, r, ruling);
}

/* It stands for itself: what comes of it the daemon wants to know. */
static int kernel_forward_parked(struct sw *sw, uint64_t number, uint64_t addr,
				 const struct sw_message *m,
				 struct sw_ruling *ruling)
{
	struct kernel *k = to_kernel(sw);
	int r;

	if (!kernel_is_parked(k, number)) {
		kernel_unpark(sw, number);
		return kernel_forward(sw, m->sender, addr, m->data, m->len,
				      m->fds, m->n_fds, ruling);
	}
	if (!k->show_first)
		show_handed_up(k);
	kernel_flush(k);
	/* It may have gone with the flush, which let go of its sender. */
	r = forwarded(k, forward_record(k, addr, number, 0), ruling);
	if (r < 0)
		kernel_unpark(sw, number);
	else
		kernel_park_del(k, number);
	return r;
}

static int kernel_broadcast(struct sw *sw, const void *msg, size_t len)
{
	return kernel_send(sw, BUS_CLIENT_MASK, msg, len, NULL, 0);
}

/* ---- figures ---- */

static int kernel_port_stats(struct sw *sw, uint64_t addr,
			     struct bus_port_stats *ret)
{
	struct bus_port_stats st = { .addr = addr };
	socklen_t len = sizeof(st);

	if (getsockopt(to_kernel(sw)->fd, SOL_BUS, BUS_PORT_STATS, &st,
		       &len) < 0)
		return -errno;
	*ret = st;
	return 0;
}

/* A module without the option keeps no highest figures: they are the present
 * ones then. */
static int queues_of_old(struct sw *sw, uint64_t addr, struct sw_queues *ret)
{
	struct bus_port_stats st = { 0 };
	int r = kernel_port_stats(sw, addr, &st);

	if (r < 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->in.msgs = !!(st.flags & (BUS_PORT_HELD | BUS_PORT_WAITING));
	ret->out.bytes = ret->out.peak_bytes = st.queue_bytes;
	ret->out.fds = ret->out.peak_fds = st.queue_fds;
	return 0;
}

static struct sw_queue queue_of(const struct bus_queue *q)
{
	return (struct sw_queue){
		.msgs = q->msgs,
		.bytes = q->bytes,
		.fds = q->fds,
		.peak_bytes = q->peak_bytes,
		.peak_fds = q->peak_fds,
	};
}

static int kernel_queues(struct sw *sw, uint64_t addr, struct sw_queues *ret)
{
	struct bus_port_queues q = { .addr = addr };
	struct kernel *k = to_kernel(sw);
	socklen_t len = sizeof(q);

	if (!(k->features & BUS_FEATURE_QUEUES))
		return queues_of_old(sw, addr, ret);
	if (getsockopt(k->fd, SOL_BUS, BUS_PORT_QUEUES, &q, &len) < 0)
		return -errno;
	ret->in = queue_of(&q.in);
	ret->out = queue_of(&q.out);
	return 0;
}

static int kernel_stats(struct sw *sw, struct bus_stats *ret)
{
	socklen_t len = sizeof(*ret);

	if (getsockopt(to_kernel(sw)->fd, SOL_BUS, BUS_STATS, ret, &len) < 0)
		return -errno;
	return 0;
}

/* ---- begin and end ---- */

static void kernel_free(struct sw *sw)
{
	struct kernel *k = to_kernel(sw);

	sd_event_source_disable_unref(k->io);
	if (k->fd >= 0)
		close(k->fd);
	if (k->buf)
		munmap(k->buf, RECV_SIZE);
	kernel_policies_clear(&k->policies);
	kernel_batch_clear(k);
	free(k->monitors);
	free(k);
}

static const struct sw_ops kernel_ops = {
	.kind = "kernel",
	.free = kernel_free,
	.attach = kernel_attach,
	.activate = kernel_activate,
	.detach = kernel_detach,
	.name = kernel_name,
	.match_add = kernel_match_add,
	.match_del = kernel_match_del,
	.send = kernel_send,
	.broadcast = kernel_broadcast,
	.monitor = kernel_monitor,
	.has_monitors = kernel_has_monitors,
	.watched = kernel_watched,
	.cork = kernel_cork,
	.show = kernel_show,
	.show_first = kernel_show_first,
	.claim = kernel_claim,
	.about = kernel_about,
	.policy = kernel_policy,
	.limits = kernel_limits,
	.forward = kernel_forward,
	.begin = kernel_begin,
	.commit = kernel_commit,
	.note = kernel_note,
	.keep = kernel_keep,
	.park = kernel_park,
	.unpark = kernel_unpark,
	.forward_parked = kernel_forward_parked,
	.persist = kernel_persist,
	.has_past = kernel_has_past,
	.outage = kernel_outage,
	.restore = kernel_restore,
	.save = kernel_save,
	.queues = kernel_queues,
	.port_stats = kernel_port_stats,
	.stats = kernel_stats,
};

/* One that is bound already stays the caller's. */
static int open_socket(struct kernel *k, int bound)
{
	k->fd = bound < 0 ? bus_socket() : fcntl(bound, F_DUPFD_CLOEXEC, 3);
	if (k->fd < 0)
		return bound < 0 ? k->fd : -errno;
	k->family = bus_family();
	return 0;
}

static int check_version(struct kernel *k)
{
	uint32_t version = 0;
	socklen_t len = sizeof(version);

	if (getsockopt(k->fd, SOL_BUS, BUS_VERSION, &version, &len) < 0)
		return -errno;
	if (version == BUS_ABI_VERSION)
		return 0;
	log_error("the module af_bus speaks version %u of its interface, "
		  "this daemon %u", version, BUS_ABI_VERSION);
	return -EPROTO;
}

/* An older module has none. */
static int ask_features(struct kernel *k)
{
	socklen_t len = sizeof(k->features);

	if (getsockopt(k->fd, SOL_BUS, BUS_FEATURES, &k->features, &len) == 0)
		return 0;
	k->features = 0;
	return errno == ENOPROTOOPT ? 0 : -errno;
}

/* Abstract: the name is for people, nobody connects to it. */
static int bind_bus(struct kernel *k, const char *path)
{
	struct sockaddr_bus sa = { .sbus_family = k->family };

	snprintf(sa.sbus_path + 1, sizeof(sa.sbus_path) - 1, "%s", path);
	return bind(k->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
}

static int set_limits(struct kernel *k)
{
	if (setsockopt(k->fd, SOL_BUS, BUS_LIMITS, &k->sw.limits,
		       sizeof(k->sw.limits)) < 0)
		return -errno;
	return 0;
}

static int map_buffer(struct kernel *k)
{
	void *p = mmap(NULL, RECV_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	k->buf = p;
	return 0;
}

static int take_socket(struct kernel *k, struct sw_state *from)
{
	if (strcmp(from->kind, "kernel") || from->n_fds != 1 ||
	    from->fds[0] < 0) {
		log_error("what is handed over is no bus of the kernel's");
		return -EPROTO;
	}
	k->fd = from->fds[0];
	from->fds[0] = -1;
	k->family = bus_family();
	return 0;
}

static int open_all(struct kernel *k, const char *path, int bound,
		    struct sw_state *from)
{
	int r;

	r = from ? take_socket(k, from) : open_socket(k, bound);
	if (!r)
		r = check_version(k);
	if (!r)
		r = ask_features(k);
	if (!r && bound < 0 && !from)
		r = bind_bus(k, path);
	if (!r)
		r = kernel_look_back(k, from);
	if (!r)
		r = set_limits(k);
	if (!r)
		r = map_buffer(k);
	if (!r)
		r = sd_event_add_io(k->sw.event, &k->io, k->fd, EPOLLIN, on_io,
				    k);
	return r < 0 ? r : 0;
}

static int tell_policy(void *ctx, uint64_t addr, uint64_t id)
{
	return record(ctx, BUS_REC_POLICY, addr, id, NULL);
}

int sw_kernel_new(struct sw **ret, const struct sw *common, const char *path,
		  int bound, struct sw_state *from)
{
	struct kernel *k;
	int r;

	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->policies.tell = tell_policy;
	k->policies.ctx = k;
	k->sw = *common;
	k->sw.ops = &kernel_ops;
	k->fd = -1;
	r = open_all(k, path, bound, from);
	if (r < 0) {
		kernel_free(&k->sw);
		return r;
	}
	*ret = &k->sw;
	return 0;
}
