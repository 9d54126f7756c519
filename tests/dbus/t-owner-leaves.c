// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A call that meets the owner of a name as it leaves, what it said last still
 * unread, is for whoever comes after it: a service that can be started is, and
 * if there is none, the error is that of any name that nobody has. A bus that
 * looks at the caller first has only seen that nobody answers.
 */
#include "services.h"

#include <signal.h>

static pid_t bus_pid(struct raw *c)
{
	struct msg m;
	pid_t pid;

	raw_driver(c, &m, "GetConnectionUnixProcessID", DRIVER, NULL);
	pid = msg_u32(&m);
	msg_free(&m);
	return pid;
}

/* The owner of @name calls the bus, and is gone before that does anything;
 * somebody calls it meanwhile. @m is the answer. */
static void call_leaving(struct msg *m, const char *name)
{
	struct raw *leaves = raw_open(false), *c = raw_open(false);
	struct spec last = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = "GetId",
		.destination = DRIVER,
	};
	struct spec call = {
		.path = "/x", .interface = "a.b", .member = "Echo",
		.destination = name, .args = { "hello" },
	};
	pid_t pid = bus_pid(c);
	uint32_t serial;

	check(raw_request_name(leaves, name, 0) == 1);
	check(!kill(pid, SIGSTOP));
	raw_send(leaves, &last);
	raw_close(leaves);
	serial = raw_send(c, &call);
	check(!kill(pid, SIGCONT));
	raw_recv_reply(c, m, serial);
	raw_close(c);
}

static bool is_error(const struct msg *m, const char *name)
{
	return m->h.f.type == DBUS_TYPE_ERROR &&
	       dbus_str_eq(m->h.error_name, name, strlen(name));
}

static bool no_reply(const struct msg *m)
{
	return !raw_bus_is("kernel") && is_error(m, DRIVER ".Error.NoReply");
}

int main(void)
{
	struct msg m;

	service_add("test.Leaves", "own=test.Leaves serve");
	call_leaving(&m, "test.Leaves");
	if (!no_reply(&m)) {
		if (m.h.f.type == DBUS_TYPE_ERROR)
			fail("%.*s", (int)m.h.error_name.len, m.h.error_name.s);
		check(!strcmp(msg_str(&m), "hello"));
	}
	msg_free(&m);
	call_leaving(&m, "test.Nobody");
	check(no_reply(&m) || is_error(&m, DRIVER ".Error.ServiceUnknown"));
	msg_free(&m);
	return 0;
}
