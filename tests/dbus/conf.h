/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration of the bus at hand, changed while it runs: with-bus tells
 * where its file is. Tests of policy skip where there is none, and where the
 * switch is in the kernel, which enforces none yet.
 */
#ifndef AFBUS_TESTS_CONF_H
#define AFBUS_TESTS_CONF_H

#include <sys/types.h>

#include "raw.h"

#define E "org.freedesktop.DBus.Error."

#define CONF_ALL \
	"<allow send_destination='*' eavesdrop='true'/>" \
	"<allow eavesdrop='true'/><allow own='*'/>"
#define CONF_DEFAULT(rules) "<policy context='default'>" rules "</policy>"
/* What a test needs itself. */
#define CONF_DRIVER "<policy context='mandatory'>" \
	"<allow send_destination='org.freedesktop.DBus'/>" \
	"<allow receive_sender='org.freedesktop.DBus'/></policy>"

void conf_need(void);			/* or skip */
/* Likewise, and others than root may connect. */
void conf_need_users(void);
struct raw *conf_open_as(uid_t uid, bool fds);
/* The file, without telling the bus: @inside is what <busconfig> holds. */
void conf_write(const char *inside);
/* And ReloadConfig, by @c. */
void conf_load(struct raw *c, const char *inside);

/* The reply to @serial is the error E @name with @text in it (NULL: any). */
void conf_expect_error(struct raw *c, uint32_t serial, const char *name,
		       const char *text);
/* A call of the driver; the error that must come of it. */
void conf_expect_driver_error(struct raw *c, const char *member,
			      const char *arg0, const char *arg1,
			      const char *name, const char *text);
/* The bus has said so; or does within ten seconds. */
bool conf_has_said(const char *text);
void conf_expect_log(const char *text);

#endif
