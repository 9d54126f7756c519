// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lsm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/lsm_impl.h"

static const struct lsm_ops * const modules[] = {
#ifdef HAVE_SELINUX
	&lsm_selinux_ops,
#endif
#ifdef HAVE_APPARMOR
	&lsm_apparmor_ops,
#endif
	NULL,
};

/* What is missing may be missed. */
static int check_missing(const struct lsm *lsm, const struct config *file)
{
#ifndef HAVE_SELINUX
	if (config_selinux_enabled())
		log_warning("this bus was built without libselinux, so it does not ask SELinux about messages and names");
#endif
	if (file->apparmor != CONFIG_APPARMOR_REQUIRED ||
	    (lsm && !strcmp(lsm->ops->name, "AppArmor")))
		return 0;
#ifdef HAVE_APPARMOR
	log_error("Failed to start message bus: AppArmor mediation required but not present");
#else
	log_error("Failed to start message bus: AppArmor mediation is required, but this bus was built without libapparmor");
#endif
	return -EOPNOTSUPP;
}

int lsm_open(struct lsm **ret, sd_event *event, const struct config *file)
{
	const struct lsm_ops * const *m;
	struct lsm *lsm = NULL;
	int err = 0;

	for (m = modules; *m && !lsm && !err; m++) {
		err = (*m)->open(&lsm, event, file);
		if (lsm)
			lsm->ops = *m;
	}
	if (!err)
		err = check_missing(lsm, file);
	if (!err)
		err = lsm_configure(lsm, file);
	if (err) {
		lsm_close(lsm);
		return err;
	}
	if (lsm)
		log_info("%s mediates this bus", lsm->ops->name);
	*ret = lsm;
	return 0;
}

struct lsm *lsm_close(struct lsm *lsm)
{
	lsm_log_close();
	if (!lsm)
		return NULL;
	lsm_label_done(&lsm->self);
	lsm->ops->close(lsm);
	return NULL;
}

const char *lsm_name(const struct lsm *lsm)
{
	return lsm ? lsm->ops->name : NULL;
}

bool lsm_asks(struct lsm *lsm)
{
	return lsm && (!lsm->ops->asks || lsm->ops->asks(lsm));
}

const struct lsm_label *lsm_self(const struct lsm *lsm)
{
	return &lsm->self;
}

int lsm_configure(struct lsm *lsm, const struct config *file)
{
	return lsm && lsm->ops->configure ? lsm->ops->configure(lsm, file) : 0;
}

int lsm_label(struct lsm *lsm, struct lsm_label *label, const char *text)
{
	int err;

	memset(label, 0, sizeof(*label));
	if (!lsm)
		return 0;
	if (!text)
		return -ENOPROTOOPT;
	label->text = strdup(text);
	if (!label->text)
		return -ENOMEM;
	err = lsm->ops->label(lsm, label);
	if (err)
		lsm_label_done(label);
	return err;
}

void lsm_label_done(struct lsm_label *label)
{
	free(label->text);
	memset(label, 0, sizeof(*label));
}

int lsm_own(struct lsm *lsm, const struct lsm_end *who, const char *name)
{
	return lsm ? lsm->ops->own(lsm, who, name) : 0;
}

int lsm_send(struct lsm *lsm, const struct lsm_message *m)
{
	return lsm ? lsm->ops->send(lsm, m) : 0;
}

int lsm_eavesdrop(struct lsm *lsm, const struct lsm_end *who)
{
	return lsm && lsm->ops->eavesdrop ? lsm->ops->eavesdrop(lsm, who) : 0;
}

const char *lsm_type_name(const struct dbus_header *h)
{
	static const char *const names[] = {
		[DBUS_TYPE_CALL] = "method_call",
		[DBUS_TYPE_RETURN] = "method_return",
		[DBUS_TYPE_ERROR] = "error",
		[DBUS_TYPE_SIGNAL] = "signal",
	};

	return h->f.type && h->f.type <= DBUS_TYPE_SIGNAL ?
	       names[h->f.type] : "invalid";
}

struct dbus_str lsm_destination(const struct dbus_header *h)
{
	if (h->destination.len)
		return h->destination;
	return (struct dbus_str){ DBUS_DRIVER_NAME,
				  sizeof(DBUS_DRIVER_NAME) - 1 };
}
