// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/note_format.h"

static const struct rst_field version[] = {
	RST_FIELD(note_version, major, RST_U32),
	RST_FIELD(note_version, minor, RST_U32),
	RST_FIELDS_END
};

static const struct rst_field bus[] = {
	RST_FIELD(note_bus, guid, RST_BLOB),
	RST_FIELD(note_bus, address, RST_BLOB),
	RST_FIELD(note_bus, serial, RST_U32),
	RST_FIELD(note_bus, takeovers, RST_U32),
	RST_FIELD(note_bus, outage, RST_U64),
	RST_FIELD(note_bus, generation, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field listener[] = {
	RST_FIELD(note_listener, address, RST_BLOB),
	RST_FIELD(note_listener, path, RST_BLOB),
	RST_FIELD(note_listener, dev, RST_U64),
	RST_FIELD(note_listener, ino, RST_U64),
	RST_FIELD(note_listener, group, RST_U32),
	RST_FIELD(note_listener, flags, RST_U32),
	RST_FIELD(note_listener, nonce, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field handshake[] = {
	RST_FIELD(note_handshake, since, RST_U64),
	RST_FIELD(note_handshake, state, RST_U32),
	RST_FIELD(note_handshake, mechanism, RST_U32),
	RST_FIELD(note_handshake, failed, RST_U32),
	RST_FIELD(note_handshake, used, RST_U32),
	RST_FIELD(note_handshake, pass_fds, RST_U32),
	RST_FIELD(note_handshake, cookie_id, RST_U32),
	RST_FIELD(note_handshake, total, RST_U64),
	RST_FIELD(note_handshake, cookie_secret, RST_BLOB),
	RST_FIELD(note_handshake, challenge, RST_BLOB),
	RST_FIELD(note_handshake, line, RST_BLOB),
	RST_FIELD(note_handshake, nonce, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field pending[] = {
	RST_FIELD(note_pending, name, RST_BLOB),
	RST_FIELD(note_pending, exec, RST_BLOB),
	RST_FIELD(note_pending, unit, RST_BLOB),
	RST_FIELD(note_pending, deadline, RST_U64),
	RST_FIELD(note_pending, pid, RST_U32),
	RST_FIELDS_END
};

static const struct rst_field held[] = {
	RST_FIELD(note_held, name, RST_BLOB),
	RST_FIELD(note_held, sender, RST_U64),
	RST_FIELD(note_held, uid, RST_U32),
	RST_FIELD(note_held, automatic, RST_U32),
	RST_FIELD(note_held, data, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field variable[] = {
	RST_FIELD(note_variable, key, RST_BLOB),
	RST_FIELD(note_variable, value, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field peer[] = {
	RST_FIELD(note_peer, flags, RST_U32),
	RST_FIELD(note_peer, uid, RST_U32),
	RST_FIELD(note_peer, pid, RST_U32),
	RST_FIELD(note_peer, since, RST_U64),
	RST_FIELD(note_peer, program, RST_BLOB),
	RST_FIELD(note_peer, peak_matches, RST_U64),
	RST_FIELD(note_peer, peak_names, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field claim[] = {
	RST_FIELD(note_claim, name, RST_BLOB),
	RST_FIELD(note_claim, flags, RST_U32),
	RST_FIELD(note_claim, place, RST_U64),
	RST_FIELDS_END
};

const struct rst_field *const note_fields[NOTE_KINDS] = {
	[NOTE_VERSION] = version,
	[NOTE_BUS] = bus,
	[NOTE_LISTENER] = listener,
	[NOTE_HANDSHAKE] = handshake,
	[NOTE_PENDING] = pending,
	[NOTE_HELD] = held,
	[NOTE_VARIABLE] = variable,
	[NOTE_PEER] = peer,
	[NOTE_CLAIM] = claim,
};
