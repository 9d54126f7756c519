/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the security modules; see lsm.h. */
#ifndef AFBUS_DAEMON_LSM_IMPL_H
#define AFBUS_DAEMON_LSM_IMPL_H

#include "daemon/lsm.h"

struct lsm_ops {
	const char *name;
	/* As lsm_open(). */
	int (*open)(struct lsm **ret, sd_event *event,
		    const struct config *file);
	void (*close)(struct lsm *lsm);
	int (*configure)(struct lsm *lsm, const struct config *file);
	bool (*asks)(struct lsm *lsm);		/* NULL: always */
	/* Completes a label that has its text. */
	int (*label)(struct lsm *lsm, struct lsm_label *label);
	int (*own)(struct lsm *lsm, const struct lsm_end *who,
		   const char *name);
	int (*send)(struct lsm *lsm, const struct lsm_message *m);
	int (*eavesdrop)(struct lsm *lsm, const struct lsm_end *who);
};

/* What a module's own struct begins with. */
struct lsm {
	const struct lsm_ops *ops;
	struct lsm_label self;
};

extern const struct lsm_ops lsm_selinux_ops, lsm_apparmor_ops;

/* "method_call" and so on, as both modules write it. */
const char *lsm_type_name(const struct dbus_header *h);
/* Whom a message is for, in words. */
struct dbus_str lsm_destination(const struct dbus_header *h);

/* ---- lsm_log.c ---- */

enum lsm_record {
	LSM_RECORD_AVC,			/* an access decision */
	LSM_RECORD_POLICY_LOAD,
	LSM_RECORD_STATUS,
	LSM_RECORD_OTHER,		/* not for the audit system */
};

/*
 * Opens the audit system's door, if that is ours to open. For a module that
 * mediates: a kernel without audit runs modprobe before it says so, which is
 * long for a bus that waits for its next daemon.
 */
void lsm_log_open(void);
void lsm_log_close(void);
/* To the audit system, or to the system log with @priority. */
void lsm_log(enum lsm_record record, int priority, const char *text);

#endif
