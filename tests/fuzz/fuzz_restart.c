/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: what one daemon leaves for the next. All of it is read, or refused;
 * what was read and is written again is read the same.
 */
#include <errno.h>
#include <string.h>

#include "daemon/note_format.h"

#include "fuzz.h"

union any {
	struct rst_port port;
	struct rst_parked parked;
	struct note_handshake handshake;
	struct note_listener listener;
	struct note_peer peer;
};

static void check_fields(const struct rst_field *fields, const void *data,
			 size_t len)
{
	struct rst_out out = { 0 }, again = { 0 };
	union any a, b;
	int err;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	err = rst_get(fields, data, len, &a);
	CHECK(!err || err == -EBADMSG);
	if (err)
		return;
	rst_put(&out, fields, &a);
	CHECK(!out.err);
	CHECK(!rst_get(fields, out.data, out.len, &b));
	rst_put(&again, fields, &b);
	CHECK(out.len == again.len && !memcmp(out.data, again.data, out.len));
	rst_out_done(&out);
	rst_out_done(&again);
}

static void check_records(const uint8_t *data, size_t size)
{
	struct rst_in in;
	struct rst_rec rec;

	if (rst_open(&in, data, size))
		return;
	while (rst_next(&in, &rec) > 0)
		if (rec.type && rec.type < RST_TYPES)
			check_fields(rst_fields[rec.type], rec.data, rec.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* On its own, so that a byte too many is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct rst_in in;
	size_t i;
	int err;

	CHECK(copy);
	memcpy(copy, data, size);
	err = restart_check(&in, copy, size);
	CHECK(!err || err == -EBADMSG || err == -EPROTO);
	CHECK(in.pos <= size);
	check_records(copy, size);
	for (i = 0; i < NOTE_KINDS; i++)
		check_fields(note_fields[i], copy, size);
	free(copy);
	return 0;
}
