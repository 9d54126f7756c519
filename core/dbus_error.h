/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An error message that the bus itself sends to a caller.
 * Source: D-Bus specification, "Message Format" and "Message Bus Messages".
 */
#ifndef AFBUS_CORE_DBUS_ERROR_H
#define AFBUS_CORE_DBUS_ERROR_H

#include "core/wire.h"

struct dbus_error {
	struct dbus_str name;		/* of the error */
	struct dbus_str destination;	/* the caller's unique name */
	struct dbus_str text;
	u32 serial;			/* of this message; not 0 */
	u32 reply_serial;		/* of the call */
};

/*
 * Writes the message in little-endian byte order into @size bytes at @out.
 * Returns its length, also when @out is NULL; -ENOSPC when @size is too small.
 */
s64 dbus_error_write(const struct dbus_error *e, void *out, size_t size);

#endif
