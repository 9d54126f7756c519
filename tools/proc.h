/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/net/bus: a first line that names the columns, then a line for each bus
 * and behind it one for each of its sockets. Columns may be added, so they are
 * asked for by name.
 */
#ifndef AFBUS_TOOLS_PROC_H
#define AFBUS_TOOLS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PROC_NET_BUS "/proc/net/bus"

struct proc_table {
	size_t n_columns, n_rows;
	char **columns;
	char **cells;		/* n_rows times n_columns; "-" if missing */
};

/* 0; -ENODATA: no first line; -ENOMEM; -errno of reading. The table is to be
 * freed in any case. */
int proc_read(struct proc_table *t, FILE *f);
void proc_free(struct proc_table *t);

/* "-" where there is no such column. */
const char *proc_get(const struct proc_table *t, size_t row,
		     const char *column);
/* 0 where there is none, or it is no number. */
uint64_t proc_number(const struct proc_table *t, size_t row,
		     const char *column);
bool proc_is_bus(const struct proc_table *t, size_t row);

#endif
