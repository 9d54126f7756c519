// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The methods of org.freedesktop.DBus and of Peer. Names and texts of errors
 * are the reference implementation's, since programs look at them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-id128.h>

#include "daemon/activation.h"
#include "daemon/config_reload.h"
#include "daemon/driver.h"
#include "daemon/enforce.h"
#include "daemon/log.h"
#include "daemon/matches.h"
#include "daemon/names.h"

static int too_many(struct call *c, int err)
{
	const struct limits *l = &c->bus->config.limits;

	if (err == -EUSERS)
		return enforce_limit(c, "max_connections_per_user",
				     l->connections_per_user,
				     "The maximum number of active connections for UID %u has been reached",
				     (unsigned int)c->peer->creds.uid);
	return enforce_limit(c, "max_completed_connections",
			     l->completed_connections,
			     "The maximum number of active connections has been reached");
}

/* The answer comes first, then the world learns of the name. */
static int hello(struct call *c)
{
	int err;

	if (c->peer->state == PEER_ACTIVE)
		return call_error(c, DBUS_ERROR("Failed"),
				  "Already handled an Hello message");
	err = peer_count(c->peer);
	if (err == -ENOMEM)
		return call_failed(c, err);
	if (err)
		return too_many(c, err);
	call_str(c, c->peer->unique);
	call_send(c);
	return peer_activate(c->peer);
}

static int check_request(struct call *c, struct dbus_str name)
{
	if (!dbus_bus_name_ok(name.s, name.len))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Requested bus name \"%s\" is not valid",
				  name.s);
	if (name.s[0] == ':')
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Cannot acquire a service starting with ':' such as \"%s\"",
				  name.s);
	if (driver_is_name(name))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Connection \"%s\" is not allowed to own the service \"%s\"because it is reserved for D-Bus' use only",
				  c->peer->unique, name.s);
	if (!enforce_own(c, name))
		return 0;
	/* The unique name is one of them. */
	if (c->peer->names.n_claims + 1 >=
	    c->bus->config.limits.names_per_connection)
		return enforce_limit(c, NULL, 0,
				  "Connection \"%s\" is not allowed to own more services (increase limits in configuration file if required; max_names_per_connection=%zu)",
				  c->peer->unique,
				  c->bus->config.limits.names_per_connection);
	return 1;
}

static int request_name(struct call *c)
{
	struct dbus_str name = call_name_arg(c);
	uint32_t flags = wire_u32(&c->args);
	int result = check_request(c, name);

	if (result <= 0)
		return result;
	result = names_request(c->peer, name.s, flags);
	return result < 0 ? call_failed(c, result) :
			    call_u32(c, (uint32_t)result);
}

static int check_release(struct call *c, struct dbus_str name)
{
	if (!dbus_bus_name_ok(name.s, name.len))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Given bus name \"%s\" is not valid", name.s);
	if (name.s[0] == ':')
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Cannot release a service starting with ':' such as \"%s\"",
				  name.s);
	if (driver_is_name(name))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Cannot release the %s service because it is owned by the bus",
				  name.s);
	return 1;
}

static int release_name(struct call *c)
{
	struct dbus_str name = call_name_arg(c);
	int result = check_release(c, name);

	if (result <= 0)
		return result;
	result = names_release(c->peer, name.s);
	return result < 0 ? call_failed(c, result) :
			    call_u32(c, (uint32_t)result);
}

static int start_service(struct call *c)
{
	return activation_start(c, call_name_arg(c));
}

static int name_has_owner(struct call *c)
{
	struct dbus_str name = call_name_arg(c);

	return call_bool(c, driver_is_name(name) ||
			  bus_find_name(c->bus, name.s, name.len));
}

static void add_unique_names(struct call *c)
{
	struct peer *peer;
	struct list *l;

	for (l = c->bus->peers.next; l != &c->bus->peers; l = l->next) {
		peer = container_of(l, struct peer, link);
		if (bus_find_addr(c->bus, peer->addr) == peer)
			msg_str(&c->reply, peer->unique);
	}
}

static int list_names(struct call *c)
{
	struct msg_array a;
	struct hnode *node;
	size_t i;

	call_reply(c, "as");
	a = msg_array_begin(&c->reply, 4);
	msg_str(&c->reply, DBUS_DRIVER_NAME);
	add_unique_names(c);
	hmap_for_all(node, &c->bus->registry.names, i)
		msg_str(&c->reply, container_of(node, struct name, node)->text);
	msg_array_end(&c->reply, a);
	return 0;
}

static int reply_one(struct call *c, const char *name)
{
	struct msg_array a;

	call_reply(c, "as");
	a = msg_array_begin(&c->reply, 4);
	msg_str(&c->reply, name);
	msg_array_end(&c->reply, a);
	return 0;
}

static int list_activatable(struct call *c)
{
	struct msg_array a;

	call_reply(c, "as");
	a = msg_array_begin(&c->reply, 4);
	msg_str(&c->reply, DBUS_DRIVER_NAME);
	activation_list(c->bus->activation, &c->reply);
	msg_array_end(&c->reply, a);
	return 0;
}

static int match_failed(struct call *c, int err, struct dbus_str rule,
			const char *why)
{
	switch (err) {
	case -EINVAL:
		return call_error(c, DBUS_ERROR("MatchRuleInvalid"),
				  "%s in match rule \"%s\"", why, rule.s);
	case -EMSGSIZE:
		return call_error(c, DBUS_ERROR("LimitsExceeded"),
				  "Match rule text is %u bytes, maximum is 1024",
				  rule.len);
	case -EDQUOT:
		return enforce_limit(c, NULL, 0,
				  "Connection \"%s\" is not allowed to add more match rules (increase limits in configuration file if required; max_match_rules_per_connection=%zu)",
				  c->peer->unique,
				  c->bus->config.limits.matches_per_connection);
	case -ENOENT:
		return call_error(c, DBUS_ERROR("MatchRuleNotFound"),
				  "The given match rule wasn't found and can't be removed");
	default:
		return call_failed(c, err);
	}
}

static int add_match(struct call *c)
{
	struct dbus_str rule = wire_str(&c->args);
	const char *why = "";
	int err;

	/* Only to whom the bus belongs, and the security module has a say. */
	if (matches_eavesdrops(rule.s, rule.len) &&
	    (!call_by_owner(c) || !enforce_eavesdrop(c)))
		return 0;
	err = matches_add(c->peer, rule.s, rule.len, &why);
	return err ? match_failed(c, err, rule, why) : call_empty(c);
}

static int remove_match(struct call *c)
{
	struct dbus_str rule = wire_str(&c->args);
	const char *why = "";
	int err = matches_del(c->peer, rule.s, rule.len, &why);

	return err ? match_failed(c, err, rule, why) : call_empty(c);
}

static int get_name_owner(struct call *c)
{
	struct dbus_str name = call_name_arg(c);
	struct peer *peer;

	if (driver_is_name(name))
		return call_str(c, DBUS_DRIVER_NAME);
	peer = bus_find_name(c->bus, name.s, name.len);
	return peer ? call_str(c, peer->unique) :
		      call_no_such_name(c, "owner", name);
}

static int list_queued_owners(struct call *c)
{
	struct dbus_str name = call_name_arg(c);
	struct name *n = registry_find(&c->bus->registry, name.s, name.len);
	struct msg_array a;
	struct list *l;
	struct peer *peer;

	if (driver_is_name(name))
		return reply_one(c, DBUS_DRIVER_NAME);
	if (!n) {
		peer = bus_find_name(c->bus, name.s, name.len);
		return peer ? reply_one(c, peer->unique) :
			      call_no_such_name(c, "owners", name);
	}
	call_reply(c, "as");
	a = msg_array_begin(&c->reply, 4);
	for (l = n->queue.next; l != &n->queue; l = l->next) {
		peer = peer_of_claimant(container_of(l, struct claim,
						     by_name)->claimant);
		msg_str(&c->reply, peer->unique);
	}
	msg_array_end(&c->reply, a);
	return 0;
}

static int reload_config(struct call *c)
{
	char why[CONFIG_WHY_MAX];

	if (bus_reload_config(c->bus, why) < 0)
		return call_error(c, DBUS_ERROR("Failed"), "%s", why);
	return call_empty(c);
}

static int get_id(struct call *c)
{
	return call_str(c, c->bus->config.guid);
}

static int ping(struct call *c)
{
	return call_empty(c);
}

static int get_machine_id(struct call *c)
{
	char text[SD_ID128_STRING_MAX];
	sd_id128_t id;
	int err = sd_id128_get_machine(&id);

	if (err < 0)
		return call_error(c, DBUS_ERROR("FileNotFound"),
				  "Cannot read the machine's identity: %s",
				  strerror(-err));
	return call_str(c, sd_id128_to_string(id, text));
}

static void get_features(struct call *c)
{
	struct msg_array a = msg_array_begin(&c->reply, 4);

	const char *lsm = lsm_name(c->bus->lsm);

	msg_str(&c->reply, "ActivatableServicesChanged");
	if (lsm && !strcmp(lsm, "AppArmor"))
		msg_str(&c->reply, lsm);
	msg_str(&c->reply, "HeaderFiltering");
	if (lsm && !strcmp(lsm, "SELinux"))
		msg_str(&c->reply, lsm);
	if (activation_uses_systemd(c->bus->activation))
		msg_str(&c->reply, "SystemdActivation");
	msg_array_end(&c->reply, a);
}

static void get_interfaces(struct call *c)
{
	const struct interface * const *i;
	struct msg_array a = msg_array_begin(&c->reply, 4);

	for (i = driver_interfaces; *i; i++)
		if ((*i)->listed)
			msg_str(&c->reply, (*i)->name);
	msg_array_end(&c->reply, a);
}

static const struct method dbus_methods[] = {
	{ "Hello", "", "s", hello },
	{ "RequestName", "su", "u", request_name },
	{ "ReleaseName", "s", "u", release_name },
	{ "StartServiceByName", "su", "u", start_service },
	{ "UpdateActivationEnvironment", "a{ss}", "",
	  activation_update_environment,
	  METHOD_CANONICAL | METHOD_OWNER },
	{ "NameHasOwner", "s", "b", name_has_owner },
	{ "ListNames", "", "as", list_names },
	{ "ListActivatableNames", "", "as", list_activatable },
	{ "AddMatch", "s", "", add_match },
	{ "RemoveMatch", "s", "", remove_match },
	{ "GetNameOwner", "s", "s", get_name_owner },
	{ "ListQueuedOwners", "s", "as", list_queued_owners },
	{ "GetConnectionUnixUser", "s", "u", driver_get_unix_user },
	{ "GetConnectionUnixProcessID", "s", "u", driver_get_process_id },
	{ "GetAdtAuditSessionData", "s", "ay", driver_get_audit_data },
	{ "GetConnectionSELinuxSecurityContext", "s", "ay",
	  driver_get_selinux_context },
	{ "ReloadConfig", "", "", reload_config },
	{ "GetId", "", "s", get_id },
	{ "GetConnectionCredentials", "s", "a{sv}", driver_get_credentials },
	{ NULL },
};

static const struct signal dbus_signals[] = {
	{ "NameOwnerChanged", "sss" },
	{ "NameLost", "s" },
	{ "NameAcquired", "s" },
	{ "ActivatableServicesChanged", "" },
	{ NULL },
};

static const struct property dbus_properties[] = {
	{ "Features", "as", get_features },
	{ "Interfaces", "as", get_interfaces },
	{ NULL },
};

static const struct interface dbus_interface = {
	.name = DBUS_DRIVER_NAME,
	.methods = dbus_methods,
	.signals = dbus_signals,
	.properties = dbus_properties,
};

static const struct method peer_methods[] = {
	{ "GetMachineId", "", "s", get_machine_id },
	{ "Ping", "", "", ping },
	{ NULL },
};

static const struct interface peer_interface = {
	.name = "org.freedesktop.DBus.Peer",
	.methods = peer_methods,
};

const struct interface * const driver_interfaces[] = {
	&dbus_interface,
	&properties_interface,
	&introspectable_interface,
	&monitoring_interface,
	&stats_interface,
	&status_interface,
	&restart_interface,
	&peer_interface,
	NULL,
};
