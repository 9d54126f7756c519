/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a benchmark has found: for every row (who was measured), case and figure
 * the values of all rounds. As tables on the terminal, and in a document of
 * JSON.
 */
#ifndef AFBUS_TOOLS_BENCH_RESULTS_H
#define AFBUS_TOOLS_BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_MAX_ROUNDS 101

struct bench_result {
	double v[BENCH_MAX_ROUNDS];
	unsigned int n;
};

struct bench_figure {
	const char *key;	/* in JSON */
	const char *unit;
	const char *headline;
};

struct bench_row {
	const char *name, *title;
	const char *version;	/* of the program; NULL or "": it has none */
	const char *why;	/* what is missing, and why; "": nothing is */
};

struct bench_results {
	const char *suite;	/* in JSON */
	unsigned int rounds;
	const struct bench_figure *figures;
	size_t n_figures, n_rows, n_cases;
	size_t columns;		/* of a table; 0: all cases */
	const char *(*title)(size_t k);
	/* The first row is what the others are compared with. */
	struct bench_row (*row)(size_t i);
	struct bench_result *cells;
};

/* calloc()s @r->cells; 0 or -errno. */
int bench_results_alloc(struct bench_results *r);
struct bench_result *bench_results_cell(const struct bench_results *r,
					size_t row, size_t k, size_t figure);
/* Any value of that row at all. */
bool bench_results_any(const struct bench_results *r, size_t row);

void bench_sort(double *v, size_t n);
/* Sorts; 0 without a value. */
double bench_median(struct bench_result *r);

/* Tables on stdout, and a part of the document if there is one: opened before,
 * or now, at @json. Exit status. */
int bench_results_say(const struct bench_results *r, const char *json);

/* The document of this process and its children; "-" is stdout, and then there
 * are no tables. 0, or 1 with a word on stderr. */
int bench_document_open(const char *path);
/* Children write into it one after the other. */
void bench_document_flush(void);
int bench_document_close(void);

#endif
