/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets of AF_BUS, protocol D-Bus. */
#ifndef AFBUS_DAEMON_BUS_SOCKET_H
#define AFBUS_DAEMON_BUS_SOCKET_H

/* The family's number: the module's parameter, if it was loaded with another
 * one than the default. */
unsigned short bus_family(void);
/* A descriptor that does not block, or -errno; -EAFNOSUPPORT: there is no
 * module. */
int bus_socket(void);

#endif
