// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the driver answers, call by call, errors with their texts. */
#include "raw.h"

#define E "org.freedesktop.DBus.Error."
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define PEER "org.freedesktop.DBus.Peer"
#define OK NULL

struct row {
	const char *path, *interface, *member, *destination;
	const char *args[3];
	int u;			/* -1: no number behind the strings */
	uint8_t flags;
	const char *error;	/* or OK */
	const char *text;	/* of an error or a first string; NULL: any */
};

#define D(member) DRIVER_PATH, DRIVER, member, DRIVER
#define NONE { NULL }, -1

static const struct row rows[] = {
	{ D("Hello"), NONE, 0, E "Failed", "Already handled an Hello message" },
	{ D("Foo"), NONE, 0, E "UnknownMethod",
	  DRIVER " does not understand message Foo" },
	{ DRIVER_PATH, "a.b", "Foo", DRIVER, NONE, 0, E "UnknownInterface",
	  DRIVER " does not understand message Foo" },
	{ "/x", NULL, "GetId", DRIVER, NONE, 0, OK },
	{ "/x", NULL, "Foo", DRIVER, NONE, 0, E "UnknownMethod" },
	{ D("GetId"), { "x" }, -1, 0, E "InvalidArgs",
	  "Call to GetId has wrong args (s, expected )\n" },
	{ D("RequestName"), { "a.b" }, -1, 0, E "InvalidArgs",
	  "Call to RequestName has wrong args (s, expected su)\n" },
	{ D("UpdateActivationEnvironment"), { "a" }, -1, 0, E "InvalidArgs" },

	{ DRIVER_PATH, PEER, "Ping", DRIVER, NONE, 0, OK },
	{ "/x", PEER, "Ping", DRIVER, NONE, 0, OK },
	{ "/x", PEER, "Ping", NULL, NONE, 0, OK },
	{ "/x", PEER, "GetMachineId", DRIVER, NONE, 0, OK },
	{ "/x", "a.b", "Foo", NULL, NONE, 0, E "UnknownMethod" },

	{ D("GetNameOwner"), { "no.such" }, -1, 0, E "NameHasNoOwner",
	  "Could not get owner of name 'no.such': no such name" },
	{ D("GetNameOwner"), { "bad" }, -1, 0, E "NameHasNoOwner" },
	{ D("GetNameOwner"), { DRIVER }, -1, 0, OK, DRIVER },
	{ D("GetConnectionUnixUser"), { "no.such" }, -1, 0, E "NameHasNoOwner",
	  "Could not get UID of name 'no.such': no such name" },
	{ D("GetConnectionUnixUser"), { DRIVER }, -1, 0, OK },
	{ D("GetConnectionUnixProcessID"), { ":1.999999" }, -1, 0,
	  E "NameHasNoOwner",
	  "Could not get PID of name ':1.999999': no such name" },
	{ D("GetConnectionUnixProcessID"), { DRIVER }, -1, 0, OK },
	{ D("GetConnectionCredentials"), { "no.such" }, -1, 0,
	  E "NameHasNoOwner",
	  "Could not get credentials of name 'no.such': no such name" },
	{ D("GetConnectionCredentials"), { DRIVER }, -1, 0, OK },
	{ D("ListQueuedOwners"), { "no.such" }, -1, 0, E "NameHasNoOwner",
	  "Could not get owners of name 'no.such': no such name" },
	{ D("ListQueuedOwners"), { DRIVER }, -1, 0, OK },
	{ D("GetAdtAuditSessionData"), { "no.such" }, -1, 0,
	  E "NameHasNoOwner" },
	{ D("GetAdtAuditSessionData"), { DRIVER }, -1, 0,
	  E "AdtAuditDataUnknown",
	  "Could not determine audit session data for '" DRIVER "'" },
	{ D("GetConnectionSELinuxSecurityContext"), { "no.such" }, -1, 0,
	  E "NameHasNoOwner" },
	{ D("GetConnectionSELinuxSecurityContext"), { DRIVER }, -1, 0,
	  E "SELinuxSecurityContextUnknown",
	  "Could not determine security context for '" DRIVER "'" },
	{ D("NameHasOwner"), { "bad" }, -1, 0, OK },

	{ D("RequestName"), { "" }, 0, 0, E "InvalidArgs",
	  "Requested bus name \"\" is not valid" },
	{ D("RequestName"), { "nodots" }, 0, 0, E "InvalidArgs",
	  "Requested bus name \"nodots\" is not valid" },
	{ D("RequestName"), { ":1.5" }, 0, 0, E "InvalidArgs",
	  "Cannot acquire a service starting with ':' such as \":1.5\"" },
	{ D("RequestName"), { DRIVER }, 0, 0, E "InvalidArgs" },
	{ D("ReleaseName"), { "a..b" }, -1, 0, E "InvalidArgs",
	  "Given bus name \"a..b\" is not valid" },
	{ D("ReleaseName"), { ":1.5" }, -1, 0, E "InvalidArgs",
	  "Cannot release a service starting with ':' such as \":1.5\"" },
	{ D("ReleaseName"), { DRIVER }, -1, 0, E "InvalidArgs",
	  "Cannot release the " DRIVER " service because it is owned by the bus" },

	{ D("StartServiceByName"), { "no.such" }, 0, 0, E "ServiceUnknown",
	  "The name no.such was not provided by any .service files" },
	{ "/x", "a.b", "Foo", "no.such", NONE, 0, E "ServiceUnknown",
	  "The name no.such was not provided by any .service files" },
	{ "/x", "a.b", "Foo", "no.such", NONE, DBUS_FLAG_NO_AUTO_START,
	  E "NameHasNoOwner", "Name \"no.such\" does not exist" },
	{ "/x", "a.b", "Foo", ":1.999999", NONE, 0, E "ServiceUnknown",
	  "The name :1.999999 was not provided by any .service files" },
	{ "/x", "a.b", "Foo", ":1.999999", NONE, DBUS_FLAG_NO_AUTO_START,
	  E "NameHasNoOwner", "Name \":1.999999\" does not exist" },

	{ D("ReloadConfig"), NONE, 0, OK },
	{ DRIVER_PATH, PROPERTIES, "Get", DRIVER, { DRIVER, "Features" }, -1, 0,
	  OK },
	{ "/x", PROPERTIES, "Get", DRIVER, { DRIVER, "Features" }, -1, 0,
	  E "UnknownInterface",
	  DRIVER " does not understand message Get" },
	{ DRIVER_PATH, PROPERTIES, "Get", DRIVER, { DRIVER, "No" }, -1, 0,
	  E "UnknownProperty", "Property \"" DRIVER ".No\" not found" },
	{ DRIVER_PATH, PROPERTIES, "Get", DRIVER, { "a.b", "No" }, -1, 0,
	  E "UnknownInterface", "Interface \"a.b\" not found" },
	{ DRIVER_PATH, PROPERTIES, "GetAll", DRIVER, { DRIVER }, -1, 0, OK },
	{ DRIVER_PATH, PROPERTIES, "GetAll", DRIVER, { PEER }, -1, 0, OK },
	{ DRIVER_PATH, PROPERTIES, "GetAll", DRIVER, { "a.b" }, -1, 0,
	  E "UnknownInterface", "Interface \"a.b\" not found" },
	{ "/x", "org.freedesktop.DBus.Introspectable", "Introspect", DRIVER,
	  NONE, 0, OK },
	{ D("ListNames"), NONE, 0, OK },
	{ D("ListActivatableNames"), NONE, 0, OK },
};

static void check_row(const struct row *r, const struct msg *m)
{
	bool ok = m->h.f.type == DBUS_TYPE_RETURN;

	if (ok != !r->error)
		fail("%s: %s", r->member, ok ? "succeeded" : msg_str(m));
	if (r->error && !dbus_str_eq(m->h.error_name, r->error,
				     strlen(r->error)))
		fail("%s: %.*s", r->member, (int)m->h.error_name.len,
		     m->h.error_name.s);
	if (r->text && strcmp(msg_str(m), r->text))
		fail("%s: %s", r->member, msg_str(m));
	/* dbus-daemon's library answers these, in nobody's name. */
	if (r->destination)
		check(dbus_str_eq(m->h.sender, DRIVER, strlen(DRIVER)));
}

static void run_row(struct raw *c, const struct row *r, bool big)
{
	struct spec s = {
		.path = r->path, .interface = r->interface,
		.member = r->member, .destination = r->destination,
		.args = { r->args[0], r->args[1], r->args[2] },
		.has_u = r->u >= 0, .u = (uint32_t)r->u, .flags = r->flags,
		.big = big,
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	check_row(r, &m);
	msg_free(&m);
}

/* Who wants no reply gets none, whether it went well or not. */
static void no_reply(struct raw *c)
{
	static const char * const members[] = { "AddMatch", "RemoveMatch" };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct spec s = {
			.path = DRIVER_PATH, .interface = DRIVER,
			.member = members[i], .destination = DRIVER,
			.args = { "type='error'" },
			.flags = DBUS_FLAG_NO_REPLY,
		};

		raw_send(c, &s);
		raw_expect_silence(c, 50);
	}
}

/* Signals and replies to the driver mean nothing to it. */
static void not_calls(struct raw *c)
{
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/", .interface = "a.b",
		.member = "Sig", .destination = DRIVER,
	};

	raw_send(c, &s);
	s = (struct spec){
		.type = DBUS_TYPE_RETURN, .reply_serial = 4711,
		.destination = DRIVER,
	};
	raw_send(c, &s);
	raw_expect_silence(c, 50);
	raw_ping(c);
}

static void own_pid(struct raw *c)
{
	struct msg m;

	raw_driver(c, &m, "GetConnectionUnixProcessID", c->name, NULL);
	check(msg_u32(&m) == (uint32_t)getpid());
	msg_free(&m);
	raw_driver(c, &m, "GetConnectionUnixUser", c->name, NULL);
	check(msg_u32(&m) == getuid());
	msg_free(&m);
	raw_driver(c, &m, "GetNameOwner", c->name, NULL);
	check(!strcmp(msg_str(&m), c->name));
	msg_free(&m);
}

/* A body that is not what its signature says. */
static void bad_body(void)
{
	struct raw *c = raw_open(false);
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "GetNameOwner", .destination = DRIVER,
		.args = { "abcdefgh" },
	};
	size_t len;
	uint8_t *data = raw_build(c, &s, &len);

	data[len - 3] = 0xff;
	raw_write(c, data, len, NULL, 0);
	raw_expect_eof(c);
	free(data);
	raw_close(c);
}

int main(void)
{
	struct raw *c = raw_open(false);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_row(c, &rows[i], false);
		run_row(c, &rows[i], true);
	}
	no_reply(c);
	not_calls(c);
	own_pid(c);
	bad_body();
	raw_ping(c);
	raw_close(c);
	return 0;
}
