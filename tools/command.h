/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* afbus: one program, a subcommand a file. */
#ifndef AFBUS_TOOLS_COMMAND_H
#define AFBUS_TOOLS_COMMAND_H

#define EXIT_USAGE 2

/* Each gets its arguments with its own name as argv[0], and returns the exit
 * status. */
int cmd_status(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_listen(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_send(int argc, char **argv);

#endif
