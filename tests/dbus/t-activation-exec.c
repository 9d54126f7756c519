// SPDX-License-Identifier: LGPL-2.1-or-later
/* A service file is all that is needed for a name to answer. */
#include "services.h"

#include <sys/resource.h>

#define E "org.freedesktop.DBus.Error."
#define UNKNOWN(name) \
	"The name " name " was not provided by any .service files"

/* A file counts as soon as it is there, and no longer. */
static void files_come_and_go(struct raw *c)
{
	service_expect_error(c, "test.Come", E "ServiceUnknown",
			     UNKNOWN("test.Come"));
	service_add("test.Come", "own=test.Come serve");
	service_expect(c, "test.Come", "Echo", "hi", "hi");
	service_quit(c, "test.Come");
	service_remove("test.Come");
	service_expect_error(c, "test.Come", E "ServiceUnknown",
			     UNKNOWN("test.Come"));
}

/* What a file says is read when it is needed. dbus-daemon looks at the second
 * in which it was changed. */
static void files_change(struct raw *c)
{
	if (raw_bus_is("dbus-daemon"))
		return;
	service_add("test.Change", "own=test.Change serve one");
	service_expect(c, "test.Change", "Arg", "3", "one");
	service_quit(c, "test.Change");
	service_add("test.Change", "own=test.Change serve two-and-longer");
	service_expect(c, "test.Change", "Arg", "3", "two-and-longer");
	service_quit(c, "test.Change");
}

static void start_by_name(struct raw *c)
{
	service_add("test.Start", "own=test.Start serve");
	check(service_start(c, "test.Start") == 1);
	check(service_start(c, "test.Start") == 2);
	service_quit(c, "test.Start");
	check(service_start(c, "test.Start") == 1);
}

static void command_line(struct raw *c)
{
	service_add("test.Words", "own=test.Words serve 'a b' \"c\\\\\"d\\\\$\" "
		    "e\\\\ f $HOME '' # comment");
	service_expect(c, "test.Words", "Arg", "3", "a b");
	service_expect(c, "test.Words", "Arg", "4", "c\"d$");
	service_expect(c, "test.Words", "Arg", "5", "e f");
	service_expect(c, "test.Words", "Arg", "6", "$HOME");
	service_expect(c, "test.Words", "Arg", "7", "");
}

static const char *without_guid(const char *address)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s", address);
	text[strcspn(text, ",")] = 0;
	return text;
}

static void environment(struct raw *c)
{
	static const char * const addresses[] = {
		"DBUS_STARTER_ADDRESS", "DBUS_SESSION_BUS_ADDRESS",
	};
	struct msg m;
	size_t i;

	service_add("test.Env", "own=test.Env serve");
	service_expect(c, "test.Env", "Env", "DBUS_STARTER_BUS_TYPE",
		       "session");
	for (i = 0; i < 2; i++) {
		service_call(c, &m, "test.Env", "Env", addresses[i]);
		check(!strcmp(without_guid(msg_str(&m)), without_guid(
			      getenv("DBUS_SESSION_BUS_ADDRESS"))));
		check(strstr(msg_str(&m), "guid="));
		msg_free(&m);
	}
	/* with-bus sets it, and it is for the bus alone. */
	service_expect(c, "test.Env", "Env", "INVOCATION_ID", "(unset)");
	service_expect(c, "test.Env", "Env", "BUS_TEST_INHERITED", "yes");
}

/* The bus raises its own limit, which is nobody else's business. */
static void limits(struct raw *c)
{
	struct rlimit rl;
	char text[32];

	getrlimit(RLIMIT_NOFILE, &rl);
	snprintf(text, sizeof(text), "%lu", (unsigned long)rl.rlim_cur);
	service_add("test.Limit", "own=test.Limit serve");
	service_expect(c, "test.Limit", "Limit", NULL, text);
	service_expect(c, "test.Limit", "Files", NULL, "0");
	/* The reference leaves SIGPIPE ignored. */
	if (!raw_bus_is("dbus-daemon"))
		service_expect(c, "test.Limit", "Signals", NULL, "");
}

static void set_variable(struct raw *c, const char *key, const char *value)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "UpdateActivationEnvironment",
		.destination = DRIVER, .args = { key, value }, .dict = true,
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

static void update_environment(struct raw *c)
{
	set_variable(c, "BUS_TEST_NEW", "first");
	set_variable(c, "BUS_TEST_NEW", "second = '\"");
	set_variable(c, "BUS_TEST_INHERITED", "no");
	service_add("test.NewEnv", "own=test.NewEnv serve");
	service_expect(c, "test.NewEnv", "Env", "BUS_TEST_NEW",
		       "second = '\"");
	service_expect(c, "test.NewEnv", "Env", "BUS_TEST_INHERITED", "no");
}

static bool is_listed(struct raw *c, const char *name)
{
	struct msg m;
	struct wire w;
	size_t end;
	bool found = false;

	raw_driver(c, &m, "ListActivatableNames", NULL, NULL);
	wire_init(&w, msg_body(&m), m.h.f.body_len, m.h.f.big);
	end = wire_u32(&w) + 4;
	while (w.pos < end && !wire_error(&w))
		found |= dbus_str_eq(wire_str(&w), name, strlen(name));
	check(!wire_error(&w));
	msg_free(&m);
	return found;
}

/* Running or not. */
static void listed(struct raw *c)
{
	check(is_listed(c, DRIVER));
	check(is_listed(c, "test.Start"));
	check(is_listed(c, "test.Env"));
	check(!is_listed(c, "test.Come"));
}

static void no_auto_start(struct raw *c)
{
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "Foo",
		.destination = "test.Not", .flags = DBUS_FLAG_NO_AUTO_START,
	};
	char steps[512];
	struct msg m;

	snprintf(steps, sizeof(steps), "count=%s own=test.Not serve",
		 service_log("test.Not"));
	service_add("test.Not", steps);
	raw_recv_reply(c, &m, raw_send(c, &s));
	check(dbus_str_eq(m.h.error_name, E "NameHasNoOwner",
			  strlen(E "NameHasNoOwner")));
	msg_free(&m);
	check(service_starts("test.Not") == 0);
	check(service_start(c, "test.Not") == 1);
	check(service_starts("test.Not") == 1);
}

int main(void)
{
	struct raw *c = raw_open(false);

	files_come_and_go(c);
	files_change(c);
	start_by_name(c);
	command_line(c);
	environment(c);
	limits(c);
	update_environment(c);
	listed(c);
	no_auto_start(c);
	raw_close(c);
	return 0;
}
