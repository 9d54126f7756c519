// SPDX-License-Identifier: LGPL-2.1-or-later
/* The raw client: it does no more than a message needs, the same everywhere. */
#include "tools/bench/bench.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/dbus_header.h"
#include "linux/bus.h"

#define WAIT_MS 20000

struct out {
	uint8_t *p;
	size_t len;
};

static void pad(struct out *o, size_t to)
{
	while (o->len % to)
		o->p[o->len++] = 0;
}

static void put32(struct out *o, uint32_t v)
{
	pad(o, 4);
	memcpy(o->p + o->len, &v, 4);
	o->len += 4;
}

static void put_field(struct out *o, uint8_t code, char type, const char *s)
{
	const uint8_t head[4] = { code, 1, type, 0 };

	pad(o, 8);
	memcpy(o->p + o->len, head, 4);
	o->len += 4;
	if (type == 'g')
		o->p[o->len++] = strlen(s);
	else
		put32(o, strlen(s));
	memcpy(o->p + o->len, s, strlen(s) + 1);
	o->len += strlen(s) + 1;
}

/* What a header says beside the type. */
struct fields {
	const char *path, *interface, *member;
	const char *to;
	bool reply;
	const char *signature;
};

static void put_fields(struct out *o, const struct fields *f)
{
	const uint8_t serial[8] = { DBUS_FIELD_REPLY_SERIAL, 1, 'u', 0 };
	const uint32_t one = 1;

	if (f->reply) {
		memcpy(o->p + o->len, serial, 4);
		memcpy(o->p + o->len + 4, &one, 4);
		o->len += 8;
	} else {
		put_field(o, DBUS_FIELD_PATH, 'o', f->path);
		put_field(o, DBUS_FIELD_INTERFACE, 's', f->interface);
		put_field(o, DBUS_FIELD_MEMBER, 's', f->member);
	}
	if (f->to)
		put_field(o, DBUS_FIELD_DESTINATION, 's', f->to);
	if (f->signature)
		put_field(o, DBUS_FIELD_SIGNATURE, 'g', f->signature);
}

/* A message without its body, which is to have @body_len bytes and finds room
 * behind it. */
static struct out start(uint8_t type, uint8_t flags, const struct fields *f,
			uint32_t body_len)
{
	const uint8_t head[4] = { PORT_BIG_ENDIAN ? 'B' : 'l', type, flags, 1 };
	struct out o = { .p = calloc(1, body_len + 1024) };
	uint32_t n;

	if (!o.p)
		return o;
	memcpy(o.p, head, 4);
	o.len = 4;
	put32(&o, body_len);
	put32(&o, 1);
	put32(&o, 0);
	put_fields(&o, f);
	n = o.len - DBUS_FIXED_LEN;
	memcpy(o.p + 12, &n, 4);
	pad(&o, 8);
	return o;
}

uint8_t *client_message(const char *to, enum client_kind kind, size_t body,
			size_t *len)
{
	static const uint8_t types[] = {
		[CLIENT_CALL] = DBUS_TYPE_CALL,
		[CLIENT_ONE_WAY] = DBUS_TYPE_CALL,
		[CLIENT_REPLY] = DBUS_TYPE_RETURN,
		[CLIENT_SIGNAL] = DBUS_TYPE_SIGNAL,
	};
	const struct fields f = {
		.path = CLIENT_PATH,
		.interface = CLIENT_INTERFACE,
		.member = CLIENT_MEMBER,
		.to = to,
		.reply = kind == CLIENT_REPLY,
		.signature = body ? "ay" : NULL,
	};
	struct out o = start(types[kind], kind == CLIENT_CALL ?
			     0 : DBUS_FLAG_NO_REPLY, &f, body ? body + 4 : 0);

	if (o.p && body) {
		put32(&o, body);
		o.len += body;
	}
	*len = o.len;
	return o.p;
}

static uint8_t *driver_call(const char *member, const char *arg, size_t *len)
{
	const struct fields f = {
		.path = DBUS_DRIVER_PATH,
		.interface = DBUS_DRIVER_NAME,
		.member = member,
		.to = DBUS_DRIVER_NAME,
		.signature = arg ? "s" : NULL,
	};
	size_t n = arg ? strlen(arg) + 1 : 0;
	struct out o = start(DBUS_TYPE_CALL, 0, &f, arg ? 4 + n : 0);

	if (o.p && arg) {
		put32(&o, n - 1);
		memcpy(o.p + o.len, arg, n);
		o.len += n;
	}
	*len = o.len;
	return o.p;
}

int client_driver(int fd, const char *member, const char *arg)
{
	size_t len;
	uint8_t *m = driver_call(member, arg, &len);
	int r = m ? client_write(fd, m, len) : -ENOMEM;

	free(m);
	return r;
}

int client_write(int fd, const uint8_t *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= n;
	}
	return 0;
}

/* Sockets of this file have a time-out to receive: EAGAIN is a lost message. */
static int read_some(int fd, void *to, size_t len)
{
	ssize_t n;

	do {
		n = recv(fd, to, len, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n ? (int)n : -ECONNRESET;
}

/* Length of the message at @p, of which @have bytes are there; 0 if its fixed
 * part is not complete. */
static size_t total(const uint8_t *p, size_t have)
{
	struct dbus_frame f;

	if (have < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&f, p, DBUS_MAX_MESSAGE))
		return 0;
	return f.total_len;
}

int client_read(int fd, unsigned int n)
{
	/* A message that is a datagram has to fit. */
	static uint8_t buf[2 << 20];
	size_t have = 0, skip = 0, pos, t;
	int r;

	while (n) {
		r = read_some(fd, buf + have, sizeof(buf) - have);
		if (r < 0)
			return r;
		have += r;
		for (pos = 0; n && pos < have; n--) {
			t = skip ? skip : total(buf + pos, have - pos);
			if (!t)
				break;
			skip = t > have - pos ? t - (have - pos) : 0;
			if (skip) {
				pos = have;
				break;
			}
			pos += t;
		}
		have -= pos;
		memmove(buf, buf + pos, have);
	}
	return 0;
}

/* ---- connecting ---- */

static int connect_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int connect_native(const char *path)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };
	int fd = socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, BUS_PROTO_DBUS);

	if (fd < 0)
		return -errno;
	snprintf(sa.sbus_path, sizeof(sa.sbus_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int handshake(int fd)
{
	char hello[64], buf[256], uid[16];
	size_t i, n;
	int r;

	snprintf(uid, sizeof(uid), "%u", (unsigned int)getuid());
	n = 1 + sprintf(hello + 1, "AUTH EXTERNAL ");
	hello[0] = 0;
	for (i = 0; uid[i]; i++)
		n += sprintf(hello + n, "%02x", uid[i]);
	n += sprintf(hello + n, "\r\n");
	r = client_write(fd, (uint8_t *)hello, n);
	if (r >= 0)
		r = read_some(fd, buf, sizeof(buf) - 1);
	if (r >= 0 && strncmp(buf, "OK ", 3))
		r = -EACCES;
	if (r >= 0)
		r = client_write(fd, (const uint8_t *)"BEGIN\r\n", 7);
	return r;
}

static int read_exact(int fd, uint8_t *to, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	while (len) {
		if (poll(&p, 1, WAIT_MS) != 1)
			return -ETIMEDOUT;
		r = read_some(fd, to, len);
		if (r < 0)
			return r;
		to += r;
		len -= r;
	}
	return 0;
}

/* Bytes of a stream, or as a datagram. */
static int read_bytes(int fd, bool native, uint8_t *buf, size_t size)
{
	struct dbus_frame f;
	int r;

	if (native)
		return read_some(fd, buf, size);
	r = read_exact(fd, buf, DBUS_FIXED_LEN);
	if (r < 0)
		return r;
	r = dbus_frame_parse(&f, buf, size);
	if (r < 0)
		return r;
	return read_exact(fd, buf + DBUS_FIXED_LEN,
			  f.total_len - DBUS_FIXED_LEN);
}

/* One small message into @buf. */
static int read_message(int fd, bool native, uint8_t *buf, size_t size,
			struct dbus_header *h)
{
	int r = read_bytes(fd, native, buf, size);

	if (r >= 0)
		r = dbus_frame_parse(&h->f, buf, size);
	return r < 0 ? r : dbus_header_parse(h, buf, h->f.header_len, size);
}

/* The reply to Hello, then NameAcquired: after both the line is silent. */
static int hello(struct bench_end *e, bool native)
{
	bool acquired = false;
	struct dbus_header h;
	uint8_t buf[4096];
	int r;

	r = client_driver(e->fd, "Hello", NULL);
	e->name[0] = 0;
	while (r >= 0 && !(e->name[0] && acquired)) {
		r = read_message(e->fd, native, buf, sizeof(buf), &h);
		if (r < 0)
			break;
		if (h.f.type == DBUS_TYPE_SIGNAL)
			acquired = true;
		else if (h.f.type == DBUS_TYPE_RETURN)
			snprintf(e->name, sizeof(e->name), "%s",
				 (char *)buf + h.f.header_len + 4);
		else
			r = -EPROTO;
	}
	return r;
}

int client_connect(struct bench_end *e, const char *path)
{
	size_t n = strlen(CLIENT_NATIVE);
	bool native = !strncmp(path, CLIENT_NATIVE, n);
	int r = 0;

	e->fd = native ? connect_native(path + n) : connect_unix(path);
	if (e->fd < 0)
		return e->fd;
	if (!native)
		r = handshake(e->fd);
	if (r >= 0)
		r = hello(e, native);
	if (r < 0)
		close(e->fd);
	return r < 0 ? r : 0;
}
