/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_SCM_OPTIONS_H
#define _AFBUS_COMPAT_SCM_OPTIONS_H

#include <linux/net.h>
#include <linux/sockptr.h>
#include <linux/version.h>
#include <net/sock.h>

/*
 * Since 6.16 the kernel gives SO_PASSCRED, SO_PASSSEC and SO_PASSRIGHTS to the
 * families it knows alone; so ours takes these options itself. It is not asked
 * when a program reads them: that fails with EOPNOTSUPP.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
static inline void scm_own_options(struct sock *sk, struct socket *sock)
{
}

static inline int scm_setsockopt(struct socket *sock, int name, sockptr_t val,
				 unsigned int len)
{
	return -ENOPROTOOPT;
}
#else
static inline void scm_own_options(struct sock *sk, struct socket *sock)
{
	sk->sk_scm_rights = 1;
	if (sock)
		set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
}

static inline bool scm_set_flag(struct sock *sk, int name, bool on)
{
	bool ours = true;

	lock_sock(sk);
	if (name == SO_PASSCRED)
		sk->sk_scm_credentials = on;
	else if (name == SO_PASSSEC)
		sk->sk_scm_security = on;
	else if (name == SO_PASSRIGHTS)
		sk->sk_scm_rights = on;
	else
		ours = false;
	release_sock(sk);
	return ours;
}

/* For level SOL_SOCKET, all of which comes to us because of the above. */
static inline int scm_setsockopt(struct socket *sock, int name, sockptr_t val,
				 unsigned int len)
{
	int on;

	if (len == sizeof(on)) {
		if (copy_from_sockptr(&on, val, sizeof(on)))
			return -EFAULT;
		if (scm_set_flag(sock->sk, name, on))
			return 0;
	}
	return sock_setsockopt(sock, SOL_SOCKET, name, val, len);
}
#endif

#endif
