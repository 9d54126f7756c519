/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From one daemon to the next: what sw_save() gives travels as two
 * descriptors. One is the memfd, if the switch needs one. The other is the
 * *box*: a socket in which all other descriptors lie as messages, in order, so
 * that a service manager has to keep two and not thousands, and nobody can mix
 * them up.
 *
 * Three ways lead to the successor, and until it has everything the old daemon
 * goes on as if nothing had been:
 *
 *	execve()	of the program as it is now, on SIGUSR1
 *	a socket	to "afbusd --replace", which has asked by a call of
 *			org.afbus.Restart1; both are one user's, or root's
 *	systemd		keeps them over "systemctl restart" (FDSTORE of
 *			sd_notify(3)); the daemon that reads them is its next
 */
#ifndef AFBUS_DAEMON_HANDOVER_H
#define AFBUS_DAEMON_HANDOVER_H

#include "daemon/bus.h"

#define HANDOVER_BATCH 253	/* descriptors of a message (SCM_MAX_FD) */

struct handover {
	int memfd;		/* or -1 */
	int box;
};

#define HANDOVER_NONE ((struct handover){ -1, -1 })

void handover_done(struct handover *h);		/* closes them */

/* Between events. 0 or -errno, then the bus goes on. On success nothing may be
 * sent or read any more until handover_off(), which goes on after all. */
int handover_pack(struct bus *bus, struct handover *h);
void handover_off(struct bus *bus);
/* Takes @h over, on failure too. Says why it failed. */
int handover_unpack(struct handover *h, struct sw_state *state);

/* What was left for this process by execve() or systemd. 1: something; 0:
 * nothing; -errno after it has said why. */
int handover_inherited(struct handover *h);
/* It is ours now: systemd shall not give it to the next one again. */
void handover_settled(void);

/* The program at @path, with @argv, goes on in this process, when it has been
 * tried whether it can; both strings live as long. If it cannot be the bus
 * goes on, and it is said why. */
void handover_exec(struct bus *bus, const char *path, char *const argv[]);
/* Gives everything to systemd, if it runs us and has room. 1: it has it all,
 * and the process is to end; 0: no, that is how it is; -errno: it failed. */
int handover_store(struct bus *bus);

/* Reads what is in @memfd and gives nothing back: 0, or -errno after it has
 * said what is wrong. */
int handover_check(int memfd);

/* Of "--replace". Asks the daemon at @address; on success *@channel leads to
 * it, and it waits for handover_commit(), which closes the channel. Both say
 * why they failed; then the old daemon serves the bus. */
int handover_ask(struct handover *h, const char *address, int *channel);
int handover_commit(int *channel);

#endif
