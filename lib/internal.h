/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libafbus's files share; not exported. */
#ifndef AFBUS_LIB_INTERNAL_H
#define AFBUS_LIB_INTERNAL_H

#include "afbus.h"

/* The number in @file, a module parameter, or -errno. */
int family_read(const char *file);

/* A socket of the family with what @flags ask; the descriptor or -errno. */
int socket_new(int type, int protocol, unsigned int flags);

/* setsockopt() and getsockopt() at SOL_BUS, 0 or -errno. */
int option_set(int fd, int option, const void *value, socklen_t len);
int option_get(int fd, int option, void *value, socklen_t *len);
int option_set_int(int fd, int option, int value);

/* What getsockname() or getpeername() says; -EOPNOTSUPP for a socket of
 * another family. */
int address_get(int fd, int (*name)(int, struct sockaddr *, socklen_t *),
		uint64_t *addr);

#endif
