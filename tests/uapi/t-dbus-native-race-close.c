// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connecting, sending, reading, shutting down and closing, by several threads
 * at the same time, while the master accepts, resumes, closes and changes
 * limits, and one bus ends under it all: nothing is lost track of (the kernel's
 * checks tell), and whoever comes after that is served.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 4
#define ROUNDS 25

static int bus;
static struct sockaddr_bus name;
static volatile bool over;

static int dial(void)
{
	int fd = test_socket(BUS_PROTO_DBUS);

	check(fd >= 0);
	if (!connect(fd, (struct sockaddr *)&name, sizeof(name)))
		return fd;
	check(errno == ECONNREFUSED);
	close(fd);
	return -1;
}

struct pair {
	int fd;
	unsigned int seed;
};

static void *reader(void *arg)
{
	struct pair *p = arg;
	char buf[2000];
	int i;

	for (i = 0; i < 20; i++)
		if (recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT) < 0)
			sched_yield();
	if (rand_r(&p->seed) % 2)
		shutdown(p->fd, rand_r(&p->seed) % 3);
	return NULL;
}

static void *client(void *arg)
{
	struct pair p = { .seed = (uintptr_t)arg };
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 1, .path = "/o", .member = "M", .body = 500,
	};
	char to[32];
	pthread_t t;
	uint8_t *data;
	size_t len;
	int i, k;

	for (i = 0; i < ROUNDS; i++) {
		p.fd = dial();
		if (p.fd < 0)
			break;
		check(!pthread_create(&t, NULL, reader, &p));
		for (k = 0; k < 20; k++) {
			snprintf(to, sizeof(to), ":1.%u",
				 1 + rand_r(&p.seed) % (4 * (i + 1)));
			s.destination = to;
			s.serial = k + 1;
			data = test_build(&s, &len);
			if (rand_r(&p.seed) % 50 == 0)
				data[0] = 'x';
			send(p.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
			free(data);
		}
		check(!pthread_join(t, NULL));
		close(p.fd);
	}
	return NULL;
}

static void accept_one(unsigned int *seed)
{
	struct pollfd p = { .fd = bus, .events = POLLPRI };
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	uint64_t addr;
	int card;

	if (poll(&p, 1, 0) != 1)
		return;
	card = accept4(bus, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);
	check(card >= 0);
	addr = sa.sbus_addr.s_addr;
	if (rand_r(seed) % 4)
		test_update(bus, BUS_REC_ACTIVATE, addr, 0, NULL);
	if (rand_r(seed) % 4)
		test_update(bus, BUS_REC_MATCH_ADD, addr, 1, "");
	test_update(bus, rand_r(seed) % 8 ? BUS_REC_RESUME : BUS_REC_CLOSE,
		    addr, 0, NULL);
	close(card);
}

static void serve(unsigned int *seed)
{
	struct bus_info info = { 0 };
	char cbuf[1000], data[2000];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct cmsghdr *c;

	accept_one(seed);
	if (recvmsg(bus, &mh, MSG_DONTWAIT) < 0)
		return;
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c))
		if (c->cmsg_level == SOL_BUS)
			memcpy(&info, CMSG_DATA(c), sizeof(info));
	test_update(bus, info.kind == BUS_KIND_CLOSED || !(rand_r(seed) % 20) ?
			 BUS_REC_CLOSE : BUS_REC_RESUME, info.addr, 0, NULL);
}

static void *master(void *arg)
{
	struct pollfd p = { .fd = bus, .events = POLLIN | POLLPRI };
	unsigned int seed = 99;

	while (!over) {
		poll(&p, 1, 10);
		serve(&seed);
	}
	return arg;
}

static void storm(bool end_early)
{
	struct bus_limits l = { .stall_ms = 5 };
	pthread_t t[CLIENTS], m;
	socklen_t len = sizeof(name);
	uintptr_t i;

	bus = test_bus();
	test_limits(bus, &l);
	check(!getsockname(bus, (struct sockaddr *)&name, &len));
	over = false;
	check(!pthread_create(&m, NULL, master, NULL));
	for (i = 0; i < CLIENTS; i++)
		check(!pthread_create(&t[i], NULL, client, (void *)(i + 1)));
	if (end_early) {
		usleep(50000);
		over = true;
		check(!pthread_join(m, NULL));
		close(bus);
	}
	for (i = 0; i < CLIENTS; i++)
		check(!pthread_join(t[i], NULL));
	if (end_early)
		return;
	over = true;
	check(!pthread_join(m, NULL));
	close(bus);
}

int main(void)
{
	struct client a, b;
	struct msg m;
	int i;

	storm(false);
	for (i = 0; i < 5; i++)
		storm(true);
	bus = test_bus();
	a = test_native(bus);
	b = test_native(bus);
	test_call(&a, b.name, 1, 10);
	check(test_recv(&b, &m));
	msg_free(&m);
	return 0;
}
