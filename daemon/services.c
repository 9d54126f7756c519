// SPDX-License-Identifier: LGPL-2.1-or-later
#include "services.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

/* Files come in packs; read them when the pack is complete. */
#define SETTLE_USEC 100000
#define SUFFIX ".service"

static void service_free(struct service *svc)
{
	if (!svc)
		return;
	service_file_done(&svc->file);
	free(svc->path);
	free(svc);
}

static void table_clear(struct hmap *table)
{
	struct hnode *node, *next;
	size_t i;

	for (i = 0; i < table->n_slots; i++) {
		for (node = table->slots[i]; node; node = next) {
			next = node->next;
			service_free(container_of(node, struct service, node));
		}
	}
	hmap_clear(table);
	*table = (struct hmap){ 0 };
}

static struct service *table_find(const struct hmap *table, const char *name,
				  size_t len)
{
	struct hnode *node;

	hmap_for_hash(node, table, hash_bytes(name, len)) {
		struct service *svc = container_of(node, struct service, node);

		if (svc->name_len == len && !memcmp(svc->file.name, name, len))
			return svc;
	}
	return NULL;
}

/* ---- one file ---- */

/* As much of it as a service file may have, and a byte more. */
static ssize_t read_file(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int parse_file(struct service *svc, int fd)
{
	char *buf = malloc(SERVICE_FILE_MAX + 1);
	const char *why;
	unsigned int line;
	ssize_t len;
	int err;

	if (!buf)
		return -ENOMEM;
	len = read_file(fd, buf, SERVICE_FILE_MAX + 1);
	if (len < 0) {
		err = (int)len;
		log_errno(err, "cannot read \"%s\"", svc->path);
	} else {
		err = service_file_parse(&svc->file, buf, (size_t)len, &why,
					 &line);
		if (err == -EINVAL && line)
			log_warning("%s:%u: %s: the service is not loaded",
				    svc->path, line, why);
		else if (err == -EINVAL)
			log_warning("%s: %s: the service is not loaded",
				    svc->path, why);
	}
	free(buf);
	return err;
}

static void remember(struct service *svc, const struct stat *st)
{
	svc->ino = st->st_ino;
	svc->size = (uint64_t)st->st_size;
	svc->mtime = st->st_mtim;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(const struct service *svc)
{
	struct stat st;

	return !stat(svc->path, &st) && st.st_ino == svc->ino &&
	       (uint64_t)st.st_size == svc->size &&
	       same_time(st.st_mtim, svc->mtime);
}

/* Whatever else is there might make us wait: a fifo, a device. */
static int open_file(struct service *svc)
{
	int fd = open(svc->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	remember(svc, &st);
	return fd;
}

static bool is_named_after(const char *file, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(file, name, len) && !strcmp(file + len, SUFFIX);
}

/* NULL with *@err 0: there is nothing to be had from this file. */
static struct service *service_read(const char *dir, const char *file,
				    int *err)
{
	struct service *svc = calloc(1, sizeof(*svc));
	int fd;

	*err = -ENOMEM;
	if (!svc)
		return NULL;
	if (asprintf(&svc->path, "%s/%s", dir, file) < 0) {
		svc->path = NULL;
		goto fail;
	}
	fd = open_file(svc);
	*err = fd < 0 ? fd : parse_file(svc, fd);
	if (fd >= 0)
		close(fd);
	if (*err)
		goto fail;
	svc->name_len = strlen(svc->file.name);
	svc->canonical = is_named_after(file, svc->file.name);
	return svc;

fail:
	service_free(svc);
	if (*err != -ENOMEM)
		*err = 0;
	return NULL;
}

/* ---- reading everything ---- */

struct reading {
	struct services *s;
	const struct service_dirs *dirs;
	struct watched *watched;
	struct hmap table;
	bool warn_names;
};

static bool name_ok(struct reading *r, const struct service *svc)
{
	if (svc->canonical)
		return true;
	if (r->dirs->v[svc->dir].strict) {
		log_warning("Service file \"%s\" should have been named \"%s"
			    SUFFIX "\": not loading it", svc->path,
			    svc->file.name);
		return false;
	}
	if (r->warn_names)
		log_warning("Service file \"%s\" should have been named \"%s"
			    SUFFIX
			    "\" and will not work with system bus activation",
			    svc->path, svc->file.name);
	return true;
}

static bool is_better(const struct service *a, const struct service *b)
{
	return a->dir == b->dir && a->canonical && !b->canonical;
}

static int add(struct reading *r, struct service *svc)
{
	struct service *old = table_find(&r->table, svc->file.name,
					 svc->name_len);

	if (!name_ok(r, svc) || (old && !is_better(svc, old))) {
		service_free(svc);
		return 0;
	}
	if (old) {
		hmap_del(&r->table, &old->node);
		service_free(old);
	}
	if (hmap_put(&r->table, &svc->node,
		     hash_bytes(svc->file.name, svc->name_len)) < 0) {
		service_free(svc);
		return -ENOMEM;
	}
	return 0;
}

static int is_service_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > strlen(SUFFIX) &&
	       !strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX);
}

static void watch(struct reading *r, size_t i)
{
	const char *path = r->dirs->v[i].path;
	struct watched *w = &r->watched[i];
	struct stat st;

	*w = (struct watched){ .wd = -1 };
	if (r->s->inotify >= 0)
		w->wd = inotify_add_watch(r->s->inotify, path, IN_ONLYDIR |
					  IN_CLOSE_WRITE | IN_CREATE |
					  IN_MOVED_TO | IN_MOVED_FROM |
					  IN_DELETE | IN_DELETE_SELF |
					  IN_MOVE_SELF);
	if (!stat(path, &st)) {
		w->dev = st.st_dev;
		w->ino = st.st_ino;
		w->mtime = st.st_mtim;
	}
}

/* Watched before it is read: no change can be missed. */
static int read_dir(struct reading *r, size_t i)
{
	const char *path = r->dirs->v[i].path;
	struct service *svc;
	struct dirent **list;
	int n, k, err = 0;

	watch(r, i);
	n = scandir(path, &list, is_service_file, alphasort);
	if (n < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (k = 0; k < n; k++) {
		svc = err ? NULL : service_read(path, list[k]->d_name, &err);
		if (svc) {
			svc->dir = i;
			err = add(r, svc);
		}
		free(list[k]);
	}
	free(list);
	return err;
}

/* Watches of directories that are not read any more. */
static void unwatch(struct services *s, const struct watched *old, size_t n,
		    const struct reading *r)
{
	size_t i, k;

	for (i = 0; old && i < n; i++) {
		for (k = 0; k < r->dirs->n; k++)
			if (r->watched[k].wd == old[i].wd)
				break;
		if (old[i].wd >= 0 && k == r->dirs->n)
			inotify_rm_watch(s->inotify, old[i].wd);
	}
}

static int read_all(struct reading *r)
{
	size_t i;
	int err = 0;

	r->watched = calloc(r->dirs->n + 1, sizeof(*r->watched));
	if (!r->watched)
		return -ENOMEM;
	for (i = 0; !err && i < r->dirs->n; i++)
		err = read_dir(r, i);
	if (err) {
		table_clear(&r->table);
		free(r->watched);
	}
	return err;
}

static void take(struct services *s, struct reading *r)
{
	unwatch(s, s->watched, s->dirs.n, r);
	table_clear(&s->table);
	free(s->watched);
	s->table = r->table;
	s->watched = r->watched;
	s->warn_names = r->warn_names;
	s->dirty = false;
	if (s->timer)
		sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
}

static void read_again(struct services *s)
{
	struct reading r = {
		.s = s, .dirs = &s->dirs, .warn_names = s->warn_names,
	};

	if (read_all(&r)) {
		log_error("no memory to read service files");
		return;
	}
	take(s, &r);
	s->changed(s->ctx);
}

int services_set_dirs(struct services *s, const struct service_dirs *dirs,
		      bool warn_names)
{
	struct service_dirs copy;
	struct reading r = {
		.s = s, .dirs = &copy, .warn_names = warn_names,
	};
	int err = service_dirs_copy(&copy, dirs);

	if (err)
		return err;
	service_dirs_make(dirs);
	err = read_all(&r);
	if (err) {
		service_dirs_done(&copy);
		return err;
	}
	take(s, &r);
	service_dirs_done(&s->dirs);
	s->dirs = copy;
	return 0;
}

/* ---- changes ---- */

/* What was changed is not looked at: everything is read again. */
static void drain(struct services *s)
{
	char buf[4096] __attribute__((aligned(8)));

	while (s->inotify >= 0 && read(s->inotify, buf, sizeof(buf)) > 0)
		s->dirty = true;
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events,
		      void *ctx)
{
	struct services *s = ctx;

	drain(s);
	if (s->dirty) {
		sd_event_source_set_time_relative(s->timer, SETTLE_USEC);
		sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
	}
	return 0;
}

static int on_settled(sd_event_source *source, uint64_t usec, void *ctx)
{
	struct services *s = ctx;

	if (s->dirty)
		read_again(s);
	return 0;
}

/* One that is not watched: it may have come into being since. */
static bool dir_has_changed(const struct services *s, size_t i)
{
	const struct watched *w = &s->watched[i];
	struct stat st;

	if (w->wd >= 0)
		return false;
	if (stat(s->dirs.v[i].path, &st))
		return w->ino;
	return st.st_ino != w->ino || st.st_dev != w->dev ||
	       !same_time(st.st_mtim, w->mtime);
}

void services_refresh(struct services *s)
{
	size_t i;

	drain(s);
	for (i = 0; !s->dirty && i < s->dirs.n; i++)
		s->dirty = dir_has_changed(s, i);
	if (s->dirty)
		read_again(s);
}

const struct service *services_find(struct services *s, const char *name,
				    size_t len)
{
	struct service *svc;

	services_refresh(s);
	svc = table_find(&s->table, name, len);
	/* What is behind a link is not watched. */
	if (svc && !is_unchanged(svc)) {
		read_again(s);
		svc = table_find(&s->table, name, len);
	}
	return svc;
}

int services_init(struct services *s, sd_event *event,
		  void (*changed)(void *ctx), void *ctx)
{
	int err;

	*s = (struct services){
		.event = sd_event_ref(event),
		.changed = changed,
		.ctx = ctx,
	};
	/* Without it there are still the look-ups. */
	s->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->inotify < 0) {
		log_errno(-errno, "cannot watch service directories");
		return 0;
	}
	err = sd_event_add_io(event, &s->io, s->inotify, EPOLLIN, on_inotify,
			      s);
	if (err >= 0)
		err = sd_event_add_time_relative(event, &s->timer,
						 CLOCK_MONOTONIC, 0, 0,
						 on_settled, s);
	if (err >= 0)
		err = sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	if (err < 0)
		services_done(s);
	return err < 0 ? err : 0;
}

void services_done(struct services *s)
{
	table_clear(&s->table);
	service_dirs_done(&s->dirs);
	free(s->watched);
	s->watched = NULL;
	s->io = sd_event_source_disable_unref(s->io);
	s->timer = sd_event_source_disable_unref(s->timer);
	if (s->event && s->inotify >= 0)
		close(s->inotify);
	s->inotify = -1;
	s->event = sd_event_unref(s->event);
}
