/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the bus listens. Addresses are D-Bus server addresses, separated by
 * ';':
 *
 *	unix:path=P  unix:abstract=N  unix:dir=D  unix:tmpdir=D
 *	unix:runtime=yes  systemd:
 *	tcp:host=H,bind=B,port=P,family=F  nonce-tcp:...
 *	afbus:path=P  afbus:abstract=N
 *
 * The last ones are of native clients (linux/bus.h), and there is no more than
 * one of them: it is the bus's own socket.
 *
 * Opening and serving are two steps, since a daemon that goes to the
 * background does so in between. While too many connections have not logged
 * in, none is accepted; they wait in the socket's backlog.
 */
#ifndef AFBUS_DAEMON_LISTENER_H
#define AFBUS_DAEMON_LISTENER_H

#include "daemon/bus.h"

struct listeners;

struct listeners *listeners_new(void);		/* NULL: no memory */
/* An address that is in use is no error until listeners_start(), which wants to
 * have it from a predecessor. */
void listeners_be_patient(struct listeners *l);
/* Listens at all @addresses. Says why it failed. */
int listeners_add(struct listeners *l, const char *addresses);
/* None of them is a network's. */
bool listeners_unix_only(const struct listeners *l);
/* The socket that is bound for native clients, or -1; it stays theirs. */
int listeners_bus(const struct listeners *l);
/* The addresses for clients, with guid= in each, what was added last in front.
 * NULL: no memory. The caller frees it. */
char *listeners_address(const struct listeners *l, const char *guid);
/* The sockets of a bus that was taken over, in place of those that are the same
 * ones; in listeners_start() if it was not called before. Says why it
 * failed. */
int listeners_restore(struct listeners *l, struct bus *bus);
/* They are another daemon's, who removes at its end what they have made; NULL
 * is fine. */
void listeners_give_up(struct listeners *l);
/* The bus has to live longer. Says why it failed. */
int listeners_start(struct listeners *l, struct bus *bus);
/* Closes them, and unlinks what it has made; NULL is fine. */
struct listeners *listeners_close(struct listeners *l);

#endif
