// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A receiver that stops reading (its process is stopped) keeps its senders
 * waiting for limits.stall_ms; then it is removed and they go on. It can still
 * read what was committed before and learns why; its end is told; the others
 * have missed nothing.
 */
#include "native-test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static int bus;

/* Reads numbers to the end; the last must be the parent's last. */
static void reader(struct peer *p, int report)
{
	int n = 0, last = -1;
	ssize_t len;

	for (;;) {
		len = recv(p->fd, &n, sizeof(n), 0);
		if (len < 0)
			break;
		is(len, sizeof(n));
		is(n, last + 1);
		last = n;
		if (n == 0)
			is(write(report, &n, sizeof(n)), sizeof(n));
	}
	is(errno, ETIMEDOUT);
	check(recv(p->fd, &n, sizeof(n), 0) <= 0);
	is(nt_reason(p->fd), BUS_REASON_STALLED);
	refused(send(p->fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	refused(try_say(p->fd, EVERYBODY, "x"), EPIPE);
	check(nt_poll(p->fd, POLLIN, 0) & POLLHUP);
	is(write(report, &last, sizeof(last)), sizeof(last));
	_exit(0);
}

static bool there(struct peer *a, struct peer *slow)
{
	return !nt_poll(slow->end, POLLRDHUP, 0) && !nt_poll(a->end, POLLIN, 0);
}

/* Sends numbers, to @to, until its receiver is gone; the last that went. */
static int send_on(struct peer *a, struct peer *slow, uint64_t to,
		   struct peer *ok_one)
{
	int n, back;

	for (n = 1; there(a, slow); n++) {
		is(nt_to(a->fd, to, &n, sizeof(n), 0), sizeof(n));
		if (!ok_one)
			continue;
		is(recv(ok_one->fd, &back, sizeof(back), MSG_DONTWAIT),
		   sizeof(back));
		is(back, n);
	}
	return n - 1;
}

static void one(bool multicast)
{
	struct peer a = nt_peer(bus), slow = nt_peer(bus), b = nt_peer(bus);
	uint64_t to = multicast ? GROUP(1) : slow.addr;
	int report[2], n = 0, got, sent, back;
	pid_t pid;

	ok(nt_add(slow.end, PREFIX(1) | 1));
	ok(nt_add(b.end, PREFIX(1) | 2));
	ok(pipe(report));
	tell(slow.fd, "before");
	pid = nt_fork();
	if (!pid)
		reader(&slow, report[1]);
	is(nt_to(a.fd, slow.addr, &n, sizeof(n), 0), sizeof(n));
	is(read(report[0], &got, sizeof(got)), sizeof(got));
	ok(kill(pid, SIGSTOP));
	ok(waitpid(pid, NULL, WUNTRACED));
	sent = send_on(&a, &slow, to, multicast ? &b : NULL);
	/* Exactly those that fit had been committed. */
	ok(kill(pid, SIGCONT));
	is(read(report[0], &got, sizeof(got)), sizeof(got));
	reap(pid);
	is(got, 11);
	check(sent > got);
	/* The one that waited found nobody there. */
	for (n = got + 1; !multicast && n <= sent; n++) {
		is(recv(a.end, &back, sizeof(back), MSG_DONTWAIT),
		   sizeof(back));
		is(back, n);
	}
	silent(a.end);
	heard(slow.end, slow.addr, "before");
	told_closed(&slow, BUS_REASON_STALLED);
	refused(send(slow.end, "x", 1, MSG_NOSIGNAL), EPIPE);
	/* Nobody else was touched. */
	say(a.fd, b.addr, "still here");
	heard(b.fd, a.addr, "still here");
	say(a.fd, EVERYBODY, "all of us");
	heard(a.fd, a.addr, "all of us");
	heard(b.fd, a.addr, "all of us");
	silent(b.fd);
	close(report[0]);
	close(report[1]);
	nt_close(&a);
	nt_close(&b);
	nt_close(&slow);
}

int main(void)
{
	struct bus_limits l = { .stall_ms = 400 };

	bus = nt_bus();
	nt_set_limits(bus, l);
	one(false);
	one(true);
	close(bus);
	return 0;
}
