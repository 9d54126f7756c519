// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * While two take a name from each other: whoever answers a call to it knows
 * that he owns it, and whoever hears the answer has heard of that before.
 */
#include "raw.h"

#include <signal.h>
#include <sys/wait.h>

#define NAME "com.example.Contested"
#define TAKE 7			/* may be replaced, replaces, does not queue */
#define CALLS 500

static void take(struct raw *c)
{
	raw_send(c, &(struct spec){
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "RequestName",
		.args = { NAME }, .has_u = true, .u = TAKE,
	});
}

/* Answers with the number of times it has had the name. */
static void answer(struct raw *c, const struct msg *m, uint32_t times)
{
	char to[64];

	snprintf(to, sizeof(to), "%.*s", (int)m->h.sender.len, m->h.sender.s);
	raw_send(c, &(struct spec){
		.type = DBUS_TYPE_RETURN, .flags = DBUS_FLAG_NO_REPLY,
		.destination = to, .reply_serial = m->h.f.serial,
		.has_u = true, .u = times,
	});
}

static _Noreturn void contender(int tell)
{
	struct raw *c = raw_open(false);
	uint32_t times = 0;
	bool owner = false;
	struct msg m;

	check(write(tell, c->name, sizeof(c->name)) == sizeof(c->name));
	take(c);
	for (;;) {
		raw_recv(c, &m);
		if (msg_is(&m, DBUS_TYPE_SIGNAL, "NameAcquired") &&
		    !strcmp(msg_str(&m), NAME)) {
			times++;
			owner = true;
		} else if (msg_is(&m, DBUS_TYPE_SIGNAL, "NameLost")) {
			owner = false;
			take(c);
		} else if (msg_is(&m, DBUS_TYPE_CALL, "Ask")) {
			check(owner);
			answer(c, &m, times);
		}
		msg_free(&m);
	}
}

/* The new owner, behind the name and the old one. */
static bool is_owner(const struct msg *m, const char *name)
{
	struct wire w;
	struct dbus_str s;

	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	wire_str(&w);
	wire_str(&w);
	s = wire_str(&w);
	check(!wire_error(&w));
	return dbus_str_eq(s, name, strlen(name));
}

int main(void)
{
	struct raw *c = raw_open(false);
	uint32_t heard[2] = { 0 }, serial;
	char names[2][32];
	pid_t pid[2];
	struct msg m;
	int up[2], i, n, who;

	raw_match(c, "type='signal',member='NameOwnerChanged',arg0='" NAME "'");
	check(!pipe(up));
	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		check(pid[i] >= 0);
		if (!pid[i])
			contender(up[1]);
		check(read(up[0], names[i], sizeof(names[i])) ==
		      sizeof(names[i]));
	}
	for (n = 0; n < CALLS;) {
		serial = raw_send(c, &(struct spec){
			.destination = NAME, .path = "/", .member = "Ask",
			.flags = DBUS_FLAG_NO_AUTO_START,
		});
		for (;;) {
			raw_recv(c, &m);
			for (i = 0; i < 2; i++)
				if (msg_is(&m, DBUS_TYPE_SIGNAL,
					   "NameOwnerChanged"))
					heard[i] += is_owner(&m, names[i]);
			if (m.h.reply_serial == serial)
				break;
			msg_free(&m);
		}
		/* Nobody has it at first. */
		if (m.h.f.type == DBUS_TYPE_RETURN) {
			who = dbus_str_eq(m.h.sender, names[1],
					  strlen(names[1]));
			check(dbus_str_eq(m.h.sender, names[who],
					  strlen(names[who])));
			check(heard[who] >= msg_u32(&m));
			n++;
		} else {
			check(!n && !heard[0] && !heard[1]);
		}
		msg_free(&m);
	}
	check(heard[0] > 1 && heard[1] > 1);
	for (i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	raw_close(c);
	return 0;
}
