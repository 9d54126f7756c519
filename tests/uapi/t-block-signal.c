// SPDX-License-Identifier: LGPL-2.1-or-later
/* A signal ends a blocked call, or starts it anew; either way the message is
 * sent once or not at all. */
#include "native-test.h"

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static volatile sig_atomic_t hits;

static void hit(int sig)
{
	hits++;
}

static void handle(int flags)
{
	struct sigaction sa = { .sa_handler = hit, .sa_flags = flags };

	ok(sigaction(SIGUSR1, &sa, NULL));
	hits = 0;
}

/* Wakes @b with the signal, and sees it handled. */
static void wake(struct bg *b)
{
	pthread_kill(b->thread, SIGUSR1);
	while (!hits)
		usleep(1000);
}

static long recv_one(void *arg)
{
	char c;

	return recv(*(int *)arg, &c, 1, 0);
}

static void interrupted(int bus, uint64_t to)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct bg_send s = { a.fd, to ? to : b.addr, "waited" };
	struct bg x;
	int n = nt_fill(c.fd, b.addr, "x");

	handle(0);
	bg_start(&x, bg_send, &s);
	bg_asleep(&x);
	wake(&x);
	refused(bg_end(&x), EINTR);
	silent(a.fd);
	is(nt_drain(b.fd), n);
	say(c.fd, b.addr, "its place is free");
	heard(b.fd, c.addr, "its place is free");
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
}

static void restarted(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct bg_send s = { a.fd, b.addr, "waited" };
	struct bg x;
	struct got g;
	int n = nt_fill(a.fd, b.addr, "x");

	handle(SA_RESTART);
	bg_start(&x, bg_send, &s);
	bg_asleep(&x);
	wake(&x);
	bg_asleep(&x);
	ok(nt_take(b.fd, &g, 0));
	is(bg_end(&x), 6);
	while (--n)
		heard(b.fd, a.addr, "x");
	heard(b.fd, a.addr, "waited");
	silent(b.fd);
	/* The same for reading. */
	hits = 0;
	bg_start(&x, recv_one, &b.fd);
	bg_asleep(&x);
	wake(&x);
	bg_asleep(&x);
	say(a.fd, b.addr, "x");
	is(bg_end(&x), 1);
	handle(0);
	bg_start(&x, recv_one, &b.fd);
	bg_asleep(&x);
	wake(&x);
	refused(bg_end(&x), EINTR);
	nt_close(&a);
	nt_close(&b);
}

/* A sender that is killed while it waits is none any more. */
static void killed(int bus)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	int n = nt_fill(a.fd, b.addr, "x"), sync[2], status;
	pid_t pid;
	char c;

	ok(pipe(sync));
	pid = nt_fork();
	if (!pid) {
		(void)!write(sync[1], "", 1);
		say(a.fd, b.addr, "never");
		_exit(0);
	}
	ok(read(sync[0], &c, 1));
	usleep(20000);
	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0));
	check(WIFSIGNALED(status));
	is(nt_drain(b.fd), n);
	say(a.fd, b.addr, "goes on");
	heard(b.fd, a.addr, "goes on");
	nt_close(&a);
	nt_close(&b);
}

int main(void)
{
	int bus = nt_bus();

	interrupted(bus, 0);
	interrupted(bus, EVERYBODY);
	restarted(bus);
	killed(bus);
	close(bus);
	return 0;
}
