// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Of the files that may wait for a client of D-Bus a user other than its own
 * may fill half of what the others leave; so the next user's still get through,
 * and the client's own user may fill all of it. Bytes are none of the matter:
 * there is room for plenty, and who may send no more files may send messages.
 */
#include "bus-test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define UID 4711
/* Eight shares are all users', which whose is a secret: one of these has
 * another than the first, but once in 8^OTHERS times. */
#define OTHERS 5
#define FILES 40

static int bus, file;

static struct client client_of(uid_t uid)
{
	struct client c;

	check(!seteuid(uid));
	c = test_client(bus, BUS_ATTACH_FDS);
	check(!seteuid(0));
	return c;
}

static uint64_t queued(const struct client *c)
{
	return test_port_stats(bus, c->addr).queue_fds;
}

static bool waits(const struct client *c)
{
	return test_port_stats(bus, c->addr).flags & BUS_PORT_WAITING;
}

static uint64_t sent(const struct client *c)
{
	return test_port_stats(bus, c->addr).sent_msgs;
}

/* A message with @n files goes, or is made to wait: false. */
static bool say(struct client *from, struct client *to, unsigned int n)
{
	uint64_t before = sent(from);
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.path = "/o", .interface = "i.f", .member = "S",
		.destination = to->name, .serial = (uint32_t)before + 1,
		.unix_fds = n,
	};
	int fds[2] = { file, file };

	test_send(from->fd, &s, fds, (int)n);
	while (!waits(from))
		if (sent(from) > before)
			return true;
	return false;
}

static void hear(struct client *c, int n, int files)
{
	struct msg m;

	while (n--) {
		check(test_recv(c, &m));
		files -= m.n_fds;
		msg_free(&m);
	}
	check(!files);
	test_silence(c->fd, 50);
}

int main(void)
{
	struct bus_limits l = { .queue_fds = FILES, .stall_ms = 3600000 };
	struct client r, mine, own, a, other[OTHERS];
	int i, through = 0;

	if (getuid())
		return TEST_SKIP;
	bus = test_bus();
	test_limits(bus, &l);
	file = open("/dev/null", O_RDONLY);
	check(file >= 0);
	r = client_of(0);
	mine = client_of(0);
	own = client_of(0);
	a = client_of(UID);
	for (i = 0; i < OTHERS; i++)
		other[i] = client_of(UID + 1 + i);
	for (i = 0; i < FILES / 4; i++)
		check(say(&a, &r, 2));
	check(queued(&r) == FILES / 2);
	check(say(&a, &r, 0));
	check(!say(&a, &r, 1));
	check(queued(&r) == FILES / 2);
	for (i = 0; i < OTHERS; i++)
		through += say(&other[i], &r, 1);
	check(through);
	check(queued(&r) == FILES / 2 + (uint64_t)through);
	for (i = 0; i < FILES / 2; i++)
		check(say(&own, &mine, 2));
	check(queued(&mine) == FILES);
	check(!say(&own, &mine, 1));
	/* All of it comes, once there is room. */
	hear(&r, FILES / 4 + 2 + OTHERS, FILES / 2 + 1 + OTHERS);
	hear(&mine, FILES / 2 + 1, FILES + 1);
	check(!waits(&a) && !waits(&own));
	check(!queued(&r) && !queued(&mine));
	close(bus);
	return 0;
}
