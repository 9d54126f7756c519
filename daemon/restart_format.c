// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/restart_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "AFBUSRST";

#define PAD(n) (((n) + 7) & ~(size_t)7)

int rst_version_ok(const struct rst_version *v)
{
	return v->major == rst_version.major ? 0 : -EPROTO;
}

/* ---- reading fields ---- */

static int take_u64(const uint8_t *data, size_t len, size_t *pos, uint64_t *v)
{
	if (len - *pos < sizeof(*v))
		return -EBADMSG;
	memcpy(v, data + *pos, sizeof(*v));
	*pos += sizeof(*v);
	return 0;
}

static int take_blob(const uint8_t *data, size_t len, size_t *pos,
		     struct rst_blob *b)
{
	uint64_t n;

	if (take_u64(data, len, pos, &n) || n > len - *pos ||
	    PAD(n) > len - *pos)
		return -EBADMSG;
	b->data = data + *pos;
	b->len = n;
	*pos += PAD(n);
	return 0;
}

static int take_field(const struct rst_field *f, const uint8_t *data,
		      size_t len, size_t *pos, void *to)
{
	void *field = (char *)to + f->offset;
	uint64_t v;
	int err;

	if (f->kind == RST_BLOB)
		return take_blob(data, len, pos, field);
	err = take_u64(data, len, pos, &v);
	if (err)
		return err;
	if (f->kind == RST_U64)
		*(uint64_t *)field = v;
	else if (v <= UINT32_MAX)
		*(uint32_t *)field = (uint32_t)v;
	else
		return -EBADMSG;
	return 0;
}

static void clear_field(const struct rst_field *f, void *to)
{
	static const size_t sizes[] = {
		[RST_U32] = sizeof(uint32_t),
		[RST_U64] = sizeof(uint64_t),
		[RST_BLOB] = sizeof(struct rst_blob),
	};

	memset((char *)to + f->offset, 0, sizes[f->kind]);
}

int rst_get(const struct rst_field *f, const void *data, size_t len, void *to)
{
	size_t pos = 0;
	int err = 0;

	for (; !err && f->offset != RST_LAST; f++) {
		if (pos == len && f->later)
			clear_field(f, to);
		else
			err = take_field(f, data, len, &pos, to);
	}
	return err;
}

/* ---- writing ---- */

static void *room(struct rst_out *out, size_t n)
{
	size_t size = out->size ? out->size : 4096;
	uint8_t *p;

	if (out->err)
		return NULL;
	while (size - out->len < n && size < SIZE_MAX / 2)
		size *= 2;
	if (size != out->size) {
		p = size - out->len < n ? NULL : realloc(out->data, size);
		if (!p) {
			out->err = -ENOMEM;
			return NULL;
		}
		out->data = p;
		out->size = size;
	}
	p = out->data + out->len;
	out->len += n;
	return p;
}

static void put_u64(struct rst_out *out, uint64_t v)
{
	void *p = room(out, sizeof(v));

	if (p)
		memcpy(p, &v, sizeof(v));
}

static void put_blob(struct rst_out *out, const struct rst_blob *b)
{
	uint8_t *p;

	put_u64(out, b->len);
	p = b->len ? room(out, PAD(b->len)) : NULL;
	if (!p)
		return;
	memcpy(p, b->data, b->len);
	memset(p + b->len, 0, PAD(b->len) - b->len);
}

void rst_put(struct rst_out *out, const struct rst_field *f, const void *from)
{
	for (; f->offset != RST_LAST; f++) {
		const void *field = (const char *)from + f->offset;

		if (f->kind == RST_BLOB)
			put_blob(out, field);
		else
			put_u64(out, f->kind == RST_U32 ?
				*(const uint32_t *)field :
				*(const uint64_t *)field);
	}
}

void rst_out_done(struct rst_out *out)
{
	free(out->data);
	*out = (struct rst_out){ 0 };
}

/* ---- texts ---- */

void rst_begin(struct rst_out *out)
{
	room(out, sizeof(struct rst_head));
}

void rst_record(struct rst_out *out, uint32_t type,
		const struct rst_field *fields, const void *from)
{
	size_t at;
	uint64_t len;

	put_u64(out, type);
	at = out->len;
	put_u64(out, 0);
	if (fields)
		rst_put(out, fields, from);
	if (out->err)
		return;
	len = out->len - at - sizeof(len);
	memcpy(out->data + at, &len, sizeof(len));
}

int rst_finish(struct rst_out *out, uint64_t n_fds)
{
	struct rst_head head = { .version = rst_version, .n_fds = n_fds };

	rst_record(out, RST_END, NULL, NULL);
	if (out->err)
		return out->err;
	memcpy(head.magic, magic, sizeof(magic));
	head.len = out->len;
	memcpy(out->data, &head, sizeof(head));
	return 0;
}

int rst_open(struct rst_in *in, const void *data, size_t len)
{
	*in = (struct rst_in){ .data = data, .len = len };
	if (len < sizeof(in->head))
		return -EBADMSG;
	memcpy(&in->head, data, sizeof(in->head));
	in->pos = sizeof(in->head);
	if (memcmp(in->head.magic, magic, sizeof(magic)))
		return -EBADMSG;
	/* Only what stands in front of it is the same in all versions. */
	if (rst_version_ok(&in->head.version))
		return -EPROTO;
	return in->head.len == len ? 0 : -EBADMSG;
}

int rst_next(struct rst_in *in, struct rst_rec *rec)
{
	uint64_t type, len;

	if (take_u64(in->data, in->len, &in->pos, &type) ||
	    take_u64(in->data, in->len, &in->pos, &len) ||
	    type > UINT32_MAX || len > in->len - in->pos)
		return -EBADMSG;
	rec->type = (uint32_t)type;
	rec->data = in->data + in->pos;
	rec->len = len;
	in->pos += len;
	if (type != RST_END)
		return 1;
	return len || in->pos != in->len ? -EBADMSG : 0;
}

/* ---- the switch's records ---- */

static const struct rst_field bus[] = {
	RST_FIELD(rst_bus, last_addr, RST_U64),
	RST_FIELD(rst_bus, saved, RST_U64),
	RST_FIELD(rst_bus, stats, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field note[] = {
	RST_FIELD(rst_note, addr, RST_U64),
	RST_FIELD(rst_note, cookie, RST_U64),
	RST_FIELD(rst_note, data, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field kept[] = {
	RST_FIELD(rst_kept, number, RST_U64),
	RST_FIELD(rst_kept, fd, RST_U32),
	RST_FIELDS_END
};

static const struct rst_field port[] = {
	RST_FIELD(rst_port, addr, RST_U64),
	RST_FIELD(rst_port, fd, RST_U32),
	RST_FIELD(rst_port, flags, RST_U32),
	RST_FIELD(rst_port, stats, RST_BLOB),
	RST_FIELD(rst_port, in, RST_BLOB),
	RST_FIELD(rst_port, pool, RST_BLOB),
	RST_FIELD(rst_port, pool_age, RST_U64),
	RST_FIELD(rst_port, shares, RST_BLOB),
	RST_FIELD(rst_port, oversize, RST_U64),
	RST_FIELD(rst_port, out_msgs, RST_U64),
	RST_FIELD(rst_port, peak_in_bytes, RST_U64),
	RST_FIELD(rst_port, peak_in_fds, RST_U64),
	RST_FIELD(rst_port, peak_out_bytes, RST_U64),
	RST_FIELD(rst_port, peak_out_fds, RST_U64),
	RST_FIELD(rst_port, zombie_age, RST_U64),
	RST_LATER(rst_port, fd_shares, RST_BLOB),	/* 1.1 */
	RST_FIELDS_END
};

static const struct rst_field chunk[] = {
	RST_FIELD(rst_chunk, data, RST_BLOB),
	RST_FIELD(rst_chunk, fds, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field rule[] = {
	RST_FIELD(rst_rule, cookie, RST_U64),
	RST_FIELD(rst_rule, text, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field claim[] = {
	RST_FIELD(rst_claim, name, RST_BLOB),
	RST_FIELDS_END
};

static const struct rst_field name[] = {
	RST_FIELD(rst_name, name, RST_BLOB),
	RST_FIELD(rst_name, owner, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field reply[] = {
	RST_FIELD(rst_reply, caller, RST_U64),
	RST_FIELD(rst_reply, callee, RST_U64),
	RST_FIELD(rst_reply, serial, RST_U32),
	RST_FIELD(rst_reply, age, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field wait[] = {
	RST_FIELD(rst_wait, addr, RST_U64),
	RST_FIELD(rst_wait, at, RST_U64),
	RST_FIELD(rst_wait, age, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field ready[] = {
	RST_FIELD(rst_ready, addr, RST_U64),
	RST_FIELDS_END
};

static const struct rst_field parked[] = {
	RST_FIELD(rst_parked, number, RST_U64),
	RST_FIELD(rst_parked, sender, RST_U64),
	RST_FIELD(rst_parked, data, RST_BLOB),
	RST_FIELD(rst_parked, fds, RST_BLOB),
	RST_FIELDS_END
};

const struct rst_field *const rst_fields[RST_TYPES] = {
	[RST_BUS] = bus,
	[RST_NOTE] = note,
	[RST_KEPT] = kept,
	[RST_PORT] = port,
	[RST_CHUNK] = chunk,
	[RST_RULE] = rule,
	[RST_CLAIM] = claim,
	[RST_NAME] = name,
	[RST_REPLY] = reply,
	[RST_WAIT] = wait,
	[RST_READY] = ready,
	[RST_PARKED] = parked,
};
