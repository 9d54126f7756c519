// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Hundreds of subscribers with thousands of rules, chosen at random from few
 * words: each gets exactly the signals that its rules ask for, once and in
 * order; also after rules, subscribers and the owners of names have changed.
 */
#include "raw.h"

#include <sys/resource.h>

#define SUBSCRIBERS	300U
#define RULES		12U	/* of each, at most */
#define STRANGERS	3000U	/* rules of one client that match nothing */
#define SENDERS		3U
#define SIGNALS		40U	/* of each sender and round */

#define ANY UINT8_MAX

/* What is there to choose from; a rule leaves out what is ANY. */
static const char * const paths[] = { "/m", "/m/a", "/m/a/b", "/m/ab" };
static const char * const interfaces[] = { "m.a", "m.b" };
static const char * const members[] = { "One", "Two", "Three" };
static const char * const args[] = { "", "n.a", "n.a.b", "n.b" };
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Of a signal, or what a rule wants. */
struct parts {
	uint8_t sender, path, interface, member, arg0, arg1;
};

struct rule {
	bool on;
	bool path_ns, arg0_ns;	/* not that one alone */
	bool by_name;		/* sender is the name, not who has it now */
	struct parts p;
};

static struct subscriber {
	struct raw *c;		/* NULL: it has gone */
	struct rule rules[RULES];
} subscribers[SUBSCRIBERS];

static struct raw *senders[SENDERS];
/* The sender that owns the name of that number. */
static unsigned int owner[SENDERS];

static uint32_t rnd_state = 7;

static uint32_t rnd(uint32_t n)
{
	/* Numerical Recipes' generator: the same everywhere. */
	rnd_state = rnd_state * 1664525U + 1013904223U;
	return (rnd_state >> 8) % n;
}

/* ---- rules ---- */

/* Half of the time nothing in particular. */
static uint8_t some(size_t n)
{
	return rnd(2) ? (uint8_t)rnd(n) : ANY;
}

static struct rule random_rule(void)
{
	struct rule r = {
		.on = true,
		.path_ns = rnd(2),
		.arg0_ns = rnd(2),
		.by_name = rnd(2),
		.p = {
			.sender = some(SENDERS),
			.path = some(N(paths)),
			.interface = some(N(interfaces)),
			.member = some(N(members)),
			.arg0 = some(N(args)),
			.arg1 = some(N(args)),
		},
	};

	/* "" is no namespace. */
	if (!r.p.arg0)
		r.arg0_ns = false;
	return r;
}

static void add(char *text, const char *key, const char *value)
{
	sprintf(text + strlen(text), ",%s='%s'", key, value);
}

static void rule_text(const struct rule *r, char *text)
{
	const struct parts *p = &r->p;
	char name[16];

	strcpy(text, "type='signal'");
	if (p->sender != ANY) {
		snprintf(name, sizeof(name), "m.sender.s%u", p->sender);
		add(text, "sender", r->by_name ? name :
		    senders[p->sender]->name);
	}
	if (p->path != ANY)
		add(text, r->path_ns ? "path_namespace" : "path",
		    paths[p->path]);
	if (p->interface != ANY)
		add(text, "interface", interfaces[p->interface]);
	if (p->member != ANY)
		add(text, "member", members[p->member]);
	if (p->arg0 != ANY)
		add(text, r->arg0_ns ? "arg0namespace" : "arg0",
		    args[p->arg0]);
	if (p->arg1 != ANY)
		add(text, "arg1", args[p->arg1]);
}

static void driver_no_reply(struct raw *c, const char *member,
			    const char *arg0)
{
	raw_send(c, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .flags = DBUS_FLAG_NO_REPLY,
		.args = { arg0 },
	});
}

static void switch_rule(struct subscriber *s, struct rule *r)
{
	char text[512];

	if (!r->on)
		*r = random_rule();
	else
		r->on = false;
	rule_text(r, text);
	driver_no_reply(s->c, r->on ? "AddMatch" : "RemoveMatch", text);
}

/* ---- what is to be expected ---- */

static bool same(uint8_t want, uint8_t have)
{
	return want == ANY || want == have;
}

static bool inside(const char *have, const char *ns, char sep)
{
	size_t len = strlen(ns);

	return !strncmp(have, ns, len) && (!have[len] || have[len] == sep);
}

static bool matches(const struct rule *r, const struct parts *p)
{
	const struct parts *w = &r->p;
	bool ok = r->on && same(w->interface, p->interface) &&
		  same(w->member, p->member) && same(w->arg1, p->arg1);

	if (ok && w->sender != ANY)
		ok = (r->by_name ? owner[w->sender] : w->sender) == p->sender;
	if (ok && w->path != ANY && r->path_ns)
		ok = inside(paths[p->path], paths[w->path], '/');
	else
		ok = ok && same(w->path, p->path);
	if (ok && w->arg0 != ANY && r->arg0_ns)
		return inside(args[p->arg0], args[w->arg0], '.');
	return ok && same(w->arg0, p->arg0);
}

static bool wanted(const struct subscriber *s, const struct parts *p)
{
	size_t i;

	for (i = 0; i < RULES; i++)
		if (matches(&s->rules[i], p))
			return true;
	return false;
}

/* ---- a round ---- */

static struct parts sent[SENDERS * SIGNALS];

static void send_all(void)
{
	uint32_t i, from;

	for (i = 0; i < N(sent); i++) {
		struct parts *p = &sent[i];

		from = i / SIGNALS;
		*p = (struct parts){
			(uint8_t)from, (uint8_t)rnd(N(paths)),
			(uint8_t)rnd(N(interfaces)), (uint8_t)rnd(N(members)),
			(uint8_t)rnd(N(args)), (uint8_t)rnd(N(args)),
		};
		raw_send(senders[from], &(struct spec){
			.type = DBUS_TYPE_SIGNAL, .path = paths[p->path],
			.interface = interfaces[p->interface],
			.member = members[p->member],
			.args = { args[p->arg0], args[p->arg1] },
			.serial = 1000 + i,
		});
		/* One sender's after the other's. */
		if (i % SIGNALS == SIGNALS - 1)
			raw_ping(senders[from]);
	}
}

/* What came until the bus answered. */
static unsigned int check_one(struct subscriber *s, unsigned int who)
{
	uint32_t serial, next = 0;
	unsigned int n = 0;
	struct msg m;

	serial = raw_send(s->c, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER, .member = "GetId",
		.destination = DRIVER,
	});
	for (;;) {
		raw_recv(s->c, &m);
		while (next < N(sent) && !wanted(s, &sent[next]))
			next++;
		if (m.h.reply_serial == serial)
			break;
		if (next == N(sent) || m.h.f.serial != 1000 + next)
			fail("subscriber %u got %u instead of %u", who,
			     m.h.f.serial - 1000, next);
		msg_free(&m);
		next++;
		n++;
	}
	msg_free(&m);
	if (next < N(sent))
		fail("subscriber %u did not get %u", who, next);
	return n;
}

static void one_round(void)
{
	unsigned int i, n = 0;

	/* All rules are in force. */
	for (i = 0; i < SUBSCRIBERS; i++)
		if (subscribers[i].c)
			raw_ping(subscribers[i].c);
	send_all();
	for (i = 0; i < SUBSCRIBERS; i++)
		if (subscribers[i].c)
			n += check_one(&subscribers[i], i);
	/* Neither nobody nor everybody. */
	check(n > N(sent) && n < N(sent) * SUBSCRIBERS);
}

static void name(unsigned int who, unsigned int which)
{
	char name[16];

	snprintf(name, sizeof(name), "m.sender.s%u", which);
	if (owner[which] < SENDERS)
		raw_release_name(senders[owner[which]], name);
	owner[which] = who;
	if (who < SENDERS)
		check(raw_request_name(senders[who], name, 0) == 1);
}

static struct raw *open_strangers(void)
{
	struct raw *c = raw_open(false);
	char text[128];
	unsigned int i;

	for (i = 0; i < STRANGERS; i++) {
		snprintf(text, sizeof(text), i % 2 ?
			 "interface='m.a',member='One',arg0='x%u'" :
			 "sender='m.sender.s0',path='/m/a/x%u'", i);
		driver_no_reply(c, "AddMatch", text);
		if (!(i % 100))
			raw_ping(c);
	}
	raw_ping(c);
	return c;
}

static void more_files(void)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

int main(void)
{
	struct raw *strangers;
	unsigned int i, k;

	more_files();
	for (i = 0; i < SENDERS; i++) {
		senders[i] = raw_open(false);
		owner[i] = SENDERS;
		name(i, i);
	}
	strangers = open_strangers();
	for (i = 0; i < SUBSCRIBERS; i++) {
		subscribers[i].c = raw_open(false);
		/* Some with one rule, some with many. */
		for (k = 0; k < 1 + i % RULES; k++)
			switch_rule(&subscribers[i], &subscribers[i].rules[k]);
	}
	one_round();

	name(2, 0);		/* one has two, */
	name(SENDERS, 1);	/* and one is nobody's */
	for (i = 0; i < SUBSCRIBERS; i++) {
		if (i % 3 == 0) {
			raw_close(subscribers[i].c);
			subscribers[i].c = NULL;
			continue;
		}
		for (k = 0; k < RULES; k++)
			if (rnd(2))
				switch_rule(&subscribers[i],
					    &subscribers[i].rules[k]);
	}
	one_round();
	raw_expect_silence(strangers, 0);
	return 0;
}
