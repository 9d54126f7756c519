// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * broker-bus PATH: a bus of dbus-broker ($DBUS_BROKER) at a socket, until it
 * is told to end. Its own launcher needs systemd.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"

int main(int argc, char **argv)
{
	struct contestant c = { .name = "dbus-broker" };
	sigset_t set;
	int r, got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(c.address)) {
		fprintf(stderr, "usage: broker-bus PATH\n");
		return 2;
	}
	strcpy(c.address, argv[1]);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = broker_start(&c);
	if (r < 0) {
		fprintf(stderr, "broker-bus: %s\n", strerror(-r));
		return 1;
	}
	sigwait(&set, &got);
	if (c.pid > 0)
		kill(c.pid, SIGTERM);
	broker_stop(&c);
	return 0;
}
