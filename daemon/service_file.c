// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "core/wire.h"

#define SECTION "D-BUS Service"

/* ---- the file ---- */

struct reader {
	const char *p, *end;
	unsigned int line;
	bool in_section;	/* the first one of the name that counts */
	bool seen_section;	/* of any name */
	bool seen_ours;
	const char *why;
};

static int refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

/* A line without what ends it. */
static struct dbus_str next_line(struct reader *r)
{
	size_t left = (size_t)(r->end - r->p);
	const char *nl = memchr(r->p, '\n', left);
	size_t len = nl ? (size_t)(nl - r->p) : left;
	struct dbus_str s = { r->p, (u32)len };

	r->p += len + (nl ? 1 : 0);
	r->line++;
	if (s.len && s.s[s.len - 1] == '\r')
		s.len--;
	return s;
}

static bool is_blank(struct dbus_str s)
{
	u32 i;

	for (i = 0; i < s.len; i++)
		if (!strchr(" \t\r\f", s.s[i]))
			return false;
	return true;
}

static bool section_char_ok(char c)
{
	return c > 0x1f && c < 0x7f && c != '[' && c != ']';
}

static int open_section(struct reader *r, struct dbus_str s)
{
	u32 i;

	if (s.len <= 2 || s.s[s.len - 1] != ']')
		return refuse(r, "Invalid syntax for section header");
	for (i = 1; i + 1 < s.len; i++)
		if (!section_char_ok(s.s[i]))
			return refuse(r, "Invalid characters in section name");
	r->seen_section = true;
	r->in_section = !r->seen_ours && s.len == strlen(SECTION) + 2 &&
			!memcmp(s.s + 1, SECTION, strlen(SECTION));
	r->seen_ours |= r->in_section;
	return 0;
}

static bool key_char_ok(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-';
}

/* What \c stands for, or 0. */
static char escaped(char c)
{
	static const char from[] = "stnr\\", to[] = " \t\n\r\\";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : 0;
}

/* It never becomes longer. */
static int unescape(struct reader *r, struct dbus_str s, char **ret)
{
	char *out = malloc(s.len + 1), *q = out;
	u32 i;

	if (!out)
		return -ENOMEM;
	for (i = 0; i < s.len; i++) {
		char c = s.s[i];

		if (c == '\\')
			c = ++i < s.len ? escaped(s.s[i]) : 0;
		if (!c) {
			free(out);
			return refuse(r, "Invalid escape sequence");
		}
		*q++ = c;
	}
	*q = 0;
	*ret = out;
	return 0;
}

/* Where a key's value goes; NULL if nobody wants it. The first one counts. */
static char **slot_of(struct service_file *f, struct dbus_str key)
{
	const struct { const char *key; char **slot; } slots[] = {
		{ "Name", &f->name },
		{ "Exec", &f->exec },
		{ "User", &f->user },
		{ "SystemdService", &f->unit },
		{ "AssumedAppArmorLabel", &f->label },
	};
	size_t i;

	for (i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (dbus_str_eq(key, slots[i].key, strlen(slots[i].key)))
			return *slots[i].slot ? NULL : slots[i].slot;
	return NULL;
}

static int read_value(struct reader *r, struct service_file *f,
		      struct dbus_str key, struct dbus_str value)
{
	char **slot = r->in_section ? slot_of(f, key) : NULL;
	char *text;
	int err;

	/* What nobody wants must be well formed nevertheless. */
	err = unescape(r, value, &text);
	if (err)
		return err;
	if (slot)
		*slot = text;
	else
		free(text);
	return 0;
}

static struct dbus_str skip(struct dbus_str s, u32 n)
{
	return (struct dbus_str){ s.s + n, s.len - n };
}

static struct dbus_str skip_spaces(struct dbus_str s)
{
	while (s.len && s.s[0] == ' ')
		s = skip(s, 1);
	return s;
}

static int read_pair(struct reader *r, struct service_file *f,
		     struct dbus_str s)
{
	struct dbus_str key = s;
	u32 n = 0;

	while (n < s.len && key_char_ok(s.s[n]))
		n++;
	if (!n)
		return refuse(r, "Empty key name");
	key.len = n;
	s = skip(s, n);
	/* Of a locale: not for us. */
	if (s.len && s.s[0] == '[')
		return 0;
	s = skip_spaces(s);
	if (!s.len)
		return refuse(r, "No '=' in key/value pair");
	if (s.s[0] != '=')
		return refuse(r, "Invalid characters in key name");
	return read_value(r, f, key, skip_spaces(skip(s, 1)));
}

static int read_line(struct reader *r, struct service_file *f)
{
	struct dbus_str s = next_line(r);

	if (s.len && s.s[0] == '[')
		return open_section(r, s);
	if (is_blank(s) || s.s[0] == '#')
		return 0;
	if (!r->seen_section)
		return refuse(r, "A key before any section");
	return read_pair(r, f, s);
}

static int check(struct reader *r, const struct service_file *f)
{
	r->line = 0;
	if (!r->seen_ours)
		return refuse(r, "There is no section [" SECTION "]");
	if (!f->name)
		return refuse(r, "There is no Name");
	if (!f->exec)
		return refuse(r, "There is no Exec");
	if (!dbus_well_known_name_ok(f->name, strlen(f->name)))
		return refuse(r, "Name is not a valid well-known name");
	return 0;
}

int service_file_parse(struct service_file *f, const char *text, size_t len,
		       const char **why, unsigned int *line)
{
	struct reader r = { .p = text, .end = text + len };
	int err = 0;

	memset(f, 0, sizeof(*f));
	if (len > SERVICE_FILE_MAX)
		err = refuse(&r, "The file is too large");
	else if (!dbus_utf8_ok(text, len))
		err = refuse(&r, "The file is not valid UTF-8");
	while (!err && r.p < r.end)
		err = read_line(&r, f);
	if (!err)
		err = check(&r, f);
	if (err)
		service_file_done(f);
	*why = r.why;
	*line = r.line;
	return err;
}

void service_file_done(struct service_file *f)
{
	free(f->name);
	free(f->exec);
	free(f->user);
	free(f->unit);
	free(f->label);
	memset(f, 0, sizeof(*f));
}

/* ---- the command line ---- */

struct splitter {
	const char *p;
	char *word;		/* room for the rest of the line */
	size_t len;
	bool started;		/* an empty pair of quotes is a word too */
	char **words;
	size_t n;
};

static void put(struct splitter *s, char c)
{
	s->word[s->len++] = c;
	s->started = true;
}

static int end_word(struct splitter *s)
{
	char **words;

	if (!s->started)
		return 0;
	words = realloc(s->words, (s->n + 2) * sizeof(*words));
	if (!words)
		return -ENOMEM;
	s->words = words;
	s->words[s->n] = strndup(s->word, s->len);
	if (!s->words[s->n])
		return -ENOMEM;
	s->words[++s->n] = NULL;
	s->len = 0;
	s->started = false;
	return 0;
}

/* Behind the opening quote; false: it is never closed. */
static bool quoted(struct splitter *s, char quote)
{
	s->started = true;
	for (; *s->p && *s->p != quote; s->p++) {
		if (quote == '"' && *s->p == '\\' && s->p[1] &&
		    strchr("\"\\`$\n", s->p[1]))
			s->p++;
		put(s, *s->p);
	}
	return *s->p++ == quote;
}

/* A backslash and a newline together are nothing. */
static bool backslash(struct splitter *s)
{
	char c = *s->p;

	if (!c)
		return false;
	if (c != '\n')
		put(s, c);
	s->p++;
	return true;
}

static int step(struct splitter *s)
{
	char c = *s->p++;

	switch (c) {
	case ' ':
	case '\t':
	case '\n':
		return end_word(s);
	case '\'':
	case '"':
		return quoted(s, c) ? 0 : -EINVAL;
	case '\\':
		return backslash(s) ? 0 : -EINVAL;
	case '#':
		s->p += strcspn(s->p, "\n");
		return 0;
	default:
		put(s, c);
		return 0;
	}
}

int service_words(char ***ret, const char *command, const char **why)
{
	struct splitter s = { .p = command };
	int err = 0;

	s.word = malloc(strlen(command) + 1);
	if (!s.word)
		return -ENOMEM;
	while (!err && *s.p)
		err = step(&s);
	*why = "Unclosed quotes in command line";
	if (!err)
		err = end_word(&s);
	if (!err && !s.n) {
		err = -EINVAL;
		*why = "No tokens found in command line";
	}
	free(s.word);
	if (err) {
		service_words_free(s.words);
		return err;
	}
	*ret = s.words;
	return 0;
}

void service_words_free(char **words)
{
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}
