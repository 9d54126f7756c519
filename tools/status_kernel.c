// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus status --kernel: the buses that the kernel knows, and their sockets. */
#include "tools/status.h"
#include "tools/native.h"
#include "tools/proc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct column {
	const char *name;	/* in /proc/net/bus; "state" is made here */
	const char *head;
	int width;		/* of the widest cell; flush left if "left" */
	bool left;
};

#define MAX_COLUMNS 32

/* Those known, in this order; whatever else there is comes before the name. */
static const struct column known[] = {
	{ "kind", "kind", 0, true },
	{ "addr", "addr" },
	{ "uid", "uid" },
	{ "pid", "pid" },
	{ "state", "state", 0, true },
	{ "queue", "queue" },
	{ "sent", "sent" },
	{ "sent_bytes", "bytes" },
	{ "received", "received" },
	{ "master", "master" },
	{ "held", "waits" },
	{ "refused", "refused" },
	{ "name", "name", 0, true },
};

#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static const struct {
	const char *column, *text;
} bus_facts[] = {
	{ "addr", "sockets" },
	{ "sent", "messages" },
	{ "sent_bytes", "bytes" },
	{ "received", "copies" },
	{ "master", "to the master" },
	{ "held", "waits" },
	{ "refused", "refused" },
	{ "ended", "removed" },
};

static bool is_known(const char *name)
{
	size_t i;

	for (i = 0; i < N_KNOWN; i++)
		if (!strcmp(known[i].name, name))
			return true;
	return !strcmp(name, "flags") || !strcmp(name, "ended");
}

static size_t choose_columns(const struct proc_table *t, struct column *c)
{
	size_t i, n = 0;

	for (i = 0; i + 1 < N_KNOWN; i++)
		c[n++] = known[i];
	for (i = 0; i < t->n_columns && n + 1 < MAX_COLUMNS; i++)
		if (!is_known(t->columns[i]))
			c[n++] = (struct column){ t->columns[i],
						  t->columns[i] };
	c[n++] = known[N_KNOWN - 1];
	return n;
}

static const char *state(const struct proc_table *t, size_t row)
{
	uint64_t flags = proc_number(t, row, "flags");
	uint64_t ended = proc_number(t, row, "ended");

	if (ended)
		return afbus_reason_text(ended);
	if (flags & BUS_PORT_ENDED)
		return "ended";
	if (flags & BUS_PORT_WAITING)
		return "waiting";
	if (flags & BUS_PORT_HELD)
		return "held";
	return flags & BUS_PORT_ACTIVE ? "active" : "-";
}

static const char *cell(const struct proc_table *t, size_t row,
			const char *name)
{
	return strcmp(name, "state") ? proc_get(t, row, name) : state(t, row);
}

static void measure(const struct proc_table *t, struct column *c, size_t n)
{
	size_t i, row;
	int w;

	for (i = 0; i < n; i++) {
		c[i].width = strlen(c[i].head);
		for (row = 0; row < t->n_rows; row++) {
			w = proc_is_bus(t, row) ? 0 :
			    (int)strlen(cell(t, row, c[i].name));
			if (w > c[i].width)
				c[i].width = w;
		}
	}
}

static void show_bus(const struct proc_table *t, size_t row)
{
	const char *sep = "  ", *name = proc_get(t, row, "name");
	size_t i;

	fputs("bus ", stdout);
	print_data(stdout, name, strlen(name));
	putchar('\n');
	for (i = 0; i < sizeof(bus_facts) / sizeof(bus_facts[0]); i++) {
		printf("%s%s %s", sep, bus_facts[i].text,
		       proc_get(t, row, bus_facts[i].column));
		sep = ", ";
	}
	putchar('\n');
}

static void show_socket(const struct proc_table *t, size_t row,
			const struct column *c, size_t n, bool head)
{
	const char *text;
	size_t i;

	for (i = 0; i < n; i++) {
		text = head ? c[i].head : cell(t, row, c[i].name);
		if (i + 1 == n)
			printf("  %s\n", text);
		else
			printf("  %*s", c[i].left ? -c[i].width : c[i].width,
			       text);
	}
}

static void show_text(const struct proc_table *t)
{
	struct column c[MAX_COLUMNS];
	size_t row, n = choose_columns(t, c);

	measure(t, c, n);
	if (!t->n_rows)
		puts("no buses");
	for (row = 0; row < t->n_rows; row++) {
		if (proc_is_bus(t, row)) {
			if (row)
				putchar('\n');
			show_bus(t, row);
			if (row + 1 < t->n_rows && !proc_is_bus(t, row + 1))
				show_socket(t, row, c, n, true);
		} else {
			show_socket(t, row, c, n, false);
		}
	}
}

/* ---- for machines ---- */

static void json_cell(const char *name, const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	printf("\"%s\":", name);
	if (strcmp(name, "name") && *text >= '0' && *text <= '9' && !*end)
		printf("%" PRIu64, v);
	else
		json_string(text);
}

static void json_row(const struct proc_table *t, size_t row)
{
	size_t i;

	for (i = 0; i < t->n_columns; i++) {
		if (i)
			putchar(',');
		json_cell(t->columns[i], t->cells[row * t->n_columns + i]);
	}
}

static void show_json(const struct proc_table *t)
{
	bool socket = false;
	size_t row;

	fputs("{\"buses\":[", stdout);
	for (row = 0; row < t->n_rows; row++) {
		if (proc_is_bus(t, row)) {
			fputs(row ? "]},{" : "{", stdout);
			json_row(t, row);
			fputs(",\"sockets\":[", stdout);
			socket = false;
		} else {
			fputs(socket ? ",{" : "{", stdout);
			json_row(t, row);
			putchar('}');
			socket = true;
		}
	}
	puts(t->n_rows ? "]}]}" : "]}");
}

int status_kernel(FILE *f, bool json)
{
	struct proc_table t;
	int err = proc_read(&t, f);

	/* Its sockets have nowhere to go. */
	if (!err && t.n_rows && !proc_is_bus(&t, 0))
		err = -EBADMSG;
	if (!err && json)
		show_json(&t);
	else if (!err)
		show_text(&t);
	proc_free(&t);
	return err;
}
