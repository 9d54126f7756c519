// SPDX-License-Identifier: LGPL-2.1-or-later
/* The modules cannot be unloaded while in use, can be after, even right after
 * heavy traffic, and come again. */
#include "bus-test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static void *shout(void *arg)
{
	static _Atomic uint32_t serial;
	struct client *c = arg;
	int i;

	/* A serial that still waits for its answer would be refused. */
	for (i = 1; i < 300; i++)
		test_call(c, c->name, ++serial, 100);
	return NULL;
}

static void traffic(int bus)
{
	struct client c = test_client(bus, 0);
	pthread_t t[4];
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, shout, &c);
	check_err(unload("af_bus_dbus"), EWOULDBLOCK);
	check_err(unload("af_bus"), EWOULDBLOCK);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	/* Its queue is full of messages that outlive the bus. */
}

int main(void)
{
	int round, tries, bus;

	if (getuid())
		return TEST_SKIP;
	for (round = 0; round < 3; round++) {
		bus = test_bus();
		traffic(bus);
		close(bus);
		/* Workers let go of the last ports in their own time. */
		for (tries = 0; unload("af_bus_dbus"); tries++) {
			check(tries < 100);
			usleep(50000);
		}
		check(!unload("af_bus"));
		/* The number of the family loads it by its alias. */
		bus = test_bus();
		close(bus);
	}
	return 0;
}
