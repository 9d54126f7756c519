// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * AddMatch without waiting for its reply, then a call to a peer that
 * broadcasts before it answers: the signal is never missed. And after
 * RemoveMatch in the same way it never comes.
 */
#include "raw.h"

#include <sys/wait.h>

#define ROUNDS 300

static void peer(struct raw *c)
{
	struct msg m;
	int r;

	while ((r = raw_poll(c, &m, RAW_WAIT_MS)) > 0) {
		if (msg_is(&m, DBUS_TYPE_CALL, "Poke")) {
			raw_signal(c, "Poked", 0, 0);
			raw_reply(c, &m, 0);
		} else if (msg_is(&m, DBUS_TYPE_CALL, "Stop")) {
			_exit(0);
		}
		msg_free(&m);
	}
	_exit(1);
}

static void rule(struct raw *c, const char *member)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { "member='Poked'" },
	};

	raw_send(c, &s);
}

static uint32_t poke(struct raw *c, const char *to, const char *member)
{
	struct spec s = {
		.path = "/", .interface = "test.Iface", .member = member,
		.destination = to,
	};

	return raw_send(c, &s);
}

static bool heard(struct raw *c, uint32_t until)
{
	bool r = false;
	struct msg m;

	for (;;) {
		raw_recv(c, &m);
		if (m.h.reply_serial == until)
			break;
		r |= msg_is(&m, DBUS_TYPE_SIGNAL, "Poked");
		msg_free(&m);
	}
	msg_free(&m);
	return r;
}

int main(void)
{
	struct raw *p = raw_open(false), *c = raw_open(false);
	int i, status;

	if (!fork())
		peer(p);
	for (i = 0; i < ROUNDS; i++) {
		rule(c, "AddMatch");
		if (!heard(c, poke(c, p->name, "Poke")))
			fail("round %d: missed", i);
		rule(c, "RemoveMatch");
		if (heard(c, poke(c, p->name, "Poke")))
			fail("round %d: came without a rule", i);
	}
	poke(c, p->name, "Stop");
	check(wait(&status) > 0 && !status);
	raw_close(c);
	raw_close(p);
	return 0;
}
