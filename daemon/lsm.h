/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's security module says about the bus, beside the policy of
 * the configuration: SELinux (class dbus of its policy) or AppArmor (dbus
 * rules of its profiles). The kernel has at most one that gives sockets
 * labels, so there is at most one here.
 *
 *	lsm.c			which one
 *	lsm_selinux.c		with libselinux
 *	lsm_apparmor.c		with libapparmor
 *	lsm_log.c		where access decisions are written
 *
 * Questions and words are dbus-daemon's. Every question writes what the module
 * wants to have written, so it is asked once for each receiver of a message;
 * again if the message had to wait for room.
 */
#ifndef AFBUS_DAEMON_LSM_H
#define AFBUS_DAEMON_LSM_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "core/dbus_header.h"
#include "daemon/config.h"

struct lsm;

/* Of a connection, as it was made. All zero is none. */
struct lsm_label {
	char *text;		/* owned */
	const char *mode;	/* within the same memory; NULL: there is none */
	void *sid;		/* SELinux's, for the life of the daemon */
};

struct lsm_end {
	const struct lsm_label *label;	/* NULL: the bus itself */
	const char *name;		/* unique; NULL: it has none yet */
	pid_t pid;			/* 0: unknown */
};

struct lsm_message {
	struct lsm_end from, to;
	const struct dbus_header *h;
	bool requested;		/* a reply that was waited for */
	bool starts;		/* there is no receiver: it is to be started */
	const char *assumed;	/* the label it will have, or NULL */
};

/*
 * Which module mediates, with @file's leave; *@ret is NULL if none does.
 * @file is looked at only now. Returns 0, or -errno after it has said why: then
 * the bus must not start.
 */
int lsm_open(struct lsm **ret, sd_event *event, const struct config *file);
struct lsm *lsm_close(struct lsm *lsm);		/* NULL is fine */

/* "SELinux" or "AppArmor"; NULL if @lsm is. */
const char *lsm_name(const struct lsm *lsm);
/* It has something to say: without a class dbus in its policy SELinux has not.
 * The switch in the kernel does not ask it. */
bool lsm_asks(struct lsm *lsm);
/* Of the bus itself. */
const struct lsm_label *lsm_self(const struct lsm *lsm);

/* What changes with a configuration: <associate>. 0 or -ENOMEM. */
int lsm_configure(struct lsm *lsm, const struct config *file);

/* Of a connection with the security label @text of the kernel, NULL if that
 * has none: -ENOPROTOOPT then. */
int lsm_label(struct lsm *lsm, struct lsm_label *label, const char *text);
void lsm_label_done(struct lsm_label *label);

/*
 * May it own @name, send the message, see everything? Returns 0 (always when
 * @lsm is NULL), -EACCES, or another -errno: it could not be asked, which
 * means no.
 */
int lsm_own(struct lsm *lsm, const struct lsm_end *who, const char *name);
int lsm_send(struct lsm *lsm, const struct lsm_message *m);
int lsm_eavesdrop(struct lsm *lsm, const struct lsm_end *who);

#endif
