// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bus that nobody takes over ends when its time is up, with all that is on it,
 * as if its master had only then gone; until then its modules stay. Nothing
 * stays behind.
 */
#include "bus-test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static void expect_end(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char x[4096];

	do {
		check(poll(&p, 1, TEST_WAIT_MS) == 1);
	} while (recv(fd, x, sizeof(x), 0) > 0);
}

/* Something of every kind is on it: read and unread messages with files, an
 * end, a native client and one that waits to be accepted. */
static void fill(int bus, struct client *c, int *files)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
		.member = "M", .destination = DBUS_DRIVER_NAME,
		.unix_fds = 1, .body = 10,
	};
	struct client gone = test_client(bus, 0);
	struct msg m;
	int i;

	check(!pipe(files) && !listen(bus, 5));
	for (i = 0; i < 3; i++)
		c[i] = test_client(bus, BUS_ATTACH_FDS);
	c[3] = test_native(bus);
	for (i = 0; i < 4; i++)
		test_send(c[i].fd, &s, &files[1], 1);
	close(files[1]);
	close(gone.fd);
	for (i = 0; i < 2; i++) {
		test_master_recv(bus, &m);
		msg_free(&m);
	}
	c[4].fd = test_connect(bus);
}

static void let_go(struct client *c, int *files)
{
	char x;
	int i;

	for (i = 0; i < 5; i++)
		expect_end(c[i].fd);
	/* The files went with their messages. */
	check(read(files[0], &x, 1) == 0);
	close(files[0]);
	for (i = 0; i < 5; i++)
		close(c[i].fd);
}

static void ends(uint32_t ms)
{
	int bus = test_bus(), files[2], i;
	struct sockaddr_bus sa;
	struct client c[5];

	fill(bus, c, files);
	sa = test_persist(bus, ms);
	close(bus);
	let_go(c, files);
	/* The name is free for another bus. */
	bus = test_bind(&sa);
	check(bus >= 0 && !test_outage(bus).takeovers);
	check(!test_stats(bus).ports);
	close(bus);
	/* Workers let go of the last ports in their own time. */
	for (i = 0; unload("af_bus_dbus"); i++) {
		check(i < 200);
		usleep(50000);
	}
	check(!unload("af_bus"));
}

static void modules_stay(void)
{
	int bus = test_bus(), files[2];
	struct sockaddr_bus sa;
	struct client c[5];

	fill(bus, c, files);
	sa = test_persist(bus, 3600000);
	close(bus);
	check_err(unload("af_bus_dbus"), EWOULDBLOCK);
	check_err(unload("af_bus"), EWOULDBLOCK);
	/* The time is that of the last outage. */
	bus = test_take_over(&sa);
	test_persist(bus, 1);
	close(bus);
	let_go(c, files);
}

/* Each outage has its own time: one ends, the next is as long again. */
static void clock_starts_again(void)
{
	int bus = test_bus(), i;
	struct client a = test_client(bus, 0), b = test_client(bus, 0);
	struct sockaddr_bus sa = test_persist(bus, 3600000);
	struct msg m;

	for (i = 1; i < 20; i++) {
		close(bus);
		bus = test_take_over(&sa);
		/* A clock that is too old by now may run out. */
		test_persist(bus, i % 2 ? 3600000 : 1000);
		test_call(&a, b.name, i, 10);
		check(test_recv(&b, &m));
		msg_free(&m);
	}
	test_persist(bus, 1);
	close(bus);
	expect_end(a.fd);
	expect_end(b.fd);
	close(a.fd);
	close(b.fd);
}

int main(void)
{
	if (getuid())
		return TEST_SKIP;
	ends(1);
	ends(300);
	modules_stay();
	clock_starts_again();
	return 0;
}
