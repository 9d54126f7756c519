// SPDX-License-Identifier: LGPL-2.1-or-later
/* Senders of several uids wait in lines of their own, which take turns: who
 * comes last, alone, is not behind the many of another. */
#include "native-test.h"

#define CROWD 6
/* Eight lines are shared by all uids, which by which is a secret: one of these
 * is in another line than the crowd, but once in 8^LONERS times. */
#define LONERS 5

static int bus, up[2];
static uint64_t target;

struct party {
	int senders;
	const char *text;
};

static long send_text(void *arg)
{
	struct bg_send *s = arg;

	return nt_to(s->fd, s->addr, s->text, strlen(s->text), 0);
}

/* Says when it has connected, and when all of it wait in send(). */
static void party(void *arg)
{
	struct party *p = arg;
	struct bg_send s[CROWD];
	struct bg b[CROWD];
	struct got g;
	int i;

	for (i = 0; i < p->senders; i++) {
		s[i] = (struct bg_send){ nt_connect(bus), target, p->text };
		is(write(up[1], "c", 1), 1);
	}
	/* Each is told when it may. */
	for (i = 0; i < p->senders; i++)
		ok(nt_take(s[i].fd, &g, 0));
	for (i = 0; i < p->senders; i++) {
		bg_start(&b[i], send_text, &s[i]);
		bg_asleep(&b[i]);
	}
	is(write(up[1], "w", 1), 1);
	for (i = 0; i < p->senders; i++)
		is(bg_end(&b[i]), strlen(p->text));
}

static pid_t come(uid_t uid, struct party *p, int *ends)
{
	pid_t pid = nt_fork();
	struct peer one;
	char c;
	int i;

	if (!pid)
		_exit(nt_as(uid, party, p) != 0);
	for (i = 0; i < p->senders; i++) {
		is(read(up[0], &c, 1), 1);
		one = nt_accept(bus, -1);
		ok(nt_join(one.end));
		ends[i] = one.end;
	}
	for (i = 0; i < p->senders; i++)
		tell(ends[i], "go");
	is(read(up[0], &c, 1), 1);
	is(c, 'w');
	return pid;
}

int main(void)
{
	struct party crowd = { CROWD, "crowd" }, alone = { 1, "alone" };
	int ends[CROWD + LONERS], n, i, in_front = 0;
	pid_t pid[1 + LONERS];
	struct peer a, b;
	struct got g;

	if (getuid())
		nt_skip("not root");
	bus = nt_bus();
	a = nt_peer(bus);
	b = nt_peer(bus);
	target = b.addr;
	ok(pipe(up));
	n = nt_fill(a.fd, b.addr, "mine");
	pid[0] = come(NT_UID, &crowd, ends);
	for (i = 0; i < LONERS; i++)
		pid[1 + i] = come(NT_UID + 1 + i, &alone, ends + CROWD + i);
	for (i = 0; i < n; i++)
		heard(b.fd, a.addr, "mine");
	do {
		ok(nt_take(b.fd, &g, 0));
	} while (strcmp(g.data, "alone") && ++in_front);
	check(in_front <= 1);
	for (i = in_front + 1; i < CROWD + LONERS; i++)
		ok(nt_take(b.fd, &g, 0));
	silent(b.fd);
	for (i = 0; i < 1 + LONERS; i++)
		reap(pid[i]);
	close(bus);
	return 0;
}
