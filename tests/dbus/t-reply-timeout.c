// SPDX-License-Identifier: LGPL-2.1-or-later
/* The bus does not wait for ever for an answer, if it is told so. */
#include "conf.h"

int main(void)
{
	struct raw *a, *b;
	struct spec s = { .path = "/", .member = "Call" };
	uint32_t serial[3];
	struct msg m;
	int i;

	conf_need_policy();
	a = raw_open(false);
	b = raw_open(false);
	s.destination = b->name;
	for (i = 0; i < 3; i++)
		serial[i] = raw_send(a, &s);
	/* Who does answer is not late. */
	raw_recv_member(b, &m, "Call");
	raw_reply(b, &m, 0);
	msg_free(&m);
	raw_recv_reply(a, &m, serial[0]);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	for (i = 1; i < 3; i++)
		conf_expect_error(a, serial[i], "NoReply",
				  "Message did not receive a reply (timeout by message bus)");
	raw_close(b);
	raw_ping(a);
	raw_expect_silence(a, 50);
	raw_close(a);
	return 0;
}
