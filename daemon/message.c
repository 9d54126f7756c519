// SPDX-License-Identifier: LGPL-2.1-or-later
#include "message.h"

#include <stdlib.h>

/* In the fixed part of the header. */
#define AT_BODY_LEN	4
#define AT_FIELDS_LEN	12

static uint8_t *extend(struct msg *m, size_t n)
{
	size_t size = m->size;
	uint8_t *data;

	if (m->err)
		return NULL;
	if (m->len + n > DBUS_MAX_MESSAGE) {
		m->err = -EMSGSIZE;
		return NULL;
	}
	while (size < m->len + n)
		size *= 2;
	if (size > m->size) {
		data = realloc(m->data == m->room ? NULL : m->data, size);
		if (!data) {
			m->err = -ENOMEM;
			return NULL;
		}
		if (m->data == m->room)
			memcpy(data, m->room, m->len);
		m->data = data;
		m->size = size;
	}
	m->len += n;
	return m->data + m->len - n;
}

static void put(struct msg *m, const void *data, size_t len)
{
	uint8_t *p = extend(m, len);

	if (p && len)
		memcpy(p, data, len);
}

static void align(struct msg *m, size_t to)
{
	size_t pad = -m->len & (to - 1);
	uint8_t *p = extend(m, pad);

	if (p)
		memset(p, 0, pad);
}

static void store_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

void msg_byte(struct msg *m, uint8_t v)
{
	put(m, &v, 1);
}

void msg_u32(struct msg *m, uint32_t v)
{
	uint8_t *p;

	align(m, 4);
	p = extend(m, 4);
	if (p)
		store_u32(p, v);
}

void msg_u64(struct msg *m, uint64_t v)
{
	align(m, 8);
	msg_u32(m, (uint32_t)v);
	msg_u32(m, (uint32_t)(v >> 32));
}

void msg_bool(struct msg *m, bool v)
{
	msg_u32(m, v);
}

void msg_strn(struct msg *m, const char *s, size_t len)
{
	msg_u32(m, (uint32_t)len);
	put(m, s, len);
	msg_byte(m, 0);
}

void msg_str(struct msg *m, const char *s)
{
	msg_strn(m, s, strlen(s));
}

void msg_sig(struct msg *m, const char *s)
{
	msg_byte(m, (uint8_t)strlen(s));
	put(m, s, strlen(s) + 1);
}

void msg_struct(struct msg *m)
{
	align(m, 8);
}

struct msg_array msg_array_begin(struct msg *m, size_t to)
{
	struct msg_array a;

	msg_u32(m, 0);
	a.at = m->len - 4;
	align(m, to);
	a.start = m->len;
	return a;
}

void msg_array_end(struct msg *m, struct msg_array a)
{
	if (m->err)
		return;
	if (m->len - a.start > DBUS_MAX_ARRAY)
		m->err = -EMSGSIZE;
	store_u32(m->data + a.at, (uint32_t)(m->len - a.start));
}

void msg_entry(struct msg *m, const char *key, const char *signature)
{
	msg_struct(m);
	msg_str(m, key);
	msg_sig(m, signature);
}

void msg_entry_str(struct msg *m, const char *key, const char *value)
{
	msg_entry(m, key, "s");
	msg_str(m, value);
}

void msg_entry_u32(struct msg *m, const char *key, uint32_t value)
{
	msg_entry(m, key, "u");
	msg_u32(m, value);
}

void msg_entry_u64(struct msg *m, const char *key, uint64_t value)
{
	msg_entry(m, key, "t");
	msg_u64(m, value);
}

void msg_entry_bytes(struct msg *m, const char *key, const void *data,
		     size_t len)
{
	struct msg_array a;

	msg_entry(m, key, "ay");
	a = msg_array_begin(m, 1);
	put(m, data, len);
	msg_array_end(m, a);
}

/* The start of a header field: its code and the signature of its variant. */
static void field(struct msg *m, enum dbus_field code, const char *signature)
{
	msg_struct(m);
	msg_byte(m, (uint8_t)code);
	msg_sig(m, signature);
}

static void field_str(struct msg *m, enum dbus_field code, const char *type,
		      const char *value)
{
	if (!value)
		return;
	field(m, code, type);
	msg_str(m, value);
}

static void field_u32(struct msg *m, enum dbus_field code, uint32_t value)
{
	if (!value)
		return;
	field(m, code, "u");
	msg_u32(m, value);
}

/* Nobody answers the daemon, and it says so as the reference does. */
static void start(struct msg *m, enum dbus_type type, const struct msg_to *to)
{
	uint8_t fixed[DBUS_FIXED_LEN] = {
		'l', (uint8_t)type, DBUS_FLAG_NO_REPLY, 1,
	};

	m->data = m->room;
	m->size = sizeof(m->room);
	m->len = 0;
	m->err = 0;
	store_u32(fixed + 8, to->serial);
	put(m, fixed, sizeof(fixed));
	field_str(m, DBUS_FIELD_DESTINATION, "s", to->dest);
	field_u32(m, DBUS_FIELD_REPLY_SERIAL, to->reply_serial);
	field_u32(m, DBUS_FIELD_UNIX_FDS, to->n_fds);
}

static void start_body(struct msg *m, const char *signature)
{
	field_str(m, DBUS_FIELD_SENDER, "s", DBUS_DRIVER_NAME);
	if (*signature) {
		field(m, DBUS_FIELD_SIGNATURE, "g");
		msg_sig(m, signature);
	}
	if (!m->err)
		store_u32(m->data + AT_FIELDS_LEN,
			  (uint32_t)(m->len - DBUS_FIXED_LEN));
	align(m, 8);
	m->body = m->len;
}

void msg_reply(struct msg *m, const struct msg_to *to, const char *signature)
{
	start(m, DBUS_TYPE_RETURN, to);
	start_body(m, signature);
}

void msg_error(struct msg *m, const struct msg_to *to, const char *name,
	       const char *text)
{
	start(m, DBUS_TYPE_ERROR, to);
	field_str(m, DBUS_FIELD_ERROR_NAME, "s", name);
	start_body(m, "s");
	msg_str(m, text);
}

static void named(struct msg *m, enum dbus_type type, const struct msg_to *to,
		  const char *path, const char *interface, const char *member,
		  const char *signature)
{
	start(m, type, to);
	field_str(m, DBUS_FIELD_PATH, "o", path);
	field_str(m, DBUS_FIELD_INTERFACE, "s", interface);
	field_str(m, DBUS_FIELD_MEMBER, "s", member);
	start_body(m, signature);
}

void msg_call(struct msg *m, const struct msg_to *to, const char *path,
	      const char *interface, const char *member,
	      const char *signature)
{
	named(m, DBUS_TYPE_CALL, to, path, interface, member, signature);
}

void msg_signal(struct msg *m, const struct msg_to *to, const char *path,
		const char *interface, const char *member,
		const char *signature)
{
	named(m, DBUS_TYPE_SIGNAL, to, path, interface, member, signature);
}

int msg_finish(struct msg *m)
{
	if (!m->err)
		store_u32(m->data + AT_BODY_LEN,
			  (uint32_t)(m->len - m->body));
	return m->err;
}

void msg_done(struct msg *m)
{
	if (m->data != m->room)
		free(m->data);
	m->data = NULL;
}
