/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Secrets that only somebody who can read the home directory of the bus's
 * user knows (specification, "DBUS_COOKIE_SHA1"): ~/.dbus-keyrings/CONTEXT,
 * one line a cookie. The file is read again each time, since others write it
 * too; a cookie is made when there is none that is young enough.
 */
#ifndef AFBUS_DAEMON_COOKIES_H
#define AFBUS_DAEMON_COOKIES_H

#include "daemon/sasl.h"

/* @home is a directory. 0 or -errno; -EBUSY: somebody else is writing. */
int cookies_get(const char *home, struct sasl_cookie *c);
/* For struct sasl: of the home directory of this process's user. */
int cookies_of_self(struct sasl_cookie *c);

#endif
