/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _AFBUS_COMPAT_TRACE_STR_H
#define _AFBUS_COMPAT_TRACE_STR_H

#include <linux/version.h>

/* __assign_str() once wanted the string a second time. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define bus_assign_str(field, str) __assign_str(field, str)
#else
#define bus_assign_str(field, str) __assign_str(field)
#endif

#endif
