/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For small programs that play bus master and clients at once: a bus, client
 * connections adopted by it, D-Bus messages in and out. Everything that fails
 * unexpectedly ends the program with a line that says where; all waiting ends
 * after TEST_WAIT_MS (20 s, or $AFBUS_TEST_WAIT_MS for slower kernels).
 */
#ifndef AFBUS_BUS_TEST_H
#define AFBUS_BUS_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/dbus_header.h"
#include "linux/bus.h"

#define TEST_WAIT_MS test_wait_ms()
#define TEST_SKIP 77
#define BUS_TEST_FDS 253

#define fail(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define check(cond) do { if (!(cond)) fail("not so: %s", #cond); } while (0)
#define check_err(expr, want)						\
	test_check_err(__FILE__, __LINE__, #expr, (expr), (want))

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void test_check_err(const char *file, int line, const char *what, long ret,
		    int want);

int test_wait_ms(void);
int test_socket(int proto);
/* A bus with a name of its own; skips the test where there is no module. */
int test_bus(void);
void test_limits(int bus, const struct bus_limits *l);
/* The bus outlives its master for @ms, at most $AFBUS_TEST_LASTING_MS; its
 * name. */
struct sockaddr_bus test_persist(int bus, uint32_t ms);
/* A socket that is bound to it; with errno, -1. */
int test_bind(const struct sockaddr_bus *sa);
/* It is to be an orphan's. */
int test_take_over(const struct sockaddr_bus *sa);
struct bus_outage test_outage(int bus);

struct client {
	int fd;			/* the program's end */
	uint64_t addr;
	char name[32];		/* unique */
};

/*
 * What clients are: the same tests are built with each of these as
 * TEST_CLIENTS.
 */
#define TEST_ADOPTED	0
#define TEST_NATIVE	1
#define TEST_MIXED	2	/* some of them native */
#ifndef TEST_CLIENTS
#define TEST_CLIENTS	TEST_ADOPTED
#endif

/* A socket of the family, connected to a bus that listens; not accepted. */
int test_connect(int bus);
/* Accepted too, not active and held; and ready to talk. */
struct client test_native_raw(int bus);
struct client test_native(int bus);
bool test_is_native(int fd);

/* Connected and adopted, not active and held; or as TEST_CLIENTS says. */
struct client test_client_raw(int bus, uint32_t flags);
/* Ready to talk. */
struct client test_client(int bus, uint32_t flags);

/* One record of BUS_UPDATE; 0 or -errno. */
int test_update(int bus, uint32_t type, uint64_t addr, uint64_t cookie,
		const char *text);
void test_name(int bus, const char *name, uint64_t addr);
void test_match(int bus, struct client *c, uint64_t cookie, const char *rule);

/* A batch of records; zero at first, and empty again when applied. */
struct batch {
	uint8_t *data;
	size_t len;
};

void batch_add(struct batch *b, uint32_t type, uint64_t addr, uint64_t cookie,
	       const void *data, size_t len);
/* 0 or -errno. */
int batch_apply(int bus, struct batch *b);

struct msg {
	uint8_t *data;
	size_t len;
	struct dbus_header h;
	int fds[BUS_TEST_FDS];
	int n_fds;
	bool truncated;		/* MSG_CTRUNC: files were lost */
	/* of the master's: */
	struct bus_info info;
};

/* A message; a NULL field is left out. @body of @n bytes is an array of
 * bytes ("ay") if n > 0. */
struct msg_spec {
	uint8_t type;
	uint8_t flags;
	bool big;
	uint32_t serial, reply_serial, unix_fds;
	const char *path, *interface, *member, *error, *destination, *sender;
	const char *arg0;	/* body "s" instead of bytes */
	size_t body;
};

/* malloc()ed. */
uint8_t *test_build(const struct msg_spec *s, size_t *len);
/* BUS_REC_SEND of it. */
void batch_send(struct batch *b, uint64_t addr, struct bus_send how,
		const struct msg_spec *s);
void test_send_bytes(int fd, const void *data, size_t len, const int *fds,
		     int n_fds);
void test_send(int fd, const struct msg_spec *s, const int *fds, int n_fds);
/* A call that wants no answer, and a signal, in their usual form. */
void test_call(struct client *c, const char *to, uint32_t serial, size_t body);
void test_signal(struct client *c, uint32_t serial, const char *member,
		 size_t body);

/* Next message at a client; false at end of file. */
bool test_recv(struct client *c, struct msg *m);
/* Nothing comes within @ms. */
void test_silence(int fd, int ms);
/* Next item at the master. */
void test_master_recv(int bus, struct msg *m);
/* To monitors, if that is left to the master. */
void test_master_show(int bus, const struct msg *m);
/* The master sends; 0 or -errno. */
int test_master_send(int bus, uint64_t addr, const struct msg_spec *s,
		     const int *fds, int n_fds);
/* The same, in another's place or otherwise not as usual. */
int test_master_send_how(int bus, uint64_t addr, const struct bus_send *how,
			 const struct msg_spec *s);
/* The next item is the end of @addr for @reason; lets go of the port. */
void test_expect_closed(int bus, uint64_t addr, enum bus_reason reason);
void msg_free(struct msg *m);

struct bus_port_stats test_port_stats(int bus, uint64_t addr);
struct bus_stats test_stats(int bus);

#endif
