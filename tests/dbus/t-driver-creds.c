// SPDX-License-Identifier: LGPL-2.1-or-later
/* GetConnectionCredentials tells what the kernel knows of a process, with a
 * descriptor of it that can be waited for. */
#include "raw.h"

#include <poll.h>
#include <sys/wait.h>

struct creds {
	bool has_pid, has_uid, has_groups, has_fd;
	uint32_t pid, uid, index;
	size_t n_groups;
	gid_t groups[256];
};

static bool is(struct dbus_str s, const char *text)
{
	return dbus_str_eq(s, text, strlen(text));
}

static void read_groups(struct wire *w, struct creds *c)
{
	size_t end, len = wire_u32(w);

	end = w->pos + len;
	while (w->pos < end && c->n_groups < 256)
		c->groups[c->n_groups++] = wire_u32(w);
	c->has_groups = true;
}

static void read_value(struct wire *w, struct dbus_str key, struct creds *c)
{
	struct dbus_str sig = wire_sig(w);

	if (is(key, "ProcessID") && is(sig, "u")) {
		c->pid = wire_u32(w);
		c->has_pid = true;
	} else if (is(key, "UnixUserID") && is(sig, "u")) {
		c->uid = wire_u32(w);
		c->has_uid = true;
	} else if (is(key, "UnixGroupIDs") && is(sig, "au")) {
		read_groups(w, c);
	} else if (is(key, "ProcessFD") && is(sig, "h")) {
		c->index = wire_u32(w);
		c->has_fd = true;
	} else {
		wire_skip(w, sig.s, sig.len);
	}
}

static struct creds ask(struct raw *c, const char *name, struct msg *m)
{
	struct creds creds = { 0 };
	struct wire w;
	size_t end, len;

	raw_driver(c, m, "GetConnectionCredentials", name, NULL);
	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	len = wire_u32(&w);
	wire_align(&w, 8);
	end = w.pos + len;
	while (w.pos < end && !wire_error(&w)) {
		struct dbus_str key;

		wire_align(&w, 8);
		key = wire_str(&w);
		read_value(&w, key, &creds);
	}
	check(!wire_error(&w));
	return creds;
}

/* All of the process's groups, each once. */
static void check_groups(const struct creds *c)
{
	gid_t own[256];
	int n = getgroups(255, own), i;
	size_t j;

	own[n++] = getegid();
	for (i = 0; i < n; i++) {
		for (j = 0; j < c->n_groups && c->groups[j] != own[i]; j++)
			;
		check(j < c->n_groups);
	}
	for (j = 1; j < c->n_groups; j++)
		check(c->groups[j - 1] < c->groups[j]);
}

/* The process behind a descriptor, from what the kernel says about it. */
static int pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "r");
	check(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Pid: %d", &pid);
	fclose(f);
	return pid;
}

static void own(void)
{
	struct raw *c = raw_open(true);
	struct msg m;
	struct creds creds = ask(c, c->name, &m);

	check(creds.has_pid && creds.pid == (uint32_t)getpid());
	check(creds.has_uid && creds.uid == geteuid());
	check(creds.has_groups);
	check_groups(&creds);
	/* dbus-daemon has it from 1.15.8 on. */
	if (!raw_bus_is("dbus-daemon")) {
		check(creds.has_fd && creds.index < m.n_fds);
		check(pid_of(m.fds[creds.index]) == getpid());
	}
	msg_free(&m);
	raw_close(c);
}

/* Who cannot take descriptors gets the rest. */
static void without_fds(void)
{
	struct raw *c = raw_login(raw_dial(), false);
	struct msg m;
	struct creds creds = ask(c, c->name, &m);

	check(creds.has_pid && creds.has_uid && !creds.has_fd);
	check(!m.n_fds);
	msg_free(&m);
	raw_close(c);
}

static void bus(void)
{
	struct raw *c = raw_open(true);
	struct msg m;
	struct creds creds = ask(c, DRIVER, &m);

	check(creds.has_pid && creds.has_uid);
	check(creds.pid == raw_env("BUS_PID", 0));
	if (!raw_bus_is("dbus-daemon"))
		check(creds.has_fd && pid_of(m.fds[creds.index]) ==
		      (int)creds.pid);
	msg_free(&m);
	raw_close(c);
}

/* The descriptor tells when the process has gone. */
static void death(void)
{
	struct raw *c = raw_open(true), *other;
	int pipes[2][2], status;
	char name[32];
	struct creds creds;
	struct pollfd p = { .events = POLLIN };
	struct msg m;
	pid_t pid;

	if (raw_bus_is("dbus-daemon")) {
		raw_close(c);
		return;
	}
	check(!pipe(pipes[0]) && !pipe(pipes[1]));
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		other = raw_open(false);
		check(write(pipes[0][1], other->name, 32) == 32);
		_exit(read(pipes[1][0], name, 1) == 1 ? 0 : 1);
	}
	check(read(pipes[0][0], name, 32) == 32);
	creds = ask(c, name, &m);
	check(creds.has_fd && pid_of(m.fds[creds.index]) == pid);
	p.fd = m.fds[creds.index];
	check(poll(&p, 1, 0) == 0);
	check(write(pipes[1][1], "", 1) == 1);
	check(waitpid(pid, &status, 0) == pid && !status);
	check(poll(&p, 1, RAW_WAIT_MS) == 1);
	msg_free(&m);
	raw_close(c);
}

int main(void)
{
	own();
	without_fds();
	bus();
	death();
	return 0;
}
