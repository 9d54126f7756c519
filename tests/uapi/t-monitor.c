// SPDX-License-Identifier: LGPL-2.1-or-later
/* A monitor is given one copy of all that its rules want, whoever it is for,
 * and is no peer any more. */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define DRIVER DBUS_DRIVER_NAME

static int bus;

static void monitor(struct client *c, uint64_t cookie, const char *rule)
{
	check(!test_update(bus, BUS_REC_MONITOR, c->addr, 0, NULL));
	test_match(bus, c, cookie, rule);
}

static struct client new_monitor(const char *rule)
{
	struct client c = test_client(bus, BUS_ATTACH_FDS);

	monitor(&c, 1, rule);
	return c;
}

static bool is(struct dbus_str s, const char *text)
{
	return text ? dbus_str_eq(s, text, strlen(text)) : !s.s;
}

/* The next message is that one. */
static void saw_files(struct client *c, uint32_t serial, const char *from,
		      const char *to, int n_fds)
{
	struct msg m;

	check(test_recv(c, &m));
	if (m.h.f.serial != serial || !is(m.h.sender, from) ||
	    !is(m.h.destination, to))
		fail("message %u of %.*s to %.*s, not %u of %s to %s",
		     m.h.f.serial, (int)m.h.sender.len, m.h.sender.s,
		     (int)m.h.destination.len, m.h.destination.s, serial, from,
		     to);
	check(m.n_fds == n_fds);
	msg_free(&m);
}

static void saw(struct client *c, uint32_t serial, const char *from,
		const char *to)
{
	saw_files(c, serial, from, to, 0);
}

static void gone(struct client *c)
{
	check(!test_update(bus, BUS_REC_CLOSE, c->addr, 0, NULL));
}

/* The master reads it, shows it if that is left to it, and is done with it. */
static void at_master(struct client *from, uint32_t serial)
{
	struct msg m;

	test_master_recv(bus, &m);
	check(m.info.kind == BUS_KIND_MESSAGE && m.info.addr == from->addr);
	check(m.h.f.serial == serial);
	test_master_show(bus, &m);
	msg_free(&m);
	check(!test_update(bus, BUS_REC_RESUME, from->addr, 0, NULL));
}

static struct msg_spec spec(const char *to, uint32_t serial)
{
	return (struct msg_spec){
		.type = to ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.flags = DBUS_FLAG_NO_REPLY, .serial = serial, .path = "/o",
		.interface = "i.f", .member = "M", .destination = to,
	};
}

static void send_to(struct client *c, const char *to, uint32_t serial,
		    size_t body)
{
	struct msg_spec s = spec(to, serial);

	s.body = body;
	test_send(c->fd, &s, NULL, 0);
}

/* ---- */

static void between_peers(struct client *a, struct client *b)
{
	struct client w = new_monitor(""), w2 = new_monitor("member='M'");

	/* Rules that match as well mean no second copy. */
	test_match(bus, &w, 2, "interface='i.f'");
	send_to(a, b->name, 1, 0);
	send_to(a, b->name, 2, 100000);
	saw(b, 1, a->name, b->name);
	saw(b, 2, a->name, b->name);
	saw(&w, 1, a->name, b->name);
	saw(&w, 2, a->name, b->name);
	saw(&w2, 1, a->name, b->name);
	saw(&w2, 2, a->name, b->name);
	test_name(bus, "com.example.B", b->addr);
	send_to(a, "com.example.B", 3, 0);
	saw(b, 3, a->name, "com.example.B");
	saw(&w, 3, a->name, "com.example.B");
	/* A signal that nobody wants, and one for two. */
	send_to(a, NULL, 4, 0);
	saw(&w, 4, a->name, NULL);
	test_match(bus, a, 1, "member='M'");
	test_match(bus, b, 1, "member='M'");
	send_to(b, NULL, 5, 5000);
	saw(a, 5, b->name, NULL);
	saw(b, 5, b->name, NULL);
	saw(&w, 5, b->name, NULL);
	check(!test_update(bus, BUS_REC_MATCH_DEL, a->addr, 1, NULL));
	check(!test_update(bus, BUS_REC_MATCH_DEL, b->addr, 1, NULL));
	/* To itself. */
	send_to(a, a->name, 6, 0);
	saw(a, 6, a->name, a->name);
	saw(&w, 6, a->name, a->name);
	/* A rule less. */
	check(!test_update(bus, BUS_REC_MATCH_DEL, w.addr, 1, NULL));
	check(!test_update(bus, BUS_REC_MATCH_DEL, w.addr, 2, NULL));
	send_to(a, b->name, 7, 0);
	saw(b, 7, a->name, b->name);
	test_silence(w.fd, 10);
	gone(&w);
	gone(&w2);
}

static void arguments(struct client *a, struct client *b)
{
	struct client w = new_monitor("arg0='yes'");
	struct msg_spec s = spec(b->name, 10);

	s.arg0 = "yes";
	test_send(a->fd, &s, NULL, 0);
	saw(b, 10, a->name, b->name);
	saw(&w, 10, a->name, b->name);
	s.arg0 = "no";
	test_send(a->fd, &s, NULL, 0);
	saw(b, 10, a->name, b->name);
	/* Bodies that are not in one piece have other arguments. */
	send_to(a, b->name, 11, 200000);
	saw(b, 11, a->name, b->name);
	test_silence(w.fd, 10);
	gone(&w);
}

static void destinations(struct client *a, struct client *b)
{
	struct client named = new_monitor("destination='com.example.B'");
	struct client w;
	char rule[64];

	snprintf(rule, sizeof(rule), "destination='%s'", b->name);
	w = new_monitor(rule);
	test_name(bus, "com.example.A", a->addr);
	/* By whichever name it is called. */
	send_to(a, b->name, 20, 0);
	send_to(a, "com.example.B", 21, 0);
	send_to(b, "com.example.A", 22, 0);
	saw(&named, 20, a->name, b->name);
	saw(&named, 21, a->name, "com.example.B");
	saw(&w, 20, a->name, b->name);
	saw(&w, 21, a->name, "com.example.B");
	saw(b, 20, a->name, b->name);
	saw(b, 21, a->name, "com.example.B");
	saw(a, 22, b->name, "com.example.A");
	/* By name only, to nobody. */
	test_name(bus, "com.example.B", 0);
	send_to(a, "com.example.B", 23, 0);
	at_master(a, 23);
	saw(&named, 23, a->name, "com.example.B");
	test_silence(w.fd, 10);
	gone(&named);
	gone(&w);
}

static void files(struct client *a, struct client *b)
{
	struct client w = new_monitor(""), plain = test_client(bus, 0);
	struct msg_spec s = spec(b->name, 30);
	int fd = 0;

	monitor(&plain, 1, "");
	s.unix_fds = 1;
	test_send(a->fd, &s, &fd, 1);
	send_to(a, b->name, 31, 0);
	saw_files(b, 30, a->name, b->name, 1);
	saw(b, 31, a->name, b->name);
	saw_files(&w, 30, a->name, b->name, 1);
	saw(&w, 31, a->name, b->name);
	saw(&plain, 31, a->name, b->name);
	/* To one who takes none: it goes to the master. */
	gone(&plain);
	plain = test_client(bus, 0);
	s.destination = plain.name;
	s.serial = 32;
	test_send(a->fd, &s, &fd, 1);
	at_master(a, 32);
	saw_files(&w, 32, a->name, plain.name, 1);
	test_silence(w.fd, 10);
	gone(&plain);
	gone(&w);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* What is handed up is seen before the master gets it; but what may start
 * something then, since the master may want to show that it does first. */
static void handed_up(struct client *a)
{
	struct client w = new_monitor(""), fresh;
	struct bus_stats st = test_stats(bus);
	struct msg_spec s = spec(NULL, 43);

	send_to(a, DRIVER, 40, 0);
	check(readable(bus) && readable(w.fd));
	saw(&w, 40, a->name, DRIVER);
	at_master(a, 40);
	send_to(a, "no.such.name", 41, 3000);
	test_silence(w.fd, 10);
	at_master(a, 41);
	saw(&w, 41, a->name, "no.such.name");
	s.destination = DRIVER;
	test_send(a->fd, &s, NULL, 0);
	test_silence(w.fd, 10);
	at_master(a, 43);
	saw(&w, 43, a->name, DRIVER);
	/* Of one who is not active yet, whoever it is for. */
	fresh = test_client_raw(bus, 0);
	check(!test_update(bus, BUS_REC_RESUME, fresh.addr, 0, NULL));
	send_to(&fresh, a->name, 42, 0);
	saw(&w, 42, fresh.name, a->name);
	at_master(&fresh, 42);
	check(test_stats(bus).master_driver == st.master_driver + 2);
	check(test_stats(bus).master_unknown == st.master_unknown + 1);
	check(test_stats(bus).master_inactive == st.master_inactive + 1);
	check(test_stats(bus).unicast_msgs == st.unicast_msgs);
	test_silence(w.fd, 10);
	gone(&fresh);
	gone(&w);
}

static void of_the_master(struct client *a)
{
	struct client w = new_monitor(""), to = new_monitor("");
	struct bus_send unseen = { .flags = BUS_SEND_UNSEEN };
	struct msg_spec s = spec(a->name, 50), none = spec("no.such", 53);

	s.sender = none.sender = DRIVER;
	check(!test_update(bus, BUS_REC_MATCH_DEL, to.addr, 1, NULL));
	test_match(bus, &to, 1, "destination='com.example.A'");
	check(!test_master_send(bus, a->addr, &s, NULL, 0));
	saw(a, 50, DRIVER, a->name);
	saw(&w, 50, DRIVER, a->name);
	saw(&to, 50, DRIVER, a->name);
	/* Seen already. */
	s.serial = 51;
	check(!test_master_send_how(bus, a->addr, &unseen, &s));
	saw(a, 51, DRIVER, a->name);
	/* Nobody's, and it is said whose it would have been. */
	s.serial = 52;
	check(!test_master_send(bus, BUS_MONITORS, &s, NULL, 0));
	saw(&w, 52, DRIVER, a->name);
	saw(&to, 52, DRIVER, a->name);
	check(!test_master_send(bus, BUS_MONITORS, &none, NULL, 0));
	saw(&w, 53, DRIVER, "no.such");
	check(test_master_send_how(bus, BUS_MONITORS, &unseen, &s) == -EINVAL);
	unseen.flags = 0x80;
	check(test_master_send_how(bus, a->addr, &unseen, &s) == -EINVAL);
	/* To all, and to one who is not there. */
	s.destination = NULL;
	s.type = DBUS_TYPE_SIGNAL;
	s.serial = 54;
	check(!test_master_send(bus, BUS_CLIENT_MASK, &s, NULL, 0));
	saw(&w, 54, DRIVER, NULL);
	check(test_master_send(bus, 9999, &s, NULL, 0) == -ENOENT);
	/* A monitor is told something: it, and once. */
	s.serial = 55;
	check(!test_master_send(bus, w.addr, &s, NULL, 0));
	saw(&w, 55, DRIVER, NULL);
	test_silence(a->fd, 10);
	test_silence(to.fd, 10);
	test_silence(w.fd, 10);
	gone(&w);
	gone(&to);
}

/* What the master sends on in another's place was seen before; what the kernel
 * says in the driver's name is not forgotten. */
static void forwarded(struct client *a)
{
	struct client b = test_client(bus, 0), w = new_monitor("");
	struct bus_send how = { .from = a->addr };
	struct msg_spec s = spec("com.example.Late", 60);
	struct msg m;

	s.flags = 0;
	test_send(a->fd, &s, NULL, 0);
	at_master(a, 60);
	saw(&w, 60, a->name, "com.example.Late");
	s.sender = a->name;
	check(!test_master_send_how(bus, b.addr, &how, &s));
	saw(&b, 60, a->name, "com.example.Late");
	test_silence(w.fd, 10);
	gone(&b);
	check(test_recv(&w, &m));
	check(m.h.f.type == DBUS_TYPE_ERROR && m.h.reply_serial == 60);
	check(is(m.h.destination, a->name) && is(m.h.sender, DRIVER));
	msg_free(&m);
	check(test_recv(a, &m));
	check(m.h.f.type == DBUS_TYPE_ERROR && m.h.reply_serial == 60);
	msg_free(&m);
	gone(&w);
}

static void is_no_peer(struct client *a)
{
	struct client w = new_monitor(""), ex = test_client(bus, 0);

	test_match(bus, &ex, 1, "member='M'");
	monitor(&ex, 2, "member='Other'");
	/* Twice is once. */
	check(!test_update(bus, BUS_REC_MONITOR, ex.addr, 0, NULL));
	check(test_update(bus, BUS_REC_ACTIVATE, ex.addr, 0, NULL) == -EINVAL);
	check(test_update(bus, BUS_REC_MATCH_DEL, ex.addr, 1, NULL) ==
	      -ENOENT);
	check(test_update(bus, BUS_REC_MONITOR, 9999, 0, NULL) == -ENOENT);
	send_to(a, ex.name, 70, 0);
	at_master(a, 70);
	send_to(a, NULL, 71, 0);
	saw(&w, 70, a->name, ex.name);
	saw(&w, 71, a->name, NULL);
	test_silence(ex.fd, 10);
	/* What it says is heard by the master only. */
	send_to(&ex, a->name, 72, 0);
	at_master(&ex, 72);
	test_silence(w.fd, 10);
	test_silence(a->fd, 10);
	gone(&ex);
	gone(&w);
}

/* What it is told before it is one comes first, and nothing is missed. */
static void cork(struct client *a, struct client *b)
{
	struct client w = test_client(bus, BUS_ATTACH_FDS);
	struct msg_spec s = spec(w.name, 80);
	int fd = 0;

	s.sender = DRIVER;
	check(!test_update(bus, BUS_REC_CORK, w.addr, 0, NULL));
	check(!test_master_send(bus, w.addr, &s, NULL, 0));
	s.unix_fds = 1;
	s.serial = 81;
	check(!test_master_send(bus, w.addr, &s, &fd, 1));
	monitor(&w, 1, "");
	send_to(a, b->name, 82, 0);
	saw(b, 82, a->name, b->name);
	test_silence(w.fd, 50);
	check(!test_update(bus, BUS_REC_UNCORK, w.addr, 0, NULL));
	saw(&w, 80, DRIVER, w.name);
	saw_files(&w, 81, DRIVER, w.name, 1);
	saw(&w, 82, a->name, b->name);
	send_to(a, b->name, 83, 0);
	saw(&w, 83, a->name, b->name);
	saw(b, 83, a->name, b->name);
	/* The end is an end. */
	check(!test_update(bus, BUS_REC_CORK, w.addr, 0, NULL));
	send_to(a, b->name, 84, 0);
	saw(b, 84, a->name, b->name);
	gone(&w);
	saw(&w, 84, a->name, b->name);
}

int main(void)
{
	struct client a, b;

	bus = test_bus();
	a = test_client(bus, BUS_ATTACH_FDS);
	b = test_client(bus, BUS_ATTACH_FDS);
	between_peers(&a, &b);
	arguments(&a, &b);
	destinations(&a, &b);
	files(&a, &b);
	handed_up(&a);
	of_the_master(&a);
	forwarded(&a);
	is_no_peer(&a);
	cork(&a, &b);
	/* Nobody watches any more. */
	send_to(&a, b.name, 90, 0);
	saw(&b, 90, a.name, b.name);
	test_silence(bus, 10);
	return 0;
}
