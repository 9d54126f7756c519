// SPDX-License-Identifier: LGPL-2.1-or-later
/* Clients that die in the middle of a message: the others go on. */
#include "raw.h"

#include <signal.h>
#include <sys/wait.h>

/* The child writes the first @part bytes of a message and is killed. */
static void die_after(struct raw *to, size_t bytes, size_t part)
{
	int ready[2], status;
	struct raw *c;
	uint8_t *data;
	size_t len;
	pid_t pid;
	char x;

	check(!pipe(ready));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		struct spec s = {
			.path = "/", .interface = "test.Kill", .member = "Half",
			.destination = to->name, .bytes = bytes,
		};

		c = raw_open(true);
		data = raw_build(c, &s, &len);
		check(part < len);
		raw_write(c, data, part, NULL, 0);
		check(write(ready[1], "", 1) == 1);
		pause();
	}
	check(read(ready[0], &x, 1) == 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	static const size_t parts[] = { 1, 15, 16, 17, 60, 150 };
	struct raw *a = raw_open(true), *b = raw_open(false);
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		die_after(b, 200, parts[i]);
		raw_ping_peer(a, b);
	}
	die_after(b, 1 << 20, 1000);
	raw_ping_peer(a, b);
	die_after(b, 10 << 20, 5 << 20);
	raw_ping_peer(a, b);
	raw_ping_peer(b, a);
	raw_expect_silence(b, 100);
	raw_close(a);
	raw_close(b);
	return 0;
}
