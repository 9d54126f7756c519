// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus listen: the master of a native bus, as simple as one can be. It lets
 * everybody join, gives addresses in the groups asked for, and prints what
 * happens.
 */
#include "tools/command.h"
#include "tools/native.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define COMMAND "afbus listen"
#define BACKLOG 128
/* Descriptors before those of ends. */
enum { FD_BUS, FD_SIGNAL, N_FIRST };

struct options {
	const char *path;
	struct groups groups;
	unsigned int maxqlen, sendbuf, stall_ms;
	enum format format;
	bool maxqlen_given, replace, quiet;
};

struct master {
	const struct options *o;
	struct pollfd *fds;	/* the bus's, signals, then an end each */
	uint64_t *addrs;	/* of the same index */
	size_t n, room;
	struct afbus_msg m;
	int msg_fds[AFBUS_MSG_MAX_FDS];
};

static int grow(struct master *ms)
{
	size_t room = ms->room ? 2 * ms->room : 64;
	struct pollfd *fds;
	uint64_t *addrs;

	if (ms->n < ms->room)
		return 0;
	fds = realloc(ms->fds, room * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	ms->fds = fds;
	addrs = realloc(ms->addrs, room * sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	ms->addrs = addrs;
	ms->room = room;
	return 0;
}

static int watch(struct master *ms, int fd, uint64_t addr)
{
	int err = grow(ms);

	if (err)
		return err;
	ms->fds[ms->n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	ms->addrs[ms->n++] = addr;
	return 0;
}

/* ---- clients ---- */

static int add_group(struct master *ms, int end, uint64_t addr,
		     unsigned int prefix)
{
	int err = afbus_addr_add(end, AFBUS_ADDR(prefix, addr));

	if (!err && !ms->o->quiet)
		printf("group %" PRIu64 " in %u\n", addr, prefix);
	return err;
}

static void say_join(const struct master *ms, int end, uint64_t addr)
{
	struct afbus_creds creds;

	if (ms->o->quiet)
		return;
	printf("join %" PRIu64, addr);
	if (!afbus_end_get_creds(end, &creds))
		printf(" pid %d uid %u gid %u", creds.pid, creds.uid,
		       creds.gid);
	putchar('\n');
}

static int admit(struct master *ms, int end, uint64_t addr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ms->o->groups.n; i++)
		err = add_group(ms, end, addr, ms->o->groups.prefix[i]);
	return err ? err : afbus_end_join(end);
}

static int accept_one(struct master *ms)
{
	uint64_t addr;
	int err, end;

	end = afbus_bus_accept(ms->fds[FD_BUS].fd, &addr,
			       AFBUS_NONBLOCK | AFBUS_CREDS);
	if (end == -EAGAIN || end == -EINTR || end == -ECONNABORTED)
		return 0;
	if (end == -EMFILE || end == -ENFILE) {
		/* They wait at the door until somebody leaves. */
		native_complain(COMMAND, "a client waits", end);
		ms->fds[FD_BUS].events = 0;
		return 0;
	}
	if (end < 0)
		return end;
	say_join(ms, end, addr);
	err = watch(ms, end, addr);
	if (err) {
		close(end);
		return err;
	}
	/* One that is gone already is found out by reading its end. */
	err = admit(ms, end, addr);
	if (err && err != -EPIPE && err != -ENOTCONN)
		native_complain(COMMAND, "a client", err);
	return 0;
}

static void drop(struct master *ms, size_t i)
{
	close(ms->fds[i].fd);
	ms->n--;
	ms->fds[i] = ms->fds[ms->n];
	ms->addrs[i] = ms->addrs[ms->n];
	ms->fds[FD_BUS].events = POLLIN;
}

/* ---- their messages ---- */

static bool is_request(const struct afbus_msg *m)
{
	return m->to == BUS_MASTER_ADDR && m->len > strlen(GROUP_REQUEST) &&
	       m->len < 32 &&
	       !memcmp(m->data, GROUP_REQUEST, strlen(GROUP_REQUEST));
}

/* Never waits: a client that does not read its answer goes without. */
static void answer_request(struct master *ms, size_t i)
{
	int end = ms->fds[i].fd, err, n;
	char request[32], reply[128], *number, *tail;
	unsigned long prefix;

	memcpy(request, ms->m.data, ms->m.len);
	request[ms->m.len] = 0;
	number = request + strlen(GROUP_REQUEST);
	prefix = strtoul(number, &tail, 10);
	if (*number < '0' || *number > '9' || *tail || !prefix ||
	    prefix > UINT16_MAX)
		err = -EINVAL;
	else
		err = add_group(ms, end, ms->addrs[i], prefix);
	/* By itself: the address is made of its own. */
	if (err == -EADDRINUSE)
		err = 0;
	n = snprintf(reply, sizeof(reply), "%s: %s", request,
		     err ? native_error(err) : "ok");
	afbus_send(end, BUS_MASTER_ADDR, reply, n, MSG_DONTWAIT);
}

static void say_message(struct master *ms)
{
	if (ms->o->format == FORMAT_TEXT)
		fputs(ms->m.to == BUS_MASTER_ADDR ? "message " :
						    "undelivered ", stdout);
	print_msg(stdout, &ms->m, ms->o->format);
	afbus_msg_close_fds(&ms->m);
}

static void say_leave(const struct master *ms, size_t i, int err)
{
	if (!ms->o->quiet)
		printf("leave %" PRIu64 ": %s\n", ms->addrs[i],
		       err == -ENODATA && ms->m.reason ?
		       afbus_reason_text(ms->m.reason) : native_error(err));
}

/* Whether the end is still there. */
static bool serve(struct master *ms, size_t i)
{
	int err = native_recv(ms->fds[i].fd, &ms->m, MSG_DONTWAIT);

	if (err == -EAGAIN || err == -EINTR)
		return true;
	if (err) {
		say_leave(ms, i, err);
		return false;
	}
	if (is_request(&ms->m))
		answer_request(ms, i);
	else
		say_message(ms);
	return true;
}

static int turn(struct master *ms)
{
	size_t i;

	if (poll(ms->fds, ms->n, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	/* Backwards: what takes a dropped end's place has had its turn. */
	for (i = ms->n; i-- > N_FIRST;)
		if (ms->fds[i].revents && !serve(ms, i))
			drop(ms, i);
	return ms->fds[FD_BUS].revents ? accept_one(ms) : 0;
}

/* ---- the bus ---- */

static int set_limits(int bus, const struct options *o)
{
	struct bus_limits limits = { .stall_ms = o->stall_ms };
	int err = 0;

	if (o->stall_ms)
		err = afbus_bus_set_limits(bus, &limits);
	if (!err && o->maxqlen_given)
		err = afbus_bus_set_maxqlen(bus, o->maxqlen);
	if (!err && o->sendbuf)
		err = afbus_bus_set_sendbuf(bus, o->sendbuf);
	return err;
}

static int watch_signals(struct master *ms)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : watch(ms, fd, 0);
}

static int loop(struct master *ms)
{
	int err = 0;

	if (!ms->o->quiet)
		printf("listening at %s\n", ms->o->path);
	while (!err && !ms->fds[FD_SIGNAL].revents) {
		if (fflush(stdout))
			return -errno;
		err = turn(ms);
	}
	return err;
}

static int run(const struct options *o)
{
	struct master ms = { .o = o };
	int bus, err;

	ms.m.fds = ms.msg_fds;
	ms.m.fds_size = AFBUS_MSG_MAX_FDS;
	bus = afbus_bus_create(o->path, BACKLOG, AFBUS_NONBLOCK |
			       (o->replace ? AFBUS_REPLACE : 0));
	if (bus < 0)
		return native_complain(COMMAND, o->path, bus);
	err = set_limits(bus, o);
	if (!err)
		err = watch(&ms, bus, 0);
	if (!err)
		err = watch_signals(&ms);
	if (!err)
		err = loop(&ms);
	if (*o->path != '@')
		unlink(o->path);
	while (ms.n > 1)
		close(ms.fds[--ms.n].fd);
	close(bus);
	free(ms.fds);
	free(ms.addrs);
	free(ms.m.data);
	return err ? native_complain(COMMAND, o->path, err) : 0;
}

static void usage(FILE *f)
{
	fputs("usage: afbus listen [OPTION...] PATH\n"
	      "\n"
	      "Makes a native bus at PATH (@NAME: an abstract name), lets everybody join who\n"
	      "connects, and prints: join, leave with the cause, messages to the master, and\n"
	      "undelivered ones to addresses that nobody has. Ends with SIGINT or SIGTERM.\n"
	      "\n"
	      "  --group=N        everybody is in group N; may be repeated\n"
	      "  --maxqlen=N      messages that may wait for a client, 0 to 65535 (10)\n"
	      "  --sendbuf=BYTES  the longest message\n"
	      "  --stall-ms=MS    how long a client may keep others waiting (10000)\n"
	      "  --replace        a file that a bus has left at PATH goes\n"
	      "  --format=FORMAT  of messages: text (default), data, raw, json\n"
	      "  --quiet          messages only\n"
	      "  --help\n", f);
}

static int parse_option(int c, struct options *o)
{
	switch (c) {
	case 'g': return native_group(COMMAND, optarg, &o->groups);
	case 'm':
		o->maxqlen_given = true;
		return native_number(COMMAND, "--maxqlen", optarg, 0, 65535,
				     &o->maxqlen);
	case 's':
		return native_number(COMMAND, "--sendbuf", optarg, 2048,
				     128U << 20, &o->sendbuf);
	case 't':
		return native_number(COMMAND, "--stall-ms", optarg, 1,
				     INT32_MAX, &o->stall_ms);
	case 'f': return native_format(COMMAND, optarg, &o->format);
	case 'r': o->replace = true; return 0;
	case 'q': o->quiet = true; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int cmd_listen(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "group", required_argument, NULL, 'g' },
		{ "maxqlen", required_argument, NULL, 'm' },
		{ "sendbuf", required_argument, NULL, 's' },
		{ "stall-ms", required_argument, NULL, 't' },
		{ "format", required_argument, NULL, 'f' },
		{ "replace", no_argument, NULL, 'r' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { 0 };
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "hq", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	if (!r)
		r = native_path(COMMAND, argc - optind, argv + optind,
				&o.path);
	return r ? r : run(&o);
}
