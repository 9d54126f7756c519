// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * load N: N pairs of processes call each other at full rate on the bus at
 * $DBUS_SESSION_BUS_ADDRESS, until SIGTERM comes. Says "ready" when all of them
 * do. Each call has had its reply, in order and whole, or the exit status is 1.
 */
#include "raw.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define BODY 200

static volatile sig_atomic_t over;

static void stop(int sig)
{
	(void)sig;
	over = 1;
}

static _Noreturn void serve(int name_to)
{
	struct raw *c = raw_open(false);
	bool quit = false;
	struct msg m;

	check(write(name_to, c->name, sizeof(c->name)) == sizeof(c->name));
	while (!quit) {
		raw_recv(c, &m);
		if (m.h.f.type == DBUS_TYPE_CALL) {
			quit = msg_is(&m, DBUS_TYPE_CALL, "Quit");
			raw_reply(c, &m, BODY);
		}
		msg_free(&m);
	}
	raw_close(c);
	exit(0);
}

/* A caller leaves SIGTERM pending, so that nothing is interrupted. */
static bool told_to_end(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGTERM);
}

/* The next message of whom it calls is the answer to this very call; others
 * may say what they want. */
static void call(struct raw *c, const char *to, const char *member)
{
	const struct spec s = {
		.path = "/load", .interface = "test.Load", .member = member,
		.destination = to, .bytes = BODY,
	};
	uint32_t serial = raw_send(c, &s);
	bool done = false;
	struct msg m;

	while (!done) {
		raw_recv(c, &m);
		done = dbus_str_eq(m.h.sender, to, strlen(to));
		if (done) {
			check(m.h.f.type == DBUS_TYPE_RETURN);
			check(m.h.reply_serial == serial);
			check(m.h.f.body_len == BODY + 4);
		}
		msg_free(&m);
	}
}

static _Noreturn void pair(int ready)
{
	char name[sizeof(((struct raw *)0)->name)];
	unsigned long n = 0;
	struct raw *c;
	int p[2], status;
	pid_t pid;

	check(!pipe(p));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(p[1]);
	}
	close(p[1]);
	check(read(p[0], name, sizeof(name)) == sizeof(name));
	c = raw_open(false);
	do {
		call(c, name, "Work");
		if (!n++)
			check(write(ready, "", 1) == 1);
	} while (!told_to_end());
	call(c, name, "Quit");
	raw_close(c);
	check(waitpid(pid, &status, 0) == pid && !status);
	exit(0);
}

int main(int argc, char **argv)
{
	int i, n = argc == 2 ? atoi(argv[1]) : 0, p[2], status, failed = 0;
	struct sigaction sa = { .sa_handler = stop };
	sigset_t set;
	pid_t *pids;
	char c;

	check(n > 0);
	pids = calloc(n, sizeof(*pids));
	check(pids && !pipe(p));
	sigaction(SIGTERM, &sa, NULL);
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		check(pids[i] >= 0);
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			sigemptyset(&set);
			sigaddset(&set, SIGTERM);
			sigprocmask(SIG_BLOCK, &set, NULL);
			pair(p[1]);
		}
	}
	close(p[1]);
	for (i = 0; i < n; i++)
		check(read(p[0], &c, 1) == 1);
	puts("ready");
	fflush(stdout);
	while (!over)
		pause();
	for (i = 0; i < n; i++)
		kill(pids[i], SIGTERM);
	for (i = 0; i < n; i++)
		failed |= waitpid(pids[i], &status, 0) != pids[i] || status;
	return failed;
}
