// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sasl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/sha1.h"

/* @data is decoded from hexadecimal; NULL: the client sent none. Returns 1:
 * authenticated, 0: ask for data, -EACCES: no. */
struct sasl_mechanism {
	const char *name;
	unsigned int flag;
	int (*respond)(struct sasl *s, const char *data, size_t len);
};

static int answer(struct sasl *s, const char *a, const char *b)
{
	size_t room = sizeof(s->out) - s->out_len;
	int n = snprintf(s->out + s->out_len, room, "%s%s\r\n", a, b);

	if (n < 0 || (size_t)n >= room)
		return -ENOBUFS;
	s->out_len += (size_t)n;
	return 0;
}

/* The identity claimed may be left out, or has to be the true one. */
static int external(struct sasl *s, const char *data, size_t len)
{
	char uid[24];
	int n;

	if (!data)
		return 0;
	n = snprintf(uid, sizeof(uid), "%u", (unsigned int)s->uid);
	if (len && (len != (size_t)n || memcmp(uid, data, len)))
		return -EACCES;
	return 1;
}

/* ---- DBUS_COOKIE_SHA1 ---- */

/* The claimed user must be the one whose home directory we trust. */
static bool is_owner(const struct sasl *s, const char *data, size_t len)
{
	char uid[24];
	size_t n = (size_t)snprintf(uid, sizeof(uid), "%u",
				    (unsigned int)s->owner);

	if (len == n && !memcmp(uid, data, len))
		return true;
	return s->owner_name && *s->owner_name && len == strlen(s->owner_name) &&
	       !memcmp(s->owner_name, data, len);
}

static int ask_for_hash(struct sasl *s)
{
	uint8_t bytes[16];
	size_t i;

	if (!s->cookie || s->cookie(&s->offered) < 0 ||
	    getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EACCES;
	for (i = 0; i < sizeof(bytes); i++)
		sprintf(s->challenge + 2 * i, "%02x", bytes[i]);
	snprintf(s->question, sizeof(s->question), "%s %u %s",
		 SASL_COOKIE_CONTEXT, (unsigned int)s->offered.id,
		 s->challenge);
	return 0;
}

/* The time it takes does not tell how much is right. */
static bool same(const char *a, const char *b, size_t len)
{
	unsigned char differ = 0;

	while (len--)
		differ |= (unsigned char)(*a++ ^ *b++);
	return !differ;
}

/* @data: the client's challenge, a space, and the hash of all three. */
static int check_hash(struct sasl *s, const char *data, size_t len)
{
	char text[1024], hex[2 * SHA1_LEN + 1];
	const char *space = memchr(data, ' ', len);
	size_t theirs = space ? (size_t)(space - data) : 0, i;
	uint8_t digest[SHA1_LEN];
	int n;

	if (!theirs || theirs > 512 || len - theirs - 1 != 2 * SHA1_LEN)
		return -EACCES;
	n = snprintf(text, sizeof(text), "%s:%.*s:%s", s->challenge,
		     (int)theirs, data, s->offered.secret);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EACCES;
	sha1(text, (size_t)n, digest);
	explicit_bzero(text, sizeof(text));
	for (i = 0; i < SHA1_LEN; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return same(hex, space + 1, 2 * SHA1_LEN) ? 1 : -EACCES;
}

static int cookie(struct sasl *s, const char *data, size_t len)
{
	if (!data)
		return 0;
	if (s->challenge[0])
		return check_hash(s, data, len);
	return is_owner(s, data, len) ? ask_for_hash(s) : -EACCES;
}

/* @data is a trace that means nothing here. */
static int anonymous(struct sasl *s, const char *data, size_t len)
{
	return 1;
}

static const struct sasl_mechanism mechanisms[] = {
	{ "EXTERNAL", SASL_EXTERNAL, external },
	{ "DBUS_COOKIE_SHA1", SASL_COOKIE, cookie },
	{ "ANONYMOUS", SASL_ANONYMOUS, anonymous },
};
#define N_MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

static const struct sasl_mechanism *find_mechanism(const char *name)
{
	size_t i;

	for (i = 0; i < N_MECHANISMS; i++)
		if (!strcmp(mechanisms[i].name, name))
			return &mechanisms[i];
	return NULL;
}

unsigned int sasl_mechanism(const char *name)
{
	const struct sasl_mechanism *m = find_mechanism(name);

	return m ? m->flag : 0;
}

unsigned int sasl_under_way(const struct sasl *s)
{
	return s->mechanism ? s->mechanism->flag : 0;
}

int sasl_set_under_way(struct sasl *s, unsigned int mechanism)
{
	size_t i;

	s->mechanism = NULL;
	for (i = 0; i < N_MECHANISMS; i++)
		if (mechanisms[i].flag == mechanism &&
		    mechanism & s->mechanisms)
			s->mechanism = &mechanisms[i];
	return mechanism && !s->mechanism ? -EINVAL : 0;
}

static int reject(struct sasl *s)
{
	char list[64] = "";
	size_t i;

	s->state = SASL_AUTH;
	s->mechanism = NULL;
	s->pass_fds = false;
	explicit_bzero(&s->offered, sizeof(s->offered));
	s->challenge[0] = 0;
	if (++s->failed > SASL_MAX_FAILED)
		return -EPROTO;
	for (i = 0; i < N_MECHANISMS; i++) {
		if (!(mechanisms[i].flag & s->mechanisms))
			continue;
		strcat(list, " ");
		strcat(list, mechanisms[i].name);
	}
	return answer(s, "REJECTED", list);
}

static int error(struct sasl *s, const char *why)
{
	return answer(s, "ERROR ", why);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. Returns the length or -EINVAL. */
static ssize_t unhex(char *s, size_t len)
{
	size_t i;

	if (len % 2)
		return -EINVAL;
	for (i = 0; i < len; i += 2) {
		int high = hex_digit(s[i]), low = hex_digit(s[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		s[i / 2] = (char)(high << 4 | low);
	}
	return (ssize_t)(len / 2);
}

static int ask(struct sasl *s)
{
	char hex[2 * sizeof(s->question) + 2] = " ";
	size_t i;

	for (i = 0; s->question[i]; i++)
		sprintf(hex + 1 + 2 * i, "%02x", (unsigned char)s->question[i]);
	s->question[0] = 0;
	return answer(s, "DATA", i ? hex : "");
}

/* @hex NULL: the client gave no data at all. */
static int respond(struct sasl *s, char *hex, size_t len)
{
	ssize_t n = 0;
	int result;

	if (hex)
		n = unhex(hex, len);
	if (n < 0) {
		s->state = SASL_AUTH;
		return error(s, "Invalid hex encoding");
	}
	result = s->mechanism->respond(s, hex, (size_t)n);
	if (result < 0)
		return reject(s);
	if (!result) {
		s->state = SASL_DATA;
		return ask(s);
	}
	s->state = SASL_BEGIN;
	s->used = s->mechanism->flag;
	return answer(s, "OK ", s->guid);
}

/* Cuts the first word off @args; returns it, NUL-terminated. */
static char *first_word(char **args)
{
	char *word = *args + strspn(*args, " \t");
	char *end = word + strcspn(word, " \t");

	*args = end + strspn(end, " \t");
	*end = 0;
	return word;
}

static int cmd_auth(struct sasl *s, char *args)
{
	s->mechanism = find_mechanism(first_word(&args));
	if (!s->mechanism || !(s->mechanism->flag & s->mechanisms))
		return reject(s);
	return respond(s, *args ? args : NULL, strlen(args));
}

static int cmd_data(struct sasl *s, char *args)
{
	return respond(s, args, strlen(args));
}

static int cmd_reject(struct sasl *s, char *args)
{
	return reject(s);
}

static int cmd_fds(struct sasl *s, char *args)
{
	if (!s->may_pass_fds)
		return error(s, "File descriptors cannot be passed here");
	s->pass_fds = true;
	return answer(s, "AGREE_UNIX_FD", "");
}

static int cmd_begin(struct sasl *s, char *args)
{
	s->state = SASL_DONE;
	return 0;
}

static int cmd_hang_up(struct sasl *s, char *args)
{
	return -EPROTO;
}

static int no_conversation(struct sasl *s, char *args)
{
	return error(s, "Not currently in an auth conversation");
}

static int not_yet(struct sasl *s, char *args)
{
	return error(s, "Need to authenticate first");
}

static int out_of_place(struct sasl *s, char *args)
{
	return error(s, "Another command was expected");
}

struct command {
	const char *name;
	/* By state: waiting for AUTH, DATA, BEGIN. */
	int (*run[3])(struct sasl *s, char *args);
};

static const struct command commands[] = {
	{ "AUTH", { cmd_auth, out_of_place, out_of_place } },
	{ "CANCEL", { no_conversation, cmd_reject, cmd_reject } },
	{ "DATA", { no_conversation, cmd_data, out_of_place } },
	{ "ERROR", { cmd_reject, cmd_reject, cmd_reject } },
	{ "BEGIN", { cmd_hang_up, cmd_hang_up, cmd_begin } },
	{ "NEGOTIATE_UNIX_FD", { not_yet, not_yet, cmd_fds } },
};

static bool is_ascii(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!s[i] || s[i] & 0x80)
			return false;
	return true;
}

/* @line has lost its CR LF and has got a NUL. */
static int run_line(struct sasl *s, char *line, size_t len)
{
	const char *name;
	size_t i;

	if (!is_ascii(line, len))
		return error(s, "Command contained non-ASCII");
	name = first_word(&line);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run[s->state - SASL_AUTH](s, line);
	return error(s, "Unknown command");
}

static int add_byte(struct sasl *s, char c)
{
	size_t len;

	if (s->state == SASL_NUL) {
		s->state = SASL_AUTH;
		return c ? -EPROTO : 0;
	}
	if (s->line_len == sizeof(s->line))
		return -EPROTO;
	s->line[s->line_len++] = c;
	len = s->line_len;
	if (c != '\n' || len < 2 || s->line[len - 2] != '\r')
		return 0;
	s->line_len = 0;
	s->line[len - 2] = 0;
	return run_line(s, s->line, len - 2);
}

int sasl_feed(struct sasl *s, const void *data, size_t len, size_t *used)
{
	const char *p = data;
	int err = 0;

	for (*used = 0; !err && *used < len && s->state != SASL_DONE;) {
		if (++s->total > SASL_MAX_TOTAL)
			return -EPROTO;
		err = add_byte(s, p[(*used)++]);
	}
	return err ? err : s->state == SASL_DONE;
}
