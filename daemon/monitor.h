/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Monitors (specification, "org.freedesktop.DBus.Monitoring.BecomeMonitor"):
 * connections that see everything and are no peers any more. The switch shows
 * them the messages; here is how one becomes a monitor, and what it sees that
 * the switch does not know of.
 */
#ifndef AFBUS_DAEMON_MONITOR_H
#define AFBUS_DAEMON_MONITOR_H

#include "daemon/driver.h"

/* One has sent something. Returns the error for which it goes. */
int monitor_spoke(const struct call *c);

/* The daemon's message @m, which @peer may not receive: monitors see it, and
 * an error in answer to it that nobody gets. */
void monitor_show_refused(struct peer *peer, const struct msg *m);
/* @c's message has not gone to one of those who wanted it. */
void monitor_show_denied(struct call *c);

#endif
