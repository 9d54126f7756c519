// SPDX-License-Identifier: LGPL-2.1-or-later
/* Handshakes as clients do them, and as they should not. */
#include "raw.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define END "\r\n"

static char uid_hex[32];

/* $ stands for the hexadecimal user id. */
static size_t expand(char *to, const char *from, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (from[i] == '$')
			n += (size_t)sprintf(to + n, "%s", uid_hex);
		else
			to[n++] = from[i];
	}
	return n;
}

/* Reads what comes, a line at least, and compares its beginning; NULL: the
 * connection ends. */
static void expect(int fd, const char *answer)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[256] = "";
	size_t len = 0;
	ssize_t n;

	do {
		if (poll(&p, 1, RAW_WAIT_MS) != 1)
			fail("no answer, but %s was expected",
			     answer ? answer : "an end");
		/* Byte by byte: lines only. */
		n = read(fd, buf + len, 1);
		if (n <= 0) {
			if (answer)
				fail("end of file instead of %s", answer);
			return;
		}
		len += (size_t)n;
	} while (buf[len - 1] != '\n' && len < sizeof(buf) - 1);
	if (!answer)
		return expect(fd, NULL);
	if (strncmp(buf, answer, strlen(answer)))
		fail("%s instead of %s", buf, answer);
}

static void put(int fd, const char *s, size_t len)
{
	char buf[512];

	len = expand(buf, s, len);
	if (send(fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len &&
	    errno != EPIPE)
		fail("send");
}

struct script {
	const char *send;
	const char *answers[6];	/* what lines begin with; "!" is the end */
};

static const struct script scripts[] = {
	{ "AUTH" END, { "REJECTED EXTERNAL" } },
	{ "AUTH FOO" END, { "REJECTED EXTERNAL" } },
	{ "AUTH EXTERNAL $" END, { "OK " } },
	{ "AUTH EXTERNAL" END, { "DATA" END } },
	{ "AUTH EXTERNAL" END "DATA" END, { "DATA" END, "OK " } },
	{ "AUTH EXTERNAL" END "DATA $" END, { "DATA" END, "OK " } },
	{ "AUTH EXTERNAL 3939393939" END, { "REJECTED" } },
	{ "AUTH EXTERNAL" END "CANCEL" END "AUTH EXTERNAL $" END,
	  { "DATA" END, "REJECTED", "OK " } },
	{ "AUTH EXTERNAL" END "ERROR no" END, { "DATA" END, "REJECTED" } },
	{ "AUTH EXTERNAL" END "AUTH EXTERNAL $" END, { "DATA" END, "ERROR" } },
	{ "AUTH EXTERNAL xyz" END, { "ERROR" } },
	{ "AUTH EXTERNAL $" END "AUTH EXTERNAL $" END, { "OK ", "ERROR" } },
	{ "AUTH EXTERNAL $" END "CANCEL" END "AUTH EXTERNAL $" END,
	  { "OK ", "REJECTED", "OK " } },
	{ "AUTH EXTERNAL $" END "NEGOTIATE_UNIX_FD" END,
	  { "OK ", "AGREE_UNIX_FD" } },
	{ "NEGOTIATE_UNIX_FD" END, { "ERROR" } },
	{ "DATA $" END, { "ERROR" } },
	{ "CANCEL" END, { "ERROR" } },
	{ "ERROR x" END, { "REJECTED" } },
	{ "WHAT" END "AUTH EXTERNAL $" END, { "ERROR", "OK " } },
	{ "\xc3\xa4" END, { "ERROR" } },
	{ "BEGIN" END, { "!" } },
	{ "AUTH EXTERNAL" END "BEGIN" END, { "DATA" END, "!" } },
};

static void run(const struct script *s, bool in_pieces)
{
	int fd = raw_dial();
	size_t i, len = strlen(s->send);

	put(fd, "", 1);
	if (in_pieces)
		for (i = 0; i < len; i++)
			put(fd, s->send + i, 1);
	else
		put(fd, s->send, len);
	for (i = 0; i < 6 && s->answers[i]; i++)
		expect(fd, s->answers[i][0] == '!' ? NULL : s->answers[i]);
	close(fd);
}

static void without_nul(void)
{
	int fd = raw_dial();

	put(fd, "AUTH", 4);
	expect(fd, NULL);
	close(fd);
}

/* A line without an end, and failures without an end. */
static void endless(const char *what)
{
	int fd = raw_dial();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char junk[4096];
	ssize_t n = 1;
	int i;

	put(fd, "", 1);
	for (i = 0; i < 100000 && n > 0; i++) {
		n = send(fd, what, strlen(what), MSG_NOSIGNAL);
		while (n > 0 && poll(&p, 1, 0) == 1)
			n = read(fd, junk, sizeof(junk));
	}
	check(n <= 0);
	close(fd);
}

static void begin_with_fds(void)
{
	struct raw *c = raw_wrap(raw_dial());
	int fd = 0;

	raw_write(c, "", 1, &fd, 1);
	expect(c->fd, NULL);
	raw_close(c);
}

/* The next byte may be the first of a message, or come much later. */
static void begin_in_pieces(void)
{
	struct raw *c = raw_wrap(raw_dial());
	char buf[128];
	size_t n = raw_handshake(buf, sizeof(buf), true), i;
	struct msg m;

	for (i = 0; i < n; i++)
		raw_write(c, buf + i, 1, NULL, 0);
	raw_answers(c, 2);
	raw_driver(c, &m, "Hello", NULL, NULL);
	msg_free(&m);
	raw_ping(c);
	raw_close(c);
}

static void before_hello(bool call)
{
	struct raw *c = raw_wrap(raw_dial());
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = call ? "GetId" : "Sig", .destination =
			call ? DRIVER : NULL,
		.type = call ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
	};
	char buf[128];
	size_t n = raw_handshake(buf, sizeof(buf), false);

	raw_write(c, buf, n, NULL, 0);
	raw_answers(c, 1);
	raw_send(c, &s);
	raw_expect_eof(c);
	raw_close(c);
}

int main(void)
{
	char uid[16];
	size_t i;

	snprintf(uid, sizeof(uid), "%u", (unsigned int)getuid());
	for (i = 0; uid[i]; i++)
		sprintf(uid_hex + 2 * i, "%02x", uid[i]);
	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		run(&scripts[i], false);
		run(&scripts[i], true);
	}
	without_nul();
	endless("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	endless("AUTH FOO" END);
	/* dbus-daemon takes them, and closes them. */
	if (!raw_bus_is("dbus-daemon"))
		begin_with_fds();
	begin_in_pieces();
	/* dbus-daemon answers it with an error. */
	if (!raw_bus_is("dbus-daemon"))
		before_hello(true);
	before_hello(false);
	return 0;
}
