// SPDX-License-Identifier: LGPL-2.1-or-later
/* Clients hear of service files that come and go. */
#include "services.h"

static void expect_signal(struct raw *c)
{
	struct msg m;

	raw_recv_member(c, &m, "ActivatableServicesChanged");
	check(m.h.f.type == DBUS_TYPE_SIGNAL && !m.h.signature.len);
	check(dbus_str_eq(m.h.path, DRIVER_PATH, strlen(DRIVER_PATH)));
	check(dbus_str_eq(m.h.interface, DRIVER, strlen(DRIVER)));
	check(dbus_str_eq(m.h.sender, DRIVER, strlen(DRIVER)));
	msg_free(&m);
}

int main(void)
{
	struct raw *c = raw_open(false);

	raw_match(c, "member='ActivatableServicesChanged'");
	service_add("test.New", "own=test.New serve");
	expect_signal(c);
	service_expect(c, "test.New", "Echo", "x", "x");
	service_remove("test.New");
	expect_signal(c);
	/* Its files are none of the bus's business while it runs. */
	service_expect(c, "test.New", "Echo", "y", "y");
	raw_close(c);
	return 0;
}
