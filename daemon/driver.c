// SPDX-License-Identifier: LGPL-2.1-or-later
#include "driver.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/activation.h"
#include "daemon/enforce.h"
#include "daemon/log.h"
#include "daemon/monitor.h"


static bool str_is(struct dbus_str a, const char *s)
{
	return dbus_str_eq(a, s, strlen(s));
}

static struct msg_to answer_to(const struct call *c)
{
	return (struct msg_to){
		.dest = c->peer->unique,
		.serial = bus_next_serial(c->bus),
		.reply_serial = c->m->h->f.serial,
		.n_fds = c->fd >= 0,
	};
}

void call_reply(struct call *c, const char *signature)
{
	struct msg_to to = answer_to(c);

	c->error = false;
	msg_done(&c->reply);
	msg_reply(&c->reply, &to, signature);
}

/* A text that was too long may end within a character. */
static void cut_to_utf8(char *text)
{
	size_t len = strlen(text);

	while (!dbus_utf8_ok(text, len))
		text[--len] = 0;
}

int call_error(struct call *c, const char *name, const char *format, ...)
{
	struct msg_to to;
	char text[1600];	/* the longest match rule fits, and a name */
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	cut_to_utf8(text);
	c->fd = -1;
	c->error = true;
	to = answer_to(c);
	msg_done(&c->reply);
	msg_error(&c->reply, &to, name, text);
	return 0;
}

static bool wants_answer(const struct call *c)
{
	return c->error || (c->m->h->f.type == DBUS_TYPE_CALL &&
			    !(c->m->h->f.flags & DBUS_FLAG_NO_REPLY));
}

void call_send(struct call *c)
{
	if (c->sent)
		return;
	c->sent = true;
	if (msg_finish(&c->reply) == -ENOMEM)
		call_error(c, DBUS_ERROR("NoMemory"), "Not enough memory");
	else if (c->reply.err == -EMSGSIZE)
		call_error(c, DBUS_ERROR("LimitsExceeded"),
			   "The answer is too long");
	if (wants_answer(c))
		peer_send(c->peer, &c->reply, &c->fd, c->fd >= 0);
}

int call_empty(struct call *c)
{
	call_reply(c, "");
	return 0;
}

int call_u32(struct call *c, uint32_t v)
{
	call_reply(c, "u");
	msg_u32(&c->reply, v);
	return 0;
}

int call_bool(struct call *c, bool v)
{
	call_reply(c, "b");
	msg_bool(&c->reply, v);
	return 0;
}

int call_str(struct call *c, const char *s)
{
	call_reply(c, "s");
	msg_str(&c->reply, s);
	return 0;
}

int call_failed(struct call *c, int err)
{
	if (err == -ENOMEM)
		return call_error(c, DBUS_ERROR("NoMemory"),
				  "Not enough memory");
	return call_error(c, DBUS_ERROR("Failed"), "%s", strerror(-err));
}

int call_no_such_name(struct call *c, const char *what, struct dbus_str name)
{
	return call_error(c, DBUS_ERROR("NameHasNoOwner"),
			  "Could not get %s of name '%.*s': no such name", what,
			  STR(name));
}

struct dbus_str call_name_arg(struct call *c)
{
	return wire_str(&c->args);
}

bool call_peer_arg(struct call *c, const char *what, struct dbus_str *name,
		   struct peer **peer)
{
	*name = call_name_arg(c);
	*peer = NULL;
	if (driver_is_name(*name))
		return true;
	*peer = bus_find_name(c->bus, name->s, name->len);
	if (!*peer)
		call_no_such_name(c, what, *name);
	return *peer;
}

bool driver_is_name(struct dbus_str name)
{
	return str_is(name, DBUS_DRIVER_NAME);
}

bool call_on_canonical_path(const struct call *c)
{
	return str_is(c->m->h->path, DBUS_DRIVER_PATH);
}

const struct interface *driver_find_interface(const struct call *c,
					      struct dbus_str name)
{
	const struct interface * const *i;

	for (i = driver_interfaces; *i; i++) {
		if ((*i)->canonical && !call_on_canonical_path(c))
			continue;
		if (str_is(name, (*i)->name))
			return *i;
	}
	return NULL;
}

static const struct method *find_method(const struct interface *i,
					struct dbus_str name)
{
	const struct method *m;

	for (m = i->methods; m->name; m++)
		if (str_is(name, m->name))
			return m;
	return NULL;
}

/* Without an interface the first that has the method serves. */
static const struct method *find_anywhere(const struct call *c,
					  struct dbus_str name)
{
	const struct interface * const *i;
	const struct method *m;

	for (i = driver_interfaces; *i; i++) {
		if ((*i)->canonical && !call_on_canonical_path(c))
			continue;
		m = find_method(*i, name);
		if (m)
			return m;
	}
	return NULL;
}

/* A body that is not what its signature says costs the connection. */
static int check_body(struct call *c)
{
	const struct dbus_header *h = c->m->h;
	const char *body = (const char *)c->m->data + h->f.header_len;
	const char *sig = h->signature.s;
	size_t left = h->signature.len, n;
	struct wire w;

	wire_init(&w, body, h->f.body_len, h->f.big);
	while (left && !wire_error(&w)) {
		n = dbus_signature_next(sig, left);
		wire_skip(&w, sig, n);
		sig += n;
		left -= n;
	}
	wire_init(&c->args, body, h->f.body_len, h->f.big);
	if (wire_error(&w))
		return wire_error(&w);
	return w.pos == w.len ? 0 : -EBADMSG;
}

static bool is_owner(const struct call *c)
{
	const struct peer *peer = c->peer;

	return !peer->anonymous && (!peer->creds.uid ||
				    peer->creds.uid == c->bus->self.uid);
}

/* A second line of defence behind the policy: it is worth a line in the log. */
static int not_owner(struct call *c)
{
	const struct peer *peer = c->peer;
	char info[PEER_INFO_MAX], uid[16];

	peer_info(peer, info);
	snprintf(uid, sizeof(uid), "%u", (unsigned int)peer->creds.uid);
	log_warning("rejected attempt to call %.*s by connection %s (%s)",
		    STR(c->m->h->member), peer->unique, info);
	return call_error(c, DBUS_ERROR("AccessDenied"),
			  "rejected attempt to call %.*s by connection %s (%s) with %s%s",
			  STR(c->m->h->member), peer->unique, info,
			  peer->anonymous ? "unknown uid" : "uid ",
			  peer->anonymous ? "" : uid);
}

bool call_by_owner(struct call *c)
{
	if (is_owner(c))
		return true;
	not_owner(c);
	return false;
}

static int run(struct call *c)
{
	const struct method *m = c->method;
	struct dbus_str sig = c->m->h->signature;

	if ((m->flags & METHOD_OWNER) && !call_by_owner(c))
		return 0;
	if ((m->flags & METHOD_CANONICAL) && !call_on_canonical_path(c))
		return call_error(c, DBUS_ERROR("AccessDenied"),
				  "Method '%s' is only available at the canonical object path '%s'",
				  m->name, DBUS_DRIVER_PATH);
	if (sig.len != strlen(m->in) || memcmp(sig.s ? sig.s : "", m->in,
					       sig.len))
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "Call to %s has wrong args (%.*s, expected %s)\n",
				  m->name, STR(sig), m->in);
	return m->run(c);
}

static int call_driver(struct call *c)
{
	const struct dbus_header *h = c->m->h;
	const struct interface *i = NULL;

	if (h->interface.len) {
		i = driver_find_interface(c, h->interface);
		if (!i)
			return call_error(c, DBUS_ERROR("UnknownInterface"),
					  "%s does not understand message %.*s",
					  DBUS_DRIVER_NAME, STR(h->member));
		c->method = find_method(i, h->member);
	} else {
		c->method = find_anywhere(c, h->member);
	}
	if (!c->method)
		return call_error(c, DBUS_ERROR("UnknownMethod"),
				  "%s does not understand message %.*s",
				  DBUS_DRIVER_NAME, STR(h->member));
	return run(c);
}

/* The bus itself is at the other end of a call without destination. */
static int call_nobody(struct call *c)
{
	const struct dbus_header *h = c->m->h;

	if (str_is(h->interface, "org.freedesktop.DBus.Peer"))
		return call_driver(c);
	return call_error(c, DBUS_ERROR("UnknownMethod"),
			  "Method \"%.*s\" with signature \"%.*s\" on interface \"%.*s\" doesn't exist\n",
			  STR(h->member), STR(h->signature),
			  STR(h->interface));
}

static int no_such_name(struct call *c)
{
	return call_error(c, DBUS_ERROR("NameHasNoOwner"),
			  "Name \"%.*s\" does not exist",
			  STR(c->m->h->destination));
}

static int forwarded(struct call *c, int err, const struct sw_ruling *ruling)
{
	switch (err) {
	case 0:
		c->sent = true;
		return 0;
	case -EACCES:
		return enforce_refused(c, ruling);
	case -ENOENT:
		return no_such_name(c);
	case -ENOTUNIQ:
		return call_error(c, DBUS_ERROR("NotSupported"),
				  "Tried to send message with Unix file descriptors to a client that doesn't support that.");
	default:
		return call_error(c, DBUS_ERROR("NoMemory"),
				  "Cannot deliver the message: %s",
				  strerror(-err));
	}
}

static int forward(struct call *c, struct peer *to, struct sw_ruling *ruling)
{
	const struct sw_message *m = c->m;

	return sw_forward(c->bus->sw, c->peer->addr, to->addr, m->data, m->len,
			  m->fds, m->n_fds, ruling);
}

int driver_forward_held(struct call *c, struct peer *to, uint64_t number)
{
	struct sw_ruling ruling;
	int err;

	if (number)
		err = sw_forward_parked(c->bus->sw, number, to->addr, c->m,
					&ruling);
	else
		err = forward(c, to, &ruling);
	return forwarded(c, err, &ruling);
}

/* The switch knew nobody of that name; meanwhile there may be somebody. Or
 * somebody is leaving, whose end comes behind what it said last: then nobody is
 * there for this. */
static int to_somebody(struct call *c)
{
	const struct dbus_header *h = c->m->h;
	struct peer *to = bus_find_name(c->bus, h->destination.s,
					h->destination.len);
	struct sw_ruling ruling;
	int err;

	if (to) {
		err = forward(c, to, &ruling);
		if (err != -ENOENT)
			return forwarded(c, err, &ruling);
	}
	if (h->f.flags & DBUS_FLAG_NO_AUTO_START)
		return no_such_name(c);
	return activation_message(c);
}

static bool is_hello(const struct dbus_header *h)
{
	return h->f.type == DBUS_TYPE_CALL && str_is(h->member, "Hello") &&
	       str_is(h->destination, DBUS_DRIVER_NAME) &&
	       (!h->interface.len || str_is(h->interface, DBUS_DRIVER_NAME));
}

/* The only signal that means something to the bus. */
static int run_failure(struct call *c)
{
	c->sent = true;		/* nobody is answered */
	return is_owner(c) ? activation_failure(c) : not_owner(c);
}

/* Hello comes before there is one; and who may have the bus is not a matter of
 * what the bus is configured for: its methods are for its owner alone. */
static bool asks_policy(const struct call *c)
{
	return c->peer->state == PEER_ACTIVE &&
	       !(is_owner(c) && str_is(c->m->h->interface,
				       restart_interface.name));
}

static int dispatch(struct call *c)
{
	const struct dbus_header *h = c->m->h;
	int err;

	if (c->m->ruling.refusal)
		return enforce_refused(c, &c->m->ruling);
	if (h->destination.len && !str_is(h->destination, DBUS_DRIVER_NAME))
		return to_somebody(c);
	if (h->destination.len &&
	    !(asks_policy(c) ? enforce_send(c) : enforce_hello(c)))
		return 0;
	if (h->f.type != DBUS_TYPE_CALL && !activation_is_failure(h)) {
		c->sent = true;
		return 0;
	}
	err = check_body(c);
	if (err)
		return err;
	if (h->f.type != DBUS_TYPE_CALL)
		return run_failure(c);
	return h->destination.len ? call_driver(c) : call_nobody(c);
}

int driver_message(struct peer *peer, const struct sw_message *m)
{
	struct call c = { .bus = peer->bus, .peer = peer, .m = m, .fd = -1 };
	int err;

	if (peer->monitor)
		return monitor_spoke(&c);
	if (peer->state != PEER_ACTIVE && !is_hello(m->h)) {
		char info[PEER_INFO_MAX];

		peer_info(peer, info);
		log_info("Disconnected a client (%s): it sent something before Hello",
			 info);
		return -EPROTO;
	}
	if (m->ruling.refusal == SW_DENIED_CAST) {
		monitor_show_denied(&c);
		return 0;
	}
	if (m->told || m->ruling.refusal == SW_LOGGED) {
		enforce_logged(&c, &m->ruling);
		return 0;
	}
	err = dispatch(&c);
	if (err >= 0)
		call_send(&c);
	msg_done(&c.reply);
	return err;
}
