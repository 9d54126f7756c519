// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stats.h"

#include <malloc.h>

#include "daemon/driver.h"
#include "daemon/matches.h"

static void raise_to(size_t *peak, size_t now)
{
	if (now > *peak)
		*peak = now;
}

void stats_match_added(struct peer *peer)
{
	struct bus_figures *f = &peer->bus->figures;

	f->matches++;
	raise_to(&f->peak_matches, f->matches);
	raise_to(&peer->figures.peak_matches, peer->matches.n);
	raise_to(&f->peak_matches_of_one, peer->matches.n);
}

void stats_matches_gone(struct peer *peer, size_t n)
{
	peer->bus->figures.matches -= n;
}

static void set_names(struct peer *peer, size_t n)
{
	struct bus_figures *f = &peer->bus->figures;

	f->names += n - peer->figures.seen_names;
	peer->figures.seen_names = n;
	raise_to(&f->peak_names, f->names);
	raise_to(&peer->figures.peak_names, n);
	raise_to(&f->peak_names_of_one, n);
}

/* The unique name is one of them. */
void stats_names_changed(struct peer *peer)
{
	set_names(peer, peer->names.n_claims + 1);
}

void stats_names_gone(struct peer *peer)
{
	set_names(peer, 0);
}

/* ---- the interface ---- */

static void add(struct msg *m, const char *key, uint64_t value)
{
	msg_entry_u32(m, key, value < UINT32_MAX ? (uint32_t)value :
						   UINT32_MAX);
}

/* The reference tells of a pool of its own; this is all of the heap. */
static void add_memory(struct msg *m)
{
	struct mallinfo2 mi = mallinfo2();

	add(m, "ListMemPoolUsedBytes", mi.uordblks + mi.hblkhd);
	add(m, "ListMemPoolCachedBytes", mi.fordblks);
	add(m, "ListMemPoolAllocatedBytes", mi.arena + mi.hblkhd);
}

static int get_stats(struct call *c)
{
	static uint32_t serial;
	const struct bus *bus = c->bus;
	const struct bus_figures *f = &bus->figures;
	struct msg *m = &c->reply;
	struct msg_array a;

	call_reply(c, "a{sv}");
	a = msg_array_begin(m, 8);
	msg_entry_u32(m, "Serial", serial++);
	add_memory(m);
	add(m, "ActiveConnections", bus->n_completed);
	add(m, "IncompleteConnections", bus->n_incomplete);
	add(m, "MatchRules", f->matches);
	add(m, "PeakMatchRules", f->peak_matches);
	add(m, "PeakMatchRulesPerConnection", f->peak_matches_of_one);
	add(m, "BusNames", f->names);
	add(m, "PeakBusNames", f->peak_names);
	add(m, "PeakBusNamesPerConnection", f->peak_names_of_one);
	msg_array_end(m, a);
	return 0;
}

/* Seen from the bus: what comes in is what the client sends. */
static void add_queues(struct msg *m, struct peer *peer)
{
	struct sw_queues q = { 0 };

	/* A port that has just ended shows zeroes. */
	sw_queues(peer->bus->sw, peer->addr, &q);
	add(m, "IncomingMessages", q.in.msgs);
	add(m, "IncomingBytes", q.in.bytes);
	add(m, "IncomingFDs", q.in.fds);
	add(m, "PeakIncomingBytes", q.in.peak_bytes);
	add(m, "PeakIncomingFDs", q.in.peak_fds);
	add(m, "OutgoingMessages", q.out.msgs);
	add(m, "OutgoingBytes", q.out.bytes);
	add(m, "OutgoingFDs", q.out.fds);
	add(m, "PeakOutgoingBytes", q.out.peak_bytes);
	add(m, "PeakOutgoingFDs", q.out.peak_fds);
}

static int get_connection_stats(struct call *c)
{
	static uint32_t serial;
	struct msg *m = &c->reply;
	struct dbus_str name;
	struct msg_array a;
	struct peer *peer;

	if (!call_peer_arg(c, "statistics", &name, &peer))
		return 0;
	if (!peer)
		return call_error(c, DBUS_ERROR("InvalidArgs"),
				  "GetConnectionStats is not meaningful for the message bus \"%s\" itself",
				  DBUS_DRIVER_NAME);
	call_reply(c, "a{sv}");
	a = msg_array_begin(m, 8);
	msg_entry_u32(m, "Serial", serial++);
	add(m, "MatchRules", peer->matches.n);
	add(m, "PeakMatchRules", peer->figures.peak_matches);
	add(m, "BusNames", peer->figures.seen_names);
	add(m, "PeakBusNames", peer->figures.peak_names);
	msg_entry_str(m, "UniqueName", peer->unique);
	add_queues(m, peer);
	msg_array_end(m, a);
	return 0;
}

static void add_rule(void *ctx, const char *text, size_t len)
{
	msg_strn(ctx, text, len);
}

static void add_rules(struct msg *m, struct peer *peer)
{
	struct msg_array a;

	msg_struct(m);
	msg_str(m, peer->unique);
	a = msg_array_begin(m, 4);
	matches_each(peer, add_rule, m);
	msg_array_end(m, a);
}

static int get_all_match_rules(struct call *c)
{
	struct list *l, *peers = &c->bus->peers;
	struct msg_array a;

	call_reply(c, "a{sas}");
	a = msg_array_begin(&c->reply, 8);
	for (l = peers->next; l != peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		if (bus_find_addr(c->bus, peer->addr) == peer)
			add_rules(&c->reply, peer);
	}
	msg_array_end(&c->reply, a);
	return 0;
}

static const struct method stats_methods[] = {
	{ "GetStats", "", "a{sv}", get_stats, METHOD_CANONICAL },
	{ "GetConnectionStats", "s", "a{sv}", get_connection_stats,
	  METHOD_CANONICAL },
	{ "GetAllMatchRules", "", "a{sas}", get_all_match_rules,
	  METHOD_CANONICAL },
	{ NULL },
};

const struct interface stats_interface = {
	.name = "org.freedesktop.DBus.Debug.Stats",
	.canonical = true,
	.listed = true,
	.methods = stats_methods,
};
