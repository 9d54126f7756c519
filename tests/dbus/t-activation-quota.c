// SPDX-License-Identifier: LGPL-2.1-or-later
/* What waits for a service to start is bounded, in bytes too, and who has
 * filled it hears so; what was taken arrives. dbus-daemon has no such limit. */
#include "services.h"

#define E DRIVER ".Error."
#define MIB (1U << 20)

static uint32_t send_bytes(struct raw *c, size_t bytes)
{
	return raw_send(c, &(struct spec){
		.path = "/x", .interface = "a.b", .member = "Bytes",
		.destination = "test.Quota", .bytes = bytes,
	});
}

static void expect(struct raw *c, uint32_t serial, const char *error)
{
	struct msg m;

	raw_recv_reply(c, &m, serial);
	if (error)
		check(dbus_str_eq(m.h.error_name, error, strlen(error)));
	else
		check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

/* 16 MiB for all, half of it for one. */
static void many(struct raw *c)
{
	uint32_t first, second, third, last;

	/* Longer than it takes to send all that. */
	service_add("test.Quota", "sleep=3000 own=test.Quota serve");
	first = send_bytes(c, 5 * MIB);
	second = send_bytes(c, 2 * MIB);
	third = send_bytes(c, 2 * MIB);
	last = send_bytes(c, 10);
	expect(c, third, E "LimitsExceeded");
	expect(c, first, NULL);
	expect(c, second, NULL);
	expect(c, last, NULL);
	service_quit(c, "test.Quota");
}

/* One alone may be as long as messages may be. */
static void one(struct raw *c)
{
	expect(c, send_bytes(c, 40 * MIB), NULL);
}

int main(void)
{
	struct raw *c = raw_open(false);

	if (raw_bus_is("dbus-daemon"))
		raw_skip("dbus-daemon holds as much as is sent");
	many(c);
	one(c);
	raw_close(c);
	return 0;
}
