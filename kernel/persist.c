// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a bus keeps for its master's successors: messages that he holds on to
 * while their senders go on (parked), and files. Both are bounded, and go with
 * the bus at the latest; a port's messages go with the port.
 *
 * Files. The bus holds them as a process would. So nothing may be kept that
 * could hold the bus's socket, or it would never end: no socket of the family,
 * and nothing that has a table of files of its own. A socket of AF_UNIX may have
 * the bus's socket in its queue; desert.c finds that out.
 */
#include "bus.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/slab.h>

#define PARKED_MAX 65536U
#define KEPT_MAX 1024U

/* ---- parked messages ---- */

struct bus_park *bus_park_new(u64 cookie)
{
	struct bus_park *k = kzalloc(sizeof(*k), GFP_KERNEL_ACCOUNT);

	if (!k)
		return NULL;
	k->cookie = cookie;
	INIT_LIST_HEAD(&k->link);
	INIT_LIST_HEAD(&k->mine);
	INIT_LIST_HEAD(&k->item.link);
	bus_msg_init(&k->item.msg);
	k->item.park = k;
	return k;
}
EXPORT_SYMBOL_GPL(bus_park_new);

void bus_park_free(struct bus_park *k)
{
	struct bus_port *p;

	if (!k)
		return;
	p = k->item.port;
	bus_msg_purge(&k->item.msg);
	if (p) {
		bus_user_uncharge(p, k->item.charged);
		bus_port_put(p);
	}
	kfree(k);
}
EXPORT_SYMBOL_GPL(bus_park_free);

/* The master has read the port's message. Below mq_lock. */
static bool has_message(const struct bus_port *p)
{
	return p->item.port && !p->item.unread &&
	       p->item.info.kind == BUS_KIND_MESSAGE;
}

static struct bus_park *find(struct bus *bus, u64 cookie)
{
	struct bus_park *k;

	list_for_each_entry(k, &bus->parked, link)
		if (k->cookie == cookie)
			return k;
	return NULL;
}

int bus_park_check(struct bus_port *p, u64 cookie)
{
	struct bus *bus = p->bus;
	int err = 0;

	spin_lock(&bus->mq_lock);
	if (!has_message(p))
		err = -ENODATA;
	else if (find(bus, cookie))
		err = -EEXIST;
	else if (bus->n_parked >= PARKED_MAX)
		err = -ENOSPC;
	spin_unlock(&bus->mq_lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_park_check);

bool bus_park(struct bus_port *p, struct bus_park *k)
{
	struct bus *bus = p->bus;
	bool has;

	spin_lock(&bus->mq_lock);
	has = has_message(p) && !test_bit(BUS_PF_CLOSED, &p->flags);
	if (has) {
		bus_msg_move(&k->item.msg, &p->item.msg);
		k->item.info = p->item.info;
		k->item.info.kind = BUS_KIND_PARKED;
		k->item.info.to = k->cookie;
		k->item.charged = p->item.charged;
		k->item.port = p->item.port;
		p->item.charged = 0;
		p->item.port = NULL;
		list_del_init(&p->item.link);
		list_add_tail(&k->link, &bus->parked);
		list_add_tail(&k->mine, &p->parked);
		bus->n_parked++;
	}
	spin_unlock(&bus->mq_lock);
	return has;
}
EXPORT_SYMBOL_GPL(bus_park);

/* Below mq_lock. One that is just being read is left to who reads it: NULL. */
static struct bus_park *take(struct bus *bus, struct bus_park *k)
{
	list_del_init(&k->link);
	list_del_init(&k->mine);
	bus->n_parked--;
	k->gone = true;
	if (bus->reading == &k->item)
		return NULL;
	WRITE_ONCE(k->item.unread, false);
	list_del_init(&k->item.link);
	return k;
}

struct bus_park *bus_unpark(struct bus *bus, u64 cookie)
{
	struct bus_park *k;

	spin_lock(&bus->mq_lock);
	k = find(bus, cookie);
	if (k)
		k = take(bus, k);
	spin_unlock(&bus->mq_lock);
	return k;
}
EXPORT_SYMBOL_GPL(bus_unpark);

bool bus_park_find(struct bus *bus, u64 cookie)
{
	bool found;

	spin_lock(&bus->mq_lock);
	found = find(bus, cookie);
	spin_unlock(&bus->mq_lock);
	return found;
}
EXPORT_SYMBOL_GPL(bus_park_find);

int bus_park_clone(struct bus *bus, u64 cookie, struct bus_msg *m, u64 *from)
{
	struct bus_park *k;
	int err = -ENOENT;

	/* A clone of what others may take from us meanwhile: there is no
	 * sleeping below this lock. */
	spin_lock(&bus->mq_lock);
	k = find(bus, cookie);
	if (k) {
		*from = k->item.info.addr;
		err = bus_msg_clone(m, &k->item.msg,
				    GFP_ATOMIC | __GFP_ACCOUNT);
	}
	spin_unlock(&bus->mq_lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_park_clone);

void bus_parked_drop(struct bus_port *p)
{
	struct bus *bus = p->bus;
	struct bus_park *k;
	bool any;

	do {
		spin_lock(&bus->mq_lock);
		k = list_first_entry_or_null(&p->parked, struct bus_park,
					     mine);
		any = k;
		if (k)
			k = take(bus, k);
		spin_unlock(&bus->mq_lock);
		bus_park_free(k);
	} while (any);
}

void bus_park_again(struct bus *bus, struct list_head *first)
{
	struct bus_park *k;

	list_for_each_entry(k, &bus->parked, link) {
		if (k->item.unread)
			continue;
		WRITE_ONCE(k->item.unread, true);
		k->item.info.flags |= BUS_INFO_AGAIN;
		list_add_tail(&k->item.link, first);
	}
}

int bus_handed_files(struct bus *bus, u64 addr, struct bus_files **f)
{
	struct bus_port *p = bus_port_lookup(bus, addr);
	int err = -ENODATA;

	if (!p)
		return -ENOENT;
	spin_lock(&bus->mq_lock);
	if (has_message(p)) {
		*f = bus_files_get(p->item.msg.files);
		err = 0;
	}
	spin_unlock(&bus->mq_lock);
	bus_port_put(p);
	return err;
}
EXPORT_SYMBOL_GPL(bus_handed_files);

int bus_handed_clone(struct bus_port *p, struct bus_msg *m)
{
	struct bus *bus = p->bus;
	int err = -ENODATA;

	spin_lock(&bus->mq_lock);
	if (has_message(p))
		err = bus_msg_clone(m, &p->item.msg,
				    GFP_ATOMIC | __GFP_ACCOUNT);
	spin_unlock(&bus->mq_lock);
	return err;
}
EXPORT_SYMBOL_GPL(bus_handed_clone);

int bus_handed_check(struct bus_port *p)
{
	bool has;

	spin_lock(&p->bus->mq_lock);
	has = has_message(p);
	spin_unlock(&p->bus->mq_lock);
	return has ? 0 : -ENODATA;
}
EXPORT_SYMBOL_GPL(bus_handed_check);

/* The caller has counted @p, too. */
void bus_handed_take(struct bus_port *p, struct bus_msg *m)
{
	bus_msg_init(m);
	spin_lock(&p->bus->mq_lock);
	if (has_message(p)) {
		bus_msg_move(m, &p->item.msg);
		bus_user_uncharge(p, p->item.charged);
		p->item.charged = 0;
		p->item.port = NULL;
		list_del_init(&p->item.link);
		refcount_dec(&p->ref);
	}
	spin_unlock(&p->bus->mq_lock);
}
EXPORT_SYMBOL_GPL(bus_handed_take);

/* ---- files ---- */

struct bus_kept {
	struct list_head link;		/* bus->kept; mq_lock */
	u64 id;
	struct file *file;
};

/* Below mq_lock. */
static struct bus_kept *kept_find(struct bus *bus, u64 id)
{
	struct bus_kept *k;

	list_for_each_entry(k, &bus->kept, link)
		if (k->id == id)
			return k;
	return NULL;
}

static void kept_free(struct bus_kept *k)
{
	if (!k)
		return;
	if (k->file)
		fput(k->file);
	kfree(k);
}

static int may_keep(struct file *file)
{
	umode_t mode = file_inode(file)->i_mode;
	struct socket *sock;

	if (S_ISREG(mode) || S_ISDIR(mode) || S_ISFIFO(mode))
		return 0;
	if (!S_ISSOCK(mode))
		return -EINVAL;
	sock = sock_from_file(file);
	return sock && sock->sk && sock->sk->sk_family != bus_family.family ?
	       0 : -EINVAL;
}

static struct bus_kept *kept_new(u64 id, int fd)
{
	struct bus_kept *k = kzalloc(sizeof(*k), GFP_KERNEL_ACCOUNT);
	int err;

	if (!k)
		return ERR_PTR(-ENOMEM);
	k->id = id;
	k->file = fget(fd);
	err = k->file ? may_keep(k->file) : -EBADF;
	if (!err)
		return k;
	kept_free(k);
	return ERR_PTR(err);
}

int bus_keep(struct bus *bus, u64 id, int fd)
{
	struct bus_kept *k = NULL, *old;
	int err = 0;

	if (fd >= 0) {
		k = kept_new(id, fd);
		if (IS_ERR(k))
			return PTR_ERR(k);
	}
	spin_lock(&bus->mq_lock);
	old = kept_find(bus, id);
	if (!k && !old)
		err = -ENOENT;
	else if (k && !old && bus->n_kept >= KEPT_MAX)
		err = -ENOSPC;
	if (!err && old) {
		list_del(&old->link);
		bus->n_kept--;
	}
	if (!err && k) {
		list_add_tail(&k->link, &bus->kept);
		bus->n_kept++;
	}
	spin_unlock(&bus->mq_lock);
	if (!err && k)
		bus_desert_watch(bus);
	kept_free(err ? k : old);
	return err;
}

struct file *bus_kept_file(struct bus *bus, u64 id)
{
	struct file *file = NULL;
	struct bus_kept *k;

	spin_lock(&bus->mq_lock);
	k = kept_find(bus, id);
	if (k)
		file = get_file(k->file);
	spin_unlock(&bus->mq_lock);
	return file;
}

static bool is_socket(const struct bus_kept *k)
{
	return S_ISSOCK(file_inode(k->file)->i_mode);
}

/* Below mq_lock. */
static struct bus_kept *kept_first(struct bus *bus, bool only_sockets)
{
	struct bus_kept *k;

	list_for_each_entry(k, &bus->kept, link)
		if (!only_sockets || is_socket(k))
			return k;
	return NULL;
}

void bus_kept_drop(struct bus *bus, bool only_sockets)
{
	struct bus_kept *k;

	do {
		spin_lock(&bus->mq_lock);
		k = kept_first(bus, only_sockets);
		if (k) {
			list_del(&k->link);
			bus->n_kept--;
		}
		spin_unlock(&bus->mq_lock);
		kept_free(k);
	} while (k);
}

bool bus_kept_sockets(struct bus *bus)
{
	bool any;

	spin_lock(&bus->mq_lock);
	any = kept_first(bus, true);
	spin_unlock(&bus->mq_lock);
	return any;
}

bool bus_persist_dump(struct bus *bus, bus_dump_put put, void *ctx)
{
	struct bus_park *p;
	struct bus_kept *k;
	bool room = true;

	spin_lock(&bus->mq_lock);
	list_for_each_entry(k, &bus->kept, link) {
		room = put(ctx, BUS_REC_KEPT, 0, k->id);
		if (!room)
			goto unlock;
	}
	list_for_each_entry(p, &bus->parked, link) {
		room = put(ctx, BUS_REC_PARK, p->item.info.addr, p->cookie);
		if (!room)
			break;
	}
unlock:
	spin_unlock(&bus->mq_lock);
	return room;
}
EXPORT_SYMBOL_GPL(bus_persist_dump);
