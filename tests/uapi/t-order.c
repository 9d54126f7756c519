// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One order for everybody: 8 senders, 8 readers, unicast and multicast mixed,
 * pauses, clients that come and go. AFBUS_TEST_MESSAGES: how many messages.
 */
#include "order-test.h"

int main(void)
{
	nt_alarm(600);
	order_run(nt_env("AFBUS_TEST_MESSAGES", 100000), false);
	return 0;
}
