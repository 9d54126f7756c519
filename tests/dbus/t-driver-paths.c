// SPDX-License-Identifier: LGPL-2.1-or-later
/* At which object path the bus has which method, with and without the name of
 * the interface. Every method is called without arguments. */
#include "raw.h"

#define E DRIVER ".Error."
#define WRONG_ARGS E "InvalidArgs"
#define NO_INTERFACE E "UnknownInterface"
#define NO_METHOD E "UnknownMethod"
#define OK NULL

struct row {
	const char *interface;	/* behind DRIVER; "" for it itself */
	const char *member;
	const char *here;	/* error at the bus's own path */
	const char *there;	/* elsewhere */
	const char *bare;	/* elsewhere without the interface */
};

#define ANYWHERE(name, error) { "", name, error, error, error }

static const struct row rows[] = {
	ANYWHERE("Hello", E "Failed"),
	ANYWHERE("RequestName", WRONG_ARGS),
	ANYWHERE("ReleaseName", WRONG_ARGS),
	ANYWHERE("StartServiceByName", WRONG_ARGS),
	ANYWHERE("NameHasOwner", WRONG_ARGS),
	ANYWHERE("ListNames", OK),
	ANYWHERE("ListActivatableNames", OK),
	ANYWHERE("AddMatch", WRONG_ARGS),
	ANYWHERE("RemoveMatch", WRONG_ARGS),
	ANYWHERE("GetNameOwner", WRONG_ARGS),
	ANYWHERE("ListQueuedOwners", WRONG_ARGS),
	ANYWHERE("GetConnectionUnixUser", WRONG_ARGS),
	ANYWHERE("GetConnectionUnixProcessID", WRONG_ARGS),
	ANYWHERE("GetAdtAuditSessionData", WRONG_ARGS),
	ANYWHERE("GetConnectionSELinuxSecurityContext", WRONG_ARGS),
	ANYWHERE("GetConnectionCredentials", WRONG_ARGS),
	ANYWHERE("ReloadConfig", OK),
	ANYWHERE("GetId", OK),
	{ "", "UpdateActivationEnvironment", WRONG_ARGS, E "AccessDenied",
	  E "AccessDenied" },
	{ ".Peer", "Ping", OK, OK, OK },
	{ ".Peer", "GetMachineId", OK, OK, OK },
	{ ".Introspectable", "Introspect", OK, OK, OK },
	{ ".Properties", "Get", WRONG_ARGS, NO_INTERFACE, NO_METHOD },
	{ ".Properties", "GetAll", WRONG_ARGS, NO_INTERFACE, NO_METHOD },
	{ ".Properties", "Set", WRONG_ARGS, NO_INTERFACE, NO_METHOD },
	{ ".Monitoring", "BecomeMonitor", WRONG_ARGS, NO_INTERFACE,
	  NO_METHOD },
	{ ".Debug.Stats", "GetStats", OK, NO_INTERFACE, NO_METHOD },
	{ ".Debug.Stats", "GetConnectionStats", WRONG_ARGS, NO_INTERFACE,
	  NO_METHOD },
	{ ".Debug.Stats", "GetAllMatchRules", OK, NO_INTERFACE, NO_METHOD },
	{ "", "NoSuchMethod", NO_METHOD, NO_METHOD, NO_METHOD },
	{ ".NoSuchInterface", "GetId", NO_INTERFACE, NO_INTERFACE, OK },
	/* Of another interface. */
	{ ".Peer", "GetId", NO_METHOD, NO_METHOD, OK },
	{ "", "Ping", NO_METHOD, NO_METHOD, OK },
};

static void try(struct raw *c, const struct row *r, const char *path,
		bool bare, const char *error)
{
	char interface[128];
	struct spec s = {
		.path = path, .member = r->member, .destination = DRIVER,
		.interface = bare ? NULL : interface,
	};
	struct msg m;

	snprintf(interface, sizeof(interface), DRIVER "%s", r->interface);
	raw_recv_reply(c, &m, raw_send(c, &s));
	if (error ? !dbus_str_eq(m.h.error_name, error, strlen(error)) :
		    m.h.f.type != DBUS_TYPE_RETURN)
		fail("%s of %s at %s: %.*s (%s) instead of %s", r->member,
		     bare ? "nothing" : interface, path,
		     (int)m.h.error_name.len, m.h.error_name.s, msg_str(&m),
		     error ? error : "success");
	msg_free(&m);
}

int main(void)
{
	static const char * const paths[] = {
		"/", "/org", "/org/freedesktop", "/org/freedesktop/DBus/x",
		"/x",
	};
	struct raw *c = raw_open(false);
	size_t i, j;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		try(c, &rows[i], DRIVER_PATH, false, rows[i].here);
		for (j = 0; j < sizeof(paths) / sizeof(paths[0]); j++) {
			try(c, &rows[i], paths[j], false, rows[i].there);
			try(c, &rows[i], paths[j], true, rows[i].bare);
		}
	}
	raw_close(c);
	return 0;
}
