// SPDX-License-Identifier: LGPL-2.1-or-later
/* sd-bus on both sides: calls, errors, properties, signals, 10 MiB, fds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define NAME "test.afbus.SdBus"
#define PATH "/test/afbus/SdBus"
#define BIG (10U << 20)

#define must(what) must_at(__LINE__, #what, (what))

static int must_at(int line, const char *what, int result)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, what,
		strerror(-result));
	exit(1);
}

static uint32_t level = 1;

static int echo(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	const void *data;
	size_t len;
	sd_bus_message *reply;

	must(sd_bus_message_read_array(m, 'y', &data, &len));
	must(sd_bus_message_new_method_return(m, &reply));
	must(sd_bus_message_append_array(reply, 'y', data, len));
	must(sd_bus_send(NULL, reply, NULL));
	sd_bus_message_unref(reply);
	return 1;
}

static int fail(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	return sd_bus_error_set(error, NAME ".Error.Asked", "as asked");
}

static int read_fd(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	char buf[64];
	ssize_t n;
	int fd;

	must(sd_bus_message_read(m, "h", &fd));
	n = read(fd, buf, sizeof(buf) - 1);
	must(n < 0 ? -errno : 0);
	buf[n] = 0;
	return sd_bus_reply_method_return(m, "s", buf);
}

static int announce(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	const char *text;

	must(sd_bus_message_read(m, "s", &text));
	must(sd_bus_emit_signal(sd_bus_message_get_bus(m), PATH, NAME,
				"Announced", "s", text));
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Echo", "ay", "ay", echo, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Fail", "", "", fail, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("ReadFd", "h", "s", read_fd, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Announce", "s", "", announce,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("Announced", "s", 0),
	SD_BUS_WRITABLE_PROPERTY("Level", "u", NULL, NULL, 0,
				 SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE |
				 SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

static sd_bus *open_bus(void)
{
	sd_bus *bus;

	must(sd_bus_new(&bus));
	must(sd_bus_set_address(bus, getenv("DBUS_SESSION_BUS_ADDRESS")));
	must(sd_bus_set_bus_client(bus, true));
	must(sd_bus_negotiate_fds(bus, true));
	must(sd_bus_start(bus));
	return bus;
}

static void serve(int ready)
{
	sd_bus *bus = open_bus();

	must(sd_bus_add_object_vtable(bus, NULL, PATH, NAME, vtable, &level));
	must(sd_bus_request_name(bus, NAME, 0));
	must(write(ready, "", 1) == 1 ? 0 : -EIO);
	for (;;)
		if (!must(sd_bus_process(bus, NULL)))
			must(sd_bus_wait(bus, UINT64_MAX));
}

static void big_call(sd_bus *bus)
{
	sd_bus_message *m, *reply;
	const void *back;
	void *data;
	size_t len;

	must(sd_bus_message_new_method_call(bus, &m, NAME, PATH, NAME, "Echo"));
	must(sd_bus_message_append_array_space(m, 'y', BIG, &data));
	memset(data, 0x5a, BIG);
	must(sd_bus_call(bus, m, 0, NULL, &reply));
	must(sd_bus_message_read_array(reply, 'y', &back, &len));
	must(len == BIG && !memcmp(back, data, BIG) ? 0 : -EBADMSG);
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
}

static void errors(sd_bus *bus)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;

	must(sd_bus_call_method(bus, NAME, PATH, NAME, "Fail", &e, NULL, "") <
	     0 ? 0 : -EINVAL);
	must(sd_bus_error_has_name(&e, NAME ".Error.Asked") ? 0 : -EINVAL);
	sd_bus_error_free(&e);
	must(sd_bus_call_method(bus, "no.such", PATH, NAME, "Fail", &e, NULL,
				"") < 0 ? 0 : -EINVAL);
	must(sd_bus_error_has_name(&e, SD_BUS_ERROR_SERVICE_UNKNOWN) ? 0 :
	     -EINVAL);
	sd_bus_error_free(&e);
}

static void descriptors(sd_bus *bus)
{
	sd_bus_message *reply;
	const char *text;
	int fds[2];

	must(pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0);
	must(write(fds[1], "piped", 5) == 5 ? 0 : -EIO);
	must(sd_bus_call_method(bus, NAME, PATH, NAME, "ReadFd", NULL, &reply,
				"h", fds[0]));
	must(sd_bus_message_read(reply, "s", &text));
	must(strcmp(text, "piped") ? -EBADMSG : 0);
	sd_bus_message_unref(reply);
	close(fds[0]);
	close(fds[1]);
}

static void properties(sd_bus *bus)
{
	uint32_t v;

	must(sd_bus_set_property(bus, NAME, PATH, NAME, "Level", NULL, "u",
				 9));
	must(sd_bus_get_property_trivial(bus, NAME, PATH, NAME, "Level", NULL,
					 'u', &v));
	must(v == 9 ? 0 : -EBADMSG);
}

static int seen;

static int on_announced(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
	seen++;
	return 0;
}

static void signals(sd_bus *bus)
{
	must(sd_bus_match_signal(bus, NULL, NAME, PATH, NAME, "Announced",
				 on_announced, NULL));
	must(sd_bus_call_method(bus, NAME, PATH, NAME, "Announce", NULL, NULL,
				"s", "x"));
	while (!seen)
		if (!must(sd_bus_process(bus, NULL)))
			must(sd_bus_wait(bus, 20000000));
}

static void credentials(sd_bus *bus, pid_t service)
{
	sd_bus_creds *creds;
	pid_t pid;

	must(sd_bus_get_name_creds(bus, NAME, SD_BUS_CREDS_PID |
				   SD_BUS_CREDS_EUID, &creds));
	must(sd_bus_creds_get_pid(creds, &pid));
	must(pid == service ? 0 : -EBADMSG);
	sd_bus_creds_unref(creds);
}

int main(void)
{
	sd_bus *bus;
	pid_t pid;
	int fds[2];
	char c;

	if (!getenv("DBUS_SESSION_BUS_ADDRESS"))
		return 77;
	must(pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0);
	pid = fork();
	if (!pid)
		serve(fds[1]);
	close(fds[1]);
	must(read(fds[0], &c, 1) == 1 ? 0 : -EIO);
	bus = open_bus();
	big_call(bus);
	errors(bus);
	descriptors(bus);
	properties(bus);
	signals(bus);
	credentials(bus, pid);
	sd_bus_flush_close_unref(bus);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return 0;
}
