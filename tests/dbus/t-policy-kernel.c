// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bus whose switch is in the kernel, which enforces no policy yet, does not
 * take one that forbids something while it runs, and stays as it was.
 */
#include "conf.h"

int main(void)
{
	struct raw *c;

	conf_need();
	if (!raw_bus_is("kernel"))
		raw_skip("only the kernel's switch");
	c = raw_open(false);
	conf_write(CONF_DEFAULT(CONF_ALL "<deny own='test.A'/>")
		   "<limit name='max_names_per_connection'>2</limit>");
	conf_expect_driver_error(c, "ReloadConfig", NULL, NULL, "Failed",
				 "does not enforce the policy");
	check(raw_request_name(c, "test.A", 0) == 1);
	check(raw_request_name(c, "test.B", 0) == 1);
	conf_load(c, CONF_DEFAULT(CONF_ALL)
		  "<limit name='max_names_per_connection'>3</limit>");
	conf_expect_driver_error(c, "RequestName", "test.C", NULL,
				 "LimitsExceeded", NULL);
	raw_close(c);
	return 0;
}
