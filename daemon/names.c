// SPDX-License-Identifier: LGPL-2.1-or-later
#include "names.h"

#include "daemon/activation.h"
#include "daemon/log.h"

static void start(struct bus *bus, struct msg *m, const char *dest,
		  const char *member, const char *signature)
{
	struct msg_to to = { .dest = dest, .serial = bus_next_serial(bus) };

	msg_signal(m, &to, DBUS_DRIVER_PATH, DBUS_DRIVER_NAME, member,
		   signature);
}

/* NameLost or NameAcquired; nobody, or a peer that is leaving, needs none, but
 * monitors see what it would be. */
static void tell_one(struct peer *peer, const char *member, const char *name)
{
	struct msg m;

	if (!peer || (peer->doomed && !sw_watched(peer->bus->sw)))
		return;
	start(peer->bus, &m, peer->unique, member, "s");
	msg_str(&m, name);
	if (!peer->doomed)
		peer_send(peer, &m, NULL, 0);
	else if (!msg_finish(&m))
		sw_show(peer->bus->sw, peer->addr, m.data, m.len);
	msg_done(&m);
}

static void tell_all(struct bus *bus, const char *name, const char *from,
		     const char *to)
{
	struct msg m;
	int err;

	start(bus, &m, NULL, "NameOwnerChanged", "sss");
	msg_str(&m, name);
	msg_str(&m, from);
	msg_str(&m, to);
	err = msg_finish(&m);
	if (!err)
		err = sw_broadcast(bus->sw, m.data, m.len);
	if (err)
		log_errno(err, "cannot tell of the owner of %s", name);
	msg_done(&m);
}

static const char *unique_or_none(const struct peer *peer)
{
	return peer ? peer->unique : "";
}

void names_route(struct peer *peer, const char *name)
{
	int err = sw_name(peer->bus->sw, name, peer->addr);

	/* If its port ended a moment ago, the name moves on when the switch
	 * tells. Otherwise rules about the sender would not hold for it. */
	if (err && err != -ENOENT) {
		log_errno(err, "cannot write the name %s", name);
		peer_doom(peer);
	}
}

static void tell(struct bus *bus, const char *name,
		 const struct name_change *change)
{
	struct peer *from = peer_of_claimant(change->from);
	struct peer *to = peer_of_claimant(change->to);

	if (!change->happened)
		return;
	tell_one(from, "NameLost", name);
	tell_all(bus, name, unique_or_none(from), unique_or_none(to));
	tell_one(to, "NameAcquired", name);
	/* What waits for it goes first; see activation_owned(). */
	if (to && !activation_is_pending(bus->activation, name))
		names_route(to, name);
}

int names_move(void *ctx, const char *name, struct claimant *from,
	       struct claimant *to)
{
	struct bus *bus = ctx;

	/* Nobody has it until all have been told who does: what is sent to it
	 * meanwhile comes here, and waits. */
	return from ? sw_name(bus->sw, name, 0) : 0;
}

int names_claim(void *ctx, const char *name, struct claimant *c, bool on)
{
	struct bus *bus = ctx;
	int err = sw_claim(bus->sw, name, peer_of_claimant(c)->addr, on);

	return err == -ENOENT ? 0 : err;
}

/* One who is displaced may have left the queue. */
static void count(struct peer *peer, const struct name_change *change)
{
	stats_names_changed(peer);
	if (change->from)
		stats_names_changed(peer_of_claimant(change->from));
}

int names_request(struct peer *peer, const char *name, uint32_t flags)
{
	struct bus *bus = peer->bus;
	struct name_change change;
	int result = registry_request(&bus->registry, &peer->names, name,
				      strlen(name), flags, &change);

	count(peer, &change);
	tell(bus, name, &change);
	if (change.happened)
		activation_owned(bus->activation, name, peer);
	return result;
}

int names_release(struct peer *peer, const char *name)
{
	struct bus *bus = peer->bus;
	struct name_change change;
	int result = registry_release(&bus->registry, &peer->names, name,
				      strlen(name), &change);

	stats_names_changed(peer);
	tell(bus, name, &change);
	return result;
}

void names_join(struct peer *peer)
{
	stats_names_changed(peer);
	tell_all(peer->bus, peer->unique, "", peer->unique);
	tell_one(peer, "NameAcquired", peer->unique);
}

static void leave_one(struct peer *peer, struct claim *claim)
{
	struct bus *bus = peer->bus;
	char name[DBUS_MAX_NAME + 1];
	struct name_change change;

	memcpy(name, claim->name->text, claim->name->len + 1);
	registry_forget(&bus->registry, claim, &change);
	tell(bus, name, &change);
}

void names_leave(struct peer *peer)
{
	struct list *l = &peer->names.claims;

	while (!list_empty(l))
		leave_one(peer, container_of(l->prev, struct claim,
					     by_claimant));
	stats_names_gone(peer);
	tell_one(peer, "NameLost", peer->unique);
	tell_all(peer->bus, peer->unique, peer->unique, "");
}
