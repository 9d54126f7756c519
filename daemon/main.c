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

enum {
	OPT_SESSION = 256,
	OPT_SYSTEM,
	OPT_CONFIG,
	OPT_ADDRESS,
	OPT_PRINT_ADDRESS,
	OPT_PRINT_PID,
	OPT_FORK,
	OPT_NOFORK,
	OPT_SYSLOG,
	OPT_NOSYSLOG,
	OPT_SYSLOG_ONLY,
	OPT_IGNORED,
	OPT_SWITCH,
	OPT_ANONYMOUS,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "session", no_argument, NULL, OPT_SESSION },
	{ "system", no_argument, NULL, OPT_SYSTEM },
	{ "config-file", required_argument, NULL, OPT_CONFIG },
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "print-address", optional_argument, NULL, OPT_PRINT_ADDRESS },
	{ "print-pid", optional_argument, NULL, OPT_PRINT_PID },
	{ "fork", no_argument, NULL, OPT_FORK },
	{ "nofork", no_argument, NULL, OPT_NOFORK },
	{ "syslog", no_argument, NULL, OPT_SYSLOG },
	{ "nosyslog", no_argument, NULL, OPT_NOSYSLOG },
	{ "syslog-only", no_argument, NULL, OPT_SYSLOG_ONLY },
	{ "nopidfile", no_argument, NULL, OPT_IGNORED },
	{ "systemd-activation", no_argument, NULL, OPT_IGNORED },
	{ "switch", required_argument, NULL, OPT_SWITCH },
	{ "allow-anonymous", no_argument, NULL, OPT_ANONYMOUS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL },
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

/* Either "--print-x=FD" or, as dbus-daemon has it, "--print-x FD". */
static int fd_arg(int *ret, char **argv)
{
	const char *text = optarg;
	char *end;
	long fd;

	*ret = STDOUT_FILENO;
	if (!text && argv[optind] && argv[optind][0] >= '0' &&
	    argv[optind][0] <= '9')
		text = argv[optind++];
	if (!text)
		return 0;
	fd = strtol(text, &end, 10);
	if (*end || !*text || fd < 0 || fd > 65535)
		return fail("Invalid file descriptor: \"%s\"", text);
	*ret = (int)fd;
	return 0;
}

static int switch_arg(struct options *o)
{
	o->switch_kind = optarg;
	if (strcmp(optarg, "auto") && strcmp(optarg, "kernel") &&
	    strcmp(optarg, "user"))
		return fail("--switch is auto, kernel or user, not \"%s\"",
			    optarg);
	return 0;
}

static void print_and_exit(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int set_option(struct options *o, int opt, char **argv)
{
	switch (opt) {
	case OPT_SESSION:
		o->type = BUS_TYPE_SESSION;
		return 0;
	case OPT_SYSTEM:
		o->type = BUS_TYPE_SYSTEM;
		return 0;
	case OPT_CONFIG:
		return fail("configuration files are not read yet: \"%s\"",
			    optarg);
	case OPT_ADDRESS:
		o->address = optarg;
		return 0;
	case OPT_PRINT_ADDRESS:
		return fd_arg(&o->address_fd, argv);
	case OPT_PRINT_PID:
		return fd_arg(&o->pid_fd, argv);
	case OPT_FORK:
	case OPT_NOFORK:
		o->fork = opt == OPT_FORK;
		return 0;
	case OPT_SYSLOG:
		o->syslog = true;
		return 0;
	case OPT_SYSLOG_ONLY:
		o->syslog_only = true;
		return 0;
	case OPT_NOSYSLOG:
		o->nosyslog = true;
		return 0;
	case OPT_IGNORED:
		return 0;
	case OPT_SWITCH:
		return switch_arg(o);
	case OPT_ANONYMOUS:
		o->allow_anonymous = true;
		return 0;
	case OPT_VERSION:
		print_and_exit("afbusd " AFBUS_VERSION "\n");
		return 0;
	case OPT_HELP:
		print_and_exit(usage);
		return 0;
	default:
		fputs(usage, stderr);
		return -EINVAL;
	}
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
	int opt, err;

	*o = (struct options){
		.switch_kind = "auto",
		.address_fd = -1,
		.pid_fd = -1,
	};
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		err = set_option(o, opt, argv);
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
	raise_limits();
	if (listeners_open(&l, o.address) < 0)
		return EXIT_FAILURE;
	if (o.fork && go_to_background(&parent) < 0) {
		listeners_close(l);
		return EXIT_FAILURE;
	}
	return serve(&o, l, parent) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
