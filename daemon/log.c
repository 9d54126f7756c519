// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool use_stderr = true;
static bool use_syslog;

void log_open(bool to_stderr, bool to_syslog)
{
	use_stderr = to_stderr;
	use_syslog = to_syslog;
	if (to_syslog)
		openlog("afbusd", LOG_PID, LOG_DAEMON);
}

bool log_uses_syslog(void)
{
	return use_syslog;
}

static void write_out(int priority, const char *text)
{
	if (use_stderr)
		fprintf(stderr, "afbusd: %s\n", text);
	if (use_syslog)
		syslog(priority, "%s", text);
}

void log_msg(int priority, const char *format, ...)
{
	char text[3072];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	write_out(priority, text);
}

int log_errno(int err, const char *format, ...)
{
	char text[1024];
	size_t len;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", strerror(-err));
	write_out(LOG_ERR, text);
	return err;
}
