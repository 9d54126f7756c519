/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Syntax of D-Bus names (specification, "Valid Names" and "Valid Object
 * Paths") and the form of this bus's unique names. Pure functions of their
 * arguments; strings need not be NUL-terminated.
 */
#ifndef AFBUS_CORE_NAMES_H
#define AFBUS_CORE_NAMES_H

#include "core/wire.h"

#define DBUS_MAX_NAME 255U
#define DBUS_DRIVER_NAME "org.freedesktop.DBus"
#define DBUS_DRIVER_PATH "/org/freedesktop/DBus"
#define DBUS_LOCAL_PATH "/org/freedesktop/DBus/Local"
#define DBUS_LOCAL_INTERFACE "org.freedesktop.DBus.Local"

bool dbus_interface_ok(const char *s, size_t len);
bool dbus_member_ok(const char *s, size_t len);
bool dbus_error_name_ok(const char *s, size_t len);	/* as interfaces */
bool dbus_bus_name_ok(const char *s, size_t len);	/* unique or not */
bool dbus_unique_name_ok(const char *s, size_t len);
bool dbus_well_known_name_ok(const char *s, size_t len);
/* arg0namespace / own_prefix: a bus name that may be a single element. */
bool dbus_name_namespace_ok(const char *s, size_t len);
bool dbus_path_ok(const char *s, size_t len);

/* "a.b" is inside namespace "a.b", and so is "a.b.c", but not "a.bc". */
bool dbus_name_in_namespace(const char *name, size_t len,
			    const char *ns, size_t ns_len);
/* The same for paths; everything is inside "/". */
bool dbus_path_in_namespace(const char *path, size_t len,
			    const char *ns, size_t ns_len);

/*
 * This bus's unique names are ":1." and the port's address (never 0) in
 * decimal without leading zeroes.
 */
#define DBUS_UNIQUE_MAX 24	/* bytes dbus_unique_format() may need, NUL too */
/* Returns the length without the NUL that it also writes. */
size_t dbus_unique_format(u64 addr, char buf[DBUS_UNIQUE_MAX]);
/* The address in a unique name of this bus, or 0 if it is not one. */
u64 dbus_unique_parse(const char *s, size_t len);

#endif
