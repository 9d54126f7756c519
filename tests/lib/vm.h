/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For small programs that use the library as others would; they need the
 * module. What is not as it should be ends the program with a line that says
 * where; what hangs ends too.
 */
#ifndef AFBUS_TESTS_LIB_VM_H
#define AFBUS_TESTS_LIB_VM_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <afbus.h>

#define VM_SKIP 77
#define VM_ALARM 100

#define is(expr, want) vm_is(__FILE__, __LINE__, #expr, (expr), (want))
#define check(expr) is(!!(expr), 1)
/* A descriptor, or a number. */
#define ok(expr) vm_ok(__FILE__, __LINE__, #expr, (expr))

static inline void vm_is(const char *file, int line, const char *what,
			 long long got, long long want)
{
	if (got == want)
		return;
	fprintf(stderr, "%s:%d: %s: %lld, wanted %lld\n", file, line, what,
		got, want);
	exit(1);
}

static inline int vm_ok(const char *file, int line, const char *what, int got)
{
	if (got < 0) {
		fprintf(stderr, "%s:%d: %s: %s\n", file, line, what,
			strerror(-got));
		exit(1);
	}
	return got;
}

/* A name that nobody else has. */
static inline const char *vm_name(void)
{
	static char name[8][64];
	static unsigned int n;
	char *s = name[n % 8];

	snprintf(s, sizeof(name[0]), "@afbus-lib-%d-%u", getpid(), n++);
	return s;
}

/* First of all: skips where there is no module. */
static inline void vm_start(void)
{
	int fd = afbus_member_create(vm_name(), 0);

	if (fd == -EAFNOSUPPORT) {
		printf("no module\n");
		exit(VM_SKIP);
	}
	close(ok(fd));
	alarm(VM_ALARM);
}

struct peer {
	int fd, end;
	uint64_t addr;
};

/* Connected and accepted. */
static inline struct peer vm_guest(int bus, const char *path)
{
	struct peer p;

	p.fd = ok(afbus_client_connect(path, 0));
	p.end = ok(afbus_bus_accept(bus, &p.addr, 0));
	return p;
}

/* Joined. */
static inline struct peer vm_peer(int bus, const char *path)
{
	struct peer p = vm_guest(bus, path);

	is(afbus_end_join(p.end), 0);
	return p;
}

static inline void vm_close(struct peer *p)
{
	close(p->fd);
	close(p->end);
}

/* The next message is @text from @from; what else it was is in @m. */
static inline void vm_hear(int fd, struct afbus_msg *m, uint64_t from,
			   const char *text)
{
	static char buf[256];

	*m = (struct afbus_msg){ .data = buf, .size = sizeof(buf) };
	is(afbus_msg_recv(fd, m, MSG_DONTWAIT), 0);
	is(m->from, from);
	is(m->len, strlen(text));
	is(memcmp(buf, text, m->len), 0);
}

static inline void vm_heard(int fd, uint64_t from, const char *text)
{
	struct afbus_msg m;

	vm_hear(fd, &m, from, text);
}

static inline void vm_silent(int fd)
{
	struct afbus_msg m = { 0 };

	is(afbus_msg_recv(fd, &m, MSG_DONTWAIT), -EAGAIN);
}

#endif
