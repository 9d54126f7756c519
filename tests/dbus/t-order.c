// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several senders send numbered messages, unicast and broadcast, to several
 * receivers: each sender's messages arrive in its order, and all receivers
 * see the broadcasts in one order.
 */
#include "raw.h"

#include <sys/wait.h>

#define SENDERS 4
#define RECEIVERS 3
#define N 400

struct seen {
	uint32_t last[SENDERS];	/* number of each sender's latest message */
	uint32_t order[SENDERS * N];
	unsigned int n;		/* broadcasts */
	unsigned int unicasts;
};

/* Odd numbers are broadcasts, even ones go to each receiver. */
static void sender(unsigned int id, char names[][32])
{
	struct raw *c = raw_open(false);
	struct spec s = {
		.path = "/", .interface = "test.Order", .member = "Num",
		.type = DBUS_TYPE_SIGNAL, .has_u = true,
	};
	unsigned int i, to;

	for (i = 1; i <= 2 * N; i++) {
		s.u = id << 16 | i;
		s.bytes = i % 7 * 300;
		s.destination = NULL;
		if (i & 1)
			raw_send(c, &s);
		for (to = 0; !(i & 1) && to < RECEIVERS; to++) {
			s.destination = names[to];
			raw_send(c, &s);
		}
	}
	raw_ping(c);
	raw_close(c);
	_exit(0);
}

static void take(struct seen *s, const struct msg *m)
{
	uint32_t v = msg_u32(m), id = v >> 16, num = v & 0xffff;

	check(id < SENDERS);
	if (num != s->last[id] + 1)
		fail("sender %u: %u after %u", id, num, s->last[id]);
	s->last[id] = num;
	if (num & 1)
		s->order[s->n++] = v;
	else
		s->unicasts++;
}

int main(void)
{
	static struct seen seen[RECEIVERS];
	struct raw *r[RECEIVERS];
	char names[RECEIVERS][32];
	struct msg m;
	unsigned int i;
	int status;

	for (i = 0; i < RECEIVERS; i++) {
		r[i] = raw_open(false);
		strcpy(names[i], r[i]->name);
		raw_match(r[i], "interface='test.Order'");
	}
	for (i = 0; i < SENDERS; i++)
		if (!fork())
			sender(i, names);
	for (i = 0; i < RECEIVERS; i++) {
		while (seen[i].n + seen[i].unicasts < 2 * N * SENDERS) {
			raw_recv_member(r[i], &m, "Num");
			take(&seen[i], &m);
			msg_free(&m);
		}
		check(seen[i].n == N * SENDERS);
		check(!memcmp(seen[i].order, seen[0].order,
			      sizeof(seen[0].order)));
		raw_close(r[i]);
	}
	for (i = 0; i < SENDERS; i++)
		check(wait(&status) > 0 && !status);
	return 0;
}
