// SPDX-License-Identifier: LGPL-2.1-or-later
/* Wires of AF_UNIX and AF_BUS. */
#include "tools/bench/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <afbus.h>

#define GROUP 7
/* About as many small messages as fit into a socket buffer of AF_UNIX. */
#define MAXQLEN 256
/* On a slow machine a receiver's turn may come late. */
#define STALL_MS 100000

static int fds_new(int **ret, unsigned int n)
{
	int *fds = malloc(n * sizeof(*fds));
	unsigned int i;

	if (!fds)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		fds[i] = -1;
	*ret = fds;
	return 0;
}

static void fds_close(int *fds, unsigned int n)
{
	unsigned int i;

	for (i = 0; fds && i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(fds);
}

int wire_open(struct wire *w, const struct wire_kind *kind, unsigned int n)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->n = n;
	w->rx = w->collect = w->answer = w->bus = -1;
	err = fds_new(&w->tx, n);
	if (!err)
		err = fds_new(&w->ends, n + 1);
	w->addrs = calloc(n, sizeof(*w->addrs));
	if (!err && !w->addrs)
		err = -ENOMEM;
	return err ? err : kind->open(w);
}

void wire_release(struct wire *w)
{
	if (w->rx >= 0)
		close(w->rx);
	w->rx = -1;
}

void wire_close(struct wire *w)
{
	wire_release(w);
	fds_close(w->tx, w->n);
	fds_close(w->ends, w->n + 1);
	if (w->collect >= 0)
		close(w->collect);
	if (w->answer >= 0)
		close(w->answer);
	if (w->bus >= 0)
		close(w->bus);
	free(w->addrs);
	memset(w, 0, sizeof(*w));
}

static int sent(ssize_t n)
{
	return n < 0 ? -errno : 0;
}

/* ---- AF_UNIX: a socket pair for each receiver, one for all answers ---- */

static int unix_pair(int *a, int *b)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	*a = fds[0];
	*b = fds[1];
	return 0;
}

static int unix_open(struct wire *w)
{
	return unix_pair(&w->collect, &w->answer);
}

static int unix_add(struct wire *w, unsigned int i)
{
	return unix_pair(&w->tx[i], &w->rx);
}

static int unix_reply(struct wire *w, const void *data, size_t len)
{
	return sent(send(w->answer, data, len, MSG_NOSIGNAL));
}

static int unix_send(struct wire *w, const void *data, size_t len)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < w->n; i++)
		err = sent(send(w->tx[i], data, len, MSG_NOSIGNAL));
	return err;
}

static const struct wire_kind wire_unix = {
	"unix", unix_open, unix_add, NULL, unix_reply,
};

/* ---- AF_BUS ---- */

static void bus_name(struct wire *w)
{
	static unsigned int count;

	snprintf(w->name, sizeof(w->name), "@afbus-bench-%d-%u", getpid(),
		 count++);
}

/* For the sender, who connects next: the answers of all fit, since who is full
 * cannot send on. */
static int bus_limits(struct wire *w)
{
	struct bus_limits limits = { .stall_ms = STALL_MS };
	int err = afbus_bus_set_maxqlen(w->bus, MAXQLEN + w->n);

	return err ? err : afbus_bus_set_limits(w->bus, &limits);
}

/* Connects one, and accepts it. */
static int bus_client(struct wire *w, int *fd, int *end, uint64_t *addr)
{
	*fd = afbus_client_connect(w->name, 0);
	if (*fd < 0)
		return *fd;
	*end = afbus_bus_accept(w->bus, addr, 0);
	return *end < 0 ? *end : afbus_end_join(*end);
}

static int bus_open(struct wire *w)
{
	int err;

	bus_name(w);
	w->bus = afbus_bus_create(w->name, 16, 0);
	if (w->bus < 0)
		return w->bus;
	err = bus_limits(w);
	if (!err)
		err = bus_client(w, &w->collect, &w->ends[w->n], &w->sender);
	return err ? err : afbus_bus_set_maxqlen(w->bus, MAXQLEN);
}

static int bus_add(struct wire *w, unsigned int i)
{
	int err = bus_client(w, &w->rx, &w->ends[i], &w->addrs[i]);

	return err ? err : afbus_addr_add(w->ends[i],
					  AFBUS_ADDR(GROUP, w->addrs[i]));
}

/* Who makes the bus has the queue that is usual, so it is none of them. */
static int open_open(struct wire *w)
{
	int err;

	bus_name(w);
	w->bus = afbus_member_create(w->name, 0);
	if (w->bus < 0)
		return w->bus;
	err = bus_limits(w);
	if (err)
		return err;
	w->collect = afbus_member_join(w->name, 0);
	if (w->collect < 0)
		return w->collect;
	err = afbus_client_get_addr(w->collect, &w->sender);
	return err ? err : afbus_bus_set_maxqlen(w->bus, MAXQLEN);
}

static int open_add(struct wire *w, unsigned int i)
{
	int err;

	w->rx = afbus_member_join(w->name, 0);
	if (w->rx < 0)
		return w->rx;
	err = afbus_client_get_addr(w->rx, &w->addrs[i]);
	return err ? err : afbus_addr_add(w->rx,
					  AFBUS_ADDR(GROUP, w->addrs[i]));
}

static int bus_reply(struct wire *w, const void *data, size_t len)
{
	return afbus_send(w->rx, w->sender, data, len, 0);
}

static int bus_multicast(struct wire *w, const void *data, size_t len)
{
	return afbus_multicast(w->collect, GROUP, data, len, 0);
}

static int bus_unicasts(struct wire *w, const void *data, size_t len)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < w->n; i++)
		err = afbus_send(w->collect, w->addrs[i], data, len, 0);
	return err;
}

static const struct wire_kind wire_bus = {
	"bus", bus_open, bus_add, NULL, bus_reply,
};
static const struct wire_kind wire_open_bus = {
	"open", open_open, open_add, NULL, bus_reply,
};

/* ---- */

/* The first is what the others are compared with. */
const struct wire_mode wire_modes[] = {
	{ "unix", "AF_UNIX, N unicasts", &wire_unix, unix_send },
	{ "tipc", "TIPC group", &wire_tipc, wire_tipc_send },
	{ "bus", "AF_BUS group", &wire_bus, bus_multicast },
	{ "open", "AF_BUS group, open", &wire_open_bus, bus_multicast },
	{ "unicast", "AF_BUS, N unicasts", &wire_bus, bus_unicasts },
};

const size_t n_wire_modes = sizeof(wire_modes) / sizeof(wire_modes[0]);
