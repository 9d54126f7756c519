// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * chat @ROOM: a line typed goes to everybody in the room, an open bus. All see
 * all lines in the same order, their own among them. Start it in two shells.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <afbus.h>

static int say(int bus)
{
	char line[1024];

	if (!fgets(line, sizeof(line), stdin))
		return -ENODATA;
	return afbus_send(bus, AFBUS_ALL, line, strlen(line), 0);
}

static int hear(int bus)
{
	char line[1024];
	struct afbus_msg m = { .data = line, .size = sizeof(line) };
	int err = afbus_msg_recv(bus, &m, 0);

	if (!err)
		printf("%" PRIu64 ": %.*s", m.from,
		       m.len < m.size ? (int)m.len : (int)m.size, line);
	return err;
}

int main(int argc, char **argv)
{
	int bus, err = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: chat @ROOM | chat PATH\n");
		return 2;
	}
	bus = afbus_member_open(argv[1], AFBUS_REPLACE);
	if (bus < 0)
		err = bus;
	setvbuf(stdin, NULL, _IONBF, 0);	/* poll() sees no buffer */
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!err) {
		struct pollfd p[] = { { bus, POLLIN, 0 }, { 0, POLLIN, 0 } };

		if (poll(p, 2, -1) > 0)
			err = p[0].revents ? hear(bus) : say(bus);
	}
	if (err == -ENODATA)
		return 0;
	fprintf(stderr, "chat: %s: %s\n", argv[1], strerror(-err));
	return 1;
}
