// SPDX-License-Identifier: LGPL-2.1-or-later
/* AddMatch and RemoveMatch: what counts, what is the same, what is wrong. */
#include "raw.h"

#define E "org.freedesktop.DBus.Error."

static struct raw *c, *sender;

/* NULL: it must succeed. */
static void rule(const char *member, const char *text, const char *error)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { text },
	};
	struct msg m;

	raw_recv_reply(c, &m, raw_send(c, &s));
	if ((m.h.f.type == DBUS_TYPE_ERROR) != !!error)
		fail("%s %s: %s", member, text, error ? "succeeded" :
		     msg_str(&m));
	if (error && !dbus_str_eq(m.h.error_name, error, strlen(error)))
		fail("%s %s: %.*s", member, text, (int)m.h.error_name.len,
		     m.h.error_name.s);
	msg_free(&m);
}

static void add(const char *text, const char *error)
{
	rule("AddMatch", text, error);
}

static void del(const char *text, const char *error)
{
	rule("RemoveMatch", text, error);
}

static void expect_copies(int n)
{
	struct msg m;

	raw_signal(sender, "Sig", 1, 0);
	raw_ping(sender);
	while (n--) {
		raw_recv(c, &m);
		check(msg_is(&m, DBUS_TYPE_SIGNAL, "Sig"));
		msg_free(&m);
	}
	raw_expect_silence(c, 50);
}

static void counting(void)
{
	expect_copies(0);
	add("member='Sig'", NULL);
	add("member='Sig'", NULL);
	add("type='signal'", NULL);
	expect_copies(1);
	del("type='signal'", NULL);
	del("type='signal'", E "MatchRuleNotFound");
	del("member='Sig'", NULL);
	expect_copies(1);
	del("member=Sig,", NULL);
	expect_copies(0);
	del("member='Sig'", E "MatchRuleNotFound");
}

/* The same rule may be written in many ways. */
static void equality(void)
{
	add("type='signal',member='Sig',arg0='x',arg1='y'", NULL);
	del("type='signal',member='Sig',arg0='x'", E "MatchRuleNotFound");
	del("member=Sig, arg1=y,type='sig'nal,arg0='x'", NULL);
	add("path='/a'", NULL);
	del("path_namespace='/a'", E "MatchRuleNotFound");
	del("path='/a'", NULL);
	add("", NULL);
	del("", NULL);
}

static void errors(void)
{
	static const char * const invalid[] = {
		"foo='x'", "type", "type='x'", "type='signal',type='signal'",
		"member='Sig", "member='a.b'", "interface='a'", "path='a'",
		"path='/',path_namespace='/'", "arg64='x'", "sender='..'",
		"eavesdrop='maybe'",
	};
	char text[1200];
	size_t i;

	for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		add(invalid[i], E "MatchRuleInvalid");
		del(invalid[i], E "MatchRuleInvalid");
	}
	memset(text, 'x', sizeof(text));
	memcpy(text, "arg0='", 6);
	strcpy(text + 1100, "'");
	add(text, E "LimitsExceeded");
	strcpy(text + 1023, "'");
	add(text, NULL);
	del(text, NULL);
}

/* Many, so that finding one of them must not look at all. */
static void many(void)
{
	char text[64];
	int i;

	for (i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "arg0='%d'", i);
		add(text, NULL);
	}
	for (i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "arg0='%d'", i);
		del(text, NULL);
	}
	del(text, E "MatchRuleNotFound");
}

int main(void)
{
	c = raw_open(false);
	sender = raw_open(false);
	counting();
	equality();
	errors();
	many();
	raw_close(sender);
	raw_close(c);
	return 0;
}
