// SPDX-License-Identifier: LGPL-2.1-or-later
/* Only the accepted end decides about its client, only the bus about the bus;
 * joining happens once. */
#include "native-test.h"

static int set(int fd, int option, const void *val, socklen_t len)
{
	return setsockopt(fd, SOL_BUS, option, val, len);
}

static void of_end(int fd, int want)
{
	int minus = -1;

	refused(nt_join(fd), want);
	refused(nt_add(fd, PREFIX(1) | 1), want);
	refused(nt_del(fd, PREFIX(1) | 1), want);
	refused(set(fd, BUS_SET_EAVESDROP, NULL, 0), want);
	refused(set(fd, BUS_UNSET_EAVESDROP, NULL, 0), want);
	refused(set(fd, BUS_FILTER, NULL, 0), want);
	refused(set(fd, BUS_FILTER_BPF, &minus, sizeof(minus)), want);
}

static void of_bus(int fd, int want)
{
	struct bus_limits l = { .stall_ms = 1000 };
	int n = 4096;

	refused(set(fd, BUS_SET_SENDBUF, &n, sizeof(n)), want);
	refused(set(fd, BUS_SET_MAXQLEN, &n, sizeof(n)), want);
	refused(set(fd, BUS_LIMITS, &l, sizeof(l)), want);
}

int main(void)
{
	int bus = nt_bus();
	struct peer p = nt_guest(bus), q = nt_peer(bus);
	struct bus_addr a = { PREFIX(1) | 1 };

	/* Before joining and after. */
	of_end(p.fd, EPERM);
	of_end(q.fd, EPERM);
	of_end(bus, EOPNOTSUPP);
	of_bus(p.fd, EPERM);
	of_bus(q.fd, EPERM);
	of_bus(p.end, EOPNOTSUPP);
	refused(try_say(p.fd, q.addr, "x"), EHOSTUNREACH);

	ok(nt_join(p.end));
	refused(nt_join(p.end), EISCONN);
	refused(nt_join(q.end), EISCONN);
	say(p.fd, q.addr, "joined");
	heard(q.fd, p.addr, "joined");

	refused(set(p.end, BUS_ADD_ADDR, &a, 4), EINVAL);
	refused(set(p.end, BUS_ADD_ADDR, NULL, 0), EINVAL);
	refused(set(p.end, BUS_ADD_ADDR, (void *)8, sizeof(a)), EFAULT);
	refused(set(p.end, 9999, &a, sizeof(a)), ENOPROTOOPT);
	refused(set(p.end, 0, &a, sizeof(a)), ENOPROTOOPT);
	refused(setsockopt(p.end, 41, 1, &a, sizeof(a)), ENOPROTOOPT);
	close(bus);
	return 0;
}
