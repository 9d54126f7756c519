// SPDX-License-Identifier: LGPL-2.1-or-later
/* What clients ask of activation. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/activation_impl.h"
#include "daemon/enforce.h"
#include "daemon/log.h"

static int answer(struct call *c, bool held, const struct failure *f)
{
	/* Whoever waits is answered when it is decided. */
	c->sent = held;
	if (held)
		return 0;
	if (!strcmp(f->name, DBUS_ERROR("LimitsExceeded")))
		return enforce_limit(c, NULL, 0, "%s", f->text);
	return call_error(c, f->name, "%s", f->text);
}

int activation_message(struct call *c)
{
	struct dbus_str name = c->m->h->destination;
	struct failure f;
	bool held;

	/* As much as can be said before its receiver is known. */
	if (activation_knows(c->bus->activation, name) &&
	    !enforce_start(c, activation_label(c->bus->activation, name)))
		return 0;
	held = activation_want(c->bus->activation, c, c->m, name, true, &f);
	return answer(c, held, &f);
}

static bool is_running(struct call *c, struct dbus_str name)
{
	return driver_is_name(name) ||
	       bus_find_name(c->bus, name.s, name.len);
}

/* The reference looks for the file first. */
int activation_start(struct call *c, struct dbus_str name)
{
	struct activation *a = c->bus->activation;
	struct failure f;
	bool held;

	if (is_running(c, name) && activation_knows(a, name))
		return call_u32(c, 2);
	held = activation_want(a, c, c->m, name, false, &f);
	return answer(c, held, &f);
}

void activation_list(struct activation *a, struct msg *m)
{
	struct hnode *node;
	size_t i;

	services_refresh(&a->services);
	hmap_for_all(node, &a->services.table, i)
		msg_str(m, container_of(node, struct service,
					node)->file.name);
}

/* ---- the environment ---- */

/* The end of the array that begins here, and its first element. */
static size_t enter_dict(struct wire *w)
{
	size_t len = wire_u32(w);

	wire_align(w, 8);
	return w->pos + len;
}

static int take_variables(struct activation *a, struct wire w)
{
	size_t end = enter_dict(&w);
	int err = 0;

	while (!err && w.pos < end) {
		struct dbus_str key, value;

		wire_align(&w, 8);
		key = wire_str(&w);
		value = wire_str(&w);
		err = environment_set(&a->env, key.s, value.s);
		if (!err)
			variable_note(a, key.s, value.s);
	}
	return err;
}

static void add_assignments(struct msg *m, struct wire w)
{
	struct msg_array array = msg_array_begin(m, 4);
	size_t end = enter_dict(&w);

	while (w.pos < end) {
		struct dbus_str key, value;
		char *text;

		wire_align(&w, 8);
		key = wire_str(&w);
		value = wire_str(&w);
		if (asprintf(&text, "%s=%s", key.s, value.s) < 0) {
			m->err = -ENOMEM;
			break;
		}
		msg_str(m, text);
		free(text);
	}
	msg_array_end(m, array);
}

/* What systemd starts gets its environment from there. */
static bool tell_systemd(struct activation *a, struct wire w,
			 struct failure *f)
{
	struct peer *peer = bus_find_name(a->bus, SYSTEMD_NAME,
					  strlen(SYSTEMD_NAME));
	struct msg_to to = {
		.dest = peer ? peer->unique : SYSTEMD_NAME,
		.serial = bus_next_serial(a->bus),
	};
	struct msg m;
	bool ok;

	msg_call(&m, &to, "/org/freedesktop/systemd1", SYSTEMD_NAME ".Manager",
		 "SetEnvironment", "as");
	add_assignments(&m, w);
	ok = activation_send(a, SYSTEMD_NAME, &m, f);
	msg_done(&m);
	return ok;
}

int activation_update_environment(struct call *c)
{
	struct activation *a = c->bus->activation;
	struct failure f;
	int err;

	if (a->helper)
		return call_error(c, DBUS_ERROR("AccessDenied"),
				  "Cannot change activation environment on a system bus.");
	err = take_variables(a, c->args);
	if (err)
		return call_failed(c, err);
	if (a->systemd && !tell_systemd(a, c->args, &f))
		return call_error(c, f.name, "%s", f.text);
	return call_empty(c);
}
