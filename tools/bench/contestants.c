// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who is measured: each is started in a folder of its own, and stopped. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_TRIES 500		/* of 20 ms */

/* ---- no bus at all ---- */

static int direct_start(struct contestant *c)
{
	(void)c;
	return 0;
}

/* Copies between two sockets and looks at nothing. */
static _Noreturn void relay(int a, int b)
{
	struct pollfd p[2] = {
		{ .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN },
	};
	static uint8_t buf[64 << 10];
	ssize_t n;
	int i;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			_exit(1);
		for (i = 0; i < 2; i++) {
			if (!p[i].revents)
				continue;
			n = read(p[i].fd, buf, sizeof(buf));
			if (n <= 0 || client_write(p[!i].fd, buf, n) < 0)
				_exit(0);
		}
	}
}

static int relay_pair(struct contestant *c, struct bench_end pair[2])
{
	int x[2], y[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, y) < 0)
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		close(x[0]);
		close(y[0]);
		relay(x[1], y[1]);
	}
	close(x[1]);
	close(y[1]);
	pair[0].fd = x[0];
	pair[1].fd = y[0];
	return c->pid < 0 ? -errno : 0;
}

static int direct_pair(struct bench_end pair[2])
{
	int x[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, x) < 0)
		return -errno;
	pair[0].fd = x[0];
	pair[1].fd = x[1];
	return 0;
}

/* ---- buses ---- */

static void spawn(struct contestant *c, const char *const argv[])
{
	fflush(NULL);
	c->pid = fork();
	if (c->pid)
		return;
	/* What a bus says of itself does not belong into the table. */
	if (!freopen("/dev/null", "w", stdout))
		_exit(127);
	if (!getenv("AFBUS_BENCH_VERBOSE") && !freopen("/dev/null", "w", stderr))
		_exit(127);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* Where its socket is. */
static const char *path_of(const struct contestant *c)
{
	return c->address + (c->native ? strlen(CLIENT_NATIVE) : 0);
}

static int daemon_start(struct contestant *c)
{
	char addr[160];
	const char *argv[] = {
		"dbus-daemon", "--session", "--nofork", "--nopidfile",
		"--address", addr, NULL,
	};

	snprintf(addr, sizeof(addr), "unix:path=%s", c->address);
	spawn(c, argv);
	return c->pid < 0 ? -errno : 0;
}

/* Ours: the one named, or the one of this build, or the one on the PATH. */
static const char *afbusd(void)
{
	static char path[4096];
	const char *env = getenv("AFBUSD");
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	if (env)
		return env;
	if (n > 0) {
		path[n] = 0;
		slash = strrchr(path, '/');
		strcpy(slash, "/../daemon/afbusd");
		if (!access(path, X_OK))
			return path;
	}
	return "afbusd";
}

static int afbusd_start(struct contestant *c, const char *kind)
{
	const char *transport = c->native ? "afbus" : "unix";
	char addr[160], sw[32];
	const char *argv[] = {
		afbusd(), "--session", "--nofork", sw, addr, NULL,
	};

	snprintf(sw, sizeof(sw), "--switch=%s", kind);
	snprintf(addr, sizeof(addr), "--address=%s:path=%s", transport,
		 path_of(c));
	spawn(c, argv);
	return c->pid < 0 ? -errno : 0;
}

static int user_start(struct contestant *c)
{
	return afbusd_start(c, "user");
}

static int kernel_start(struct contestant *c)
{
	if (access("/proc/net/bus", F_OK))
		return -EAFNOSUPPORT;
	return afbusd_start(c, "kernel");
}

static const char *daemon_program(const struct contestant *c)
{
	(void)c;
	return "dbus-daemon";
}

static const char *afbusd_program(const struct contestant *c)
{
	(void)c;
	return afbusd();
}

struct contestant contestants[] = {
	{ .name = "direct", .title = "direct socket pair",
	  .start = direct_start },
	{ .name = "relay", .title = "dumb relay", .start = direct_start },
	{ .name = "dbus-daemon", .title = "dbus-daemon",
	  .start = daemon_start, .program = daemon_program },
	{ .name = "dbus-broker", .title = "dbus-broker",
	  .start = broker_start, .program = broker_program },
	{ .name = "broker-new", .title = "dbus-broker, newer",
	  .start = broker_start, .program = broker_program },
	{ .name = "user", .title = "afbusd, user switch",
	  .start = user_start, .program = afbusd_program },
	{ .name = "kernel", .title = "afbusd, kernel switch",
	  .start = kernel_start, .program = afbusd_program },
	{ .name = "native", .title = "afbusd, native",
	  .start = kernel_start, .program = afbusd_program, .native = true },
};
const size_t n_contestants = sizeof(contestants) / sizeof(contestants[0]);

bool contestant_is_bus(const struct contestant *c)
{
	return c->start != direct_start;
}

/* Until it takes connections, or has died. */
static int wait_ready(struct contestant *c)
{
	struct timespec ts = { .tv_nsec = 20000000 };
	struct bench_end e;
	int i, r = -ETIMEDOUT;

	for (i = 0; i < READY_TRIES; i++) {
		r = client_connect(&e, c->address);
		if (!r) {
			close(e.fd);
			return 0;
		}
		if (c->pid > 0 && waitpid(c->pid, NULL, WNOHANG) == c->pid) {
			c->pid = 0;
			return -ECHILD;
		}
		nanosleep(&ts, NULL);
	}
	return r;
}

/* The last word of the first line that its --version prints. */
static void ask_version(struct contestant *c)
{
	char command[256], line[256] = "", *word;
	FILE *f;

	if (!c->program || c->version[0])
		return;
	snprintf(command, sizeof(command), "'%s' --version 2>/dev/null",
		 c->program(c));
	fflush(NULL);
	f = popen(command, "re");
	if (!f)
		return;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	pclose(f);
	line[strcspn(line, "\n")] = 0;
	word = strrchr(line, ' ');
	snprintf(c->version, sizeof(c->version), "%s", word ? word + 1 : line);
}

int contestant_start(struct contestant *c)
{
	int r;

	if (contestant_is_bus(c)) {
		strcpy(c->dir, "/tmp/afbus-bench-XXXXXX");
		if (!mkdtemp(c->dir))
			return -errno;
		snprintf(c->address, sizeof(c->address), "%s%s/bus",
			 c->native ? CLIENT_NATIVE : "", c->dir);
	}
	r = c->start(c);
	if (!r && contestant_is_bus(c))
		r = wait_ready(c);
	if (r < 0) {
		snprintf(c->why, sizeof(c->why), "%s",
			 r == -ECHILD ? "it ended at once" : strerror(-r));
		contestant_stop(c);
		return r;
	}
	ask_version(c);
	c->on = true;
	return 0;
}

void contestant_stop(struct contestant *c)
{
	broker_stop(c);
	if (c->pid > 0) {
		kill(c->pid, SIGTERM);
		waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	if (c->dir[0]) {
		unlink(path_of(c));
		rmdir(c->dir);
		c->dir[0] = 0;
	}
	c->on = false;
}

int bench_impatient(int fd)
{
	/* So that a lost message ends a case, not hangs it. */
	const struct timeval tv = { .tv_sec = 60 };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ?
	       -errno : 0;
}

int contestant_pair(struct contestant *c, struct bench_end pair[2])
{
	int r;

	strcpy(pair[0].name, ":1.1");
	strcpy(pair[1].name, ":1.2");
	if (!strcmp(c->name, "direct"))
		r = direct_pair(pair);
	else if (!strcmp(c->name, "relay"))
		r = relay_pair(c, pair);
	else
		r = client_connect(&pair[0], c->address) ?:
		    client_connect(&pair[1], c->address);
	if (r < 0)
		return r;
	return bench_impatient(pair[0].fd) ?: bench_impatient(pair[1].fd);
}

int contestant_client(struct contestant *c, struct bench_end *e)
{
	struct bench_end pair[2] = { 0 };
	int r;

	if (contestant_is_bus(c)) {
		r = client_connect(e, c->address);
		return r ? r : bench_impatient(e->fd);
	}
	r = direct_pair(pair);
	if (r)
		return r;
	*e = pair[0];
	e->peer = pair[1].fd;
	return bench_impatient(e->fd);
}

void contestant_leave(struct bench_end *e)
{
	if (e->fd > 0)
		close(e->fd);
	if (e->peer > 0)
		close(e->peer);
	e->fd = e->peer = 0;
}
