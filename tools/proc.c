// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Cuts the next word out of *@s; NULL behind the last. */
static char *word(char **s)
{
	char *p = *s + strspn(*s, " \t");
	size_t n = strcspn(p, " \t");

	if (!n)
		return NULL;
	*s = p + n;
	if (**s)
		*(*s)++ = 0;
	return p;
}

static int add_column(struct proc_table *t, const char *name)
{
	char **columns = realloc(t->columns,
				 (t->n_columns + 1) * sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	t->columns = columns;
	columns[t->n_columns] = strdup(name);
	if (!columns[t->n_columns])
		return -ENOMEM;
	t->n_columns++;
	return 0;
}

static int read_columns(struct proc_table *t, char *line)
{
	char *name;
	int err = 0;

	while (!err && (name = word(&line)))
		err = add_column(t, name);
	if (err)
		return err;
	return t->n_columns ? 0 : -ENODATA;
}

/* The last column is a name, which may have blanks inside. */
static char *next_cell(const struct proc_table *t, size_t column, char **line)
{
	if (column + 1 < t->n_columns)
		return word(line);
	*line += strspn(*line, " \t");
	return **line ? *line : NULL;
}

static int read_row(struct proc_table *t, char *line)
{
	char **cells, **row, *text;
	size_t i;

	if (!line[strspn(line, " \t")])
		return 0;
	cells = realloc(t->cells, (t->n_rows + 1) * t->n_columns *
			sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	t->cells = cells;
	row = cells + t->n_rows++ * t->n_columns;
	memset(row, 0, t->n_columns * sizeof(*row));
	for (i = 0; i < t->n_columns; i++) {
		text = next_cell(t, i, &line);
		row[i] = strdup(text ? text : "-");
		if (!row[i])
			return -ENOMEM;
	}
	return 0;
}

int proc_read(struct proc_table *t, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int err = 0;

	memset(t, 0, sizeof(*t));
	while (!err && (n = getline(&line, &size, f)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[n - 1] = 0;
		err = t->n_columns ? read_row(t, line) :
				     read_columns(t, line);
	}
	if (!err && ferror(f))
		err = -EIO;
	if (!err && !t->n_columns)
		err = -ENODATA;
	free(line);
	return err;
}

void proc_free(struct proc_table *t)
{
	size_t i;

	for (i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i]);
	for (i = 0; i < t->n_columns; i++)
		free(t->columns[i]);
	free(t->cells);
	free(t->columns);
	memset(t, 0, sizeof(*t));
}

const char *proc_get(const struct proc_table *t, size_t row,
		     const char *column)
{
	size_t i;

	for (i = 0; i < t->n_columns; i++)
		if (!strcmp(t->columns[i], column))
			return t->cells[row * t->n_columns + i];
	return "-";
}

uint64_t proc_number(const struct proc_table *t, size_t row,
		     const char *column)
{
	const char *text = proc_get(t, row, column);
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	return end == text || *end ? 0 : v;
}

bool proc_is_bus(const struct proc_table *t, size_t row)
{
	return !strcmp(proc_get(t, row, "kind"), "bus");
}
