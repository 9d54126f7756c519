// SPDX-License-Identifier: LGPL-2.1-or-later
/* What waits for a service to start is bounded, in bytes too, and who has
 * filled it hears so; what was taken arrives. dbus-daemon has no such limit. */
#include "conf.h"
#include "services.h"

#include <fcntl.h>

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
	const char *go = service_log("test.Quota");
	uint32_t first, second, third, last;
	char steps[256];

	unlink(go);
	snprintf(steps, sizeof(steps), "until=%s own=test.Quota serve", go);
	service_add("test.Quota", steps);
	first = send_bytes(c, 5 * MIB);
	second = send_bytes(c, 2 * MIB);
	third = send_bytes(c, 2 * MIB);
	last = send_bytes(c, 10);
	expect(c, third, E "LimitsExceeded");
	check(!close(creat(go, 0600)));
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
	/* A bus that does not outlive its daemon has nothing to say of that. */
	check(!conf_has_said("cannot"));
	raw_close(c);
	return 0;
}
