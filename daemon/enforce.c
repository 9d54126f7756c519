// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enforce.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"

const char *enforce_refuses_kernel(const struct bus *bus,
				   const struct config *file)
{
	if (!bus->config.unix_only)
		return "the kernel carries unix sockets only";
	if (!policy_set_is_open(file->policy))
		return "the kernel does not enforce the policy of the configuration";
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
	struct list *l;
	int err;

	for (l = bus->peers.next; l != &bus->peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		err = peer->policy ? renew(peer) : 0;
		if (err)
			log_errno(err, "Unable to reload policy for connection \"%s\" (pid %d, uid %u), keeping current policy",
				  peer->unique, (int)peer->creds.pid,
				  (unsigned int)peer->creds.uid);
	}
}

bool enforce_connect(struct peer *peer)
{
	struct bus *bus = peer->bus;
	int err;

	if (peer->anonymous ? !bus->config.allow_anonymous :
	    !policy_set_connect(bus->file->policy, &peer->creds,
				bus->self.uid)) {
		log_info("connection of pid %d, uid %u is not allowed by the configuration",
			 (int)peer->creds.pid, (unsigned int)peer->creds.uid);
		return false;
	}
	err = renew(peer);
	if (err)
		log_errno(err, "cannot make the policy of a connection");
	return !err;
}

bool enforce_own(const struct peer *peer, struct dbus_str name)
{
	return policy_own(&peer->policy->p, name.s, name.len);
}

/* ---- what to say ---- */

static const char *type_name(const struct dbus_header *h)
{
	static const char *const names[] = {
		[DBUS_TYPE_CALL] = "method_call",
		[DBUS_TYPE_RETURN] = "method_return",
		[DBUS_TYPE_ERROR] = "error",
		[DBUS_TYPE_SIGNAL] = "signal",
	};

	return h->f.type <= DBUS_TYPE_SIGNAL ? names[h->f.type] : "invalid";
}

static struct dbus_str or(struct dbus_str s, const char *otherwise)
{
	return s.s ? s : (struct dbus_str){ otherwise,
					    (u32)strlen(otherwise) };
}

/* Longer than the longest answer may be; that cuts it. */
#define COMPLAINT_MAX 2048

/* The reference's words; programs and people look for them. */
static void complain(const struct call *c, const struct sw_ruling *ruling,
		     const char *what, char text[COMPLAINT_MAX])
{
	const struct dbus_header *h = c->m->h;
	struct peer *to = ruling->to ? bus_find_addr(c->bus, ruling->to) : NULL;
	char from[PEER_INFO_MAX], at[PEER_INFO_MAX] = "bus";

	peer_info(c->peer, from);
	if (to)
		peer_info(to, at);
	snprintf(text, COMPLAINT_MAX,
		 "%s, %u matched rules; type=\"%s\", sender=\"%s\" (%s) interface=\"%.*s\" member=\"%.*s\" error name=\"%.*s\" requested_reply=\"%d\" destination=\"%.*s\" (%s)",
		 what, ruling->matched, type_name(h), c->peer->unique, from,
		 STR(or(h->interface, "(unset)")), STR(or(h->member, "(unset)")),
		 STR(or(h->error_name, "(unset)")), ruling->requested,
		 STR(or(h->destination, DBUS_DRIVER_NAME)), at);
}

static int denied(struct call *c, const struct sw_ruling *ruling,
		  const char *what)
{
	char text[COMPLAINT_MAX];

	complain(c, ruling, what, text);
	log_security("%s", text);
	return call_error(c, DBUS_ERROR("AccessDenied"), "%s", text);
}

void enforce_logged(struct call *c, const struct sw_ruling *ruling)
{
	char text[COMPLAINT_MAX];

	complain(c, ruling, "Would reject message", text);
	log_security("%s", text);
}

static int too_many_calls(struct call *c)
{
	char info[PEER_INFO_MAX];

	peer_info(c->peer, info);
	log_warning("The maximum number of pending replies for \"%s\" (%s) has been reached (max_replies_per_connection=%zu)",
		    c->peer->unique, info,
		    c->bus->config.limits.replies_per_connection);
	return call_error(c, DBUS_ERROR("LimitsExceeded"),
			  "The maximum number of pending replies per connection has been reached");
}

int enforce_refused(struct call *c, const struct sw_ruling *ruling)
{
	switch (ruling->refusal) {
	case SW_DENIED_SEND:
		return denied(c, ruling, "Rejected send message");
	case SW_DENIED_RECEIVE:
		return denied(c, ruling, "Rejected receive message");
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
	char text[COMPLAINT_MAX], info[PEER_INFO_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	peer_info(c->peer, info);
	if (limit)
		log_warning("%s (%s=%zu): %s (%s)", text, limit, value,
			    c->peer->unique, info);
	else
		log_warning("%s: %s (%s)", text, c->peer->unique, info);
	return call_error(c, DBUS_ERROR("LimitsExceeded"), "%s", text);
}

/* ---- to and from the driver ---- */

int enforce_send(struct call *c)
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
		return denied(c, &ruling, "Rejected send message");
	enforce_logged(c, &ruling);
	return 1;
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
