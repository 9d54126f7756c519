/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration of a bus that runs. */
#ifndef AFBUS_DAEMON_CONFIG_RELOAD_H
#define AFBUS_DAEMON_CONFIG_RELOAD_H

#include "daemon/bus.h"

/* Puts bus->file into effect, for a bus that is being made. Says why it
 * failed. */
int bus_apply_config(struct bus *bus);

/* At the end of the bus. */
void bus_unwatch_config(struct bus *bus);

/*
 * Reads the files again. Policy, limits and services are then as they say;
 * what the bus listens on, its user, its type are not looked at. On failure
 * nothing has changed, and @why, which is logged too, is a sentence. Tells the
 * service manager. Returns 0 or -errno.
 */
int bus_reload_config(struct bus *bus, char why[CONFIG_WHY_MAX]);

#endif
