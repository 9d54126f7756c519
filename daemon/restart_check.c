// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/note_format.h"

#include <errno.h>

/* Large enough for each of them, and aligned. */
union any {
	struct rst_port port;
	struct rst_parked parked;
	struct note_handshake handshake;
	struct note_listener listener;
	struct note_peer peer;
};

static int check_note(const struct rst_rec *rec)
{
	struct rst_note note;
	union any any;
	int err = rst_get(rst_fields[RST_NOTE], rec->data, rec->len, &note);
	unsigned int kind = err ? 0 : NOTE_KIND(note.cookie);

	/* A newer minor version may know more kinds. */
	if (err || kind >= NOTE_KINDS)
		return err;
	return rst_get(note_fields[kind], note.data.data, note.data.len, &any);
}

static int check_record(const struct rst_rec *rec)
{
	union any any;

	if (rec->type >= RST_TYPES)
		return rec->type & RST_OPTIONAL ? 0 : -EBADMSG;
	if (rec->type == RST_NOTE)
		return check_note(rec);
	return rst_get(rst_fields[rec->type], rec->data, rec->len, &any);
}

int restart_check(struct rst_in *in, const void *data, size_t len)
{
	struct rst_rec rec;
	int r = rst_open(in, data, len);

	while (!r && (r = rst_next(in, &rec)) > 0)
		r = check_record(&rec);
	return r;
}
