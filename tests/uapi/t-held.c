// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A port is held while the master has a message of it: a rule that the master
 * adds because of it is in force for what the same client wrote later.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

int main(void)
{
	int bus = test_bus();
	struct client a = test_client_raw(bus, 0), b = test_client(bus, 0);
	struct msg m;
	struct pollfd p = { .fd = bus, .events = POLLIN };
	int i;

	/* New, so held and not active: nothing is looked at yet. */
	test_call(&a, b.name, 1, 10);
	test_silence(bus, 20);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	test_master_recv(bus, &m);
	check(m.h.f.serial == 1 && test_stats(bus).master_inactive == 1);
	msg_free(&m);
	check(test_port_stats(bus, a.addr).flags & BUS_PORT_HELD);
	check(!test_update(bus, BUS_REC_ACTIVATE, a.addr, 0, NULL));
	/* Wrote ahead: a driver call, then what must come after it. */
	test_call(&a, DBUS_DRIVER_NAME, 2, 0);
	for (i = 3; i < 200; i++)
		test_signal(&a, i, "S", 50);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	/* Not read yet, so it cannot be done with. */
	check(poll(&p, 1, TEST_WAIT_MS) == 1);
	check(test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL) == -EBUSY);
	test_master_recv(bus, &m);
	check(m.h.f.serial == 2);
	msg_free(&m);
	test_silence(b.fd, 20);
	test_match(bus, &a, 1, "member='S'");
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	for (i = 3; i < 200; i++) {
		check(test_recv(&a, &m));
		check((int)m.h.f.serial == i);
		msg_free(&m);
	}
	return 0;
}
