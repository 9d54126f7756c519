/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which files may hold others: those that wait in a queue may hold the very
 * socket whose queue it is, which nothing but time tells from a slow reader.
 */
#ifndef AFBUS_CORE_HOLDERS_H
#define AFBUS_CORE_HOLDERS_H

#include "port.h"

/* By its mode, stat(2). Sockets have queues, and an inode of no type is
 * something the kernel made up (a ring of io_uring holds files; most others do
 * not, but who knows). */
static inline bool mode_may_hold(u32 mode)
{
	return S_ISSOCK(mode) || !(mode & S_IFMT);
}

#endif
