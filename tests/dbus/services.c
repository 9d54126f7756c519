// SPDX-License-Identifier: LGPL-2.1-or-later
#include "services.h"

#include <limits.h>

static const char *dir(void)
{
	const char *d = getenv("BUS_SERVICES");

	if (!d)
		raw_skip("there is no directory for services");
	return d;
}

const char *service_program(void)
{
	static char path[PATH_MAX + 16];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	check(n > 0);
	path[n] = 0;
	strcpy(strrchr(path, '/') + 1, "activated");
	return path;
}

const char *service_log(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.log", dir(), name);
	return path;
}

unsigned int service_starts(const char *name)
{
	FILE *f = fopen(service_log(name), "r");
	unsigned int n = 0;
	int c;

	if (!f)
		return 0;
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void path_of(char *path, const char *name, const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%s.service%s", dir(), name, suffix);
}

/* Under another name first: who reads it must not see half of it. */
void service_add_lines(const char *name, const char *lines)
{
	char temporary[PATH_MAX], path[PATH_MAX];
	FILE *f;

	path_of(temporary, name, ".new");
	path_of(path, name, "");
	f = fopen(temporary, "w");
	check(f);
	fprintf(f, "[D-BUS Service]\nName=%s\n%s\n", name, lines);
	check(!fclose(f));
	check(!rename(temporary, path));
}

void service_add(const char *name, const char *steps)
{
	char lines[2 * PATH_MAX];

	snprintf(lines, sizeof(lines), "Exec=%s %s", service_program(), steps);
	service_add_lines(name, lines);
}

void service_remove(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name, "");
	check(!unlink(path));
}

void service_call(struct raw *c, struct msg *m, const char *name,
		  const char *member, const char *arg)
{
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = member,
		.destination = name, .args = { arg },
	};

	raw_recv_reply(c, m, raw_send(c, &s));
}

void service_expect(struct raw *c, const char *name, const char *member,
		    const char *arg, const char *reply)
{
	struct msg m;

	service_call(c, &m, name, member, arg);
	if (m.h.f.type != DBUS_TYPE_RETURN || strcmp(msg_str(&m), reply))
		fail("%s.%s(%s): \"%s\" instead of \"%s\"", name, member, arg,
		     msg_str(&m), reply);
	msg_free(&m);
}

void service_expect_error(struct raw *c, const char *name, const char *error,
			  const char *text)
{
	struct msg m;

	service_call(c, &m, name, "Call", NULL);
	if (m.h.f.type != DBUS_TYPE_ERROR)
		fail("%s: no error", name);
	if (!dbus_str_eq(m.h.error_name, error, strlen(error)))
		fail("%s: %.*s: %s", name, (int)m.h.error_name.len,
		     m.h.error_name.s, msg_str(&m));
	if (text && strcmp(msg_str(&m), text))
		fail("%s: %s", name, msg_str(&m));
	msg_free(&m);
}

uint32_t service_send_start(struct raw *c, const char *name)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "StartServiceByName", .destination = DRIVER,
		.args = { name }, .has_u = true,
	};

	return raw_send(c, &s);
}

uint32_t service_start(struct raw *c, const char *name)
{
	struct msg m;
	uint32_t r;

	raw_recv_reply(c, &m, service_send_start(c, name));
	if (m.h.f.type == DBUS_TYPE_ERROR)
		fail("%s: %s", name, msg_str(&m));
	r = msg_u32(&m);
	msg_free(&m);
	return r;
}

/* Gone when the bus says so. */
void service_quit(struct raw *c, const char *name)
{
	struct msg m;
	bool gone = false;

	raw_match(c, "member='NameOwnerChanged'");
	service_call(c, &m, name, "Quit", NULL);
	msg_free(&m);
	while (!gone) {
		raw_recv_member(c, &m, "NameOwnerChanged");
		gone = !strcmp(msg_str(&m), name);
		msg_free(&m);
	}
	raw_driver(c, &m, "RemoveMatch", "member='NameOwnerChanged'", NULL);
	msg_free(&m);
}
