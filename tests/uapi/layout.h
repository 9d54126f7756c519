/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What linux/bus.h looks like in memory, for programs of any width: the kernel
 * has one layout only.
 */
#ifndef AFBUS_LAYOUT_H
#define AFBUS_LAYOUT_H

#include <assert.h>
#include <stddef.h>

#include "linux/bus.h"

#define LAYOUT(type, last, at, size)					\
	static_assert(offsetof(type, last) == (at) &&			\
		      sizeof(type) == (size), #type)

LAYOUT(struct bus_addr, s_addr, 0, 8);
LAYOUT(struct sockaddr_bus, sbus_addr, 8, 128);
LAYOUT(struct sockaddr_bus, sbus_path, 16, 128);
LAYOUT(struct bus_limits, slow_ms, 44, 48);
LAYOUT(struct bus_attach, addr, 8, 16);
LAYOUT(struct bus_rec, data, 24, 24);
LAYOUT(struct bus_policy, data, 8, 8);
LAYOUT(struct bus_info, pad, 44, 48);
LAYOUT(struct bus_send, pad, 12, 16);
LAYOUT(struct bus_port_stats, reason, 100, 104);
LAYOUT(struct bus_queue, peak_fds, 32, 40);
LAYOUT(struct bus_port_queues, out, 48, 88);
LAYOUT(struct bus_stats, from_master, 112, 120);
LAYOUT(struct bus_outage, kept, 40, 48);
LAYOUT(struct bus_keep, pad, 12, 16);
LAYOUT(struct bus_port_file, pad, 12, 16);
LAYOUT(struct bus_dump, data, 24, 24);
LAYOUT(struct bus_dump_port, policy, 8, 16);

#endif
