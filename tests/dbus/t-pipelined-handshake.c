// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The handshake and what follows it in one write, and byte by byte: neither
 * ends where a read does.
 */
#include "raw.h"

#define NAME "test.pipelined.Name"

struct bytes {
	uint8_t p[8192];
	size_t len;
};

static void add(struct bytes *b, struct raw *c, const struct spec *s)
{
	size_t len;
	uint8_t *data = raw_build(c, s, &len);

	memcpy(b->p + b->len, data, len);
	b->len += len;
	free(data);
}

static struct spec driver(const char *member, const char *arg)
{
	return (struct spec){
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { arg },
	};
}

/* Hello is 1, RequestName 2, AddMatch 3, the signal 4, GetNameOwner 5. */
static void script(struct bytes *b, struct raw *c, bool pass_fds)
{
	struct spec hello = driver("Hello", NULL);
	struct spec name = driver("RequestName", NAME);
	struct spec match = driver("AddMatch", "interface='test.Pipe'");
	struct spec owner = driver("GetNameOwner", NAME);
	struct spec sig = {
		.type = DBUS_TYPE_SIGNAL, .path = "/", .interface = "test.Pipe",
		.member = "Own",
	};

	name.has_u = true;
	b->len = raw_handshake((char *)b->p, sizeof(b->p), pass_fds);
	add(b, c, &hello);
	add(b, c, &name);
	add(b, c, &match);
	add(b, c, &sig);
	add(b, c, &owner);
}

static void answers(struct raw *c, bool pass_fds)
{
	struct msg m;

	raw_answers(c, pass_fds ? 2 : 1);
	raw_recv_reply(c, &m, 1);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	snprintf(c->name, sizeof(c->name), "%s", msg_str(&m));
	msg_free(&m);
	raw_recv_reply(c, &m, 2);
	check(msg_u32(&m) == 1);
	msg_free(&m);
	raw_recv_reply(c, &m, 3);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
	raw_recv(c, &m);
	check(msg_is(&m, DBUS_TYPE_SIGNAL, "Own"));
	msg_free(&m);
	raw_recv_reply(c, &m, 5);
	check(!strcmp(msg_str(&m), c->name));
	msg_free(&m);
}

static void one(bool pass_fds, size_t step)
{
	struct raw *c = raw_wrap(raw_dial());
	struct bytes b;
	size_t i, n;

	script(&b, c, pass_fds);
	for (i = 0; i < b.len; i += n) {
		n = b.len - i < step ? b.len - i : step;
		raw_write(c, b.p + i, n, NULL, 0);
		if (step < 100)
			usleep(100);
	}
	answers(c, pass_fds);
	raw_ping(c);
	raw_release_name(c, NAME);
	raw_close(c);
}

int main(void)
{
	static const size_t steps[] = { 8192, 1, 7, 100, 33 };
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		one(false, steps[i]);
		one(true, steps[i]);
	}
	return 0;
}
