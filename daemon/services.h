/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The services that can be started: what the .service files in a list of
 * directories say. The first directory that has a service counts; within one,
 * the file named after its service, then the first by name.
 *
 * Directories are watched; besides, a look-up sees what has been changed
 * before it, so who installs a file and calls its service at once succeeds.
 * Directories that do not exist yet are looked for then.
 */
#ifndef AFBUS_DAEMON_SERVICES_H
#define AFBUS_DAEMON_SERVICES_H

#include <systemd/sd-event.h>

#include "daemon/hmap.h"
#include "daemon/service_file.h"

struct service_dir {
	char *path;
	bool strict;	/* a file has to be named after its service */
};

/* All zero is an empty one. */
struct service_dirs {
	struct service_dir *v;
	size_t n;
};

/* @path is copied; one that is there already is not added again. All return 0
 * or -ENOMEM. */
int service_dirs_add(struct service_dirs *d, const char *path, bool strict);
/* dbus-1/services below $XDG_RUNTIME_DIR, $XDG_DATA_HOME, $XDG_DATA_DIRS and
 * the system's data directory: <standard_session_servicedirs/>. */
int service_dirs_add_session(struct service_dirs *d);
/* dbus-1/system-services of the system: <standard_system_servicedirs/>. */
int service_dirs_add_system(struct service_dirs *d);
int service_dirs_copy(struct service_dirs *to, const struct service_dirs *from);
void service_dirs_done(struct service_dirs *d);
/* The one below $XDG_RUNTIME_DIR is the bus's to make. */
void service_dirs_make(const struct service_dirs *d);

struct service {
	struct hnode node;	/* in the table, by name */
	struct service_file file;
	size_t name_len;
	size_t dir;		/* index of its directory */
	bool canonical;		/* the file is named after the service */
	char *path;
	uint64_t ino, size;
	struct timespec mtime;
};

struct services {
	sd_event *event;
	void (*changed)(void *ctx);
	void *ctx;
	struct service_dirs dirs;
	struct watched {
		int wd;			/* -1: not watched */
		uint64_t dev, ino;	/* as last read; 0: not there */
		struct timespec mtime;
	} *watched;			/* dirs.n of them */
	bool warn_names;
	bool dirty;
	struct hmap table;		/* struct service */
	int inotify;			/* or -1 */
	sd_event_source *io;
	sd_event_source *timer;
};

/* @changed is called after files have changed and been read again. Returns 0
 * or -errno. */
int services_init(struct services *s, sd_event *event,
		  void (*changed)(void *ctx), void *ctx);
void services_done(struct services *s);

/* Reads @dirs, which are copied. @warn_names: files with other names than
 * their services will not work, so it is worth a warning. On -ENOMEM nothing
 * has changed; directories and files that cannot be read are left out. */
int services_set_dirs(struct services *s, const struct service_dirs *dirs,
		      bool warn_names);

/* Valid until the next call of any of these, or NULL. */
const struct service *services_find(struct services *s, const char *name,
				    size_t len);
/* Sees to it that s->table is up to date, for walking through it. */
void services_refresh(struct services *s);

#endif
