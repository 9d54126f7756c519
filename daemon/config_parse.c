// SPDX-License-Identifier: LGPL-2.1-or-later
/* The elements of a configuration file. */
#include "config_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

enum place { ROOT, BUSCONFIG, POLICY, SELINUX, NOWHERE };

struct element {
	const char *name;
	enum place in;		/* which elements it may be in */
	enum place place;	/* what it is for the elements in it */
	bool text;		/* has some, and must have */
	/* @atts: names and values in turn, NULL-terminated; without a start()
	 * there must be none. */
	int (*start)(struct parser *p, const char *name, const char **atts);
	int (*end)(struct parser *p, char *text);
	/* For set_string() and set_flag(). */
	size_t offset;
};

#define FIELD(p, type) \
	(*(type *)((char *)(p)->config + (p)->stack[(p)->depth - 1]->offset))

/* ---- trouble ---- */

static size_t where(const struct parser *p, char *to, size_t size)
{
	int n = snprintf(to, size, "%s:%lu:%lu: ", p->file->path,
			 (unsigned long)XML_GetCurrentLineNumber(p->xml),
			 (unsigned long)XML_GetCurrentColumnNumber(p->xml) + 1);

	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static int stop(struct parser *p, int err)
{
	if (!p->err)
		p->err = err;
	XML_StopParser(p->xml, XML_FALSE);
	return err;
}

int config_refuse(struct parser *p, const char *format, ...)
{
	char *why = p->file->why;
	size_t n = where(p, why, CONFIG_WHY_MAX);
	va_list ap;

	va_start(ap, format);
	vsnprintf(why + n, CONFIG_WHY_MAX - n, format, ap);
	va_end(ap);
	return stop(p, -EINVAL);
}

void config_warn(struct parser *p, const char *format, ...)
{
	char text[CONFIG_WHY_MAX];
	size_t n = where(p, text, sizeof(text));
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + n, sizeof(text) - n, format, ap);
	va_end(ap);
	log_warning("%s", text);
}

int config_no_memory(struct parser *p)
{
	config_refuse(p, "Not enough memory");
	p->err = -ENOMEM;
	return -ENOMEM;
}

/* ---- attributes ---- */

static const char *element_name(const struct parser *p)
{
	return p->depth ? p->stack[p->depth - 1]->name : "";
}

int config_attributes(struct parser *p, const char **atts,
		      const char *const *names, const char **values, size_t n)
{
	size_t i;

	/* The XML reader has seen to it that none is there twice. */
	for (; atts[0]; atts += 2) {
		for (i = 0; i < n && strcmp(names[i], atts[0]); i++)
			;
		if (i == n)
			return config_refuse(p, "Attribute \"%s\" is invalid on <%s> element in this context",
					     atts[0], element_name(p));
		values[i] = atts[1];
	}
	return 0;
}

static int yes_or_no(struct parser *p, const char *name, const char *value,
		     bool *to)
{
	*to = value && !strcmp(value, "yes");
	if (value && !*to && strcmp(value, "no"))
		return config_refuse(p, "%s attribute must have value \"yes\" or \"no\"",
				     name);
	return 0;
}

/* ---- elements that set something ---- */

static int set_flag(struct parser *p, char *text)
{
	FIELD(p, bool) = true;
	return 0;
}

static int set_string(struct parser *p, char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return config_no_memory(p);
	free(FIELD(p, char *));
	FIELD(p, char *) = copy;
	return 0;
}

static int add_string(struct parser *p, char *text)
{
	return config_strings_add(&FIELD(p, struct config_strings),
				  strdup(text)) ? config_no_memory(p) : 0;
}

/* Relative to the folder of the file that is read. */
static char *full_path(const struct parser *p, const char *path)
{
	const char *slash = strrchr(p->file->path, '/');
	char *full;

	if (path[0] == '/' || !slash)
		return strdup(path);
	if (asprintf(&full, "%.*s/%s", (int)(slash - p->file->path),
		     p->file->path, path) < 0)
		return NULL;
	return full;
}

static int set_path(struct parser *p, char *text)
{
	char *path = full_path(p, text);

	if (!path)
		return config_no_memory(p);
	free(FIELD(p, char *));
	FIELD(p, char *) = path;
	return 0;
}

/* ---- folders of services ---- */

static int add_servicedir(struct parser *p, const char *dir, const char *below,
			  unsigned int flags)
{
	char *path;

	if (asprintf(&path, "%s%s", dir, below) < 0)
		path = NULL;
	return config_servicedir_add(p->config, path, flags) ?
	       config_no_memory(p) : 0;
}

static int end_servicedir(struct parser *p, char *text)
{
	return config_servicedir_add(p->config, full_path(p, text), 0) ?
	       config_no_memory(p) : 0;
}

static int add_data_home(struct parser *p)
{
	const char *dir = getenv("XDG_DATA_HOME");

	if (dir && *dir)
		return add_servicedir(p, dir, "/dbus-1/services", 0);
	dir = getenv("HOME");
	if (dir && *dir)
		return add_servicedir(p, dir, "/.local/share/dbus-1/services",
				      0);
	return 0;
}

static int add_data_dirs(struct parser *p)
{
	const char *dirs = getenv("XDG_DATA_DIRS");
	char *copy = strdup(dirs && *dirs ? dirs : "/usr/local/share:/usr/share");
	char *dir, *save;
	int err = 0;

	if (!copy)
		return config_no_memory(p);
	for (dir = strtok_r(copy, ":", &save); dir && !err;
	     dir = strtok_r(NULL, ":", &save))
		err = add_servicedir(p, dir, "/dbus-1/services", 0);
	free(copy);
	return err;
}

static int end_session_dirs(struct parser *p, char *text)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	int err = 0;

	if (dir && *dir)
		err = add_servicedir(p, dir, "/dbus-1/services",
				     CONFIG_DIR_STRICT | CONFIG_DIR_NO_WATCH);
	if (!err)
		err = add_data_home(p);
	if (!err)
		err = add_data_dirs(p);
	return err ? err : add_servicedir(p, CONFIG_DATADIR, "/services", 0);
}

static int end_system_dirs(struct parser *p, char *text)
{
	static const char *const dirs[] = {
		"/usr/local/share/dbus-1", "/usr/share/dbus-1", CONFIG_DATADIR,
		"/lib/dbus-1",
	};
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(dirs) / sizeof(dirs[0]); i++)
		err = add_servicedir(p, dirs[i], "/system-services", 0);
	return err;
}

/* ---- other files ---- */

static int start_include(struct parser *p, const char *name, const char **atts)
{
	static const char *const names[] = {
		"ignore_missing", "if_selinux_enabled", "selinux_root_relative",
	};
	const char *v[3] = { NULL };
	int err = config_attributes(p, atts, names, v, 3);

	if (!err)
		err = yes_or_no(p, names[0], v[0], &p->ignore_missing);
	if (!err)
		err = yes_or_no(p, names[1], v[1], &p->if_selinux);
	if (!err)
		err = yes_or_no(p, names[2], v[2], &p->selinux_root);
	return err;
}

static char *selinux_path(const char *path)
{
	char *root = config_selinux_root(), *full = NULL;

	if (root && asprintf(&full, "%s/%s", root, path) < 0)
		full = NULL;
	free(root);
	return full;
}

static int end_include(struct parser *p, char *text)
{
	char *path;
	int err;

	if (p->file->alone || (p->if_selinux && !config_selinux_enabled()))
		return 0;
	path = p->selinux_root && text[0] != '/' ? selinux_path(text) :
						   full_path(p, text);
	if (!path)
		return p->selinux_root ? config_refuse(p, "Could not determine SELinux policy root for relative inclusion") :
					 config_no_memory(p);
	err = config_include(p->config, p->file, path);
	if (err == -ENOENT && p->ignore_missing) {
		/* Not itself, but one that it needs. */
		if (!access(path, F_OK))
			log_warning("\"%s\" is left out: %s", path,
				    p->file->why);
		err = 0;
	}
	free(path);
	/* What is wrong has been said with its own place. */
	return err ? stop(p, err) : 0;
}

static int end_includedir(struct parser *p, char *text)
{
	char *path;
	int err;

	if (p->file->alone)
		return 0;
	path = full_path(p, text);
	if (!path)
		return config_no_memory(p);
	err = config_include_dir(p->config, p->file, path);
	free(path);
	return err ? stop(p, err) : 0;
}

/* ---- <limit> ---- */

static int start_limit(struct parser *p, const char *name, const char **atts)
{
	static const char *const names[] = { "name" };
	const char *v[1] = { NULL };
	int err = config_attributes(p, atts, names, v, 1);

	if (err)
		return err;
	if (!v[0])
		return config_refuse(p, "<limit> element must have a \"name\" attribute");
	free(p->limit);
	p->limit = strdup(v[0]);
	return p->limit ? 0 : config_no_memory(p);
}

static int end_limit(struct parser *p, char *text)
{
	char *end;
	long long v;
	int err;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return config_refuse(p, "<limit name=\"%s\"> element has invalid value (could not parse as integer)",
				     p->limit);
	err = limits_set(&p->config->limits, p->limit, v);
	if (err == -ENOENT)
		return config_refuse(p, "There is no limit called \"%s\"",
				     p->limit);
	if (err && v < 0)
		return config_refuse(p, "<limit name=\"%s\"> must be a positive number",
				     p->limit);
	if (err)
		return config_refuse(p, "<limit name=\"%s\"> value is too large",
				     p->limit);
	return 0;
}

/* ---- <policy> ---- */

static int policy_context(struct parser *p, const char *v)
{
	if (strcmp(v, "default") && strcmp(v, "mandatory"))
		return config_refuse(p, "context attribute on <policy> must have the value \"default\" or \"mandatory\", not \"%s\"",
				     v);
	p->scope = v[0] == 'd' ? POLICY_DEFAULT : POLICY_MANDATORY;
	return 0;
}

static int policy_user(struct parser *p, const char *v)
{
	p->scope = POLICY_USER;
	p->policy_ignored = !config_find_user(v, &p->id);
	if (p->policy_ignored)
		config_warn(p, "Unknown username \"%s\" in message bus configuration file",
			    v);
	return 0;
}

static int policy_group(struct parser *p, const char *v)
{
	p->scope = POLICY_GROUP;
	p->policy_ignored = !config_find_group(v, &p->id);
	if (p->policy_ignored)
		config_warn(p, "Unknown group \"%s\" in message bus configuration file",
			    v);
	return 0;
}

/* What marked somebody as being at the console is long gone. */
static int policy_console(struct parser *p, const char *v)
{
	if (strcmp(v, "true") && strcmp(v, "false"))
		return config_refuse(p, "Unknown value \"%s\" for at_console in message bus configuration file",
				     v);
	p->scope = POLICY_NO_CONSOLE;
	p->policy_ignored = v[0] == 't';
	config_warn(p, "at_console is obsolete: at_console=\"%s\" policies apply to %s",
		    v, p->policy_ignored ? "nobody" : "everybody");
	return 0;
}

static int start_policy(struct parser *p, const char *name, const char **atts)
{
	static const char *const names[] = {
		"context", "user", "group", "at_console",
	};
	static int (*const set[])(struct parser *p, const char *v) = {
		policy_context, policy_user, policy_group, policy_console,
	};
	const char *v[4] = { NULL };
	int err = config_attributes(p, atts, names, v, 4), i, n = 0, at = 0;

	if (err)
		return err;
	for (i = 0; i < 4; i++) {
		if (v[i]) {
			n++;
			at = i;
		}
	}
	if (n != 1)
		return config_refuse(p, "<policy> element must have exactly one of (context|user|group|at_console) attributes");
	p->policy_ignored = false;
	p->id = 0;
	return set[at](p, v[at]);
}

/* ---- security modules ---- */

static int start_apparmor(struct parser *p, const char *name, const char **atts)
{
	static const char *const modes[] = { "enabled", "disabled", "required" };
	static const char *const names[] = { "mode" };
	const char *v[1] = { NULL };
	int err = config_attributes(p, atts, names, v, 1);
	unsigned int i;

	if (err || !v[0])
		return err;
	for (i = 0; i < 3; i++) {
		if (!strcmp(modes[i], v[0])) {
			p->config->apparmor = (enum config_apparmor)i;
			return 0;
		}
	}
	return config_refuse(p, "Mode attribute on <apparmor> must have value \"required\", \"enabled\" or \"disabled\", not \"%s\"",
			     v[0]);
}

static int add_associate(struct config *c, const char *name,
			 const char *context)
{
	struct config_associate *v;

	v = realloc(c->associates, (c->n_associates + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	c->associates = v;
	v += c->n_associates;
	v->name = strdup(name);
	v->context = strdup(context);
	if (!v->name || !v->context) {
		free(v->name);
		free(v->context);
		return -ENOMEM;
	}
	c->n_associates++;
	return 0;
}

static int start_associate(struct parser *p, const char *name,
			   const char **atts)
{
	static const char *const names[] = { "own", "context" };
	const char *v[2] = { NULL };
	int err = config_attributes(p, atts, names, v, 2);

	if (err)
		return err;
	if (!v[0] || !v[1])
		return config_refuse(p, "Element <associate> must have attributes own=\"<servicename>\" and context=\"<selinux context>\"");
	return add_associate(p->config, v[0], v[1]) ? config_no_memory(p) : 0;
}

/* ---- the elements ---- */

#define AT(field) .offset = offsetof(struct config, field)
#define LEAF(name) #name, BUSCONFIG, NOWHERE

static const struct element elements[] = {
	{ "busconfig", ROOT, BUSCONFIG },
	{ LEAF(type), true, NULL, set_string, AT(type) },
	{ LEAF(user), true, NULL, set_string, AT(user) },
	{ LEAF(pidfile), true, NULL, set_string, AT(pidfile) },
	{ LEAF(servicehelper), true, NULL, set_path, AT(servicehelper) },
	{ LEAF(listen), true, NULL, add_string, AT(listen) },
	{ LEAF(auth), true, NULL, add_string, AT(auth) },
	{ LEAF(fork), false, NULL, set_flag, AT(fork) },
	{ LEAF(syslog), false, NULL, set_flag, AT(syslog) },
	{ LEAF(keep_umask), false, NULL, set_flag, AT(keep_umask) },
	{ LEAF(allow_anonymous), false, NULL, set_flag, AT(allow_anonymous) },
	{ LEAF(servicedir), true, NULL, end_servicedir },
	{ LEAF(standard_session_servicedirs), false, NULL, end_session_dirs },
	{ LEAF(standard_system_servicedirs), false, NULL, end_system_dirs },
	{ LEAF(include), true, start_include, end_include },
	{ LEAF(includedir), true, NULL, end_includedir },
	{ LEAF(limit), true, start_limit, end_limit },
	{ LEAF(apparmor), false, start_apparmor },
	{ "policy", BUSCONFIG, POLICY, false, start_policy },
	{ "allow", POLICY, NOWHERE, false, config_rule },
	{ "deny", POLICY, NOWHERE, false, config_rule },
	{ "selinux", BUSCONFIG, SELINUX },
	{ "associate", SELINUX, NOWHERE, false, start_associate },
};
#define N_ELEMENTS (sizeof(elements) / sizeof(elements[0]))

static const struct element *find_element(const char *name, enum place in)
{
	size_t i;

	for (i = 0; i < N_ELEMENTS; i++)
		if (elements[i].in == in && !strcmp(elements[i].name, name))
			return &elements[i];
	return NULL;
}

static int no_attributes(struct parser *p, const char **atts)
{
	const char *none[1];

	return config_attributes(p, atts, NULL, none, 0);
}

/* White space around it goes. */
static char *trim(struct parser *p)
{
	char *text = p->text;

	text[p->len] = 0;
	while (p->len && isspace((unsigned char)text[p->len - 1]))
		text[--p->len] = 0;
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int check_text(struct parser *p, const struct element *e,
		      const char *text)
{
	if (e->text && !*text)
		return config_refuse(p, "XML element <%s> was expected to have content inside it",
				     e->name);
	if (!e->text && *text)
		return config_refuse(p, "No text content expected inside XML element %s in configuration file",
				     e->name);
	return 0;
}

static int enter(struct parser *p, const char *name, const char **atts)
{
	enum place in = p->depth ? p->stack[p->depth - 1]->place : ROOT;
	const struct element *e = in == NOWHERE ? NULL : find_element(name, in);

	if (!e && !p->depth)
		return config_refuse(p, "Unknown element <%s> at root of configuration file",
				     name);
	if (!e)
		return config_refuse(p, "Element <%s> not allowed inside <%s> in configuration file",
				     name, element_name(p));
	/* What stands between the elements in an element is its text too. */
	if (p->depth && check_text(p, p->stack[p->depth - 1], trim(p)))
		return p->err;
	p->stack[p->depth++] = e;
	p->len = 0;
	return e->start ? e->start(p, name, atts) : no_attributes(p, atts);
}

static void leave(struct parser *p)
{
	const struct element *e = p->stack[p->depth - 1];
	char *text = trim(p);

	if (!check_text(p, e, text) && e->end)
		e->end(p, text);
	p->depth--;
	p->len = 0;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
	struct parser *p = ctx;

	if (!p->err)
		enter(p, name, atts);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct parser *p = ctx;

	if (!p->err)
		leave(p);
}

/* Always with room for a NUL. */
static void on_text(void *ctx, const XML_Char *text, int len)
{
	struct parser *p = ctx;
	size_t size = p->size;
	char *more;

	if (p->err || len < 0)
		return;
	while (size < p->len + (size_t)len + 1)
		size *= 2;
	if (size != p->size) {
		more = realloc(p->text, size);
		if (!more) {
			config_no_memory(p);
			return;
		}
		p->text = more;
		p->size = size;
	}
	memcpy(p->text + p->len, text, (size_t)len);
	p->len += (size_t)len;
}

static int run(struct parser *p, const char *text, size_t len)
{
	enum XML_Status status;

	if (len > INT32_MAX)
		return config_refuse(p, "The file is too long");
	status = XML_Parse(p->xml, text, (int)len, XML_TRUE);
	if (!p->err && status != XML_STATUS_OK)
		config_refuse(p, "%s",
			      XML_ErrorString(XML_GetErrorCode(p->xml)));
	return p->err;
}

int config_parse_text(struct config *config, const struct config_file *file,
		      const char *text, size_t len)
{
	struct parser p = { .file = file, .config = config, .size = 64 };
	int err = -ENOMEM;

	p.xml = XML_ParserCreate("UTF-8");
	p.text = malloc(p.size);
	if (p.xml && p.text) {
		/* Who writes these files does not attack us, and early in the
		 * boot there is no randomness to wait for. */
		XML_SetHashSalt(p.xml, 1);
		XML_SetUserData(p.xml, &p);
		XML_SetElementHandler(p.xml, on_start, on_end);
		XML_SetCharacterDataHandler(p.xml, on_text);
		err = run(&p, text, len);
	} else {
		snprintf(file->why, CONFIG_WHY_MAX, "Not enough memory");
	}
	free(p.limit);
	free(p.text);
	if (p.xml)
		XML_ParserFree(p.xml);
	return err;
}
