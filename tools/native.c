// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/native.h"
#include "tools/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_ROOM 65536

static const struct {
	int err;
	const char *text;
} errors[] = {
	{ EAFNOSUPPORT, "no such address family: is the module af_bus loaded?" },
	{ EPROTONOSUPPORT, "this af_bus has no native buses" },
	{ ESOCKTNOSUPPORT, "this af_bus has no native buses of this type" },
	{ EPROTOTYPE, "a bus of another type (open buses want --open, others do not)" },
	{ ECONNREFUSED, "nobody listens there" },
	{ EADDRINUSE, "exists already" },
	{ EHOSTUNREACH, "nobody has this address" },
	{ EDESTADDRREQ, "an open bus has no master: say --to or --group" },
	{ EMSGSIZE, "longer than the send buffer" },
	{ EAGAIN, "a receiver is full" },
	{ ETIMEDOUT, "removed: did not read while others waited" },
	{ EPIPE, "not connected any more" },
	{ ENODATA, "ended" },
};

const char *native_error(int err)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].err == -err)
			return errors[i].text;
	return strerror(-err);
}

int native_complain(const char *command, const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", command, what, native_error(err));
	return 1;
}

int native_number(const char *command, const char *option, const char *text,
		  unsigned int lo, unsigned int hi, unsigned int *ret)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v < lo || v > hi) {
		fprintf(stderr, "%s: %s: '%s' is not a number from %u to %u\n",
			command, option, text, lo, hi);
		return EXIT_USAGE;
	}
	*ret = v;
	return 0;
}

int native_group(const char *command, const char *text, struct groups *groups)
{
	unsigned int i, prefix;
	int r;

	r = native_number(command, "--group", text, 1, UINT16_MAX, &prefix);
	if (r)
		return r;
	for (i = 0; i < groups->n; i++)
		if (groups->prefix[i] == prefix)
			return 0;
	if (groups->n == NATIVE_MAX_GROUPS) {
		fprintf(stderr, "%s: more than %d groups\n", command,
			NATIVE_MAX_GROUPS);
		return EXIT_USAGE;
	}
	groups->prefix[groups->n++] = prefix;
	return 0;
}

int native_address(const char *command, const char *text, uint64_t *addr)
{
	int err = afbus_addr_parse(text, addr);

	if (!err)
		return 0;
	fprintf(stderr, "%s: '%s' is not an address%s\n", command, text,
		err == -ERANGE ? ": a number is too large" :
		"; say CLIENT, PREFIX.CLIENT, PREFIX.*, all or master");
	return EXIT_USAGE;
}

static const char *const formats[] = {
	[FORMAT_TEXT] = "text",
	[FORMAT_DATA] = "data",
	[FORMAT_RAW] = "raw",
	[FORMAT_JSON] = "json",
};

int native_format(const char *command, const char *text, enum format *format)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(formats[i], text)) {
			*format = i;
			return 0;
		}
	}
	fprintf(stderr, "%s: unknown format '%s'; say text, data, raw or json\n",
		command, text);
	return EXIT_USAGE;
}

int native_path(const char *command, int argc, char **argv, const char **path)
{
	struct sockaddr_bus sa;

	if (!argc) {
		fprintf(stderr, "%s: no path of a bus; try '%s --help'\n",
			command, command);
		return EXIT_USAGE;
	}
	if (argc > 1) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", command,
			argv[1]);
		return EXIT_USAGE;
	}
	if (afbus_sockaddr_set(&sa, argv[0], 0)) {
		fprintf(stderr, "%s: '%s' is %s for a path\n", command,
			argv[0], strlen(argv[0]) < 2 ? "too short" :
						       "too long");
		return EXIT_USAGE;
	}
	*path = argv[0];
	return 0;
}

static int grow(struct afbus_msg *m, size_t size)
{
	void *data;

	if (size <= m->size)
		return 0;
	data = realloc(m->data, size);
	if (!data)
		return -ENOMEM;
	m->data = data;
	m->size = size;
	return 0;
}

int native_recv(int fd, struct afbus_msg *m, int flags)
{
	ssize_t len = afbus_msg_next_len(fd, flags);
	int err;

	/* The end: receiving tells more about it. */
	if (len < 0 && len != -ENODATA)
		return len;
	/* One of a higher priority may yet come before it. */
	err = grow(m, len > USUAL_ROOM ? len : USUAL_ROOM);
	return err ? err : afbus_msg_recv(fd, m, flags);
}
