// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may own which name, and how he hears that he may not. */
#include "conf.h"

#define RULES(rules) \
	CONF_DEFAULT("<allow send_destination='*' eavesdrop='true'/>" \
		     "<allow eavesdrop='true'/>" rules) CONF_DRIVER

struct row {
	const char *rules;
	const char *name;
	bool allow;
};

static const struct row rows[] = {
	{ RULES(""), "test.A", false },
	{ RULES("<allow own='*'/>"), "test.A", true },
	{ RULES("<allow own='test.A'/>"), "test.A", true },
	{ RULES("<allow own='test.A'/>"), "test.B", false },
	{ RULES("<allow own='test.A'/>"), "test.A.B", false },
	{ RULES("<allow own_prefix='test'/>"), "test.A.B", true },
	{ RULES("<allow own_prefix='test.A'/>"), "test.A", true },
	{ RULES("<allow own_prefix='test.A'/>"), "test.AB", false },
	{ RULES("<allow own='*'/><deny own='test.A'/>"), "test.A", false },
	{ RULES("<allow own='*'/><deny own='test.A'/>"), "test.B", true },
	{ RULES("<deny own='test.A'/><allow own='*'/>"), "test.A", true },
	{ RULES("<allow own='*'/>")
	  "<policy user='root'><deny own='test.A'/></policy>", "test.A",
	  false },
	{ RULES("<allow own='*'/>")
	  "<policy group='root'><deny own='test.A'/></policy>", "test.A",
	  false },
	{ RULES("<allow own='*'/>")
	  "<policy user='daemon'><deny own='test.A'/></policy>", "test.A",
	  true },
	{ "<policy context='mandatory'><deny own='test.A'/></policy>"
	  RULES("<allow own='*'/>"), "test.A", false },
};

int main(void)
{
	struct raw *c;
	char text[256];
	size_t i;

	conf_need();
	if (getuid())
		raw_skip("rules here are about root");
	c = raw_open(false);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		conf_load(c, rows[i].rules);
		if (rows[i].allow) {
			check(raw_request_name(c, rows[i].name, 0) == 1);
			raw_release_name(c, rows[i].name);
			continue;
		}
		snprintf(text, sizeof(text),
			 "Connection \"%s\" is not allowed to own the service \"%s\" due to security policies in the configuration file",
			 c->name, rows[i].name);
		conf_expect_driver_error(c, "RequestName", rows[i].name, NULL,
					 "AccessDenied", text);
	}
	raw_close(c);
	return 0;
}
