/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A .service file (specification, "Message Bus Starting Services"; syntax of
 * the Desktop Entry Specification as the reference reads it), and the words of
 * its command line. Pure: text in, text out.
 */
#ifndef AFBUS_DAEMON_SERVICE_FILE_H
#define AFBUS_DAEMON_SERVICE_FILE_H

#include <stddef.h>

#define SERVICE_FILE_MAX (128U << 10)	/* longer ones are refused */

struct service_file {
	char *name;		/* Name, a well-known name */
	char *exec;		/* Exec, as written */
	char *user;		/* User, or NULL */
	char *unit;		/* SystemdService, or NULL */
	char *label;		/* AssumedAppArmorLabel, or NULL */
};

/*
 * Reads @text of @len bytes into @f, which service_file_done() frees. Returns
 * 0; -ENOMEM; -EINVAL with *@why a constant sentence and *@line the line it is
 * about (0: none in particular).
 */
int service_file_parse(struct service_file *f, const char *text, size_t len,
		       const char **why, unsigned int *line);
void service_file_done(struct service_file *f);

/*
 * Splits a command line as dbus-daemon does, which is as a shell does without
 * expanding anything: blanks separate words, '...' is literal, "..." knows \
 * before " \ ` $ and newline, \ outside of quotes takes the next character
 * as it is, # starts a comment. Sets *@ret to a NULL-terminated array that
 * service_words_free() frees. Returns 0; -ENOMEM; -EINVAL with *@why set.
 */
int service_words(char ***ret, const char *command, const char **why);
void service_words_free(char **words);	/* NULL is fine */

#endif
