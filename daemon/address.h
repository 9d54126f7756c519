/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * D-Bus server addresses as text (specification, "Server Addresses"). Pure.
 */
#ifndef AFBUS_DAEMON_ADDRESS_H
#define AFBUS_DAEMON_ADDRESS_H

#include <stddef.h>

#define ADDRESS_MAX_KEYS 8

struct address {
	char *transport;
	size_t n;
	struct {
		char *key;
		char *value;		/* unescaped */
	} pair[ADDRESS_MAX_KEYS];
};

/* Parses one address (without ';') in place: the strings point into @text.
 * Returns 0, or -EINVAL with *@why set. */
int address_parse(struct address *a, char *text, const char **why);
/* NULL when it has no such key. */
const char *address_get(const struct address *a, const char *key);
/* Escapes @len bytes; the caller frees the result. NULL: no memory. */
char *address_escape(const char *s, size_t len);

#endif
