/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-1 (FIPS 180-4), for DBUS_COOKIE_SHA1 alone: for nothing new. */
#ifndef AFBUS_DAEMON_SHA1_H
#define AFBUS_DAEMON_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_LEN 20

void sha1(const void *data, size_t len, uint8_t digest[SHA1_LEN]);

#endif
