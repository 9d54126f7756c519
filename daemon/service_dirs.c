// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where service files are looked for. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/services.h"

/* Where Debian's packages put them. */
#define DATA_DIR "/usr/share"

int service_dirs_add(struct service_dirs *d, const char *path, bool strict)
{
	struct service_dir *v;
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!strcmp(d->v[i].path, path))
			return 0;
	v = realloc(d->v, (d->n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	d->v = v;
	v[d->n].path = strdup(path);
	v[d->n].strict = strict;
	if (!v[d->n].path)
		return -ENOMEM;
	d->n++;
	return 0;
}

static int add_below(struct service_dirs *d, const char *base, size_t len,
		     const char *below, bool strict)
{
	char *path;
	int err;

	if (!len)
		return 0;
	if (asprintf(&path, "%.*s/%s", (int)len, base, below) < 0)
		return -ENOMEM;
	err = service_dirs_add(d, path, strict);
	free(path);
	return err;
}

/* A list as $XDG_DATA_DIRS is one. */
static int add_all_below(struct service_dirs *d, const char *list,
			 const char *below)
{
	size_t len;
	int err = 0;

	for (; !err && *list; list += len + (list[len] == ':')) {
		len = strcspn(list, ":");
		err = add_below(d, list, len, below, false);
	}
	return err;
}

static const char *home(void)
{
	const char *dir = getenv("HOME");
	struct passwd *pw;

	if (dir && *dir)
		return dir;
	pw = getpwuid(getuid());
	return pw && pw->pw_dir ? pw->pw_dir : "/";
}

static int add_data_home(struct service_dirs *d)
{
	const char *dir = getenv("XDG_DATA_HOME");

	if (dir)
		return add_below(d, dir, strlen(dir), "dbus-1/services",
				 false);
	dir = home();
	return add_below(d, dir, strlen(dir), ".local/share/dbus-1/services",
			 false);
}

/* Made by programs for as long as the session lives. */
static int add_transient(struct service_dirs *d)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir ? add_below(d, dir, strlen(dir), "dbus-1/services", true) :
		     0;
}

int service_dirs_add_session(struct service_dirs *d)
{
	const char *list = getenv("XDG_DATA_DIRS");
	int err = add_transient(d);

	if (!err)
		err = add_data_home(d);
	if (!err)
		err = add_all_below(d, list ? list :
				    "/usr/local/share:/usr/share",
				    "dbus-1/services");
	return err ? err : service_dirs_add(d, DATA_DIR "/dbus-1/services",
					    false);
}

/* The environment has no say here. */
int service_dirs_add_system(struct service_dirs *d)
{
	return add_all_below(d, "/usr/local/share:/usr/share:" DATA_DIR
			     ":/lib", "dbus-1/system-services");
}

static bool is_own_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

static bool make_dir(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		log_errno(-errno, "cannot make the directory \"%s\"", path);
		return false;
	}
	return is_own_dir(path);
}

void service_dirs_make(const struct service_dirs *d)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	size_t i, len = base ? strlen(base) : 0;
	char *path;

	if (!len || !is_own_dir(base))
		return;
	for (i = 0; i < d->n; i++) {
		if (!d->v[i].strict || strncmp(d->v[i].path, base, len) ||
		    strcmp(d->v[i].path + len, "/dbus-1/services"))
			continue;
		if (asprintf(&path, "%s/dbus-1", base) < 0)
			return;
		if (make_dir(path))
			make_dir(d->v[i].path);
		free(path);
	}
}

int service_dirs_copy(struct service_dirs *to, const struct service_dirs *from)
{
	size_t i;
	int err;

	*to = (struct service_dirs){ 0 };
	for (i = 0; i < from->n; i++) {
		err = service_dirs_add(to, from->v[i].path, from->v[i].strict);
		if (err) {
			service_dirs_done(to);
			return err;
		}
	}
	return 0;
}

void service_dirs_done(struct service_dirs *d)
{
	while (d->n)
		free(d->v[--d->n].path);
	free(d->v);
	d->v = NULL;
}
