// SPDX-License-Identifier: LGPL-2.1-or-later
/* <allow> and <deny>: which attributes go together, and what they mean. */
#include "config_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum att {
	SEND_INTERFACE, SEND_MEMBER, SEND_ERROR, SEND_DESTINATION,
	SEND_DESTINATION_PREFIX, SEND_PATH, SEND_TYPE, SEND_BROADCAST,
	SEND_REQUESTED_REPLY,
	RECEIVE_INTERFACE, RECEIVE_MEMBER, RECEIVE_ERROR, RECEIVE_SENDER,
	RECEIVE_PATH, RECEIVE_TYPE, RECEIVE_REQUESTED_REPLY,
	EAVESDROP, MIN_FDS, MAX_FDS,
	OWN, OWN_PREFIX, USER, GROUP, LOG,
	N_ATTS,
};

static const char *const names[N_ATTS] = {
	[SEND_INTERFACE] = "send_interface",
	[SEND_MEMBER] = "send_member",
	[SEND_ERROR] = "send_error",
	[SEND_DESTINATION] = "send_destination",
	[SEND_DESTINATION_PREFIX] = "send_destination_prefix",
	[SEND_PATH] = "send_path",
	[SEND_TYPE] = "send_type",
	[SEND_BROADCAST] = "send_broadcast",
	[SEND_REQUESTED_REPLY] = "send_requested_reply",
	[RECEIVE_INTERFACE] = "receive_interface",
	[RECEIVE_MEMBER] = "receive_member",
	[RECEIVE_ERROR] = "receive_error",
	[RECEIVE_SENDER] = "receive_sender",
	[RECEIVE_PATH] = "receive_path",
	[RECEIVE_TYPE] = "receive_type",
	[RECEIVE_REQUESTED_REPLY] = "receive_requested_reply",
	[EAVESDROP] = "eavesdrop",
	[MIN_FDS] = "min_fds",
	[MAX_FDS] = "max_fds",
	[OWN] = "own",
	[OWN_PREFIX] = "own_prefix",
	[USER] = "user",
	[GROUP] = "group",
	[LOG] = "log",
};

struct rule {
	struct parser *p;
	const char *element;
	bool allow;
	const char *v[N_ATTS];
};

static bool any(const struct rule *r, enum att first, enum att last)
{
	unsigned int i;

	for (i = first; i <= (unsigned int)last; i++)
		if (r->v[i])
			return true;
	return false;
}

static bool is_send(const struct rule *r)
{
	return any(r, SEND_INTERFACE, SEND_REQUESTED_REPLY);
}

/* eavesdrop alone is about receiving. */
static bool is_receive(const struct rule *r)
{
	return any(r, RECEIVE_INTERFACE, RECEIVE_REQUESTED_REPLY) ||
	       (!is_send(r) && r->v[EAVESDROP]);
}

static int combination(const struct rule *r, const char *why)
{
	return config_refuse(r->p, "Invalid combination of attributes on element <%s>: %s",
			     r->element, why);
}

static int check_members(const struct rule *r)
{
	if ((r->v[SEND_MEMBER] && !r->v[SEND_INTERFACE] && !r->v[SEND_PATH]) ||
	    (r->v[RECEIVE_MEMBER] && !r->v[RECEIVE_INTERFACE] &&
	     !r->v[RECEIVE_PATH]))
		return config_refuse(r->p, "On element <%s>, if you specify a member you must specify an interface or a path. Keep in mind that not all messages have an interface field.",
				     r->element);
	return 0;
}

static int check(const struct rule *r)
{
	bool message = any(r, SEND_INTERFACE, MAX_FDS);
	const char *const *v = r->v;
	int err;

	if (!is_send(r) && !is_receive(r) && !any(r, OWN, GROUP))
		return config_refuse(r->p, "Element <%s> must have one or more attributes",
				     r->element);
	err = check_members(r);
	if (err)
		return err;
	if (message + !!v[OWN] + !!v[OWN_PREFIX] + !!v[USER] + !!v[GROUP] > 1)
		return combination(r, "own, own_prefix, user, group and the message-related attributes cannot be combined");
	if (is_send(r) && is_receive(r))
		return combination(r, "send and receive attributes cannot be combined");
	if ((v[SEND_MEMBER] || v[SEND_INTERFACE]) && v[SEND_ERROR])
		return combination(r, "send_error cannot be combined with send_member or send_interface");
	if (v[SEND_DESTINATION] && v[SEND_DESTINATION_PREFIX])
		return combination(r, "send_destination cannot be combined with send_destination_prefix");
	if ((v[RECEIVE_MEMBER] || v[RECEIVE_INTERFACE]) && v[RECEIVE_ERROR])
		return combination(r, "receive_error cannot be combined with receive_member or receive_interface");
	return 0;
}

/* ---- values ---- */

static bool is_any(const char *value)
{
	return value && !strcmp(value, "*");
}

static bool is_true(const char *value)
{
	return !strcmp(value, "true");
}

/* 1: true, 0: false, @def if it is not there, or -EINVAL. */
static int get_bool(const struct rule *r, enum att att, int def)
{
	const char *value = r->v[att];

	if (!value)
		return def;
	if (is_true(value) || !strcmp(value, "false"))
		return is_true(value);
	return config_refuse(r->p, "Bad value \"%s\" for %s attribute, must be true or false",
			     value, names[att]);
}

static int get_fds(const struct rule *r, enum att att, u32 *to)
{
	const char *value = r->v[att];
	char *end;
	long n;

	if (!value)
		return 0;
	errno = 0;
	n = strtol(value, &end, 0);
	if (errno || end == value || *end || n < 0 || n > (long)POLICY_MAX_FDS)
		return config_refuse(r->p, "Bad value \"%s\" for %s attribute, must be an integer in range 0 to %u inclusive",
				     value, names[att], POLICY_MAX_FDS);
	*to = (u32)n;
	return 0;
}

static int get_type(const struct rule *r, enum att att, u8 *to)
{
	static const char *const types[] = {
		[DBUS_TYPE_CALL] = "method_call",
		[DBUS_TYPE_RETURN] = "method_return",
		[DBUS_TYPE_ERROR] = "error",
		[DBUS_TYPE_SIGNAL] = "signal",
	};
	const char *value = r->v[att];
	int i;

	if (!value || is_any(value))
		return 0;
	for (i = DBUS_TYPE_CALL; i <= DBUS_TYPE_SIGNAL; i++) {
		if (!strcmp(types[i], value)) {
			*to = (u8)i;
			return 0;
		}
	}
	return config_refuse(r->p, "Bad message type \"%s\"", value);
}

static int get_string(const struct rule *r, enum att att, struct dbus_str *to)
{
	const char *value = r->v[att];

	if (!value || is_any(value))
		return 0;
	if (strlen(value) > POLICY_MAX_STRING)
		return config_refuse(r->p, "The value of %s is too long",
				     names[att]);
	to->s = value;
	to->len = (u32)strlen(value);
	return 0;
}

/* ---- rules about messages and names ---- */

struct string_att { enum att att; enum policy_string string; };

static const struct string_att send_strings[] = {
	{ SEND_DESTINATION, POLICY_NAME }, { SEND_PATH, POLICY_PATH },
	{ SEND_INTERFACE, POLICY_INTERFACE }, { SEND_MEMBER, POLICY_MEMBER },
	{ SEND_ERROR, POLICY_ERROR },
};

static const struct string_att receive_strings[] = {
	{ RECEIVE_SENDER, POLICY_NAME }, { RECEIVE_PATH, POLICY_PATH },
	{ RECEIVE_INTERFACE, POLICY_INTERFACE },
	{ RECEIVE_MEMBER, POLICY_MEMBER }, { RECEIVE_ERROR, POLICY_ERROR },
};

static int get_strings(const struct rule *r, const struct string_att *list,
		       struct policy_rule *to)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < POLICY_STRINGS; i++)
		err = get_string(r, list[i].att, &to->str[list[i].string]);
	return err;
}

/* What rules for sending and receiving have alike. */
static int get_common(const struct rule *r, enum att type, enum att reply,
		      struct policy_rule *to)
{
	int err = get_type(r, type, &to->type), b;

	if (err)
		return err;
	b = get_bool(r, EAVESDROP, false);
	if (b < 0)
		return b;
	to->eavesdrop = b;
	b = get_bool(r, reply, to->requested_reply);
	if (b < 0)
		return b;
	to->requested_reply = b;
	err = get_fds(r, MAX_FDS, &to->max_fds);
	return err ? err : get_fds(r, MIN_FDS, &to->min_fds);
}

static int get_prefix(const struct rule *r, enum att att,
		      struct policy_rule *to)
{
	if (!r->v[att])
		return 0;
	if (strlen(r->v[att]) > POLICY_MAX_STRING)
		return config_refuse(r->p, "The value of %s is too long",
				     names[att]);
	to->prefix = true;
	to->str[POLICY_NAME].s = r->v[att];
	to->str[POLICY_NAME].len = (u32)strlen(r->v[att]);
	return 0;
}

static int send_rule(const struct rule *r, struct policy_rule *to)
{
	int err, b;

	policy_rule_init(to, POLICY_SEND, r->allow);
	err = get_strings(r, send_strings, to);
	if (!err)
		err = get_prefix(r, SEND_DESTINATION_PREFIX, to);
	if (!err)
		err = get_common(r, SEND_TYPE, SEND_REQUESTED_REPLY, to);
	if (err)
		return err;
	b = get_bool(r, SEND_BROADCAST, -ENOENT);
	if (b == -EINVAL)
		return b;
	if (b == 1 && r->v[SEND_DESTINATION] && !is_any(r->v[SEND_DESTINATION]))
		return config_refuse(r->p, "Rule with send_broadcast=\"true\" and send_destination=\"%s\" cannot match anything",
				     r->v[SEND_DESTINATION]);
	to->broadcast = b == -ENOENT ? POLICY_ANY : b ? POLICY_YES : POLICY_NO;
	to->log = r->v[LOG] && is_true(r->v[LOG]);
	return 0;
}

static int receive_rule(const struct rule *r, struct policy_rule *to)
{
	int err;

	policy_rule_init(to, POLICY_RECEIVE, r->allow);
	err = get_strings(r, receive_strings, to);
	return err ? err : get_common(r, RECEIVE_TYPE, RECEIVE_REQUESTED_REPLY,
				      to);
}

static int own_rule(const struct rule *r, struct policy_rule *to)
{
	int err;

	policy_rule_init(to, POLICY_OWN, r->allow);
	err = get_string(r, OWN, &to->str[POLICY_NAME]);
	return err ? err : get_prefix(r, OWN_PREFIX, to);
}

/* ---- rules about connecting ---- */

static int connect_rule(const struct rule *r)
{
	bool group = r->v[GROUP];
	const char *name = group ? r->v[GROUP] : r->v[USER];
	struct policy_connect to = {
		.scope = r->p->scope,
		.allow = r->allow,
		.group = group,
		.any = is_any(name),
	};
	bool found = to.any || (group ? config_find_group(name, &to.id) :
					config_find_user(name, &to.id));

	if (!found) {
		config_warn(r->p, "Unknown %s \"%s\" on element <%s>",
			    group ? "group" : "username", name, r->element);
		return 0;
	}
	if (r->p->policy_ignored || to.scope == POLICY_NO_CONSOLE)
		return 0;
	if (to.scope == POLICY_USER || to.scope == POLICY_GROUP)
		return config_refuse(r->p, "<%s> rule cannot be %s because it has bus-global semantics",
				     r->element, to.scope == POLICY_USER ?
				     "per-user" : "per-group");
	return policy_set_add_connect(r->p->config->policy, &to) ?
	       config_no_memory(r->p) : 0;
}

int config_rule(struct parser *p, const char *element, const char **atts)
{
	struct rule r = { p, element, !strcmp(element, "allow") };
	struct policy_rule rule;
	int err = config_attributes(p, atts, names, r.v, N_ATTS);

	if (!err)
		err = check(&r);
	if (err)
		return err;
	if (is_send(&r))
		err = send_rule(&r, &rule);
	else if (is_receive(&r))
		err = receive_rule(&r, &rule);
	else if (r.v[OWN] || r.v[OWN_PREFIX])
		err = own_rule(&r, &rule);
	else
		return connect_rule(&r);
	if (err || p->policy_ignored)
		return err;
	return policy_set_add(p->config->policy, p->scope, p->id, &rule) ?
	       config_no_memory(p) : 0;
}
