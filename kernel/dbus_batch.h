/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A batch of the master's records (BUS_UPDATE) on its way: dbus_tables.c leads
 * it through its steps, what single kinds do is there, in dbus_notes.c and in
 * dbus_master.c.
 *
 * Each record is *prepared* without locks (memory, texts compiled), then all
 * are *checked* and, if none objects, *applied* below bus->lock, exclusive, in
 * their order; what they leave over is freed without locks again, *after* it.
 *
 * Sends find their receivers as they are applied, by the tables that the
 * records before them made. Copies for them are made before, for as many
 * as there are by the tables of the moment, and one more for each record that
 * may make another (dbus_sends_prepare()); if the tables change before the lock
 * is taken, that is done again.
 */
#ifndef _AFBUS_KERNEL_DBUS_BATCH_H
#define _AFBUS_KERNEL_DBUS_BATCH_H

#include "dbus.h"

struct dbus_send;

/* One record. */
struct dbus_change {
	struct dbus_bus *db;
	const struct bus_rec *rec;
	struct bus_port *port;		/* counted; NULL if none is needed */
	struct dbus_name *name;
	struct dbus_rule *rule;
	struct dbus_claim *claim;
	struct dbus_policy *policy;
	struct dbus_note *note;
	struct bus_park *park;
	struct dbus_send *send;
	char *about;
	struct list_head dead_rules;	/* freed after the lock, */
	struct list_head dead_notes;	/* and these, */
	void *garbage;			/* and so is this, */
	struct bus_msg kept;		/* and this */
};

/* dbus_notes.c: notes and parked messages */
int dbus_note_prepare(struct dbus_change *c);
int dbus_note_check(struct dbus_bus *db, struct dbus_change *c);
void dbus_note_apply(struct dbus_bus *db, struct dbus_change *c);
int dbus_park_prepare(struct dbus_change *c);
int dbus_park_check(struct dbus_bus *db, struct dbus_change *c);
void dbus_park_apply(struct dbus_bus *db, struct dbus_change *c);
int dbus_unpark_check(struct dbus_bus *db, struct dbus_change *c);
void dbus_unpark_apply(struct dbus_bus *db, struct dbus_change *c);
/* Below bus.lock: those of @p, which the master lets go of. */
void dbus_notes_take(struct dbus_bus *db, struct dbus_port *p,
		     struct list_head *dead);
void dbus_notes_free(struct list_head *dead);
void dbus_notes_drop(struct dbus_bus *db);

/* dbus_master.c */
int dbus_send_prepare(struct dbus_change *c);
void dbus_send_apply(struct dbus_bus *db, struct dbus_change *c);
int dbus_forward_prepare(struct dbus_change *c);
int dbus_forward_check(struct dbus_bus *db, struct dbus_change *c);
/* Copies for the sends among @n records; *@gen: by which tables. */
int dbus_sends_prepare(struct dbus_bus *db, struct dbus_change *c,
		       unsigned int n, u64 *gen);
/* Without locks; wakes the receivers, if it was applied. */
void dbus_send_done(struct dbus_change *c);

#endif
