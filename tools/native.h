/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the subcommands for native buses share. */
#ifndef AFBUS_TOOLS_NATIVE_H
#define AFBUS_TOOLS_NATIVE_H

#include <stdint.h>
#include <stdio.h>

#include "afbus.h"

#define NATIVE_MAX_GROUPS 64

/* Prefixes that --group was given. */
struct groups {
	unsigned int prefix[NATIVE_MAX_GROUPS];
	unsigned int n;
};

enum format {
	FORMAT_TEXT,		/* a line: number, sender, destination, data */
	FORMAT_DATA,		/* a line: data */
	FORMAT_RAW,		/* the bytes */
	FORMAT_JSON,		/* an object a line */
};

/* An error number in words that fit a bus. */
const char *native_error(int err);
/* "COMMAND: WHAT: error"; returns the exit status. */
int native_complain(const char *command, const char *what, int err);

/* Each 0, or EXIT_USAGE with a word on stderr. */
int native_number(const char *command, const char *option, const char *text,
		  unsigned int lo, unsigned int hi, unsigned int *ret);
int native_group(const char *command, const char *text, struct groups *groups);
int native_address(const char *command, const char *text, uint64_t *addr);
int native_format(const char *command, const char *text, enum format *format);
/* The one argument that is left is the bus's path. */
int native_path(const char *command, int argc, char **argv, const char **path);

/* Receives a message of any length: @m->data grows, free() it; room for fds is
 * the caller's. Errors of afbus_msg_recv(), and -ENOMEM. Should a longer one of
 * a higher priority come at this moment it is cut, if over 64 KiB. */
int native_recv(int fd, struct afbus_msg *m, int flags);

/* Data as text in a line, what cannot be printed as \xNN. */
void print_data(FILE *f, const void *data, size_t len);
void print_msg(FILE *f, const struct afbus_msg *m, enum format format);

/*
 * Between "afbus recv --group" and "afbus listen": "group N" to the master,
 * the same text with ": ok" or ": ERROR" from it.
 */
#define GROUP_REQUEST "group "

#endif
