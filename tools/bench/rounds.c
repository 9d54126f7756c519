// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/bench/rounds.h"
#include "tools/bench/common.h"
#include "tools/command.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rounds {
	const struct bench_suite *s;
	const struct bench_run *o;
	struct bench_results results;
};

/* ---- options ---- */

int bench_run_option(int c, struct bench_run *o, void (*usage)(FILE *f))
{
	switch (c) {
	case 'r': return bench_number(optarg, 1, BENCH_MAX_ROUNDS, &o->rounds);
	case 'n': return bench_number(optarg, 10, 10000000, &o->count);
	case 'c': o->only = optarg; return 0;
	case 'j': o->json = optarg; return 0;
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

/* ---- who takes part ---- */

static struct bench_row row(size_t i)
{
	const struct contestant *c = &contestants[i];

	return (struct bench_row){ c->name, c->title, c->version, c->why };
}

static void start(const struct rounds *r, size_t who)
{
	struct contestant *c = &contestants[who];
	int err;

	c->why[0] = 0;
	if (!bench_chosen(r->o->only, c->name)) {
		snprintf(c->why, sizeof(c->why), "not asked for");
		return;
	}
	if (c->program && !*c->program(c)) {
		snprintf(c->why, sizeof(c->why), "$DBUS_BROKER_NEW is not set");
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

/* ---- turns ---- */

static void keep(const struct rounds *r, size_t who, size_t k,
		 const double *figures)
{
	struct bench_result *res;
	size_t i;

	for (i = 0; i < r->s->n_figures; i++) {
		if (isnan(figures[i]))
			continue;
		res = bench_results_cell(&r->results, who, k, i);
		res->v[res->n++] = figures[i];
	}
}

static void turn(const struct rounds *r, size_t who, size_t k)
{
	double figures[BENCH_MAX_FIGURES] = { NAN, NAN, NAN, NAN };
	struct contestant *c = &contestants[who];
	int err = r->s->turn(c, who, k, r->o, figures);

	if (!err) {
		keep(r, who, k, figures);
		return;
	}
	snprintf(c->why, sizeof(c->why), "%s: %s", r->s->title(k),
		 strerror(-err));
	contestant_stop(c);
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
		if (bench_results_any(&r->results, i) && !contestants[i].on)
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
		.results = {
			.suite = s->name, .rounds = o->rounds,
			.figures = s->figures, .n_figures = s->n_figures,
			.n_rows = n_contestants, .n_cases = s->n_cases,
			.columns = s->columns, .title = s->title, .row = row,
		},
	};
	int err = bench_results_alloc(&r.results);
	unsigned int i;
	bool complete;

	if (err || !start_all(&r)) {
		fprintf(stderr, "afbus bench: %s\n", err ? strerror(-err) :
			"nothing to measure");
		free(r.results.cells);
		return 1;
	}
	for (i = 0; i < o->rounds; i++) {
		fprintf(stderr, "\rafbus bench: %s, round %u of %u   ",
			s->name, i + 1, o->rounds);
		round_of_all(&r);
	}
	fprintf(stderr, "\n");
	complete = stop_all(&r);
	err = bench_results_say(&r.results, o->json);
	free(r.results.cells);
	return err ? err : !complete;
}
