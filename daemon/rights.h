/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that travel with a message (unix(7), SCM_RIGHTS). */
#ifndef AFBUS_DAEMON_RIGHTS_H
#define AFBUS_DAEMON_RIGHTS_H

#include <string.h>
#include <sys/socket.h>

/* Makes @fds, @n > 0 of them, all the ancillary data of @mh. @control is aligned
 * as a cmsghdr and has room for CMSG_SPACE(@n * sizeof(int)). */
static inline void rights_put(struct msghdr *mh, void *control, const int *fds,
			      size_t n)
{
	struct cmsghdr *c = control;

	mh->msg_control = control;
	mh->msg_controllen = CMSG_SPACE(n * sizeof(int));
	/* Its padding goes to the kernel too. */
	memset(control, 0, mh->msg_controllen);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

#endif
