// SPDX-License-Identifier: LGPL-2.1-or-later
/* The bus does not wait for ever for an answer, if it is told so. */
#include "conf.h"

#define LATE "Message did not receive a reply (timeout by message bus)"

int main(void)
{
	struct raw *a, *b;
	struct spec s = { .path = "/", .member = "Call" };
	uint32_t serial[3];
	bool late[3] = { false };
	struct msg m;
	int i, n;

	conf_need();
	a = raw_open(false);
	b = raw_open(false);
	s.destination = b->name;
	for (i = 0; i < 3; i++)
		serial[i] = raw_send(a, &s);
	/* In any order, each once. */
	for (n = 0; n < 3; n++) {
		raw_recv(a, &m);
		check(m.h.f.type == DBUS_TYPE_ERROR);
		check(dbus_str_eq(m.h.error_name, E "NoReply",
				  strlen(E "NoReply")));
		check(!strcmp(msg_str(&m), LATE));
		for (i = 0; serial[i] != m.h.reply_serial; i++)
			check(i < 2);
		check(!late[i]);
		late[i] = true;
		msg_free(&m);
	}
	/* The callee is there all the time. */
	for (i = 0; i < 3; i++) {
		raw_recv_member(b, &m, "Call");
		msg_free(&m);
	}
	raw_close(b);
	raw_ping(a);
	raw_close(a);
	return 0;
}
