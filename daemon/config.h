/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration of a bus, as read from the files of dbus-daemon(1),
 * "CONFIGURATION FILE". Reading changes nothing but the struct that results;
 * what is wrong in a file is said with its name, line and column.
 *
 * Text of elements loses the white space around it. Files of an <includedir>
 * are read in the order of their names.
 */
#ifndef AFBUS_DAEMON_CONFIG_H
#define AFBUS_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/client_limits.h"
#include "daemon/policy.h"

#ifndef CONFIG_DATADIR
#define CONFIG_DATADIR "/usr/share/dbus-1"
#endif
#define CONFIG_SYSTEM_FILE CONFIG_DATADIR "/system.conf"
#define CONFIG_SESSION_FILE CONFIG_DATADIR "/session.conf"

struct config_strings {
	size_t n;
	char **v;
};

#define CONFIG_DIR_STRICT	0x1	/* files are named after their name */
#define CONFIG_DIR_NO_WATCH	0x2

struct config_servicedir {
	char *path;
	unsigned int flags;		/* CONFIG_DIR_* */
};

enum config_apparmor {
	CONFIG_APPARMOR_ENABLED,	/* if there is any */
	CONFIG_APPARMOR_DISABLED,
	CONFIG_APPARMOR_REQUIRED,
};

/* <associate>, of SELinux. */
struct config_associate {
	char *name;
	char *context;
};

/* Strings are NULL when the files have none. */
struct config {
	char *type;			/* "system", "session", another */
	char *user;			/* a name or a number */
	char *pidfile;
	char *servicehelper;
	bool fork;
	bool syslog;
	bool keep_umask;
	bool allow_anonymous;
	enum config_apparmor apparmor;
	struct config_strings listen;	/* in the order of the files */
	struct config_strings auth;	/* none: all mechanisms */
	struct config_strings confdirs;	/* to be watched for changes */
	size_t n_servicedirs;
	struct config_servicedir *servicedirs;	/* the first one counts */
	size_t n_associates;
	struct config_associate *associates;
	struct limits limits;
	struct policy_set *policy;
};

#define CONFIG_WHY_MAX 1024

/* Reads @path and what it includes. 0, or -errno with a sentence in @why. */
int config_load(struct config **ret, const char *path,
		char why[CONFIG_WHY_MAX]);
/* The same from memory, without any other file: includes are left out. */
int config_parse(struct config **ret, const char *name, const char *text,
		 size_t len, char why[CONFIG_WHY_MAX]);
/* A bus for its user alone, who may do everything. NULL: no memory. */
struct config *config_builtin(void);
struct config *config_free(struct config *c);	/* NULL is fine */

/* Does this kernel have SELinux, and was this system set up for it? */
bool config_selinux_enabled(void);

#endif
