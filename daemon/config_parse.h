/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files of the configuration reader:
 *
 *	config.c		files, folders, what becomes of their contents
 *	config_parse.c		elements
 *	config_rule.c		the attributes of <allow> and <deny>
 */
#ifndef AFBUS_DAEMON_CONFIG_PARSE_H
#define AFBUS_DAEMON_CONFIG_PARSE_H

#include <expat.h>

#include "daemon/config.h"

/* The files that are being read, each including the next. */
struct config_file {
	const struct config_file *outer;
	const char *path;
	size_t depth;
	bool alone;		/* other files are left out */
	char *why;		/* CONFIG_WHY_MAX */
};

struct element;

struct parser {
	XML_Parser xml;
	const struct config_file *file;
	struct config *config;
	int err;		/* the first one; parsing has stopped */

	const struct element *stack[4];
	size_t depth;
	size_t len, size;	/* of text, that of the innermost element */
	char *text;

	/* <policy> */
	bool policy_ignored;	/* of a user or group that does not exist */
	enum policy_scope scope;
	uint32_t id;
	/* <include> */
	bool ignore_missing;
	bool if_selinux;
	bool selinux_root;
	/* <limit> */
	char *limit;
};

/* Reads the text of one file into @config, which has its defaults. */
int config_parse_text(struct config *config, const struct config_file *file,
		      const char *text, size_t len);
/* Reads @path into @config, which keeps what it has on failure. */
int config_include(struct config *config, const struct config_file *outer,
		   const char *path);
int config_include_dir(struct config *config, const struct config_file *outer,
		       const char *path);

/* Stops parsing. Returns -EINVAL. */
int config_refuse(struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void config_warn(struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int config_no_memory(struct parser *p);

/* Attributes that an element may have, and what they are; NULL: not there. */
int config_attributes(struct parser *p, const char **atts,
		      const char *const *names, const char **values, size_t n);
/* <allow> or <deny>. */
int config_rule(struct parser *p, const char *element, const char **atts);

/* Owns @s, on failure too. 0 or -ENOMEM. */
int config_strings_add(struct config_strings *list, char *s);
int config_servicedir_add(struct config *c, char *path, unsigned int flags);

/* Numbers are taken as they are. */
bool config_find_user(const char *name, uint32_t *uid);
bool config_find_group(const char *name, uint32_t *gid);

/* The folder of the loaded policy, to be freed; NULL: unknown. */
char *config_selinux_root(void);

#endif
