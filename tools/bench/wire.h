/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * afbus bench --native: what is measured.
 *
 * A *wire* connects one sender with n receivers, each a process that receives
 * from one descriptor and answers when a message asks it to; all answers
 * arrive at one descriptor of the sender. Everything but how a wire is made
 * and how a message enters it is the same code for all.
 */
#ifndef AFBUS_TOOLS_BENCH_WIRE_H
#define AFBUS_TOOLS_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_MAX_RECEIVERS 4096

struct wire {
	unsigned int n;
	int rx;			/* the latest receiver's descriptor; only its
				 * process keeps it */
	int collect;		/* where the sender receives the answers */
	/* of the kind's own */
	int *tx;		/* unix: the sender's end of each */
	int answer;		/* unix: where all receivers answer */
	int bus, *ends;
	uint64_t *addrs;
	uint64_t sender;
	char name[64];
	uint32_t tipc_type;
	struct { uint32_t ref, node; } tipc_sender;
};

/* All return 0 or -errno. Descriptors that are opened are in the wire also
 * when it fails. */
struct wire_kind {
	const char *name;
	int (*open)(struct wire *w);
	/* Makes the receiver @i, its descriptor is in @w->rx. */
	int (*add)(struct wire *w, unsigned int i);
	/* Waits until all are there; NULL: they are. */
	int (*ready)(struct wire *w);
	/* The receiver, in its process, to the sender. */
	int (*reply)(struct wire *w, const void *data, size_t len);
};

struct wire_mode {
	const char *name, *title;
	const struct wire_kind *kind;
	int (*send)(struct wire *w, const void *data, size_t len);
};

extern const struct wire_mode wire_modes[];
extern const size_t n_wire_modes;

/* Opens a wire for @n receivers; to be closed in any case. */
int wire_open(struct wire *w, const struct wire_kind *kind, unsigned int n);
void wire_close(struct wire *w);
/* Closes the latest receiver's descriptor here. */
void wire_release(struct wire *w);

extern const struct wire_kind wire_tipc;
int wire_tipc_send(struct wire *w, const void *data, size_t len);

#endif
