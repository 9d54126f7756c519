// SPDX-License-Identifier: LGPL-2.1-or-later
/* Monitors see everything once, in order, and are nobody any more. */
#include "raw.h"

#include <fcntl.h>

#define E DRIVER ".Error."
#define MONITORING DRIVER ".Monitoring"

static uint32_t send_become(struct raw *c, const char *rule0,
			    const char *rule1, uint32_t flags)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = MONITORING,
		.member = "BecomeMonitor", .destination = DRIVER,
		.args = { rule0, rule1 }, .array = true, .has_u = true,
		.u = flags,
	};

	return raw_send(c, &s);
}

static void become(struct raw *c, const char *rule0, const char *rule1)
{
	struct msg m;

	raw_recv_reply(c, &m, send_become(c, rule0, rule1, 0));
	if (m.h.f.type != DBUS_TYPE_RETURN)
		fail("%s", msg_str(&m));
	msg_free(&m);
}

static struct raw *new_monitor(const char *rule0, const char *rule1)
{
	struct raw *c = raw_open(true);
	struct msg m;

	become(c, rule0, rule1);
	raw_recv_member(c, &m, "NameLost");
	check(!strcmp(msg_str(&m), c->name));
	msg_free(&m);
	return c;
}

static bool is(struct dbus_str s, const char *text)
{
	return text ? dbus_str_eq(s, text, strlen(text)) : !s.s;
}

/* The next message is that one. */
static void see(struct raw *c, struct msg *m, uint8_t type, const char *from,
		const char *to, const char *member)
{
	raw_recv(c, m);
	if (m->h.f.type != type || (from && !is(m->h.sender, from)) ||
	    !is(m->h.destination, to) || !is(m->h.member, member))
		fail("type %d from %.*s to %.*s, member %.*s instead of type %d from %s to %s, member %s",
		     m->h.f.type, (int)m->h.sender.len, m->h.sender.s,
		     (int)m->h.destination.len, m->h.destination.s,
		     (int)m->h.member.len, m->h.member.s, type, from, to,
		     member);
}

static void saw(struct raw *c, uint8_t type, const char *from, const char *to,
		const char *member)
{
	struct msg m;

	see(c, &m, type, from, to, member);
	msg_free(&m);
}

#define CALL DBUS_TYPE_CALL
#define RETURN DBUS_TYPE_RETURN
#define ERROR DBUS_TYPE_ERROR
#define SIGNAL DBUS_TYPE_SIGNAL

static void saw_connection(struct raw *c, const char *name)
{
	saw(c, CALL, name, DRIVER, "Hello");
	saw(c, RETURN, DRIVER, name, NULL);
	saw(c, SIGNAL, DRIVER, NULL, "NameOwnerChanged");
	saw(c, SIGNAL, DRIVER, name, "NameAcquired");
}

static void send_to(struct raw *c, const char *dest, const char *member)
{
	raw_send(c, &(struct spec){
		.path = "/x", .interface = "a.b", .member = member,
		.destination = dest,
	});
}

static void peers(struct raw *w, struct raw *a, struct raw *b)
{
	struct msg m;

	raw_ping_peer(a, b);
	saw(w, CALL, a->name, b->name, "PingPeer");
	saw(w, RETURN, b->name, a->name, NULL);
	/* By a name, to nobody, and what becomes of that. */
	raw_request_name(b, "a.b", 0);
	saw(w, CALL, b->name, DRIVER, "RequestName");
	saw(w, SIGNAL, DRIVER, NULL, "NameOwnerChanged");
	saw(w, SIGNAL, DRIVER, b->name, "NameAcquired");
	saw(w, RETURN, DRIVER, b->name, NULL);
	send_to(a, "a.b", "Named");
	saw(w, CALL, a->name, "a.b", "Named");
	send_to(a, "no.such", "Lost");
	saw(w, CALL, a->name, "no.such", "Lost");
	see(w, &m, ERROR, DRIVER, a->name, NULL);
	check(is(m.h.error_name, E "ServiceUnknown"));
	msg_free(&m);
	/* Nobody wants it, and three do. */
	raw_signal(a, "Broadcast", 1, 0);
	saw(w, SIGNAL, a->name, NULL, "Broadcast");
	raw_match(b, "member='Broadcast'");
	saw(w, CALL, b->name, DRIVER, "AddMatch");
	saw(w, RETURN, DRIVER, b->name, NULL);
	raw_signal(a, "Broadcast", 2, 3000);
	see(w, &m, SIGNAL, a->name, NULL, "Broadcast");
	check(msg_u32(&m) == 2 && m.h.f.body_len == 3008);
	msg_free(&m);
	raw_recv_member(b, &m, "Broadcast");
	msg_free(&m);
}

/* Before those it was for can do anything about it. */
static void order(struct raw *w, struct raw *a, struct raw *b)
{
	struct msg m;
	int i;

	for (i = 0; i < 200; i++) {
		raw_signal(a, "Broadcast", (uint32_t)i, i % 7 * 500);
		raw_recv_member(b, &m, "Broadcast");
		check(msg_u32(&m) == (uint32_t)i);
		msg_free(&m);
		send_to(b, a->name, "Answer");
		see(w, &m, SIGNAL, a->name, NULL, "Broadcast");
		check(msg_u32(&m) == (uint32_t)i);
		msg_free(&m);
		saw(w, CALL, b->name, a->name, "Answer");
	}
}

static void files(struct raw *w)
{
	struct raw *a = raw_open(true), *b = raw_open(true);
	struct spec s = {
		.path = "/x", .interface = "a.b", .member = "File",
		.destination = b->name, .unix_fds = 1,
		.flags = DBUS_FLAG_NO_REPLY,
	};
	char name[32], byte;
	int fds[2];
	struct msg m;

	saw_connection(w, a->name);
	saw_connection(w, b->name);
	check(!pipe2(fds, O_CLOEXEC));
	raw_send_fds(a, &s, &fds[1], 1);
	see(w, &m, CALL, a->name, b->name, "File");
	check(m.n_fds == 1 && write(m.fds[0], "w", 1) == 1);
	msg_free(&m);
	raw_recv_member(b, &m, "File");
	check(m.n_fds == 1 && write(m.fds[0], "b", 1) == 1);
	msg_free(&m);
	check(read(fds[0], &byte, 1) == 1 && byte == 'w');
	check(read(fds[0], &byte, 1) == 1 && byte == 'b');
	close(fds[0]);
	close(fds[1]);
	snprintf(name, sizeof(name), "%s", b->name);
	raw_close(b);
	saw(w, SIGNAL, DRIVER, name, "NameLost");
	saw(w, SIGNAL, DRIVER, NULL, "NameOwnerChanged");
	raw_close(a);
}

static void everything(void)
{
	struct raw *w = new_monitor(NULL, NULL), *a, *b;

	a = raw_open(false);
	saw_connection(w, a->name);
	b = raw_open(false);
	saw_connection(w, b->name);
	raw_ping(a);
	saw(w, CALL, a->name, DRIVER, "GetId");
	saw(w, RETURN, DRIVER, a->name, NULL);
	peers(w, a, b);
	order(w, a, b);
	files(w);
	raw_close(a);
	raw_close(b);
	raw_close(w);
}

/* Its names, and with them all of it that others could see. */
static void names(void)
{
	struct raw *c = raw_open(false), *o = raw_open(false);
	static const char * const names[] = { "a.one", "a.two" };
	unsigned int lost = 0, i;
	struct msg m;

	raw_request_name(c, "a.one", 0);
	raw_request_name(c, "a.two", 0);
	raw_request_name(o, "a.two", 0);
	raw_match(o, "member='NameOwnerChanged'");
	become(c, NULL, NULL);
	while (lost < 3) {
		raw_recv(c, &m);
		check(msg_is(&m, SIGNAL, "NameLost"));
		for (i = 0; i < 2; i++)
			check(strcmp(msg_str(&m), names[i]) || lost < 3);
		lost++;
		msg_free(&m);
	}
	for (i = 0; i < 3; i++) {
		raw_recv_member(o, &m, "NameOwnerChanged");
		msg_free(&m);
	}
	raw_recv_reply(o, &m, raw_send(o, &(struct spec){
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "GetNameOwner", .destination = DRIVER,
		.args = { c->name },
	}));
	check(is(m.h.error_name, E "NameHasNoOwner"));
	msg_free(&m);
	raw_recv_reply(o, &m, raw_send(o, &(struct spec){
		.path = "/x", .interface = "a.b", .member = "Foo",
		.destination = c->name,
	}));
	check(m.h.f.type == ERROR);
	msg_free(&m);
	raw_close(o);
	raw_close(c);
}

static void selective(void)
{
	struct raw *w = new_monitor("member='A'", "interface='a.b',member='B'");
	struct raw *a = raw_open(false), *b = raw_open(false), *d;

	raw_request_name(b, "a.dest", 0);
	d = new_monitor("destination='a.dest'", NULL);
	send_to(a, b->name, "A");
	send_to(a, b->name, "C");
	send_to(a, b->name, "B");
	saw(w, CALL, a->name, b->name, "A");
	saw(w, CALL, a->name, b->name, "B");
	/* The owner is meant, by whichever name it is called. */
	saw(d, CALL, a->name, b->name, "A");
	saw(d, CALL, a->name, b->name, "C");
	saw(d, CALL, a->name, b->name, "B");
	send_to(a, "a.dest", "A");
	saw(w, CALL, a->name, "a.dest", "A");
	saw(d, CALL, a->name, "a.dest", "A");
	raw_close(a);
	raw_close(b);
	raw_close(d);
	raw_close(w);
}

/* Two rules match: one copy. */
static void once(void)
{
	struct raw *w = new_monitor("member='A'", "interface='a.b'");
	struct raw *a = raw_open(false);

	send_to(a, a->name, "A");
	send_to(a, a->name, "B");
	saw(w, CALL, a->name, a->name, "A");
	saw(w, CALL, a->name, a->name, "B");
	raw_close(a);
	raw_close(w);
}

static void speaks(void)
{
	struct raw *w = new_monitor("member='A'", NULL);
	struct raw *other = new_monitor("member='Whatever'", NULL);
	struct raw *a = raw_open(false);

	send_to(w, a->name, "Whatever");
	raw_expect_eof(w);
	send_to(a, a->name, "Whatever");
	saw(other, CALL, a->name, a->name, "Whatever");
	raw_close(w);
	raw_close(other);
	raw_close(a);
}

static void expect_error(struct raw *c, uint32_t serial, const char *error)
{
	struct msg m;

	raw_recv_reply(c, &m, serial);
	if (!is(m.h.error_name, error))
		fail("%.*s: %s", (int)m.h.error_name.len, m.h.error_name.s,
		     msg_str(&m));
	msg_free(&m);
}

static void refused(void)
{
	struct raw *c = raw_open(false);
	struct spec elsewhere = {
		.path = "/", .interface = MONITORING,
		.member = "BecomeMonitor", .destination = DRIVER,
		.array = true, .has_u = true,
	};

	expect_error(c, send_become(c, NULL, NULL, 1), E "InvalidArgs");
	expect_error(c, send_become(c, "", "member='a-b'", 0),
		     E "MatchRuleInvalid");
	expect_error(c, raw_send(c, &elsewhere), E "UnknownInterface");
	/* It is still somebody. */
	raw_ping(c);
	raw_close(c);
}

int main(void)
{
	refused();
	everything();
	names();
	selective();
	once();
	speaks();
	return 0;
}
