// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A service for the tests of activation: does what its arguments say, in
 * order.
 *
 *	count=FILE	appends a line with its process id to FILE
 *	sleep=MS
 *	until=FILE	waits until there is a FILE
 *	fork		goes on in the background
 *	exit=STATUS
 *	raise=SIGNAL
 *	own=NAME	takes the name
 *	serve		answers calls: Echo(s), Env(s), Arg(s), Limit(), Files(),
 *			Signals(), Quit(), and all others with nothing
 */
#include "raw.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static struct raw *bus;
static char **arguments;

static void count(const char *file)
{
	int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0600);

	check(fd >= 0 && dprintf(fd, "started %d\n", (int)getpid()) > 0);
	close(fd);
}

static void nap(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void wait_for(const char *file)
{
	while (access(file, F_OK))
		nap(10);
}

static void background(void)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		_exit(0);
}

static void reply(const struct msg *call, const char *text)
{
	struct spec s = {
		.type = DBUS_TYPE_RETURN, .reply_serial = call->h.f.serial,
		.args = { text },
	};
	char to[64];

	snprintf(to, sizeof(to), "%.*s", (int)call->h.sender.len,
		 call->h.sender.s);
	s.destination = to;
	raw_send(bus, &s);
}

/* Descriptors beside the first three and the connection. */
static const char *files(void)
{
	static char text[32];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	check(dir);
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.' && atoi(e->d_name) > 2 &&
		    atoi(e->d_name) != bus->fd &&
		    atoi(e->d_name) != dirfd(dir))
			n++;
	closedir(dir);
	snprintf(text, sizeof(text), "%d", n);
	return text;
}

/* Those that are blocked, or ignored by more than a shell's background. */
static const char *signals(void)
{
	static char text[128];
	struct sigaction sa;
	sigset_t blocked;
	int i, n = 0;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	text[0] = 0;
	for (i = SIGQUIT + 1; i < SIGRTMIN; i++)
		if (sigismember(&blocked, i) == 1 ||
		    (!sigaction(i, NULL, &sa) && sa.sa_handler == SIG_IGN))
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				      "%d ", i);
	return text;
}

static const char *limit(void)
{
	static char text[32];
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	snprintf(text, sizeof(text), "%lu", (unsigned long)rl.rlim_cur);
	return text;
}

static void answer(const struct msg *m)
{
	const char *arg = msg_str(m), *text = NULL;

	if (msg_is(m, DBUS_TYPE_CALL, "Echo"))
		text = arg;
	else if (msg_is(m, DBUS_TYPE_CALL, "Env"))
		text = getenv(arg) ? getenv(arg) : "(unset)";
	else if (msg_is(m, DBUS_TYPE_CALL, "Arg"))
		text = arguments[atoi(arg)] ? arguments[atoi(arg)] : "(none)";
	else if (msg_is(m, DBUS_TYPE_CALL, "Limit"))
		text = limit();
	else if (msg_is(m, DBUS_TYPE_CALL, "Files"))
		text = files();
	else if (msg_is(m, DBUS_TYPE_CALL, "Signals"))
		text = signals();
	if (m->n_fds)
		check(write(m->fds[0], "x", 1) == 1);
	reply(m, text);
	if (msg_is(m, DBUS_TYPE_CALL, "Quit"))
		exit(0);
}

/* What has been waiting for the name comes before the answer. */
static void own(const char *name)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "RequestName", .destination = DRIVER,
		.args = { name }, .has_u = true, .u = 4,
	};
	bool done = false;
	uint32_t serial;
	struct msg m;

	if (!bus)
		bus = raw_open(true);
	for (serial = raw_send(bus, &s); !done; msg_free(&m)) {
		raw_recv(bus, &m);
		if (m.h.f.type == DBUS_TYPE_CALL)
			answer(&m);
		done = m.h.reply_serial == serial;
		if (done)
			check(msg_u32(&m) == 1);
	}
}

static void serve(void)
{
	struct msg m;

	/* Who has been forgotten goes with the bus. */
	while (raw_poll(bus, &m, -1) > 0) {
		if (m.h.f.type == DBUS_TYPE_CALL)
			answer(&m);
		msg_free(&m);
	}
	exit(0);
}

static const char *value(const char *step, const char *key)
{
	size_t len = strlen(key);

	return strncmp(step, key, len) ? NULL : step + len;
}

static void run(const char *step)
{
	const char *v;

	if ((v = value(step, "count=")))
		count(v);
	else if ((v = value(step, "sleep=")))
		nap(atol(v));
	else if ((v = value(step, "until=")))
		wait_for(v);
	else if (!strcmp(step, "fork"))
		background();
	else if ((v = value(step, "exit=")))
		exit(atoi(v));
	else if ((v = value(step, "raise=")))
		raise(atoi(v));
	else if ((v = value(step, "own=")))
		own(v);
	else if (!strcmp(step, "serve"))
		serve();
}

int main(int argc, char **argv)
{
	int i;

	/* By the helper of a system bus there is this alone. */
	if (!getenv("DBUS_SESSION_BUS_ADDRESS") &&
	    getenv("DBUS_STARTER_ADDRESS"))
		setenv("DBUS_SESSION_BUS_ADDRESS",
		       getenv("DBUS_STARTER_ADDRESS"), 1);
	arguments = argv;
	for (i = 1; i < argc; i++)
		run(argv[i]);
	return 0;
}
