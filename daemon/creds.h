/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is at the other end of a connection, as the kernel noted it when the
 * connection was made. Nothing here changes afterwards.
 */
#ifndef AFBUS_DAEMON_CREDS_H
#define AFBUS_DAEMON_CREDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct creds {
	pid_t pid;		/* 0: unknown here */
	uid_t uid;
	gid_t gid;
	gid_t *groups;		/* all of them, sorted; NULL: unknown */
	size_t n_groups;
	char *label;		/* of the security module, with its NUL; NULL:
				 * none */
	size_t label_len;
	int pidfd;		/* or -1 */
	char program[16];	/* its name at connect; may be empty */
};

void creds_init(struct creds *c);
/* Of the peer of @fd. Returns 0 or -errno; what a kernel does not offer is
 * left out. */
int creds_of_peer(struct creds *c, int fd);
/* The connection is from a network, so the kernel knows nothing. */
bool creds_unknown(const struct creds *c);
/* Somebody has proved to be @uid; the groups are those of the user database.
 * 0 or -ENOMEM. */
int creds_set_user(struct creds *c, uid_t uid);
/* Of this process. */
void creds_of_self(struct creds *c);
void creds_done(struct creds *c);

#endif
