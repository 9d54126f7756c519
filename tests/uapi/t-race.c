// SPDX-License-Identifier: LGPL-2.1-or-later
/* Attaching, sending, closing and table changes against each other. */
#include "bus-test.h"

#include <pthread.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 5

static int bus;
static volatile bool stop;

static void *master(void *arg)
{
	struct pollfd p = { .fd = bus, .events = POLLIN };
	struct msg m;

	while (!stop) {
		if (poll(&p, 1, 100) != 1)
			continue;
		test_master_recv(bus, &m);
		test_update(bus, m.info.kind == BUS_KIND_CLOSED ?
				 BUS_REC_CLOSE : BUS_REC_RESUME,
			    m.info.addr, 0, NULL);
		msg_free(&m);
	}
	return arg;
}

/*
 * A client sends itself, so that queues come to hold each other. But AF_UNIX
 * does not collect every ring of its own sockets (docs/security.md), and one
 * that holds a socket of ours as well keeps the module in use: where there are
 * both kinds, those of AF_UNIX send a socket that holds nothing.
 */
static int what_to_send(const struct client *c, int other[2])
{
	if (TEST_CLIENTS != TEST_MIXED || test_is_native(c->fd))
		return c->fd;
	check(!socketpair(AF_UNIX, SOCK_STREAM, 0, other));
	return other[0];
}

static void *churn(void *arg)
{
	unsigned int seed = (unsigned long)arg, i;
	char to[32], buf[4096];

	while (!stop) {
		struct client c = test_client(bus, BUS_ATTACH_FDS);
		int other[2] = { -1, -1 };
		int carried = what_to_send(&c, other);
		struct msg_spec s = {
			.type = DBUS_TYPE_CALL, .serial = 1, .path = "/o",
			.interface = "i.f", .member = "M", .unix_fds = 0,
		};
		uint8_t *data;
		size_t len;

		test_update(bus, BUS_REC_MATCH_ADD, c.addr, 1, "arg0='x'");
		test_update(bus, BUS_REC_NAME, c.addr, 0, "com.example.N");
		for (i = 0; i < 20; i++) {
			snprintf(to, sizeof(to), ":1.%llu",
				 (unsigned long long)c.addr - rand_r(&seed) % 4);
			s.type = i % 3 ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL;
			/* Sometimes two wait for the same serial. */
			s.flags = i % 16 ? DBUS_FLAG_NO_REPLY : 0;
			s.destination = i % 3 == 0 ? NULL : i % 3 == 1 ? to :
					"com.example.N";
			s.arg0 = i % 3 ? NULL : "x";
			s.body = rand_r(&seed) % 6000;
			s.unix_fds = rand_r(&seed) % 4 == 0;
			data = test_build(&s, &len);
			if (s.unix_fds) {
				struct iovec iov = { data, len };
				union { char b[CMSG_SPACE(4)]; size_t a; } u;
				struct msghdr mh = {
					.msg_iov = &iov, .msg_iovlen = 1,
					.msg_control = &u,
					.msg_controllen = sizeof(u),
				};
				struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

				cm->cmsg_level = SOL_SOCKET;
				cm->cmsg_type = SCM_RIGHTS;
				cm->cmsg_len = CMSG_LEN(4);
				memcpy(CMSG_DATA(cm), &carried, 4);
				(void)!sendmsg(c.fd, &mh,
					       MSG_NOSIGNAL | MSG_DONTWAIT);
			} else {
				(void)!send(c.fd, data, len,
					    MSG_NOSIGNAL | MSG_DONTWAIT);
			}
			free(data);
			if (rand_r(&seed) % 3 == 0)
				(void)!recv(c.fd, buf, sizeof(buf),
					    MSG_DONTWAIT);
		}
		if (rand_r(&seed) % 2)
			test_update(bus, BUS_REC_CLOSE, c.addr, 0, NULL);
		close(c.fd);
		if (carried != c.fd) {
			close(other[0]);
			close(other[1]);
		}
	}
	return arg;
}

int main(void)
{
	struct bus_limits l = { .queue_bytes = 64 << 10, .stall_ms = 50 };
	pthread_t t[4], mt;
	unsigned long i;

	bus = test_bus();
	test_limits(bus, &l);
	pthread_create(&mt, NULL, master, NULL);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	sleep(SECONDS);
	stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_join(mt, NULL);
	return 0;
}
