// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a native socket sends: from sendmsg() to native_deliver(), and the
 * waiting between.
 */
#include "native.h"

#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <net/scm.h>

#include "trace.h"

/* A sender that blocks. */
struct sleeper {
	struct bus_wait w;
	struct list_head link;		/* bs->sleepers; port.lock */
	struct completion done;
};

static void sleeper_resume(struct bus_wait *w)
{
	complete(&container_of(w, struct sleeper, w)->done);
}

void native_sleepers_wake(struct bus_sock *bs)
{
	struct sleeper *s;

	spin_lock(&bs->port.lock);
	list_for_each_entry(s, &bs->sleepers, link)
		complete(&s->done);
	spin_unlock(&bs->port.lock);
}

static void sleeper_link(struct bus_sock *bs, struct sleeper *s)
{
	spin_lock(&bs->port.lock);
	if (list_empty(&s->link))
		list_add(&s->link, &bs->sleepers);
	spin_unlock(&bs->port.lock);
}

static void sleeper_unlink(struct bus_sock *bs, struct sleeper *s)
{
	if (list_empty(&s->link))
		return;
	spin_lock(&bs->port.lock);
	list_del_init(&s->link);
	spin_unlock(&bs->port.lock);
}

/* ---- where to ---- */

/* A path in the address must be this bus's; an empty one says nothing. */
static bool other_bus(const struct bus *bus, const struct sockaddr_bus *sa,
		      int len)
{
	int n = len - (int)offsetof(struct sockaddr_bus, sbus_path);
	const char *path = sa->sbus_path;
	bool abstract;

	n = min(n, BUS_PATH_MAX);
	if (n <= 0 || (!path[0] && (n == 1 || !path[1])))
		return false;
	abstract = !path[0];
	if (abstract) {
		path++;
		n--;
	}
	return abstract != bus->name.abstract ||
	       strnlen(path, n) != bus->name.len ||
	       memcmp(path, bus->name.name, bus->name.len);
}

int bus_dest(const struct bus *bus, const struct msghdr *msg, u64 *addr)
{
	const struct sockaddr_bus *sa = msg->msg_name;

	if (msg->msg_namelen < offsetof(struct sockaddr_bus, sbus_path))
		return -EINVAL;
	if (sa->sbus_family != bus_family.family)
		return -EAFNOSUPPORT;
	if (other_bus(bus, sa, msg->msg_namelen))
		return -EHOSTUNREACH;
	*addr = sa->sbus_addr.s_addr;
	return 0;
}

static int find_dest(struct native_out *o, const struct msghdr *msg)
{
	struct bus_sock *bs = o->bs;
	struct bus *bus = bs->bus;
	int err;

	if (!msg->msg_name) {
		if (bus_is_open(bus))
			return -EDESTADDRREQ;
		/* The other side: the master, or the client of this end. */
		o->to = bs->role == BUS_ROLE_CLIENT ? BUS_MASTER_ADDR :
						      bs->port.addr;
		return 0;
	}
	err = bus_dest(bus, msg, &o->to);
	if (err)
		return err;
	if (o->to == BUS_MASTER_ADDR)
		return bus_is_open(bus) ? -EHOSTUNREACH : 0;
	/* Only the master speaks to those it has not let in. */
	if (bs->role == BUS_ROLE_CLIENT && !READ_ONCE(bs->joined))
		return -EHOSTUNREACH;
	return 0;
}

/* ---- what with it ---- */

/* Who may claim to be whom: as AF_UNIX has it. */
static int check_creds(const struct ucred *uc, kuid_t uid, kgid_t gid)
{
	struct user_namespace *ns = current_user_ns();
	const struct cred *cred = current_cred();

	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	if ((uc->pid == task_tgid_vnr(current) ||
	     ns_capable(task_active_pid_ns(current)->user_ns,
			CAP_SYS_ADMIN)) &&
	    (uid_eq(uid, cred->uid) || uid_eq(uid, cred->euid) ||
	     uid_eq(uid, cred->suid) || ns_capable(ns, CAP_SETUID)) &&
	    (gid_eq(gid, cred->gid) || gid_eq(gid, cred->egid) ||
	     gid_eq(gid, cred->sgid) || ns_capable(ns, CAP_SETGID)))
		return 0;
	return -EPERM;
}

static int take_creds(struct bus_body *b, const struct cmsghdr *cmsg)
{
	struct ucred uc;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	int err;

	if (cmsg->cmsg_len != CMSG_LEN(sizeof(uc)))
		return -EINVAL;
	memcpy(&uc, CMSG_DATA(cmsg), sizeof(uc));
	uid = make_kuid(current_user_ns(), uc.uid);
	gid = make_kgid(current_user_ns(), uc.gid);
	err = check_creds(&uc, uid, gid);
	if (err)
		return err;
	pid = find_get_pid(uc.pid);
	if (!pid)
		return -ESRCH;
	put_pid(b->pid);
	b->pid = pid;
	b->uid = uid;
	b->gid = gid;
	return 0;
}

static int take_files(struct native_out *o, const struct cmsghdr *cmsg)
{
	struct bus_skb_cb *cb = BUSCB(o->skb);
	int err;

	if (cb->files)
		return -EINVAL;
	err = bus_files_from(&cb->files, cmsg);
	if (err || !cb->files)
		return err;
	if (cb->files->count > READ_ONCE(o->bs->bus->limits.message_fds))
		return -E2BIG;
	o->cost.fds = cb->files->count;
	return 0;
}

static int take_control(struct native_out *o, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err;

	if (!msg->msg_controllen)
		return 0;
	for_each_cmsghdr(cmsg, msg) {
		if (!CMSG_OK(msg, cmsg))
			return -EINVAL;
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS)
			err = take_files(o, cmsg);
		else if (cmsg->cmsg_type == SCM_CREDENTIALS)
			err = take_creds(bus_body(o->skb), cmsg);
		else
			err = -EINVAL;
		if (err)
			return err;
	}
	return 0;
}

/* ---- waiting ---- */

/* Whoever keeps the sender's messages is one whom it waits for. */
static void start_clock(struct bus_sock *bs)
{
	if (test_and_set_bit(BUS_SOCK_SHORT, &bs->flags))
		return;
	WRITE_ONCE(bs->short_since, jiffies);
	bus_stall_arm(&bs->port);
}

/* For the socket itself: its send buffer, and its own queue. */
static int wait_self(struct bus_sock *bs, long *timeo)
{
	struct sock *sk = &bs->sk;
	DEFINE_WAIT(wait);
	int err = 0;

	if (!native_has_buffer(bs))
		start_clock(bs);
	while (!native_can_send(bs) && !err) {
		set_bit(BUS_SOCK_NOSPACE, &bs->flags);
		prepare_to_wait(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		/* Pairs with bus_write_space(). */
		smp_mb();
		if (native_can_send(bs))
			break;
		if (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
			err = -EPIPE;
		else if (!*timeo)
			err = -EAGAIN;
		else if (signal_pending(current))
			err = sock_intr_errno(*timeo);
		else
			*timeo = schedule_timeout(*timeo);
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

/* For o->full, whose reference it drops. */
static int wait_other(struct native_out *o, struct sleeper *s, long *timeo)
{
	struct bus_port *p = &o->bs->port, *full = o->full;
	long left;
	int err;

	trace_bus_block(o->bs->bus, p->addr, full->addr);
	o->full = NULL;
	if (!*timeo) {
		bus_watch_room(p, full, &o->cost);
		bus_port_put(full);
		return -EAGAIN;
	}
	reinit_completion(&s->done);
	sleeper_link(o->bs, s);
	err = bus_wait_room(&s->w, p, full, &o->cost);
	bus_port_put(full);
	/* After the link: who shuts down from now on wakes us. */
	if (!err && (READ_ONCE(o->bs->sk.sk_shutdown) & SEND_SHUTDOWN))
		err = -EPIPE;
	if (err)
		return err;
	left = wait_for_completion_interruptible_timeout(&s->done, *timeo);
	if (left < 0)
		return sock_intr_errno(*timeo);
	*timeo = left;
	return left ? 0 : -EAGAIN;
}

static int send(struct native_out *o, long *timeo)
{
	struct sleeper s;
	int err;

	bus_wait_init(&s.w, o->bs->port.user, sleeper_resume);
	INIT_LIST_HEAD(&s.link);
	init_completion(&s.done);
	o->w = &s.w;
	do {
		err = native_deliver(o);
		if (err == -EAGAIN)
			err = wait_other(o, &s, timeo) ?: -ERESTART;
	} while (err == -ERESTART);
	bus_wait_done(&s.w, o->bs->bus);
	sleeper_unlink(o->bs, &s);
	return err;
}

/* ---- */

static int check(struct bus_sock *bs, const struct msghdr *msg, size_t len)
{
	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (READ_ONCE(bs->sk.sk_shutdown) & SEND_SHUTDOWN)
		return -EPIPE;
	if (len > READ_ONCE(bs->sk.sk_sndbuf) ||
	    len > READ_ONCE(bs->bus->limits.message_bytes))
		return -EMSGSIZE;
	return 0;
}

static int fill(struct native_out *o, struct socket *sock, struct msghdr *msg)
{
	struct bus_skb_cb *cb = BUSCB(o->skb);
	u32 prio = READ_ONCE(o->bs->sk.sk_priority);

	prio = min_t(u32, prio, BUS_PRIO_MAX);
	cb->share = o->bs->port.user->share;
	cb->prio = prio;
	o->cost.bytes = o->skb->truesize;
	o->cost.prio = prio;
	o->skb->priority = prio;
	o->skb->mark = (u32)bus_body(o->skb)->from;
#ifdef CONFIG_SECURITY_NETWORK
	security_socket_getpeersec_dgram(sock, NULL, &bus_body(o->skb)->secid);
#endif
	return take_control(o, msg);
}

int native_sendmsg(struct bus_sock *bs, struct socket *sock,
		   struct msghdr *msg, size_t len)
{
	long timeo = sock_sndtimeo(&bs->sk, msg->msg_flags & MSG_DONTWAIT);
	struct native_out o = { .bs = bs };
	int err;

	err = check(bs, msg, len);
	if (!err)
		err = find_dest(&o, msg);
	if (!err)
		err = wait_self(bs, &timeo);
	if (err)
		return err;
	o.skb = native_skb_new(bs, msg, len);
	if (IS_ERR(o.skb))
		return PTR_ERR(o.skb);
	err = fill(&o, sock, msg);
	if (!err) {
		trace_bus_send(bs->bus, bs->port.addr, o.to, len);
		err = send(&o, &timeo);
	}
	kfree_skb(o.skb);
	if (!err)
		return len;
	/* Whoever tries again, as io_uring does, begins where we did. */
	iov_iter_revert(&msg->msg_iter, len);
	return err;
}
