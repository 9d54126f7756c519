// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbusd, the bus master: from the command line and the configuration to the
 * event loop, and to its end. The order of things is dbus-daemon's: the
 * sockets are made before the user is changed, and whoever waits for the
 * start of the bus is told when it listens.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/bus.h"
#include "daemon/config_reload.h"
#include "daemon/driver.h"
#include "daemon/handover.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/privileges.h"
#include "daemon/sasl.h"
#include "daemon/service_spawn.h"

struct start {
	struct options o;
	struct bus *bus;		/* while it is served */
	struct config *config;
	struct listeners *listeners;
	unsigned int mechanisms;	/* SASL_* */
	struct account account;		/* with config->user */
	bool background;
	bool syslog;
	char *pidfile;			/* NULL: none */
	int pidfile_fd;			/* until we are sure; or -1 */
	bool has_pidfile;		/* it is ours */
	char *config_path;		/* absolute; NULL: none */
	int parent;			/* who waits for the start, or -1 */
	char *program;			/* as it is called; NULL: unknown */
	char **argv;
	struct handover handover;	/* of a predecessor */
	bool taking_over;		/* there was one */
	bool took_over;			/* and we are it */
	bool restarted;			/* it was this process */
	int channel;			/* of --replace, or -1 */
};

/* ---- telling that we are there ---- */

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

/* While we may still make it. A predecessor's is there. */
static int open_pidfile(struct start *s)
{
	int how = s->taking_over ? 0 : O_EXCL;

	if (!s->pidfile)
		return 0;
	s->pidfile_fd = open(s->pidfile, O_WRONLY | O_CREAT | O_CLOEXEC | how,
			     0644);
	if (s->pidfile_fd < 0)
		return log_errno(-errno, "cannot create pid file \"%s\"",
				 s->pidfile);
	s->has_pidfile = !s->taking_over;
	return 0;
}

static int write_pidfile(struct start *s)
{
	int err = 0;

	if (s->pidfile_fd < 0)
		return 0;
	s->has_pidfile = true;
	if (ftruncate(s->pidfile_fd, 0) < 0 ||
	    dprintf(s->pidfile_fd, "%d\n", (int)getpid()) < 0)
		err = log_errno(-errno, "cannot write pid file \"%s\"",
				s->pidfile);
	close(s->pidfile_fd);
	s->pidfile_fd = -1;
	return err;
}

static void ready(struct start *s)
{
	int null;

	s->took_over = s->taking_over;
	if (s->taking_over)
		handover_settled();
	sd_notify(0, "READY=1");
	if (!s->background || s->restarted)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (write(s->parent, "", 1) != 1)
		log_warning("the parent did not wait");
	close(s->parent);
}

/* ---- the life of the bus ---- */

/* A service manager that stops us may be about to start us again. */
static int on_stop(sd_event_source *src, const struct signalfd_siginfo *si,
		   void *ctx)
{
	struct bus *bus = ctx;
	int r = handover_store(bus);

	if (r < 0)
		log_errno(r, "cannot leave the bus with the service manager: it ends");
	bus->handed_over = r > 0;
	return sd_event_exit(bus->event, 0);
}

static int on_restart(sd_event_source *src, const struct signalfd_siginfo *si,
		      void *ctx)
{
	struct start *s = ctx;

	handover_exec(s->bus, s->program, s->argv);
	return 0;
}

static int on_reload(sd_event_source *src, const struct signalfd_siginfo *si,
		     void *ctx)
{
	char why[CONFIG_WHY_MAX];

	bus_reload_config(ctx, why);
	return 0;
}

static int on_interrupt(sd_event_source *src,
			const struct signalfd_siginfo *si, void *ctx)
{
	return sd_event_exit(sd_event_source_get_event(src), 0);
}

static int add_signals(sd_event *event, struct start *s, struct bus *bus)
{
	int err = sd_event_add_signal(event, NULL, SIGTERM, on_stop, bus);

	s->bus = bus;
	if (err >= 0)
		err = sd_event_add_signal(event, NULL, SIGINT, on_interrupt,
					  NULL);
	if (err >= 0)
		err = sd_event_add_signal(event, NULL, SIGUSR1, on_restart, s);
	if (err >= 0)
		err = sd_event_add_signal(event, NULL, SIGHUP, on_reload, bus);
	return err < 0 ? log_errno(err, "cannot handle signals") : 0;
}

static int run(struct start *s, sd_event *event, struct bus *bus)
{
	int err = listeners_start(s->listeners, bus);

	if (!err)
		err = add_signals(event, s, bus);
	/* From here on it is ours, and it is that or nothing. */
	if (!err && s->channel >= 0)
		err = handover_commit(&s->channel);
	/* The old one serves them. */
	if (err && s->taking_over)
		listeners_give_up(s->listeners);
	if (!err)
		err = write_pidfile(s);
	if (!err)
		err = print_about_us(&s->o, bus->config.address);
	if (err)
		return err;
	ready(s);
	err = sw_loop(bus->sw);
	if (err < 0)
		log_errno(err, "the event loop failed");
	sd_notify(0, "STOPPING=1");
	return err;
}

static uint64_t env_number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Tests want to reach limits soon. */
static void limits_from_env(struct bus_limits *l)
{
	l->queue_bytes = env_number("AFBUSD_QUEUE_BYTES");
	l->stall_ms = (uint32_t)env_number("AFBUSD_STALL_MS");
}

static enum bus_type type_of(const struct config *c)
{
	if (c->type && !strcmp(c->type, "system"))
		return BUS_TYPE_SYSTEM;
	return BUS_TYPE_SESSION;
}

static const char *wanted_address(const struct start *s)
{
	if (s->o.address)
		return s->o.address;
	return s->config->listen.n ? s->config->listen.v[0] : "";
}

/* The bus has sockets, and whoever comes waits there for its daemon. */
static int prepare(struct start *s, struct bus *bus)
{
	int err = listeners_start(s->listeners, bus);

	if (!err && !bus->config.persist_ms)
		err = log_errno(-EOPNOTSUPP, "a bus is prepared with --persist and a switch that can do it");
	if (err)
		return err;
	bus->handed_over = true;
	return print_about_us(&s->o, bus->config.address);
}

static int serve_bus(struct start *s, sd_event *event, const char *guid,
		     const char *address)
{
	struct bus_config config = {
		.type = type_of(s->config),
		.mechanisms = s->mechanisms,
		.allow_anonymous = s->config->allow_anonymous,
		.systemd_activation = s->o.systemd_activation,
		.unix_only = listeners_unix_only(s->listeners),
		.bus_fd = listeners_bus(s->listeners),
		.switch_kind = s->o.switch_kind,
		.address = address,
		.config_path = s->config_path,
		.persist_ms = s->o.persist * 1000,
		.wanted = wanted_address(s),
	};
	struct sw_state state;
	struct bus *bus;
	int err;

	if (s->handover.box >= 0) {
		err = handover_unpack(&s->handover, &state);
		if (err)
			return err;
		config.state = &state;
	}
	limits_from_env(&config.switch_limits);
	strcpy(config.guid, guid);
	account_self(config.user_name, sizeof(config.user_name));
	err = bus_new(&bus, event, &config, s->config);
	s->config = NULL;
	if (err)
		return err;
	err = s->o.task == TASK_PREPARE ? prepare(s, bus) :
					  run(s, event, bus);
	if (bus->handed_over) {
		listeners_give_up(s->listeners);
		s->has_pidfile = false;
	}
	s->listeners = listeners_close(s->listeners);
	bus_free(bus);
	return err;
}

static int serve_once(struct start *s)
{
	char guid[BUS_GUID_LEN + 1];
	sd_event *event = NULL;
	char *address;
	int err;

	bus_guid_new(guid);
	address = listeners_address(s->listeners, guid);
	err = address ? sd_event_new(&event) : -ENOMEM;
	if (err < 0)
		log_errno(err, "cannot start");
	else
		err = serve_bus(s, event, guid, address);
	sd_event_unref(event);
	free(address);
	return err;
}

/* ---- before it ---- */

/* What is opened later must not become one of the first three. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* It is read again when we may be in another folder. */
static char *absolute(const char *path)
{
	char *cwd, *full;

	if (path[0] == '/')
		return strdup(path);
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&full, "%s/%s", cwd, path) < 0)
		full = NULL;
	free(cwd);
	return full;
}

static int load_config(struct start *s)
{
	char why[CONFIG_WHY_MAX] = "there is no memory";
	struct config *config = NULL;
	int err = 0;

	if (s->o.config_file) {
		s->config_path = absolute(s->o.config_file);
		err = s->config_path ? config_load(&config, s->config_path,
						   why) : -ENOMEM;
	} else {
		config = config_builtin();
	}
	s->config = config;
	if (err || !config) {
		fprintf(stderr, "afbusd: Failed to start message bus: %s\n",
			why);
		return err ? err : -ENOMEM;
	}
	if (s->o.allow_anonymous)
		s->config->allow_anonymous = true;
	return 0;
}

static void open_log(struct start *s)
{
	static const bool to_syslog[] = {
		[SYSLOG_TOO] = true, [SYSLOG_ONLY] = true,
		[SYSLOG_NEVER] = false,
	};
	enum option_syslog o = s->o.syslog;

	/* In the background there is nobody else to tell. */
	s->syslog = o == SYSLOG_AS_CONFIGURED ?
		    s->config->syslog || s->background : to_syslog[o];
	log_open(o != SYSLOG_ONLY, s->syslog);
}

static int find_mechanisms(struct start *s)
{
	const struct config_strings *auth = &s->config->auth;
	unsigned int m;
	size_t i;

	for (i = 0; i < auth->n; i++) {
		m = sasl_mechanism(auth->v[i]);
		if (!m) {
			log_error("Failed to start message bus: unsupported auth mechanism \"%s\"; there are EXTERNAL, DBUS_COOKIE_SHA1 and ANONYMOUS",
				  auth->v[i]);
			return -EINVAL;
		}
		s->mechanisms |= m;
	}
	if (!auth->n)
		s->mechanisms = SASL_ALL;
	if (s->o.allow_anonymous)
		s->mechanisms |= SASL_ANONYMOUS;
	return 0;
}

static int check_config(struct start *s)
{
	int err = find_mechanisms(s);

	if (err)
		return err;
	if (s->o.config_file && !s->o.address && !s->config->listen.n) {
		log_error("Failed to start message bus: %s: Configuration file needs one or more <listen> elements giving addresses",
			  s->o.config_file);
		return -EINVAL;
	}
	if (s->config->user && account_find(&s->account, s->config->user)) {
		log_error("Failed to start message bus: Could not get UID and GID for username \"%s\"",
			  s->config->user);
		return -ENOENT;
	}
	return 0;
}

/* A bus that still runs shall keep its sockets. */
static int check_pidfile(struct start *s)
{
	if (!s->o.pidfile || !s->config->pidfile)
		return 0;
	s->pidfile = strdup(s->config->pidfile);
	if (!s->pidfile)
		return log_errno(-ENOMEM, "cannot start");
	if (s->taking_over || s->o.replace || access(s->pidfile, F_OK) < 0)
		return 0;
	log_error("Failed to start message bus: The pid file \"%s\" exists, if the message bus is not running, remove this file",
		  s->pidfile);
	return -EEXIST;
}

static const char *default_address(void)
{
	return sd_listen_fds(0) > 0 ? "systemd:" : "unix:tmpdir=/tmp";
}

static int open_listeners(struct start *s)
{
	const struct config_strings *listen = &s->config->listen;
	size_t i;
	int err = 0;

	s->listeners = listeners_new();
	if (!s->listeners)
		return log_errno(-ENOMEM, "cannot listen");
	if (s->o.persist)
		listeners_be_patient(s->listeners);
	/* They come with the bus. */
	if (s->taking_over)
		return 0;
	if (s->o.address || !listen->n)
		return listeners_add(s->listeners, s->o.address ? s->o.address :
						   default_address());
	for (i = 0; !err && i < listen->n; i++)
		err = listeners_add(s->listeners, listen->v[i]);
	return err;
}

/* A native client is who the kernel says it is, and nobody else. */
static int check_listeners(struct start *s)
{
	if (listeners_bus(s->listeners) < 0 || s->mechanisms & SASL_EXTERNAL)
		return 0;
	log_error("Failed to start message bus: afbus: addresses need the auth mechanism EXTERNAL");
	return -EINVAL;
}

/* The parent leaves when the child is ready; its exit status says whether. */
static int wait_for_child(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Returns in the child. */
static int go_to_background(struct start *s)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return log_errno(-errno, "cannot make a pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return log_errno(-errno, "cannot fork");
	if (pid) {
		close(fds[1]);
		_exit(wait_for_child(fds[0]));
	}
	close(fds[0]);
	setsid();
	if (chdir("/") < 0)
		log_errno(-errno, "cannot change to /");
	if (!s->config->keep_umask)
		umask(022);
	s->parent = fds[1];
	return 0;
}

/* What was left is not understood: everybody's connection ends. But while a
 * predecessor lives it is his, and so is the bus. */
static bool may_begin_anew(const struct start *s)
{
	return s->taking_over && !s->took_over && s->o.fresh && !s->o.replace;
}

static int begin_anew(struct start *s)
{
	int err;

	log_warning("beginning a new bus in place of one that cannot be taken over");
	s->taking_over = false;
	s->listeners = listeners_close(s->listeners);
	handover_done(&s->handover);
	handover_settled();
	config_free(s->config);
	s->config = NULL;
	err = load_config(s);
	if (!err)
		err = open_listeners(s);
	if (!err)
		err = check_listeners(s);
	return err ? err : serve_once(s);
}

static int serve(struct start *s)
{
	int err = serve_once(s);

	return err < 0 && may_begin_anew(s) ? begin_anew(s) : err;
}

/* The one to ask: what is meant, or where we would listen. */
static const char *address_to_replace(const struct start *s)
{
	if (*s->o.replace)
		return s->o.replace;
	return wanted_address(s);
}

/* A bus that is there already is taken over, whatever it is that it has. */
static int find_predecessor(struct start *s)
{
	int r;

	s->restarted = getenv("AFBUSD_STATE");
	r = handover_inherited(&s->handover);
	if (!r && s->o.replace) {
		r = handover_ask(&s->handover, address_to_replace(s),
				 &s->channel);
		r = r < 0 ? r : 1;
	}
	s->taking_over = r > 0;
	if (r < 0 && !s->o.replace && s->o.fresh)
		r = 0;
	/* They were told by the process that we are. */
	if (s->restarted)
		s->o.address_fd = s->o.pid_fd = -1;
	return r < 0 ? r : 0;
}

static int start(struct start *s)
{
	int err = check_config(s);

	if (!err && s->o.task == TASK_CHECK_CONFIG)
		return 0;
	if (!err && s->o.task == TASK_CHECK_STATE)
		return handover_check(s->o.state_fd);
	if (!err)
		err = find_predecessor(s);
	if (!err)
		err = check_pidfile(s);
	if (!err)
		err = open_listeners(s);
	if (!err)
		err = check_listeners(s);
	if (!err && s->background && !s->restarted)
		err = go_to_background(s);
	if (!err)
		err = open_pidfile(s);
	if (!err && !s->taking_over)
		err = write_pidfile(s);
	if (!err) {
		spawn_remember_limits();
		spawn_raise_limits();
	}
	if (!err && s->config->user)
		err = account_become(&s->account);
	return err ? err : serve(s);
}

static void finish(struct start *s)
{
	listeners_close(s->listeners);
	/* In vain if our user may not do that any more. */
	if (s->has_pidfile)
		unlink(s->pidfile);
	handover_done(&s->handover);
	if (s->channel >= 0)
		close(s->channel);
	free(s->pidfile);
	free(s->program);
	free(s->config_path);
	config_free(s->config);
}

/* What will be there after an upgrade: a path, not the file that runs. */
static char *program_path(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? strndup(path, (size_t)n) : NULL;
}

static int introspect(void)
{
	char *text = driver_introspect_text();

	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return fflush(stdout) ? -EIO : 0;
}

int main(int argc, char **argv)
{
	struct start s = {
		.parent = -1,
		.channel = -1,
		.pidfile_fd = -1,
		.handover = HANDOVER_NONE,
		.argv = argv,
	};
	int err;

	fill_standard_fds();
	s.program = program_path();
	if (options_parse(&s.o, argc, argv) < 0)
		return EXIT_FAILURE;
	if (s.o.task == TASK_INTROSPECT)
		return introspect() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (load_config(&s) < 0) {
		finish(&s);
		return EXIT_FAILURE;
	}
	s.background = s.o.task == TASK_SERVE &&
		       (s.o.fork == FORK_ALWAYS ||
			(s.o.fork == FORK_AS_CONFIGURED && s.config->fork));
	open_log(&s);
	block_signals();
	err = start(&s);
	finish(&s);
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
