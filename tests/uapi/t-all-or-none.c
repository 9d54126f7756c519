// SPDX-License-Identifier: LGPL-2.1-or-later
/* A multicast that does not fit somewhere reaches nobody; when it fits it
 * reaches everybody. */
#include "native-test.h"

#include <sys/time.h>

#define N 6

int main(void)
{
	int bus = nt_bus(), i, j, n;
	struct timeval tv = { .tv_usec = 1000 };
	struct peer a = nt_peer(bus), p[N];
	struct got g;

	for (i = 0; i < N; i++) {
		p[i] = nt_peer(bus);
		ok(nt_add(p[i].end, PREFIX(1) | (i + 1)));
	}
	ok(setsockopt(a.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	/* Each in turn is the one that is full. */
	for (i = 0; i < N; i++) {
		n = nt_fill(a.fd, p[i].addr, "x");
		refused(try_say(a.fd, GROUP(1), "all"), EAGAIN);
		refused(nt_to(a.fd, GROUP(1), "all", 3, 0), EAGAIN);
		refused(try_say(p[(i + 1) % N].fd, GROUP(1), "all"), EAGAIN);
		for (j = 0; j < N; j++)
			if (j != i)
				silent(p[j].fd);
		/* Others are not held up by it. */
		say(a.fd, p[(i + 1) % N].addr, "only you");
		heard(p[(i + 1) % N].fd, a.addr, "only you");
		ok(nt_take(p[i].fd, &g, 0));
		ok(try_say(a.fd, GROUP(1), "all"));
		is(nt_drain(p[i].fd), n);
		for (j = 0; j < N; j++)
			if (j != i)
				heard(p[j].fd, a.addr, "all");
	}
	for (j = 0; j < N; j++)
		silent(p[j].fd);
	close(bus);
	return 0;
}
