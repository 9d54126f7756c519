/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_NET_SCM_H
#define _AFBUS_COMPAT_NET_SCM_H

#include_next <net/scm.h>
#include <linux/version.h>

/*
 * Since 7.3 a socket of AF_UNIX may want (SO_RIGHTS_NOTRUNC) the place of a file
 * that a security module denies it filled with the error. Ours end the list
 * there, as all once did.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)
#define scm_detach_fds(msg, scm) scm_detach_fds(msg, scm, false)

/* And it takes the files of AF_UNIX only out of @scm. */
static inline void scm_recv_all(struct socket *sock, struct msghdr *msg,
				struct scm_cookie *scm, int flags)
{
	scm_recv(sock, msg, scm, flags);
	if (scm->fp)
		scm_detach_fds(msg, scm);
}
#else
#define scm_recv_all scm_recv
#endif

#endif
