/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For small programs that play master and clients of native buses. What fails
 * unexpectedly ends the program with a line that says where, with both values;
 * what hangs ends with the last place it came by, after five times 20 s (or
 * $AFBUS_TEST_WAIT_MS, for slower kernels).
 * Sending is synchronous (what send() took can be read), so whatever should
 * have come is read without waiting, and "nothing came" needs no pause either.
 */
#ifndef AFBUS_NATIVE_TEST_H
#define AFBUS_NATIVE_TEST_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "linux/bus.h"

#define NT_SKIP 77
#define NT_FDS 253
#define NT_DATA 4096
/* A time-out that no test lives to see: nobody is saved by it who asks for
 * something else. */
#define NT_NEVER 3000000
/* How long a bus outlives its master: longer than any test, but those that are
 * made to give up, and to leave nothing. */
#define NT_LASTING ((int)nt_env("AFBUS_TEST_LASTING_MS", 3600000))

/* ---- failing ---- */

extern const char *volatile nt_at;
#define NT_STR2(x) #x
#define NT_STR(x) NT_STR2(x)
#define NT_LINE __FILE__ ":" NT_STR(__LINE__)
/* Noted before the expression runs, which may hang. */
#define NT_AT(call) (nt_at = NT_LINE, call)

#define fail(...) NT_AT(nt_fail(NT_LINE, __VA_ARGS__))
#define check(cond) do { if (!NT_AT(cond)) fail("not so: %s", #cond); } \
	while (0)
/* Does not return -1; yields its value. */
#define ok(expr) NT_AT(nt_ok(NT_LINE, #expr, (expr)))
/* Two numbers. */
#define is(expr, want) NT_AT(nt_is(NT_LINE, #expr, (expr), (want)))
/* Returns -1 and errno is @want. */
#define refused(expr, want) NT_AT(nt_refused(NT_LINE, #expr, (expr), (want)))

_Noreturn void nt_fail(const char *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
_Noreturn void nt_skip(const char *why);
long nt_ok(const char *at, const char *what, long ret);
void nt_is(const char *at, const char *what, long long ret, long long want);
void nt_refused(const char *at, const char *what, long ret, int want);

/* ---- buses ---- */

/* Length of an address whose path is not filled in. */
#define NT_BARE offsetof(struct sockaddr_bus, sbus_path)
#define NT_SA(x) ((struct sockaddr *)(x))

/* An address with a path; @path "@name" is abstract. */
struct sockaddr_bus nt_path(const char *path);
/* An abstract one that nobody else has. */
struct sockaddr_bus nt_name(void);
/* A folder that goes at exit. */
const char *nt_folder(void);

/* Skips the test where there is no module or it is too old. */
int nt_socket(void);
int nt_bus_at(const struct sockaddr_bus *sa);
int nt_bus(void);	/* one with nt_name(), listening; stall_ms NT_NEVER */
struct bus_limits nt_limits(int bus);
void nt_set_limits(int bus, struct bus_limits l);
void nt_set(int fd, int option, int value);
int nt_get(int fd, int level, int option);
/* SO_PASSCRED and its kind are set, as far as the kernel lets one read them. */
void nt_read_back(int fd, int option);

struct peer {
	int fd;			/* the client's socket */
	int end;		/* the master's */
	uint64_t addr;
};

struct sockaddr_bus nt_getsockname(int fd);
int nt_connect(int bus);			/* not accepted */
struct peer nt_guest(int bus);			/* not joined */
struct peer nt_peer(int bus);			/* joined */
/* Takes a @fd that connected, and was not accepted yet. */
struct peer nt_accept(int bus, int fd);
void nt_close(struct peer *p);
int nt_join(int end);
int nt_add(int end, uint64_t addr);
int nt_del(int end, uint64_t addr);

#define PREFIX(n) ((uint64_t)(n) << 48)
#define GROUP(n) (PREFIX(n) | BUS_CLIENT_MASK)
#define EVERYBODY GROUP(0)

/* ---- messages ---- */

struct got {
	ssize_t len;		/* what recvmsg() returned */
	int flags;
	uint64_t from;
	size_t namelen;
	char data[NT_DATA];
	bool has_info, has_cred;
	struct bus_info info;
	struct ucred cred;
	int n_fds;
	int fds[NT_FDS];
};

/* sendto() without SIGPIPE. */
ssize_t nt_to(int fd, uint64_t addr, const void *data, size_t len, int flags);
/* Text to @addr, or without an address. */
void nt_say(const char *at, int fd, uint64_t addr, const char *text);
void nt_tell(const char *at, int fd, const char *text);
#define say(fd, addr, text) NT_AT(nt_say(NT_LINE, fd, addr, text))
#define tell(fd, text) NT_AT(nt_tell(NT_LINE, fd, text))
/* The same, refused rather than waiting. */
#define try_say(fd, addr, text) \
	nt_to(fd, addr, text, strlen(text), MSG_DONTWAIT)

ssize_t nt_send_fds(int fd, uint64_t addr, const char *text, const int *fds,
		    int n, int flags);

/* recvmsg(); -1 as it. */
ssize_t nt_take(int fd, struct got *g, int flags);
/* The next message is @text from @from. */
void nt_heard(const char *at, int fd, uint64_t from, const char *text);
#define heard(fd, from, text) NT_AT(nt_heard(NT_LINE, fd, from, text))
/* Nothing is there. */
#define silent(fd) NT_AT(nt_silent(NT_LINE, fd))
void nt_silent(const char *at, int fd);
/* The end tells that its client was removed; may wait for it. */
void nt_told_closed(const char *at, struct peer *p, enum bus_reason reason);
#define told_closed(p, reason) NT_AT(nt_told_closed(NT_LINE, p, reason))
uint32_t nt_reason(int fd);
/* BUS_TAKEOVER, of a bus or an end. */
struct bus_outage nt_outage(int fd);
/* What poll() says of these @events now (timeout 0), or -1 ms for ever. */
short nt_poll(int fd, short events, int ms);
/* Sends @text until EAGAIN; how many went. */
int nt_fill(int fd, uint64_t addr, const char *text);
/* Reads all there is without waiting, closes files; how many came. */
int nt_drain(int fd);

/* ---- others ---- */

/* Something that is to block: @fn runs in a thread. */
struct bg {
	pthread_t thread;
	volatile pid_t tid;
	volatile bool done;
	long ret;
	int err;
	long (*fn)(void *arg);
	void *arg;
};

void bg_start(struct bg *b, long (*fn)(void *), void *arg);
/* Waits until it sleeps in a system call; fails if it has ended instead. */
void nt_asleep(const char *at, struct bg *b);
#define bg_asleep(b) NT_AT(nt_asleep(NT_LINE, b))
/* Waits for its end; what it returned, and errno. */
long bg_end(struct bg *b);

/* A blocking send() for bg_start(). */
struct bg_send {
	int fd;
	uint64_t addr;
	const char *text;
};
long bg_send(void *arg);

/* Runs @fn in a child process of @uid (0: mine); the exit status. */
#define NT_UID 4711
int nt_as(uid_t uid, void (*fn)(void *), void *arg);
/* Ends the program in so many seconds, at least; more on slower kernels. */
void nt_alarm(unsigned int seconds);
/* A child that goes when its parent does; as fork(). */
pid_t nt_fork(void);
/* Waits for it; it must have exited with 0. */
void nt_reap(const char *at, pid_t pid);
#define reap(pid) NT_AT(nt_reap(NT_LINE, pid))

/* Lines of /proc/net/bus, its head left out. */
int nt_proc_lines(void);
/* Waits until there are no more than so many; sockets in messages to themselves
 * need their time. */
void nt_lines_gone(const char *at, int most, int seconds);
#define lines_gone(most, seconds) \
	NT_AT(nt_lines_gone(NT_LINE, (most), (seconds)))
/* Takes the module out, if it is there. */
void nt_unload(const char *at, const char *module, int seconds);
#define unload_within(module, seconds) \
	NT_AT(nt_unload(NT_LINE, (module), (seconds)))
/* A number of the environment, or @usual. */
long nt_env(const char *name, long usual);

#endif
