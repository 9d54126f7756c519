/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking a bus over: what a predecessor has left with the switch becomes peers,
 * names, rules, listeners, handshakes and services that are being started. One
 * code for both switches.
 *
 * Two steps: past_read() has everything told and makes peers with their names
 * and rules, and the bus what it was; past_restore() does what needs the
 * configuration. Listeners follow in listeners_start(), which ends the past.
 */
#ifndef AFBUS_DAEMON_PAST_H
#define AFBUS_DAEMON_PAST_H

#include "daemon/bus.h"
#include "daemon/note_format.h"

/* They say why they failed: then the bus must not go on. */
int past_read(struct bus *bus);
int past_restore(struct bus *bus);
void past_free(struct bus *bus);

/* Calls @each for all notes of the bus of @kind, with the struct of that kind,
 * until it returns an error. */
int past_each(struct bus *bus, enum note_kind kind,
	      int (*each)(struct bus *bus, uint64_t number, const void *note,
			  void *ctx), void *ctx);
/* The kept descriptor of that number, the caller's from here on; or -1. It is
 * still kept. */
int past_take_fd(struct bus *bus, uint64_t number);
/* The parked message of that number, or NULL. Its fds are the caller's to
 * duplicate. */
const struct sw_message *past_parked(struct bus *bus, uint64_t number);

/* In front of sw_save(): leaves with the switch what is not noted all the time,
 * the connections in their handshake. past_keep_off() takes it away again. */
int past_keep(struct bus *bus);
void past_keep_off(struct bus *bus);

#endif
