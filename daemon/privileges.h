/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <user>: who the daemon is once it listens. */
#ifndef AFBUS_DAEMON_PRIVILEGES_H
#define AFBUS_DAEMON_PRIVILEGES_H

#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
	char name[64];
};

/* @user is a name or a uid. Returns 0 or -ENOENT. */
int account_find(struct account *a, const char *user);

/* The name of who we are; empty if there is none. */
void account_self(char *name, size_t size);

/*
 * Becomes @a, with its supplementary groups, and gives up all capabilities but
 * CAP_AUDIT_WRITE, if that is there. Who is not root stays who he is. Returns
 * 0, or -errno after it has said why: then the process must not go on.
 */
int account_become(const struct account *a);

#endif
