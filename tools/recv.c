// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus recv: prints the messages that come from a native bus. */
#include "tools/command.h"
#include "tools/native.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMMAND "afbus recv"

struct options {
	const char *path;
	struct groups groups;
	unsigned int count, timeout_ms;
	enum format format;
	bool open, replace, verbose;
};

struct receiver {
	const struct options *o;
	int fd;
	struct afbus_msg m;
	int fds[AFBUS_MSG_MAX_FDS];
	unsigned int printed;
	unsigned int asked;	/* groups the master has not answered for */
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* On an open bus one gives oneself an address, else the master must. */
static int enter_group(struct receiver *rx, uint64_t own, unsigned int prefix)
{
	char text[32];
	int n;

	if (rx->o->open)
		return afbus_addr_add(rx->fd, AFBUS_ADDR(prefix, own));
	rx->asked++;
	n = snprintf(text, sizeof(text), GROUP_REQUEST "%u", prefix);
	return afbus_send(rx->fd, BUS_MASTER_ADDR, text, n, 0);
}

static int enter_groups(struct receiver *rx)
{
	char what[32];
	uint64_t own;
	unsigned int i;
	int err = afbus_client_get_addr(rx->fd, &own);

	if (err)
		return native_complain(COMMAND, rx->o->path, err);
	if (rx->o->verbose)
		fprintf(stderr, COMMAND ": address %" PRIu64 "\n", own);
	for (i = 0; i < rx->o->groups.n; i++) {
		err = enter_group(rx, own, rx->o->groups.prefix[i]);
		if (err) {
			snprintf(what, sizeof(what), "group %u",
				 rx->o->groups.prefix[i]);
			return native_complain(COMMAND, what, err);
		}
	}
	return 0;
}

/* The answer to enter_group()? Then 0 or the exit status, else -1. */
static int take_answer(struct receiver *rx)
{
	const struct afbus_msg *m = &rx->m;
	const char ok[] = ": ok";

	if (!rx->asked || m->from != BUS_MASTER_ADDR ||
	    m->flags & AFBUS_MSG_TRUNCATED || m->len < strlen(GROUP_REQUEST) ||
	    memcmp(m->data, GROUP_REQUEST, strlen(GROUP_REQUEST)))
		return -1;
	rx->asked--;
	if (m->len > strlen(ok) &&
	    !memcmp((char *)m->data + m->len - strlen(ok), ok, strlen(ok)))
		return 0;
	fprintf(stderr, COMMAND ": ");
	print_data(stderr, m->data, m->len);
	fputc('\n', stderr);
	return 1;
}

static int ended(const struct receiver *rx, int err)
{
	int reason = rx->m.reason ? (int)rx->m.reason : afbus_reason(rx->fd);

	fprintf(stderr, COMMAND ": %s: %s", rx->o->path, native_error(err));
	if (reason > 0)
		fprintf(stderr, ": %s", afbus_reason_text(reason));
	fputc('\n', stderr);
	return err != -ENODATA || rx->o->count;
}

static int wait_until(int fd, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = now_ms();
	int n = poll(&p, 1, now < deadline ? (int)(deadline - now) : 0);

	return n < 0 ? -errno : n ? 0 : -ETIME;
}

static int receive(struct receiver *rx, uint64_t deadline)
{
	int err;

	for (;;) {
		err = deadline ? wait_until(rx->fd, deadline) : 0;
		if (!err)
			err = native_recv(rx->fd, &rx->m,
					  deadline ? MSG_DONTWAIT : 0);
		if (err != -EINTR && (err != -EAGAIN || !deadline))
			return err;
	}
}

static int receive_all(struct receiver *rx)
{
	const struct options *o = rx->o;
	uint64_t deadline = o->timeout_ms ? now_ms() + o->timeout_ms : 0;
	bool ready = false;
	int r;

	for (;;) {
		if (!ready && !rx->asked && o->verbose)
			fprintf(stderr, COMMAND ": ready\n");
		ready = !rx->asked;
		r = receive(rx, deadline);
		if (r == -ETIME) {
			fprintf(stderr, COMMAND ": %u of %u messages in time\n",
				rx->printed, o->count);
			return 1;
		}
		if (r)
			return ended(rx, r);
		r = take_answer(rx);
		if (r > 0)
			return r;
		if (!r)
			continue;
		print_msg(stdout, &rx->m, o->format);
		afbus_msg_close_fds(&rx->m);
		if (fflush(stdout))
			return native_complain(COMMAND, "standard output",
					       -errno);
		if (++rx->printed == o->count)
			return 0;
	}
}

static int run(const struct options *o)
{
	struct receiver rx = { .o = o };
	unsigned int flags = AFBUS_CREDS;
	int r;

	rx.m.fds = rx.fds;
	rx.m.fds_size = AFBUS_MSG_MAX_FDS;
	rx.fd = o->open ? afbus_member_open(o->path, flags |
					    (o->replace ? AFBUS_REPLACE : 0)) :
			  afbus_client_connect(o->path, flags);
	if (rx.fd < 0)
		return native_complain(COMMAND, o->path, rx.fd);
	r = enter_groups(&rx);
	if (!r)
		r = receive_all(&rx);
	free(rx.m.data);
	close(rx.fd);
	return r;
}

static void usage(FILE *f)
{
	fputs("usage: afbus recv [OPTION...] PATH\n"
	      "\n"
	      "Connects to the native bus at PATH (@NAME: an abstract name) and prints what\n"
	      "comes, a line a message: its number on the bus, sender > destination, the\n"
	      "sender's process, user and group, data.\n"
	      "\n"
	      "  --open           an open bus; it is made if it is not there\n"
	      "  --replace        the same, and a file that a bus has left there goes\n"
	      "  --group=N        be in group N too; may be repeated. With a master it is\n"
	      "                   asked, as 'afbus listen' understands\n"
	      "  --count=N        end after N messages\n"
	      "  --timeout-ms=MS  fail when they have not come by then\n"
	      "  --format=FORMAT  text (default), data (a line), raw (no line), json\n"
	      "  --verbose        say one's own address, and when ready, on stderr\n"
	      "  --help\n", f);
}

static int parse_option(int c, struct options *o)
{
	switch (c) {
	case 'g': return native_group(COMMAND, optarg, &o->groups);
	case 'n':
		return native_number(COMMAND, "--count", optarg, 1, UINT32_MAX,
				     &o->count);
	case 't':
		return native_number(COMMAND, "--timeout-ms", optarg, 1,
				     INT32_MAX, &o->timeout_ms);
	case 'f': return native_format(COMMAND, optarg, &o->format);
	case 'r': o->replace = o->open = true; return 0;
	case 'o': o->open = true; return 0;
	case 'v': o->verbose = true; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int cmd_recv(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "group", required_argument, NULL, 'g' },
		{ "count", required_argument, NULL, 'n' },
		{ "timeout-ms", required_argument, NULL, 't' },
		{ "format", required_argument, NULL, 'f' },
		{ "open", no_argument, NULL, 'o' },
		{ "replace", no_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { 0 };
	int c, r = 0;

	while (!r && (c = getopt_long(argc, argv, "hv", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	if (!r)
		r = native_path(COMMAND, argc - optind, argv + optind,
				&o.path);
	return r ? r : run(&o);
}
