// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "core/names.h"
#include "daemon/activation.h"
#include "daemon/config_reload.h"
#include "daemon/driver.h"
#include "daemon/enforce.h"
#include "daemon/log.h"
#include "daemon/lsm.h"
#include "daemon/names.h"
#include "daemon/notes.h"
#include "daemon/past.h"
#include "daemon/peer.h"

void bus_guid_new(char guid[BUS_GUID_LEN + 1])
{
	sd_id128_t id;

	if (sd_id128_randomize(&id) < 0)
		abort();
	sd_id128_to_string(id, guid);
}

#define SERIALS_NOTED 4096U

uint32_t bus_next_serial(struct bus *bus)
{
	if (!++bus->serial)
		bus->serial = 1;
	if (bus->serials_until - bus->serial > SERIALS_NOTED) {
		bus->serials_until = bus->serial + SERIALS_NOTED;
		notes_bus(bus);
	}
	return bus->serial;
}

struct peer *bus_find_port(struct bus *bus, uint64_t addr)
{
	struct hnode *node;

	hmap_for_hash(node, &bus->by_addr, hash_u64(addr)) {
		struct peer *peer = container_of(node, struct peer, by_addr);

		if (peer->addr == addr)
			return peer;
	}
	return NULL;
}

struct peer *bus_find_addr(struct bus *bus, uint64_t addr)
{
	struct peer *peer = bus_find_port(bus, addr);

	if (!peer || peer->state != PEER_ACTIVE || peer->monitor ||
	    peer->doomed)
		return NULL;
	return peer;
}

struct peer *bus_find_name(struct bus *bus, const char *name, size_t len)
{
	if (len && name[0] == ':') {
		uint64_t addr = dbus_unique_parse(name, len);

		return addr ? bus_find_addr(bus, addr) : NULL;
	}
	return peer_of_claimant(registry_owner(&bus->registry, name, len));
}

/* All that an event causes stands or falls together, see sw_begin(). */
void bus_enter(struct bus *bus)
{
	bus->depth++;
	sw_begin(bus->sw);
}

/* The end of one may doom others: until there are none. */
void bus_leave(struct bus *bus)
{
	int err;

	while (bus->depth == 1 && !list_empty(&bus->doomed))
		peer_end(container_of(bus->doomed.next, struct peer, link));
	bus->depth--;
	err = sw_commit(bus->sw);
	if (err)
		log_errno(err, "cannot put into effect what was decided");
}

static void on_message(void *ctx, const struct sw_message *m)
{
	struct bus *bus = ctx;
	struct peer *peer = bus_find_port(bus, m->sender);

	bus_enter(bus);
	if (peer && !peer->doomed && driver_message(peer, m) < 0)
		peer_doom(peer);
	bus_leave(bus);
}

/* What there is to be said, and the limit that it is about. */
static const struct {
	const char *text;
	const char *limit;
	size_t offset;
} reasons[] = {
#define LIMIT(name, field) name, offsetof(struct limits, field)
	[BUS_REASON_PROTOCOL] = { "it sent a malformed message" },
	[BUS_REASON_STALLED] = { "it does not read its messages" },
	[BUS_REASON_QUOTA] = { "what its user has not finished sending is more than allowed" },
	[BUS_REASON_NOMEM] = { "there is no memory" },
	[BUS_REASON_TOO_LONG] = { "it sent a message longer than allowed",
				  LIMIT("max_message_size", message_bytes) },
	[BUS_REASON_FDS] = { "it sent more descriptors than allowed, or too long before their message",
			     LIMIT("max_message_unix_fds", message_fds) },
#undef LIMIT
};

/* In time for somebody to look at what it is doing. */
static void on_slow(void *ctx, uint64_t addr)
{
	struct bus *bus = ctx;
	struct peer *peer = bus_find_port(bus, addr);
	char culprit[PEER_CULPRIT_MAX];

	if (!peer)
		return;
	peer_culprit(peer, culprit);
	log_warning("Others wait for %s: it does not read its messages, and will be disconnected if it goes on like that",
		    culprit);
}

static void log_reason(const struct peer *peer, enum bus_reason reason)
{
	const struct limits *limits = &peer->bus->config.limits;
	char culprit[PEER_CULPRIT_MAX], limit[64] = "";

	if (reason >= sizeof(reasons) / sizeof(reasons[0]) ||
	    !reasons[reason].text)
		return;
	if (reasons[reason].limit)
		snprintf(limit, sizeof(limit), " (%s=%zu)",
			 reasons[reason].limit,
			 *(const size_t *)((const char *)limits +
					   reasons[reason].offset));
	peer_culprit(peer, culprit);
	log_warning("Disconnected %s: %s%s", culprit, reasons[reason].text,
		    limit);
}

static void on_closed(void *ctx, uint64_t addr, enum bus_reason reason)
{
	struct bus *bus = ctx;
	struct peer *peer = bus_find_port(bus, addr);

	if (!peer)
		return;
	log_reason(peer, reason);
	bus_enter(bus);
	peer_doom(peer);
	bus_leave(bus);
}

static const struct sw_handler handler = {
	.message = on_message,
	.closed = on_closed,
	.slow = on_slow,
	.no_reply = enforce_no_reply,
};

static int open_path(struct bus *bus, const char *kind, const char *path)
{
	struct sw_handler up = handler;
	struct bus_limits limits;

	enforce_switch_limits(bus, &limits);
	if (bus->lsm)
		up.mediate = enforce_mediate;
	return sw_new(&bus->sw, kind, path, bus->config.bus_fd,
		      bus->config.state, &limits, bus->event, &up, bus);
}

/* What people know the bus by, and who follows us, or nobody but us. */
static void make_path(const struct bus *bus, bool lasting,
		      char path[BUS_PATH_MAX - 1])
{
	const char *address = bus->config.address;
	int len;

	/* Its sockets may be left to us, and are not ours yet. */
	if (!*address)
		address = bus->config.wanted;
	len = (int)strcspn(address, ",;");
	snprintf(path, BUS_PATH_MAX - 1, "%.*s#%.8s", len < 80 ? len : 80,
		 address, lasting ? "lasting" : bus->config.guid);
}

static int open_kind(struct bus *bus, const char *kind)
{
	bool lasting = bus->config.persist_ms && !bus->config.state;
	char path[BUS_PATH_MAX - 1];
	int err;

	make_path(bus, lasting, path);
	err = open_path(bus, kind, path);
	if (!lasting || (err != -EADDRINUSE && err != -EPERM))
		return err;
	log_warning("this bus will not outlive its daemon: \"%s\" is another's (%s)",
		    path, strerror(-err));
	bus->config.persist_ms = 0;
	make_path(bus, false, path);
	return open_path(bus, kind, path);
}

/* There is no choice: messages are on their way in there. */
static int open_restored(struct bus *bus)
{
	const char *kind = bus->config.state->kind, *refusal = NULL;
	int err;

	if (!strcmp(kind, "kernel"))
		refusal = enforce_refuses_kernel(bus, bus->file);
	if (refusal) {
		log_error("cannot take over the bus: its switch is the kernel's, and that cannot be used: %s",
			  refusal);
		return -EOPNOTSUPP;
	}
	err = open_kind(bus, kind);
	return err ? log_errno(err, "cannot take over the %s switch", kind) : 0;
}

static int open_switch(struct bus *bus)
{
	const char *kind = bus->config.switch_kind;
	bool automatic = !strcmp(kind, "auto");
	const char *refusal = enforce_refuses_kernel(bus, bus->file);
	int err;

	if (bus->config.state)
		return open_restored(bus);
	if (bus->config.bus_fd >= 0 && (refusal || !strcmp(kind, "user"))) {
		log_error("afbus: addresses need the switch in the kernel: %s",
			  refusal ? refusal : "the user switch was asked for");
		return -EPROTONOSUPPORT;
	}
	if (refusal && automatic) {
		log_info("using the user switch: %s", refusal);
		kind = "user";
		automatic = false;
	} else if (refusal && !strcmp(kind, "kernel")) {
		log_error("the kernel switch cannot be used: %s", refusal);
		return -EOPNOTSUPP;
	}
	err = open_kind(bus, automatic ? "kernel" : kind);
	if (err && automatic && bus->config.bus_fd < 0) {
		log_info("using the user switch: %s", err == -EAFNOSUPPORT ?
			 "the kernel has no AF_BUS (module af_bus)" :
			 strerror(-err));
		kind = "user";
		err = open_kind(bus, kind);
	}
	if (err == -EAFNOSUPPORT)
		log_error("the kernel has no AF_BUS: module af_bus is missing");
	else if (err)
		log_errno(err, "cannot open the %s switch", kind);
	return err;
}

/* Without it the bus ends with us, as it would have without being asked. */
static void persist(struct bus *bus)
{
	int err = 0;

	if (bus->config.persist_ms)
		err = bus->keeps ? sw_persist(bus->sw, bus->config.persist_ms) :
				   -EOPNOTSUPP;
	if (!err)
		return;
	bus->config.persist_ms = 0;
	log_info("the bus does not outlive a daemon that is killed: %s",
		 err == -EOPNOTSUPP ? "the switch cannot do that" :
				      strerror(-err));
}

int bus_new(struct bus **ret, sd_event *event, const struct bus_config *config,
	    struct config *file)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	int err;

	if (!bus) {
		config_free(file);
		return log_errno(-ENOMEM, "cannot make a bus");
	}
	bus->config = *config;
	bus->file = file;
	bus->generation = 1;
	bus->event = sd_event_ref(event);
	creds_of_self(&bus->self);
	list_init(&bus->peers);
	list_init(&bus->doomed);
	bus->registry.move = names_move;
	bus->registry.claim = names_claim;
	bus->registry.note = notes_claim;
	bus->registry.ctx = bus;
	err = lsm_open(&bus->lsm, event, file);
	if (!err)
		err = open_switch(bus);
	if (!err && sw_has_past(bus->sw))
		err = past_read(bus);
	if (!err)
		err = activation_new(&bus->activation, bus);
	if (!err)
		err = bus_apply_config(bus);
	if (!err && bus->past)
		err = past_restore(bus);
	if (!err) {
		notes_begin(bus);
		persist(bus);
	}
	if (err) {
		bus_free(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

/* Nobody is told: everybody's connection ends. */
static void drop(struct bus *bus, struct peer *peer)
{
	struct list *claims = &peer->names.claims;
	struct name_change change;

	while (!list_empty(claims))
		registry_forget(&bus->registry,
				container_of(claims->prev, struct claim,
					     by_claimant), &change);
	peer_free(peer);
}

/* What the daemon had to do itself is told apart: see docs/message-path.md. */
static void log_sum(struct bus *bus)
{
	struct bus_stats st;

	if (sw_stats(bus->sw, &st))
		return;
	log_info("the bus ends: %llu messages between peers, %llu broadcasts; handled here: %llu for the driver, %llu for names that nobody has, %llu before Hello",
		 (unsigned long long)st.unicast_msgs,
		 (unsigned long long)st.broadcast_msgs,
		 (unsigned long long)st.master_driver,
		 (unsigned long long)st.master_unknown,
		 (unsigned long long)st.master_inactive);
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	if (bus->sw && !bus->handed_over) {
		log_sum(bus);
		/* A bus that is ended in order ends. */
		if (bus->config.persist_ms)
			sw_persist(bus->sw, 0);
	}
	bus->ending = true;
	bus->room = NULL;
	bus->registry.move = NULL;
	bus->registry.claim = NULL;
	bus->registry.note = NULL;
	bus_unwatch_config(bus);
	sd_event_source_disable_unref(bus->reload_timer);
	bus->activation = activation_free(bus->activation);
	while (!list_empty(&bus->doomed))
		drop(bus, container_of(bus->doomed.next, struct peer, link));
	while (!list_empty(&bus->peers))
		drop(bus, container_of(bus->peers.next, struct peer, link));
	registry_clear(&bus->registry);
	hmap_clear(&bus->users);
	hmap_clear(&bus->by_addr);
	bus->sw = sw_free(bus->sw);
	bus->lsm = lsm_close(bus->lsm);
	past_free(bus);
	creds_done(&bus->self);
	free(bus->address);
	config_free(bus->file);
	sd_event_unref(bus->event);
	free(bus);
	return NULL;
}
