// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SELinux: class dbus, permissions acquire_svc and send_msg. libselinux keeps
 * a cache of decisions (avc_*), is told by the kernel when it is out of date,
 * and knows whether decisions are enforced.
 */
#include "daemon/lsm_impl.h"

#include <errno.h>
#include <selinux/avc.h>
#include <selinux/selinux.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "daemon/log.h"

/* Names are 255 bytes at most. */
#define AUX_MAX 2048

struct associate {
	char *name;
	security_id_t sid;
};

struct selinux {
	struct lsm lsm;
	sd_event_source *io;
	struct avc_entry_ref ref;
	struct associate *associates;
	size_t n_associates;
};

static struct selinux *to_selinux(struct lsm *lsm)
{
	return (struct selinux *)lsm;
}

/* ---- what libselinux asks of us ---- */

static int on_log(int type, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int on_log(int type, const char *format, ...)
{
	static const enum lsm_record records[] = {
		[SELINUX_ERROR] = LSM_RECORD_OTHER,
		[SELINUX_WARNING] = LSM_RECORD_OTHER,
		[SELINUX_INFO] = LSM_RECORD_OTHER,
		[SELINUX_AVC] = LSM_RECORD_AVC,
		[SELINUX_POLICYLOAD] = LSM_RECORD_POLICY_LOAD,
		[SELINUX_SETENFORCE] = LSM_RECORD_STATUS,
	};
	enum lsm_record record = LSM_RECORD_OTHER;
	char text[2 * AUX_MAX];
	va_list ap;

	if (type >= 0 && (size_t)type < sizeof(records) / sizeof(records[0]))
		record = records[type];
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	lsm_log(record, LOG_INFO, text);
	return 0;
}

/* What we gave avc_has_perm(). */
static int on_audit(void *aux, security_class_t class, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)aux);
	return 0;
}

/* The configuration may include files of the policy. */
static int on_policy_load(int seqno)
{
	return raise(SIGHUP);
}

static int on_netlink(sd_event_source *s, int fd, uint32_t revents, void *ctx)
{
	if (avc_netlink_check_nb() < 0)
		log_errno(-errno, "cannot read what SELinux tells");
	return 0;
}

/* ---- questions ---- */

static int unknown(const char *what, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "Unknown %s %s", what, name);
	lsm_log(LSM_RECORD_OTHER, LOG_INFO, text);
	return security_deny_unknown() ? -EACCES : 0;
}

static int ask(struct selinux *s, security_id_t from, security_id_t to,
	       const char *permission, char *aux)
{
	security_class_t class = string_to_security_class("dbus");
	access_vector_t wanted;

	if (!class)
		return unknown("class", "dbus");
	wanted = string_to_av_perm(class, permission);
	if (!wanted)
		return unknown("permission", permission);
	/* It knows of permissive mode. */
	return avc_has_perm(from, to, class, wanted, &s->ref, aux) < 0 ?
	       -EACCES : 0;
}

static bool selinux_asks(struct lsm *lsm)
{
	return string_to_security_class("dbus") || security_deny_unknown();
}

static security_id_t sid_of(struct selinux *s, const struct lsm_end *end)
{
	return end->label ? end->label->sid : s->lsm.self.sid;
}

struct aux {
	size_t len;
	char text[AUX_MAX];
};

static void add(struct aux *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct aux *a, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(a->text + a->len, sizeof(a->text) - a->len, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(a->text) - a->len)
		a->len += (size_t)n;
}

static void add_str(struct aux *a, const char *key, struct dbus_str s)
{
	if (s.len)
		add(a, " %s=%.*s", key, (int)s.len, s.s);
}

static void add_pid(struct aux *a, const char *key, pid_t pid)
{
	if (pid > 0)
		add(a, " %s=%d", key, (int)pid);
}

static security_id_t sid_of_name(const struct selinux *s, const char *name)
{
	size_t i;

	/* The latest counts, as in the reference's table. */
	for (i = s->n_associates; i; i--)
		if (!strcmp(s->associates[i - 1].name, name))
			return s->associates[i - 1].sid;
	return s->lsm.self.sid;
}

static int selinux_own(struct lsm *lsm, const struct lsm_end *who,
		       const char *name)
{
	struct selinux *s = to_selinux(lsm);
	struct aux a = { 0 };

	add(&a, "service=%s", name);
	add_pid(&a, "spid", who->pid);
	return ask(s, sid_of(s, who), sid_of_name(s, name), "acquire_svc",
		   a.text);
}

static int selinux_send(struct lsm *lsm, const struct lsm_message *m)
{
	struct selinux *s = to_selinux(lsm);
	struct aux a = { 0 };

	/* It is asked when there is a receiver. */
	if (m->starts)
		return 0;
	add(&a, "msgtype=%s", lsm_type_name(m->h));
	add_str(&a, "interface", m->h->interface);
	add_str(&a, "member", m->h->member);
	add_str(&a, "error_name", m->h->error_name);
	add_str(&a, "dest", lsm_destination(m->h));
	add_pid(&a, "spid", m->from.pid);
	add_pid(&a, "tpid", m->to.pid);
	return ask(s, sid_of(s, &m->from), sid_of(s, &m->to), "send_msg",
		   a.text);
}

static int selinux_label(struct lsm *lsm, struct lsm_label *label)
{
	security_id_t sid;

	if (avc_context_to_sid(label->text, &sid) < 0)
		return -errno;
	label->sid = sid;
	return 0;
}

/* ---- <associate> ---- */

static void forget_associates(struct selinux *s)
{
	while (s->n_associates)
		free(s->associates[--s->n_associates].name);
	free(s->associates);
	s->associates = NULL;
}

static int selinux_configure(struct lsm *lsm, const struct config *file)
{
	struct selinux old = *to_selinux(lsm), *s = to_selinux(lsm);
	const struct config_associate *from = file->associates;
	size_t i;

	s->n_associates = 0;
	s->associates = calloc(file->n_associates + 1, sizeof(*s->associates));
	if (!s->associates)
		goto keep_old;
	for (i = 0; i < file->n_associates; i++, s->n_associates++) {
		struct associate *to = &s->associates[i];

		to->name = strdup(from[i].name);
		if (!to->name || avc_context_to_sid(from[i].context,
						    &to->sid) < 0) {
			free(to->name);
			goto drop_new;
		}
	}
	forget_associates(&old);
	return 0;

drop_new:
	forget_associates(s);
keep_old:
	s->associates = old.associates;
	s->n_associates = old.n_associates;
	return -ENOMEM;
}

/* ---- begin and end ---- */

static void selinux_close(struct lsm *lsm)
{
	struct selinux *s = to_selinux(lsm);

	sd_event_source_disable_unref(s->io);
	forget_associates(s);
	avc_netlink_release_fd();
	avc_destroy();
	free(s);
}

static void set_callbacks(void)
{
	selinux_set_callback(SELINUX_CB_POLICYLOAD, (union selinux_callback){
		.func_policyload = on_policy_load });
	selinux_set_callback(SELINUX_CB_AUDIT, (union selinux_callback){
		.func_audit = on_audit });
	selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){
		.func_log = on_log });
}

static int take_own_label(struct selinux *s)
{
	char *context;
	int err;

	if (getcon(&context) < 0)
		return log_errno(-errno, "Error getting context of bus");
	err = lsm_label(&s->lsm, &s->lsm.self, context);
	freecon(context);
	return err ? log_errno(err, "Error getting SID from bus context") : 0;
}

static int start(struct selinux *s, sd_event *event)
{
	int fd = avc_netlink_acquire_fd(), err;

	if (fd < 0)
		return log_errno(-errno, "Cannot acquire AVC netlink fd");
	err = sd_event_add_io(event, &s->io, fd, EPOLLIN, on_netlink, s);
	if (err < 0)
		return log_errno(err, "cannot listen to SELinux");
	set_callbacks();
	return take_own_label(s);
}

static int selinux_open(struct lsm **ret, sd_event *event,
			const struct config *file)
{
	struct selinux *s;
	int err;

	err = is_selinux_enabled();
	if (err < 0)
		return log_errno(-errno, "Could not tell if SELinux is enabled");
	if (!err)
		return 0;
	lsm_log_open();
	s = calloc(1, sizeof(*s));
	if (!s)
		return log_errno(-ENOMEM, "cannot start");
	s->lsm.ops = &lsm_selinux_ops;
	avc_entry_ref_init(&s->ref);
	if (avc_open(NULL, 0) < 0) {
		err = log_errno(-errno, "Failed to start Access Vector Cache (AVC)");
		free(s);
		return err;
	}
	err = start(s, event);
	if (err) {
		lsm_label_done(&s->lsm.self);
		selinux_close(&s->lsm);
		return err;
	}
	*ret = &s->lsm;
	return 0;
}

const struct lsm_ops lsm_selinux_ops = {
	.name = "SELinux",
	.open = selinux_open,
	.close = selinux_close,
	.configure = selinux_configure,
	.asks = selinux_asks,
	.label = selinux_label,
	.own = selinux_own,
	.send = selinux_send,
};
