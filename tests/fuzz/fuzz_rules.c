/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a match rule, a NUL, a message. A dbus-daemon of our own is asked as
 * well: both accept the rule or both refuse it, the message matches for both
 * or for none, and our text of the rule removes it there. Where the two are
 * meant to differ is told in core/match.c and docs/testing.md.
 */
#include "core/match.h"
#include "tests/dbus/raw.h"
#include "tests/unit/reference_daemon.h"

#include "message.h"

#define OWNED "a.b"	/* the sender's name */
#define PEER "c.d"	/* that of the one it sends to */

static struct raw *receiver, *sender, *peer;

static void start(void)
{
	char address[512];

	if (receiver)
		return;
	if (!reference_daemon_start(address, sizeof(address))) {
		printf("1..0 # SKIP no dbus-daemon\n");
		exit(0);
	}
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	receiver = raw_open(false);
	sender = raw_open(false);
	peer = raw_open(false);
	raw_request_name(sender, OWNED, 0);
	raw_request_name(peer, PEER, 0);
}

/* ---- what the daemon reads in another way ---- */

/*
 * It reads argument numbers as strtoul() does with any base, ends the rule at
 * an empty key, and drops what follows the sixteenth. Commas are looked at
 * without regard to quotes here, which excuses a little more.
 */
#define SPACE " \t\n\r"

static bool misread_key(const char *key, const char *end)
{
	size_t digits;

	if (strncmp(key, "arg", 3))
		return key < end && *key == '=';
	digits = strspn(key + 3, "0123456789");
	return !digits || digits > 2 || (digits == 2 && key[3] == '0') ||
	       !strchr("pn=" SPACE, key[3 + digits]);
}

static bool misread(const char *text)
{
	const char *key = text, *end;
	unsigned int n;

	for (n = 1; n <= 16; n++) {
		end = key + strcspn(key, ",");
		key += strspn(key, SPACE);
		if (misread_key(key, end))
			return true;
		if (!*end)
			return false;
		if (key == end)
			return true;
		key = end + 1;
	}
	return true;
}

/* It takes unique names of one element, and of none. */
static bool loose_name(const char *text, const char *why)
{
	return strchr(text, ':') && (strstr(why, "is not a bus name") ||
				     strstr(why, "is not a prefix of names"));
}

/* ---- both answers ---- */

static struct match_rule *ours_of(const char *text, size_t len,
				  const char **why)
{
	struct match_rule *r = malloc(MATCH_RULE_MEM(len));

	CHECK(r);
	if (!match_rule_parse(r, MATCH_RULE_MEM(len), text, len, why))
		return r;
	free(r);
	return NULL;
}

/* Whether the daemon accepts @text as what @member is about. */
static bool ask(const char *member, const char *text)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { text },
	};
	struct msg m;
	bool yes;

	raw_recv_reply(receiver, &m, raw_send(receiver, &s));
	yes = m.h.f.type == DBUS_TYPE_RETURN;
	msg_free(&m);
	return yes;
}

static bool owns(void *ctx, const char *name, size_t len)
{
	return len == strlen(ctx) && !memcmp(name, ctx, len);
}

static bool receives(void *ctx, const char *name, size_t len)
{
	return owns(PEER, name, len);
}

static struct dbus_str str_of(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

/*
 * @h as it may be sent: to everybody, or to the peer, by either of its names;
 * no reply is wanted. False for what is not sent here.
 */
static bool readdress(struct dbus_header *h)
{
	if (h->f.type != DBUS_TYPE_SIGNAL && h->f.type != DBUS_TYPE_CALL)
		return false;
	if (h->unix_fds || message_almost_local(h))
		return false;
	/* Of more than a call's or signal's fields nobody cares. */
	h->present &= ~(1U << DBUS_FIELD_UNIX_FDS);
	h->f.flags |= DBUS_FLAG_NO_REPLY;
	/* Stamping writes these fields, and not the bytes they came from. */
	h->unknown = true;
	if (h->destination.s)
		h->destination = str_of(h->destination.len & 1 ? PEER :
					peer->name);
	return h->destination.s || h->f.type == DBUS_TYPE_SIGNAL;
}

static void send_end(void)
{
	struct spec s = {
		.path = "/", .member = "End", .destination = receiver->name,
		.flags = DBUS_FLAG_NO_REPLY,
	};

	raw_send(sender, &s);
}

/* Of everything from the sender before the end. Who eavesdrops on all sees
 * its own calls too. */
static unsigned int count(void)
{
	unsigned int n = 0;
	struct msg m;
	bool end;

	do {
		raw_recv(receiver, &m);
		end = m.h.f.type == DBUS_TYPE_CALL &&
		      dbus_str_eq(m.h.destination, receiver->name,
				  strlen(receiver->name));
		n += !end && dbus_str_eq(m.h.sender, sender->name,
					 strlen(sender->name));
		msg_free(&m);
	} while (!end);
	return n;
}

static void drain(struct raw *c)
{
	struct msg m;

	while (raw_poll(c, &m, 0) > 0)
		msg_free(&m);
}

static void compare_match(const struct match_rule *r, const u8 *data,
			  size_t size)
{
	struct match_msg m = { .owns = owns, .ctx = OWNED,
			       .receives = receives };
	struct dbus_header h;
	unsigned int got;
	s64 head;
	u8 *wire;

	if (!message_ok(&h, data, size) || !readdress(&h))
		return;
	head = dbus_header_stamp(&h, sender->name, strlen(sender->name), NULL,
				 0);
	CHECK(head > 0);
	wire = malloc((size_t)head + h.f.body_len);
	CHECK(wire);
	dbus_header_stamp(&h, sender->name, strlen(sender->name), wire,
			  (size_t)head);
	memcpy(wire + head, data + h.f.header_len, h.f.body_len);
	raw_write(sender, wire, (size_t)head + h.f.body_len, NULL, 0);
	send_end();
	free(wire);

	m.h = &h;
	m.sender = str_of(sender->name);
	m.body = data + h.f.header_len;
	m.body_len = h.f.body_len;
	got = count();
	if (got != match_rule_eval(r, &m)) {
		fprintf(stderr, "the daemon: %u, core: %u\n", got, !got);
		abort();
	}
	drain(peer);
}

static void compare(const char *text, size_t len, const u8 *data, size_t size)
{
	const char *why = "it is not too long";
	struct match_rule *r = ours_of(text, len, &why);
	char again[2 * MATCH_MAX_TEXT];
	bool theirs = ask("AddMatch", text);

	if (!r) {
		if (theirs && !loose_name(text, why)) {
			fprintf(stderr, "only core refuses: %s\n", why);
			abort();
		}
		CHECK(!theirs || ask("RemoveMatch", text));
		return;
	}
	CHECK(theirs);
	if (size >= DBUS_FIXED_LEN) {
		u8 *copy = message_copy(data, size);

		compare_match(r, copy, size);
		free(copy);
	}
	/* Quoting may make it too long to be a rule. */
	if (match_rule_text(r, again, sizeof(again)) > MATCH_MAX_TEXT)
		CHECK(ask("RemoveMatch", text));
	else
		CHECK(ask("RemoveMatch", again));
	free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = strnlen((const char *)data, size);
	char *text;

	start();
	text = malloc(len + 1);
	CHECK(text);
	memcpy(text, data, len);
	text[len] = 0;
	/* The daemon is told in a message, where text is UTF-8. */
	if (len <= MATCH_MAX_TEXT && dbus_utf8_ok(text, len) && !misread(text)) {
		size_t at = len < size ? len + 1 : size;

		compare(text, len, data + at, size - at);
	}
	free(text);
	return 0;
}
