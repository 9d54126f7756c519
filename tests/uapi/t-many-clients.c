// SPDX-License-Identifier: LGPL-2.1-or-later
/* Very many clients on one bus (AFBUS_TEST_CLIENTS, 10000): all are reached
 * by one message, each by its address, and all go. */
#include "native-test.h"

#include <poll.h>
#include <sys/resource.h>

static void room_for(long n)
{
	struct rlimit r = { 2 * n + 100, 2 * n + 100 };

	if (setrlimit(RLIMIT_NOFILE, &r))
		nt_skip("cannot have that many open files");
}

int main(void)
{
	long n = nt_env("AFBUS_TEST_CLIENTS", 10000), i;
	struct peer *p = calloc(n, sizeof(*p));
	int bus, before;

	check(p && n >= 100);
	nt_alarm(600);
	room_for(n);
	bus = nt_bus();
	before = nt_proc_lines();
	for (i = 0; i < n; i++) {
		p[i] = nt_peer(bus);
		if (i % 10 == 0)
			ok(nt_add(p[i].end, PREFIX(1) | i));
	}
	check(nt_proc_lines() >= before + n);
	say(p[n / 2].fd, EVERYBODY, "all");
	for (i = 0; i < n; i++) {
		heard(p[i].fd, p[n / 2].addr, "all");
		silent(p[i].fd);
	}
	say(p[0].fd, GROUP(1), "a tenth");
	for (i = 0; i < n; i++) {
		if (i % 10 == 0)
			heard(p[i].fd, p[0].addr, "a tenth");
		else
			silent(p[i].fd);
	}
	/* One in the crowd that is full is as good as all. */
	nt_fill(p[0].fd, p[n - 1].addr, "x");
	refused(try_say(p[0].fd, EVERYBODY, "x"), EAGAIN);
	nt_drain(p[n - 1].fd);
	for (i = 0; i < n; i += 7)
		say(p[n - 1 - i].fd, p[i].addr, "one");
	for (i = 0; i < n; i++)
		is(nt_drain(p[i].fd), i % 7 == 0);
	/* Some go by themselves, the rest with the bus. */
	for (i = 0; i < n; i += 2)
		nt_close(&p[i]);
	say(p[1].fd, EVERYBODY, "half");
	for (i = 1; i < n; i += 2)
		heard(p[i].fd, p[1].addr, "half");
	close(bus);
	for (i = 1; i < n; i += 2) {
		check(nt_poll(p[i].fd, POLLIN, 0) & POLLHUP);
		nt_close(&p[i]);
	}
	return 0;
}
