/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_LINUX_NET_H
#define _AFBUS_COMPAT_LINUX_NET_H

#include_next <linux/net.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define sockaddr_unsized sockaddr
#endif

/* Makes @op, for struct proto_ops, of @fn, which has the new form. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
struct proto_accept_arg {
	int flags;
	int err;
	int is_empty;
	bool kern;
};

#define DEFINE_PROTO_ACCEPT(op, fn)					\
static int op(struct socket *sock, struct socket *newsock, int flags,	\
	      bool kern)						\
{									\
	struct proto_accept_arg arg = { .flags = flags, .kern = kern };	\
									\
	return fn(sock, newsock, &arg);					\
}
#else
#define DEFINE_PROTO_ACCEPT(op, fn)					\
static int op(struct socket *sock, struct socket *newsock,		\
	      struct proto_accept_arg *arg)				\
{									\
	return fn(sock, newsock, arg);					\
}
#endif

#endif
