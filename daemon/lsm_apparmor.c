// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * AppArmor: dbus rules of the profiles of both ends. The kernel does not
 * mediate D-Bus itself but answers for its policy (aa_query_label(3)).
 */
#include "daemon/lsm_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/apparmor.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/log.h"

struct apparmor {
	struct lsm lsm;
	char *bus;		/* <type>, or NULL */
};

static struct apparmor *to_apparmor(struct lsm *lsm)
{
	return (struct apparmor *)lsm;
}

/* ---- asking the kernel ---- */

static bool is_unconfined(const char *label, const char *mode)
{
	return !strcmp(mode ? mode : label, "unconfined");
}

static bool is_complain(const char *mode)
{
	return mode && !strcmp(mode, "complain");
}

/* A query is strings, each behind a NUL but the first. */
struct query {
	FILE *f;
	char *buf;
	size_t size;
};

static int query_begin(struct query *q, const struct apparmor *a,
		       const char *label)
{
	static const char head[AA_QUERY_CMD_LABEL_SIZE];

	q->f = open_memstream(&q->buf, &q->size);
	if (!q->f)
		return -ENOMEM;
	/* The library writes its command there. */
	fwrite(head, 1, sizeof(head), q->f);
	fwrite(label, 1, strlen(label) + 1, q->f);
	fputc(AA_CLASS_DBUS, q->f);
	fputs(a->bus ? a->bus : "", q->f);
	return 0;
}

static void query_add(struct query *q, struct dbus_str s)
{
	fputc(0, q->f);
	fwrite(s.s ? s.s : "", 1, s.s ? s.len : 0, q->f);
}

static int query_end(struct query *q, uint32_t permission, int *allowed,
		     int *audited)
{
	int err = fclose(q->f) ? -ENOMEM : 0;

	if (!err && aa_query_label(permission, q->buf, q->size, allowed,
				   audited) < 0)
		err = -errno;
	free(q->buf);
	return err;
}

/* ---- what is written of it ---- */

struct decision {
	int allowed, audited;
	int err;		/* it could not be asked */
};

struct line {
	FILE *f;
	char *text;
	size_t size;
};

static bool line_begin(struct line *l, const struct apparmor *a)
{
	l->f = open_memstream(&l->text, &l->size);
	if (l->f)
		fprintf(l->f, " bus=\"%s\"", a->bus ? a->bus : "unknown");
	return l->f;
}

static void add(struct line *l, const char *key, const char *value)
{
	if (value)
		fprintf(l->f, " %s=\"%s\"", key, value);
}

static void add_str(struct line *l, const char *key, struct dbus_str s)
{
	if (s.len)
		fprintf(l->f, " %s=\"%.*s\"", key, (int)s.len, s.s);
}

static void add_pid(struct line *l, const char *key, pid_t pid)
{
	if (pid > 0)
		fprintf(l->f, " %s=%d", key, (int)pid);
}

static void add_err(struct line *l, const char *key, int err)
{
	if (err)
		add(l, key, strerror(-err));
}

static void line_end(struct line *l, bool allowed, const char *operation)
{
	char *whole;

	if (!fclose(l->f) &&
	    asprintf(&whole, "apparmor=\"%s\" operation=\"dbus_%s\" %s\n",
		     allowed ? "ALLOWED" : "DENIED", operation,
		     l->text) >= 0) {
		lsm_log(LSM_RECORD_AVC, LOG_NOTICE, whole);
		free(whole);
	}
	free(l->text);
}

/* ---- one end: names, eavesdropping ---- */

static int decide(struct decision *d, struct query *q, uint32_t permission,
		  const char *mode)
{
	d->audited = true;
	d->err = query_end(q, permission, &d->allowed, &d->audited);
	if (d->err)
		d->allowed = false;
	else if (is_complain(mode))
		d->allowed = true;
	return d->allowed ? 0 : d->err ? d->err : -EACCES;
}

static int apparmor_own(struct lsm *lsm, const struct lsm_end *who,
			const char *name)
{
	struct apparmor *a = to_apparmor(lsm);
	const struct lsm_label *label = who->label;
	struct decision d = { 0 };
	struct query q;
	struct line l;
	int result;

	if (is_unconfined(label->text, label->mode))
		return 0;
	if (query_begin(&q, a, label->text))
		return -ENOMEM;
	query_add(&q, (struct dbus_str){ name, (u32)strlen(name) });
	result = decide(&d, &q, AA_DBUS_BIND, label->mode);
	if (d.audited && line_begin(&l, a)) {
		add(&l, "name", name);
		add_err(&l, "info", d.err);
		add(&l, "mask", "bind");
		add_pid(&l, "pid", who->pid);
		add(&l, "label", label->text);
		line_end(&l, d.allowed, "bind");
	}
	return result;
}

static int apparmor_eavesdrop(struct lsm *lsm, const struct lsm_end *who)
{
	struct apparmor *a = to_apparmor(lsm);
	const struct lsm_label *label = who->label;
	struct decision d = { 0 };
	struct query q;
	struct line l;
	int result;

	if (is_unconfined(label->text, label->mode))
		return 0;
	if (query_begin(&q, a, label->text))
		return -ENOMEM;
	result = decide(&d, &q, AA_DBUS_EAVESDROP, label->mode);
	if (d.audited && line_begin(&l, a)) {
		add_err(&l, "info", d.err);
		add(&l, "mask", "eavesdrop");
		add_pid(&l, "pid", who->pid);
		add(&l, "label", label->text);
		line_end(&l, d.allowed, "eavesdrop");
	}
	return result;
}

/* ---- two ends: messages ---- */

/* An end of a message: what its profile is asked, and what was said. */
struct side {
	const char *label;	/* NULL: not known */
	const char *mode;
	pid_t pid;
	struct dbus_str other;	/* the name of who is at the other end */
	struct decision d;
};

static int ask_side(struct apparmor *a, struct side *s, const struct side *to,
		    uint32_t permission, const struct dbus_header *h)
{
	struct query q;

	if (query_begin(&q, a, s->label)) {
		s->d.err = -ENOMEM;
		return -ENOMEM;
	}
	query_add(&q, s->other);
	query_add(&q, (struct dbus_str){
		to->label, to->label ? (u32)strlen(to->label) : 0 });
	query_add(&q, h->path);
	query_add(&q, h->interface);
	query_add(&q, h->member);
	return decide(&s->d, &q, permission, s->mode);
}

static void tell_side(struct apparmor *a, const struct side *s,
		      const struct side *to, uint32_t permission,
		      const struct dbus_header *h)
{
	struct line l;

	if (!s->d.audited || !line_begin(&l, a))
		return;
	add_str(&l, "path", h->path);
	add_str(&l, "interface", h->interface);
	add_str(&l, "member", h->member);
	add_str(&l, "error_name", h->error_name);
	/* The order is the reference's. */
	if (permission == AA_DBUS_SEND)
		add(&l, "mask", "send");
	add_str(&l, "name", s->other);
	if (permission == AA_DBUS_RECEIVE)
		add(&l, "mask", "receive");
	add_pid(&l, "pid", s->pid);
	add(&l, "label", s->label);
	add_pid(&l, "peer_pid", to->pid);
	add(&l, "peer_label", to->label);
	add_err(&l, "info", s->d.err);
	add_err(&l, "peer_info", to->d.err);
	line_end(&l, s->d.allowed, lsm_type_name(h));
}

static struct side side_of(const struct apparmor *a, const struct lsm_end *end)
{
	const struct lsm_label *l = end->label ? end->label : &a->lsm.self;

	return (struct side){
		.label = l->text, .mode = l->mode, .pid = end->pid,
		/* Who is not asked allows it and has nothing to tell. */
		.d.allowed = true,
	};
}

/* There is no reply in AppArmor's language: none is worth a line. */
static bool is_reply(const struct dbus_header *h)
{
	return h->f.type == DBUS_TYPE_RETURN || h->f.type == DBUS_TYPE_ERROR;
}

static struct dbus_str name_of(const struct lsm_end *end)
{
	const char *name = end->name ? end->name : DBUS_DRIVER_NAME;

	return (struct dbus_str){ name, (u32)strlen(name) };
}

static int apparmor_send(struct lsm *lsm, const struct lsm_message *m)
{
	struct apparmor *a = to_apparmor(lsm);
	struct side from = side_of(a, &m->from), to = side_of(a, &m->to);
	int err = 0;

	/* Who could ask may be answered. */
	if (m->requested)
		return 0;
	if (m->starts) {
		to.label = m->assumed;
		to.mode = NULL;
	}
	from.other = lsm_destination(m->h);
	to.other = name_of(&m->from);
	if (!is_unconfined(from.label, from.mode))
		err = ask_side(a, &from, &to, AA_DBUS_SEND, m->h);
	/* Whether a service that is to be started may receive it is asked
	 * when it is there. */
	if (!from.d.err && !m->starts && !is_unconfined(to.label, to.mode)) {
		int denied = ask_side(a, &to, &from, AA_DBUS_RECEIVE, m->h);

		if (!err || to.d.err)
			err = denied;
	}
	if (!is_reply(m->h) || from.d.err || to.d.err) {
		tell_side(a, &from, &to, AA_DBUS_SEND, m->h);
		tell_side(a, &to, &from, AA_DBUS_RECEIVE, m->h);
	}
	return err;
}

/* ---- begin and end ---- */

/* "LABEL (MODE)", or only "LABEL". */
static int apparmor_label(struct lsm *lsm, struct lsm_label *label)
{
	char *mode = NULL;

	if (!aa_splitcon(label->text, &mode))
		return -EINVAL;
	label->mode = mode;
	return 0;
}

/*
 * Opening it is what counts: in a container it may be there, but forbidden,
 * and then there is no mediation for us.
 */
static bool kernel_has_dbus_rules(void)
{
	char *mount = NULL, *path = NULL;
	int fd = -1;

	if (!aa_find_mountpoint(&mount) &&
	    asprintf(&path, "%s/features/dbus/mask", mount) >= 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		free(path);
	}
	free(mount);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void apparmor_close(struct lsm *lsm)
{
	struct apparmor *a = to_apparmor(lsm);

	free(a->bus);
	free(a);
}

static int take_own_label(struct apparmor *a)
{
	struct lsm_label *self = &a->lsm.self;
	char *mode;

	if (aa_getcon(&self->text, &mode) < 0)
		return log_errno(-errno, "Error getting AppArmor context of bus");
	self->mode = mode;
	return 0;
}

static int apparmor_open(struct lsm **ret, sd_event *event,
			 const struct config *file)
{
	struct apparmor *a;
	int err;

	if (file->apparmor == CONFIG_APPARMOR_DISABLED || !aa_is_enabled() ||
	    !kernel_has_dbus_rules())
		return 0;
	lsm_log_open();
	a = calloc(1, sizeof(*a));
	if (!a)
		return log_errno(-ENOMEM, "cannot start");
	a->bus = file->type ? strdup(file->type) : NULL;
	err = file->type && !a->bus ? log_errno(-ENOMEM, "cannot start") :
				      take_own_label(a);
	if (err) {
		apparmor_close(&a->lsm);
		return err;
	}
	*ret = &a->lsm;
	return 0;
}

const struct lsm_ops lsm_apparmor_ops = {
	.name = "AppArmor",
	.open = apparmor_open,
	.close = apparmor_close,
	.label = apparmor_label,
	.own = apparmor_own,
	.send = apparmor_send,
	.eavesdrop = apparmor_eavesdrop,
};
