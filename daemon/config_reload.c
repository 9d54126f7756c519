// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config_reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/activation.h"
#include "daemon/enforce.h"
#include "daemon/log.h"
#include "daemon/lsm.h"
#include "daemon/notes.h"

/* Files come in groups: wait for the last of them. */
#define SETTLE_USEC 100000

#define WATCHED (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

/* ---- services ---- */

static int add_dirs(const struct bus *bus, const struct config *file,
		    struct service_dirs *dirs)
{
	size_t i;
	int err = 0;

	/* Built in are the places that every session bus has. */
	if (!bus->config.config_path)
		return service_dirs_add_session(dirs);
	for (i = 0; !err && i < file->n_servicedirs; i++)
		err = service_dirs_add(dirs, file->servicedirs[i].path,
				       file->servicedirs[i].flags &
				       CONFIG_DIR_STRICT);
	return err;
}

static int configure_activation(struct bus *bus, const struct config *file)
{
	struct activation_config config = {
		.helper = file->servicehelper,
		.timeout = file->limits.service_start_timeout,
		.max_pending = file->limits.pending_service_starts,
		.systemd = bus->config.systemd_activation,
	};
	int err = add_dirs(bus, file, &config.dirs);

	if (!err)
		err = activation_configure(bus->activation, &config);
	service_dirs_done(&config.dirs);
	return err;
}

/* ---- the folders of files ---- */

static int on_settled(sd_event_source *s, uint64_t usec, void *ctx)
{
	char why[CONFIG_WHY_MAX];

	bus_reload_config(ctx, why);
	return 0;
}

static int on_change(sd_event_source *s, const struct inotify_event *e,
		     void *ctx)
{
	struct bus *bus = ctx;
	size_t len = e->len ? strlen(e->name) : 0;

	if (len < 5 || strcmp(e->name + len - 5, ".conf"))
		return 0;
	if (bus->reload_timer) {
		sd_event_source_set_time_relative(bus->reload_timer,
						  SETTLE_USEC);
		sd_event_source_set_enabled(bus->reload_timer,
					    SD_EVENT_ONESHOT);
	} else {
		sd_event_add_time_relative(bus->event, &bus->reload_timer,
					   CLOCK_MONOTONIC, SETTLE_USEC, 0,
					   on_settled, bus);
	}
	return 0;
}

/* Without it everything works but needs to be told. */
static void watch(struct bus *bus)
{
	const struct config_strings *dirs = &bus->file->confdirs;
	size_t i;
	int err;

	bus_unwatch_config(bus);
	bus->watches = calloc(dirs->n + 1, sizeof(*bus->watches));
	if (!bus->watches)
		return;
	for (i = 0; i < dirs->n; i++) {
		err = sd_event_add_inotify(bus->event,
					   &bus->watches[bus->n_watches],
					   dirs->v[i], WATCHED, on_change,
					   bus);
		if (err < 0)
			log_errno(err, "cannot watch \"%s\"", dirs->v[i]);
		else
			bus->n_watches++;
	}
}

void bus_unwatch_config(struct bus *bus)
{
	while (bus->n_watches)
		sd_event_source_disable_unref(bus->watches[--bus->n_watches]);
	free(bus->watches);
	bus->watches = NULL;
}

/* ---- */

int bus_apply_config(struct bus *bus)
{
	int err;

	bus->config.limits = bus->file->limits;
	err = enforce_limits(bus);
	if (err)
		return log_errno(err, "cannot set the limits of the switch");
	err = configure_activation(bus, bus->file);
	if (err)
		return log_errno(err, "cannot start services");
	watch(bus);
	return 0;
}

/* Takes @file if it can be put into effect. */
static int adopt(struct bus *bus, struct config *file,
		 char why[CONFIG_WHY_MAX])
{
	const char *refusal = enforce_refuses(bus, file);
	int err = refusal ? -EOPNOTSUPP : 0;

	if (!err)
		err = lsm_configure(bus->lsm, file);
	if (!err)
		err = configure_activation(bus, file);
	if (err) {
		lsm_configure(bus->lsm, bus->file);
		snprintf(why, CONFIG_WHY_MAX, "%s",
			 refusal ? refusal : strerror(-err));
		return err;
	}
	config_free(bus->file);
	bus->file = file;
	bus->config.limits = file->limits;
	enforce_limits(bus);
	enforce_renew(bus);
	bus->generation++;
	notes_bus(bus);
	watch(bus);
	return 0;
}

static int reload(struct bus *bus, char why[CONFIG_WHY_MAX])
{
	struct config *file;
	int err = config_load(&file, bus->config.config_path, why);

	if (err)
		return err;
	err = adopt(bus, file, why);
	if (err)
		config_free(file);
	return err;
}

static void tell_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)now.tv_sec * 1000000 +
		   (uint64_t)now.tv_nsec / 1000);
}

int bus_reload_config(struct bus *bus, char why[CONFIG_WHY_MAX])
{
	int err = 0;

	tell_reloading();
	if (bus->config.config_path)
		err = reload(bus, why);
	if (err)
		log_error("Unable to reload configuration: %s", why);
	else
		log_info("Reloaded configuration");
	sd_notify(0, "READY=1");
	return err;
}
