// SPDX-License-Identifier: LGPL-2.1-or-later
/* Malformed input costs its sender the connection, and nobody else. */
#include "bus-test.h"

#include <string.h>
#include <unistd.h>

#define BAD BUS_REASON_PROTOCOL
#define LONG BUS_REASON_TOO_LONG

static const struct {
	size_t off;
	uint8_t val;
	enum bus_reason reason;
} bad[] = {
	{ 0, 'x', BAD },		/* byte order */
	{ 1, 0, BAD },		/* type */
	{ 3, 2, BAD },		/* version */
	{ 7, 0xff, LONG },		/* body length */
	{ 8, 0, BAD },		/* serial 0 (it was 1) */
	{ 15, 0x40, LONG },		/* fields length */
	{ 16, 0, BAD },		/* field code */
	{ 17, 200, BAD },		/* signature's length */
	{ 18, 'z', BAD },		/* signature */
	{ 24, 'x', BAD },		/* path */
};

static void still_fine(struct client *a, struct client *b)
{
	static uint32_t serial = 5;
	struct msg m;

	/* The same serial again would be refused: nobody answers. */
	test_call(a, b->name, serial++, 10);
	check(test_recv(b, &m));
	msg_free(&m);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, 0), b = test_client(bus, 0), c;
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 1, .path = "/abcdefgh",
		.member = "M", .destination = b.name, .body = 20,
	};
	uint8_t noise[5000];
	struct msg m;
	uint8_t *data;
	size_t len, i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = test_client(bus, 0);
		data = test_build(&s, &len);
		data[bad[i].off] = bad[i].val;
		test_send_bytes(c.fd, data, len, NULL, 0);
		free(data);
		test_expect_closed(bus, c.addr, bad[i].reason);
		check(!test_recv(&c, &m));
		close(c.fd);
		still_fine(&a, &b);
	}
	srand(1);
	for (i = 0; i < 200; i++) {
		size_t j;

		c = test_client(bus, 0);
		data = test_build(&s, &len);
		for (j = 0; j < sizeof(noise); j++)
			noise[j] = j < len && rand() % 40 ? data[j] : rand();
		free(data);
		send(c.fd, noise, 1 + rand() % sizeof(noise), MSG_NOSIGNAL);
		close(c.fd);
		do {
			test_master_recv(bus, &m);
			if (m.info.kind == BUS_KIND_MESSAGE)
				check(!test_update(bus, BUS_REC_RESUME,
						   m.info.addr, 0, NULL));
			msg_free(&m);
		} while (m.info.kind == BUS_KIND_MESSAGE);
		check(m.info.addr == c.addr);
		check(!test_update(bus, BUS_REC_CLOSE, c.addr, 0, NULL));
	}
	/* Some of the noise was valid messages to b. */
	test_call(&a, b.name, 12345, 10);
	do {
		check(test_recv(&b, &m));
		msg_free(&m);
	} while (m.h.f.serial != 12345);
	return 0;
}
