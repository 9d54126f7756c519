/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver: the bus's own object, org.freedesktop.DBus, and what becomes of
 * messages that the switch could not deliver.
 *
 * Methods are found in tables of interfaces, which Introspect prints too. A
 * method reads call->args, whose signature and contents have been checked,
 * and ends in call_reply() with values behind it, or in call_error(). It
 * returns 0, or a negative error when the caller has to be disconnected.
 */
#ifndef AFBUS_DAEMON_DRIVER_H
#define AFBUS_DAEMON_DRIVER_H

#include "daemon/message.h"
#include "daemon/peer.h"

#define DBUS_ERROR(name) "org.freedesktop.DBus.Error." name
/* For "%.*s". */
#define STR(str) (int)(str).len, (str).s ? (str).s : ""

struct method;

struct call {
	struct bus *bus;
	struct peer *peer;
	const struct sw_message *m;
	const struct method *method;
	struct wire args;
	struct msg reply;
	int fd;			/* to send with the reply, borrowed; or -1 */
	bool sent;		/* the answer is out already */
	bool error;		/* it is one: even who wants no answer, or has
				 * not called, hears of it */
};

#define METHOD_CANONICAL	0x1	/* only at DBUS_DRIVER_PATH */
#define METHOD_OWNER		0x2	/* only the daemon's user and root */

struct method {
	const char *name;
	const char *in;
	const char *out;
	int (*run)(struct call *c);
	unsigned int flags;
};

struct signal {
	const char *name;
	const char *args;
	const char *names[3];	/* of the arguments, where they have some */
};

struct property {
	const char *name;
	const char *signature;
	void (*get)(struct call *c);	/* appends the value */
};

/* The arrays end with an element without a name. */
struct interface {
	const char *name;
	bool canonical;			/* exists only at DBUS_DRIVER_PATH */
	bool listed;			/* in the property Interfaces */
	const struct method *methods;
	const struct signal *signals;
	const struct property *properties;
};

extern const struct interface * const driver_interfaces[];	/* NULL ends */
extern const struct interface properties_interface;
extern const struct interface introspectable_interface;
extern const struct interface monitoring_interface;
extern const struct interface stats_interface;
extern const struct interface status_interface;
extern const struct interface restart_interface;

/* From the switch. A negative return: disconnect the sender. */
int driver_message(struct peer *peer, const struct sw_message *m);

void call_reply(struct call *c, const char *signature);
int call_error(struct call *c, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends the answer before the method ends. */
void call_send(struct call *c);
bool call_on_canonical_path(const struct call *c);
/* Whole answers. They return 0, for "return call_u32(c, v);". */
int call_empty(struct call *c);
int call_u32(struct call *c, uint32_t v);
int call_bool(struct call *c, bool v);
int call_str(struct call *c, const char *s);
int call_failed(struct call *c, int err);
/* "Could not get @what of name '...': no such name". */
int call_no_such_name(struct call *c, const char *what, struct dbus_str name);
/* The caller is the daemon's user or root. False: an error is answered. */
bool call_by_owner(struct call *c);
/* The next argument, with a NUL behind it in the message. */
struct dbus_str call_name_arg(struct call *c);
/*
 * The next argument is the name of whom @what is asked about. *@peer is NULL
 * for the bus itself. False: there is nobody, and an error is answered.
 */
bool call_peer_arg(struct call *c, const char *what, struct dbus_str *name,
		   struct peer **peer);

bool driver_is_name(struct dbus_str name);

const struct interface *driver_find_interface(const struct call *c,
					      struct dbus_str name);

/*
 * Passes @c's message, which has waited for @to, on to it: answers with an error
 * if it cannot be. @number: under which it was parked (sw_park()); 0: it was not.
 */
int driver_forward_held(struct call *c, struct peer *to, uint64_t number);

/* driver_creds.c */
int driver_get_unix_user(struct call *c);
int driver_get_process_id(struct call *c);
int driver_get_credentials(struct call *c);
int driver_get_audit_data(struct call *c);
int driver_get_selinux_context(struct call *c);

/* driver_introspect.c: what Introspect answers at DBUS_DRIVER_PATH, for
 * --introspect. malloc()ed, or NULL. */
char *driver_introspect_text(void);

#endif
