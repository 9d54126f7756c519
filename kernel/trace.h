/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what happens to messages and ports. Abstract names come without
 * their NUL.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM af_bus

#if !defined(_AFBUS_KERNEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _AFBUS_KERNEL_TRACE_H

#include <linux/tracepoint.h>

#include "compat/linux/trace_str.h"

#include "bus.h"

TRACE_EVENT(bus_send,
	TP_PROTO(const struct bus *bus, u64 from, u64 to, size_t len),
	TP_ARGS(bus, from, to, len),
	TP_STRUCT__entry(
		__string(name, bus->name.name)
		__field(u64, from)
		__field(u64, to)
		__field(size_t, len)
	),
	TP_fast_assign(
		bus_assign_str(name, bus->name.name);
		__entry->from = from;
		__entry->to = to;
		__entry->len = len;
	),
	TP_printk("bus=%s from=%llu to=%#llx len=%zu", __get_str(name),
		  __entry->from, __entry->to, __entry->len)
);

TRACE_EVENT(bus_commit,
	TP_PROTO(const struct bus *bus, u64 addr, u64 seq, size_t len),
	TP_ARGS(bus, addr, seq, len),
	TP_STRUCT__entry(
		__string(name, bus->name.name)
		__field(u64, addr)
		__field(u64, seq)
		__field(size_t, len)
	),
	TP_fast_assign(
		bus_assign_str(name, bus->name.name);
		__entry->addr = addr;
		__entry->seq = seq;
		__entry->len = len;
	),
	TP_printk("bus=%s port=%llu seq=%llu len=%zu", __get_str(name),
		  __entry->addr, __entry->seq, __entry->len)
);

TRACE_EVENT(bus_block,
	TP_PROTO(const struct bus *bus, u64 sender, u64 full),
	TP_ARGS(bus, sender, full),
	TP_STRUCT__entry(
		__string(name, bus->name.name)
		__field(u64, sender)
		__field(u64, full)
	),
	TP_fast_assign(
		bus_assign_str(name, bus->name.name);
		__entry->sender = sender;
		__entry->full = full;
	),
	TP_printk("bus=%s sender=%llu full=%llu", __get_str(name),
		  __entry->sender, __entry->full)
);

DECLARE_EVENT_CLASS(bus_port_over,
	TP_PROTO(const struct bus *bus, u64 addr, u32 reason),
	TP_ARGS(bus, addr, reason),
	TP_STRUCT__entry(
		__string(name, bus->name.name)
		__field(u64, addr)
		__field(u32, reason)
	),
	TP_fast_assign(
		bus_assign_str(name, bus->name.name);
		__entry->addr = addr;
		__entry->reason = reason;
	),
	TP_printk("bus=%s port=%llu reason=%u", __get_str(name),
		  __entry->addr, __entry->reason)
);

/* The switch removes the port. */
DEFINE_EVENT(bus_port_over, bus_evict,
	TP_PROTO(const struct bus *bus, u64 addr, u32 reason),
	TP_ARGS(bus, addr, reason));

/* The port is out of routing, for whatever reason. */
DEFINE_EVENT(bus_port_over, bus_end,
	TP_PROTO(const struct bus *bus, u64 addr, u32 reason),
	TP_ARGS(bus, addr, reason));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
