// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files, folders, and what becomes of their contents. */
#include "config_parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/log.h"

#define MAX_FILE (16U << 20)
#define MAX_DEPTH 32
#define SELINUX_CONFIG "/etc/selinux/config"

/* ---- lists ---- */

int config_strings_add(struct config_strings *list, char *s)
{
	char **v = realloc(list->v, (list->n + 1) * sizeof(*v));

	if (v)
		list->v = v;
	if (!v || !s) {
		free(s);
		return -ENOMEM;
	}
	v[list->n++] = s;
	return 0;
}

static void strings_free(struct config_strings *list)
{
	while (list->n)
		free(list->v[--list->n]);
	free(list->v);
	list->v = NULL;
}

/* Moves all of @from behind all of @to. */
static int strings_merge(struct config_strings *to, struct config_strings *from)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < from->n; i++) {
		err = config_strings_add(to, from->v[i]);
		from->v[i] = NULL;
	}
	return err;
}

/* One that is there already stays where it is. */
int config_servicedir_add(struct config *c, char *path, unsigned int flags)
{
	struct config_servicedir *v;
	size_t i;

	for (i = 0; path && i < c->n_servicedirs; i++) {
		if (!strcmp(c->servicedirs[i].path, path)) {
			free(path);
			return 0;
		}
	}
	v = realloc(c->servicedirs, (c->n_servicedirs + 1) * sizeof(*v));
	if (v)
		c->servicedirs = v;
	if (!v || !path) {
		free(path);
		return -ENOMEM;
	}
	v[c->n_servicedirs++] = (struct config_servicedir){ path, flags };
	return 0;
}

/* ---- a configuration ---- */

static struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	limits_default(&c->limits);
	c->policy = policy_set_new();
	return c->policy ? c : config_free(c);
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	free(c->type);
	free(c->user);
	free(c->pidfile);
	free(c->servicehelper);
	strings_free(&c->listen);
	strings_free(&c->auth);
	strings_free(&c->confdirs);
	while (c->n_servicedirs)
		free(c->servicedirs[--c->n_servicedirs].path);
	free(c->servicedirs);
	while (c->n_associates) {
		free(c->associates[--c->n_associates].name);
		free(c->associates[c->n_associates].context);
	}
	free(c->associates);
	policy_set_free(c->policy);
	free(c);
	return NULL;
}

struct config *config_builtin(void)
{
	struct config *c = config_new();

	if (!c)
		return NULL;
	limits_session(&c->limits);
	policy_set_free(c->policy);
	c->policy = policy_set_new_open();
	c->type = strdup("session");
	if (!c->policy || !c->type ||
	    config_strings_add(&c->auth, strdup("EXTERNAL")))
		return config_free(c);
	return c;
}

static void take_string(char **to, char **from)
{
	if (!*from)
		return;
	free(*to);
	*to = *from;
	*from = NULL;
}

static int merge_associates(struct config *to, struct config *from)
{
	size_t n = to->n_associates + from->n_associates;
	struct config_associate *v;

	if (!from->n_associates)
		return 0;
	v = realloc(to->associates, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	memcpy(v + to->n_associates, from->associates,
	       from->n_associates * sizeof(*v));
	to->associates = v;
	to->n_associates = n;
	from->n_associates = 0;
	return 0;
}

static int merge_lists(struct config *to, struct config *from)
{
	size_t i;
	int err = strings_merge(&to->listen, &from->listen);

	if (!err)
		err = strings_merge(&to->auth, &from->auth);
	if (!err)
		err = strings_merge(&to->confdirs, &from->confdirs);
	for (i = 0; !err && i < from->n_servicedirs; i++) {
		struct config_servicedir *d = &from->servicedirs[i];

		err = config_servicedir_add(to, d->path, d->flags);
		d->path = NULL;
	}
	if (!err)
		err = merge_associates(to, from);
	return err ? err : policy_set_merge(to->policy, from->policy);
}

/* What @from says counts more, for it comes later. Leaves @from to be freed. */
static int merge(struct config *to, struct config *from)
{
	take_string(&to->type, &from->type);
	take_string(&to->user, &from->user);
	take_string(&to->pidfile, &from->pidfile);
	take_string(&to->servicehelper, &from->servicehelper);
	to->fork |= from->fork;
	to->syslog |= from->syslog;
	to->keep_umask |= from->keep_umask;
	to->allow_anonymous |= from->allow_anonymous;
	to->apparmor = from->apparmor;
	to->limits = from->limits;
	return merge_lists(to, from);
}

/* ---- files ---- */

static int file_error(const struct config_file *file, int err)
{
	snprintf(file->why, CONFIG_WHY_MAX, "Failed to open \"%s\": %s",
		 file->path, strerror(-err));
	return err;
}

static int read_fd(int fd, char **text, size_t *len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	*text = NULL;
	*len = 0;
	for (;;) {
		char *more = realloc(*text, *len + 4096);

		if (!more || *len > MAX_FILE) {
			free(more ? more : *text);
			return more ? -EFBIG : -ENOMEM;
		}
		*text = more;
		n = read(fd, *text + *len, 4096);
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	if (n < 0) {
		n = -errno;
		free(*text);
		*text = NULL;
	}
	return (int)n;
}

static int read_file(const struct config_file *file, char **text, size_t *len)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err;

	if (fd < 0)
		return file_error(file, -errno);
	err = read_fd(fd, text, len);
	close(fd);
	return err ? file_error(file, err) : 0;
}

static int parse_file(struct config *c, const struct config_file *file)
{
	char *text = NULL;
	size_t len = 0;
	int err = read_file(file, &text, &len);

	if (err)
		return err;
	err = config_parse_text(c, file, text, len);
	free(text);
	return err;
}

static bool is_open_already(const struct config_file *file, const char *path)
{
	for (; file; file = file->outer)
		if (!strcmp(file->path, path))
			return true;
	return false;
}

static int out_of_memory(const struct config_file *file)
{
	snprintf(file->why, CONFIG_WHY_MAX, "Not enough memory to read \"%s\"",
		 file->path);
	return -ENOMEM;
}

int config_include(struct config *config, const struct config_file *outer,
		   const char *path)
{
	struct config_file file = {
		.outer = outer,
		.path = path,
		.depth = outer->depth + 1,
		.why = outer->why,
	};
	struct config *c;
	int err;

	if (is_open_already(outer, path) || file.depth > MAX_DEPTH) {
		snprintf(file.why, CONFIG_WHY_MAX,
			 "Circular inclusion of file '%s'", path);
		return -ELOOP;
	}
	c = config_new();
	if (!c)
		return out_of_memory(&file);
	c->limits = config->limits;
	c->apparmor = config->apparmor;
	err = parse_file(c, &file);
	if (!err && merge(config, c))
		err = out_of_memory(&file);
	config_free(c);
	return err;
}

/* ---- folders ---- */

static int is_conf(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len >= 5 && !strcmp(e->d_name + len - 5, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A bad file is left out, and the bus goes on without it. */
static int include_one(struct config *config, const struct config_file *outer,
		       const char *dir, const char *name)
{
	char *path;
	int err;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	err = config_include(config, outer, path);
	if (err && err != -ENOENT)
		log_warning("Encountered error '%s' while parsing '%s'",
			    outer->why, path);
	free(path);
	return err == -ENOMEM ? err : 0;
}

int config_include_dir(struct config *config, const struct config_file *outer,
		       const char *path)
{
	struct config_file file = { .path = path, .why = outer->why };
	struct dirent **list;
	int n = scandir(path, &list, is_conf, by_name), i, err = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : file_error(&file, -errno);
	for (i = 0; i < n; i++) {
		if (!err)
			err = include_one(config, outer, path, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	if (!err)
		err = config_strings_add(&config->confdirs, strdup(path));
	return err ? out_of_memory(&file) : 0;
}

/* ---- the whole ---- */

/* Takes @c. */
static int finish(struct config **ret, struct config *c, int err, char *why)
{
	if (!c) {
		snprintf(why, CONFIG_WHY_MAX, "Not enough memory");
		return -ENOMEM;
	}
	if (err) {
		config_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

int config_load(struct config **ret, const char *path,
		char why[CONFIG_WHY_MAX])
{
	struct config_file file = { .path = path, .why = why };
	struct config *c = config_new();
	int err = c ? parse_file(c, &file) : 0;

	return finish(ret, c, err, why);
}

int config_parse(struct config **ret, const char *name, const char *text,
		 size_t len, char why[CONFIG_WHY_MAX])
{
	struct config_file file = { .path = name, .alone = true, .why = why };
	struct config *c = config_new();
	int err = c ? config_parse_text(c, &file, text, len) : 0;

	return finish(ret, c, err, why);
}

/* ---- what files refer to ---- */

static bool is_number(const char *s, uint32_t *to)
{
	unsigned long n;
	char *end;

	if (!*s || strspn(s, "0123456789") != strlen(s))
		return false;
	errno = 0;
	n = strtoul(s, &end, 10);
	*to = (uint32_t)n;
	return !errno && n < UINT32_MAX;
}

bool config_find_user(const char *name, uint32_t *uid)
{
	struct passwd *pw;

	if (is_number(name, uid))
		return true;
	pw = getpwnam(name);
	if (pw)
		*uid = pw->pw_uid;
	return pw;
}

bool config_find_group(const char *name, uint32_t *gid)
{
	struct group *gr;

	if (is_number(name, gid))
		return true;
	gr = getgrnam(name);
	if (gr)
		*gid = gr->gr_gid;
	return gr;
}

/* As is_selinux_enabled() of libselinux has it, which may not be there to ask: a
 * kernel that has SELinux says little of a system that was not set up for it. */
bool config_selinux_enabled(void)
{
	struct statfs fs;

	return !statfs("/sys/fs/selinux", &fs) &&
	       (uint32_t)fs.f_type == SELINUX_MAGIC &&
	       !(fs.f_flags & ST_RDONLY) && !access(SELINUX_CONFIG, F_OK);
}

char *config_selinux_root(void)
{
	FILE *f = fopen(SELINUX_CONFIG, "re");
	char *root = NULL, *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) > 0) {
		line[strcspn(line, " \t\r\n")] = 0;
		if (strncmp(line, "SELINUXTYPE=", 12))
			continue;
		free(root);
		if (asprintf(&root, "/etc/selinux/%s", line + 12) < 0)
			root = NULL;
	}
	free(line);
	if (f)
		fclose(f);
	return root;
}
