// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who is given a message longer than a queue may be, and reads it in its own
 * time, is not removed for what the bus itself has to say meanwhile. */
#include "raw.h"

#define LONG (40U << 20)

/* As many signals as one who is slow may well get. */
static void make_noise(void)
{
	int i;

	for (i = 0; i < 100; i++)
		raw_close(raw_open(false));
}

int main(void)
{
	struct raw *a = raw_open(false), *slow = raw_open(false);
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "Long",
		.destination = slow->name, .flags = DBUS_FLAG_NO_REPLY,
		.bytes = LONG,
	};
	unsigned int signals = 0;
	struct msg m;

	raw_match(slow, "member='NameOwnerChanged'");
	raw_send(a, &s);
	raw_ping(a);
	make_noise();
	raw_recv_member(slow, &m, "Long");
	check(m.len > LONG);
	msg_free(&m);
	for (; signals < 200; signals++) {
		raw_recv_member(slow, &m, "NameOwnerChanged");
		msg_free(&m);
	}
	raw_ping(slow);
	return 0;
}
