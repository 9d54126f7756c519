// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Access decisions are written where dbus-daemon writes them, since people and
 * programs look there: by a process that may (the system bus, which keeps
 * CAP_AUDIT_WRITE) to the audit system, otherwise to the system log.
 */
#include "daemon/lsm_impl.h"

#include <syslog.h>

#ifdef HAVE_AUDIT
#include <errno.h>
#include <libaudit.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"

static int audit_fd = -1;

static bool may_audit(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2];

	return !syscall(SYS_capget, &h, d) &&
	       d[CAP_TO_INDEX(CAP_AUDIT_WRITE)].effective &
	       CAP_TO_MASK(CAP_AUDIT_WRITE);
}

void lsm_log_open(void)
{
	if (audit_fd >= 0 || !may_audit())
		return;
	audit_fd = audit_open();
	/* A kernel without it is no failure. */
	if (audit_fd < 0 && errno != EINVAL && errno != EPROTONOSUPPORT &&
	    errno != EAFNOSUPPORT)
		log_errno(-errno, "cannot reach the audit system");
}

void lsm_log_close(void)
{
	if (audit_fd >= 0)
		audit_close(audit_fd);
	audit_fd = -1;
}

static bool audit(enum lsm_record record, const char *text)
{
	static const int types[] = {
		[LSM_RECORD_AVC] = AUDIT_USER_AVC,
		[LSM_RECORD_POLICY_LOAD] = AUDIT_USER_MAC_POLICY_LOAD,
		[LSM_RECORD_STATUS] = AUDIT_USER_MAC_STATUS,
		[LSM_RECORD_OTHER] = 0,
	};

	if (audit_fd < 0 || !types[record])
		return false;
	return audit_log_user_avc_message(audit_fd, types[record], text, NULL,
					  NULL, NULL, getuid()) > 0;
}
#else
void lsm_log_open(void)
{
}

void lsm_log_close(void)
{
}

static bool audit(enum lsm_record record, const char *text)
{
	return false;
}
#endif

void lsm_log(enum lsm_record record, int priority, const char *text)
{
	if (!audit(record, text))
		syslog(LOG_USER | priority, "%s", text);
}
