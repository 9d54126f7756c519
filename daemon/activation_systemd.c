// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * systemd starts what has a unit: the bus asks it to by a signal, to which
 * there is no answer but the name, or the signal ActivationFailure. When
 * systemd is not there yet, what is for it waits as for any other service.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/activation_impl.h"
#include "daemon/log.h"

#define ACTIVATOR SYSTEMD_NAME ".Activator"

bool activation_send(struct activation *a, const char *name, struct msg *m,
		     struct failure *f)
{
	struct dbus_str to = { name, (u32)strlen(name) };
	struct peer *peer = bus_find_name(a->bus, to.s, to.len);
	struct dbus_header h;
	struct sw_message sm = { .h = &h };

	if (peer) {
		peer_send(peer, m, NULL, 0);
		return true;
	}
	if (msg_finish(m) < 0) {
		failure_set(f, DBUS_ERROR("NoMemory"), "Not enough memory");
		return false;
	}
	sm.data = m->data;
	sm.len = m->len;
	sw_show(a->bus->sw, 0, m->data, m->len);
	return activation_want(a, NULL, &sm, to, true, f);
}

bool systemd_request(struct pending *p, const char *by, struct failure *f)
{
	struct bus *bus = p->a->bus;
	struct msg_to to = {
		.dest = SYSTEMD_NAME, .serial = bus_next_serial(bus),
	};
	bool there = bus_find_name(bus, SYSTEMD_NAME, strlen(SYSTEMD_NAME));
	struct msg m;
	bool ok;

	log_info("Activating %s: service name='%s' unit='%s' requested by %s",
		 there ? "via systemd" : "systemd to hand-off", p->name,
		 p->unit, by);
	msg_signal(&m, &to, DBUS_DRIVER_PATH, ACTIVATOR, "ActivationRequest",
		   "s");
	msg_str(&m, p->unit);
	/* The reference shows it to monitors before what caused it. */
	sw_show_first(bus->sw, true);
	ok = activation_send(p->a, SYSTEMD_NAME, &m, f);
	sw_show_first(bus->sw, false);
	msg_done(&m);
	if (!ok)
		log_info("Failed to activate via systemd: service name='%s' unit='%s'",
			 p->name, p->unit);
	return ok;
}

/* ---- failures ---- */

static bool is(struct dbus_str s, const char *text)
{
	return dbus_str_eq(s, text, strlen(text));
}

bool activation_is_failure(const struct dbus_header *h)
{
	return h->f.type == DBUS_TYPE_SIGNAL && is(h->interface, ACTIVATOR) &&
	       is(h->member, "ActivationFailure");
}

static struct pending *find_unit(struct activation *a, struct dbus_str unit)
{
	struct hnode *node;
	size_t i;

	hmap_for_all(node, &a->pending, i) {
		struct pending *p = container_of(node, struct pending, node);

		if (p->unit && is(unit, p->unit))
			return p;
	}
	return NULL;
}

/* The body is the unit, the name of the error and its text. */
static void fail_unit(struct activation *a, struct call *c)
{
	struct dbus_str unit = wire_str(&c->args);
	struct dbus_str name = wire_str(&c->args);
	struct dbus_str text = wire_str(&c->args);
	struct failure f;
	struct pending *p;

	log_info("Activation via systemd failed for unit '%.*s': %.*s",
		 STR(unit), STR(text));
	/* Strings in a message have a NUL behind them. */
	failure_set(&f, dbus_error_name_ok(name.s, name.len) ? name.s :
		    DBUS_ERROR("Failed"), "%.*s", STR(text));
	/* Again as the reference shows it to monitors. */
	sw_show_first(a->bus->sw, true);
	while ((p = find_unit(a, unit)))
		pending_fail(p, &f);
	sw_show_first(a->bus->sw, false);
}

int activation_failure(struct call *c)
{
	struct peer *systemd = bus_find_name(c->bus, SYSTEMD_NAME,
					     strlen(SYSTEMD_NAME));
	char info[PEER_INFO_MAX];

	if (systemd != c->peer) {
		peer_info(c->peer, info);
		log_warning("Ignoring forged ActivationFailure message from connection %s (%s)",
			    c->peer->unique, info);
	} else if (!activation_uses_systemd(c->bus->activation)) {
		log_warning("Ignoring unexpected ActivationFailure message while not using systemd activation");
	} else if (is(c->m->h->signature, "sss")) {
		fail_unit(c->bus->activation, c);
	}
	return 0;
}
