// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports: adoption of AF_UNIX streams, their callbacks, who serves them when,
 * and how they end.
 */
#include "dbus.h"

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <net/af_unix.h>

/* One adoption at a time, or both ends of a pair could slip through. */
static DEFINE_MUTEX(attach_mutex);

/* Frees an skb from whoever it was charged to, and its scm data with it; what
 * AF_UNIX keeps in the cb is put in the state of an unsent message. */
void dbus_skb_disown(struct sk_buff *skb)
{
	u32 consumed = UNIXCB(skb).consumed;

	skb_orphan(skb);
	memset(&UNIXCB(skb), 0, sizeof(UNIXCB(skb)));
	UNIXCB(skb).uid = INVALID_UID;
	UNIXCB(skb).gid = INVALID_GID;
	UNIXCB(skb).consumed = consumed;
}

/* ---- the client's queue ---- */

/* The truth about a client that is going: lockless, looked at again below the
 * state lock when pushing. */
static bool peer_gone(const struct dbus_port *p)
{
	return sock_flag(p->peer, SOCK_DEAD) ||
	       (READ_ONCE(p->peer->sk_shutdown) & RCV_SHUTDOWN);
}

/*
 * What the worker hands over is held until that is done, and in AF_UNIX's queue
 * before. Nobody else puts files there, so those that are in both can be told,
 * unless the client reads meanwhile: then there seem to be more for a moment.
 * Never fewer, below port.lock; who asks without asks again.
 */
static unsigned int fds_queued(const struct dbus_port *p)
{
	unsigned int handing = READ_ONCE(p->handing), n;

	if (p->native)
		return READ_ONCE(p->held_fds);
	n = atomic_read(&unix_sk(p->peer)->scm_stat.nr_fds);
	if (handing && n >= READ_ONCE(p->handing_onto) + handing)
		n -= handing;
	return n + READ_ONCE(p->held_fds);
}

/* The client's own user shares with nobody: it is its own queue. */
static bool in_share(const struct dbus_port *p, const struct bus_user *user,
		     u64 add, u64 queued, u64 limit)
{
	return user == p->port.user ||
	       shares_ok(&p->shares, user->share, queued, add, limit);
}

static int fd_room(struct dbus_port *p, const struct bus_user *user,
		   unsigned int add)
{
	unsigned int limit = READ_ONCE(p->port.bus->limits.queue_fds);
	unsigned int n = fds_queued(p);

	if (!n)
		return 0;
	if (!user)
		return n + add > limit ? -ENOBUFS : 0;
	if (n + add <= limit &&
	    (user == p->port.user ||
	     shares_ok(&p->fd_shares, user->share, n, add, limit)))
		return 0;
	set_bit(DP_FD_WAIT, &p->events);
	return -EAGAIN;
}

static int dbus_room(struct bus_port *bp, const struct bus_user *user,
		     const struct bus_cost *c)
{
	struct dbus_port *p = to_dbus_port(bp);
	u64 limit = READ_ONCE(bp->bus->limits.queue_bytes);
	u64 queued = sk_wmem_alloc_get(p->sk);
	bool force = !user;

	if (peer_gone(p))
		return -EPIPE;
	if (c->fds && !p->pass_fds)
		return -ENOTUNIQ;
	if (force)
		limit = 2 * limit + READ_ONCE(p->oversize);
	if (queued && queued + c->bytes > limit)
		return force ? -ENOBUFS : -EAGAIN;
	if (!force && !in_share(p, user, c->bytes, queued, limit))
		return -EAGAIN;
	return c->fds ? fd_room(p, user, c->fds) : 0;
}

/* Below port.lock. The client may go at any moment: then what is pushed is
 * dropped, as it would be from its queue. */
void dbus_push(struct dbus_port *p, struct sk_buff_head *skbs)
{
	struct sk_buff_head *q = &p->peer->sk_receive_queue;
	unsigned int bytes = 0;
	struct sk_buff *skb;
	unsigned long irq;
	bool gone;

	skb_queue_walk(skbs, skb)
		bytes += skb->len - UNIXCB(skb).consumed;
	unix_state_lock(p->peer);
	gone = peer_gone(p);
	if (!gone) {
		spin_lock_irqsave(&q->lock, irq);
		unix_inq_add(p->peer, bytes);
		skb_queue_splice_tail_init(skbs, q);
		spin_unlock_irqrestore(&q->lock, irq);
	}
	unix_state_unlock(p->peer);
	if (gone)
		__skb_queue_purge(skbs);
}

static void peak(u64 *most, u64 now)
{
	if (now > *most)
		WRITE_ONCE(*most, now);
}

/* Below port.lock; @m is charged to the queue from here on. */
static void account(struct dbus_port *p, struct bus_msg *m)
{
	u64 limit = READ_ONCE(p->port.bus->limits.queue_bytes);
	struct sk_buff *skb;

	if (!sk_wmem_alloc_get(p->sk)) {
		WRITE_ONCE(p->oversize, m->truesize > limit ? m->truesize : 0);
		WRITE_ONCE(p->queued_msgs, 0);
	}
	skb_queue_walk(&m->skbs, skb)
		skb_set_owner_w(skb, p->sk);
	WRITE_ONCE(p->queued_msgs, p->queued_msgs + 1);
	peak(&p->peak_bytes, sk_wmem_alloc_get(p->sk));
	shares_add(&p->shares, m->share, m->truesize);
	if (m->files) {
		peak(&p->peak_fds, fds_queued(p) + m->files->count);
		shares_add(&p->fd_shares, m->share, m->files->count);
	}
}

static void dbus_commit(struct bus_port *bp, struct bus_msg *m)
{
	struct dbus_port *p = to_dbus_port(bp);

	account(p, m);
	atomic64_inc(&bp->received_msgs);
	atomic64_add(m->len, &bp->received_bytes);
	if (p->native) {
		dbus_native_push(p, m);
	} else if (m->files) {
		/* Ours to interpret until the worker has sent it. */
		UNIXCB(skb_peek(&m->skbs)).fp = (void *)m->files;
		WRITE_ONCE(p->held_fds, p->held_fds + m->files->count);
		if (m->files->holders && test_bit(DP_CORKED, &p->events))
			bus_desert_watch(p->port.bus);
		m->files = NULL;
		skb_queue_splice_tail_init(&m->skbs, &p->held);
		dbus_queue(p);
	} else if (!skb_queue_empty(&p->held) ||
		   test_bit(DP_CORKED, &p->events)) {
		skb_queue_splice_tail_init(&m->skbs, &p->held);
	} else {
		dbus_push(p, &m->skbs);
	}
}

/* sk_data_ready of a listening or dead socket does nothing harmful: the sock
 * is counted, its wait queue goes by RCU. */
static void dbus_wake(struct bus_port *bp)
{
	struct sock *peer = to_dbus_port(bp)->peer;

	READ_ONCE(peer->sk_data_ready)(peer);
}

/* ---- who serves a port ---- */

static void shut(struct dbus_port *p)
{
	if (test_and_set_bit(DP_SHUT, &p->events))
		return;
	if (p->native)
		dbus_native_shut(p);
	else
		kernel_sock_shutdown(p->sock, SHUT_RDWR);
}

/* Owner. The port's memory stays until the master lets go of it. */
static void end_port(struct dbus_port *p, enum bus_reason reason)
{
	bus_port_end(&p->port, reason);
	dbus_rx_drop(p);
	shut(p);
	/* Nothing comes any more; files in what has come are let go of. */
	if (!p->native)
		dbus_rx_discard(p);
	if (test_bit(DP_CORKED, &p->events))
		dbus_queue(p);
}

static void unhook(struct dbus_port *p)
{
	struct sock *sk = p->sk;

	if (!test_and_clear_bit(DP_HOOKED, &p->events))
		return;
	write_lock_bh(&sk->sk_callback_lock);
	sk->sk_data_ready = p->saved_data_ready;
	sk->sk_write_space = p->saved_write_space;
	sk->sk_state_change = p->saved_state_change;
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
}

static struct file *file_take(struct dbus_port *p)
{
	struct file *file;

	spin_lock(&p->port.lock);
	file = p->file;
	p->file = NULL;
	spin_unlock(&p->port.lock);
	return file;
}

struct file *dbus_port_file(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);
	struct file *file = ERR_PTR(-ENOENT);

	if (p->native)
		return test_bit(BUS_PF_NEW, &bp->flags) ? file :
							  bus_card_file(bp, p->sk);
	spin_lock(&bp->lock);
	if (p->file)
		file = get_file(p->file);
	spin_unlock(&bp->lock);
	return file;
}

static void teardown(struct dbus_port *p)
{
	struct file *file;

	dbus_rx_drop(p);
	unhook(p);
	shut(p);
	file = file_take(p);
	if (file)
		fput(file);
	p->sock = NULL;
	if (cancel_delayed_work(&p->fd_timer))
		bus_port_put(&p->port);
}

/* A client that sent its own socket and went away would live for ever. */
static void fd_timer_arm(struct dbus_port *p)
{
	unsigned int ms = READ_ONCE(p->port.bus->limits.fd_ms);

	if (!p->n_pool) {
		if (delayed_work_pending(&p->fd_timer) &&
		    cancel_delayed_work(&p->fd_timer))
			bus_port_put(&p->port);
		return;
	}
	bus_port_get(&p->port);
	if (!queue_delayed_work(bus_wq, &p->fd_timer, msecs_to_jiffies(ms)))
		bus_port_put(&p->port);
}

/* What of the client is left here, for those who ask. */
static void note_input(struct dbus_port *p)
{
	const struct bus_files *f = p->out.valid ? p->out.m.files : NULL;

	WRITE_ONCE(p->in.msgs, p->out.valid);
	WRITE_ONCE(p->in.bytes, p->rx_len + READ_ONCE(p->sent_bytes) +
				(p->out.valid ? p->out.m.len : 0));
	WRITE_ONCE(p->in.fds, p->n_pool + (f ? f->count : 0));
	peak(&p->in.peak_bytes, p->in.bytes);
	peak(&p->in.peak_fds, p->in.fds);
}

/* Of the client, and not taken yet. */
static bool has_input(const struct dbus_port *p)
{
	return p->native ? READ_ONCE(p->sent_bytes) :
			   !skb_queue_empty_lockless(&p->sk->sk_receive_queue);
}

enum rx_state { RX_DRAINED, RX_BLOCKED, RX_MORE };

/* One message further. */
static enum rx_state rx_step(struct dbus_port *p)
{
	enum bus_reason why = BUS_REASON_NONE;
	int ret;

	if (test_bit(BUS_PF_HELD, &p->port.flags)) {
		if (has_input(p))
			bus_desert_watch(p->port.bus);
		return RX_BLOCKED;
	}
	ret = p->out.valid ? 1 : dbus_rx_next(p, &why);
	if (ret < 0)
		end_port(p, why);
	if (ret <= 0)
		return ret ? RX_BLOCKED : RX_DRAINED;
	ret = dbus_deliver(p);
	if (ret == -EAGAIN)
		return RX_BLOCKED;
	dbus_out_release(p);
	if (!ret)
		return RX_MORE;
	end_port(p, ret == -EDQUOT ? BUS_REASON_QUOTA : BUS_REASON_NOMEM);
	return RX_BLOCKED;
}

static enum rx_state rx_run(struct dbus_port *p)
{
	enum rx_state st = RX_MORE;
	int budget;

	for (budget = DBUS_BUDGET; budget && st == RX_MORE; budget--) {
		if (test_bit(BUS_PF_ENDED, &p->port.flags))
			return RX_MORE;		/* to drop what is here */
		st = rx_step(p);
	}
	return st;
}

/* The owner's round; true when there is more to do. */
static bool service(struct dbus_port *p)
{
	enum rx_state st;
	bool hup;

	if (test_bit(DP_DRAINED, &p->events)) {
		if (p->file || p->native)
			teardown(p);
		return false;
	}
	if (test_and_clear_bit(DP_EVICT, &p->events))
		end_port(p, READ_ONCE(p->evict_reason));
	if (test_and_clear_bit(DP_FD_LATE, &p->events) && p->n_pool)
		end_port(p, BUS_REASON_FDS);
	if (test_bit(BUS_PF_ENDED, &p->port.flags)) {
		dbus_rx_drop(p);
		note_input(p);
		return false;
	}
	/* Looked at first: what was sent before it is in the queue by then. */
	hup = test_bit(DP_HUP, &p->events);
	st = rx_run(p);
	note_input(p);
	fd_timer_arm(p);
	if (st == RX_DRAINED && hup)
		end_port(p, BUS_REASON_HANGUP);
	return st == RX_MORE;
}

/* Ends with the ownership given up, or with the work item having it. */
void dbus_own(struct dbus_port *p)
{
	int k;

	do {
		k = atomic_read(&p->kicks);
		if (service(p)) {
			set_bit(DP_HANDOFF, &p->events);
			dbus_queue(p);
			return;
		}
	} while (atomic_cmpxchg(&p->kicks, k, 0) != k);
}

void dbus_kick(struct dbus_port *p)
{
	if (atomic_fetch_inc(&p->kicks) == 0)
		dbus_own(p);
}

void dbus_queue(struct dbus_port *p)
{
	bus_port_get(&p->port);
	/* The caller has a reference of its own, so this is not the last. */
	if (!queue_work(bus_wq, &p->work))
		refcount_dec(&p->port.ref);
}

static void port_work(struct work_struct *work)
{
	struct dbus_port *p = container_of(work, struct dbus_port, work);

	dbus_held_drain(p);
	if (test_bit(BUS_PF_CLOSED, &p->port.flags))
		set_bit(DP_DRAINED, &p->events);
	if (test_and_clear_bit(DP_HANDOFF, &p->events))
		dbus_own(p);
	else
		dbus_kick(p);
	bus_room_made(&p->port);
	bus_port_put(&p->port);
}

static void fd_timer_work(struct work_struct *work)
{
	struct dbus_port *p = container_of(to_delayed_work(work),
					   struct dbus_port, fd_timer);

	set_bit(DP_FD_LATE, &p->events);
	dbus_kick(p);
	bus_port_put(&p->port);
}

/* ---- callbacks of our end ---- */

static struct dbus_port *port_of(struct sock *sk)
{
	struct dbus_port *p;

	rcu_read_lock();
	p = rcu_dereference_sk_user_data(sk);
	if (p && !refcount_inc_not_zero(&p->port.ref))
		p = NULL;
	rcu_read_unlock();
	return p;
}

/* In the client's context, when it has sent. AF_UNIX holds no locks here; if
 * that cannot be seen, or is not so, a worker does the rest. */
static void hook_data_ready(struct sock *sk)
{
	struct dbus_port *p = port_of(sk);

	if (!p)
		return;
	if (preemptible())
		dbus_kick(p);
	else
		dbus_queue(p);
	bus_port_put(&p->port);
}

/* Queues the work item where the last reference must not be dropped. */
static void queue_anywhere(struct dbus_port *p)
{
	if (!refcount_inc_not_zero(&p->port.ref) ||
	    queue_work(bus_wq, &p->work))
		return;
	/* It was pending, with a reference of its own; but it may have run
	 * since. If ours is the only one left, nothing is pending, and the
	 * work item takes it. */
	if (!refcount_dec_not_one(&p->port.ref))
		queue_work(bus_wq, &p->work);
}

/* From any kfree_skb(): of the reader, below AF_UNIX's iolock, or later. */
static void hook_write_space(struct sock *sk)
{
	struct dbus_port *p;
	u64 limit;

	/* Pairs with wait_enter(): memory was freed before this. */
	smp_mb();
	rcu_read_lock();
	p = rcu_dereference_sk_user_data(sk);
	if (p && test_bit(BUS_PF_WAITED, &p->port.flags)) {
		limit = READ_ONCE(p->port.bus->limits.queue_bytes);
		/* Not for every message read, or senders and reader would go
		 * in step, one message at a time. */
		if (sk_wmem_alloc_get(sk) <= limit - limit / 4 ||
		    test_bit(DP_FD_WAIT, &p->events))
			queue_anywhere(p);
	}
	rcu_read_unlock();
}

static void hook_state_change(struct sock *sk)
{
	struct dbus_port *p = port_of(sk);

	if (!p)
		return;
	/* In either direction: who does not read any more would miss what the
	 * others get, so it is no peer. */
	if (READ_ONCE(sk->sk_shutdown))
		set_bit(DP_HUP, &p->events);
	dbus_queue(p);
	bus_port_put(&p->port);
}

/* ---- adoption ---- */

static int hook(struct dbus_port *p)
{
	struct sock *sk = p->sk;
	int err = 0;

	if (READ_ONCE(p->peer->sk_data_ready) == hook_data_ready)
		return -ELOOP;
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data || sk->sk_data_ready == hook_data_ready) {
		err = -EBUSY;
	} else {
		p->saved_data_ready = sk->sk_data_ready;
		p->saved_write_space = sk->sk_write_space;
		p->saved_state_change = sk->sk_state_change;
		rcu_assign_sk_user_data(sk, p);
		sk->sk_data_ready = hook_data_ready;
		sk->sk_write_space = hook_write_space;
		sk->sk_state_change = hook_state_change;
		/* What bounds this socket is the bus's limit; the worker that
		 * sends files must never find it full. */
		sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
		WRITE_ONCE(sk->sk_sndbuf, INT_MAX / 2);
		set_bit(DP_HOOKED, &p->events);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

static int check_socket(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sock->ops || sock->ops->family != PF_UNIX ||
	    sock->type != SOCK_STREAM || !sock->ops->read_skb)
		return -EPROTOTYPE;
	if (READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		return -ENOTCONN;
	return 0;
}

static kuid_t peer_ids(struct sock *sk, pid_t *pid)
{
	kuid_t uid = current_euid();

	spin_lock(&sk->sk_peer_lock);
	if (sk->sk_peer_cred)
		uid = sk->sk_peer_cred->euid;
	*pid = pid_nr(sk->sk_peer_pid);
	spin_unlock(&sk->sk_peer_lock);
	return uid;
}

static const struct bus_port_ops dbus_port_ops;

/* Of their size: kmalloc() would round it up to a power of two. */
static struct kmem_cache *port_cache;

int dbus_ports_init(void)
{
	port_cache = KMEM_CACHE(dbus_port, SLAB_ACCOUNT);
	return port_cache ? 0 : -ENOMEM;
}

void dbus_ports_exit(void)
{
	kmem_cache_destroy(port_cache);
}

/* Room was made for the message that waits. */
static void dbus_wait_resume(struct bus_wait *w)
{
	struct bus_port *p = container_of(w, struct bus_port, wait);

	dbus_queue(to_dbus_port(p));
}

struct dbus_port *dbus_port_new(struct bus *bus, struct sock *sk, kuid_t uid,
				pid_t pid)
{
	struct dbus_port *p = kmem_cache_zalloc(port_cache, GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	p->port.pid = pid;
	if (bus_port_init(&p->port, bus, &dbus_port_ops, uid)) {
		kmem_cache_free(port_cache, p);
		return NULL;
	}
	set_bit(BUS_PF_HELD, &p->port.flags);
	bus_wait_init(&p->port.wait, p->port.user, dbus_wait_resume);
	__skb_queue_head_init(&p->rxq);
	__skb_queue_head_init(&p->held);
	__skb_queue_head_init(&p->rq);
	skb_queue_head_init(&p->sent);
	mutex_init(&p->reading);
	INIT_WORK(&p->work, port_work);
	INIT_DELAYED_WORK(&p->fd_timer, fd_timer_work);
	INIT_LIST_HEAD(&p->rules);
	p->cookies = RB_ROOT;
	INIT_LIST_HEAD(&p->claims);
	INIT_LIST_HEAD(&p->notes);
	replies_port_init(&p->replies, 0);
	INIT_LIST_HEAD(&p->mon_link);
	bus_msg_init(&p->out.m);
	p->sk = sk;
	sock_hold(sk);
	return p;
}

/* Held until the master has heard of it, so nobody has met it yet. */
int dbus_port_add(struct dbus_port *p)
{
	int err;

	err = bus_port_add(&p->port);
	if (err)
		return err;
	p->unique_len = dbus_unique_format(p->port.addr, p->unique);
	p->replies.addr = p->port.addr;
	dbus_claims_init(p);
	return 0;
}

static int adopt(struct dbus_port *p)
{
	int err;

	p->peer = unix_peer_get(p->sk);
	if (!p->peer)
		return -ENOTCONN;
	mutex_lock(&attach_mutex);
	err = hook(p);
	mutex_unlock(&attach_mutex);
	if (err)
		return err;
	err = dbus_port_add(p);
	if (err) {
		unhook(p);
		return err;
	}
	/* It may have gone before the hooks could see it. */
	if (READ_ONCE(p->sk->sk_shutdown))
		set_bit(DP_HUP, &p->events);
	/* And sent something. */
	bus_desert_watch(p->port.bus);
	return 0;
}

int dbus_attach(struct bus *bus, struct bus_attach *at)
{
	struct dbus_port *p;
	struct socket *sock;
	kuid_t uid;
	pid_t pid;
	int err;

	if (at->flags & ~BUS_ATTACH_FDS)
		return -EINVAL;
	sock = sockfd_lookup(at->fd, &err);
	if (!sock)
		return err;
	err = check_socket(sock);
	if (err)
		goto put_file;
	err = -ENOMEM;
	uid = peer_ids(sock->sk, &pid);
	p = dbus_port_new(bus, sock->sk, uid, pid);
	if (!p)
		goto put_file;
	p->sock = sock;
	p->pass_fds = at->flags & BUS_ATTACH_FDS;
	p->file = sock->file;
	err = adopt(p);
	at->addr = p->port.addr;
	if (err) {
		p->file = NULL;
		bus_port_put(&p->port);
		goto put_file;
	}
	bus_port_put(&p->port);
	return 0;

put_file:
	fput(sock->file);
	return err;
}

/* ---- the rest of the port's operations ---- */

/* Its client may have sent something since. */
static void dbus_resume(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);

	/* Orders clearing BUS_PF_HELD before a look at what the client has
	 * queued; it queues before it looks at the bit. */
	smp_mb();
	if (has_input(p) || READ_ONCE(p->rx_len) || READ_ONCE(p->malformed) ||
	    test_bit(DP_HUP, &p->events))
		dbus_queue(p);
}

static bool input_has_files(struct dbus_port *p)
{
	struct sk_buff_head *q = &p->sk->sk_receive_queue;
	struct sk_buff *skb;
	unsigned long irq;
	bool any = false;

	if (p->native)
		return dbus_native_sent_files(p);
	spin_lock_irqsave(&q->lock, irq);
	skb_queue_walk(q, skb) {
		any = UNIXCB(skb).fp;
		if (any)
			break;
	}
	spin_unlock_irqrestore(&q->lock, irq);
	return any;
}

/* What it has sent behind a message that the master has; what he has it keep
 * back. */
static bool dbus_stranded(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);

	if (test_bit(BUS_PF_ENDED, &bp->flags))
		return false;
	return (test_bit(BUS_PF_HELD, &bp->flags) && input_has_files(p)) ||
	       (test_bit(DP_CORKED, &p->events) && READ_ONCE(p->held_fds));
}

static void dbus_evict(struct bus_port *bp, enum bus_reason reason)
{
	struct dbus_port *p = to_dbus_port(bp);

	WRITE_ONCE(p->evict_reason, reason);
	set_bit(DP_EVICT, &p->events);
	dbus_queue(p);
}

static void dbus_port_stats(struct bus_port *bp, struct bus_port_stats *st)
{
	struct dbus_port *p = to_dbus_port(bp);

	st->queue_bytes = sk_wmem_alloc_get(p->sk);
	spin_lock(&bp->lock);
	st->queue_fds = fds_queued(p);
	spin_unlock(&bp->lock);
	st->matches = READ_ONCE(p->n_matches);
	if (p->pass_fds)
		st->flags |= BUS_PORT_FDS;
	if (p->native)
		st->flags |= BUS_PORT_NATIVE;
}

static void dbus_port_queues(struct bus_port *bp, struct bus_port_queues *q)
{
	struct dbus_port *p = to_dbus_port(bp);

	q->in.msgs = READ_ONCE(p->in.msgs);
	q->in.bytes = READ_ONCE(p->in.bytes);
	q->in.fds = READ_ONCE(p->in.fds);
	q->in.peak_bytes = READ_ONCE(p->in.peak_bytes);
	q->in.peak_fds = READ_ONCE(p->in.peak_fds);
	q->out.bytes = sk_wmem_alloc_get(p->sk);
	q->out.msgs = q->out.bytes ? READ_ONCE(p->queued_msgs) : 0;
	spin_lock(&bp->lock);
	q->out.fds = fds_queued(p);
	spin_unlock(&bp->lock);
	q->out.peak_bytes = READ_ONCE(p->peak_bytes);
	q->out.peak_fds = READ_ONCE(p->peak_fds);
}

static void port_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(port_cache, container_of(rcu, struct dbus_port, rcu));
}

static void dbus_port_free(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);

	dbus_rx_drop(p);
	skb_queue_splice_tail_init(&p->rq, &p->held);
	dbus_held_purge(p);
	dbus_rules_free(p);
	dbus_claims_free(p);
	kfree(p->about);
	dbus_policy_put(p->policy);
	kfree(p->pool);
	if (p->peer)
		sock_put(p->peer);
	sock_put(p->sk);
	/* Hooks look at a port below RCU before they count it. */
	call_rcu(&p->rcu, port_free_rcu);
}

/* Below bus->lock, exclusive. */
static void dbus_ended(struct bus_port *bp)
{
	dbus_replies_ended(to_dbus_port(bp));
}

static void dbus_close(struct bus_port *bp)
{
	struct dbus_port *p = to_dbus_port(bp);

	dbus_replies_closed(p);
	dbus_queue(p);
}

static const struct bus_port_ops dbus_port_ops = {
	.ended = dbus_ended,
	.files_since = dbus_native_files_since,
	.room = dbus_room,
	.commit = dbus_commit,
	.wake = dbus_wake,
	.resume = dbus_resume,
	.stranded = dbus_stranded,
	.evict = dbus_evict,
	.close = dbus_close,
	.stats = dbus_port_stats,
	.queues = dbus_port_queues,
	.free = dbus_port_free,
};
