/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of activation share.
 *
 *	activation.c		who waits for what, and what becomes of them
 *	activation_run.c	processes: the command, or the helper
 *	activation_systemd.c	requests to systemd, and its failures
 *	activation_calls.c	calls of the driver
 *	activation_past.c	for a successor, and of a predecessor
 *
 * A pending name lives from the first who wants it until it has an owner or
 * has failed. A process lives until it ends, with or without its name.
 */
#ifndef AFBUS_DAEMON_ACTIVATION_IMPL_H
#define AFBUS_DAEMON_ACTIVATION_IMPL_H

#include "daemon/activation.h"
#include "daemon/service_spawn.h"

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SPAWN_ERROR(name) DBUS_ERROR("Spawn." name)

/* A message, and for whom it is an errand. */
struct held {
	struct list link;	/* in pending->held */
	uint64_t number;	/* parked and noted under it; 0: it is not */
	struct bus *bus;
	struct sw_message m;	/* what is parked: this one */
	struct dbus_header h;
	uint64_t sender;	/* 0: the bus itself */
	uid_t uid;
	bool automatic;		/* goes to the service; otherwise it is a call
				 * of StartServiceByName */
	int *fds;		/* owned */
	unsigned int n_fds;
	size_t len;
	uint8_t data[];
};

struct process {
	struct list link;	/* in activation->processes */
	struct activation *a;
	struct pending *pending;	/* NULL: nobody waits any more */
	sd_event_source *source;
	pid_t pid;
};

struct pending {
	struct hnode node;	/* in activation->pending, by name */
	struct activation *a;
	char *name;
	size_t name_len;
	char *exec;		/* NULL: systemd itself, which just comes */
	char *unit;		/* or NULL */
	uint64_t number;	/* of its note */
	uint64_t deadline;	/* usec of CLOCK_MONOTONIC, or UINT64_MAX */
	struct list held;	/* never empty */
	size_t held_bytes;
	unsigned int held_fds;
	sd_event_source *timer;
	struct process *process;	/* or NULL */
};

struct activation {
	struct bus *bus;
	char *helper;
	uint64_t timeout;
	size_t max_pending;
	bool systemd;
	bool configured;
	struct services services;
	struct environment env;
	struct environment noted;	/* of that, what clients have set */
	struct hmap pending;
	size_t n_held;
	struct list processes;
};

/* An error for all who wait, with a text as long as may be. */
struct failure {
	const char *name;
	char text[1024];
};

void failure_set(struct failure *f, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- activation.c ---- */

struct pending *pending_find(const struct activation *a, const char *name,
			     size_t len);
/* There is a service of that name. */
bool activation_knows(struct activation *a, struct dbus_str name);
/* All who wait get the error; frees it. */
void pending_fail(struct pending *p, const struct failure *f);

/*
 * @c, or if that is NULL the bus itself with @m, wants the service called
 * @name. True: @m is held. False: it is not, and *@f tells why.
 */
bool activation_want(struct activation *a, struct call *c,
		     const struct sw_message *m, struct dbus_str name,
		     bool automatic, struct failure *f);
/* To the owner of a name, or if there is none by starting it. */
bool activation_send(struct activation *a, const char *name, struct msg *m,
		     struct failure *f);

struct held *held_new(const struct sw_message *m);
void held_free(struct held *h);
void pending_add(struct pending *p, struct held *h);
/* @name of @len bytes; texts may be NULL. NULL: no memory. */
struct pending *pending_make(struct activation *a, const char *name,
			     size_t len, const char *exec, const char *unit,
			     uint64_t deadline);
void pending_free(struct pending *p);

/* ---- activation_past.c ---- */

/* Leaves it with the switch, which has handed it up just now. */
void held_note(struct pending *p, struct held *h);
/* It is not to be had any more. */
void held_forget(struct held *h);
void pending_note(struct pending *p);
void pending_forget(struct pending *p);
void variable_note(struct activation *a, const char *key, const char *value);

/* ---- activation_run.c ---- */

/* A process that is there already. -ECHILD: it is not ours. */
int process_adopt(struct pending *p, pid_t pid);

/* Starts the service of @p, of which the file says @svc. */
bool process_start(struct pending *p, const struct service *svc,
		   struct failure *f);
void process_kill(struct process *pr);
/* It is not reaped any more. */
void process_free(struct process *pr);
int process_environment(struct activation *a);

/* ---- activation_systemd.c ---- */

bool systemd_request(struct pending *p, const char *by, struct failure *f);

#endif
