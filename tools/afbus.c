// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *full;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "status", "afbus status", cmd_status,
	  "show a bus: its switch, counters and ports" },
	{ "listen", "afbus listen", cmd_listen,
	  "make a native bus and be its master" },
	{ "recv", "afbus recv", cmd_recv,
	  "print the messages of a native bus" },
	{ "send", "afbus send", cmd_send,
	  "send a message to a native bus" },
	{ "bench", "afbus bench", cmd_bench,
	  "measure buses side by side" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *f)
{
	size_t i;

	fprintf(f, "usage: afbus COMMAND [OPTION...]\n"
		   "       afbus --help | --version\n\n");
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n'afbus COMMAND --help' tells its options. See afbus(1).\n");
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("afbus %s\n", AFBUS_VERSION);
		return 0;
	}
	for (i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i].name)) {
			/* getopt's messages begin with it. */
			argv[1] = (char *)commands[i].full;
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "afbus: unknown command '%s'; try 'afbus --help'\n",
		argv[1]);
	return EXIT_USAGE;
}
