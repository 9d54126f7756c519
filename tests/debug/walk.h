/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of walk.c, for its steps in other files. */
#ifndef AFBUS_WALK_H
#define AFBUS_WALK_H

#include "tests/uapi/bus-test.h"

struct pair {
	struct client a, b;
};

extern int bus;

/* Ends the program: a failure was told. */
_Noreturn void told(const char *whom);
/* Does so if @err is a failure made to order. */
void told_by(int err, const char *call);
/* An item that is no port's end for want of memory is returned. */
void hear(struct msg *m);
void update(uint32_t type, uint64_t addr, uint64_t cookie, const char *text);
/* The next at @c, whatever it is. */
void receive(struct client *c, struct msg *m);
void expect(struct client *c, uint32_t serial, int n_fds);

struct pair pair(uint32_t flags);
void part(struct pair *p);
void leave(struct client *c);
struct msg_spec to(const char *dest, uint32_t serial);

/* ---- steps: walk-policy.c ---- */

void answers(void);
void policies(void);

#endif
