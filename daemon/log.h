/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the daemon has to say: to standard error, to the system log, or both.
 * Priorities are those of syslog(3).
 */
#ifndef AFBUS_DAEMON_LOG_H
#define AFBUS_DAEMON_LOG_H

#include <stdbool.h>
#include <syslog.h>

void log_open(bool to_stderr, bool to_syslog);
bool log_uses_syslog(void);
void log_msg(int priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with ": " and the text of @err (0 or negative) behind it. */
int log_errno(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_info(...) log_msg(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_WARNING, __VA_ARGS__)
/* What the policy has forbidden. */
#define log_security(...) log_msg(LOG_AUTH | LOG_NOTICE, __VA_ARGS__)
#define log_error(...) log_msg(LOG_ERR, __VA_ARGS__)

#endif
