// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages with files. AF_UNIX must learn of files that travel through its
 * queues, or its collector could not find sockets that carry each other, and
 * the only way to tell it that is open to modules is sendmsg() with
 * SCM_RIGHTS. So the worker installs the files in its own descriptor table
 * (that of kernel threads), sends, and takes them out again; one worker at a
 * time, so that it stays within RLIMIT_NOFILE.
 */
#include "dbus.h"

#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highuid.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/af_unix.h>

static DEFINE_MUTEX(table_mutex);

static struct bus_files *held_files(struct sk_buff *skb)
{
	return (struct bus_files *)UNIXCB(skb).fp;
}

/* Files and bytes of a held skb are let go together. */
static void held_free(struct dbus_port *p, struct sk_buff *skb)
{
	struct bus_files *f = held_files(skb);

	UNIXCB(skb).fp = NULL;
	if (f) {
		spin_lock(&p->port.lock);
		WRITE_ONCE(p->held_fds, p->held_fds - f->count);
		WRITE_ONCE(p->handing, 0);
		spin_unlock(&p->port.lock);
	}
	bus_files_put(f);
	consume_skb(skb);
}

void dbus_held_purge(struct dbus_port *p)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&p->held)))
		held_free(p, skb);
}

static int install(struct bus_files *f, int *fds)
{
	unsigned int i;
	int fd;

	for (i = 0; i < f->count; i++) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			break;
		fd_install(fd, get_file(f->fp[i]));
		fds[i] = fd;
	}
	return i;
}

static int send_with(struct dbus_port *p, struct sk_buff *skb,
		     struct cmsghdr *cmsg)
{
	size_t skip = UNIXCB(skb).consumed;
	struct kvec iov = {
		.iov_base = skb->data + skip,
		.iov_len = skb_headlen(skb) - skip,
	};
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		.msg_control = cmsg,
		.msg_controllen = CMSG_ALIGN(cmsg->cmsg_len) +
				  CMSG_SPACE(sizeof(struct ucred)),
	};
	int ret;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &iov, 1, iov.iov_len);
	/* Past the security hook: the client's right to talk to the bus was
	 * checked when it connected, and this is no task of anybody's. */
	ret = p->sock->ops->sendmsg(p->sock, &msg, iov.iov_len);
	if (ret >= 0 && ret != iov.iov_len)
		return -EPIPE;	/* it went away in the middle */
	return ret < 0 ? ret : 0;
}

static void put_rights(struct cmsghdr *cmsg, unsigned int n)
{
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
}

/*
 * Who receives with SO_PASSCRED would be told those of the worker, which is
 * root. The process has to be one that exists, and no client: so it is the
 * worker all the same.
 */
static void put_nobody(struct cmsghdr *cmsg)
{
	struct ucred nobody = {
		.pid = task_tgid_vnr(current),
		.uid = overflowuid,
		.gid = overflowgid,
	};

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_CREDENTIALS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(nobody));
	memcpy(CMSG_DATA(cmsg), &nobody, sizeof(nobody));
}

/* From now on they may be in AF_UNIX's queue, and are held until held_free(). */
static void hand(struct dbus_port *p, const struct bus_files *f)
{
	spin_lock(&p->port.lock);
	WRITE_ONCE(p->handing_onto,
		   atomic_read(&unix_sk(p->peer)->scm_stat.nr_fds));
	WRITE_ONCE(p->handing, f->count);
	spin_unlock(&p->port.lock);
}

static int send_files(struct dbus_port *p, struct sk_buff *skb)
{
	struct bus_files *f = held_files(skb);
	size_t rights = CMSG_SPACE(f->count * sizeof(int));
	struct cmsghdr *cmsg;
	int err = -ENOMEM, n;

	cmsg = kzalloc(rights + CMSG_SPACE(sizeof(struct ucred)),
		       GFP_KERNEL_ACCOUNT);
	if (!cmsg)
		return err;
	put_rights(cmsg, f->count);
	put_nobody((void *)cmsg + rights);
	mutex_lock(&table_mutex);
	n = install(f, CMSG_DATA(cmsg));
	if (n == f->count) {
		hand(p, f);
		err = send_with(p, skb, cmsg);
	}
	while (n--)
		close_fd(((int *)CMSG_DATA(cmsg))[n]);
	mutex_unlock(&table_mutex);
	kfree(cmsg);
	return err;
}

static struct sk_buff *first_held(struct dbus_port *p)
{
	if (dbus_keeps_back(p))
		return NULL;
	return skb_peek(&p->held);
}

/* Puts what needs no worker on the client's queue; returns the skb in front
 * that does. */
static struct sk_buff *push_plain(struct dbus_port *p, bool *pushed)
{
	struct sk_buff_head plain;
	struct sk_buff *skb;

	__skb_queue_head_init(&plain);
	spin_lock(&p->port.lock);
	while ((skb = first_held(p)) && !held_files(skb)) {
		__skb_unlink(skb, &p->held);
		__skb_queue_tail(&plain, skb);
	}
	*pushed = !skb_queue_empty(&plain);
	if (*pushed)
		dbus_push(p, &plain);
	spin_unlock(&p->port.lock);
	return skb;
}

static void drop_first(struct dbus_port *p, struct sk_buff *skb)
{
	spin_lock(&p->port.lock);
	__skb_unlink(skb, &p->held);
	spin_unlock(&p->port.lock);
	held_free(p, skb);
}

/* In the port's work item only, so there is one at a time. */
void dbus_held_drain(struct dbus_port *p)
{
	struct sk_buff *skb;
	bool pushed;
	int err;

	if (p->native)
		dbus_native_uncork(p);
	if (skb_queue_empty_lockless(&p->held) || !p->file)
		return;
	for (;;) {
		skb = push_plain(p, &pushed);
		if (pushed)
			p->port.ops->wake(&p->port);
		if (!skb)
			return;
		err = send_files(p, skb);
		drop_first(p, skb);
		/* It has lost a message, so it cannot stay; EPIPE says that it
		 * has gone. */
		if (err && err != -EPIPE)
			p->port.ops->evict(&p->port, BUS_REASON_NOMEM);
	}
}
