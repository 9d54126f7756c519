// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits hold, from their change on, and are told about. */
#include "conf.h"

#include <sys/socket.h>

#define LIMIT(name, value) \
	CONF_DEFAULT(CONF_ALL) "<limit name='" name "'>" value "</limit>"

/* The bus has said who it was. The reference says nothing. */
static void expect_blame(const struct raw *c, const char *what)
{
	char text[256];

	if (raw_bus_is("dbus-daemon"))
		return;
	snprintf(text, sizeof(text), "Disconnected \"%s\" (uid=%u pid=%d comm=\"",
		 c->name, (unsigned int)getuid(), (int)getpid());
	conf_expect_log(text);
	conf_expect_log(what);
}

static void names(struct raw *control)
{
	struct raw *c = raw_open(false);

	conf_load(control, LIMIT("max_names_per_connection", "2"));
	check(raw_request_name(c, "test.One", 0) == 1);
	conf_expect_driver_error(c, "RequestName", "test.Two", NULL,
				 "LimitsExceeded",
				 "max_names_per_connection=2)");
	raw_release_name(c, "test.One");
	check(raw_request_name(c, "test.Two", 0) == 1);
	raw_close(c);
}

static void rules(struct raw *control)
{
	struct raw *c = raw_open(false);

	conf_load(control, LIMIT("max_match_rules_per_connection", "1"));
	raw_match(c, "type='signal'");
	conf_expect_driver_error(c, "AddMatch", "type='error'", NULL,
				 "LimitsExceeded",
				 "max_match_rules_per_connection=1)");
	raw_close(c);
}

/* Connected and authenticated, without Hello. */
static struct raw *dial(void)
{
	struct raw *c = raw_wrap(raw_dial());
	char buf[128];

	raw_write(c, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_answers(c, 1);
	return c;
}

static void connections(struct raw *control, const char *limit,
			const char *text)
{
	struct raw *b = dial(), *c = dial();
	struct msg m;

	conf_load(control, limit);
	raw_driver(b, &m, "Hello", NULL, NULL);
	msg_free(&m);
	conf_expect_driver_error(c, "Hello", NULL, NULL, "LimitsExceeded",
				 text);
	/* Room again. */
	raw_close(b);
	do {
		b = dial();
		raw_send(b, &(struct spec){
			.destination = DRIVER, .path = DRIVER_PATH,
			.interface = DRIVER, .member = "Hello" });
		raw_recv(b, &m);
		if (m.h.f.type == DBUS_TYPE_RETURN)
			break;
		msg_free(&m);
		raw_close(b);
	} while (1);
	msg_free(&m);
	raw_close(b);
	raw_close(c);
}

/* Longer than allowed: that client goes, nobody else. */
static void message_size(struct raw *control)
{
	struct raw *a, *b = raw_open(false);
	struct spec s = {
		.destination = b->name, .path = "/", .member = "Call",
		.flags = DBUS_FLAG_NO_REPLY, .bytes = 1000,
	};
	struct msg m;

	conf_load(control, LIMIT("max_message_size", "10000"));
	/* The reference has it from connecting on. */
	a = raw_open(false);
	raw_send(a, &s);
	raw_recv_member(b, &m, "Call");
	msg_free(&m);
	s.bytes = 20000;
	raw_send(a, &s);
	raw_expect_eof(a);
	raw_ping(b);
	expect_blame(a, "it sent a message longer than allowed (max_message_size=10000)");
	raw_close(a);
	raw_close(b);
}

static void message_fds(struct raw *control)
{
	struct raw *a, *b = raw_open(true);
	int fds[] = { 0, 0, 0 };
	struct spec s = {
		.destination = b->name, .path = "/", .member = "Call",
		.flags = DBUS_FLAG_NO_REPLY, .unix_fds = 2,
	};
	struct msg m;

	conf_load(control, LIMIT("max_message_unix_fds", "2"));
	a = raw_open(true);
	raw_send_fds(a, &s, fds, 2);
	raw_recv_member(b, &m, "Call");
	check(m.n_fds == 2);
	msg_free(&m);
	s.unix_fds = 3;
	raw_send_fds(a, &s, fds, 3);
	raw_expect_eof(a);
	raw_ping(b);
	expect_blame(a, "it sent more descriptors than allowed, or too long before their message (max_message_unix_fds=2)");
	raw_close(a);
	raw_close(b);
}

/* Others are not heard until there is room. */
static void incomplete(struct raw *control)
{
	struct raw *a, *b, *c;
	char buf[128];
	struct msg m;

	conf_load(control, LIMIT("max_incomplete_connections", "2"));
	a = dial();
	b = dial();
	c = raw_wrap(raw_dial());
	raw_write(c, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_driver(b, &m, "Hello", NULL, NULL);
	msg_free(&m);
	raw_answers(c, 1);
	raw_close(b);
	b = raw_wrap(raw_dial());
	raw_write(b, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_ping(control);
	check(recv(b->fd, buf, 1, MSG_DONTWAIT) < 0);
	raw_close(a);
	raw_answers(b, 1);
	raw_close(b);
	raw_close(c);
	if (!raw_bus_is("dbus-daemon"))
		conf_expect_log(" (max_incomplete_connections=2), most of them, 2, like \"");
}

/* Who does not log in in time goes. */
static void auth_timeout(struct raw *control)
{
	struct raw *c, *d;
	char buf[128];

	conf_load(control, LIMIT("auth_timeout", "200"));
	c = raw_wrap(raw_dial());
	d = raw_wrap(raw_dial());
	raw_write(d, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_expect_eof(c);
	/* Answers, then the end. */
	while (read(d->fd, buf, sizeof(buf)) > 0)
		;
	conf_expect_log("Connection has not authenticated soon enough, closing it (auth_timeout=200ms");
	raw_close(c);
	raw_close(d);
}

int main(void)
{
	struct raw *control;

	conf_need();
	control = raw_open(false);
	names(control);
	rules(control);
	connections(control, LIMIT("max_completed_connections", "2"),
		    "The maximum number of active connections has been reached");
	conf_expect_log("The maximum number of active connections has been reached (max_completed_connections=2)");
	connections(control, LIMIT("max_connections_per_user", "2"),
		    "The maximum number of active connections for UID ");
	conf_expect_log(" has been reached (max_connections_per_user=2)");
	/* The kernel's switch keeps what it was made with. */
	if (!raw_bus_is("kernel")) {
		message_size(control);
		message_fds(control);
	}
	incomplete(control);
	auth_timeout(control);
	raw_close(control);
	return 0;
}
