// SPDX-License-Identifier: LGPL-2.1-or-later
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"

int account_find(struct account *a, const char *user)
{
	struct passwd *pw = getpwnam(user);
	unsigned long uid;
	char *end;

	if (!pw) {
		uid = strtoul(user, &end, 10);
		if (*user >= '0' && *user <= '9' && !*end && uid < (uid_t)-1)
			pw = getpwuid((uid_t)uid);
	}
	if (!pw)
		return -ENOENT;
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	snprintf(a->name, sizeof(a->name), "%s", pw->pw_name);
	return 0;
}

void account_self(char *name, size_t size)
{
	struct passwd *pw = getpwuid(geteuid());

	snprintf(name, size, "%s", pw ? pw->pw_name : "");
}

#define AUDIT_WORD CAP_TO_INDEX(CAP_AUDIT_WRITE)
#define AUDIT_BIT CAP_TO_MASK(CAP_AUDIT_WRITE)

static struct __user_cap_header_struct cap_header = {
	.version = _LINUX_CAPABILITY_VERSION_3,
};

static bool may_audit(void)
{
	struct __user_cap_data_struct d[2];

	return !syscall(SYS_capget, &cap_header, d) &&
	       d[AUDIT_WORD].permitted & AUDIT_BIT;
}

static int keep_only(bool audit)
{
	struct __user_cap_data_struct d[2] = { 0 };

	if (audit)
		d[AUDIT_WORD].effective = d[AUDIT_WORD].permitted = AUDIT_BIT;
	return syscall(SYS_capset, &cap_header, d) < 0 ? -errno : 0;
}

int account_become(const struct account *a)
{
	bool audit;
	int err;

	if (geteuid())
		return 0;
	audit = may_audit();
	if (prctl(PR_SET_KEEPCAPS, audit) < 0)
		return log_errno(-errno, "cannot keep capabilities");
	if (initgroups(a->name, a->gid) < 0)
		return log_errno(-errno, "cannot take the groups of \"%s\"",
				 a->name);
	if (setresgid(a->gid, a->gid, a->gid) < 0)
		return log_errno(-errno, "cannot change to group %u",
				 (unsigned int)a->gid);
	if (setresuid(a->uid, a->uid, a->uid) < 0)
		return log_errno(-errno, "cannot change to user \"%s\"",
				 a->name);
	err = keep_only(audit);
	if (err)
		return log_errno(err, "cannot give up capabilities");
	prctl(PR_SET_KEEPCAPS, 0);
	return 0;
}
