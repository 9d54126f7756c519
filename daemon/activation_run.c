// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processes of services. One that ends well before its name appears may have
 * gone to the background, so only one that ends badly is a failure.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "daemon/activation_impl.h"
#include "daemon/log.h"

int process_environment(struct activation *a)
{
	static const struct { const char *type, *variable; } types[] = {
		{ "session", "DBUS_SESSION_BUS_ADDRESS" },
		{ "system", "DBUS_SYSTEM_BUS_ADDRESS" },
	};
	const char *address = a->bus->config.address;
	const char *type = a->bus->file->type;
	int err = environment_set(&a->env, "DBUS_STARTER_ADDRESS", address);
	size_t i;

	if (!type)
		return err;
	if (!err)
		err = environment_set(&a->env, "DBUS_STARTER_BUS_TYPE", type);
	for (i = 0; !err && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(type, types[i].type))
			err = environment_set(&a->env, types[i].variable,
					      address);
	return err;
}

/* ---- how it ended ---- */

/* What the helper says by its exit status; see the specification of its
 * errors in dbus-daemon(1) and the reference's numbers. */
static const struct {
	const char *name, *text;
} helper_errors[] = {
	[2] = { DBUS_ERROR("NoMemory"),
		"Launcher could not run (out of memory)" },
	[3] = { SPAWN_ERROR("ConfigInvalid"),
		"Invalid configuration (missing or empty <user>?)" },
	[4] = { SPAWN_ERROR("FailedToSetup"),
		"Failed to setup environment correctly" },
	[5] = { SPAWN_ERROR("ServiceNotValid"),
		"Bus name is not valid or missing" },
	[6] = { SPAWN_ERROR("ServiceNotFound"),
		"Bus name not found in system service directory" },
	[7] = { SPAWN_ERROR("PermissionsInvalid"),
		"The permission of the setuid helper is not correct" },
	/* The reference has the name of the line above here too. */
	[8] = { SPAWN_ERROR("PermissionsInvalid"),
		"The service file is incorrect or does not have all required attributes" },
	[9] = { SPAWN_ERROR("ExecFailed"),
		"Cannot launch daemon, file not found or permissions invalid" },
	[10] = { DBUS_ERROR("InvalidArgs"),
		 "Invalid arguments to command line" },
	[11] = { SPAWN_ERROR("ChildSignaled"),
		 "Launched child was signaled, it probably crashed" },
};

static void helper_failed(struct failure *f, int status)
{
	size_t n = sizeof(helper_errors) / sizeof(helper_errors[0]);

	if ((size_t)status < n && helper_errors[status].name)
		failure_set(f, helper_errors[status].name, "%s",
			    helper_errors[status].text);
	else
		failure_set(f, SPAWN_ERROR("ChildExited"),
			    "Launch helper exited with unknown return code %i",
			    status);
}

/* False: that is no failure. */
static bool describe_end(const struct pending *p, const siginfo_t *si,
			 struct failure *f)
{
	if (si->si_code != CLD_EXITED)
		failure_set(f, SPAWN_ERROR("ChildSignaled"),
			    "Process %s received signal %d", p->name,
			    si->si_status);
	else if (!si->si_status)
		return false;
	else if (p->a->helper)
		helper_failed(f, si->si_status);
	else
		failure_set(f, SPAWN_ERROR("ChildExited"),
			    "Process %s exited with status %d", p->name,
			    si->si_status);
	return true;
}

/* Another service of the same program that is pending, or NULL. */
static struct pending *find_exec(struct activation *a, const char *exec)
{
	struct hnode *node;
	size_t i;

	hmap_for_all(node, &a->pending, i) {
		struct pending *p = container_of(node, struct pending, node);

		if (p->exec && !strcmp(p->exec, exec))
			return p;
	}
	return NULL;
}

static void fail_all_of(struct pending *first, const struct failure *f)
{
	struct activation *a = first->a;
	char *exec = strdup(first->exec);
	struct pending *p;

	pending_fail(first, f);
	while (exec && (p = find_exec(a, exec)))
		pending_fail(p, f);
	free(exec);
}

static int on_end(sd_event_source *s, const siginfo_t *si, void *ctx)
{
	struct process *pr = ctx;
	struct pending *p = pr->pending;
	struct bus *bus = pr->a->bus;
	struct failure f;

	bus_enter(bus);
	process_free(pr);
	if (p && describe_end(p, si, &f)) {
		log_info("Activated service '%s' failed: %s", p->name, f.text);
		fail_all_of(p, &f);
	}
	bus_leave(bus);
	return 0;
}

/* ---- how it starts ---- */

void process_free(struct process *pr)
{
	if (pr->pending)
		pr->pending->process = NULL;
	list_del(&pr->link);
	sd_event_source_disable_unref(pr->source);
	free(pr);
}

void process_kill(struct process *pr)
{
	kill(pr->pid, SIGKILL);
}

int process_adopt(struct pending *p, pid_t pid)
{
	struct process *pr = calloc(1, sizeof(*pr));
	int err;

	if (!pr)
		return -ENOMEM;
	list_init(&pr->link);
	pr->a = p->a;
	pr->pid = pid;
	err = sd_event_add_child(p->a->bus->event, &pr->source, pid, WEXITED,
				 on_end, pr);
	if (err < 0) {
		free(pr);
		return err;
	}
	list_add_tail(&p->a->processes, &pr->link);
	pr->pending = p;
	p->process = pr;
	return 0;
}

static bool watch(struct pending *p, pid_t pid, struct failure *f)
{
	int err = process_adopt(p, pid);

	if (!err)
		return true;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	failure_set(f, DBUS_ERROR("NoMemory"), "Cannot watch a process: %s",
		    strerror(-err));
	return false;
}

/* What a service writes goes where our log goes, in its own name. -1: there is
 * no journal, or it is not wanted. */
static int journal(const struct pending *p, int priority)
{
	return log_uses_syslog() ? sd_journal_stream_fd(p->name, priority, 0) :
				   -1;
}

static bool run(struct pending *p, char **argv, struct failure *f)
{
	bool exec_failed;
	int out = journal(p, LOG_INFO), error = journal(p, LOG_WARNING);
	pid_t pid = spawn(argv, p->a->env.v, out, error, &exec_failed);

	if (out >= 0)
		close(out);
	if (error >= 0)
		close(error);
	if (pid > 0)
		return watch(p, pid, f);
	if (exec_failed)
		failure_set(f, SPAWN_ERROR("ExecFailed"),
			    "Failed to execute program %s: %s", p->name,
			    strerror(-pid));
	else
		failure_set(f, DBUS_ERROR("NoMemory"),
			    "Failed to fork a new process %s: %s", p->name,
			    strerror(-pid));
	log_info("Activated service '%s' failed: %s", p->name, f->text);
	return false;
}

/* The helper is configured with arguments, if need be. */
static char *command_of(const struct pending *p)
{
	char *text;

	if (!p->a->helper)
		return strdup(p->exec);
	return asprintf(&text, "%s %s", p->a->helper, p->name) < 0 ? NULL :
								     text;
}

bool process_start(struct pending *p, const struct service *svc,
		   struct failure *f)
{
	const char *why;
	char *command, **argv;
	bool ok;
	int err;

	if (p->a->helper && !svc->file.user) {
		failure_set(f, SPAWN_ERROR("FileInvalid"),
			    "Cannot do system-bus activation with no user\n");
		return false;
	}
	command = command_of(p);
	err = command ? service_words(&argv, command, &why) : -ENOMEM;
	free(command);
	if (err) {
		failure_set(f, err == -ENOMEM ? DBUS_ERROR("NoMemory") :
			    DBUS_ERROR("InvalidArgs"), "%s",
			    err == -ENOMEM ? "Not enough memory" : why);
		return false;
	}
	ok = run(p, argv, f);
	service_words_free(argv);
	return ok;
}
