/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_LINUX_NAMEI_H
#define _AFBUS_COMPAT_LINUX_NAMEI_H

#include_next <linux/namei.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define start_creating_path kern_path_create
#define end_creating_path done_path_create
#endif

/* vfs_mknod() without a device, below @path. */
static inline int path_mknod(const struct path *path, struct dentry *dentry,
			     umode_t mode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	return vfs_mknod(mnt_user_ns(path->mnt), d_inode(path->dentry), dentry,
			 mode, 0);
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
	return vfs_mknod(mnt_idmap(path->mnt), d_inode(path->dentry), dentry,
			 mode, 0);
#else
	return vfs_mknod(mnt_idmap(path->mnt), d_inode(path->dentry), dentry,
			 mode, 0, NULL);
#endif
}

#endif
