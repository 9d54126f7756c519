// SPDX-License-Identifier: LGPL-2.1-or-later
#include "monitor.h"

#include <errno.h>
#include <stdlib.h>

#include "core/match.h"
#include "daemon/enforce.h"
#include "daemon/log.h"
#include "daemon/matches.h"
#include "daemon/names.h"

/* ---- becoming one ---- */

/* The rules of the call: texts in its message, each with a NUL. */
struct rules {
	struct wire w;
	size_t end;
};

static struct rules rules_of(struct wire w)
{
	size_t len = wire_u32(&w);

	return (struct rules){ w, w.pos + len };
}

static bool next_rule(struct rules *r, struct dbus_str *rule)
{
	if (r->w.pos >= r->end)
		return false;
	*rule = wire_str(&r->w);
	return true;
}

/* 0, or an error of match_rule_parse(). */
static int check_rule(struct dbus_str rule, const char **why)
{
	size_t size = MATCH_RULE_MEM(rule.len);
	struct match_rule *r;
	int err;

	if (rule.len > MATCH_MAX_TEXT)
		return -EMSGSIZE;
	r = malloc(size);
	if (!r)
		return -ENOMEM;
	err = match_rule_parse(r, size, rule.s, rule.len, why);
	free(r);
	return err;
}

static int bad_rule(struct call *c, int err, struct dbus_str rule,
		    const char *why)
{
	switch (err) {
	case -EINVAL:
		return call_error(c, DBUS_ERROR("MatchRuleInvalid"),
				  "%s in match rule \"%s\"", why, rule.s);
	case -EMSGSIZE:
		return call_error(c, DBUS_ERROR("LimitsExceeded"),
				  "Match rule text is %u bytes, maximum is %u",
				  rule.len, MATCH_MAX_TEXT);
	default:
		return call_failed(c, err);
	}
}

/* True if all of them are rules; else an error is answered. */
static bool check_rules(struct call *c, struct rules r)
{
	const char *why = "";
	struct dbus_str rule;
	int err;

	while (next_rule(&r, &rule)) {
		err = check_rule(rule, &why);
		if (!err)
			continue;
		bad_rule(c, err, rule, why);
		return false;
	}
	return true;
}

/* Without a rule everything is shown. */
static int add_rules(struct peer *peer, struct rules r)
{
	struct sw *sw = peer->bus->sw;
	struct dbus_str rule;
	uint64_t cookie = 0;
	int err = 0;

	while (!err && next_rule(&r, &rule))
		err = sw_match_add(sw, peer->addr, ++cookie, rule.s);
	if (!err && !cookie)
		err = sw_match_add(sw, peer->addr, ++cookie, "");
	return err;
}

/*
 * It has been told that it is one, and loses its names before it sees the
 * first message. There is no way back: what fails here ends it.
 */
static int turn(struct peer *peer, struct rules r)
{
	char info[PEER_INFO_MAX];
	int err;

	names_leave(peer);
	peer->monitor = true;
	matches_free(peer);
	err = sw_monitor(peer->bus->sw, peer->addr);
	if (!err)
		err = add_rules(peer, r);
	if (err)
		return err;
	peer_info(peer, info);
	log_info("Connection %s (%s) became a monitor.", peer->unique, info);
	return sw_cork(peer->bus->sw, peer->addr, false);
}

static int become_monitor(struct call *c)
{
	struct rules r = rules_of(c->args);
	struct wire w = c->args;
	int err;

	wire_jump(&w, "as", 2);
	if (!enforce_eavesdrop(c))
		return 0;
	if (wire_u32(&w))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "BecomeMonitor does not support any flags yet");
	if (!check_rules(c, r))
		return 0;
	if (!sw_has_monitors(c->bus->sw))
		return call_error(c, DBUS_ERROR("NotSupported"),
				  "Messages are switched by a module of the kernel that is too old to show them to a monitor (afbusd --switch=user does)");
	/* The client is told of it when it is one. */
	err = sw_cork(c->bus->sw, c->peer->addr, true);
	if (err)
		return call_failed(c, err);
	call_empty(c);
	call_send(c);
	return turn(c->peer, r);
}

static const struct method monitoring_methods[] = {
	{ "BecomeMonitor", "asu", "", become_monitor,
	  METHOD_CANONICAL | METHOD_OWNER },
	{ NULL },
};

const struct interface monitoring_interface = {
	.name = "org.freedesktop.DBus.Monitoring",
	.canonical = true,
	.listed = true,
	.methods = monitoring_methods,
};

/* ---- being one ---- */

/* It probably answers what was not meant for it: its author shall know. */
int monitor_spoke(const struct call *c)
{
	const struct dbus_header *h = c->m->h;
	char info[PEER_INFO_MAX];

	peer_info(c->peer, info);
	log_warning("Monitoring connection %s (%s) is not allowed to send messages; closing it. Please fix the monitor to not do that. (message type=%d interface=\"%.*s\" member=\"%.*s\" error name=\"%.*s\" destination=\"%.*s\")",
		    c->peer->unique, info, h->f.type, STR(h->interface),
		    STR(h->member), STR(h->error_name), STR(h->destination));
	return -EPROTO;
}

/* ---- what only monitors see ---- */

static void show(struct bus *bus, uint64_t to, struct msg *m)
{
	if (!msg_finish(m))
		sw_show(bus->sw, to, m->data, m->len);
	msg_done(m);
}

void monitor_show_refused(struct peer *peer, const struct msg *m)
{
	struct bus *bus = peer->bus;
	struct msg_to to = { .dest = DBUS_DRIVER_NAME };
	struct dbus_frame f;
	struct msg error;

	if (!sw_watched(bus->sw) ||
	    dbus_frame_parse(&f, m->data, DBUS_MAX_MESSAGE))
		return;
	sw_show(bus->sw, peer->addr, m->data, m->len);
	to.serial = bus_next_serial(bus);
	to.reply_serial = f.serial;
	msg_error(&error, &to, DBUS_ERROR("AccessDenied"),
		  "The receiver is not allowed to receive this message");
	show(bus, 0, &error);
}

void monitor_show_denied(struct call *c)
{
	struct msg_to to = {
		.dest = c->peer->unique,
		.serial = bus_next_serial(c->bus),
		.reply_serial = c->m->h->f.serial,
	};
	struct msg error;

	msg_error(&error, &to, DBUS_ERROR("AccessDenied"),
		  "One of those who want this message is not allowed to have it");
	show(c->bus, c->peer->addr, &error);
}
