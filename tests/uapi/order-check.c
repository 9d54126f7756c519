// SPDX-License-Identifier: LGPL-2.1-or-later
#include "order-test.h"

/* Places of all messages, by sender and serial; 0: nobody was there. */
static uint64_t *places[ORDER_SENDERS];

bool order_gets(unsigned int reader, uint32_t to)
{
	return reader == ORDER_EAR || to == reader || to == TO_ALL ||
	       to == TO_ONE || (to == TO_EVEN && reader % 2 == 0);
}

/* One reader: ascending places, causes before, each sender's in its order,
 * all of them and none twice. */
static void check_reader(unsigned int me, const struct record *r,
			 const struct order_sent *sent)
{
	size_t next[ORDER_SENDERS] = { 0 }, i;
	uint64_t last = 0, *place;
	const struct entry *e;
	unsigned int s;

	for (i = 0; i < r->n; i++) {
		e = &r->e[i];
		s = e->s.sender;
		if (e->seq <= last)
			fail("reader %u: place %llu after %llu", me,
			     (unsigned long long)e->seq,
			     (unsigned long long)last);
		last = e->seq;
		if (e->s.seen >= e->seq)
			fail("reader %u: message %u of %u has place %llu, though it was sent after %llu was read",
			     me, e->s.serial, s, (unsigned long long)e->seq,
			     (unsigned long long)e->s.seen);
		while (next[s] < sent[s].n &&
		       !order_gets(me, sent[s].to[next[s]]))
			next[s]++;
		if (next[s] != e->s.serial)
			fail("reader %u: wanted message %zu of %u, got %u", me,
			     next[s], s, e->s.serial);
		next[s]++;
		place = &places[s][e->s.serial];
		if (*place && *place != e->seq)
			fail("message %u of %u is at %llu and at %llu",
			     e->s.serial, s, (unsigned long long)*place,
			     (unsigned long long)e->seq);
		*place = e->seq;
	}
	for (s = 0; s < ORDER_SENDERS; s++)
		for (i = next[s]; i < sent[s].n; i++)
			if (order_gets(me, sent[s].to[i]))
				fail("reader %u: message %zu of %u is lost", me,
				     i, s);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* No place has two messages; a sender's are in its order for all. */
static void check_places(const struct order_sent *sent)
{
	size_t n = 0, i;
	uint64_t *all, last;
	unsigned int s;

	for (s = 0; s < ORDER_SENDERS; s++)
		n += sent[s].n;
	all = malloc((n + 1) * sizeof(*all));
	check(all);
	for (n = 0, s = 0; s < ORDER_SENDERS; s++) {
		for (i = 0, last = 0; i < sent[s].n; i++) {
			if (!places[s][i])
				fail("message %zu of %u came to nobody", i, s);
			check(places[s][i] > last);
			last = all[n++] = places[s][i];
		}
	}
	qsort(all, n, sizeof(*all), by_number);
	for (i = 1; i < n; i++)
		check(all[i] != all[i - 1]);
	free(all);
}

void order_check(struct record *readers, struct order_sent *sent)
{
	unsigned int i;

	for (i = 0; i < ORDER_SENDERS; i++) {
		places[i] = calloc(sent[i].n + 1, sizeof(*places[i]));
		check(places[i]);
	}
	for (i = 0; i < ORDER_READERS; i++)
		check_reader(i, &readers[i], sent);
	check_places(sent);
	for (i = 0; i < ORDER_SENDERS; i++)
		free(places[i]);
}

static bool multicast(const struct entry *e)
{
	return e->s.to == TO_ALL || e->s.to == TO_ONE;
}

void order_check_visit(const struct record *all, const struct record *visit)
{
	size_t i = 0, j;

	for (j = 0; j < visit->n; j++) {
		/* From the first on there is no choice. */
		while (i < all->n && (!multicast(&all->e[i]) ||
				      (!j && all->e[i].seq != visit->e[0].seq)))
			i++;
		if (i == all->n)
			fail("a visitor's message %u of %u came to him alone",
			     visit->e[j].s.serial, visit->e[j].s.sender);
		if (all->e[i].seq != visit->e[j].seq ||
		    all->e[i].s.sender != visit->e[j].s.sender ||
		    all->e[i].s.serial != visit->e[j].s.serial)
			fail("a visitor missed message %u of %u, got %u of %u",
			     all->e[i].s.serial, all->e[i].s.sender,
			     visit->e[j].s.serial, visit->e[j].s.sender);
		i++;
	}
}
