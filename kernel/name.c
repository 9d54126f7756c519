// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of buses: files and abstract ones.
 */
#include "native.h"

#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/security.h>

int bus_name_parse(struct bus_name *n, const struct sockaddr_bus *sa, int len)
{
	const char *path = sa->sbus_path;
	int max = len - (int)offsetof(struct sockaddr_bus, sbus_path);

	if (max < 2 || len > sizeof(*sa))
		return -EINVAL;
	if (sa->sbus_family != bus_family.family)
		return -EAFNOSUPPORT;
	if (sa->sbus_addr.s_addr != BUS_MASTER_ADDR)
		return -EINVAL;
	max = min(max, BUS_PATH_MAX);	/* the struct ends in padding */
	memset(n, 0, sizeof(*n));
	n->abstract = !path[0];
	if (n->abstract) {
		path++;
		max--;
	}
	n->len = strnlen(path, max);
	memcpy(n->name, path, n->len);
	return n->len ? 0 : -EINVAL;
}

int bus_name_make(struct bus_name *n, struct socket *sock)
{
	umode_t mode = S_IFSOCK | (SOCK_INODE(sock)->i_mode & ~current_umask());
	struct dentry *dentry;
	struct path parent;
	int err;

	if (n->abstract)
		return 0;
	dentry = start_creating_path(AT_FDCWD, n->name, &parent, 0);
	if (IS_ERR(dentry)) {
		err = PTR_ERR(dentry);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	err = security_path_mknod(&parent, dentry, mode, 0);
	if (!err)
		err = path_mknod(&parent, dentry, mode);
	if (!err) {
		n->path.mnt = mntget(parent.mnt);
		n->path.dentry = dget(dentry);
	}
	end_creating_path(&parent, dentry);
	return err;
}

int bus_name_own(struct bus_name *n)
{
	/* As where it would be made: no link is followed there. */
	return n->abstract ? 0 : kern_path(n->name, 0, &n->path);
}

void bus_name_put(struct bus_name *n)
{
	if (!n->abstract)
		path_put(&n->path);
}

int bus_name_find(struct bus_name *n)
{
	int err;

	if (n->abstract)
		return 0;
	err = kern_path(n->name, LOOKUP_FOLLOW, &n->path);
	if (err)
		return err;
	err = path_permission(&n->path, MAY_WRITE);
	if (!err && !S_ISSOCK(d_backing_inode(n->path.dentry)->i_mode))
		err = -ECONNREFUSED;
	if (err)
		path_put(&n->path);
	return err;
}
