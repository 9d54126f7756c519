// SPDX-License-Identifier: LGPL-2.1-or-later
/* BUS_LIMITS of a native bus: defaults, ranges, all or none. */
#include "native-test.h"

static struct bus_limits was;
static int bus;

static bool same(const struct bus_limits *a, const struct bus_limits *b)
{
	return a->queue_bytes == b->queue_bytes &&
	       a->user_bytes == b->user_bytes &&
	       a->message_bytes == b->message_bytes &&
	       a->message_fds == b->message_fds &&
	       a->queue_fds == b->queue_fds && a->stall_ms == b->stall_ms;
}

static void wrong(struct bus_limits l)
{
	struct bus_limits now;

	if (!l.stall_ms)
		l.stall_ms = was.stall_ms + 1;	/* would be right */
	refused(setsockopt(bus, SOL_BUS, BUS_LIMITS, &l, sizeof(l)), EINVAL);
	now = nt_limits(bus);
	check(same(&now, &was));
}

int main(void)
{
	struct sockaddr_bus name;
	struct bus_limits l, now;
	socklen_t len;

	name = nt_name();
	bus = nt_socket();
	ok(bind(bus, NT_SA(&name), sizeof(name)));
	was = nt_limits(bus);
	is(was.queue_bytes, 16 << 20);
	is(was.user_bytes, 512 << 20);
	is(was.message_bytes, 128 << 20);
	is(was.message_fds, 253);
	is(was.queue_fds, 1024);
	is(was.stall_ms, 10000);

	wrong((struct bus_limits){ .queue_bytes = (64 << 10) - 1 });
	wrong((struct bus_limits){ .queue_bytes = (256 << 20) + 1 });
	wrong((struct bus_limits){ .queue_bytes = UINT64_MAX });
	wrong((struct bus_limits){ .message_bytes = (128 << 20) + 1 });
	wrong((struct bus_limits){ .message_fds = 254 });

	l = (struct bus_limits){ .queue_bytes = 64 << 10, .stall_ms = 1234 };
	nt_set_limits(bus, l);
	now = nt_limits(bus);
	is(now.queue_bytes, 64 << 10);
	is(now.stall_ms, 1234);
	is(now.user_bytes, was.user_bytes);
	is(now.message_bytes, was.message_bytes);
	is(now.queue_fds, was.queue_fds);
	nt_set_limits(bus, (struct bus_limits){ .queue_bytes = 256 << 20 });
	is(nt_limits(bus).queue_bytes, 256 << 20);
	nt_set_limits(bus, (struct bus_limits){ 0 });
	is(nt_limits(bus).queue_bytes, 256 << 20);

	refused(setsockopt(bus, SOL_BUS, BUS_LIMITS, &l, sizeof(l) - 1),
		EINVAL);
	refused(setsockopt(bus, SOL_BUS, BUS_LIMITS, (void *)8, sizeof(l)),
		EFAULT);
	len = sizeof(l) - 1;
	refused(getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len), EINVAL);
	len = sizeof(l);
	refused(getsockopt(bus, SOL_BUS, BUS_LIMITS, (void *)8, &len), EFAULT);
	close(bus);
	return 0;
}
