// SPDX-License-Identifier: LGPL-2.1-or-later
#include "creds.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

void creds_init(struct creds *c)
{
	memset(c, 0, sizeof(*c));
	c->pidfd = -1;
}

/*
 * A socket option of unknown length, with one byte more than it fills.
 * Returns 0 with *ret NULL when the kernel has none of it.
 */
static int get_blob(int fd, int option, void **ret, socklen_t *len)
{
	socklen_t size = 256;
	void *p;

	*ret = NULL;
	for (;;) {
		p = malloc(size + 1);
		if (!p)
			return -ENOMEM;
		*len = size;
		if (!getsockopt(fd, SOL_SOCKET, option, p, len))
			break;
		free(p);
		if (errno != ERANGE)
			return 0;
		/* It has told what it needs; older kernels did not. */
		size = *len > size ? *len : size * 2;
	}
	*ret = p;
	return 0;
}

static int compare_gids(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

/* The supplementary groups, and the primary one once. */
static int get_groups(struct creds *c, int fd)
{
	socklen_t len;
	void *p;
	size_t i;
	int err = get_blob(fd, SO_PEERGROUPS, &p, &len);

	if (err || !p)
		return err;
	c->n_groups = len / sizeof(gid_t);
	c->groups = realloc(p, (c->n_groups + 1) * sizeof(gid_t));
	if (!c->groups) {
		free(p);
		return -ENOMEM;
	}
	for (i = 0; i < c->n_groups && c->groups[i] != c->gid; i++)
		;
	if (i == c->n_groups)
		c->groups[c->n_groups++] = c->gid;
	qsort(c->groups, c->n_groups, sizeof(gid_t), compare_gids);
	return 0;
}

static int get_label(struct creds *c, int fd)
{
	socklen_t len;
	void *p;
	int err = get_blob(fd, SO_PEERSEC, &p, &len);

	if (err || !p)
		return err;
	c->label = p;
	c->label[len] = 0;
	/* Some modules count the NUL, others do not. */
	c->label_len = strlen(c->label) + 1;
	if (c->label_len == 1) {
		free(c->label);
		c->label = NULL;
	}
	return 0;
}

/* Anybody may give himself any name; it is shown as text. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static void get_program(struct creds *c)
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)c->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(c->program, sizeof(c->program), f))
		c->program[strcspn(c->program, "\n")] = 0;
	make_printable(c->program);
	fclose(f);
}

int creds_of_peer(struct creds *c, int fd)
{
	struct ucred u;
	socklen_t len = sizeof(u);
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0)
		return -errno;
	c->pid = u.pid;
	c->uid = u.uid;
	c->gid = u.gid;
	err = get_groups(c, fd);
	if (!err)
		err = get_label(c, fd);
	len = sizeof(c->pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &c->pidfd, &len) < 0)
		c->pidfd = -1;
	if (c->pid > 0)
		get_program(c);
	return err;
}

bool creds_unknown(const struct creds *c)
{
	return c->uid == (uid_t)-1;
}

int creds_set_user(struct creds *c, uid_t uid)
{
	struct passwd *pw = getpwuid(uid);
	int n = 64;
	gid_t *groups;

	c->uid = uid;
	if (!pw)
		return 0;
	c->gid = pw->pw_gid;
	for (;;) {
		groups = calloc((size_t)n, sizeof(*groups));
		if (!groups)
			return -ENOMEM;
		/* Otherwise it has told how many there are. */
		if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) >= 0)
			break;
		free(groups);
	}
	free(c->groups);
	c->groups = groups;
	c->n_groups = (size_t)n;
	qsort(groups, c->n_groups, sizeof(gid_t), compare_gids);
	return 0;
}

void creds_of_self(struct creds *c)
{
	creds_init(c);
	c->pid = getpid();
	c->uid = geteuid();
	c->gid = getegid();
}

void creds_done(struct creds *c)
{
	free(c->groups);
	free(c->label);
	if (c->pidfd >= 0)
		close(c->pidfd);
	creds_init(c);
}
