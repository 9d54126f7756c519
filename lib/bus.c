// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a master does with its bus and the ends of its clients. */
#include "lib/internal.h"
#include "lib/place.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

int afbus_bus_create(const char *path, int backlog, unsigned int flags)
{
	int fd, err;

	if (flags & ~(AFBUS_NONBLOCK | AFBUS_CREDS | AFBUS_REPLACE))
		return -EINVAL;
	fd = place_bind(SOCK_SEQPACKET, path, flags);
	if (fd < 0)
		return fd;
	if (listen(fd, backlog)) {
		err = -errno;
		place_remove(path);
		close(fd);
		return err;
	}
	return fd;
}

/* What the end shall do, which accept() does not copy from the bus. */
static int end_init(int end, unsigned int flags)
{
	int one = 1;

	if (flags & AFBUS_CREDS &&
	    setsockopt(end, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)))
		return -errno;
	return option_set_int(end, BUS_PASS_INFO, 1);
}

int afbus_bus_accept(int bus, uint64_t *addr, unsigned int flags)
{
	struct sockaddr_bus sa = { 0 };
	socklen_t len = sizeof(sa);
	int end, err;

	if (flags & ~(AFBUS_NONBLOCK | AFBUS_CREDS))
		return -EINVAL;
	end = accept4(bus, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC |
		      (flags & AFBUS_NONBLOCK ? SOCK_NONBLOCK : 0));
	if (end < 0)
		return -errno;
	err = end_init(end, flags);
	if (err) {
		close(end);
		return err;
	}
	if (addr)
		*addr = sa.sbus_addr.s_addr;
	return end;
}

int afbus_bus_get_limits(int bus, struct bus_limits *limits)
{
	socklen_t len = sizeof(*limits);

	memset(limits, 0, sizeof(*limits));
	return option_get(bus, BUS_LIMITS, limits, &len);
}

int afbus_bus_set_limits(int bus, const struct bus_limits *limits)
{
	return option_set(bus, BUS_LIMITS, limits, sizeof(*limits));
}

int afbus_bus_set_sendbuf(int bus, int bytes)
{
	return option_set_int(bus, BUS_SET_SENDBUF, bytes);
}

int afbus_bus_set_maxqlen(int bus, int messages)
{
	return option_set_int(bus, BUS_SET_MAXQLEN, messages);
}

int afbus_bus_get_full(int bus, uint64_t *addrs, size_t n)
{
	socklen_t len;
	int err;

	if (n > INT_MAX / sizeof(*addrs))
		n = INT_MAX / sizeof(*addrs);
	len = n * sizeof(*addrs);
	err = option_get(bus, BUS_GET_QLENFULL, addrs, &len);
	return err ? err : (int)(len / sizeof(*addrs));
}

int afbus_end_join(int end)
{
	return option_set(end, BUS_JOIN_BUS, NULL, 0);
}

int afbus_end_get_addr(int end, uint64_t *addr)
{
	return address_get(end, getpeername, addr);
}

int afbus_end_get_creds(int end, struct afbus_creds *creds)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);

	if (getsockopt(end, SOL_SOCKET, SO_PEERCRED, &uc, &len))
		return -errno;
	*creds = (struct afbus_creds){ uc.pid, uc.uid, uc.gid };
	return 0;
}

int afbus_end_set_eavesdrop(int end, bool on)
{
	return option_set(end, on ? BUS_SET_EAVESDROP : BUS_UNSET_EAVESDROP,
			  NULL, 0);
}

int afbus_end_set_filter(int end, const struct sock_filter *insns,
			 unsigned short n)
{
	struct sock_fprog prog = {
		.len = n,
		.filter = (struct sock_filter *)insns,
	};

	return option_set(end, BUS_FILTER, n ? &prog : NULL,
			  n ? sizeof(prog) : 0);
}

int afbus_end_set_filter_bpf(int end, int prog)
{
	return option_set_int(end, BUS_FILTER_BPF, prog);
}
