/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The server's side of the authentication handshake (specification,
 * "Authentication Protocol"): bytes in, bytes out, no I/O.
 *
 * It understands EXTERNAL, DBUS_COOKIE_SHA1 for the bus's own user, ANONYMOUS,
 * and NEGOTIATE_UNIX_FD. Input may come in any pieces. What follows "BEGIN\r\n" is not the handshake's and
 * is never looked at: sasl_feed() says how far it went.
 */
#ifndef AFBUS_DAEMON_SASL_H
#define AFBUS_DAEMON_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SASL_MAX_LINE	(16U * 1024)
#define SASL_MAX_TOTAL	(64U * 1024)	/* bytes of the whole handshake */
#define SASL_MAX_FAILED	6U		/* attempts to authenticate */

enum sasl_state {
	SASL_NUL,		/* the byte before everything */
	SASL_AUTH,		/* waiting for AUTH */
	SASL_DATA,		/* a mechanism waits for DATA */
	SASL_BEGIN,		/* authenticated, waiting for BEGIN */
	SASL_DONE,
};

/* Mechanisms. */
#define SASL_EXTERNAL	0x1
#define SASL_COOKIE	0x2
#define SASL_ANONYMOUS	0x4
#define SASL_ALL	0x7

#define SASL_COOKIE_CONTEXT "org_freedesktop_general"
#define SASL_MAX_SECRET	128U	/* hexadecimal digits */

/* A secret that both sides know where to find. */
struct sasl_cookie {
	uint32_t id;
	char secret[SASL_MAX_SECRET + 1];
};

struct sasl_mechanism;

struct sasl {
	/* Set before the start. */
	const char *guid;
	uid_t uid;		/* the client's, from the kernel */
	unsigned int mechanisms;	/* SASL_*, those that are offered */
	bool may_pass_fds;
	/* With SASL_COOKIE. */
	uid_t owner;		/* of the bus, and of the cookies */
	const char *owner_name;	/* the same; or NULL */
	int (*cookie)(struct sasl_cookie *c);	/* 0 or -errno */

	/* Results, once SASL_DONE. */
	unsigned int used;	/* which mechanism, SASL_* */
	bool pass_fds;

	enum sasl_state state;
	const struct sasl_mechanism *mechanism;
	unsigned int failed;
	struct sasl_cookie offered;
	char challenge[33];	/* hexadecimal; empty: none was sent */
	char question[128];	/* of a mechanism that asks for data */
	size_t total;
	size_t line_len;
	char line[SASL_MAX_LINE];

	/* What to send; the caller empties it after each call. */
	size_t out_len;
	char out[4096];
};

/* SASL_* of a name; 0: there is none. */
unsigned int sasl_mechanism(const char *name);

/* Which mechanism is under way, SASL_* or 0; and back. -EINVAL: there is none
 * like it. */
unsigned int sasl_under_way(const struct sasl *s);
int sasl_set_under_way(struct sasl *s, unsigned int mechanism);

/*
 * Takes @len bytes at @data, sets *@used to how many belong to the handshake
 * (all of them, unless BEGIN is among them), appends the answers to @out.
 * Returns 1 when the handshake is complete, 0 when more is needed, -EPROTO
 * for a client to be disconnected, -ENOBUFS when @out is full.
 */
int sasl_feed(struct sasl *s, const void *data, size_t len, size_t *used);

#endif
