/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the files of the listeners:
 *
 *	listener.c		all of them, and serving
 *	listener_unix.c		unix:, systemd:
 *	listener_tcp.c		tcp:, nonce-tcp:
 *	listener_afbus.c	afbus:
 */
#ifndef AFBUS_DAEMON_LISTENER_IMPL_H
#define AFBUS_DAEMON_LISTENER_IMPL_H

#include "daemon/address.h"
#include "daemon/handshake.h"
#include "daemon/listener.h"

struct listener {
	struct listeners *all;
	int fd;
	unsigned int group;	/* of the listeners_add() that made it */
	uint64_t number;	/* noted and kept under it; 0: it is not */
	bool inherited;
	bool tcp;
	bool native;		/* of AF_BUS; the switch has the socket too */
	char *path;		/* made by us, or NULL */
	dev_t dev;		/* what is at @path, if it is still ours */
	ino_t ino;
	char *address;		/* without guid=; NULL: another has it */
	bool has_nonce;
	uint8_t nonce[HANDSHAKE_NONCE];
	sd_event_source *io;
};

struct listeners {
	struct bus *bus;	/* once started */
	sd_event_source *retry;
	unsigned int group;	/* the last one */
	bool patient;		/* who has what is in use may be our
				 * predecessor, */
	char *in_use;		/* and that is this address; or NULL */
	size_t n;
	struct listener **v;
};

/* Adds one for a listening socket, which it owns, on failure too. */
int listener_add(struct listeners *all, int fd, struct listener **ret);
/* It is removed at the end, with the socket or nonce that it is. 0 or
 * -errno. */
int listener_own_path(struct listener *l, const char *path);

/* One address of this transport. They say what is wrong where an error number
 * does not. */
int listener_open_unix(struct listeners *all, const struct address *a);
int listener_open_systemd(struct listeners *all, const struct address *a);
int listener_open_tcp(struct listeners *all, const struct address *a);
int listener_open_nonce_tcp(struct listeners *all, const struct address *a);
int listener_open_afbus(struct listeners *all, const struct address *a);

#endif
