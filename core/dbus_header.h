/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The D-Bus message header: framing, parsing, and the stamped copy that the
 * switch sends on. The strings of a parsed header point into the buffer that
 * was parsed, which the caller keeps alive and unchanged.
 * Source: D-Bus specification, "Message Format".
 */
#ifndef AFBUS_CORE_DBUS_HEADER_H
#define AFBUS_CORE_DBUS_HEADER_H

#include "core/names.h"
#include "core/wire.h"

#define DBUS_FIXED_LEN 16U	/* bytes needed to know a message's length */

enum dbus_type {
	DBUS_TYPE_INVALID,
	DBUS_TYPE_CALL,
	DBUS_TYPE_RETURN,
	DBUS_TYPE_ERROR,
	DBUS_TYPE_SIGNAL,
};

#define DBUS_FLAG_NO_REPLY		0x1
#define DBUS_FLAG_NO_AUTO_START		0x2
#define DBUS_FLAG_INTERACTIVE_AUTH	0x4

enum dbus_field {
	DBUS_FIELD_INVALID,
	DBUS_FIELD_PATH,
	DBUS_FIELD_INTERFACE,
	DBUS_FIELD_MEMBER,
	DBUS_FIELD_ERROR_NAME,
	DBUS_FIELD_REPLY_SERIAL,
	DBUS_FIELD_DESTINATION,
	DBUS_FIELD_SENDER,
	DBUS_FIELD_SIGNATURE,
	DBUS_FIELD_UNIX_FDS,
	DBUS_FIELD_MAX,
};

/* The first 16 bytes: enough to frame. */
struct dbus_frame {
	bool big;
	u8 type;		/* not checked against enum dbus_type */
	u8 flags;
	u32 serial;
	u32 fields_len;		/* bytes of the header field array */
	u32 header_len;		/* 16 + fields_len + padding to 8 */
	u32 body_len;
	u32 total_len;		/* header_len + body_len */
};

/*
 * Reads the first DBUS_FIXED_LEN bytes at @buf. Returns 0; -EBADMSG for an
 * unknown byte order, a version other than 1, type INVALID, serial 0;
 * -EMSGSIZE when the array or the message is longer than the specification
 * allows or than @max bytes.
 */
int dbus_frame_parse(struct dbus_frame *f, const void *buf, u32 max);

struct dbus_header {
	struct dbus_frame f;
	u32 present;			/* 1U << enum dbus_field */
	bool unknown;			/* other fields too; set it after a
					 * change, or ->bytes are stamped */
	const void *bytes;		/* what was parsed */
	u32 reply_serial;
	u32 unix_fds;			/* 0 when absent */
	struct dbus_str path;
	struct dbus_str interface;
	struct dbus_str member;
	struct dbus_str error_name;
	struct dbus_str destination;
	struct dbus_str sender;		/* as claimed by the sender */
	struct dbus_str signature;	/* of the body; empty when absent */
};

/*
 * Parses and validates the whole header of @len == f.header_len bytes:
 * every known field at most once, of its type, of valid syntax; the fields
 * that the message's type requires; unknown fields are walked over (and
 * dropped by dbus_header_stamp()); the reserved Local path and interface,
 * and a body without a signature, are errors. An unknown message type is
 * not (the switch ignores such messages).
 * Returns 0, -EBADMSG or -EMSGSIZE.
 */
int dbus_header_parse(struct dbus_header *h, const void *buf, size_t len,
		      u32 max);
/* The same behind dbus_frame_parse(), which has filled @h->f from these very
 * bytes; there are @h->f.header_len of them. */
int dbus_fields_parse(struct dbus_header *h, const void *buf);

/*
 * Writes @h to @out, in its own byte order, with the known fields only and with
 * SENDER set to @sender. Returns the length (a multiple of 8), also when
 * @out is NULL; -EMSGSIZE when it does not fit into @size or the message
 * would become longer than DBUS_MAX_MESSAGE. Flags are passed as they are.
 */
s64 dbus_header_stamp(const struct dbus_header *h, const char *sender,
		      size_t sender_len, void *out, size_t size);

/*
 * Most headers need no more than SENDER behind what is there: how many bytes
 * that is (a multiple of 8). 0: there is one, or a field to be dropped, or the
 * message would become too long; then dbus_header_stamp() writes it anew.
 */
u32 dbus_header_growth(const struct dbus_header *h, size_t sender_len);
/*
 * Stamps so, at @out, with room for as many bytes more; it may be where @h was
 * parsed from. @h is then as if it had been parsed from there.
 */
void dbus_header_append(struct dbus_header *h, const char *sender,
			size_t sender_len, void *out);

/* Where a message goes by its header alone; both switches follow it. */
enum dbus_route {
	DBUS_ROUTE_IGNORE,	/* unknown type */
	DBUS_ROUTE_MASTER,	/* the driver, or a call without destination */
	DBUS_ROUTE_UNIQUE,	/* *addr */
	DBUS_ROUTE_NAME,	/* a well-known name, or a unique name that
				 * cannot be one of ours */
	DBUS_ROUTE_BROADCAST,	/* a signal without destination */
};
enum dbus_route dbus_header_route(const struct dbus_header *h, u64 *addr);

#endif
