/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the switch of the kernel: switch_kernel.c speaks with the daemon,
 * switch_kernel_batch.c gathers what an event causes into one BUS_UPDATE,
 * switch_kernel_restore.c takes over from a daemon before this one.
 */
#ifndef AFBUS_DAEMON_SWITCH_KERNEL_H
#define AFBUS_DAEMON_SWITCH_KERNEL_H

#include "daemon/hmap.h"
#include "daemon/switch_kernel_policy.h"
#include "daemon/switch_ops.h"

/* SENDER may make a message a little longer than its sender could. */
#define KERNEL_RECV_SIZE (DBUS_MAX_MESSAGE + 4096U)
#define KERNEL_MAX_FDS 253

struct kernel_item;

struct kernel {
	struct sw sw;
	int fd;
	unsigned short family;
	uint32_t features;		/* BUS_FEATURE_* of the module */
	uint32_t persist_ms;
	sd_event_source *io;
	/* Address space for the longest message; pages come by being used. */
	uint8_t *buf;
	uint64_t sender;		/* of the message at hand; 0 if that
					 * port was detached meanwhile */
	struct kernel_policies policies;
	bool handling;			/* an upcall is under way */
	bool orphans;			/* a port was let go of in it */
	uint64_t *monitors;		/* addresses */
	size_t n_monitors;
	struct kernel_item *unshown;	/* handed up, for us to show to monitors;
					 * or NULL */
	bool show_first;		/* something else before that */

	unsigned int depth;		/* of sw_begin() */
	uint8_t *batch;			/* struct bus_rec, each at a multiple
					 * of 8 */
	size_t batch_len, batch_size;
	unsigned int n_recs;

	struct hmap ports;		/* struct kernel_port */
	struct hmap parked;		/* struct kernel_park */
	bool has_past;
	uint64_t outage_us;		/* before we came */
	bool restoring;
};

/* Ports that the daemon has not let go of: what a batch says of others would
 * make it fail. */
struct kernel_port {
	struct hnode node;		/* ports, by the address */
	uint64_t addr;
	bool stuck;			/* held, and nothing of it is to come */
};

/* A message that the daemon holds on to. */
struct kernel_park {
	struct hnode node;		/* parked, by the number */
	uint64_t number;
	uint64_t addr;			/* of its sender */
	bool gone;			/* with him, from the kernel */
};

/* What recvmsg() brought; the message is in ->buf. */
struct kernel_item {
	struct bus_info info;
	size_t len;
	int fds[KERNEL_MAX_FDS];
	unsigned int n_fds;
};

static inline struct kernel *to_kernel(struct sw *sw)
{
	return (struct kernel *)sw;
}

/* An older module knows no sends in a batch: there all is done at once. */
static inline bool kernel_gathers(const struct kernel *k)
{
	return k->depth && k->features & BUS_FEATURE_PERSIST;
}

static inline bool kernel_keeps(const struct kernel *k)
{
	return k->features & BUS_FEATURE_PERSIST;
}

/* switch_kernel.c */
/* -EAGAIN: there is none. */
int kernel_item_recv(struct kernel *k, struct kernel_item *it);
void kernel_item_done(struct kernel *k, struct kernel_item *it);
/* The message that is in ->buf; -EBADMSG, after it has said why. */
int kernel_item_parse(struct kernel *k, const struct kernel_item *it,
		      struct dbus_header *h, struct sw_message *m);

/* switch_kernel_batch.c: a record, applied at once or with the batch. -ENOENT:
 * no such port, where @addr is one's. */
int kernel_record(struct kernel *k, uint32_t type, uint64_t addr,
		  uint64_t cookie, const void *data, size_t len);
/* BUS_REC_SEND; only within a batch. -E2BIG: it is for sendmsg(). */
int kernel_record_send(struct kernel *k, uint64_t addr,
		       const struct bus_send *how, const void *msg,
		       size_t len);
/* What has been gathered is applied now. */
int kernel_flush(struct kernel *k);
void kernel_begin(struct sw *sw);
int kernel_commit(struct sw *sw);
int kernel_port_add(struct kernel *k, uint64_t addr);
void kernel_port_del(struct kernel *k, uint64_t addr);
struct kernel_port *kernel_port_find(const struct kernel *k, uint64_t addr);
int kernel_note(struct sw *sw, uint64_t addr, uint64_t cookie,
		const void *data, size_t len);
int kernel_keep(struct sw *sw, uint64_t number, int fd);
int kernel_park(struct sw *sw, uint64_t number, const struct sw_message *m);
int kernel_unpark(struct sw *sw, uint64_t number);
/* The kernel has it, and may send it on. */
bool kernel_is_parked(const struct kernel *k, uint64_t number);
int kernel_park_add(struct kernel *k, uint64_t number, uint64_t addr);
void kernel_park_del(struct kernel *k, uint64_t number);
int kernel_persist(struct sw *sw, uint32_t ms);
void kernel_batch_clear(struct kernel *k);

/* switch_kernel_restore.c */
/* The socket is bound: was there a master before? @given: he has given it. */
int kernel_look_back(struct kernel *k, bool given);
bool kernel_has_past(const struct sw *sw);
uint64_t kernel_outage(const struct sw *sw);
int kernel_restore(struct sw *sw, const struct sw_restorer *restorer,
		   void *ctx);
int kernel_save(struct sw *sw, struct sw_state *to);

#endif
