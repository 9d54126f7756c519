/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting the program of a service: its environment, and the process.
 */
#ifndef AFBUS_DAEMON_SERVICE_SPAWN_H
#define AFBUS_DAEMON_SERVICE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All zero is an empty one. */
struct environment {
	char **v;		/* NULL-terminated once n > 0 */
	size_t n;
};

/* That of this process, without what a service manager set for us alone. */
int environment_init(struct environment *e);
int environment_set(struct environment *e, const char *key, const char *value);
void environment_done(struct environment *e);

/* Raises our own limit of descriptors, since every connection takes some:
 * programs get the limit we were started with. */
void spawn_remember_limits(void);

/* Sets that limit again, and the higher one. */
void spawn_restore_limits(void);
void spawn_raise_limits(void);

/*
 * Runs @argv[0], a path, with nothing of ours but standard output and standard
 * error, or @out and @error for them if they are not -1 (borrowed). Returns
 * the process id; -errno: it could not be made, with *@exec_failed telling
 * whether it was execve() that failed. SIGCHLD has to be blocked.
 */
pid_t spawn(char * const argv[], char * const envp[], int out, int error,
	    bool *exec_failed);

#endif
