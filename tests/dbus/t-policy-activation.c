// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is sent to a service that does not run yet is asked about twice: by the
 * name before it is started for it, by who has come for the name afterwards.
 */
#include "conf.h"
#include "services.h"

#define SERVICES_DIR "<servicedir>%s</servicedir>"

static void load(struct raw *c, const char *rules)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 SERVICES_DIR CONF_DEFAULT(CONF_ALL "%s") CONF_DRIVER,
		 getenv("BUS_SERVICES"), rules);
	conf_load(c, text);
}

static uint32_t send(struct raw *c, const char *name)
{
	struct spec s = {
		.destination = name, .path = "/", .interface = "test.Service",
		.member = "Echo", .args = { "hi" },
	};

	return raw_send(c, &s);
}

/* Nothing is started for who may not talk to it. */
static void denied_by_name(struct raw *c)
{
	char steps[512];

	snprintf(steps, sizeof(steps), "count=%s own=test.Closed serve",
		 service_log("test.Closed"));
	service_add("test.Closed", steps);
	load(c, "<deny send_destination='test.Closed'/>");
	conf_expect_error(c, send(c, "test.Closed"), "AccessDenied",
			  "Rejected send message, 2 matched rules; type=\"method_call\"");
	check(service_starts("test.Closed") == 0);
	load(c, "<deny send_destination_prefix='test.Closed'/>");
	conf_expect_error(c, send(c, "test.Closed"), "AccessDenied",
			  "destination=\"test.Closed\" (bus)");
	check(service_starts("test.Closed") == 0);
	/* A name without a service is not worth a question. */
	load(c, "<deny send_destination='test.None'/>");
	conf_expect_error(c, send(c, "test.None"), "ServiceUnknown", NULL);
	load(c, "");
	service_expect(c, "test.Closed", "Echo", "hi", "hi");
	check(service_starts("test.Closed") == 1);
	service_quit(c, "test.Closed");
}

/* Its other name is closed, but that is known only when it is there. */
static void denied_by_owner(struct raw *c)
{
	service_add("test.Open",
		    "own=test.Hidden own=test.Open serve");
	load(c, "<deny send_destination='test.Hidden'/>");
	conf_expect_error(c, send(c, "test.Open"), "AccessDenied",
			  "destination=\"test.Open\" (uid=");
	load(c, "");
	service_expect(c, "test.Open", "Echo", "hi", "hi");
	service_quit(c, "test.Open");
}

/* It may not own what it was started for. */
static void not_to_own(struct raw *c)
{
	service_add("test.Proud", "own=test.Proud serve");
	load(c, "<deny own='test.Proud'/>");
	conf_expect_error(c, send(c, "test.Proud"), "Spawn.ChildExited", NULL);
	load(c, "");
	service_expect(c, "test.Proud", "Echo", "hi", "hi");
	service_quit(c, "test.Proud");
}

int main(void)
{
	struct raw *c;

	conf_need();
	c = raw_open(false);
	denied_by_name(c);
	denied_by_owner(c);
	not_to_own(c);
	raw_close(c);
	return 0;
}
