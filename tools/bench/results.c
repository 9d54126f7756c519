// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/bench/results.h"
#include "tools/bench/common.h"
#include "tools/bench/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_results_alloc(struct bench_results *r)
{
	r->cells = calloc(r->n_rows * r->n_cases * r->n_figures,
			  sizeof(*r->cells));
	return r->cells ? 0 : -ENOMEM;
}

struct bench_result *bench_results_cell(const struct bench_results *r,
					size_t row, size_t k, size_t figure)
{
	return &r->cells[(row * r->n_cases + k) * r->n_figures + figure];
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void bench_sort(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
}

double bench_median(struct bench_result *r)
{
	if (!r->n)
		return 0;
	bench_sort(r->v, r->n);
	return r->n % 2 ? r->v[r->n / 2] :
			  (r->v[r->n / 2 - 1] + r->v[r->n / 2]) / 2;
}

/* ---- tables ---- */

static bool any(const struct bench_results *r, size_t row, size_t figure)
{
	size_t k;

	for (k = 0; k < r->n_cases; k++)
		if (bench_results_cell(r, row, k, figure)->n)
			return true;
	return false;
}

bool bench_results_any(const struct bench_results *r, size_t row)
{
	return any(r, row, 0);
}

/* "12.3 +-4% ( 1.5x)": the median, half of what lies between the lowest and the
 * highest, and how many times @base. Nothing at all is a result, too: no context
 * switches, for one. */
static void cell(struct bench_result *r, double base)
{
	char times[16] = "", spread[16] = "";
	double m = bench_median(r);

	if (!r->n) {
		printf(" %23s", "-");
		return;
	}
	if (m && r->n > 1)
		snprintf(spread, sizeof(spread), "+-%2.0f%%",
			 50 * (r->v[r->n - 1] - r->v[0]) / m);
	if (base)
		snprintf(times, sizeof(times), "(%4.1fx)", m / base);
	printf(" %8.*f %6s %7s", m < 1 ? 2 : 1, m, spread, times);
}

static void part_of_table(const struct bench_results *r, size_t figure,
			  size_t first, size_t last)
{
	size_t i, k;

	printf("%-23s", "");
	for (k = first; k < last; k++)
		printf(" %23s", r->title(k));
	putchar('\n');
	for (i = 0; i < r->n_rows; i++) {
		if (!any(r, i, figure))
			continue;
		printf("%-23s", r->row(i).title);
		for (k = first; k < last; k++)
			cell(bench_results_cell(r, i, k, figure),
			     bench_median(bench_results_cell(r, 0, k,
							     figure)));
		putchar('\n');
	}
}

static void table(const struct bench_results *r, size_t figure)
{
	size_t step = r->columns ? r->columns : r->n_cases, k, last;

	printf("%s%s, median of %u interleaved rounds (times the %s)\n",
	       figure ? "\n" : "", r->figures[figure].headline, r->rounds,
	       r->row(0).title);
	for (k = 0; k < r->n_cases; k += step) {
		last = k + step < r->n_cases ? k + step : r->n_cases;
		part_of_table(r, figure, k, last);
	}
}

static bool any_row(const struct bench_results *r, size_t figure)
{
	size_t i;

	for (i = 0; i < r->n_rows; i++)
		if (any(r, i, figure))
			return true;
	return false;
}

static void tables(const struct bench_results *r)
{
	size_t i;

	for (i = 0; i < r->n_figures; i++)
		if (any_row(r, i))
			table(r, i);
	for (i = 0; i < r->n_rows; i++)
		if (r->row(i).why[0])
			printf("missing: %s: %s\n", r->row(i).title,
			       r->row(i).why);
}

/* ---- for machines ---- */

static void json_cell(struct bench_result *r)
{
	double m = bench_median(r);

	fprintf(document, "{\"median\":%.3f,\"low\":%.3f,\"high\":%.3f,\"n\":%u}",
		m, r->v[0], r->v[r->n - 1], r->n);
}

static void json_cases(const struct bench_results *r, size_t row,
		       size_t figure)
{
	const char *sep = "";
	size_t k;

	for (k = 0; k < r->n_cases; k++) {
		struct bench_result *res = bench_results_cell(r, row, k,
							      figure);

		if (!res->n)
			continue;
		fputs(sep, document);
		document_string(r->title(k));
		fputc(':', document);
		json_cell(res);
		sep = ",";
	}
}

static void json_figure(const struct bench_results *r, size_t figure)
{
	const char *sep = "";
	size_t i;

	fprintf(document, "{\"key\":\"%s\",\"unit\":\"%s\",\"headline\":\"%s\","
		"\"results\":{", r->figures[figure].key,
		r->figures[figure].unit, r->figures[figure].headline);
	for (i = 0; i < r->n_rows; i++) {
		if (!any(r, i, figure))
			continue;
		fprintf(document, "%s\"%s\":{", sep, r->row(i).name);
		json_cases(r, i, figure);
		fputc('}', document);
		sep = ",\n ";
	}
	fputs("}}", document);
}

static void json_row(const struct bench_row row)
{
	fprintf(document, "{\"name\":\"%s\",\"title\":\"%s\",\"version\":",
		row.name, row.title);
	document_string(row.version ? row.version : "");
	fputs(",\"missing\":", document);
	document_string(row.why);
	fputc('}', document);
}

static void json(const struct bench_results *r)
{
	size_t i;

	fprintf(document, "{\"suite\":\"%s\",\"rounds\":%u,\"cases\":[",
		r->suite, r->rounds);
	for (i = 0; i < r->n_cases; i++) {
		fputs(i ? "," : "", document);
		document_string(r->title(i));
	}
	fputs("],\n\"rows\":[", document);
	for (i = 0; i < r->n_rows; i++) {
		fputs(i ? ",\n " : "", document);
		json_row(r->row(i));
	}
	fputs("],\n\"figures\":[", document);
	for (i = 0; i < r->n_figures; i++) {
		fputs(i ? ",\n" : "", document);
		json_figure(r, i);
	}
	fputs("]}\n", document);
}

int bench_results_say(const struct bench_results *r, const char *path)
{
	bool ours = !document;

	if (path && ours && bench_document_open(path))
		return 1;
	if (document) {
		document_part();
		json(r);
	}
	if (document != stdout)
		tables(r);
	return path && ours ? bench_document_close() : 0;
}
