// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/switch_user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct ubuf *ubuf_new(size_t cap)
{
	struct ubuf *b = malloc(sizeof(*b) + cap);

	if (!b)
		return NULL;
	b->refs = 1;
	b->cap = cap;
	b->len = 0;
	return b;
}

struct ubuf *ubuf_ref(struct ubuf *b)
{
	b->refs++;
	return b;
}

struct ubuf *ubuf_unref(struct ubuf *b)
{
	if (b && !--b->refs)
		free(b);
	return NULL;
}

struct ubuf *ubuf_grow(struct ubuf *b, size_t cap)
{
	b = realloc(b, sizeof(*b) + cap);
	if (b)
		b->cap = cap;
	return b;
}

struct ufds *ufds_new(const int *fds, unsigned int n)
{
	struct ufds *f = malloc(sizeof(*f) + n * sizeof(*fds));

	if (!f)
		return NULL;
	f->refs = 1;
	f->n = n;
	memcpy(f->fd, fds, n * sizeof(*fds));
	return f;
}

struct ufds *ufds_dup(const int *fds, unsigned int n)
{
	struct ufds *f = malloc(sizeof(*f) + n * sizeof(*fds));

	if (!f)
		return NULL;
	f->refs = 1;
	for (f->n = 0; f->n < n; f->n++) {
		f->fd[f->n] = fcntl(fds[f->n], F_DUPFD_CLOEXEC, 3);
		if (f->fd[f->n] < 0)
			return ufds_unref(f);
	}
	return f;
}

struct ufds *ufds_ref(struct ufds *f)
{
	if (f)
		f->refs++;
	return f;
}

struct ufds *ufds_unref(struct ufds *f)
{
	if (!f || --f->refs)
		return NULL;
	while (f->n)
		close(f->fd[--f->n]);
	free(f);
	return NULL;
}

struct uuser *uuser_get(struct us *us, uid_t uid)
{
	struct uuser *u;

	LIST_FOREACH(u, &us->users, link) {
		if (u->uid == uid) {
			u->refs++;
			return u;
		}
	}
	u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	u->refs = 1;
	LIST_INSERT_HEAD(&us->users, u, link);
	return u;
}

struct uuser *uuser_put(struct uuser *u)
{
	if (!u || --u->refs)
		return NULL;
	LIST_REMOVE(u, link);
	free(u);
	return NULL;
}
