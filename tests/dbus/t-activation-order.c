// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A hundred callers of a service that is being started all get their answers,
 * in order, and it is started once. What is sent while it starts, and what is
 * sent the moment it is there, does not change places.
 */
#include "services.h"

#include <fcntl.h>

#define CALLERS 100
#define CALLS 5

static uint32_t send_number(struct raw *c, const char *name, unsigned int n)
{
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "Echo",
		.destination = name,
	};
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	s.args[0] = text;
	return raw_send(c, &s);
}

/* The next reply, and no other, is the one to the call that sent @n. */
static void expect_number(struct raw *c, unsigned int n)
{
	struct msg m;

	do {
		raw_recv(c, &m);
		if (m.h.f.type == DBUS_TYPE_ERROR)
			fail("%s: %s", c->name, msg_str(&m));
	} while (m.h.f.type != DBUS_TYPE_RETURN && (msg_free(&m), true));
	if ((unsigned int)atoi(msg_str(&m)) != n)
		fail("%s: %s instead of %u", c->name, msg_str(&m), n);
	msg_free(&m);
}

static void many_callers(void)
{
	struct raw *c[CALLERS];
	char steps[512];
	unsigned int i, n;

	snprintf(steps, sizeof(steps), "count=%s sleep=300 own=test.Many serve",
		 service_log("test.Many"));
	service_add("test.Many", steps);
	for (i = 0; i < CALLERS; i++)
		c[i] = raw_open(false);
	for (n = 0; n < CALLS; n++)
		for (i = 0; i < CALLERS; i++)
			send_number(c[i], "test.Many", n);
	for (i = 0; i < CALLERS; i++)
		for (n = 0; n < CALLS; n++)
			expect_number(c[i], n);
	for (i = 0; i < CALLERS; i++)
		raw_close(c[i]);
	check(service_starts("test.Many") == 1);
}

/* One who never stops sending, while the name changes from starting to
 * there. */
static void steady_caller(void)
{
	struct raw *c = raw_open(false);
	unsigned int sent = 0, got = 0;

	service_add("test.Steady", "sleep=100 own=test.Steady serve");
	for (; got < 3000; got++) {
		while (sent < got + 50)
			send_number(c, "test.Steady", sent++);
		expect_number(c, got);
	}
	while (got < sent)
		expect_number(c, got++);
	raw_close(c);
}

/* Between its calls, StartServiceByName is answered in its turn. */
static void mixed(void)
{
	struct raw *c = raw_open(false);
	uint32_t first, start, last;
	struct msg m;

	service_add("test.Mixed", "sleep=100 own=test.Mixed serve");
	first = send_number(c, "test.Mixed", 1);
	start = service_send_start(c, "test.Mixed");
	last = send_number(c, "test.Mixed", 2);
	raw_recv_reply(c, &m, start);
	check(msg_u32(&m) == 1);
	msg_free(&m);
	expect_number(c, 1);
	expect_number(c, 2);
	check(first && last);
	raw_close(c);
}

/* A file waits with its message. */
static void file(void)
{
	struct raw *c = raw_open(true);
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "File",
		.destination = "test.File", .unix_fds = 1,
	};
	struct msg m;
	uint32_t serial;
	int pipe_fds[2];
	char byte;

	service_add("test.File", "sleep=50 own=test.File serve");
	check(!pipe2(pipe_fds, O_CLOEXEC));
	serial = raw_send_fds(c, &s, &pipe_fds[1], 1);
	close(pipe_fds[1]);
	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	check(read(pipe_fds[0], &byte, 1) == 1 && byte == 'x');
	close(pipe_fds[0]);
	raw_close(c);
}

/* Who has gone when the service comes is not heard any more. */
static void gone_caller(void)
{
	struct raw *c = raw_open(false), *stays = raw_open(false);
	struct msg m;

	service_add("test.Gone", "sleep=200 own=test.Gone serve");
	service_send_start(stays, "test.Gone");
	raw_send(c, &(struct spec){
		.path = "/x", .interface = "a.b", .member = "Quit",
		.destination = "test.Gone",
	});
	raw_ping(c);
	raw_close(c);
	service_call(stays, &m, "test.Gone", "Call", NULL);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	raw_ping(stays);
	service_expect(stays, "test.Gone", "Echo", "alive", "alive");
	raw_close(stays);
}

int main(void)
{
	many_callers();
	steady_caller();
	mixed();
	file();
	gone_caller();
	return 0;
}
