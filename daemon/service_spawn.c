// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- environment ---- */

static bool has_key(const char *entry, const char *key, size_t len)
{
	return !strncmp(entry, key, len) && entry[len] == '=';
}

static int append(struct environment *e, char *entry)
{
	char **v = realloc(e->v, (e->n + 2) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	e->v = v;
	v[e->n++] = entry;
	v[e->n] = NULL;
	return 0;
}

int environment_set(struct environment *e, const char *key, const char *value)
{
	size_t i, len = strlen(key);
	char *entry;

	if (asprintf(&entry, "%s=%s", key, value) < 0)
		return -ENOMEM;
	for (i = 0; i < e->n; i++) {
		if (has_key(e->v[i], key, len)) {
			free(e->v[i]);
			e->v[i] = entry;
			return 0;
		}
	}
	if (append(e, entry) < 0) {
		free(entry);
		return -ENOMEM;
	}
	return 0;
}

/* Set by systemd for this daemon: see systemd.exec(5), sd_listen_fds(3). */
static bool is_ours(const char *entry)
{
	static const char * const keys[] = {
		"FDSTORE", "INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDNAMES",
		"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "WATCHDOG_PID",
		"WATCHDOG_USEC",
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (has_key(entry, keys[i], strlen(keys[i])))
			return true;
	return false;
}

int environment_init(struct environment *e)
{
	char **p, *copy;

	*e = (struct environment){ 0 };
	for (p = environ; *p; p++) {
		if (is_ours(*p))
			continue;
		copy = strdup(*p);
		if (!copy || append(e, copy) < 0) {
			free(copy);
			environment_done(e);
			return -ENOMEM;
		}
	}
	return 0;
}

void environment_done(struct environment *e)
{
	while (e->n)
		free(e->v[--e->n]);
	free(e->v);
	e->v = NULL;
}

/* ---- process ---- */

static struct rlimit initial;
static bool have_initial;

void spawn_remember_limits(void)
{
	have_initial = !getrlimit(RLIMIT_NOFILE, &initial);
}

/* As many descriptors as the reference has, if it may. */
#define ENOUGH_FDS 65536

void spawn_raise_limits(void)
{
	struct rlimit rl, more;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	more = rl;
	if (more.rlim_max < ENOUGH_FDS)
		more.rlim_max = ENOUGH_FDS;
	more.rlim_cur = more.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &more))
		return;
	/* That is root's to do. */
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* The lower one only: who is not root cannot have the other one back. */
void spawn_restore_limits(void)
{
	struct rlimit rl;

	if (!have_initial || getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	rl.rlim_cur = initial.rlim_cur < rl.rlim_max ? initial.rlim_cur :
						       rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* The kernel must not prefer to kill us, but anybody else. */
static void reset_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char first = 0;

	if (fd < 0)
		return;
	if (read(fd, &first, 1) == 1 && first == '-' &&
	    pwrite(fd, "0", 1, 0) < 0)
		first = 0;	/* nobody to tell */
	close(fd);
}

struct child {
	char * const *argv;
	char * const *envp;
	int null, out, error;
	volatile int err;	/* written by the child, in shared memory */
};

/*
 * Between vfork() and execve(): system calls alone, and no memory but the
 * struct is written to. It does not return.
 */
_Noreturn static void run_child(struct child *c)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigaction(SIGPIPE, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(c->null, STDIN_FILENO);
	if (c->out >= 0)
		dup2(c->out, STDOUT_FILENO);
	if (c->error >= 0)
		dup2(c->error, STDERR_FILENO);
	reset_oom_score();
	if (have_initial)
		setrlimit(RLIMIT_NOFILE, &initial);
	execve(c->argv[0], c->argv, c->envp);
	c->err = errno;
	_exit(1);
}

/*
 * All our descriptors are close-on-exec. vfork(), since it copies no page
 * tables however much this daemon holds, and since the result of execve() is
 * known when it returns.
 */
pid_t spawn(char * const argv[], char * const envp[], int out, int error,
	    bool *exec_failed)
{
	struct child c = {
		.argv = argv, .envp = envp, .out = out, .error = error,
	};
	pid_t pid;
	int err;

	*exec_failed = false;
	c.null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (c.null < 0)
		return -errno;
	pid = vfork();
	if (!pid)
		run_child(&c);
	err = pid < 0 ? errno : c.err;
	close(c.null);
	if (!err)
		return pid;
	if (pid > 0) {
		*exec_failed = true;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return -err;
}
