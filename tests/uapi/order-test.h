/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everybody sends to everybody and writes down what came; afterwards the
 * records must be projections of one order, without loss or doubles. Clients
 * that come and go, one that hears everything, and one that stops reading are
 * part of it.
 */
#ifndef AFBUS_ORDER_TEST_H
#define AFBUS_ORDER_TEST_H

#include "native-test.h"

#define ORDER_PEERS 8		/* each a sending and a reading thread */
#define ORDER_EAR ORDER_PEERS	/* another reader: it eavesdrops */
#define ORDER_READERS (ORDER_PEERS + 1)
#define ORDER_GUESTS 2		/* threads whose clients come and go */
#define ORDER_SENDERS (ORDER_PEERS + ORDER_GUESTS)

/* Destinations; below ORDER_PEERS it is one of them. */
enum { TO_ALL = 100, TO_ONE, TO_EVEN };

/* What a message carries, and pad bytes behind it. */
struct stamp {
	uint32_t sender, serial, to, pad;
	uint64_t seen;		/* the sender had read up to this place */
};

struct entry {
	struct stamp s;
	uint64_t seq;
};

struct record {
	struct entry *e;
	size_t n, room;
};

void record_add(struct record *r, const struct entry *e);

/* Reads one message; 0 at the end, -1 on error, the sender's address. */
int order_recv(int fd, struct entry *e, uint64_t *from, int flags);
bool order_gets(unsigned int reader, uint32_t to);

/* ---- order-check.c ---- */

struct order_sent {		/* of one sender, by serial */
	uint32_t *to;
	size_t n, room;
};

/* All that was seen by those who stayed, against all that was sent. */
void order_check(struct record *readers, struct order_sent *sent);
/* Somebody who got multicasts for a while missed none between his first and
 * last. */
void order_check_visit(const struct record *all, const struct record *visit);

/* ---- order-run.c ---- */

/* @messages in all. With @stalled there is one that stops reading. */
void order_run(long messages, bool stalled);

#endif
