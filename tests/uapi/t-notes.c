// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notes: bytes that the master leaves with a port or the bus are there for his
 * successor, until they are replaced, taken away, or their port is let go of; and
 * the files that he leaves.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

static int note(int bus, uint64_t addr, uint64_t cookie, const void *data,
		size_t len)
{
	struct batch b = { 0 };

	batch_add(&b, BUS_REC_NOTE, addr, cookie, data, len);
	return batch_apply(bus, &b);
}

#define ROOM (1 << 20)

union whole {
	struct bus_dump head;
	uint8_t bytes[sizeof(struct bus_dump) + ROOM];
};

static const struct bus_rec *find(int bus, uint64_t addr, uint64_t cookie)
{
	static union whole d;
	socklen_t len = sizeof(d);
	const struct bus_rec *rec;
	size_t at;

	d.head = (struct bus_dump){ 0 };
	check(!getsockopt(bus, SOL_BUS, BUS_DUMP, &d, &len));
	check(!d.head.cursor && len == sizeof(d.head) + d.head.len);
	for (at = 0; at < d.head.len; at = (at + rec->len + 7) & ~7UL) {
		rec = (const void *)(d.head.data + at);
		if (rec->type == BUS_REC_NOTE && rec->addr == addr &&
		    rec->cookie == cookie)
			return rec;
	}
	return NULL;
}

static bool is(int bus, uint64_t addr, uint64_t cookie, const char *text)
{
	const struct bus_rec *rec = find(bus, addr, cookie);

	return rec && rec->len == sizeof(*rec) + strlen(text) &&
	       !memcmp(rec->data, text, strlen(text));
}

static int notes(int bus)
{
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	static uint8_t large[BUS_NOTE_MAX + 1];
	struct batch t = { 0 };
	int i, r = 0;

	check(!note(bus, 0, 1, "one", 3) && !note(bus, a.addr, 1, "a", 1));
	check(!note(bus, b.addr, 1, "b", 1) && !note(bus, b.addr, 0, "b0", 2));
	check(is(bus, 0, 1, "one") && is(bus, a.addr, 1, "a"));
	check(is(bus, b.addr, 1, "b") && is(bus, b.addr, 0, "b0"));
	check(!note(bus, 0, 1, "another", 7) && is(bus, 0, 1, "another"));
	check(!note(bus, b.addr, 0, NULL, 0) && !find(bus, b.addr, 0));
	check(!note(bus, b.addr, 0, NULL, 0));
	check(note(bus, 999, 0, "x", 1) == -ENOENT);
	check(note(bus, 0, 2, large, sizeof(large)) == -EINVAL);
	check(!note(bus, 0, 2, large, BUS_NOTE_MAX));
	check(find(bus, 0, 2)->len == sizeof(struct bus_rec) + BUS_NOTE_MAX);
	/* All or none; and in order. */
	batch_add(&t, BUS_REC_NOTE, 0, 1, "x", 1);
	batch_add(&t, BUS_REC_NOTE, 999, 1, "x", 1);
	check(batch_apply(bus, &t) == -ENOENT && is(bus, 0, 1, "another"));
	batch_add(&t, BUS_REC_NOTE, 0, 1, "x", 1);
	batch_add(&t, BUS_REC_NOTE, 0, 1, "y", 1);
	batch_add(&t, BUS_REC_CLOSE, a.addr, 0, NULL, 0);
	batch_add(&t, BUS_REC_NOTE, a.addr, 2, "late", 4);
	check(!batch_apply(bus, &t) && is(bus, 0, 1, "y"));
	check(!find(bus, a.addr, 1) && !find(bus, a.addr, 2));
	close(bus);
	bus = test_take_over(&sa);
	check(is(bus, 0, 1, "y") && is(bus, b.addr, 1, "b"));
	/* They are bounded, and what is taken away makes room. */
	for (i = 0; !r; i++)
		r = note(bus, b.addr, 100 + i, large, BUS_NOTE_MAX);
	check(r == -ENOSPC && i > 900 && i < 1100);
	check(!note(bus, 0, 2, NULL, 0));
	check(!note(bus, b.addr, 5, large, BUS_NOTE_MAX));
	check(!test_update(bus, BUS_REC_CLOSE, b.addr, 0, NULL));
	for (i = 0; i < 900; i++)
		check(!note(bus, 0, 100 + i, large, BUS_NOTE_MAX));
	close(a.fd);
	close(b.fd);
	return bus;
}

static int keep(int bus, uint64_t id, int fd)
{
	struct bus_keep k = { .id = id, .fd = fd };

	return setsockopt(bus, SOL_BUS, BUS_KEEP, &k, sizeof(k)) ? -errno : 0;
}

static int kept(int bus, uint64_t id)
{
	struct bus_keep k = { .id = id, .fd = -1 };
	socklen_t len = sizeof(k);

	if (getsockopt(bus, SOL_BUS, BUS_KEEP, &k, &len))
		return -errno;
	check(k.fd >= 0 && k.id == id);
	return k.fd;
}

static void files(int bus)
{
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct sockaddr_un un = { .sun_family = AF_UNIX,
				  .sun_path = "\0afbus-kept" };
	struct client n;
	struct bus_keep bad = { .id = 1, .fd = -1, .pad = 1 };
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), p[2], i, r;
	socklen_t len = sizeof(bad);
	char x;

	check(!bind(l, (struct sockaddr *)&un, sizeof(un)) && !listen(l, 5));
	check(!pipe(p) && !listen(bus, 5));
	n = test_native(bus);
	check(!keep(bus, 1, l) && !keep(bus, 2, p[1]));
	check(keep(bus, 3, bus) == -EINVAL && keep(bus, 3, n.fd) == -EINVAL);
	check(keep(bus, 3, eventfd(0, 0)) == -EINVAL);
	check(keep(bus, 3, 999) == -EBADF && keep(bus, 3, -1) == -ENOENT);
	check(keep(bus, 3, -2) == -EINVAL && kept(bus, 3) == -ENOENT);
	check_err(setsockopt(bus, SOL_BUS, BUS_KEEP, &bad, sizeof(bad)),
		  EINVAL);
	check_err(setsockopt(bus, SOL_BUS, BUS_KEEP, &bad, 4), EINVAL);
	check_err(getsockopt(bus, SOL_BUS, BUS_KEEP, &bad, &len), EINVAL);
	check_err(getsockopt(bus, SOL_BUS, BUS_KEEP, (void *)8, &len), EFAULT);
	close(l);
	close(p[1]);
	close(bus);
	/* New connections wait where they always did. */
	check(!connect(c, (struct sockaddr *)&un, sizeof(un)));
	check(write(c, "!", 1) == 1);
	bus = test_take_over(&sa);
	check(test_outage(bus).kept == 2);
	l = kept(bus, 1);
	r = accept(l, NULL, NULL);
	check(r >= 0 && read(r, &x, 1) == 1 && x == '!');
	close(r);
	r = kept(bus, 2);
	check(write(r, "?", 1) == 1 && read(p[0], &x, 1) == 1);
	close(r);
	/* In place of what was there; and taken away. */
	check(!keep(bus, 2, p[0]) && !keep(bus, 2, -1));
	check(kept(bus, 2) == -ENOENT && test_outage(bus).kept == 1);
	for (i = 10, r = 0; !r; i++)
		r = keep(bus, i, p[0]);
	check(r == -ENOSPC && test_outage(bus).kept == 1024);
	check(!keep(bus, 1, p[0]));
	/* They go with the bus. */
	test_persist(bus, 0);
	close(bus);
	close(l);
	close(c);
	close(n.fd);
	check(read(p[0], &x, 1) == 0);
	close(p[0]);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check_err(connect(c, (struct sockaddr *)&un, sizeof(un)), ECONNREFUSED);
	close(c);
}

int main(void)
{
	files(notes(test_bus()));
	return 0;
}
