/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_NET_AF_UNIX_H
#define _AFBUS_COMPAT_NET_AF_UNIX_H

#include_next <net/af_unix.h>

#ifndef UNIXCB
/*
 * The newest kernels keep to themselves what AF_UNIX has in an skb; on their
 * queues it must be there all the same. From their net/unix/af_unix.h.
 */
struct unix_skb_parms {
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	struct scm_fp_list *fp;
#ifdef CONFIG_SECURITY_NETWORK
	u32 secid;
#endif
	u32 consumed;
} __randomize_layout;

#define UNIXCB(skb) (*(struct unix_skb_parms *)&((skb)->cb))

struct sock *unix_peer_get(struct sock *sk);

/* And they count the bytes of a queue. Below the queue's lock. */
static inline void unix_inq_add(struct sock *sk, unsigned int bytes)
{
	struct unix_sock *u = unix_sk(sk);

	WRITE_ONCE(u->inq_len, u->inq_len + bytes);
}
#else
static inline void unix_inq_add(struct sock *sk, unsigned int bytes)
{
}
#endif

#endif
