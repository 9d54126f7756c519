// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/past.h"
#include "daemon/restart_format.h"
#include "daemon/rights.h"
#include "daemon/service_spawn.h"

#define ENV "AFBUSD_STATE"
#define NAME_STATE "afbus-state"
#define NAME_FILES "afbus-files"
/* For a program that only reads. */
#define CHECK_USEC 20000000
#define BARRIER_USEC 20000000

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void handover_done(struct handover *h)
{
	close_fd(&h->memfd);
	close_fd(&h->box);
}

/* ---- the box ---- */

union control {
	char buf[CMSG_SPACE(HANDOVER_BATCH * sizeof(int))];
	struct cmsghdr align;
};

static int send_batch(int sock, char kind, const int *fds, size_t n)
{
	union control control;
	struct iovec iov = { &kind, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n)
		rights_put(&mh, control.buf, fds, n);
	if (sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
		return 0;
	/* The buffer is as large as may be: there are too many. */
	return errno == EAGAIN ? -ENOBUFS : -errno;
}

/* How many descriptors, in @fds, which has room for a batch; -ENODATA: no more
 * batches. */
static int recv_batch(int sock, char *kind, int *fds)
{
	union control control;
	struct iovec iov = { kind, 1 };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	ssize_t n;
	int count = 0;

	do {
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ENODATA;
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), (size_t)count * sizeof(int));
	}
	/* It has lost some: descriptors are short. */
	if (mh.msg_flags & MSG_CTRUNC) {
		while (count)
			close(fds[--count]);
		return -EMFILE;
	}
	return count;
}

static int fill(int sock, const struct sw_state *state)
{
	char kind = state->kind[0];
	size_t at = 0, n;
	int err;

	/* One at least, which says what it is. */
	do {
		n = state->n_fds - at;
		if (n > HANDOVER_BATCH)
			n = HANDOVER_BATCH;
		err = send_batch(sock, kind, state->fds + at, n);
		at += n;
	} while (!err && at < state->n_fds);
	return err;
}

static int make_box(const struct sw_state *state)
{
	int pair[2], size = 64 << 20, err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	/* As far as it goes; root may have it all. */
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)) < 0)
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size,
			   sizeof(size));
	err = fill(pair[0], state);
	/* What was sent stays; the end of it shows. */
	close(pair[0]);
	if (!err)
		return pair[1];
	close(pair[1]);
	return err;
}

int handover_pack(struct bus *bus, struct handover *h)
{
	struct sw_state state = { .memfd = -1 };
	int err = past_keep(bus);

	*h = HANDOVER_NONE;
	if (!err)
		err = sw_save(bus->sw, &state);
	if (!err) {
		h->box = make_box(&state);
		err = h->box < 0 ? h->box : 0;
	}
	if (!err) {
		h->memfd = state.memfd;
		state.memfd = -1;
	}
	sw_state_done(&state);
	if (err)
		handover_off(bus);
	return err;
}

void handover_off(struct bus *bus)
{
	past_keep_off(bus);
}

static const char *kind_of(char c)
{
	return c == 'u' ? "user" : c == 'k' ? "kernel" : NULL;
}

static int append(struct sw_state *state, const int *fds, size_t n)
{
	int *v = reallocarray(state->fds, state->n_fds + n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	memcpy(v + state->n_fds, fds, n * sizeof(*fds));
	state->fds = v;
	state->n_fds += n;
	return 0;
}

static int empty(int box, struct sw_state *state)
{
	int fds[HANDOVER_BATCH], n, err = 0;
	char kind = 0;

	/* A box that is no such socket must not make us wait. */
	fcntl(box, F_SETFL, fcntl(box, F_GETFL) | O_NONBLOCK);
	while (!err && (n = recv_batch(box, &kind, fds)) >= 0) {
		err = append(state, fds, (size_t)n);
		while (err && n)
			close(fds[--n]);
	}
	if (!err && n != -ENODATA)
		err = n;
	state->kind = kind_of(kind);
	return err ? err : state->kind ? 0 : -EBADMSG;
}

int handover_unpack(struct handover *h, struct sw_state *state)
{
	int err;

	*state = (struct sw_state){ .memfd = h->memfd };
	h->memfd = -1;
	err = empty(h->box, state);
	handover_done(h);
	if (!err)
		return 0;
	while (state->n_fds)
		close(state->fds[--state->n_fds]);
	sw_state_done(state);
	return log_errno(err, "cannot take over the bus: its descriptors");
}

/* ---- execve(), systemd ---- */

static int from_exec(struct handover *h)
{
	const char *text = getenv(ENV);
	int n = text ? sscanf(text, "%d,%d", &h->memfd, &h->box) : 0;

	unsetenv(ENV);
	if (!text)
		return 0;
	if (n != 2 || h->box <= STDERR_FILENO ||
	    fcntl(h->box, F_SETFD, FD_CLOEXEC) < 0 ||
	    (h->memfd >= 0 && fcntl(h->memfd, F_SETFD, FD_CLOEXEC) < 0)) {
		*h = HANDOVER_NONE;
		log_error("cannot take over the bus: " ENV " is not as execve() leaves it");
		return -EBADMSG;
	}
	return 1;
}

/* Beside sockets that we are to listen on; those stay for the listeners, or, if
 * we have a state, are among what is in it. */
static int from_systemd(struct handover *h)
{
	char **names = NULL;
	int i, n = sd_listen_fds_with_names(0, &names), fd, found = 0;

	for (i = 0; i < n; i++) {
		fd = SD_LISTEN_FDS_START + i;
		if (!strcmp(names[i], NAME_STATE))
			h->memfd = fd;
		else if (!strcmp(names[i], NAME_FILES))
			h->box = fd;
		free(names[i]);
	}
	free(names);
	found = h->box >= 0;
	if (h->memfd >= 0 && !found) {
		log_error("cannot take over the bus: systemd has a part of it only");
		handover_done(h);
		return -EBADMSG;
	}
	return found;
}

int handover_inherited(struct handover *h)
{
	int r;

	*h = HANDOVER_NONE;
	r = from_exec(h);
	return r ? r : from_systemd(h);
}

void handover_settled(void)
{
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" NAME_STATE);
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" NAME_FILES);
}

/*
 * Whether the program can go on with what it would get is found out before
 * anybody has to wait, by a process that reads a text of this version without
 * anything in it, and the configuration.
 */
struct attempt {
	struct bus *bus;
	const char *path;
	char *const *argv;
	sd_event_source *child, *timer;
	pid_t pid;
	bool again;		/* it was asked for meanwhile */
};

static struct attempt attempt;

static int empty_text(void)
{
	struct rst_out out = { 0 };
	int fd = memfd_create("afbus-check", MFD_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	rst_begin(&out);
	if (!err)
		err = rst_finish(&out, 0);
	if (!err && write(fd, out.data, out.len) != (ssize_t)out.len)
		err = -ENOSPC;
	rst_out_done(&out);
	if (!err)
		return fd;
	close_fd(&fd);
	return err;
}

/* NULL: no memory. The caller frees the array. */
static char **with_option(char *const argv[], char *option)
{
	size_t n = 0;
	char **v;

	while (argv[n])
		n++;
	v = calloc(n + 2, sizeof(*v));
	if (!v)
		return NULL;
	memcpy(v, argv, n * sizeof(*v));
	v[n] = option;
	return v;
}

static pid_t run_check(const char *path, char *const argv[])
{
	int memfd = empty_text();
	char option[48];
	char **v;
	pid_t pid;

	if (memfd < 0)
		return memfd;
	snprintf(option, sizeof(option), "--check-state=%d", memfd);
	v = with_option(argv, option);
	pid = v ? fork() : -1;
	if (!pid) {
		fcntl(memfd, F_SETFD, 0);
		execv(path, v);
		_exit(127);
	}
	free(v);
	close(memfd);
	return pid < 0 ? -ENOMEM : pid;
}

static int exec_it(const char *path, char *const argv[], struct handover *h)
{
	char text[32];
	int err;

	snprintf(text, sizeof(text), "%d,%d", h->memfd, h->box);
	if (setenv(ENV, text, 1) < 0)
		return -ENOMEM;
	fcntl(h->box, F_SETFD, 0);
	if (h->memfd >= 0)
		fcntl(h->memfd, F_SETFD, 0);
	/* The limit that we were started with, for us to raise again. */
	spawn_restore_limits();
	execv(path, argv);
	err = -errno;
	unsetenv(ENV);
	spawn_raise_limits();
	return err;
}

static void attempt_end(struct attempt *a)
{
	sd_event_source_disable_unref(a->child);
	sd_event_source_disable_unref(a->timer);
	*a = (struct attempt){ 0 };
}

static void go(struct bus *bus, const char *path, char *const argv[])
{
	struct handover h;
	int err = handover_pack(bus, &h);

	if (err) {
		log_errno(err, "cannot hand the bus over");
		return;
	}
	err = exec_it(path, argv, &h);
	log_errno(err, "cannot go on as \"%s\"", path);
	handover_done(&h);
	handover_off(bus);
}

static int on_checked(sd_event_source *s, const siginfo_t *si, void *ctx)
{
	struct attempt a = *(struct attempt *)ctx;
	bool ok = si->si_code == CLD_EXITED && !si->si_status;

	((struct attempt *)ctx)->child = NULL;
	attempt_end(ctx);
	if (ok)
		go(a.bus, a.path, a.argv);
	else
		log_error("cannot go on as \"%s\": that program or its configuration does not take over what this one has",
			  a.path);
	sd_event_source_disable_unref(a.child);
	/* What was tried may not be what is there now. */
	if (!ok && a.again)
		handover_exec(a.bus, a.path, a.argv);
	return 0;
}

static int on_check_late(sd_event_source *s, uint64_t usec, void *ctx)
{
	kill(((struct attempt *)ctx)->pid, SIGKILL);
	return 0;
}

void handover_exec(struct bus *bus, const char *path, char *const argv[])
{
	struct attempt *a = &attempt;
	int err;

	if (!path) {
		log_error("cannot go on: the program has no name");
		return;
	}
	if (a->bus) {
		a->again = true;
		return;
	}
	*a = (struct attempt){ .bus = bus, .path = path, .argv = argv };
	a->pid = run_check(path, argv);
	err = a->pid < 0 ? a->pid :
	      sd_event_add_child(bus->event, &a->child, a->pid, WEXITED,
				 on_checked, a);
	if (err >= 0)
		err = sd_event_add_time_relative(bus->event, &a->timer,
						 CLOCK_MONOTONIC, CHECK_USEC,
						 0, on_check_late, a);
	if (err >= 0)
		return;
	log_errno(err, "cannot go on as \"%s\"", path);
	attempt_end(a);
}

/* systemd from 254 on says how much room there is; the unit says it to us for
 * others. */
static bool has_store(void)
{
	const char *room = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") && room && atoi(room) >= 2;
}

static int store_fd(const char *what, int fd)
{
	int r = sd_pid_notify_with_fds(0, 0, what, &fd, 1);

	return r > 0 ? 0 : r ? r : -ENOTCONN;
}

int handover_store(struct bus *bus)
{
	struct handover h;
	int err;

	if (!has_store())
		return 0;
	err = handover_pack(bus, &h);
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	if (h.memfd >= 0)
		err = store_fd("FDSTORE=1\nFDPOLL=0\nFDNAME=" NAME_STATE,
			       h.memfd);
	if (!err)
		err = store_fd("FDSTORE=1\nFDPOLL=0\nFDNAME=" NAME_FILES,
			       h.box);
	/* It has to have read them before we are gone. */
	if (!err) {
		err = sd_notify_barrier(0, BARRIER_USEC);
		err = err < 0 ? err : 0;
	}
	handover_done(&h);
	if (!err)
		return 1;
	handover_settled();
	handover_off(bus);
	return err;
}
