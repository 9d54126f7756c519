// SPDX-License-Identifier: LGPL-2.1-or-later
/* With priorities there is one order within each: all readers see the same,
 * and each sender's as it sent them. */
#include "native-test.h"

#define SENDERS 4
#define READERS 3
#define PRIOS 7

static struct peer from[SENDERS], to[READERS];
static long each;

struct text {
	uint32_t sender, prio, serial;	/* counts within the priority */
};

struct seen {
	struct text t;
	uint64_t seq;
};

static struct seen *seen[READERS];
static long n_seen[READERS];

static void *shout(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint32_t serial[PRIOS] = { 0 };
	unsigned int seed = me;
	struct text t = { .sender = me };
	int prio;
	long i;

	for (i = 0; i < each; i++) {
		prio = rand_r(&seed) % PRIOS;
		ok(setsockopt(from[me].fd, SOL_SOCKET, SO_PRIORITY, &prio,
			      sizeof(prio)));
		t.prio = prio;
		t.serial = serial[prio]++;
		is(nt_to(from[me].fd, GROUP(1), &t, sizeof(t), 0), sizeof(t));
	}
	return NULL;
}

static void *listen_to(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	unsigned int seed = me;
	struct got g;

	while (n_seen[me] < each * SENDERS) {
		is(nt_take(to[me].fd, &g, 0), sizeof(struct text));
		check(g.has_info);
		memcpy(&seen[me][n_seen[me]].t, g.data, sizeof(struct text));
		seen[me][n_seen[me]++].seq = g.info.seq;
		/* So that something waits, and priorities matter. */
		if (rand_r(&seed) % 50 == 0)
			usleep(rand_r(&seed) % 2000);
	}
	return NULL;
}

/* The messages of @prio that reader @i saw, one after the other. */
static const struct seen *next(int i, uint32_t prio, long *at)
{
	while (*at < n_seen[i])
		if (seen[i][(*at)++].t.prio == prio)
			return &seen[i][*at - 1];
	return NULL;
}

static void check_prio(uint32_t prio)
{
	long at[READERS] = { 0 };
	uint32_t serial[SENDERS] = { 0 };
	const struct seen *first, *other;
	uint64_t last = 0;
	int i;

	while ((first = next(0, prio, &at[0]))) {
		check(first->seq > last);
		last = first->seq;
		is(first->t.serial, serial[first->t.sender]++);
		for (i = 1; i < READERS; i++) {
			other = next(i, prio, &at[i]);
			check(other && other->seq == first->seq);
			is(other->t.sender, first->t.sender);
			is(other->t.serial, first->t.serial);
		}
	}
	for (i = 1; i < READERS; i++)
		check(!next(i, prio, &at[i]));
}

/* There must have been something to reorder, or nothing was tried. */
static bool reordered(void)
{
	long i;

	for (i = 1; i < n_seen[0]; i++)
		if (seen[0][i].seq < seen[0][i - 1].seq)
			return true;
	return false;
}

int main(void)
{
	pthread_t s[SENDERS], r[READERS];
	int bus = nt_bus();
	uintptr_t i;

	each = nt_env("AFBUS_TEST_ROUNDS", 2000);
	nt_set(bus, BUS_SET_MAXQLEN, 30);
	for (i = 0; i < SENDERS; i++)
		from[i] = nt_peer(bus);
	for (i = 0; i < READERS; i++) {
		to[i] = nt_peer(bus);
		ok(nt_add(to[i].end, PREFIX(1) | (i + 1)));
		nt_set(to[i].fd, BUS_PASS_INFO, 1);
		seen[i] = calloc(each * SENDERS, sizeof(*seen[i]));
		check(seen[i]);
	}
	for (i = 0; i < READERS; i++)
		pthread_create(&r[i], NULL, listen_to, (void *)i);
	for (i = 0; i < SENDERS; i++)
		pthread_create(&s[i], NULL, shout, (void *)i);
	for (i = 0; i < SENDERS; i++)
		pthread_join(s[i], NULL);
	for (i = 0; i < READERS; i++)
		pthread_join(r[i], NULL);
	for (i = 0; i < PRIOS; i++)
		check_prio(i);
	check(reordered());
	close(bus);
	return 0;
}
