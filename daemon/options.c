// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"

static const char usage[] =
	"usage: afbusd [--session | --system | --config-file=FILE] [OPTION...]\n"
	"  --session, --system       as " CONFIG_SESSION_FILE ",\n"
	"                            " CONFIG_SYSTEM_FILE " say\n"
	"  --config-file=FILE        as this file says\n"
	"  --address=ADDRESS         listen there; several are separated by ';'\n"
	"  --print-address[=FD]      print the address for clients\n"
	"  --print-pid[=FD]          print the process id\n"
	"  --fork, --nofork          go to the background, or do not\n"
	"  --nopidfile               write no file with the process id\n"
	"  --syslog, --nosyslog, --syslog-only\n"
	"                            log to the system log too, not, or only\n"
	"  --systemd-activation      let systemd start services\n"
	"  --switch=auto|kernel|user who moves the messages\n"
	"  --allow-anonymous         let clients in that do not say who they are\n"
	"  --persist=SECONDS         how long the bus outlives this daemon, in the kernel\n"
	"  --prepare                 leave a bus for the daemon to come, and end\n"
	"  --replace[=ADDRESS]       take over the bus that runs at this address\n"
	"  --fresh                   begin a new bus if what the last daemon has left\n"
	"                            cannot be taken over, instead of ending\n"
	"  --check-config            read the configuration, and end\n"
	"  --introspect              print the XML of the bus's object, and end\n"
	"  --version, --help\n"
	"Without a configuration everything is allowed, to the user of the bus.\n";

static int fail(const char *format, const char *a, const char *b)
{
	fprintf(stderr, "afbusd: ");
	fprintf(stderr, format, a, b);
	fprintf(stderr, "\n");
	return -EINVAL;
}

/* How an option is taken: an element of options[] below, and what it sets. */
struct opt {
	const char *name;
	int arg;		/* as in struct option */
	int (*take)(struct options *o, const struct opt *opt, char **argv);
	size_t offset;		/* in struct options */
	int value;
	const char *text;
};

#define FIELD(o, opt, type) (*(type *)((char *)(o) + (opt)->offset))

static int take_bool(struct options *o, const struct opt *opt, char **argv)
{
	FIELD(o, opt, bool) = opt->value;
	return 0;
}

static int take_fork(struct options *o, const struct opt *opt, char **argv)
{
	o->fork = (enum option_fork)opt->value;
	return 0;
}

static int take_syslog(struct options *o, const struct opt *opt, char **argv)
{
	o->syslog = (enum option_syslog)opt->value;
	return 0;
}

static int take_task(struct options *o, const struct opt *opt, char **argv)
{
	o->task = (enum option_task)opt->value;
	return 0;
}

static int take_config(struct options *o, const struct opt *opt, char **argv)
{
	if (o->config_file)
		return fail("--%s specified but configuration file %s already requested",
			    opt->name, o->config_file);
	o->config_file = opt->text ? opt->text : optarg;
	return 0;
}

static int take_address(struct options *o, const struct opt *opt, char **argv)
{
	if (o->address)
		return fail("--%s specified but address %s already requested",
			    opt->name, o->address);
	o->address = optarg;
	return 0;
}

/* Either "--print-x=FD" or, as dbus-daemon has it, "--print-x FD". */
static int take_fd(struct options *o, const struct opt *opt, char **argv)
{
	const char *text = optarg;
	char *end;
	long fd;

	if (FIELD(o, opt, int) >= 0)
		return fail("--%s is there twice%s", opt->name, "");
	FIELD(o, opt, int) = STDOUT_FILENO;
	if (!text && argv[optind] && argv[optind][0] >= '0' &&
	    argv[optind][0] <= '9')
		text = argv[optind++];
	if (!text)
		return 0;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || *end || !*text || fd < 0 || fd > INT_MAX)
		return fail("Invalid file descriptor: \"%s\"%s", text, "");
	FIELD(o, opt, int) = (int)fd;
	return 0;
}

static int take_switch(struct options *o, const struct opt *opt, char **argv)
{
	o->switch_kind = optarg;
	if (strcmp(optarg, "auto") && strcmp(optarg, "kernel") &&
	    strcmp(optarg, "user"))
		return fail("--switch is auto, kernel or user, not \"%s\"%s",
			    optarg, "");
	return 0;
}

#define PERSIST_MAX 3600

static int take_persist(struct options *o, const struct opt *opt, char **argv)
{
	char *end;
	long n = strtol(optarg, &end, 10);

	if (*end || !*optarg || n < 0 || n > PERSIST_MAX)
		return fail("--persist takes seconds, up to 3600, not \"%s\"%s",
			    optarg, "");
	o->persist = (unsigned int)n;
	return 0;
}

static int take_replace(struct options *o, const struct opt *opt, char **argv)
{
	o->replace = optarg ? optarg : "";
	return 0;
}

static int take_state(struct options *o, const struct opt *opt, char **argv)
{
	char *end;
	long fd = strtol(optarg, &end, 10);

	if (*end || !*optarg || fd < -1 || fd > INT_MAX)
		return fail("Invalid file descriptor: \"%s\"%s", optarg, "");
	o->task = TASK_CHECK_STATE;
	o->state_fd = (int)fd;
	return 0;
}

static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int take_version(struct options *o, const struct opt *opt, char **argv)
{
	print_and_exit("afbusd " AFBUS_VERSION "\n");
	return 0;
}

static int take_help(struct options *o, const struct opt *opt, char **argv)
{
	print_and_exit(usage);
	return 0;
}

#define AT(field) offsetof(struct options, field)

static const struct opt options[] = {
	{ "session", no_argument, take_config, .text = CONFIG_SESSION_FILE },
	{ "system", no_argument, take_config, .text = CONFIG_SYSTEM_FILE },
	{ "config-file", required_argument, take_config },
	{ "address", required_argument, take_address },
	{ "print-address", optional_argument, take_fd, AT(address_fd) },
	{ "print-pid", optional_argument, take_fd, AT(pid_fd) },
	{ "fork", no_argument, take_fork, 0, FORK_ALWAYS },
	{ "nofork", no_argument, take_fork, 0, FORK_NEVER },
	{ "nopidfile", no_argument, take_bool, AT(pidfile), false },
	{ "syslog", no_argument, take_syslog, 0, SYSLOG_TOO },
	{ "nosyslog", no_argument, take_syslog, 0, SYSLOG_NEVER },
	{ "syslog-only", no_argument, take_syslog, 0, SYSLOG_ONLY },
	{ "systemd-activation", no_argument, take_bool,
	  AT(systemd_activation), true },
	{ "switch", required_argument, take_switch },
	{ "allow-anonymous", no_argument, take_bool, AT(allow_anonymous),
	  true },
	{ "fresh", no_argument, take_bool, AT(fresh), true },
	{ "persist", required_argument, take_persist },
	{ "prepare", no_argument, take_task, 0, TASK_PREPARE },
	{ "replace", optional_argument, take_replace },
	{ "check-state", required_argument, take_state },
	{ "check-config", no_argument, take_task, 0, TASK_CHECK_CONFIG },
	{ "introspect", no_argument, take_task, 0, TASK_INTROSPECT },
	{ "version", no_argument, take_version },
	{ "help", no_argument, take_help },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))
#define FIRST_OPTION 256	/* getopt_long() shall return no character */

static int take_option(struct options *o, int found, char **argv)
{
	const struct opt *opt;

	if (found == 'h')
		print_and_exit(usage);
	if (found < FIRST_OPTION) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	opt = &options[found - FIRST_OPTION];
	return opt->take(o, opt, argv);
}

int options_parse(struct options *o, int argc, char **argv)
{
	struct option list[N_OPTIONS + 1] = { 0 };
	int found, err;
	size_t i;

	for (i = 0; i < N_OPTIONS; i++)
		list[i] = (struct option){ options[i].name, options[i].arg,
					   NULL, (int)(FIRST_OPTION + i) };
	*o = (struct options){
		.switch_kind = "auto",
		.address_fd = -1,
		.pid_fd = -1,
		.state_fd = -1,
		.pidfile = true,
	};
	while ((found = getopt_long(argc, argv, "h", list, NULL)) != -1) {
		err = take_option(o, found, argv);
		if (err)
			return err;
	}
	if (optind < argc)
		return fail("unexpected argument \"%s\"%s", argv[optind], "");
	return 0;
}
