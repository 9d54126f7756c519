// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages for people and for machines. */
#include "tools/native.h"

#include <inttypes.h>

#include "core/wire.h"

/* Nothing that a terminal would obey: no control characters, also not those
 * above ASCII (U+0080 to U+009F). */
static bool printable(const unsigned char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\' ||
		    (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0))
			return false;
	return dbus_utf8_ok((const char *)p, len);
}

void print_data(FILE *f, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i;

	if (printable(p, len)) {
		fwrite(p, 1, len, f);
		return;
	}
	for (i = 0; i < len; i++) {
		if (p[i] == '\\')
			fputs("\\\\", f);
		else if (p[i] < 0x20 || p[i] > 0x7e)
			fprintf(f, "\\x%02x", p[i]);
		else
			putc(p[i], f);
	}
}

/* Of a message cut to its room, what is there. */
static size_t kept(const struct afbus_msg *m)
{
	return m->len < m->size ? m->len : m->size;
}

static void print_text(FILE *f, const struct afbus_msg *m)
{
	char from[AFBUS_ADDR_TEXT], to[AFBUS_ADDR_TEXT];

	afbus_addr_format(m->from, from, sizeof(from));
	afbus_addr_format(m->to, to, sizeof(to));
	fprintf(f, "%" PRIu64 " %s > %s", m->seq, from, to);
	if (m->flags & AFBUS_MSG_CREDS)
		fprintf(f, " pid %d uid %u gid %u", m->pid, m->uid, m->gid);
	if (m->n_fds)
		fprintf(f, " fds %u", m->n_fds);
	if (kept(m) < m->len)
		fprintf(f, " cut from %zu bytes", m->len);
	fputs(": ", f);
	print_data(f, m->data, kept(m));
	putc('\n', f);
}

static void json_data(FILE *f, const unsigned char *p, size_t len)
{
	size_t i;

	if (dbus_utf8_ok((const char *)p, len)) {
		fputs("\"text\":\"", f);
		for (i = 0; i < len; i++) {
			if (p[i] == '"' || p[i] == '\\')
				fprintf(f, "\\%c", p[i]);
			else if (p[i] < 0x20 || p[i] == 0x7f)
				fprintf(f, "\\u%04x", p[i]);
			else
				putc(p[i], f);
		}
	} else {
		fputs("\"hex\":\"", f);
		for (i = 0; i < len; i++)
			fprintf(f, "%02x", p[i]);
	}
	putc('"', f);
}

static void print_json(FILE *f, const struct afbus_msg *m)
{
	char from[AFBUS_ADDR_TEXT], to[AFBUS_ADDR_TEXT];

	afbus_addr_format(m->from, from, sizeof(from));
	afbus_addr_format(m->to, to, sizeof(to));
	fprintf(f, "{\"seq\":%" PRIu64 ",\"from\":\"%s\",\"to\":\"%s\",",
		m->seq, from, to);
	if (m->flags & AFBUS_MSG_CREDS)
		fprintf(f, "\"pid\":%d,\"uid\":%u,\"gid\":%u,", m->pid, m->uid,
			m->gid);
	fprintf(f, "\"fds\":%u,", m->n_fds);
	if (kept(m) < m->len)
		fprintf(f, "\"cut_from\":%zu,", m->len);
	json_data(f, m->data, kept(m));
	fputs("}\n", f);
}

void print_msg(FILE *f, const struct afbus_msg *m, enum format format)
{
	switch (format) {
	case FORMAT_TEXT:
		print_text(f, m);
		break;
	case FORMAT_JSON:
		print_json(f, m);
		break;
	case FORMAT_RAW:
		fwrite(m->data, 1, kept(m), f);
		break;
	case FORMAT_DATA:
		print_data(f, m->data, kept(m));
		putc('\n', f);
		break;
	}
}
