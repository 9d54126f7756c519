/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting services (specification, "Message Bus Starting Services (
 * Activation)"; errors and texts are the reference's).
 *
 * While a service is being started its name is *pending*: who asked for it,
 * and messages for it, are held in the order in which they came. The name's
 * new owner gets those messages before anything else that is sent to the name;
 * whoever fails to become one leaves everybody with the same error.
 *
 * A service is started by executing its command (a session bus), by the setuid
 * helper (a system bus: only it can change to the service's user), or by
 * asking systemd, if it is told about in the service file and the bus is part
 * of a system that systemd runs.
 */
#ifndef AFBUS_DAEMON_ACTIVATION_H
#define AFBUS_DAEMON_ACTIVATION_H

#include "daemon/driver.h"
#include "daemon/services.h"

struct activation;

struct activation_config {
	struct service_dirs dirs;
	const char *helper;	/* <servicehelper>, or NULL */
	uint64_t timeout;	/* service_start_timeout, microseconds;
				 * UINT64_MAX: never */
	size_t max_pending;	/* max_pending_service_starts; those who wait
				 * are counted, not services */
	bool systemd;		/* --systemd-activation */
};

/* Says why it failed. Blocks SIGCHLD. Without activation_configure() there is
 * no service. */
int activation_new(struct activation **ret, struct bus *bus);
/* Forgets what is pending, without a word. NULL is fine. */
struct activation *activation_free(struct activation *a);

/*
 * What @c holds is copied. Called again it takes effect for what is started
 * from then on, and clients are told by ActivatableServicesChanged. Returns 0
 * or -ENOMEM, then nothing has changed.
 */
int activation_configure(struct activation *a,
			 const struct activation_config *c);
bool activation_uses_systemd(const struct activation *a);

/* What a predecessor was starting, from its notes; peers are there already. 0
 * or -errno. */
int activation_restore(struct activation *a);

/* A message for a name that nobody owns: held, or answered with an error. */
int activation_message(struct call *c);
/* AssumedAppArmorLabel of a service that can be started, or NULL. Valid until
 * services are looked for again. */
const char *activation_label(struct activation *a, struct dbus_str name);
/* StartServiceByName. */
int activation_start(struct call *c, struct dbus_str name);
/* UpdateActivationEnvironment. */
int activation_update_environment(struct call *c);
/* Appends the names of all services, strings. */
void activation_list(struct activation *a, struct msg *m);
/* The signal ActivationFailure of org.freedesktop.systemd1.Activator. */
bool activation_is_failure(const struct dbus_header *h);
int activation_failure(struct call *c);

/*
 * Around the moment at which a pending name gets an owner. While the name is
 * pending it is not written into the switch: its messages go on coming to the
 * daemon and none can overtake those that are held. activation_owned() lets
 * these go, then writes the name.
 */
bool activation_is_pending(const struct activation *a, const char *name);
void activation_owned(struct activation *a, const char *name,
		      struct peer *owner);

#endif
