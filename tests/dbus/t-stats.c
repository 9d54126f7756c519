// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.freedesktop.DBus.Debug.Stats tells what is so. */
#include "raw.h"

#define STATS DRIVER ".Debug.Stats"
#define E DRIVER ".Error."

static void call(struct raw *c, struct msg *m, const char *path,
		 const char *member, const char *arg)
{
	struct spec s = {
		.path = path, .interface = STATS, .member = member,
		.destination = DRIVER, .args = { arg },
	};

	raw_recv_reply(c, m, raw_send(c, &s));
}

/* One number of an a{sv}. */
static uint32_t number(const struct msg *m, const char *key)
{
	struct dbus_str k, sig;
	struct wire w;
	size_t end;

	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	end = wire_u32(&w) + 8;
	while (w.pos < end && !wire_error(&w)) {
		wire_align(&w, 8);
		k = wire_str(&w);
		sig = wire_sig(&w);
		if (dbus_str_eq(k, key, strlen(key))) {
			check(dbus_str_eq(sig, "u", 1));
			return wire_u32(&w);
		}
		wire_skip(&w, sig.s, sig.len);
	}
	fail("there is no %s", key);
}

static uint32_t bus_number(struct raw *c, const char *key)
{
	struct msg m;
	uint32_t n;

	call(c, &m, DRIVER_PATH, "GetStats", NULL);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	n = number(&m, key);
	msg_free(&m);
	return n;
}

static uint32_t conn_number(struct raw *c, const char *name, const char *key)
{
	struct msg m;
	uint32_t n;

	call(c, &m, DRIVER_PATH, "GetConnectionStats", name);
	if (m.h.f.type != DBUS_TYPE_RETURN)
		fail("%s: %s", name, msg_str(&m));
	n = number(&m, key);
	msg_free(&m);
	return n;
}

static void rules(struct raw *c)
{
	uint32_t before = bus_number(c, "MatchRules");
	uint32_t own = conn_number(c, c->name, "MatchRules");
	struct msg m;

	raw_match(c, "type='signal'");
	raw_match(c, "member='A'");
	raw_match(c, "member='A'");
	check(bus_number(c, "MatchRules") == before + 3);
	check(conn_number(c, c->name, "MatchRules") == own + 3);
	raw_driver(c, &m, "RemoveMatch", "member='A'", NULL);
	msg_free(&m);
	check(bus_number(c, "MatchRules") == before + 2);
	check(bus_number(c, "PeakMatchRules") >= before + 3);
	check(bus_number(c, "PeakMatchRulesPerConnection") >= own + 3);
	check(conn_number(c, c->name, "MatchRules") == own + 2);
	check(conn_number(c, c->name, "PeakMatchRules") == own + 3);
}

/* The unique name counts, and names that are waited for. */
static void names(struct raw *c)
{
	struct raw *other = raw_open(false);
	uint32_t before = bus_number(c, "BusNames");

	check(conn_number(c, c->name, "BusNames") == 1);
	raw_request_name(c, "a.a", 0);
	raw_request_name(c, "a.b", 0);
	raw_request_name(other, "a.b", 0);
	check(conn_number(c, c->name, "BusNames") == 3);
	check(conn_number(c, "a.a", "BusNames") == 3);
	check(conn_number(c, other->name, "BusNames") == 2);
	check(bus_number(c, "BusNames") == before + 3);
	raw_release_name(c, "a.b");
	check(conn_number(c, c->name, "BusNames") == 2);
	check(conn_number(c, c->name, "PeakBusNames") == 3);
	check(bus_number(c, "BusNames") == before + 2);
	check(bus_number(c, "PeakBusNames") >= before + 3);
	check(bus_number(c, "PeakBusNamesPerConnection") >= 3);
	raw_close(other);
}

static void connections(struct raw *c)
{
	uint32_t before = bus_number(c, "ActiveConnections");
	uint32_t serial = bus_number(c, "Serial");
	struct raw *other = raw_open(false);

	check(bus_number(c, "ActiveConnections") == before + 1);
	check(bus_number(c, "Serial") == serial + 2);
	raw_close(other);
	while (bus_number(c, "ActiveConnections") != before)
		;
}

/* What waits for one who does not read. */
static void queues(struct raw *c)
{
	struct raw *lazy = raw_open(false);
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "Long",
		.destination = lazy->name, .flags = DBUS_FLAG_NO_REPLY,
		.bytes = 400000,
	};
	uint32_t bytes, peak;
	struct msg m;
	int i;

	check(conn_number(c, lazy->name, "OutgoingBytes") == 0);
	for (i = 0; i < 4; i++)
		raw_send(c, &s);
	bytes = conn_number(c, lazy->name, "OutgoingBytes");
	check(bytes > 800000 && bytes < 1700000);
	check(conn_number(c, lazy->name, "OutgoingMessages") >= 1);
	for (i = 0; i < 4; i++) {
		raw_recv_member(lazy, &m, "Long");
		msg_free(&m);
	}
	check(conn_number(c, lazy->name, "OutgoingBytes") == 0);
	check(conn_number(c, lazy->name, "OutgoingMessages") == 0);
	peak = conn_number(c, lazy->name, "PeakOutgoingBytes");
	check(peak >= bytes);
	raw_close(lazy);
}

static bool has_rule(struct wire *w, const char *rule)
{
	bool found = false;
	size_t end = wire_u32(w);

	end += w->pos;
	while (w->pos < end && !wire_error(w))
		found |= dbus_str_eq(wire_str(w), rule, strlen(rule));
	return found;
}

#define RULE "type='signal',interface='x.y',arg0='a,b'\\''c\\\\'"

static void all_rules(struct raw *c)
{
	struct raw *other = raw_open(false);
	bool own = false, others = false, found;
	struct dbus_str name;
	struct wire w;
	struct msg m;
	size_t end;

	raw_match(other, RULE);
	call(c, &m, DRIVER_PATH, "GetAllMatchRules", NULL);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	wire_init(&w, msg_body(&m), m.h.f.body_len, m.h.f.big);
	end = wire_u32(&w) + 8;
	while (w.pos < end && !wire_error(&w)) {
		wire_align(&w, 8);
		name = wire_str(&w);
		found = has_rule(&w, RULE);
		own |= dbus_str_eq(name, c->name, strlen(c->name)) && !found;
		others |= dbus_str_eq(name, other->name, strlen(other->name)) &&
			  found;
	}
	check(!wire_error(&w) && own && others);
	msg_free(&m);
	raw_close(other);
}

static void expect_error(struct raw *c, const char *path, const char *arg,
			 const char *error, const char *text)
{
	struct msg m;

	call(c, &m, path, "GetConnectionStats", arg);
	check(m.h.f.type == DBUS_TYPE_ERROR);
	check(dbus_str_eq(m.h.error_name, error, strlen(error)));
	check(!strcmp(msg_str(&m), text));
	msg_free(&m);
}

static void errors(struct raw *c)
{
	expect_error(c, "/x", c->name, E "UnknownInterface",
		     DRIVER " does not understand message GetConnectionStats");
	expect_error(c, DRIVER_PATH, "no.such", E "NameHasNoOwner",
		     "Could not get statistics of name 'no.such': no such name");
	expect_error(c, DRIVER_PATH, DRIVER, E "InvalidArgs",
		     "GetConnectionStats is not meaningful for the message bus \"" DRIVER "\" itself");
}

int main(void)
{
	struct raw *c = raw_open(false);
	struct msg m;

	call(c, &m, DRIVER_PATH, "GetStats", NULL);
	if (m.h.f.type == DBUS_TYPE_ERROR && raw_bus_is("dbus-daemon"))
		raw_skip("this dbus-daemon is built without Debug.Stats");
	msg_free(&m);
	connections(c);
	rules(c);
	names(c);
	queues(c);
	all_rules(c);
	errors(c);
	raw_close(c);
	return 0;
}
