// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the driver tells of who is behind a name. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/driver.h"

/* Whose credentials are asked for. NULL with an error answered; @peer, if not
 * NULL, tells whether the bus vouches for them. */
static const struct creds *creds_arg(struct call *c, const char *what,
				     struct dbus_str *name,
				     struct peer **peer)
{
	if (!call_peer_arg(c, what, name, peer))
		return NULL;
	return *peer ? &(*peer)->creds : &c->bus->self;
}

static bool is_anonymous(const struct peer *peer)
{
	return peer && peer->anonymous;
}

int driver_get_unix_user(struct call *c)
{
	struct dbus_str name;
	struct peer *peer;
	const struct creds *creds = creds_arg(c, "UID", &name, &peer);

	if (!creds)
		return 0;
	if (is_anonymous(peer))
		return call_error(c, DBUS_ERROR("Failed"),
				  "Could not determine UID for '%.*s'",
				  STR(name));
	return call_u32(c, creds->uid);
}

int driver_get_process_id(struct call *c)
{
	struct dbus_str name;
	struct peer *peer;
	const struct creds *creds = creds_arg(c, "PID", &name, &peer);

	if (!creds)
		return 0;
	if (creds->pid <= 0 || is_anonymous(peer))
		return call_error(c, DBUS_ERROR("UnixProcessIdUnknown"),
				  "Could not determine PID for '%.*s'",
				  STR(name));
	return call_u32(c, (uint32_t)creds->pid);
}

static void add_groups(struct msg *m, const struct creds *creds)
{
	struct msg_array a;
	size_t i;

	if (!creds->groups)
		return;
	msg_entry(m, "UnixGroupIDs", "au");
	a = msg_array_begin(m, 4);
	for (i = 0; i < creds->n_groups; i++)
		msg_u32(m, creds->groups[i]);
	msg_array_end(m, a);
}

static void add_creds(struct call *c, const struct creds *creds)
{
	struct msg *m = &c->reply;

	if (creds->pid > 0)
		msg_entry_u32(m, "ProcessID", (uint32_t)creds->pid);
	msg_entry_u32(m, "UnixUserID", creds->uid);
	add_groups(m, creds);
	if (creds->label)
		msg_entry_bytes(m, "LinuxSecurityLabel", creds->label,
				creds->label_len);
	if (c->fd >= 0) {
		msg_entry(m, "ProcessFD", "h");
		msg_u32(m, 0);
	}
}

/* When a process started, usec of CLOCK_BOOTTIME; 0: unknown. */
static uint64_t started_at(pid_t pid)
{
	char path[32], line[1024], *p;
	unsigned long long ticks = 0;
	long hz = sysconf(_SC_CLK_TCK);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* The name in field 2 may hold anything; the rest are numbers, and the
	 * one wanted is field 22: see proc(5). */
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			 &ticks) != 1)
		ticks = 0;
	fclose(f);
	return hz > 0 ? ticks * 1000000 / (unsigned long)hz : 0;
}

static bool is_running(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return !poll(&p, 1, 0);
}

/*
 * Kernels before 6.5 do not keep a descriptor of the process that connected,
 * only its number, which another may have by now. That one would have started
 * after the connection was accepted: so the first is still it if, with the
 * descriptor in hand, it runs and had started before.
 */
static int open_process(const struct creds *creds, uint64_t since)
{
	int fd = (int)syscall(SYS_pidfd_open, creds->pid, 0);
	uint64_t start;

	if (fd < 0)
		return -1;
	start = started_at(creds->pid);
	if (start && start <= since && is_running(fd))
		return fd;
	close(fd);
	return -1;
}

/* Returns a descriptor to be closed by the caller, or -1. */
static int process_fd(const struct creds *creds, const struct peer *peer)
{
	if (creds->pidfd >= 0 || creds->pid <= 0)
		return -1;
	return open_process(creds, peer ? peer->since : UINT64_MAX);
}

static void reply_creds(struct call *c, const struct creds *creds,
			bool anonymous)
{
	struct msg_array a;

	call_reply(c, "a{sv}");
	a = msg_array_begin(&c->reply, 8);
	if (!anonymous)
		add_creds(c, creds);
	msg_array_end(&c->reply, a);
}

int driver_get_credentials(struct call *c)
{
	struct dbus_str name;
	struct peer *peer;
	const struct creds *creds = creds_arg(c, "credentials", &name, &peer);
	int own = -1;

	if (!creds)
		return 0;
	if (c->peer->pass_fds && !is_anonymous(peer)) {
		own = process_fd(creds, peer);
		c->fd = own >= 0 ? own : creds->pidfd;
	}
	reply_creds(c, creds, is_anonymous(peer));
	if (own < 0)
		return 0;
	/* The descriptor is borrowed until the answer is out. */
	call_send(c);
	close(own);
	c->fd = -1;
	return 0;
}

/* Solaris has it. */
int driver_get_audit_data(struct call *c)
{
	struct dbus_str name;
	struct peer *peer;

	if (!creds_arg(c, "audit session data", &name, &peer))
		return 0;
	return call_error(c, DBUS_ERROR("AdtAuditDataUnknown"),
			  "Could not determine audit session data for '%.*s'",
			  STR(name));
}

/* Labels of other security modules are not SELinux contexts. */
static const char *selinux_context(const struct call *c,
				   const struct peer *peer)
{
	const char *name = lsm_name(c->bus->lsm);

	if (!name || strcmp(name, "SELinux"))
		return NULL;
	return peer ? peer->label.text : lsm_self(c->bus->lsm)->text;
}

int driver_get_selinux_context(struct call *c)
{
	struct dbus_str name;
	struct peer *peer;
	const char *context;
	struct msg_array a;

	if (!creds_arg(c, "security context", &name, &peer))
		return 0;
	context = selinux_context(c, peer);
	if (!context)
		return call_error(c,
				  DBUS_ERROR("SELinuxSecurityContextUnknown"),
				  "Could not determine security context for '%.*s'",
				  STR(name));
	call_reply(c, "ay");
	a = msg_array_begin(&c->reply, 1);
	for (; *context; context++)
		msg_byte(&c->reply, (uint8_t)*context);
	msg_array_end(&c->reply, a);
	return 0;
}
