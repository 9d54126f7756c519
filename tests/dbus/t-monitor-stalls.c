// SPDX-License-Identifier: LGPL-2.1-or-later
/* A monitor that does not read goes, as any receiver that is in the way. What
 * it holds up meanwhile is not lost. dbus-daemon queues without end. */
#include "raw.h"

int main(void)
{
	struct raw *w = raw_open(false), *a = raw_open(false);
	struct raw *b = raw_open(false);
	struct msg m;
	uint32_t i;

	if (raw_bus_is("dbus-daemon"))
		raw_skip("dbus-daemon queues without end");
	raw_recv_reply(w, &m, raw_send(w, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER ".Monitoring",
		.member = "BecomeMonitor", .destination = DRIVER,
		.array = true, .has_u = true,
	}));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	raw_match(b, "member='Much'");
	/* Four times what may be queued, by with-bus. */
	for (i = 0; i < 80; i++) {
		raw_signal(a, "Much", i, 50000);
		raw_recv_member(b, &m, "Much");
		check(msg_u32(&m) == i);
		msg_free(&m);
	}
	raw_expect_eof(w);
	raw_ping(a);
	raw_close(w);
	raw_close(a);
	raw_close(b);
	return 0;
}
