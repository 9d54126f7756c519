// SPDX-License-Identifier: LGPL-2.1-or-later
#include "notes.h"

#include <errno.h>

#include "daemon/log.h"
#include "daemon/peer.h"

static void failed(struct bus *bus, enum note_kind kind, int err)
{
	/* Its end is about to be told, and nobody will ask. */
	if (err && err != -ENOENT)
		log_errno(err, "cannot note for a successor (%u)", kind);
}

void notes_write(struct bus *bus, uint64_t addr, enum note_kind kind,
		 uint64_t number, const void *from)
{
	struct rst_out out = { 0 };
	int err;

	if (!bus->keeps || bus->ending)
		return;
	rst_put(&out, note_fields[kind], from);
	err = out.err;
	if (!err)
		err = sw_note(bus->sw, addr, NOTE(kind, number), out.data,
			      out.len);
	rst_out_done(&out);
	failed(bus, kind, err);
}

void notes_remove(struct bus *bus, uint64_t addr, enum note_kind kind,
		  uint64_t number)
{
	if (bus->keeps && !bus->ending)
		failed(bus, kind, sw_note(bus->sw, addr, NOTE(kind, number),
					  NULL, 0));
}

uint64_t notes_number(struct bus *bus)
{
	return ++bus->last_number;
}

void notes_begin(struct bus *bus)
{
	struct note_version v = { rst_version.major, rst_version.minor };
	struct rst_out out = { 0 };
	int err;

	rst_put(&out, note_fields[NOTE_VERSION], &v);
	err = out.err ? out.err :
	      sw_note(bus->sw, 0, NOTE(NOTE_VERSION, 0), out.data, out.len);
	rst_out_done(&out);
	bus->keeps = !err;
	if (err && err != -EOPNOTSUPP)
		log_errno(err, "the bus will not outlive this process");
	notes_bus(bus);
}

/* Serials are given out in advance: not every message is worth a note. */
void notes_bus(struct bus *bus)
{
	struct note_bus n = {
		.guid = note_text(bus->config.guid),
		.address = note_text(bus->config.address),
		.serial = bus->serials_until,
		.takeovers = bus->takeovers,
		.outage = bus->outage,
		.generation = bus->generation,
	};

	notes_write(bus, 0, NOTE_BUS, 0, &n);
}

void notes_peer(struct peer *peer)
{
	struct note_peer n = {
		.flags = (peer->anonymous ? NOTE_ANONYMOUS : 0) |
			 (peer->state == PEER_ACTIVE ? NOTE_HELLO : 0),
		.uid = peer->creds.uid,
		.pid = (uint32_t)peer->creds.pid,
		.since = peer->since,
		.program = note_text(peer->creds.program),
		.peak_matches = peer->figures.peak_matches,
		.peak_names = peer->figures.peak_names,
	};

	if (peer->addr)
		notes_write(peer->bus, peer->addr, NOTE_PEER, 0, &n);
}

void notes_claim(void *ctx, const struct claim *claim, bool on)
{
	const struct peer *peer = peer_of_claimant(claim->claimant);
	struct note_claim n = {
		.name = { claim->name->text, claim->name->len },
		.flags = claim->flags,
		.place = (uint64_t)claim->place,
	};

	if (on)
		notes_write(ctx, peer->addr, NOTE_CLAIM, claim->number, &n);
	else
		notes_remove(ctx, peer->addr, NOTE_CLAIM, claim->number);
}
