// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A user whose calls fill the queue of another's client, which does not read,
 * has a part of it: others get through while he waits, and nothing is lost.
 * The client's own user may fill all of it.
 */
#include "conf.h"

#include <poll.h>

#define UID 4711
/* The kernel tells users apart by a secret share of eight: one of these has
 * another than the first, but once in 8^OTHERS times. */
#define OTHERS 5
#define BYTES 8000
/* Well above what the queue and the sockets' buffers hold. */
#define ENOUGH (24UL << 20)

static struct spec call(const struct raw *to, size_t bytes)
{
	return (struct spec){
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Share", .member = "Call",
		.destination = to->name, .bytes = bytes,
	};
}

struct flood {
	uint8_t *data;
	size_t len, done;
	unsigned long bytes;
};

/* Until nothing moves, although the bus has had time: it has answered others
 * meanwhile. */
static void flood(struct flood *f, struct raw *from, const struct raw *to,
		  struct raw *control)
{
	struct spec s = call(to, BYTES);
	int quiet = 0;

	memset(f, 0, sizeof(*f));
	f->data = raw_build(from, &s, &f->len);
	while (quiet < 5) {
		size_t before = f->done;

		check(f->bytes < ENOUGH);
		if (!raw_try_write(from, f->data, f->len, &f->done)) {
			raw_ping(control);
			quiet++;
			continue;
		}
		quiet = 0;
		f->bytes += f->done - before;
		if (f->done == f->len)
			f->done = 0;
	}
}

/* All calls of the flood come; the last one may be cut short. */
static void hear(struct raw *c, const struct flood *f, unsigned int others)
{
	unsigned long calls = f->bytes / f->len;
	struct msg m;

	while (calls || others) {
		raw_recv_member(c, &m, "Call");
		if (m.h.f.body_len > BYTES) {
			check(calls);
			calls--;
		} else {
			check(others);
			others--;
		}
		msg_free(&m);
	}
}

/* Who is answered by the bus has got rid of the call before. */
static void one_gets_through(struct raw *const *other, const struct raw *to)
{
	struct pollfd p[OTHERS];
	struct spec s = call(to, 10), ping = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = "org.freedesktop.DBus.Peer", .member = "Ping",
	};
	int i;

	for (i = 0; i < OTHERS; i++) {
		raw_send(other[i], &s);
		raw_send(other[i], &ping);
		p[i] = (struct pollfd){ other[i]->fd, POLLIN, 0 };
	}
	check(poll(p, OTHERS, RAW_WAIT_MS) > 0);
}

int main(void)
{
	struct raw *control, *r, *mine, *a, *own, *other[OTHERS];
	struct flood by_a, by_own;
	int i;

	if (raw_bus_is("dbus-daemon") || raw_bus_is("dbus-broker"))
		raw_skip("its senders do not wait");
	conf_need_users();
	control = raw_open(false);
	conf_load(control, CONF_DEFAULT(CONF_ALL "<allow user='*'/>"));
	r = raw_open(false);
	mine = raw_open(false);
	own = raw_open(false);
	a = conf_open_as(UID, false);
	for (i = 0; i < OTHERS; i++)
		other[i] = conf_open_as(UID + 1 + i, false);
	flood(&by_a, a, r, control);
	one_gets_through(other, r);
	flood(&by_own, own, mine, control);
	check(by_own.bytes > by_a.bytes + 100000);
	hear(r, &by_a, OTHERS);
	hear(mine, &by_own, 0);
	return 0;
}
