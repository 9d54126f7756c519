// SPDX-License-Identifier: GPL-2.0-only
#define CREATE_TRACE_POINTS
#include "trace.h"

EXPORT_TRACEPOINT_SYMBOL_GPL(bus_commit);
EXPORT_TRACEPOINT_SYMBOL_GPL(bus_evict);
EXPORT_TRACEPOINT_SYMBOL_GPL(bus_end);
