// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A client stops reading while others flood it: clients that have nothing to
 * do with it go on meanwhile. With a stall time it is removed after that, and
 * the flooders go on.
 */
#include "conf.h"

#include <time.h>

#define FLOODERS 3
#define BYTES 4000
/* Well above what its queue, and the sockets' buffers, hold. */
#define FLOOD (24UL << 20)

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

struct flooder {
	struct raw *c;
	uint8_t *data;
	size_t len, done;
	unsigned long sent;
};

static void build(struct flooder *f, const struct raw *to)
{
	struct spec s = {
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Stop", .member = "Flood",
		.destination = to->name, .bytes = BYTES,
	};

	f->data = raw_build(f->c, &s, &f->len);
}

/* Writes until the socket is full; true if it took anything. */
static bool flood(struct flooder *f)
{
	bool any = false;

	while (f->sent < FLOOD) {
		size_t before = f->done;

		if (!raw_try_write(f->c, f->data, f->len, &f->done))
			break;
		any = true;
		f->sent += f->done - before;
		if (f->done == f->len)
			f->done = 0;
	}
	return any;
}

static void drain(struct raw *c)
{
	struct msg m;

	while (raw_poll(c, &m, 0) > 0)
		msg_free(&m);
}

/* Floods until all is sent or nothing moves for @quiet ms. */
static void flood_all(struct flooder *f, struct raw *a, struct raw *b,
		      uint64_t quiet)
{
	uint64_t last = now_ms();
	int i, full = 0;

	while (full < FLOODERS && now_ms() - last < quiet) {
		full = 0;
		for (i = 0; i < FLOODERS; i++) {
			if (flood(&f[i]))
				last = now_ms();
			drain(f[i].c);
			full += f[i].sent >= FLOOD;
		}
		raw_ping_peer(a, b);
		raw_ping_peer(b, a);
	}
}

/* It was warned of, then it is told to all, and the flooders got rid of
 * everything. */
static void evicted(struct flooder *f, struct raw *slow, struct raw *watcher)
{
	struct msg m;
	char said[64];
	int i;

	raw_recv_member(watcher, &m, "NameOwnerChanged");
	check(!strcmp(msg_str(&m), slow->name));
	msg_free(&m);
	for (i = 0; i < FLOODERS; i++)
		check(f[i].sent >= FLOOD);
	raw_expect_eof(slow);
	snprintf(said, sizeof(said), "Others wait for \"%s\" (", slow->name);
	conf_expect_log(said);
	snprintf(said, sizeof(said), "Disconnected \"%s\" (", slow->name);
	conf_expect_log(said);
}

int main(void)
{
	struct raw *slow = raw_open(false), *w = raw_open(false);
	struct raw *a = raw_open(true), *b = raw_open(false);
	struct flooder f[FLOODERS] = { 0 };
	unsigned long stall = raw_env("BUS_STALL_MS", 0);
	char rule[128];
	int i;

	snprintf(rule, sizeof(rule),
		 "member='NameOwnerChanged',sender='" DRIVER "',arg0='%s'",
		 slow->name);
	raw_match(w, rule);
	for (i = 0; i < FLOODERS; i++) {
		f[i].c = raw_open(false);
		build(&f[i], slow);
	}
	flood_all(f, a, b, 2 * stall + 300);
	if (stall && !raw_bus_is("dbus-daemon"))
		evicted(f, slow, w);
	raw_close(slow);
	raw_ping_peer(a, b);
	for (i = 0; i < FLOODERS; i++) {
		free(f[i].data);
		raw_close(f[i].c);
	}
	raw_close(a);
	raw_close(b);
	raw_close(w);
	return 0;
}
