// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making a bus, its options, and what is refused. */
#include "bus-test.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int bind_name(int fd, const char *name)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };

	memcpy(sa.sbus_path + 1, name, strlen(name));
	return bind(fd, (struct sockaddr *)&sa, sizeof(sa));
}

static void binding(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "\0a" };
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int a, b;

	check_err(socket(AF_BUS, SOCK_STREAM, BUS_PROTO_DBUS),
		  ESOCKTNOSUPPORT);
	check_err(test_socket(99), EPROTONOSUPPORT);
	check_err(test_socket(-1), EPROTONOSUPPORT);
	a = test_socket(BUS_PROTO_DBUS);
	b = test_socket(BUS_PROTO_DBUS);
	check_err(recv(a, &sa, 1, MSG_DONTWAIT), ENOTCONN);
	check_err(bind(a, (struct sockaddr *)&un, sizeof(un)), EAFNOSUPPORT);
	check_err(listen(a, 1), EINVAL);
	check_err(bind_name(a, ""), EINVAL);
	check(!bind_name(a, "options"));
	check_err(bind_name(a, "other"), EINVAL);
	check_err(bind_name(b, "options"), EADDRINUSE);
	check(!getsockname(a, (struct sockaddr *)&sa, &len));
	check(sa.sbus_family == AF_BUS && !strcmp(sa.sbus_path + 1, "options"));
	check_err(getpeername(a, (struct sockaddr *)&sa, &len), ENOTCONN);
	check_err(connect(b, (struct sockaddr *)&sa, len), ECONNREFUSED);
	check(!listen(a, 1));
	check_err(accept(b, NULL, NULL), EINVAL);
	close(a);
	check(!bind_name(b, "options"));
	close(b);
}

/* Which are numbers: none is taken for a place in a table. */
static void unknown_records(int bus)
{
	check(test_update(bus, 0, 0, 0, NULL) == -EINVAL);
	check(test_update(bus, BUS_REC_ABOUT + 1, 0, 0, NULL) == -EINVAL);
	check(test_update(bus, 1000, 1, 0, "text") == -EINVAL);
	check(test_update(bus, UINT32_MAX, 1, 0, NULL) == -EINVAL);
}

static void options(int bus)
{
	struct bus_limits l, set = { .queue_bytes = 1 << 20 };
	socklen_t len = sizeof(uint32_t);
	uint32_t version = 0;

	check(!getsockopt(bus, SOL_BUS, BUS_VERSION, &version, &len));
	check(version == BUS_ABI_VERSION);
	len = 1;
	check_err(getsockopt(bus, SOL_BUS, BUS_VERSION, &version, &len),
		  EINVAL);
	check_err(getsockopt(bus, SOL_BUS, 9999, &version, &len), ENOPROTOOPT);
	check_err(setsockopt(bus, SOL_BUS, 9999, &version, 4), ENOPROTOOPT);
	check_err(setsockopt(bus, SOL_BUS, BUS_LIMITS, &l, 3), EINVAL);
	check_err(setsockopt(bus, SOL_BUS, BUS_LIMITS, (void *)8,
			     sizeof(l)), EFAULT);
	test_limits(bus, &set);
	len = sizeof(l);
	check(!getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len));
	check(l.queue_bytes == 1 << 20 && l.message_bytes == 128 << 20);
	set = (struct bus_limits){ .message_fds = 254, .stall_ms = 5 };
	check_err(setsockopt(bus, SOL_BUS, BUS_LIMITS, &set, sizeof(set)),
		  EINVAL);
	check(!getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len));
	check(l.stall_ms == 10000);
}

static void updates(int bus)
{
	struct client c = test_client(bus, 0);
	struct bus_rec r[2] = {
		{ .len = sizeof(r[0]), .type = BUS_REC_ACTIVATE,
		  .addr = c.addr },
		{ .len = sizeof(r[0]), .type = BUS_REC_ACTIVATE, .addr = 999 },
	};

	check(test_update(bus, 77, c.addr, 0, NULL) == -EINVAL);
	check(test_update(bus, BUS_REC_ACTIVATE, 0, 0, NULL) == -EINVAL);
	check(test_update(bus, BUS_REC_ACTIVATE, 999, 0, NULL) == -ENOENT);
	check(test_update(bus, BUS_REC_ACTIVATE, c.addr, 0, "x") == -EINVAL);
	check(test_update(bus, BUS_REC_NAME, c.addr, 0, "bad") == -EINVAL);
	check(test_update(bus, BUS_REC_NAME, c.addr, 0, ":1.5") == -EINVAL);
	check(test_update(bus, BUS_REC_MATCH_ADD, c.addr, 1, "bad") ==
	      -EINVAL);
	check(test_update(bus, BUS_REC_MATCH_DEL, c.addr, 1, NULL) ==
	      -ENOENT);
	test_match(bus, &c, 1, "type='signal'");
	check(test_update(bus, BUS_REC_MATCH_ADD, c.addr, 1, "") == -EEXIST);
	check(test_stats(bus).matches == 1);
	check(!test_update(bus, BUS_REC_MATCH_DEL, c.addr, 1, NULL));
	check(test_stats(bus).matches == 0);
	/* All or none. */
	check_err(setsockopt(bus, SOL_BUS, BUS_UPDATE, r, sizeof(r)), ENOENT);
	r[1].len = 3;
	check_err(setsockopt(bus, SOL_BUS, BUS_UPDATE, r, sizeof(r)), EINVAL);
	r[1].len = 1 << 20;
	check_err(setsockopt(bus, SOL_BUS, BUS_UPDATE, r, sizeof(r)), EINVAL);
	check(!setsockopt(bus, SOL_BUS, BUS_UPDATE, r, 0));
	close(c.fd);
}

int main(void)
{
	int bus = test_bus();

	binding();
	options(bus);
	unknown_records(bus);
	updates(bus);
	return 0;
}
