// SPDX-License-Identifier: LGPL-2.1-or-later
#include "address.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* In place; a NUL cannot be written in it. */
static int unescape(char *s)
{
	char *out = s;
	char hex[3] = "";

	while (*s) {
		if (*s != '%') {
			*out++ = *s++;
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2]))
			return -EINVAL;
		memcpy(hex, s + 1, 2);
		*out = (char)strtol(hex, NULL, 16);
		if (!*out++)
			return -EINVAL;
		s += 3;
	}
	*out = 0;
	return 0;
}

static int add_pair(struct address *a, char *text, const char **why)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return refuse(why, "a key has no value");
	*equals = 0;
	if (address_get(a, text))
		return refuse(why, "a key is there twice");
	if (a->n == ADDRESS_MAX_KEYS)
		return refuse(why, "there are too many keys");
	a->pair[a->n].key = text;
	a->pair[a->n].value = equals + 1;
	if (unescape(equals + 1) < 0)
		return refuse(why, "a value is badly escaped");
	a->n++;
	return 0;
}

int address_parse(struct address *a, char *text, const char **why)
{
	char *colon = strchr(text, ':');
	char *pair, *save;
	int err;

	memset(a, 0, sizeof(*a));
	if (!colon || colon == text)
		return refuse(why, "there is no transport");
	*colon = 0;
	a->transport = text;
	for (pair = strtok_r(colon + 1, ",", &save); pair;
	     pair = strtok_r(NULL, ",", &save)) {
		err = add_pair(a, pair, why);
		if (err)
			return err;
	}
	return 0;
}

const char *address_get(const struct address *a, const char *key)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!strcmp(a->pair[i].key, key))
			return a->pair[i].value;
	return NULL;
}

char *address_escape(const char *s, size_t len)
{
	char *text = malloc(3 * len + 1), *out = text;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (isalnum(c) || (c && strchr("-_/\\.*", c)))
			*out++ = (char)c;
		else
			out += sprintf(out, "%%%02x", c);
	}
	*out = 0;
	return text;
}
