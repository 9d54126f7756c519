// SPDX-License-Identifier: LGPL-2.1-or-later
/* Clients of a D-Bus bus, a message a datagram. */
#include "lib/internal.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the address ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @len bytes at @s, unescaped, to @out with its NUL. */
static int unescape(char *out, size_t size, const char *s, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		char c = s[i];

		if (c == '%') {
			if (i + 2 >= len || hex(s[i + 1]) < 0 ||
			    hex(s[i + 2]) < 0)
				return -EINVAL;
			c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		}
		if (!c)
			return -EINVAL;
		if (n + 1 >= size)
			return -ENAMETOOLONG;
		out[n++] = c;
	}
	out[n] = 0;
	return n ? 0 : -EINVAL;
}

/* The value of @key in the pairs at @s, which end at @end. */
static const char *value(const char *s, const char *end, const char *key,
			 size_t *len)
{
	size_t n = strlen(key);
	const char *comma;

	for (; s < end; s = comma + 1) {
		comma = memchr(s, ',', end - s);
		if (!comma)
			comma = end;
		if ((size_t)(comma - s) > n && !memcmp(s, key, n)) {
			*len = comma - s - n;
			return s + n;
		}
	}
	return NULL;
}

static int parse_one(struct sockaddr_bus *sa, const char *s, const char *end)
{
	size_t path_len, name_len;
	const char *path = value(s, end, "path=", &path_len);
	const char *name = value(s, end, "abstract=", &name_len);

	memset(sa, 0, sizeof(*sa));
	if (!path == !name)
		return -EINVAL;
	return path ? unescape(sa->sbus_path, sizeof(sa->sbus_path), path,
			       path_len) :
		      unescape(sa->sbus_path + 1, sizeof(sa->sbus_path) - 1,
			       name, name_len);
}

static int parse(struct sockaddr_bus *sa, const char *list)
{
	static const char ours[] = "afbus:";
	const char *end;

	for (; *list; list = end + !!*end) {
		end = strchrnul(list, ';');
		if (!strncmp(list, ours, sizeof(ours) - 1))
			return parse_one(sa, list + sizeof(ours) - 1, end);
	}
	return -EPROTONOSUPPORT;
}

int afbus_dbus_open(const char *address, unsigned int flags)
{
	struct sockaddr_bus sa;
	int fd, err;

	if (flags & ~AFBUS_NONBLOCK)
		return -EINVAL;
	if (!address)
		address = getenv("DBUS_SESSION_BUS_ADDRESS");
	if (!address)
		return -ENOENT;
	err = parse(&sa, address);
	if (err)
		return err;
	fd = socket_new(SOCK_SEQPACKET, BUS_PROTO_DBUS, flags);
	if (fd < 0)
		return fd;
	sa.sbus_family = afbus_family();
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* ---- Hello ---- */

#define DRIVER "org.freedesktop.DBus"
#define MESSAGE_RETURN 2
#define FIXED 16		/* bytes of every header */

/* Fields of a header begin at multiples of 8 bytes. */
static size_t put_field(uint8_t *m, size_t at, uint8_t code, char type,
			const char *s)
{
	const uint8_t head[4] = { code, 1, type, 0 };
	uint32_t n = strlen(s);

	at = (at + 7) & ~(size_t)7;
	memcpy(m + at, head, sizeof(head));
	memcpy(m + at + 4, &n, sizeof(n));
	memcpy(m + at + 8, s, n + 1);
	return at + 8 + n + 1;
}

static int say_hello(int fd)
{
	const uint8_t head[4] = {
		__BYTE_ORDER == __BIG_ENDIAN ? 'B' : 'l', 1, 0, 1
	};
	uint32_t rest[3] = { 0, 1, 0 };	/* body, serial, fields */
	uint8_t m[256] = { 0 };
	size_t n = FIXED;

	n = put_field(m, n, 1, 'o', "/org/freedesktop/DBus");
	n = put_field(m, n, 2, 's', DRIVER);
	n = put_field(m, n, 3, 's', "Hello");
	n = put_field(m, n, 6, 's', DRIVER);
	rest[2] = n - FIXED;
	memcpy(m, head, sizeof(head));
	memcpy(m + 4, rest, sizeof(rest));
	return afbus_send(fd, 0, m, (n + 7) & ~(size_t)7, 0);
}

static uint32_t number(const uint8_t *m, size_t at)
{
	uint32_t v;

	memcpy(&v, m + at, sizeof(v));
	return m[0] == 'B' ? be32toh(v) : le32toh(v);
}

/* The string that is the body of the reply in @m. */
static int take_name(const uint8_t *m, size_t len, char *name, size_t size)
{
	size_t at, n;

	if (len < FIXED || m[1] != MESSAGE_RETURN)
		return -EPROTO;
	at = ((size_t)number(m, 12) + FIXED + 7) & ~(size_t)7;
	if (at + 4 > len)
		return -EPROTO;
	n = number(m, at);
	if (n + 5 > len - at || m[at + 4 + n])
		return -EPROTO;
	if (n >= size)
		return -ENOSPC;
	memcpy(name, m + at + 4, n + 1);
	return 0;
}

int afbus_dbus_hello(int fd, char *name, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[4096];
	struct afbus_msg m = { .data = buf, .size = sizeof(buf) };
	int err;

	err = say_hello(fd);
	/* The answer is the first thing that a client is told. */
	while (!err) {
		err = afbus_msg_recv(fd, &m, 0);
		if (err != -EAGAIN)
			break;
		err = poll(&p, 1, -1) < 0 ? -errno : 0;
	}
	if (err)
		return err == -ENODATA ? -EPROTO : err;
	return take_name(buf, m.len < sizeof(buf) ? m.len : sizeof(buf), name,
			 size);
}
