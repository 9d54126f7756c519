/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a sender is told, and the log says, when a message may not go where it
 * was sent: the words of the reference's bus_context_check_security_policy(),
 * since programs and people look for them.
 */
#ifndef AFBUS_CORE_DBUS_DENIED_H
#define AFBUS_CORE_DBUS_DENIED_H

#include "core/dbus_header.h"

struct dbus_denied {
	struct dbus_str what;		/* "Rejected send message" */
	bool counts;			/* how many rules matched is said */
	u32 matched;
	const struct dbus_header *h;
	struct dbus_str sender;		/* its unique name */
	struct dbus_str from, at;	/* who the two are: uid=... pid=... */
	bool requested;			/* a reply that was waited for */
};

/* Longer, it is cut. With the 0 behind it. */
#define DBUS_DENIED_MAX 1600

/*
 * Writes the text, with a 0 behind it, and returns its length. It is as valid
 * UTF-8 as what it is made of, also where it was cut.
 */
u32 dbus_denied_write(const struct dbus_denied *d, char out[DBUS_DENIED_MAX]);

#endif
