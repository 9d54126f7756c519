// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names, their queues, and who is told what, in which order. */
#include "raw.h"

#define NAME "test.names.One"
#define ALLOW 1
#define REPLACE 2
#define NO_QUEUE 4

enum { OWNER = 1, IN_QUEUE, EXISTS, ALREADY };
enum { RELEASED = 1, NON_EXISTENT, NOT_OWNER };

static struct raw *a, *b, *c, *watcher;

/* The next message must be this signal, or the reply with this number. */
static void expect_signal(struct raw *who, const char *member,
			  const char *name)
{
	struct msg m;

	raw_recv(who, &m);
	if (!msg_is(&m, DBUS_TYPE_SIGNAL, member))
		fail("%s: %.*s instead of %s", who->name,
		     (int)m.h.member.len, m.h.member.s ? m.h.member.s : "",
		     member);
	check(!strcmp(msg_str(&m), name));
	check(dbus_str_eq(m.h.destination, who->name, strlen(who->name)));
	check(dbus_str_eq(m.h.sender, DRIVER, strlen(DRIVER)));
	msg_free(&m);
}

static struct dbus_str string_arg(const struct msg *m, int n)
{
	struct dbus_str s = { 0 };
	struct wire w;

	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	while (n-- >= 0)
		s = wire_str(&w);
	return s;
}

static void expect_change(const char *name, const char *from, const char *to)
{
	struct dbus_str x, y;
	struct msg m;

	raw_recv(watcher, &m);
	check(msg_is(&m, DBUS_TYPE_SIGNAL, "NameOwnerChanged"));
	x = string_arg(&m, 1);
	y = string_arg(&m, 2);
	if (strcmp(msg_str(&m), name) || strcmp(x.s, from) || strcmp(y.s, to))
		fail("%s from '%s' to '%s', not %s from '%s' to '%s'",
		     msg_str(&m), x.s, y.s, name, from, to);
	check(!m.h.destination.len);
	msg_free(&m);
}

static uint32_t ask(struct raw *who, const char *member, const char *name,
		    bool has_flags, uint32_t flags)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { name }, .has_u = has_flags,
		.u = flags,
	};

	return raw_send(who, &s);
}

static void expect_result(struct raw *who, uint32_t serial, uint32_t result)
{
	struct msg m;

	raw_recv(who, &m);
	if (m.h.f.type != DBUS_TYPE_RETURN || m.h.reply_serial != serial)
		fail("%s: no reply but %.*s", who->name, (int)m.h.member.len,
		     m.h.member.s ? m.h.member.s : "");
	if (msg_u32(&m) != result)
		fail("%s: result %u, not %u", who->name, msg_u32(&m), result);
	msg_free(&m);
}

/* Nothing but the reply comes. */
static void request(struct raw *who, uint32_t flags, uint32_t result)
{
	expect_result(who, ask(who, "RequestName", NAME, true, flags), result);
}

/* NameAcquired comes before the reply. */
static void acquire(struct raw *who, uint32_t flags)
{
	uint32_t serial = ask(who, "RequestName", NAME, true, flags);

	expect_signal(who, "NameAcquired", NAME);
	expect_result(who, serial, OWNER);
}

static void release(struct raw *who, uint32_t result)
{
	uint32_t serial = ask(who, "ReleaseName", NAME, false, 0);

	if (result == RELEASED)
		expect_signal(who, "NameLost", NAME);
	expect_result(who, serial, result);
}

/* Leaves the queue without having been first. */
static void leave_queue(struct raw *who)
{
	expect_result(who, ask(who, "ReleaseName", NAME, false, 0), RELEASED);
}

static void expect_queue(struct raw *first, struct raw *second,
			 struct raw *third)
{
	struct raw *want[] = { first, second, third, NULL };
	struct dbus_str s;
	struct wire w;
	struct msg m;
	uint32_t len;
	int i;

	raw_recv_reply(watcher, &m,
		       ask(watcher, "ListQueuedOwners", NAME, false, 0));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	wire_init(&w, msg_body(&m), m.h.f.body_len, m.h.f.big);
	len = wire_u32(&w);
	for (i = 0; want[i]; i++) {
		s = wire_str(&w);
		if (wire_error(&w) || strcmp(s.s, want[i]->name))
			fail("place %d of the queue is %s, not %s", i,
			     wire_error(&w) ? "none" : s.s, want[i]->name);
	}
	check(w.pos == 4 + len);
	msg_free(&m);
}

static void queueing(void)
{
	acquire(a, 0);
	expect_change(NAME, "", a->name);
	request(a, ALLOW, ALREADY);
	request(a, 0, ALREADY);
	request(b, NO_QUEUE, EXISTS);
	request(b, NO_QUEUE | REPLACE, EXISTS);
	request(b, 0, IN_QUEUE);
	request(b, 0, IN_QUEUE);
	request(c, 0, IN_QUEUE);
	expect_queue(a, b, c);
	/* Who would replace, but may not, waits in front. */
	request(c, REPLACE, IN_QUEUE);
	expect_queue(a, c, b);
	/* Who does not want to wait any more, does not. */
	request(c, NO_QUEUE, EXISTS);
	expect_queue(a, b, NULL);
	release(c, NOT_OWNER);
	release(a, RELEASED);
	expect_change(NAME, a->name, b->name);
	expect_signal(b, "NameAcquired", NAME);
	release(b, RELEASED);
	expect_change(NAME, b->name, "");
	release(b, NON_EXISTENT);
}

static void replacing(void)
{
	acquire(a, ALLOW);
	expect_change(NAME, "", a->name);
	request(b, 0, IN_QUEUE);
	/* The displaced owner comes second. */
	acquire(c, REPLACE | ALLOW);
	expect_signal(a, "NameLost", NAME);
	expect_change(NAME, a->name, c->name);
	expect_queue(c, a, b);
	/* From within the queue. */
	acquire(b, REPLACE | ALLOW | NO_QUEUE);
	expect_signal(c, "NameLost", NAME);
	expect_change(NAME, c->name, b->name);
	expect_queue(b, c, a);
	/* An owner that does not queue is gone when displaced. */
	acquire(a, REPLACE);
	expect_signal(b, "NameLost", NAME);
	expect_change(NAME, b->name, a->name);
	expect_queue(a, c, NULL);
	release(b, NOT_OWNER);
	/* The flags are those of the latest call. */
	request(b, REPLACE | NO_QUEUE, EXISTS);
	request(a, ALLOW, ALREADY);
	acquire(b, REPLACE | NO_QUEUE);
	expect_signal(a, "NameLost", NAME);
	expect_change(NAME, a->name, b->name);
	expect_queue(b, a, c);
	leave_queue(a);
	leave_queue(c);
	release(b, RELEASED);
	expect_change(NAME, b->name, "");
}

/* Names go in the reverse order of their coming, the unique name last. */
static void disconnecting(void)
{
	struct raw *d = raw_open(false);
	char name[32];

	expect_change(d->name, "", d->name);
	strcpy(name, d->name);
	check(raw_request_name(d, "test.names.First", 0) == OWNER);
	expect_change("test.names.First", "", name);
	check(raw_request_name(d, NAME, 0) == OWNER);
	expect_change(NAME, "", name);
	request(a, 0, IN_QUEUE);
	raw_close(d);
	expect_change(NAME, name, a->name);
	expect_signal(a, "NameAcquired", NAME);
	expect_change("test.names.First", name, "");
	expect_change(name, name, "");
	release(a, RELEASED);
	expect_change(NAME, a->name, "");
}

int main(void)
{
	a = raw_open(false);
	b = raw_open(false);
	c = raw_open(false);
	watcher = raw_open(false);
	raw_match(watcher, "type='signal',sender='" DRIVER "',interface='"
		  DRIVER "',member='NameOwnerChanged'");
	queueing();
	replacing();
	disconnecting();
	raw_close(watcher);
	raw_close(c);
	raw_close(b);
	raw_close(a);
	return 0;
}
