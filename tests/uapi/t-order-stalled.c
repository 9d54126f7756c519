// SPDX-License-Identifier: LGPL-2.1-or-later
/* As t-order, with a receiver that stops reading and is removed: nobody else
 * misses anything, and it has a piece of the order without holes. */
#include "order-test.h"

int main(void)
{
	nt_alarm(600);
	order_run(nt_env("AFBUS_TEST_MESSAGES", 30000), true);
	return 0;
}
