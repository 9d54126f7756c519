// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Cause before effect: A sends to B and C, B answers to C as soon as it reads
 * it. C must have A's first, by multicast and by two unicasts, however many do
 * so at once.
 */
#include "native-test.h"

#define PAIRS 3

static struct peer a[PAIRS], b[PAIRS], c;
static long rounds;

struct text {
	uint32_t pair, round, answer;
};

static void *ask(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	struct text t = { .pair = i };

	for (t.round = 0; t.round < rounds; t.round++) {
		if (t.round % 2) {
			is(nt_to(a[i].fd, GROUP(i + 1), &t, sizeof(t), 0),
			   sizeof(t));
			continue;
		}
		is(nt_to(a[i].fd, c.addr, &t, sizeof(t), 0), sizeof(t));
		is(nt_to(a[i].fd, b[i].addr, &t, sizeof(t), 0), sizeof(t));
	}
	return NULL;
}

/* Reads as much as there is while it cannot send: its own full queue would
 * keep it from sending for ever. */
static void *answer(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	struct text t, out = { .pair = i, .answer = 1 };
	uint32_t have = 0;

	while (out.round < rounds) {
		if (recv(b[i].fd, &t, sizeof(t), out.round < have ?
			 MSG_DONTWAIT : 0) == sizeof(t))
			is(t.round, have++);
		else
			is(errno, EAGAIN);
		if (nt_to(b[i].fd, c.addr, &out, sizeof(out),
			  MSG_DONTWAIT) > 0) {
			out.round++;
		} else {
			is(errno, EAGAIN);
			usleep(100);
		}
	}
	return NULL;
}

int main(void)
{
	uint32_t asked[PAIRS] = { 0 }, answered[PAIRS] = { 0 };
	pthread_t ta[PAIRS], tb[PAIRS];
	struct text t;
	int bus = nt_bus();
	uintptr_t i;
	long n;

	rounds = nt_env("AFBUS_TEST_ROUNDS", 1000);
	c = nt_peer(bus);
	for (i = 0; i < PAIRS; i++) {
		a[i] = nt_peer(bus);
		b[i] = nt_peer(bus);
		/* C is often the last that is added, or the first. */
		ok(nt_add((i % 2 ? b[i] : c).end, PREFIX(i + 1) | 1));
		ok(nt_add((i % 2 ? c : b[i]).end, PREFIX(i + 1) | 2));
	}
	for (i = 0; i < PAIRS; i++) {
		pthread_create(&tb[i], NULL, answer, (void *)i);
		pthread_create(&ta[i], NULL, ask, (void *)i);
	}
	for (n = 0; n < 2 * PAIRS * rounds; n++) {
		is(recv(c.fd, &t, sizeof(t), 0), sizeof(t));
		check(t.pair < PAIRS);
		if (!t.answer) {
			is(t.round, asked[t.pair]++);
			continue;
		}
		is(t.round, answered[t.pair]++);
		if (asked[t.pair] < answered[t.pair])
			fail("pair %u: answer %u came before its question",
			     t.pair, t.round);
	}
	for (i = 0; i < PAIRS; i++) {
		pthread_join(ta[i], NULL);
		pthread_join(tb[i], NULL);
	}
	silent(c.fd);
	close(bus);
	return 0;
}
