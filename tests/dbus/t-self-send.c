// SPDX-License-Identifier: LGPL-2.1-or-later
/* A client sends to itself; two flood each other at the same time. */
#include "raw.h"

#include <poll.h>

#define N 20000

struct side {
	struct raw *c;
	const char *to;
	uint32_t sent, got;
	uint8_t *data;		/* the message that is being written */
	size_t len, done;
	size_t bytes;
};

static void build(struct side *s)
{
	struct spec sp = {
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Flood", .member = "Num",
		.destination = s->to, .has_u = true, .u = s->sent,
		.bytes = s->bytes,
	};

	s->data = raw_build(s->c, &sp, &s->len);
	s->done = 0;
}

static void write_some(struct side *s)
{
	int i;

	for (i = 0; i < 64 && s->sent < N; i++) {
		if (!s->data)
			build(s);
		if (!raw_try_write(s->c, s->data, s->len, &s->done))
			return;
		if (s->done < s->len)
			return;
		free(s->data);
		s->data = NULL;
		s->sent++;
	}
}

static void read_some(struct side *s)
{
	struct msg m;

	while (s->got < N && raw_poll(s->c, &m, 0) > 0) {
		if (msg_is(&m, DBUS_TYPE_CALL, "Num"))
			check(msg_u32(&m) == s->got++);
		msg_free(&m);
	}
}

static bool busy(const struct side *s)
{
	return s->sent < N || s->got < N;
}

static void run(struct side *s, int n)
{
	struct pollfd p[2];
	int i;

	while (busy(&s[0]) || busy(&s[n - 1])) {
		for (i = 0; i < n; i++) {
			p[i].fd = s[i].c->fd;
			p[i].events = POLLIN | (s[i].sent < N ? POLLOUT : 0);
		}
		if (poll(p, n, RAW_WAIT_MS) < 1)
			fail("stuck at %u of %u", s[0].got, s[0].sent);
		for (i = 0; i < n; i++) {
			if (p[i].revents & POLLOUT)
				write_some(&s[i]);
			if (p[i].revents & POLLIN)
				read_some(&s[i]);
		}
	}
}

int main(void)
{
	struct raw *a = raw_open(true), *b = raw_open(false);
	struct side self = { .c = a, .to = a->name, .bytes = 100 };
	struct side both[2] = {
		{ .c = a, .to = b->name, .bytes = 1000 },
		{ .c = b, .to = a->name, .bytes = 3000 },
	};

	run(&self, 1);
	run(both, 2);
	raw_ping_peer(a, b);
	raw_close(a);
	raw_close(b);
	return 0;
}
