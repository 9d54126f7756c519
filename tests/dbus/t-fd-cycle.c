// SPDX-License-Identifier: LGPL-2.1-or-later
/* A client that sends its own socket and goes: the connection ends. */
#include "raw.h"

static void watch(struct raw *w, struct raw *c)
{
	char rule[128];

	snprintf(rule, sizeof(rule),
		 "member='NameOwnerChanged',sender='" DRIVER "',arg0='%s'",
		 c->name);
	raw_match(w, rule);
}

static void expect_gone(struct raw *w)
{
	struct msg m;

	raw_recv_member(w, &m, "NameOwnerChanged");
	msg_free(&m);
}

/* In a message that is never completed. */
static void incomplete(struct raw *w, size_t cut)
{
	struct raw *c = raw_open(true);
	struct spec s = {
		.path = "/", .interface = "test.Cycle", .member = "M",
		.destination = c->name, .unix_fds = 1, .bytes = 100,
	};
	uint8_t *data;
	size_t len;

	watch(w, c);
	data = raw_build(c, &s, &len);
	raw_write(c, data, len - cut, &c->fd, 1);
	free(data);
	raw_close(c);
	expect_gone(w);
}

/* In a message that waits in its own queue: AF_UNIX's collector finds it. */
static void to_itself(struct raw *w)
{
	struct raw *c = raw_open(true);
	struct spec s = {
		.path = "/", .interface = "test.Cycle", .member = "M",
		.destination = c->name, .unix_fds = 1,
	};

	watch(w, c);
	raw_send_fds(c, &s, &c->fd, 1);
	raw_ping(c);
	raw_close(c);
	/* Any socket closed while sockets are under way wakes it. */
	raw_close(raw_open(true));
	expect_gone(w);
}

/* Behind what its socket has no room for, so where AF_UNIX does not see it. */
static void behind_others(struct raw *w)
{
	struct raw *c = raw_open(true);
	struct spec s = {
		.path = "/", .interface = "test.Cycle", .member = "M",
		.destination = c->name, .bytes = 100000,
	};
	int i;

	watch(w, c);
	for (i = 0; i < 6; i++)
		raw_send(c, &s);
	s.unix_fds = 1;
	raw_send_fds(c, &s, &c->fd, 1);
	raw_ping(w);
	raw_close(c);
	raw_close(raw_open(true));
	expect_gone(w);
}

/* A holds B's socket and B holds A's. */
static void to_each_other(struct raw *w)
{
	struct raw *a = raw_open(true), *b = raw_open(true);
	struct spec s = {
		.path = "/", .interface = "test.Cycle", .member = "M",
		.unix_fds = 1,
	};

	watch(w, a);
	watch(w, b);
	s.destination = b->name;
	raw_send_fds(a, &s, &b->fd, 1);
	raw_ping(a);
	s.destination = a->name;
	raw_send_fds(b, &s, &a->fd, 1);
	raw_ping(b);
	raw_close(a);
	raw_close(b);
	raw_close(raw_open(true));
	expect_gone(w);
	expect_gone(w);
}

int main(void)
{
	struct raw *w = raw_open(false);

	if (!raw_env("BUS_STALL_MS", 0))
		raw_skip("needs a short stall time");
	incomplete(w, 1);
	incomplete(w, 120);
	to_itself(w);
	/* The reference has them for ever. */
	if (!raw_bus_is("dbus-daemon"))
		behind_others(w);
	to_each_other(w);
	raw_ping(w);
	raw_close(w);
	return 0;
}
