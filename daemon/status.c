// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.afbus.Status1: the figures of the bus and of its ports, for people. The
 * counters are named after the fields of struct bus_stats and struct
 * bus_port_stats, all of type t.
 *
 *	GetBus() -> a{sv}: Switch s, Address s, Guid s, ProcessID u, counters;
 *		Takeovers t, how often a daemon has followed another, LastOutageUSec
 *		t, how long that took (0: unknown), ConfigGeneration t, how
 *		often the configuration was read
 *	GetPorts() -> a(ta{sv}): address, then UniqueName s, Names as,
 *		ProcessID u, UserID u, Program s, counters
 */
#include "daemon/driver.h"

struct counter {
	const char *name;
	size_t offset;
	size_t size;
};

#define COUNTER(type, field) \
	{ #field, offsetof(struct type, field), \
	  sizeof(((struct type *)0)->field) }

static const struct counter bus_counters[] = {
	COUNTER(bus_stats, seq),
	COUNTER(bus_stats, ports),
	COUNTER(bus_stats, names),
	COUNTER(bus_stats, matches),
	COUNTER(bus_stats, unicast_msgs),
	COUNTER(bus_stats, unicast_bytes),
	COUNTER(bus_stats, broadcast_msgs),
	COUNTER(bus_stats, broadcast_copies),
	COUNTER(bus_stats, master_driver),
	COUNTER(bus_stats, master_unknown),
	COUNTER(bus_stats, master_inactive),
	COUNTER(bus_stats, held),
	COUNTER(bus_stats, refused),
	COUNTER(bus_stats, evicted),
	COUNTER(bus_stats, from_master),
	{ NULL },
};

static const struct counter port_counters[] = {
	COUNTER(bus_port_stats, sent_msgs),
	COUNTER(bus_port_stats, sent_bytes),
	COUNTER(bus_port_stats, received_msgs),
	COUNTER(bus_port_stats, received_bytes),
	COUNTER(bus_port_stats, master_msgs),
	COUNTER(bus_port_stats, master_bytes),
	COUNTER(bus_port_stats, held),
	COUNTER(bus_port_stats, refused),
	COUNTER(bus_port_stats, queue_bytes),
	COUNTER(bus_port_stats, queue_fds),
	COUNTER(bus_port_stats, matches),
	COUNTER(bus_port_stats, flags),
	COUNTER(bus_port_stats, reason),
	{ NULL },
};

static void add_counters(struct msg *m, const struct counter *counter,
			 const void *stats)
{
	uint64_t wide;
	uint32_t narrow;

	for (; counter->name; counter++) {
		const char *p = (const char *)stats + counter->offset;

		memcpy(&wide, p, counter->size == 8 ? 8 : 0);
		memcpy(&narrow, p, sizeof(narrow));
		msg_entry_u64(m, counter->name,
			      counter->size == 8 ? wide : narrow);
	}
}

static int get_bus(struct call *c)
{
	const struct bus *bus = c->bus;
	struct bus_stats stats = { 0 };
	struct msg_array a;
	int err = sw_stats(bus->sw, &stats);

	if (err)
		return call_error(c, DBUS_ERROR("Failed"), "%s",
				  strerror(-err));
	call_reply(c, "a{sv}");
	a = msg_array_begin(&c->reply, 8);
	msg_entry_str(&c->reply, "Switch", sw_kind(bus->sw));
	msg_entry_str(&c->reply, "Address", bus->config.address);
	msg_entry_str(&c->reply, "Guid", bus->config.guid);
	msg_entry_u32(&c->reply, "ProcessID", (uint32_t)bus->self.pid);
	msg_entry_u64(&c->reply, "Takeovers", bus->takeovers);
	msg_entry_u64(&c->reply, "LastOutageUSec", bus->outage);
	msg_entry_u64(&c->reply, "ConfigGeneration", bus->generation);
	add_counters(&c->reply, bus_counters, &stats);
	msg_array_end(&c->reply, a);
	return 0;
}

/* Those it owns, not those it waits for. */
static void add_names(struct msg *m, struct peer *peer)
{
	struct msg_array a;
	struct claim *claim;
	struct list *l;

	msg_entry(m, "Names", "as");
	a = msg_array_begin(m, 4);
	for (l = peer->names.claims.next; l != &peer->names.claims;
	     l = l->next) {
		claim = container_of(l, struct claim, by_claimant);
		if (name_first(claim->name) == claim)
			msg_str(m, claim->name->text);
	}
	msg_array_end(m, a);
}

static void add_port(struct msg *m, struct peer *peer)
{
	struct bus_port_stats stats = { 0 };
	struct msg_array a;

	/* A port that has just ended shows zeroes. */
	sw_port_stats(peer->bus->sw, peer->addr, &stats);
	msg_struct(m);
	msg_u64(m, peer->addr);
	a = msg_array_begin(m, 8);
	msg_entry_str(m, "UniqueName", peer->unique);
	add_names(m, peer);
	msg_entry_u32(m, "ProcessID", (uint32_t)peer->creds.pid);
	msg_entry_u32(m, "UserID", peer->creds.uid);
	msg_entry_str(m, "Program", peer->creds.program);
	add_counters(m, port_counters, &stats);
	msg_array_end(m, a);
}

static int get_ports(struct call *c)
{
	struct list *l, *peers = &c->bus->peers;
	struct msg_array a;

	call_reply(c, "a(ta{sv})");
	a = msg_array_begin(&c->reply, 8);
	for (l = peers->next; l != peers; l = l->next) {
		struct peer *peer = container_of(l, struct peer, link);

		if (peer->addr)
			add_port(&c->reply, peer);
	}
	msg_array_end(&c->reply, a);
	return 0;
}

static const struct method status_methods[] = {
	{ "GetBus", "", "a{sv}", get_bus, METHOD_OWNER },
	{ "GetPorts", "", "a(ta{sv})", get_ports, METHOD_OWNER },
	{ NULL },
};

const struct interface status_interface = {
	.name = "org.afbus.Status1",
	.canonical = true,
	.listed = true,
	.methods = status_methods,
};
