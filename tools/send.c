// SPDX-License-Identifier: LGPL-2.1-or-later
/* afbus send: one message, or one a line, to a native bus. */
#include "tools/command.h"
#include "tools/native.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMMAND "afbus send"
/* The kernel tells nobody that it has joined. */
#define JOIN_POLL_MS 5

struct options {
	const char *path, *text;
	uint64_t to;
	bool to_given, open, lines, no_wait;
	unsigned int priority, join_ms;
	int fds[AFBUS_MSG_MAX_FDS];
	unsigned int n_fds;
};

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* On a bus with a master EHOSTUNREACH means that it has not let us join yet. */
static int send_msg(int fd, struct options *o, const struct afbus_msg *m)
{
	int err;

	for (;;) {
		err = afbus_msg_send(fd, m, o->no_wait ? MSG_DONTWAIT : 0);
		if (err != -EHOSTUNREACH || o->open || !o->join_ms)
			return err;
		sleep_ms(JOIN_POLL_MS);
		o->join_ms -= o->join_ms < JOIN_POLL_MS ? o->join_ms :
							  JOIN_POLL_MS;
	}
}

static int send_bytes(int fd, struct options *o, const char *data, size_t len)
{
	struct afbus_msg m = {
		.data = (void *)data, .len = len, .to = o->to,
		.fds = o->fds, .n_fds = o->n_fds,
	};
	char to[AFBUS_ADDR_TEXT];
	int err = send_msg(fd, o, &m);

	if (!err)
		return 0;
	if (err == -EHOSTUNREACH && !o->open) {
		fprintf(stderr, COMMAND ": %s: the master has not let us join\n",
			o->path);
		return 1;
	}
	afbus_addr_format(o->to, to, sizeof(to));
	return native_complain(COMMAND, o->to_given ? to : o->path, err);
}

static int send_lines(int fd, struct options *o)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	int r = 0;

	while (!r && (n = getline(&line, &size, stdin)) >= 0) {
		if (n && line[n - 1] == '\n')
			n--;
		r = send_bytes(fd, o, line, n);
	}
	if (!r && ferror(stdin))
		r = native_complain(COMMAND, "standard input", -errno);
	free(line);
	return r;
}

static int read_all(char **ret, size_t *len)
{
	size_t size = 0, n;
	char *data = NULL, *more;

	*len = 0;
	do {
		if (size - *len < 4096) {
			size = size ? 2 * size : 65536;
			more = realloc(data, size);
			if (!more) {
				free(data);
				return -ENOMEM;
			}
			data = more;
		}
		n = fread(data + *len, 1, size - *len, stdin);
		*len += n;
	} while (n);
	if (ferror(stdin)) {
		free(data);
		return -EIO;
	}
	*ret = data;
	return 0;
}

static int send_input(int fd, struct options *o)
{
	size_t len;
	char *data;
	int r = read_all(&data, &len);

	if (r)
		return native_complain(COMMAND, "standard input", r);
	r = send_bytes(fd, o, data, len);
	free(data);
	return r;
}

static int run(struct options *o)
{
	int fd, err, r;

	fd = o->open ? afbus_member_join(o->path, 0) :
		       afbus_client_connect(o->path, 0);
	if (fd < 0)
		return native_complain(COMMAND, o->path, fd);
	err = o->priority ? afbus_client_set_priority(fd, o->priority) : 0;
	if (err)
		r = native_complain(COMMAND, "--priority", err);
	else if (o->lines)
		r = send_lines(fd, o);
	else if (strcmp(o->text, "-"))
		r = send_bytes(fd, o, o->text, strlen(o->text));
	else
		r = send_input(fd, o);
	close(fd);
	return r;
}

static void usage(FILE *f)
{
	fputs("usage: afbus send [OPTION...] PATH [TEXT | -]\n"
	      "\n"
	      "Connects to the native bus at PATH (@NAME: an abstract name) and sends TEXT, or\n"
	      "what standard input holds, as one message.\n"
	      "\n"
	      "  --to=ADDRESS   CLIENT, PREFIX.CLIENT, PREFIX.* (a group), all, or master,\n"
	      "                 which is the default\n"
	      "  --group=N      the same as --to=N.*\n"
	      "  --open         an open bus, which has no master\n"
	      "  --lines        each line of standard input is a message\n"
	      "  --priority=P   0 (default) to 7\n"
	      "  --fd=N         send descriptor N with it; may be repeated\n"
	      "  --no-wait      fail when a receiver is full\n"
	      "  --join-ms=MS   how long to wait for the master to let us join (5000)\n"
	      "  --help\n", f);
}

static int parse_fd(struct options *o, const char *text)
{
	unsigned int fd;
	int r;

	if (o->n_fds == AFBUS_MSG_MAX_FDS) {
		fprintf(stderr, COMMAND ": more than %d descriptors\n",
			AFBUS_MSG_MAX_FDS);
		return EXIT_USAGE;
	}
	r = native_number(COMMAND, "--fd", text, 0, INT32_MAX, &fd);
	o->fds[o->n_fds++] = fd;
	return r;
}

static int parse_to(struct options *o, const char *text, bool group)
{
	unsigned int prefix;
	int r;

	if (o->to_given) {
		fprintf(stderr, COMMAND ": more than one destination\n");
		return EXIT_USAGE;
	}
	o->to_given = true;
	if (!group)
		return native_address(COMMAND, text, &o->to);
	r = native_number(COMMAND, "--group", text, 1, UINT16_MAX, &prefix);
	if (!r)
		o->to = AFBUS_GROUP(prefix);
	return r;
}

static int parse_option(int c, struct options *o)
{
	switch (c) {
	case 't': return parse_to(o, optarg, false);
	case 'g': return parse_to(o, optarg, true);
	case 'p':
		return native_number(COMMAND, "--priority", optarg, 0,
				     BUS_PRIO_MAX, &o->priority);
	case 'j':
		return native_number(COMMAND, "--join-ms", optarg, 0, 3600000,
				     &o->join_ms);
	case 'f': return parse_fd(o, optarg);
	case 'o': o->open = true; return 0;
	case 'l': o->lines = true; return 0;
	case 'n': o->no_wait = true; return 0;
	case 'h': usage(stdout); exit(0);
	default: usage(stderr); return EXIT_USAGE;
	}
}

int cmd_send(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "to", required_argument, NULL, 't' },
		{ "group", required_argument, NULL, 'g' },
		{ "priority", required_argument, NULL, 'p' },
		{ "join-ms", required_argument, NULL, 'j' },
		{ "fd", required_argument, NULL, 'f' },
		{ "open", no_argument, NULL, 'o' },
		{ "lines", no_argument, NULL, 'l' },
		{ "no-wait", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { .join_ms = 5000 };
	int c, n, r = 0;

	while (!r && (c = getopt_long(argc, argv, "h", longs, NULL)) >= 0)
		r = parse_option(c, &o);
	if (r)
		return r;
	n = argc - optind;
	if (n > 2) {
		fprintf(stderr, COMMAND ": unexpected argument '%s'\n",
			argv[optind + 2]);
		return EXIT_USAGE;
	}
	o.text = n == 2 ? argv[optind + 1] : "-";
	if (strcmp(o.text, "-") && o.lines) {
		fprintf(stderr, COMMAND ": --lines reads standard input: no TEXT\n");
		return EXIT_USAGE;
	}
	r = native_path(COMMAND, n ? 1 : 0, argv + optind, &o.path);
	return r ? r : run(&o);
}
