// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files that travel with messages.
 */
#include "bus.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <net/scm.h>

#include "core/holders.h"

/* How many files one uid has under way, on all buses: they are open, and in
 * nobody's table. */
struct bus_inflight {
	struct hlist_node hash;	/* below inflight_lock */
	unsigned int ref;	/* likewise */
	kuid_t uid;
	unsigned long files;	/* likewise */
};

static DEFINE_HASHTABLE(inflight_users, 6);
static DEFINE_SPINLOCK(inflight_lock);

/* Below inflight_lock. */
static struct bus_inflight *find(kuid_t uid)
{
	struct bus_inflight *in;

	hash_for_each_possible(inflight_users, in, hash, __kuid_val(uid))
		if (uid_eq(in->uid, uid))
			return in;
	return NULL;
}

/* As AF_UNIX has it: no more than the process may have open. */
static bool too_many(unsigned long files)
{
	return files > rlimit(RLIMIT_NOFILE) && !capable(CAP_SYS_RESOURCE) &&
	       !capable(CAP_SYS_ADMIN);
}

static int charge(struct bus_files *f, unsigned int count)
{
	struct bus_inflight *in, *fresh;
	kuid_t uid = current_euid();
	unsigned long now;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	fresh->uid = uid;
	spin_lock(&inflight_lock);
	in = find(uid);
	if (!in) {
		in = fresh;
		fresh = NULL;
		hash_add(inflight_users, &in->hash, __kuid_val(uid));
	}
	in->ref++;
	in->files += count;
	now = in->files;
	spin_unlock(&inflight_lock);
	kfree(fresh);
	/* From here on bus_files_put() takes it back. */
	f->inflight = in;
	f->charged = count;
	return too_many(now) ? -ETOOMANYREFS : 0;
}

static void uncharge(struct bus_files *f)
{
	struct bus_inflight *in = f->inflight;

	if (!in)
		return;
	spin_lock(&inflight_lock);
	in->files -= f->charged;
	if (!--in->ref)
		hash_del(&in->hash);
	else
		in = NULL;
	spin_unlock(&inflight_lock);
	kfree(in);
}

struct bus_files *bus_files_new(unsigned int count)
{
	struct bus_files *f;

	f = kzalloc(struct_size(f, fp, count), GFP_KERNEL_ACCOUNT);
	if (f)
		refcount_set(&f->ref, 1);
	return f;
}
EXPORT_SYMBOL_GPL(bus_files_new);

struct bus_files *bus_files_get(struct bus_files *f)
{
	if (f)
		refcount_inc(&f->ref);
	return f;
}
EXPORT_SYMBOL_GPL(bus_files_get);

void bus_files_put(struct bus_files *f)
{
	unsigned int i;

	if (!f || !refcount_dec_and_test(&f->ref))
		return;
	for (i = 0; i < f->count; i++)
		fput(f->fp[i]);
	uncharge(f);
	kfree(f);
}
EXPORT_SYMBOL_GPL(bus_files_put);

void bus_files_look(struct bus_files *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		f->holders |= mode_may_hold(file_inode(f->fp[i])->i_mode);
}
EXPORT_SYMBOL_GPL(bus_files_look);

static int grab(struct bus_files *f, const int *fds, unsigned int n)
{
	struct file *file;

	for (; f->count < n; f->count++) {
		file = fget_raw(fds[f->count]);
		if (!file)
			return -EBADF;
		f->fp[f->count] = file;
	}
	bus_files_look(f);
	return 0;
}

int bus_files_from(struct bus_files **ret, const struct cmsghdr *cmsg)
{
	size_t len = cmsg->cmsg_len - sizeof(*cmsg);
	unsigned int n = len / sizeof(int);
	struct bus_files *f;
	int err;

	if (len > BUS_MAX_FDS * sizeof(int))
		return -EINVAL;
	if (!n)
		return 0;
	f = bus_files_new(n);
	if (!f)
		return -ENOMEM;
	err = charge(f, n);
	if (!err)
		err = grab(f, (const int *)CMSG_DATA(cmsg), n);
	if (err)
		bus_files_put(f);
	else
		*ret = f;
	return err;
}
EXPORT_SYMBOL_GPL(bus_files_from);

struct scm_fp_list *bus_files_list(const struct bus_files *f)
{
	struct scm_fp_list *fpl;
	unsigned int i;

	fpl = kzalloc(sizeof(*fpl), GFP_KERNEL_ACCOUNT);
	if (!fpl)
		return NULL;
	fpl->max = SCM_MAX_FD;
	INIT_LIST_HEAD(&fpl->vertices);
	for (i = 0; i < f->count; i++)
		fpl->fp[i] = get_file(f->fp[i]);
	fpl->count = f->count;
	return fpl;
}

void bus_files_give(const struct bus_files *f, struct msghdr *msg)
{
	struct scm_cookie scm = { };

	if (!f)
		return;
	if (msg->msg_control && msg->msg_control_is_user)
		scm.fp = bus_files_list(f);
	if (scm.fp)
		scm_detach_fds(msg, &scm);
	else
		msg->msg_flags |= MSG_CTRUNC;
}
EXPORT_SYMBOL_GPL(bus_files_give);
