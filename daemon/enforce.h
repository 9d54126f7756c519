/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy of the configuration, put into force: what the daemon itself
 * asks it about, and who answers for messages between peers.
 */
#ifndef AFBUS_DAEMON_ENFORCE_H
#define AFBUS_DAEMON_ENFORCE_H

#include "daemon/driver.h"

/*
 * Why the switch in the kernel cannot be used with @file, or NULL. It knows
 * no policy and no sockets but unix ones yet; when it does, this goes.
 */
const char *enforce_refuses_kernel(const struct bus *bus,
				   const struct config *file);
/* Why @file cannot be put into effect while the bus runs, or NULL. */
const char *enforce_refuses(const struct bus *bus, const struct config *file);

/* What the files say, unless the bus was told otherwise. */
void enforce_switch_limits(const struct bus *bus, struct bus_limits *to);
/* Limits that the switch looks after, from bus->config. 0 or -errno. */
int enforce_limits(struct bus *bus);
/* Policies of all peers anew, from bus->file. */
void enforce_renew(struct bus *bus);

/* The handshake is complete: may it connect? Then it has its policy. Logs a
 * refusal. */
bool enforce_connect(struct peer *peer);
/* The same, but it was let in by a predecessor. 0 or -errno. */
int enforce_restore(struct peer *peer);
/* It is known to the switch, which has to have its policy too. 0 or -errno. */
int enforce_attach(struct peer *peer);

/* May @c's peer own @name (NUL-terminated)? 1: it may; 0: it may not, which is
 * answered. */
int enforce_own(struct call *c, struct dbus_str name);
/* The same: may it be shown what is for others? */
int enforce_eavesdrop(struct call *c);

/* The same: may its message go to the driver? */
int enforce_send(struct call *c);
/* The same without the policy, of which Hello is in front: the security module
 * alone. */
int enforce_hello(struct call *c);
/* The same for a message to a service that is to be started, which is all that
 * is known of its receiver but the security label that it will have (or
 * NULL). */
int enforce_start(struct call *c, const char *label);
/* Answers for a message that the switch has not let through. */
int enforce_refused(struct call *c, const struct sw_ruling *ruling);
/* The switch has let it through, or has told its sender why not, but it is to
 * be logged. */
void enforce_logged(struct call *c, const struct sw_ruling *ruling);

/* Answers with LimitsExceeded and the text, and logs it with who it was, and
 * the @limit of the configuration if the text does not name it (else NULL). */
int enforce_limit(struct call *c, const char *limit, size_t value,
		  const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* May @peer receive a finished message of the daemon? */
bool enforce_receive(const struct peer *peer, const struct msg *m);

/* The switch's mediate(). */
int enforce_mediate(void *ctx, uint64_t from, uint64_t to,
		    const struct dbus_header *h, bool requested);
/* The switch's no_reply(). */
void enforce_no_reply(void *ctx, uint64_t addr, uint32_t serial, bool gone);

#endif
