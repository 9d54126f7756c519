// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cookies.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"

/* Seconds. One is offered while it is young; then it has to live as long as
 * whoever has got it may take to answer. */
#define YOUNG 300
#define LIFE 420
#define FUTURE 300		/* clocks are set */
#define LOCK_LIFE 10		/* then its owner has died */

#define MAX_COOKIES 256
#define SECRET_BYTES 24

struct cookie {
	uint32_t id;
	long long time;
	char secret[SASL_MAX_SECRET + 1];
};

/* What is in use while a file is gone through. */
struct jar {
	int dir;
	long long now;
	size_t n;
	struct cookie v[MAX_COOKIES];
};

/* Nobody else may look into it; ours, if it has to be made. */
static int open_dir(const char *home)
{
	struct stat st;
	char *path;
	int fd;

	if (asprintf(&path, "%s/.dbus-keyrings", home) < 0)
		return -ENOMEM;
	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		free(path);
		return -errno;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    st.st_mode & 077) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static bool is_hex(const char *s)
{
	return *s && strspn(s, "0123456789abcdefABCDEF") == strlen(s);
}

/* A line that cannot be understood is none. */
static void add_line(struct jar *j, const char *line)
{
	struct cookie *c = &j->v[j->n];
	unsigned int id;

	if (sscanf(line, "%u %lld %128s", &id, &c->time, c->secret) != 3 ||
	    id > INT32_MAX || !is_hex(c->secret))
		return;
	if (c->time < j->now - LIFE || c->time > j->now + FUTURE)
		return;
	c->id = id;
	j->n++;
}

static int read_jar(struct jar *j)
{
	int fd = openat(j->dir, SASL_COOKIE_CONTEXT,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	j->n = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	/* One more shall have room. */
	while (j->n < MAX_COOKIES - 1 && getline(&line, &size, f) > 0)
		add_line(j, line);
	free(line);
	fclose(f);
	return 0;
}

static const struct cookie *find_young(const struct jar *j)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (j->v[i].time > j->now - YOUNG)
			return &j->v[i];
	return NULL;
}

/* ---- writing ---- */

#define LOCK SASL_COOKIE_CONTEXT ".lock"

static int try_lock(struct jar *j)
{
	int fd = openat(j->dir, LOCK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int lock(struct jar *j)
{
	struct stat st;
	int err = try_lock(j);

	if (err != -EEXIST)
		return err;
	if (!fstatat(j->dir, LOCK, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_mtime > j->now - LOCK_LIFE && st.st_mtime <= j->now)
		return -EBUSY;
	unlinkat(j->dir, LOCK, 0);
	return try_lock(j);
}

static bool id_is_taken(const struct jar *j, uint32_t id)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (j->v[i].id == id)
			return true;
	return false;
}

static int add_new(struct jar *j)
{
	struct cookie *c = &j->v[j->n];
	uint8_t bytes[SECRET_BYTES];
	size_t i;

	do {
		if (getrandom(&c->id, sizeof(c->id), 0) != sizeof(c->id))
			return -errno;
		c->id &= INT32_MAX;
	} while (id_is_taken(j, c->id));
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (i = 0; i < sizeof(bytes); i++)
		sprintf(c->secret + 2 * i, "%02x", bytes[i]);
	c->time = j->now;
	j->n++;
	return 0;
}

static int write_jar(const struct jar *j)
{
	static const char temporary[] = SASL_COOKIE_CONTEXT ".new";
	int fd = openat(j->dir, temporary,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int err = 0;
	size_t i;

	if (fd < 0)
		return -errno;
	for (i = 0; !err && i < j->n; i++)
		if (dprintf(fd, "%u %lld %s\n", (unsigned int)j->v[i].id,
			    j->v[i].time, j->v[i].secret) < 0)
			err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && renameat(j->dir, temporary, j->dir,
			     SASL_COOKIE_CONTEXT) < 0)
		err = -errno;
	if (err)
		unlinkat(j->dir, temporary, 0);
	return err;
}

static int make_one(struct jar *j)
{
	int err = lock(j);

	if (err)
		return err;
	err = read_jar(j);
	if (!err && !find_young(j)) {
		err = add_new(j);
		if (!err)
			err = write_jar(j);
	}
	unlinkat(j->dir, LOCK, 0);
	return err;
}

int cookies_get(const char *home, struct sasl_cookie *c)
{
	struct jar *j = calloc(1, sizeof(*j));
	const struct cookie *young;
	int err;

	if (!j)
		return -ENOMEM;
	j->now = time(NULL);
	j->dir = open_dir(home);
	err = j->dir < 0 ? j->dir : read_jar(j);
	if (!err && !find_young(j))
		err = make_one(j);
	young = err ? NULL : find_young(j);
	if (young) {
		c->id = young->id;
		strcpy(c->secret, young->secret);
	}
	if (j->dir >= 0)
		close(j->dir);
	explicit_bzero(j, sizeof(*j));
	free(j);
	return err ? err : young ? 0 : -ENOENT;
}

int cookies_of_self(struct sasl_cookie *c)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *home = getenv("HOME");
	int err;

	if (pw)
		home = pw->pw_dir;
	err = home ? cookies_get(home, c) : -ENOENT;
	return err ? log_errno(err, "there is no cookie for DBUS_COOKIE_SHA1") :
		     0;
}
