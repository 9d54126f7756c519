/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The server's side of the authentication handshake (specification,
 * "Authentication Protocol"): bytes in, bytes out, no I/O.
 *
 * It understands EXTERNAL, ANONYMOUS if allowed, and NEGOTIATE_UNIX_FD. Input
 * may come in any pieces. What follows "BEGIN\r\n" is not the handshake's and
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
#define SASL_ANONYMOUS	0x2
#define SASL_ALL	0x3

struct sasl_mechanism;

struct sasl {
	/* Set before the start. */
	const char *guid;
	uid_t uid;		/* the client's, from the kernel */
	unsigned int mechanisms;	/* SASL_*, those that are offered */

	/* Results, once SASL_DONE. */
	bool anonymous;
	bool pass_fds;

	enum sasl_state state;
	const struct sasl_mechanism *mechanism;
	unsigned int failed;
	size_t total;
	size_t line_len;
	char line[SASL_MAX_LINE];

	/* What to send; the caller empties it after each call. */
	size_t out_len;
	char out[4096];
};

/* SASL_* of a name; 0: there is none. */
unsigned int sasl_mechanism(const char *name);

/*
 * Takes @len bytes at @data, sets *@used to how many belong to the handshake
 * (all of them, unless BEGIN is among them), appends the answers to @out.
 * Returns 1 when the handshake is complete, 0 when more is needed, -EPROTO
 * for a client to be disconnected, -ENOBUFS when @out is full.
 */
int sasl_feed(struct sasl *s, const void *data, size_t len, size_t *used);

#endif
