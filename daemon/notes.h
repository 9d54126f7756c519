/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a successor has to know and only the daemon does, left with the switch
 * as it changes (sw_note(), in the batch of the event that changes it), and
 * read again by past.c. With a switch that keeps nothing all of this does
 * nothing.
 *
 * Without memory a note is missing: that is logged, since a successor will
 * miss it.
 */
#ifndef AFBUS_DAEMON_NOTES_H
#define AFBUS_DAEMON_NOTES_H

#include "daemon/bus.h"
#include "daemon/note_format.h"

struct claim;
struct peer;

/* Asks the switch whether it keeps anything. */
void notes_begin(struct bus *bus);
/* Of @kind, a port's if @addr is not 0, from the struct of that kind. */
void notes_write(struct bus *bus, uint64_t addr, enum note_kind kind,
		 uint64_t number, const void *from);
void notes_remove(struct bus *bus, uint64_t addr, enum note_kind kind,
		  uint64_t number);
/* A number that no note of the bus has had; it grows. */
uint64_t notes_number(struct bus *bus);

/* GUID, address, serial, takeovers, generation of the configuration. */
void notes_bus(struct bus *bus);
void notes_peer(struct peer *peer);
/* The registry's note(). */
void notes_claim(void *ctx, const struct claim *claim, bool on);

static inline struct rst_blob note_text(const char *s)
{
	return (struct rst_blob){ s, s ? __builtin_strlen(s) : 0 };
}

#endif
