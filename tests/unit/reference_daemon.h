/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dbus-daemon of our own, to ask the reference implementation what it thinks
 * of match rules. Everybody may send, own and eavesdrop.
 */
#ifndef AFBUS_TESTS_REFERENCE_DAEMON_H
#define AFBUS_TESTS_REFERENCE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

/* Sets @address, a string of less than @size bytes; false where there is no
 * dbus-daemon. It dies with the caller. */
bool reference_daemon_start(char *address, size_t size);
void reference_daemon_stop(void);

#endif
