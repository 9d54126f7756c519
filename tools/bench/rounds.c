// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/bench/rounds.h"
#include "tools/bench/common.h"
#include "tools/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct rounds {
	const struct bench_suite *s;
	const struct bench_run *o;
	struct bench_result *results;
};

/* ---- options ---- */

int bench_run_option(int c, struct bench_run *o, void (*usage)(FILE *f))
{
	switch (c) {
	case 'r': return bench_number(optarg, 1, BENCH_MAX_ROUNDS, &o->rounds);
	case 'n': return bench_number(optarg, 10, 10000000, &o->count);
	case 'c': o->only = optarg; return 0;
	case 'j': o->json = true; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int bench_run_arguments(int argc, char **argv)
{
	if (optind >= argc)
		return 0;
	fprintf(stderr, "afbus bench: unexpected argument '%s'\n",
		argv[optind]);
	return EXIT_USAGE;
}

/* ---- output ---- */

static struct bench_result *result(const struct rounds *r, size_t who,
				   size_t k, size_t figure)
{
	return &r->results[(who * r->s->n_cases + k) * r->s->n_figures +
			   figure];
}

/* Nothing at all is a result, too: no context switches, for one. */
static void cell(struct bench_result *res, struct bench_result *base)
{
	double us = bench_median(res);

	if (res->n && !us)
		printf(" %10.2f (0.00x)", us);
	else
		bench_cell(us, bench_median(base));
}

static void table(const struct rounds *r, size_t figure)
{
	const struct bench_suite *s = r->s;
	size_t i, k;

	printf("%s%s, median of %u interleaved rounds (times the direct pair)\n",
	       figure ? "\n" : "", s->figures[figure].headline, r->o->rounds);
	printf("%-22s", "");
	for (k = 0; k < s->n_cases; k++)
		printf(" %18s", s->title(k));
	putchar('\n');
	for (i = 0; i < n_contestants; i++) {
		printf("%-22s", contestants[i].title);
		for (k = 0; k < s->n_cases; k++)
			cell(result(r, i, k, figure),
			     result(r, 0, k, figure));
		putchar('\n');
	}
}

static void tables(const struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->s->n_figures; i++)
		table(r, i);
	for (i = 0; i < n_contestants; i++)
		if (contestants[i].why[0])
			printf("missing: %s: %s\n", contestants[i].title,
			       contestants[i].why);
}

static void json_figure(const struct rounds *r, size_t figure)
{
	const struct bench_suite *s = r->s;
	const char *sep = "";
	size_t i, k;

	printf(",\"%s\":{", s->figures[figure].key);
	for (i = 0; i < n_contestants; i++) {
		if (!result(r, i, 0, figure)->n)
			continue;
		printf("%s\"%s\":{", sep, contestants[i].name);
		sep = ",";
		for (k = 0; k < s->n_cases; k++)
			printf("%s\"%s\":%.2f", k ? "," : "", s->title(k),
			       bench_median(result(r, i, k, figure)));
		putchar('}');
	}
	putchar('}');
}

static void json(const struct rounds *r)
{
	size_t i;

	printf("{\"unit\":\"us\",\"rounds\":%u", r->o->rounds);
	for (i = 0; i < r->s->n_figures; i++)
		json_figure(r, i);
	puts("}");
}

/* ---- */

static void start(const struct rounds *r, size_t who)
{
	struct contestant *c = &contestants[who];
	int err;

	if (!bench_chosen(r->o->only, c->name)) {
		snprintf(c->why, sizeof(c->why), "not asked for");
		return;
	}
	if (contestant_start(c))
		return;
	err = r->s->join(c, who);
	if (!err)
		return;
	snprintf(c->why, sizeof(c->why), "%s", strerror(-err));
	contestant_stop(c);
}

static int start_all(const struct rounds *r)
{
	size_t i;
	int n = 0;

	/* Who still has too few says so. */
	bench_many_files();
	for (i = 0; i < n_contestants; i++) {
		start(r, i);
		n += contestants[i].on;
	}
	return n;
}

static void turn(const struct rounds *r, size_t who, size_t k)
{
	double figures[BENCH_MAX_FIGURES] = { 0 };
	struct contestant *c = &contestants[who];
	struct bench_result *res;
	size_t i;
	int err = r->s->turn(c, who, k, r->o, figures);

	if (err) {
		snprintf(c->why, sizeof(c->why), "%s: %s", r->s->title(k),
			 strerror(-err));
		contestant_stop(c);
		return;
	}
	for (i = 0; i < r->s->n_figures; i++) {
		res = result(r, who, k, i);
		res->us[res->n++] = figures[i];
	}
}

static void round_of_all(const struct rounds *r)
{
	size_t i, k;

	for (k = 0; k < r->s->n_cases; k++)
		for (i = 0; i < n_contestants; i++)
			if (contestants[i].on)
				turn(r, i, k);
}

/* All that were running have come to the end. */
static bool stop_all(const struct rounds *r)
{
	bool complete = true;
	size_t i;

	for (i = 0; i < n_contestants; i++) {
		if (result(r, i, 0, 0)->n && contestants[i].why[0])
			complete = false;
		contestant_stop(&contestants[i]);
	}
	return complete;
}

int bench_suite(const struct bench_suite *s, const struct bench_run *o)
{
	struct rounds r = {
		.s = s,
		.o = o,
		.results = calloc(n_contestants * s->n_cases * s->n_figures,
				  sizeof(*r.results)),
	};
	unsigned int i;
	bool complete;

	if (!r.results || !start_all(&r)) {
		fprintf(stderr, "afbus bench: %s\n", r.results ?
			"nothing to measure" : strerror(ENOMEM));
		free(r.results);
		return 1;
	}
	for (i = 0; i < o->rounds; i++) {
		fprintf(stderr, "\rafbus bench: round %u of %u", i + 1,
			o->rounds);
		round_of_all(&r);
	}
	fprintf(stderr, "\n");
	complete = stop_all(&r);
	if (o->json)
		json(&r);
	else
		tables(&r);
	free(r.results);
	return !complete;
}
