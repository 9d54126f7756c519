// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A client that ends its reading side misses messages, so it cannot stay;
 * what it had sent before arrives. With dbus-daemon it stays.
 */
#include "raw.h"

#include <sys/socket.h>

#define N 100

static void watch(struct raw *w, const struct raw *c)
{
	char rule[128];

	snprintf(rule, sizeof(rule),
		 "member='NameOwnerChanged',sender='" DRIVER "',arg0='%s'",
		 c->name);
	raw_match(w, rule);
}

int main(void)
{
	struct raw *a = raw_open(false), *b = raw_open(false);
	struct spec num = {
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Shut", .member = "Num",
		.destination = b->name, .has_u = true,
	};
	struct spec miss = {
		.flags = DBUS_FLAG_NO_REPLY, .path = "/",
		.interface = "test.Shut", .member = "Miss",
		.destination = a->name,
	};
	struct msg m;
	uint32_t i;

	if (raw_bus_is("dbus-daemon"))
		raw_skip("not so with dbus-daemon");
	watch(b, a);
	for (num.u = 0; num.u < N; num.u++)
		raw_send(a, &num);
	shutdown(a->fd, SHUT_RD);
	raw_send(b, &miss);
	for (i = 0; i < N; i++) {
		raw_recv_member(b, &m, "Num");
		check(msg_u32(&m) == i);
		msg_free(&m);
	}
	raw_recv_member(b, &m, "NameOwnerChanged");
	check(!strcmp(msg_str(&m), a->name));
	msg_free(&m);
	raw_ping(b);
	raw_close(a);
	raw_close(b);
	return 0;
}
