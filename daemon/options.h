/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: dbus-daemon's options, and few of our own. */
#ifndef AFBUS_DAEMON_OPTIONS_H
#define AFBUS_DAEMON_OPTIONS_H

#include <stdbool.h>

enum option_fork { FORK_AS_CONFIGURED, FORK_ALWAYS, FORK_NEVER };
enum option_syslog {
	SYSLOG_AS_CONFIGURED,
	SYSLOG_TOO,
	SYSLOG_ONLY,
	SYSLOG_NEVER,
};
enum option_task {
	TASK_SERVE,
	TASK_PREPARE,		/* the bus, for another to serve it */
	TASK_CHECK_CONFIG,
	TASK_CHECK_STATE,	/* what execve() will be given */
	TASK_INTROSPECT,
};

/* Strings are those of argv, or constants. */
struct options {
	enum option_task task;
	const char *config_file;	/* NULL: the built-in one */
	const char *address;		/* NULL: as configured */
	const char *switch_kind;	/* "auto", "kernel", "user" */
	int address_fd;			/* -1: do not print */
	int pid_fd;
	int state_fd;			/* of TASK_CHECK_STATE; -1: none needed */
	const char *replace;		/* NULL: do not; empty: who listens where
					 * we would */
	enum option_fork fork;
	enum option_syslog syslog;
	bool fresh;			/* rather than not at all */
	unsigned int persist;		/* seconds without a daemon */
	bool pidfile;
	bool systemd_activation;
	bool allow_anonymous;
};

/* Returns 0, or -EINVAL after it has said why. Ends the process for --help
 * and --version. */
int options_parse(struct options *o, int argc, char **argv);

#endif
