// SPDX-License-Identifier: GPL-2.0-only
/*
 * Native ports: how they begin and end.
 */
#include "native.h"

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "trace.h"

/* ---- a port's operations ---- */

static void native_wake(struct bus_port *p)
{
	struct sock *sk = &port_sk(p)->sk;

	sk->sk_data_ready(sk);
}

static struct bus_sock *other_get(struct bus_sock *bs)
{
	struct bus_sock *other;

	spin_lock(&bs->port.lock);
	other = bs->other;
	if (other)
		bus_port_get(&other->port);
	spin_unlock(&bs->port.lock);
	return other;
}

static void shut(struct bus_sock *bs, int how)
{
	struct sock *sk = &bs->sk;

	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | how);
	release_sock(sk);
	sk->sk_state_change(sk);
	bus_room_made(&bs->port);
	if (how & SEND_SHUTDOWN)
		native_sleepers_wake(bs);
}

/* What a reader is to know that is not said by an end alone. */
static void tell_cause(struct bus_sock *bs)
{
	int err = native_cause(bs);

	if (err)
		WRITE_ONCE(bs->sk.sk_err, -err);
}

/*
 * Below bus->lock, exclusive. The client's end at the master is over in the
 * same step, so that nothing is committed to it after that either.
 */
static void native_ended(struct bus_port *p)
{
	struct bus_sock *bs = port_sk(p), *end;

	native_leave(bs);
	spin_lock(&p->lock);
	end = bs->other;
	if (end) {
		set_bit(BUS_PF_ENDED, &end->port.flags);
		WRITE_ONCE(end->port.reason, p->reason);
	}
	spin_unlock(&p->lock);
}

/* What follows when a client has been taken out of routing. */
static void over(struct bus_sock *bs)
{
	struct bus_sock *end;

	if (test_and_set_bit(BUS_SOCK_OVER, &bs->flags))
		return;
	trace_bus_end(bs->bus, bs->port.addr, bs->port.reason);
	native_forget(bs);
	tell_cause(bs);
	shut(bs, SHUTDOWN_MASK);
	end = other_get(bs);
	if (!end)
		return;
	shut(end, SHUTDOWN_MASK);
	bus_port_put(&end->port);
}

/* @bs is a client. Its membership is over; the sockets live on as long as
 * somebody has them, and yield what is on their queues. */
void native_end(struct bus_sock *bs, enum bus_reason reason)
{
	bus_port_end(&bs->port, reason);
	over(bs);
}

int native_cause(const struct bus_sock *bs)
{
	static const int causes[] = {
		[BUS_REASON_STALLED] = -ETIMEDOUT,
		[BUS_REASON_QUOTA] = -EDQUOT,
		[BUS_REASON_NOMEM] = -ENOMEM,
	};
	u32 reason = READ_ONCE(bs->port.reason);

	if (bs->role != BUS_ROLE_CLIENT || reason >= ARRAY_SIZE(causes))
		return 0;
	return causes[reason];
}

/* Who reads no more would miss what others get: its room is asked for no
 * more. The other side learns of it. */
void native_shutdown(struct bus_sock *bs, int how)
{
	struct bus_sock *other;
	int peer_how = 0;

	if (bs->role == BUS_ROLE_END)
		set_bit(BUS_SOCK_SHUT, &bs->flags);
	shut(bs, how);
	if (how & RCV_SHUTDOWN)
		peer_how |= SEND_SHUTDOWN;
	if (how & SEND_SHUTDOWN)
		peer_how |= RCV_SHUTDOWN;
	other = other_get(bs);
	if (!other)
		return;
	shut(other, peer_how);
	bus_port_put(&other->port);
}

static void evict(struct bus_port *p, enum bus_reason reason)
{
	struct bus_sock *bs = port_sk(p), *other;

	trace_bus_evict(bs->bus, p->addr, reason);
	if (bs->role == BUS_ROLE_CLIENT) {
		native_end(bs, reason);
		native_disown(bs);
	} else {
		/* The master left files unread: the client they are from goes,
		 * or a ring of sockets would never be broken. */
		other = other_get(bs);
		if (other) {
			native_end(other, reason);
			bus_port_put(&other->port);
		}
	}
	native_drop_files(bs);
}

/*
 * As a sender: a buffer that has been full for @limit is full of messages that
 * somebody does not read.
 */
static void native_tick(struct bus_port *p, unsigned long limit)
{
	struct bus_sock *bs = port_sk(p);
	struct bus_port *keeper;

	if (!test_bit(BUS_SOCK_SHORT, &bs->flags))
		return;
	if (native_has_buffer(bs)) {
		clear_bit(BUS_SOCK_SHORT, &bs->flags);
		return;
	}
	if (time_after_eq(jiffies, READ_ONCE(bs->short_since) + limit)) {
		while ((keeper = native_keeper(p, jiffies - limit))) {
			evict(keeper, BUS_REASON_STALLED);
			bus_port_put(keeper);
		}
	}
	bus_stall_arm(p);
}

/* The edge that EAGAIN made its sender wait for. */
static void native_writable(struct bus_port *p)
{
	struct bus_sock *bs = port_sk(p);

	set_bit(BUS_SOCK_NOSPACE, &bs->flags);
	bs->sk.sk_write_space(&bs->sk);
}

static void native_close(struct bus_port *p)
{
	struct bus_sock *bs = port_sk(p);

	over(bs);
	/* The bus has stopped the clock, and looks after nobody any more. */
	if (READ_ONCE(bs->n_holders))
		bus_stall_arm(p);
}

static void native_port_stats(struct bus_port *p, struct bus_port_stats *st)
{
	struct bus_sock *bs = port_sk(p);
	int i;

	for (i = 0; i < NATIVE_BANDS; i++)
		st->queue_bytes += READ_ONCE(bs->band[i].bytes);
	st->queue_fds = READ_ONCE(bs->n_fds);
}

static void native_port_free(struct bus_port *p)
{
	sock_put(&port_sk(p)->sk);
}

static bool files_since(struct bus_port *p, unsigned long *since)
{
	if (!native_files_since(p, since))
		return false;
	if (port_sk(p)->role == BUS_ROLE_END)
		*since = bus_left_since(p->bus, *since);
	return true;
}

static const struct bus_port_ops native_port_ops = {
	.room = native_room,
	.wake = native_wake,
	.writable = native_writable,
	.ended = native_ended,
	.files_since = files_since,
	.tick = native_tick,
	.evict = evict,
	.close = native_close,
	.stats = native_port_stats,
	.free = native_port_free,
};

int native_port_init(struct bus_sock *bs, struct bus *bus, kuid_t uid,
		     struct pid *pid)
{
	int err;

	memset(&bs->port, 0, sizeof(bs->port));
	err = bus_port_init(&bs->port, bus, &native_port_ops, uid);
	if (err)
		return err;
	sock_hold(&bs->sk);
	bs->bus = bus;
	bs->port.pid = pid ? pid_nr(pid) : bus->pid;
	bs->maxqlen = READ_ONCE(bus->maxqlen);
	if (bus->sendbuf) {
		bs->sk.sk_userlocks |= SOCK_SNDBUF_LOCK;
		WRITE_ONCE(bs->sk.sk_sndbuf, READ_ONCE(bus->sendbuf));
	}
	return 0;
}

/* ---- the protocol ---- */

static struct bus *native_bus_new(void)
{
	struct native_bus *nb = kzalloc(sizeof(*nb), GFP_KERNEL_ACCOUNT);

	if (!nb)
		return NULL;
	hash_init(nb->addrs);
	hash_init(nb->groups);
	INIT_LIST_HEAD(&nb->joined);
	INIT_LIST_HEAD(&nb->taps);
	return &nb->bus;
}

static void native_bus_free(struct bus *bus)
{
	kfree(to_native_bus(bus));
}

static void native_bus_end(struct bus *bus)
{
	bus_pending_drop(bus);
}

static void native_stats(struct bus *bus, struct bus_stats *st)
{
}

static void show_one(struct seq_file *m, struct bus_sock *bs)
{
	bool end = bs->role == BUS_ROLE_END;

	bus_port_show(m, end ? "end" : "port", &bs->port);
	seq_puts(m, end ? "-\n" : bs->joined ? "joined\n" : "waiting\n");
}

/* A client, and the end that the master has of it. */
static void native_show(struct seq_file *m, struct bus_port *p)
{
	struct bus_sock *bs = port_sk(p), *end;

	show_one(m, bs);
	spin_lock(&p->lock);
	end = bs->other;
	if (end)
		show_one(m, end);
	spin_unlock(&p->lock);
}

const struct bus_proto native_proto = {
	.owner = THIS_MODULE,
	.name = "none",
	.nr = BUS_PROTO_NONE,
	.message_fds = BUS_MAX_FDS,
	.persists = true,
	.bus_new = native_bus_new,
	.bus_free = native_bus_free,
	.bus_end = native_bus_end,
	.stats = native_stats,
	.show = native_show,
};
