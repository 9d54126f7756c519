/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A raw D-Bus client for tests: it can do right what a library does, and
 * wrong what a library would not. The bus is the one at
 * $DBUS_SESSION_BUS_ADDRESS; without that the test is skipped. Whatever fails
 * unexpectedly ends the program with a line that says where, and so does
 * waiting for longer than RAW_WAIT_MS (60 s, or $AFBUS_TEST_WAIT_MS).
 */
#ifndef AFBUS_TESTS_RAW_H
#define AFBUS_TESTS_RAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "core/dbus_header.h"

#define RAW_WAIT_MS	raw_wait_ms()
int raw_wait_ms(void);
#define RAW_SKIP	77
#define RAW_MAX_FDS	253

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"

#define fail(...) raw_fail(__FILE__, __LINE__, __VA_ARGS__)
#define check(cond) do { if (!(cond)) fail("not so: %s", #cond); } while (0)
_Noreturn void raw_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void raw_skip(const char *why);

/* What kind of bus it is, from $BUS_KIND: "dbus-daemon", "user", "kernel". */
bool raw_bus_is(const char *kind);
/* A number from the environment, or @def. */
unsigned long raw_env(const char *name, unsigned long def);

struct raw {
	int fd;
	bool pass_fds;
	bool native;		/* a socket of AF_BUS, no stream */
	char name[32];		/* unique */
	uint32_t serial;	/* the last one given out */
	uint8_t *buf;		/* received: [pos, len) */
	size_t pos, len, cap;
	int fds[4 * RAW_MAX_FDS];
	unsigned int n_fds;
};

/* A message; a NULL or zero field is left out. The body has the strings of
 * @args, then @u if @has_u, then @bytes bytes as an array if > 0. With @dict
 * the strings are the one entry of an a{ss}, with @array they are an as. */
struct spec {
	uint8_t type;		/* 0: a call */
	uint8_t flags;
	bool big;
	uint32_t serial;	/* 0: the next one of the client */
	uint32_t reply_serial, unix_fds;
	const char *path, *interface, *member, *error, *destination, *sender;
	const char *args[8];
	bool dict, array;
	bool has_u;
	uint32_t u;
	size_t bytes;
};

struct msg {
	uint8_t *data;
	size_t len;
	struct dbus_header h;
	int fds[RAW_MAX_FDS];
	unsigned int n_fds;
};

/* ---- connections ---- */

int raw_dial(void);		/* connected, nothing sent */
int raw_dial_native(void);	/* at $BUS_NATIVE_PATH, or the test is skipped */
void raw_connect(int fd);	/* a socket of the caller's */
/* Ready to talk; with @pass_fds it negotiates fds. With "native" in
 * $BUS_CLIENTS it is a native client, with "mixed" every other one is. */
struct raw *raw_open(bool pass_fds);
/* The same in two steps, from a connected socket, owned from then on: after
 * the handshake, and after Hello. */
struct raw *raw_auth(int fd, bool pass_fds);
struct raw *raw_login(int fd, bool pass_fds);
struct raw *raw_wrap(int fd);	/* around a descriptor, owned from then on */
void raw_close(struct raw *c);	/* NULL is fine */
/* A native client sends a message a call, and has no handshake. */
/* The lines of a handshake up to and with BEGIN. */
size_t raw_handshake(char *buf, size_t size, bool pass_fds);
/* Reads lines of the handshake's answers: @n of them. */
void raw_answers(struct raw *c, int n);

/* ---- sending ---- */

uint8_t *raw_build(struct raw *c, const struct spec *s, size_t *len);
void raw_write(struct raw *c, const void *data, size_t len, const int *fds,
	       unsigned int n_fds);
/* Returns the serial. */
uint32_t raw_send(struct raw *c, const struct spec *s);
uint32_t raw_send_fds(struct raw *c, const struct spec *s, const int *fds,
		      unsigned int n);
/* As much as the socket takes without blocking; false if nothing. */
bool raw_try_write(struct raw *c, const void *data, size_t len, size_t *done);

/* ---- receiving ---- */

/* 1: a message; 0: end of file; -1: nothing for @ms. */
int raw_poll(struct raw *c, struct msg *m, int ms);
/* The next message, which must come. */
void raw_recv(struct raw *c, struct msg *m);
/* The next one with this member, whatever else comes before. */
void raw_recv_member(struct raw *c, struct msg *m, const char *member);
/* The reply to @serial, whatever else comes before. */
void raw_recv_reply(struct raw *c, struct msg *m, uint32_t serial);
void raw_expect_eof(struct raw *c);	/* skips messages */
void raw_expect_silence(struct raw *c, int ms);
void msg_free(struct msg *m);
bool msg_is(const struct msg *m, uint8_t type, const char *member);
/* The body's first string, NUL-terminated, "" if there is none. */
const char *msg_str(const struct msg *m);
uint32_t msg_u32(const struct msg *m);	/* the body's first number */
const uint8_t *msg_body(const struct msg *m);

/* ---- what tests do often ---- */

/* A call of the driver with strings; its reply must not be an error. */
void raw_driver(struct raw *c, struct msg *reply, const char *member,
		const char *arg0, const char *arg1);
uint32_t raw_request_name(struct raw *c, const char *name, uint32_t flags);
void raw_release_name(struct raw *c, const char *name);
void raw_match(struct raw *c, const char *rule);
/* The bus answers, and everything this client wrote before was handled. */
void raw_ping(struct raw *c);
void raw_ping_peer(struct raw *c, struct raw *peer);
void raw_reply(struct raw *c, const struct msg *call, size_t bytes);
void raw_signal(struct raw *c, const char *member, uint32_t n, size_t bytes);

#endif
