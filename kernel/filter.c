// SPDX-License-Identifier: GPL-2.0-only
/*
 * Socket filters: the receiver's own, and the one its master put on it. A
 * message passes both and is cut to the shorter.
 */
#include "native.h"

#include <linux/bpf.h>
#include <linux/filter.h>

static DEFINE_MUTEX(filter_mutex);

static unsigned int run(const struct bpf_prog *prog, struct sk_buff *skb,
			unsigned int len)
{
	return prog ? min(len, bpf_prog_run_save_cb(prog, skb)) : len;
}

unsigned int native_filter(struct bus_sock *bs, struct sk_buff *skb)
{
	unsigned int len = skb->len;
	struct sk_filter *own;

	/* An empty message passes or not by being cut to 0 or more; whoever
	 * filters nothing sees all of them. */
	rcu_read_lock();
	own = rcu_dereference(bs->sk.sk_filter);
	if (own || rcu_access_pointer(bs->filter)) {
		len = max(len, 1U);
		len = run(rcu_dereference(bs->filter), skb, len);
		if (own)
			len = run(own->prog, skb, len);
	} else {
		len = UINT_MAX;
	}
	rcu_read_unlock();
	return len;
}

static void filter_put(struct bpf_prog *prog, bool classic)
{
	if (!prog)
		return;
	synchronize_rcu();
	if (classic)
		bpf_prog_destroy(prog);
	else
		bpf_prog_put(prog);
}

static void filter_set(struct bus_sock *bs, struct bpf_prog *prog,
		       bool classic)
{
	struct bpf_prog *old;
	bool old_classic;

	mutex_lock(&filter_mutex);
	old = rcu_replace_pointer(bs->filter, prog,
				  lockdep_is_held(&filter_mutex));
	old_classic = bs->filter_classic;
	bs->filter_classic = classic;
	mutex_unlock(&filter_mutex);
	filter_put(old, old_classic);
}

int native_filter_classic(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct sock_fprog fprog;
	struct bpf_prog *prog;
	int err;

	if (!len) {
		filter_set(bs, NULL, false);
		return 0;
	}
	err = copy_bpf_fprog_from_user(&fprog, val, len);
	if (err)
		return err;
	err = bpf_prog_create_from_user(&prog, &fprog, NULL, false);
	if (!err)
		filter_set(bs, prog, true);
	/* No errno of a program's: there was no memory to compile it. */
	return err == -ENOTSUPP ? -ENOMEM : err;
}

int native_filter_bpf(struct bus_sock *bs, sockptr_t val, unsigned int len)
{
	struct bpf_prog *prog = NULL;
	int fd;

	if (len != sizeof(fd))
		return -EINVAL;
	if (copy_from_sockptr(&fd, val, sizeof(fd)))
		return -EFAULT;
	if (fd != -1) {
		prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SOCKET_FILTER,
					     false);
		if (IS_ERR(prog))
			return PTR_ERR(prog);
	}
	filter_set(bs, prog, false);
	return 0;
}

/* The socket is being freed: nobody runs it any more. */
void native_filter_free(struct bus_sock *bs)
{
	struct bpf_prog *prog = rcu_dereference_protected(bs->filter, true);

	RCU_INIT_POINTER(bs->filter, NULL);
	if (!prog)
		return;
	if (bs->filter_classic)
		bpf_prog_destroy(prog);
	else
		bpf_prog_put(prog);
}
