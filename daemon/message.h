/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds the daemon's own messages, little-endian. One starts with
 * msg_reply(), msg_error() or msg_signal(), takes values in the order of its
 * signature, and ends with msg_finish(). Errors stick until then.
 *
 * Small messages, signals and errors among them, need no memory but the
 * struct, so what follows a decision cannot fail for want of it.
 */
#ifndef AFBUS_DAEMON_MESSAGE_H
#define AFBUS_DAEMON_MESSAGE_H

#include "core/dbus_header.h"

struct msg {
	uint8_t *data;		/* room, or allocated */
	size_t len;
	size_t size;
	int err;		/* 0 or the first error, negative */
	size_t body;		/* where it starts */
	uint8_t room[2048];
};

/* @dest is the receiver's unique name, or NULL for everybody. */
struct msg_to {
	const char *dest;
	uint32_t serial;	/* of this message */
	uint32_t reply_serial;	/* 0: not a reply */
	unsigned int n_fds;
};

void msg_reply(struct msg *m, const struct msg_to *to, const char *signature);
/* An error whose body is @text alone. */
void msg_error(struct msg *m, const struct msg_to *to, const char *name,
	       const char *text);
void msg_call(struct msg *m, const struct msg_to *to, const char *path,
	      const char *interface, const char *member,
	      const char *signature);
void msg_signal(struct msg *m, const struct msg_to *to, const char *path,
		const char *interface, const char *member,
		const char *signature);
/* Returns m->err. The message is then m->data, m->len. */
int msg_finish(struct msg *m);
/* Frees memory; @m may never have been started if it is all zero. */
void msg_done(struct msg *m);

void msg_byte(struct msg *m, uint8_t v);
void msg_u32(struct msg *m, uint32_t v);
void msg_u64(struct msg *m, uint64_t v);
void msg_bool(struct msg *m, bool v);
void msg_str(struct msg *m, const char *s);
void msg_strn(struct msg *m, const char *s, size_t len);
void msg_sig(struct msg *m, const char *s);
/* Structs and dict entries. */
void msg_struct(struct msg *m);

/* An array whose elements are aligned to @to; lies between the two calls. */
struct msg_array {
	size_t at;		/* of its length */
	size_t start;		/* of its first element */
};
struct msg_array msg_array_begin(struct msg *m, size_t to);
void msg_array_end(struct msg *m, struct msg_array a);

/* Entries of a{sv}. */
void msg_entry(struct msg *m, const char *key, const char *signature);
void msg_entry_str(struct msg *m, const char *key, const char *value);
void msg_entry_u32(struct msg *m, const char *key, uint32_t value);
void msg_entry_u64(struct msg *m, const char *key, uint64_t value);
void msg_entry_bytes(struct msg *m, const char *key, const void *data,
		     size_t len);

#endif
