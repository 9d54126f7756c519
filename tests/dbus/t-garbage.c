// SPDX-License-Identifier: LGPL-2.1-or-later
/* Malformed input of many kinds costs only the one who sends it. */
#include "raw.h"

/* Changes a good message to a bad one. */
struct kind {
	const char *name;
	int off;		/* of the byte to set; < 0: only @spec */
	uint8_t value;
	struct spec spec;
};

#define GOOD .path = "/o", .interface = "test.I", .member = "M", .args = { "x" }

/* dbus-daemon waits for what does not come. */
#define TOO_LONG_FIELDS "fields of 80 MiB"

static const struct kind kinds[] = {
	{ "byte order", 0, 'x', { GOOD } },
	{ "type 0", 1, 0, { GOOD } },
	{ "version 2", 3, 2, { GOOD } },
	{ "version 0", 3, 0, { GOOD } },
	{ "serial 0", 8, 0, { GOOD, .serial = 1 } },
	{ "body of 4 GiB", 7, 0xff, { GOOD } },
	{ "body of 129 MiB", 7, 0x09, { GOOD } },
	{ "fields of 4 GiB", 15, 0xff, { GOOD } },
	{ TOO_LONG_FIELDS, 15, 0x05, { GOOD } },
	{ "first field 0", 16, 0, { GOOD } },
	{ "field of another type", 18, 's', { GOOD } },
	{ "signature of two types", 17, 2, { GOOD } },
	{ "no NUL behind a signature", 19, 1, { GOOD } },
	{ "long string", 23, 0x7f, { GOOD } },
	{ "path without slash", 24, 'o', { GOOD } },
	{ "no NUL behind a string", 26, 'x', { GOOD } },
	{ "bad byte in path", 25, '-', { GOOD } },
	{ "no UTF-8 in path", 25, 0xff, { GOOD } },
	{ "padding not zero", 28, 1, { GOOD } },
	{ "no path", -1, 0, { .interface = "test.I", .member = "M" } },
	{ "no member", -1, 0, { .path = "/", .interface = "test.I" } },
	{ "signal without interface", -1, 0,
	  { .type = DBUS_TYPE_SIGNAL, .path = "/", .member = "M" } },
	{ "return without serial", -1, 0, { .type = DBUS_TYPE_RETURN } },
	{ "error without name", -1, 0,
	  { .type = DBUS_TYPE_ERROR, .reply_serial = 3 } },
	{ "path //", -1, 0, { .path = "//", .member = "M" } },
	{ "path /a/", -1, 0, { .path = "/a/", .member = "M" } },
	{ "member with dot", -1, 0, { .path = "/", .member = "a.b" } },
	{ "member with digit", -1, 0, { .path = "/", .member = "1b" } },
	{ "interface of one element", -1, 0,
	  { .path = "/", .interface = "test", .member = "M" } },
	{ "empty destination", -1, 0,
	  { .path = "/", .member = "M", .destination = "" } },
	{ "destination of one element", -1, 0,
	  { .path = "/", .member = "M", .destination = "x" } },
	{ "bad error name", -1, 0,
	  { .type = DBUS_TYPE_ERROR, .reply_serial = 3, .error = "a..b" } },
	{ "reserved path", -1, 0,
	  { .type = DBUS_TYPE_SIGNAL, .path = "/org/freedesktop/DBus/Local",
	    .interface = "test.I", .member = "M" } },
	{ "reserved interface", -1, 0,
	  { .type = DBUS_TYPE_SIGNAL, .path = "/",
	    .interface = "org.freedesktop.DBus.Local", .member = "M" } },
	{ "fds that did not come", -1, 0, { GOOD, .unix_fds = 1 } },
	{ "many fds that did not come", -1, 0, { GOOD, .unix_fds = ~0U } },
};

static void throw(const struct kind *k, struct raw *victim, bool pass_fds)
{
	struct raw *c = raw_open(pass_fds);
	struct spec s = k->spec;
	uint8_t *data;
	size_t len;

	if (!s.destination && s.type != DBUS_TYPE_SIGNAL)
		s.destination = victim->name;
	data = raw_build(c, &s, &len);
	if (k->off >= 0)
		data[k->off] = k->value;
	fprintf(stderr, "%s\n", k->name);
	raw_write(c, data, len, NULL, 0);
	free(data);
	raw_expect_eof(c);
	raw_close(c);
}

/* A good message, then noise: the good one arrives. */
static void good_then_noise(struct raw *victim)
{
	struct raw *c = raw_open(true);
	struct spec s = { GOOD, .destination = victim->name };
	uint8_t *data;
	size_t len, i;
	struct msg m;

	data = raw_build(c, &s, &len);
	data = realloc(data, len + 1000);
	for (i = 0; i < 1000; i++)
		data[len + i] = (uint8_t)(i * 131 + 3);
	raw_write(c, data, len + 1000, NULL, 0);
	free(data);
	raw_expect_eof(c);
	raw_recv_member(victim, &m, "M");
	msg_free(&m);
	raw_close(c);
}

static void before_hello(struct raw *victim)
{
	struct raw *c = raw_wrap(raw_dial());
	struct spec s = { GOOD, .destination = victim->name };
	char buf[128];

	raw_write(c, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_answers(c, 1);
	raw_send(c, &s);
	raw_expect_eof(c);
	raw_close(c);
}

static void bad_handshakes(void)
{
	static const char *const texts[] = {
		"AUTH EXTERNAL 30\r\nBEGIN\r\n",	/* no NUL byte */
		"\0BEGIN\r\n",
	};
	struct raw *c;

	c = raw_wrap(raw_dial());
	raw_write(c, texts[0], strlen(texts[0]), NULL, 0);
	raw_expect_eof(c);
	raw_close(c);
	c = raw_wrap(raw_dial());
	raw_write(c, texts[1], 8, NULL, 0);
	raw_expect_eof(c);
	raw_close(c);
}

/* Types that nobody knows yet do no harm. */
static void unknown_type(struct raw *a, struct raw *b)
{
	struct spec s = {
		.type = 77, .path = "/", .interface = "test.I", .member = "M",
		.destination = b->name,
	};

	raw_send(a, &s);
	raw_ping_peer(a, b);
}

int main(void)
{
	struct raw *a = raw_open(true), *b = raw_open(true);
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].name, TOO_LONG_FIELDS) &&
		    raw_bus_is("dbus-daemon"))
			continue;
		throw(&kinds[i], b, i & 1);
		raw_ping_peer(a, b);
	}
	good_then_noise(b);
	before_hello(b);
	bad_handshakes();
	unknown_type(a, b);
	raw_ping_peer(b, a);
	raw_expect_silence(b, 50);
	raw_close(a);
	raw_close(b);
	return 0;
}
