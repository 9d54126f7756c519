/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What core/ needs from its surroundings, for user space. The kernel's twin
 * is kernel/port/port.h; core/ includes "port.h" and finds the right one on
 * the include path, so that core/ itself has no #ifdef.
 */
#ifndef AFBUS_PORT_H
#define AFBUS_PORT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define port_bswap16 __builtin_bswap16
#define port_bswap32 __builtin_bswap32
#define port_bswap64 __builtin_bswap64

/* True where the host stores the most significant byte first. */
#define PORT_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

#endif
