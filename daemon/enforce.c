// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enforce.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/dbus_denied.h"
#include "daemon/log.h"
#include "daemon/lsm.h"

const char *enforce_refuses_kernel(const struct bus *bus,
				   const struct config *file)
{
	if (lsm_asks(bus->lsm))
		return !strcmp(lsm_name(bus->lsm), "SELinux") ?
		       "the kernel's bus does not ask SELinux, which mediates messages here" :
		       "the kernel's bus does not ask AppArmor, which mediates messages here (<apparmor mode=\"disabled\"/> turns that off)";
	if (!bus->config.unix_only)
		return "the kernel carries unix sockets only";
	return NULL;
}

const char *enforce_refuses(const struct bus *bus, const struct config *file)
{
	if (strcmp(sw_kind(bus->sw), "kernel"))
		return NULL;
	return enforce_refuses_kernel(bus, file);
}

static const struct creds *known_creds(const struct peer *peer)
{
	return peer->anonymous ? NULL : &peer->creds;
}

int enforce_attach(struct peer *peer)
{
	/* Not asking is faster than being told that everything is allowed. */
	return sw_policy(peer->bus->sw, peer->addr,
			 policy_is_open(&peer->policy->p) ? NULL :
							    &peer->policy->p);
}

/* On failure it keeps what it has. */
static int renew(struct peer *peer)
{
	struct policy_block *old = peer->policy, *policy;
	int err = policy_set_compile(peer->bus->file->policy,
				     known_creds(peer), &policy);

	if (err)
		return err;
	peer->policy = policy;
	err = peer->addr ? enforce_attach(peer) : 0;
	if (err && err != -ENOENT) {
		peer->policy = old;
		policy_block_unref(policy);
		return err;
	}
	policy_block_unref(old);
	return 0;
}

void enforce_switch_limits(const struct bus *bus, struct bus_limits *to)
{
	const struct bus_limits *forced = &bus->config.switch_limits;

	limits_for_switch(&bus->file->limits, to);
	if (forced->queue_bytes)
		to->queue_bytes = forced->queue_bytes;
	to->stall_ms = forced->stall_ms;
}

int enforce_limits(struct bus *bus)
{
	const struct limits *l = &bus->config.limits;
	uint64_t stall = bus->config.switch_limits.stall_ms * 1000ULL;
	struct sw_limits limits = {
		.replies = l->replies_per_connection,
		.reply_timeout = l->reply_timeout,
		.pending_fd_timeout = l->pending_fd_timeout,
		.incoming_fds = l->incoming_fds,
	};

	enforce_switch_limits(bus, &limits.bus);
	/* Tests do not want to wait for this either. */
	if (stall && stall < limits.pending_fd_timeout)
		limits.pending_fd_timeout = stall;
	return sw_limits(bus->sw, &limits);
}

void enforce_renew(struct bus *bus)
{
	char info[PEER_INFO_MAX];
	struct list *l;
	int err;

	for (l = bus->peers.next; l != &bus->peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		err = peer->policy ? renew(peer) : 0;
		if (!err)
			continue;
		peer_info(peer, info);
		log_errno(err, "Unable to reload policy for connection \"%s\" (%s), keeping current policy",
			  peer->unique, info);
	}
}

int enforce_restore(struct peer *peer)
{
	return renew(peer);
}

bool enforce_connect(struct peer *peer)
{
	struct bus *bus = peer->bus;
	char info[PEER_INFO_MAX];
	int err;

	if (peer->anonymous ? !bus->config.allow_anonymous :
	    !policy_set_connect(bus->file->policy, &peer->creds,
				bus->self.uid)) {
		peer_info(peer, info);
		log_info("Rejected connection (%s): it is not allowed by the configuration",
			 info);
		return false;
	}
	err = renew(peer);
	if (err)
		log_errno(err, "cannot make the policy of a connection");
	return !err;
}

/* ---- what to say ---- */

static struct dbus_str str_of(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

/* By value: it ends up with texts that are here. */
static void describe(const struct call *c, const struct sw_ruling *ruling,
		     struct dbus_denied d, char text[DBUS_DENIED_MAX])
{
	struct peer *to = ruling->to ? bus_find_addr(c->bus, ruling->to) : NULL;
	char from[PEER_INFO_MAX], at[PEER_INFO_MAX];

	peer_info(c->peer, from);
	d.h = c->m->h;
	d.sender = str_of(c->peer->unique);
	d.from = str_of(from);
	d.requested = ruling->requested;
	if (to) {
		peer_info(to, at);
		d.at = str_of(at);
	}
	dbus_denied_write(&d, text);
}

static void complain(const struct call *c, const struct sw_ruling *ruling,
		     const char *what, char text[DBUS_DENIED_MAX])
{
	struct dbus_denied d = {
		.what = str_of(what),
		.counts = true,
		.matched = ruling->matched,
	};

	describe(c, ruling, d, text);
}

static const char *rejected(enum sw_refusal refusal)
{
	return refusal == SW_DENIED_RECEIVE ? "Rejected receive message" :
					      "Rejected send message";
}

static int denied(struct call *c, const struct sw_ruling *ruling)
{
	char text[DBUS_DENIED_MAX];

	complain(c, ruling, rejected(ruling->refusal), text);
	log_security("%s", text);
	return call_error(c, DBUS_ERROR("AccessDenied"), "%s", text);
}

static void log_too_many_calls(const struct call *c)
{
	char culprit[PEER_CULPRIT_MAX];

	peer_culprit(c->peer, culprit);
	log_warning("The maximum number of pending replies for %s has been reached (max_replies_per_connection=%zu)",
		    culprit, c->bus->config.limits.replies_per_connection);
}

void enforce_logged(struct call *c, const struct sw_ruling *ruling)
{
	char text[DBUS_DENIED_MAX];

	if (ruling->refusal == SW_TOO_MANY_CALLS) {
		log_too_many_calls(c);
		return;
	}
	complain(c, ruling, c->m->told ? rejected(ruling->refusal) :
					 "Would reject message", text);
	log_security("%s", text);
}

/* The module has written it down. */
static int not_asked(struct call *c, int err)
{
	const char *name = err == -ENOMEM ? DBUS_ERROR("NoMemory") :
			   err == -EPERM ? DBUS_ERROR("AccessDenied") :
			   err == -ENOENT ? DBUS_ERROR("FileNotFound") :
					    DBUS_ERROR("Failed");

	return call_error(c, name, "Failed to query %s policy: %s",
			  lsm_name(c->bus->lsm), strerror(-err));
}

static int denied_by_lsm(struct call *c, const struct sw_ruling *ruling)
{
	char what[128], text[DBUS_DENIED_MAX];
	struct dbus_denied d = {
		.counts = !strcmp(lsm_name(c->bus->lsm), "SELinux"),
	};

	if (ruling->err != -EACCES)
		return not_asked(c, ruling->err);
	snprintf(what, sizeof(what),
		 "An %s policy prevents this sender from sending this message to this recipient",
		 lsm_name(c->bus->lsm));
	d.what = str_of(what);
	describe(c, ruling, d, text);
	return call_error(c, DBUS_ERROR("AccessDenied"), "%s", text);
}

static int too_many_calls(struct call *c)
{
	log_too_many_calls(c);
	return call_error(c, DBUS_ERROR("LimitsExceeded"),
			  "The maximum number of pending replies per connection has been reached");
}

int enforce_refused(struct call *c, const struct sw_ruling *ruling)
{
	switch (ruling->refusal) {
	case SW_DENIED_LSM:
		return denied_by_lsm(c, ruling);
	case SW_DENIED_SEND:
	case SW_DENIED_RECEIVE:
		return denied(c, ruling);
	case SW_SAME_SERIAL:
		return call_error(c, DBUS_ERROR("AccessDenied"),
				  "Message has the same reply serial as a currently-outstanding existing method call");
	case SW_TOO_MANY_CALLS:
		return too_many_calls(c);
	default:
		return call_error(c, DBUS_ERROR("Failed"),
				  "Cannot deliver the message");
	}
}

int enforce_limit(struct call *c, const char *limit, size_t value,
		  const char *format, ...)
{
	char text[1024], culprit[PEER_CULPRIT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	peer_culprit(c->peer, culprit);
	if (limit)
		log_warning("%s (%s=%zu): %s", text, limit, value, culprit);
	else
		log_warning("%s: %s", text, culprit);
	return call_error(c, DBUS_ERROR("LimitsExceeded"), "%s", text);
}

/* ---- the security module ---- */

static struct lsm_end end_of(const struct peer *peer)
{
	return (struct lsm_end){
		.label = &peer->label,
		.name = peer->state == PEER_ACTIVE ? peer->unique : NULL,
		.pid = peer->creds.pid,
	};
}

int enforce_mediate(void *ctx, uint64_t from, uint64_t to,
		    const struct dbus_header *h, bool requested)
{
	struct bus *bus = ctx;
	struct peer *p = bus_find_port(bus, from), *t = bus_find_port(bus, to);
	struct lsm_message m = { .h = h, .requested = requested };

	if (!p || !t)
		return -EACCES;
	m.from = end_of(p);
	m.to = end_of(t);
	return lsm_send(bus->lsm, &m);
}

/* From @c's peer to the bus, or to what is to be started. */
static int mediate(struct call *c, bool starts, const char *label)
{
	struct lsm_message m = {
		.from = end_of(c->peer),
		.h = c->m->h,
		.starts = starts,
		.assumed = label,
	};
	struct sw_ruling ruling = { .refusal = SW_DENIED_LSM };

	ruling.err = lsm_send(c->bus->lsm, &m);
	return ruling.err ? denied_by_lsm(c, &ruling) : 1;
}

int enforce_hello(struct call *c)
{
	return mediate(c, false, NULL);
}

int enforce_eavesdrop(struct call *c)
{
	struct lsm_end end = end_of(c->peer);
	int err = lsm_eavesdrop(c->bus->lsm, &end);

	if (!err)
		return 1;
	if (err != -EACCES)
		return not_asked(c, err);
	return call_error(c, DBUS_ERROR("AccessDenied"),
			  "Connection \"%s\" is not allowed to eavesdrop due to %s policy",
			  c->peer->unique, lsm_name(c->bus->lsm));
}

static int not_to_own(struct call *c, struct dbus_str name, const char *why)
{
	return call_error(c, DBUS_ERROR("AccessDenied"),
			  "Connection \"%s\" is not allowed to own the service \"%.*s\" due to %s",
			  c->peer->unique, STR(name), why);
}

int enforce_own(struct call *c, struct dbus_str name)
{
	struct lsm_end end = end_of(c->peer);
	int err = lsm_own(c->bus->lsm, &end, name.s);
	char why[32];

	if (err && err != -EACCES)
		return not_asked(c, err);
	if (err) {
		snprintf(why, sizeof(why), "%s policy",
			 lsm_name(c->bus->lsm));
		return not_to_own(c, name, why);
	}
	if (policy_own(&c->peer->policy->p, name.s, name.len))
		return 1;
	return not_to_own(c, name,
			  "security policies in the configuration file");
}

/* ---- to and from the driver ---- */

static int check_send(struct call *c)
{
	const struct policy *p = &c->peer->policy->p;
	struct policy_msg m = {
		.h = c->m->h,
		.sender = { c->peer->unique, (u32)strlen(c->peer->unique) },
	};
	struct sw_ruling ruling = { 0 };
	unsigned int verdict = policy_ask(p, POLICY_SEND, &m);

	if (verdict == POLICY_ALLOWED)
		return 1;
	ruling.matched = policy_matching(p, POLICY_SEND, &m);
	if (!(verdict & POLICY_ALLOWED))
		return denied(c, &ruling);
	enforce_logged(c, &ruling);
	return 1;
}

int enforce_send(struct call *c)
{
	return mediate(c, false, NULL) ? check_send(c) : 0;
}

int enforce_start(struct call *c, const char *label)
{
	return mediate(c, true, label) ? check_send(c) : 0;
}

bool enforce_receive(const struct peer *peer, const struct msg *m)
{
	const struct policy *p = &peer->policy->p;
	struct policy_msg ask = {
		.sender = { DBUS_DRIVER_NAME, sizeof(DBUS_DRIVER_NAME) - 1 },
		.requested = true,
	};
	struct dbus_header h;

	if (p->open[POLICY_RECEIVE] & 1)
		return true;
	if (dbus_frame_parse(&h.f, m->data, DBUS_MAX_MESSAGE) ||
	    dbus_header_parse(&h, m->data, h.f.header_len, DBUS_MAX_MESSAGE))
		return false;
	ask.h = &h;
	return policy_ask(p, POLICY_RECEIVE, &ask) & POLICY_ALLOWED;
}

/* ---- replies ---- */

void enforce_no_reply(void *ctx, uint64_t addr, uint32_t serial, bool gone)
{
	struct bus *bus = ctx;
	struct peer *peer = bus_find_addr(bus, addr);
	struct msg_to to = { .reply_serial = serial };
	struct msg m;

	if (!peer)
		return;
	bus_enter(bus);
	to.dest = peer->unique;
	to.serial = bus_next_serial(bus);
	msg_error(&m, &to, DBUS_ERROR("NoReply"), gone ?
		  "Message recipient disconnected from message bus without replying" :
		  "Message did not receive a reply (timeout by message bus)");
	peer_send(peer, &m, NULL, 0);
	msg_done(&m);
	bus_leave(bus);
}
