/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef AFBUS_TOOLS_STATUS_H
#define AFBUS_TOOLS_STATUS_H

#include <stdbool.h>
#include <stdio.h>

/* @s in quotes. */
void json_string(const char *s);

/* Prints what @f, /proc/net/bus, says. 0 or -errno; -EBADMSG: it begins with
 * no bus. */
int status_kernel(FILE *f, bool json);

#endif
