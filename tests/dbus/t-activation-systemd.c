// SPDX-License-Identifier: LGPL-2.1-or-later
/* systemd is asked to start what has a unit; here the test is systemd. */
#include "services.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define ACTIVATOR SYSTEMD ".Activator"
#define E DRIVER ".Error."

static void add(const char *name)
{
	char lines[256];

	snprintf(lines, sizeof(lines),
		 "Exec=/bin/false\nSystemdService=dbus-%s.service", name);
	service_add_lines(name, lines);
}

static void expect_request(struct raw *systemd, const char *unit)
{
	struct msg m;

	raw_recv_member(systemd, &m, "ActivationRequest");
	check(m.h.f.type == DBUS_TYPE_SIGNAL);
	check(dbus_str_eq(m.h.interface, ACTIVATOR, strlen(ACTIVATOR)));
	check(dbus_str_eq(m.h.sender, DRIVER, strlen(DRIVER)));
	check(dbus_str_eq(m.h.path, DRIVER_PATH, strlen(DRIVER_PATH)));
	check(dbus_str_eq(m.h.destination, SYSTEMD, strlen(SYSTEMD)));
	if (strcmp(msg_str(&m), unit))
		fail("%s instead of %s", msg_str(&m), unit);
	msg_free(&m);
}

static void send_failure(struct raw *c, const char *unit)
{
	raw_send(c, &(struct spec){
		.type = DBUS_TYPE_SIGNAL, .path = DRIVER_PATH,
		.interface = ACTIVATOR, .member = "ActivationFailure",
		.destination = DRIVER,
		.args = { unit, "com.example.Broken", "It is broken" },
	});
}

static uint32_t send_call(struct raw *c, const char *name)
{
	return raw_send(c, &(struct spec){
		.path = "/x", .interface = "a.b", .member = "Call",
		.destination = name,
	});
}

/* What is asked of systemd before it is there waits for it. */
static struct raw *before_systemd(struct raw *c)
{
	struct raw *systemd, *service;
	uint32_t serial, update;
	struct msg m;

	add("test.Early");
	serial = send_call(c, "test.Early");
	update = raw_send(c, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "UpdateActivationEnvironment",
		.destination = DRIVER, .args = { "A", "1" }, .dict = true,
	});
	raw_recv_reply(c, &m, update);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	systemd = raw_open(false);
	raw_send(systemd, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "RequestName", .destination = DRIVER,
		.args = { SYSTEMD }, .has_u = true,
	});
	expect_request(systemd, "dbus-test.Early.service");
	raw_recv_member(systemd, &m, "SetEnvironment");
	check(dbus_str_eq(m.h.signature, "as", 2));
	check(m.h.f.flags & DBUS_FLAG_NO_REPLY);
	check(!memcmp(msg_body(&m) + 8, "A=1", 4));
	msg_free(&m);
	service = raw_open(false);
	raw_send(service, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "RequestName", .destination = DRIVER,
		.args = { "test.Early" }, .has_u = true,
	});
	raw_recv_member(service, &m, "Call");
	raw_reply(service, &m, 0);
	msg_free(&m);
	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	raw_close(service);
	return systemd;
}

static void expect_error(struct raw *c, uint32_t serial, const char *error,
			 const char *text)
{
	struct msg m;

	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_ERROR);
	check(dbus_str_eq(m.h.error_name, error, strlen(error)));
	check(!text || !strcmp(msg_str(&m), text));
	msg_free(&m);
}

/* Everybody who waits for the unit hears of its failure, from systemd only. */
static void failure(struct raw *systemd, struct raw *c)
{
	struct raw *other = raw_open(false);
	uint32_t first, second;

	add("test.Broken");
	first = send_call(c, "test.Broken");
	expect_request(systemd, "dbus-test.Broken.service");
	second = service_send_start(other, "test.Broken");
	raw_ping(other);
	send_failure(other, "dbus-test.Broken.service");
	raw_ping(other);
	send_failure(systemd, "dbus-other.service");
	raw_ping(systemd);
	raw_expect_silence(c, 50);
	send_failure(systemd, "dbus-test.Broken.service");
	expect_error(c, first, "com.example.Broken", "It is broken");
	expect_error(other, second, "com.example.Broken", "It is broken");
	/* The next one asks again. */
	first = send_call(c, "test.Broken");
	expect_request(systemd, "dbus-test.Broken.service");
	send_failure(systemd, "dbus-test.Broken.service");
	expect_error(c, first, "com.example.Broken", NULL);
	raw_close(other);
}

/* Once for all who wait. */
static void once(struct raw *systemd, struct raw *c)
{
	struct raw *other = raw_open(false);

	add("test.Once");
	add("test.Next");
	service_send_start(c, "test.Once");
	service_send_start(other, "test.Once");
	raw_ping(other);
	service_send_start(c, "test.Next");
	expect_request(systemd, "dbus-test.Once.service");
	expect_request(systemd, "dbus-test.Next.service");
	raw_close(other);
}

/* Without a unit it is as ever. */
static void without_unit(struct raw *c)
{
	service_add("test.Plain", "own=test.Plain serve");
	service_expect(c, "test.Plain", "Echo", "x", "x");
}

int main(void)
{
	struct raw *c = raw_open(false), *systemd;

	systemd = before_systemd(c);
	failure(systemd, c);
	once(systemd, c);
	without_unit(c);
	raw_close(systemd);
	raw_close(c);
	return 0;
}
