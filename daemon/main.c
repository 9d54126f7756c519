// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbusd, the bus master: options, going to the background, the life of the
 * event loop. Options are dbus-daemon's where it has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/bus.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/service_spawn.h"

struct options {
	enum bus_type type;
	const char *address;
	const char *switch_kind;
	int address_fd;			/* -1: do not print */
	int pid_fd;
	bool fork;
	bool syslog;
	bool syslog_only;
	bool nosyslog;
	bool allow_anonymous;
};

static const char usage[] =
	"usage: afbusd [--session | --system] [OPTION...]\n"
	"  --address=ADDRESS         listen there; several are separated by ';'\n"
	"  --print-address[=FD]      print the address for clients\n"
	"  --print-pid[=FD]          print the process id\n"
	"  --fork, --nofork          go to the background, or do not (default)\n"
	"  --syslog, --nosyslog, --syslog-only\n"
	"  --switch=auto|kernel|user who moves the messages\n"
	"  --allow-anonymous         let clients in that do not say who they are\n"
	"  --version, --help\n";

static int fail(const char *format, const char *arg)
{
	fprintf(stderr, "afbusd: ");
	fprintf(stderr, format, arg);
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
};

#define FIELD(o, opt, type) (*(type *)((char *)(o) + (opt)->offset))

static int take_nothing(struct options *o, const struct opt *opt, char **argv)
{
	return 0;
}

static int take_bool(struct options *o, const struct opt *opt, char **argv)
{
	FIELD(o, opt, bool) = opt->value;
	return 0;
}

static int take_type(struct options *o, const struct opt *opt, char **argv)
{
	o->type = (enum bus_type)opt->value;
	return 0;
}

static int take_text(struct options *o, const struct opt *opt, char **argv)
{
	FIELD(o, opt, const char *) = optarg;
	return 0;
}

/* Either "--print-x=FD" or, as dbus-daemon has it, "--print-x FD". */
static int take_fd(struct options *o, const struct opt *opt, char **argv)
{
	const char *text = optarg;
	char *end;
	long fd;

	FIELD(o, opt, int) = STDOUT_FILENO;
	if (!text && argv[optind] && argv[optind][0] >= '0' &&
	    argv[optind][0] <= '9')
		text = argv[optind++];
	if (!text)
		return 0;
	fd = strtol(text, &end, 10);
	if (*end || !*text || fd < 0 || fd > 65535)
		return fail("Invalid file descriptor: \"%s\"", text);
	FIELD(o, opt, int) = (int)fd;
	return 0;
}

static int take_switch(struct options *o, const struct opt *opt, char **argv)
{
	o->switch_kind = optarg;
	if (strcmp(optarg, "auto") && strcmp(optarg, "kernel") &&
	    strcmp(optarg, "user"))
		return fail("--switch is auto, kernel or user, not \"%s\"",
			    optarg);
	return 0;
}

static int take_config(struct options *o, const struct opt *opt, char **argv)
{
	return fail("configuration files are not read yet: \"%s\"", optarg);
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
	{ "session", no_argument, take_type, 0, BUS_TYPE_SESSION },
	{ "system", no_argument, take_type, 0, BUS_TYPE_SYSTEM },
	{ "config-file", required_argument, take_config },
	{ "address", required_argument, take_text, AT(address) },
	{ "print-address", optional_argument, take_fd, AT(address_fd) },
	{ "print-pid", optional_argument, take_fd, AT(pid_fd) },
	{ "fork", no_argument, take_bool, AT(fork), true },
	{ "nofork", no_argument, take_bool, AT(fork), false },
	{ "syslog", no_argument, take_bool, AT(syslog), true },
	{ "nosyslog", no_argument, take_bool, AT(nosyslog), true },
	{ "syslog-only", no_argument, take_bool, AT(syslog_only), true },
	{ "nopidfile", no_argument, take_nothing },
	{ "systemd-activation", no_argument, take_nothing },
	{ "switch", required_argument, take_switch },
	{ "allow-anonymous", no_argument, take_bool, AT(allow_anonymous),
	  true },
	{ "version", no_argument, take_version },
	{ "help", no_argument, take_help },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))
#define FIRST_OPTION 256	/* getopt_long() shall return no character */

static int take_option(struct options *o, int found, char **argv)
{
	const struct opt *opt = options + (found - FIRST_OPTION);

	if (found < FIRST_OPTION) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	return opt->take(o, opt, argv);
}

static const char *default_address(enum bus_type type)
{
	if (sd_listen_fds(0) > 0)
		return "systemd:";
	return type == BUS_TYPE_SYSTEM ?
	       "unix:path=/run/dbus/system_bus_socket" : "unix:tmpdir=/tmp";
}

static int parse_options(struct options *o, int argc, char **argv)
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
	};
	while ((found = getopt_long(argc, argv, "", list, NULL)) != -1) {
		err = take_option(o, found, argv);
		if (err)
			return err;
	}
	if (optind < argc)
		return fail("unexpected argument \"%s\"", argv[optind]);
	if (!o->address)
		o->address = default_address(o->type);
	return 0;
}

static int print_line(int fd, const char *text)
{
	if (fd < 0)
		return 0;
	if (dprintf(fd, "%s\n", text) < 0)
		return log_errno(-errno, "cannot print to descriptor %d", fd);
	/* Whoever reads it may wait for the end. */
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

static int print_about_us(const struct options *o, const char *address)
{
	char pid[16];
	int err;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (o->address_fd >= 0 && o->address_fd == o->pid_fd) {
		dprintf(o->address_fd, "%s\n", address);
		return print_line(o->pid_fd, pid);
	}
	err = print_line(o->address_fd, address);
	return err ? err : print_line(o->pid_fd, pid);
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si,
		   void *ctx)
{
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si,
		     void *ctx)
{
	log_info("nothing to reload");
	return 0;
}

static int add_signals(sd_event *event)
{
	int err = sd_event_add_signal(event, NULL, SIGTERM, on_stop, NULL);

	if (err >= 0)
		err = sd_event_add_signal(event, NULL, SIGINT, on_stop, NULL);
	if (err >= 0)
		err = sd_event_add_signal(event, NULL, SIGHUP, on_reload, NULL);
	return err < 0 ? log_errno(err, "cannot handle signals") : 0;
}

/* From here on nobody waits for us any more. */
static void ready(const struct options *o, int parent)
{
	int null;

	sd_notify(0, "READY=1");
	if (!o->fork)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(parent, "", 1) != 1)
		log_warning("the parent did not wait");
	close(parent);
}

static int serve_bus(const struct options *o, struct listeners *l,
		     sd_event *event, const struct bus_config *config,
		     int parent)
{
	struct bus *bus;
	int err = bus_new(&bus, event, config);

	if (err)
		return err;
	err = listeners_start(l, bus);
	if (!err)
		err = add_signals(event);
	if (!err)
		err = print_about_us(o, config->address);
	if (!err) {
		ready(o, parent);
		err = sd_event_loop(event);
		if (err < 0)
			log_errno(err, "the event loop failed");
		sd_notify(0, "STOPPING=1");
	}
	listeners_close(l);
	bus_free(bus);
	return err;
}

static uint64_t env_number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Until there are configuration files; tests want to reach limits soon. */
static void limits_from_env(struct bus_limits *l)
{
	l->queue_bytes = env_number("AFBUSD_QUEUE_BYTES");
	l->stall_ms = (uint32_t)env_number("AFBUSD_STALL_MS");
}

/* Owns @l. */
static int serve(const struct options *o, struct listeners *l, int parent)
{
	struct bus_config config = {
		.type = o->type,
		.allow_anonymous = o->allow_anonymous,
		.switch_kind = o->switch_kind,
	};
	sd_event *event = NULL;
	char *address;
	int err;

	bus_limits_default(&config.limits, o->type);
	limits_from_env(&config.switch_limits);
	bus_guid_new(config.guid);
	address = listeners_address(l, config.guid);
	config.address = address;
	err = address ? sd_event_new(&event) : -ENOMEM;
	if (err < 0) {
		listeners_close(l);
		log_errno(err, "cannot start");
	} else {
		err = serve_bus(o, l, event, &config, parent);
	}
	sd_event_unref(event);
	free(address);
	return err;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Every connection takes descriptors. */
static void raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* The parent leaves when the child is ready; its exit status says whether. */
static int wait_for_child(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns in the child, with *@parent to tell that it is ready. */
static int go_to_background(int *parent)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return log_errno(-errno, "cannot make a pipe");
	pid = fork();
	if (pid < 0)
		return log_errno(-errno, "cannot fork");
	if (pid) {
		close(fds[1]);
		_exit(wait_for_child(fds[0]));
	}
	close(fds[0]);
	setsid();
	*parent = fds[1];
	return 0;
}

int main(int argc, char **argv)
{
	struct listeners *l;
	struct options o;
	int parent = -1;

	if (parse_options(&o, argc, argv) < 0)
		return EXIT_FAILURE;
	log_open(!o.syslog_only, (o.syslog || o.syslog_only || o.fork) &&
		 !o.nosyslog);
	block_signals();
	spawn_remember_limits();
	raise_limits();
	if (listeners_open(&l, o.address) < 0)
		return EXIT_FAILURE;
	if (o.fork && go_to_background(&parent) < 0) {
		listeners_close(l);
		return EXIT_FAILURE;
	}
	return serve(&o, l, parent) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
