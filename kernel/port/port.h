/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What core/ needs from its surroundings, for the kernel. User space's twin
 * is user/port/port.h.
 */
#ifndef AFBUS_PORT_H
#define AFBUS_PORT_H

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/swab.h>
#include <linux/types.h>

#define port_bswap16 swab16
#define port_bswap32 swab32
#define port_bswap64 swab64

#ifdef __BIG_ENDIAN
#define PORT_BIG_ENDIAN 1
#else
#define PORT_BIG_ENDIAN 0
#endif

#endif
