// SPDX-License-Identifier: LGPL-2.1-or-later
#include "conf.h"

#include <unistd.h>

void conf_need(void)
{
	if (!getenv("BUS_CONFIG"))
		raw_skip("no configuration to change");
}

void conf_need_users(void)
{
	conf_need();
	if (getuid())
		raw_skip("it takes root to be several users");
	check(!system("chmod 755 \"$(dirname \"$BUS_CONFIG\")\""));
}

struct raw *conf_open_as(uid_t uid, bool fds)
{
	struct raw *c;

	check(!seteuid(uid));
	c = raw_open(fds);
	check(!seteuid(0));
	return c;
}

void conf_write(const char *inside)
{
	FILE *f = fopen(getenv("BUS_CONFIG"), "w");

	if (!f)
		fail("cannot write %s", getenv("BUS_CONFIG"));
	fprintf(f, "<busconfig><type>session</type><auth>EXTERNAL</auth>"
		"<listen>unix:tmpdir=/tmp</listen>%s</busconfig>\n", inside);
	check(!fclose(f));
}

void conf_load(struct raw *c, const char *inside)
{
	struct msg m;

	conf_write(inside);
	raw_driver(c, &m, "ReloadConfig", NULL, NULL);
	msg_free(&m);
}

void conf_expect_error(struct raw *c, uint32_t serial, const char *name,
		       const char *text)
{
	char full[256];
	struct msg m;

	snprintf(full, sizeof(full), E "%s", name);
	raw_recv_reply(c, &m, serial);
	if (m.h.f.type != DBUS_TYPE_ERROR ||
	    !dbus_str_eq(m.h.error_name, full, strlen(full)))
		fail("wanted %s, got type %d, %.*s: %s", full, m.h.f.type,
		     (int)m.h.error_name.len,
		     m.h.error_name.s ? m.h.error_name.s : "",
		     msg_str(&m));
	if (text && !strstr(msg_str(&m), text))
		fail("wanted \"%s\" in \"%s\"", text, msg_str(&m));
	msg_free(&m);
}

void conf_expect_driver_error(struct raw *c, const char *member,
			      const char *arg0, const char *arg1,
			      const char *name, const char *text)
{
	struct spec s = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = member,
		.args = { arg0, arg1 },
		.has_u = !strcmp(member, "RequestName"),
	};

	conf_expect_error(c, raw_send(c, &s), name, text);
}

bool conf_has_said(const char *text)
{
	FILE *f = fopen(getenv("BUS_LOG"), "r");
	char *line = NULL;
	bool found = false;
	size_t size = 0;

	if (!f)
		fail("cannot read %s", getenv("BUS_LOG"));
	while (!found && getline(&line, &size, f) > 0)
		found = strstr(line, text);
	free(line);
	fclose(f);
	return found;
}

/* What the kernel has refused is told before it is written down. */
void conf_expect_log(const char *text)
{
	unsigned int ms;

	for (ms = 0; !conf_has_said(text); ms += 10) {
		if (ms >= 10000)
			fail("the bus has not said \"%s\"", text);
		usleep(10000);
	}
}
