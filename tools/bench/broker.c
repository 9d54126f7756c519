// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A controller for dbus-broker: its own launcher wants systemd and the
 * journal. Over a socket pair it is told one listener and a policy that allows
 * everything (method AddListener of org.bus1.DBus.Broker).
 */
#include "tools/bench/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

const char *broker_program(const struct contestant *c)
{
	bool newer = !strcmp(c->name, "broker-new");
	const char *env = getenv(newer ? "DBUS_BROKER_NEW" : "DBUS_BROKER");

	if (env && *env)
		return env;
	return newer ? "" : "/usr/bin/dbus-broker";
}

#define RULES "a(btssssuutt)"
#define SET "(bta(btbs)" RULES RULES ")"
#define POLICY "(a(u" SET ")a(buu" SET ")a(ss)bs)"

static int listen_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(sa.sun_path, path, strnlen(path, sizeof(sa.sun_path) - 1));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, 128) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static _Noreturn void run_broker(const char *program, int controller)
{
	char fd[16];

	/* Without close-on-exec, and out of the way of stdio. */
	if (dup2(controller, 3) < 0)
		_exit(127);
	snprintf(fd, sizeof(fd), "%d", 3);
	execl(program, program, "--controller", fd, "--machine-id",
	      "0123456789abcdef0123456789abcdef", "--max-bytes",
	      "1000000000", "--max-fds", "10000", "--max-matches", "10000000",
	      (char *)NULL);
	_exit(127);
}

/* Any uid may connect, own, send and receive. */
static int append_set(sd_bus_message *m)
{
	return sd_bus_message_append(m, SET,
		1, (uint64_t)1,
		1, 1, (uint64_t)1, 1, "",
		1, 1, (uint64_t)1, "", "", "", "", 0, 0, (uint64_t)0,
			UINT64_MAX,
		1, 1, (uint64_t)1, "", "", "", "", 0, 0, (uint64_t)0,
			UINT64_MAX);
}

static int append_policy(sd_bus_message *m)
{
	int r;

	r = sd_bus_message_open_container(m, 'v', POLICY);
	r = r < 0 ? r : sd_bus_message_open_container(m, 'r',
		"a(u" SET ")a(buu" SET ")a(ss)bs");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'a', "(u" SET ")");
	r = r < 0 ? r : sd_bus_message_open_container(m, 'r', "u" SET);
	r = r < 0 ? r : sd_bus_message_append(m, "u", UINT32_MAX);
	r = r < 0 ? r : append_set(m);
	r = r < 0 ? r : sd_bus_message_close_container(m);
	r = r < 0 ? r : sd_bus_message_close_container(m);
	r = r < 0 ? r : sd_bus_message_append(m, "a(buu" SET ")", 0);
	r = r < 0 ? r : sd_bus_message_append(m, "a(ss)", 0);
	r = r < 0 ? r : sd_bus_message_append(m, "bs", 0, "session");
	r = r < 0 ? r : sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int add_listener(sd_bus *bus, int fd)
{
	sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(bus, &m, NULL,
		"/org/bus1/DBus/Broker", "org.bus1.DBus.Broker",
		"AddListener");
	r = r < 0 ? r : sd_bus_message_append(m, "oh",
		"/org/bus1/DBus/Listener/0", fd);
	r = r < 0 ? r : append_policy(m);
	r = r < 0 ? r : sd_bus_call(bus, m, 0, NULL, NULL);
	sd_bus_message_unref(m);
	return r;
}

static int control(struct contestant *c, int fd, int listener)
{
	sd_bus *bus = NULL;
	int r;

	r = sd_bus_new(&bus);
	r = r < 0 ? r : sd_bus_set_fd(bus, fd, fd);
	r = r < 0 ? r : sd_bus_start(bus);
	r = r < 0 ? r : add_listener(bus, listener);
	if (r < 0)
		sd_bus_unref(bus);
	else
		c->controller = bus;
	return r;
}

int broker_start(struct contestant *c)
{
	int sv[2], listener, r;

	if (access(broker_program(c), X_OK))
		return -ENOENT;
	listener = listen_at(c->address);
	if (listener < 0)
		return listener;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
		close(listener);
		return -errno;
	}
	c->pid = fork();
	if (!c->pid)
		run_broker(broker_program(c), sv[1]);
	close(sv[1]);
	r = c->pid < 0 ? -errno : control(c, sv[0], listener);
	close(listener);
	return r < 0 ? r : 0;
}

void broker_stop(struct contestant *c)
{
	sd_bus_unref(c->controller);
	c->controller = NULL;
}
