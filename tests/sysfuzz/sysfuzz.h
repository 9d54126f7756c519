/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fuzzer of the socket family: programs of system calls, chosen by what they
 * reach in the modules (KCOV) or, on a kernel without, at random.
 *
 * A program is two lists of records, which two threads run at the same time on
 * the same slots, each a descriptor. What a record does is in the table of
 * ops.c; its arguments are reduced to what there is, so that every program is
 * a valid one.
 */
#ifndef AFBUS_TESTS_SYSFUZZ_H
#define AFBUS_TESTS_SYSFUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/bus.h"

#define MAX_RECS	20
#define SLOTS		16
#define ADDRS		SLOTS	/* by the slot of a client or port */
#define FIRST_FD	5	/* those below are not the program's */

struct rec {
	uint8_t op, a, b, c;
	uint32_t d;
};

struct program {
	uint16_t n[2];
	struct rec recs[2][MAX_RECS];
};

/* ---- ops.c, ops_dbus.c, ops_misc.c: what programs do ---- */

struct world {
	volatile int fds[SLOTS];	/* -1: none */
	volatile uint64_t addrs[ADDRS];
	unsigned int turn;		/* of the program */
	uint8_t *edge;			/* the next byte is not mapped */
};

extern struct world world;

struct op {
	const char *name;
	/* True when the kernel did what it was asked. */
	bool (*run)(const struct rec *r);
	unsigned int weight;
	bool must_work;		/* some time, in a run that is long enough */
	/* Slots, as digits, that a and b most often are. */
	const char *a, *b;
	bool begins;		/* makes what others need */
};

extern const struct op ops[];
extern const unsigned int n_ops;

void world_begin(void);
void world_end(void);

int slot(unsigned int n);
/* Takes @fd, which may be -1; closes what was there. */
bool put(unsigned int n, int fd);
void put_addr(unsigned int n, uint64_t addr);
uint64_t some_addr(unsigned int n);
int family(void);
/* Nothing waits for long. */
void impatient(int fd);
void short_limits(int bus, uint32_t d);
socklen_t abstract(struct sockaddr_bus *sa, unsigned int n);
int message_flags(uint32_t d);
/* Control data with descriptors, credentials, garbage; in @m. */
void add_control(struct msghdr *m, char *buf, size_t size,
		 const struct rec *r);
bool send_to(int fd, uint64_t addr, const void *data, size_t len,
	     const struct rec *r);

bool op_pair(const struct rec *r);

bool op_attach(const struct rec *r);
bool op_dbus_bus(const struct rec *r);
bool op_dbus_write(const struct rec *r);
bool op_master_send(const struct rec *r);
bool op_policy(const struct rec *r);
bool op_update(const struct rec *r);

bool op_edge(const struct rec *r);
bool op_filter(const struct rec *r);
bool op_getsockopt(const struct rec *r);
bool op_ioctl(const struct rec *r);
bool op_poll(const struct rec *r);
bool op_proc(const struct rec *r);
bool op_setsockopt(const struct rec *r);
bool op_socket_option(const struct rec *r);
bool op_splice(const struct rec *r);

/* ---- kcov.c: where a thread went in the modules ---- */

struct kcov {
	int fd;
	uint64_t *area;
};

/* False where there is no KCOV. @fd: the number to have. */
bool kcov_open(struct kcov *k, int fd);
void kcov_start(struct kcov *k);
void kcov_stop(struct kcov *k);

#define MAP_BITS	(1U << 18)
/* Adds the steps that were gone to @map; how many are new. */
unsigned int kcov_collect(struct kcov *k, uint8_t *map);

#endif
