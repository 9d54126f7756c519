// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What cannot go on at once is kept up to SO_SNDBUF. Then a sender that must
 * not wait gets EAGAIN and poll() agrees, with an edge when there is space; one
 * that may waits, until a signal comes, there is space, or it ends.
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <unistd.h>

static uint8_t *message(const char *to, uint32_t serial, size_t *len)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = serial, .path = "/o", .interface = "i.f",
		.member = "M", .destination = to, .body = 1000,
	};

	return test_build(&s, len);
}

static int try_send(struct client *c, const char *to, uint32_t serial,
		    int flags)
{
	size_t len;
	uint8_t *data = message(to, serial, &len);
	int r = send(c->fd, data, len, MSG_NOSIGNAL | flags);
	int err = errno;

	check(r < 0 || r == (int)len);
	free(data);
	errno = err;
	return r < 0 ? -1 : 0;
}

static short events(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN | POLLOUT };

	check(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static int outq(struct client *c)
{
	int n;

	check(!ioctl(c->fd, SIOCOUTQ, &n));
	return n;
}

/* Held: nothing of it moves. Returns how many were taken. */
static uint32_t fill(struct client *c, const char *to)
{
	uint32_t n = 0;

	while (!try_send(c, to, n + 1, MSG_DONTWAIT))
		n++;
	check(errno == EAGAIN);
	check(n > 5 && !(events(c) & POLLOUT));
	check(outq(c) > 5000);
	check_err(try_send(c, to, n + 1, MSG_DONTWAIT), EAGAIN);
	return n;
}

static void take(struct client *c, uint32_t from, uint32_t to)
{
	struct msg m;

	for (; from <= to; from++) {
		check(test_recv(c, &m));
		if (m.h.f.serial != from)
			fail("message %u, not %u", m.h.f.serial, from);
		msg_free(&m);
	}
}

struct bg {
	pthread_t thread;
	struct client *c;
	const char *to;
	uint32_t serial;
	int ret, err;
};

static void *blocking(void *arg)
{
	struct bg *b = arg;

	b->ret = try_send(b->c, b->to, b->serial, 0);
	b->err = errno;
	return NULL;
}

static void start(struct bg *b, struct client *c, const char *to,
		  uint32_t serial)
{
	*b = (struct bg){ .c = c, .to = to, .serial = serial };
	check(!pthread_create(&b->thread, NULL, blocking, b));
}

static void on_signal(int sig)
{
	(void)sig;
}

static int edge(int ep, int ms)
{
	struct epoll_event ev;

	return epoll_wait(ep, &ev, 1, ms);
}

/* A signal that comes too early is sent again. */
static void interrupted(struct client *a, const char *to)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct bg b;

	check(!sigaction(SIGUSR1, &sa, NULL));
	start(&b, a, to, 999);
	do {
		usleep(2000);
		check(!pthread_kill(b.thread, SIGUSR1));
	} while (pthread_tryjoin_np(b.thread, NULL));
	check(b.ret == -1 && b.err == EINTR);
}

int main(void)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int bus = test_bus(), size = 8192, ep = epoll_create1(0);
	struct client a = test_native_raw(bus), b = test_native(bus);
	struct bg wait, late;
	uint32_t n;

	check(!setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	check(!test_update(bus, BUS_REC_ACTIVATE, a.addr, 0, NULL));
	n = fill(&a, b.name);
	check(!epoll_ctl(ep, EPOLL_CTL_ADD, a.fd, &ev));
	check(!edge(ep, 0));
	interrupted(&a, b.name);
	start(&wait, &a, b.name, n + 1);
	check(!test_update(bus, BUS_REC_RESUME, a.addr, 0, NULL));
	take(&b, 1, n + 1);
	check(!pthread_join(wait.thread, NULL) && !wait.ret);
	check(edge(ep, TEST_WAIT_MS) == 1);
	check(events(&a) == POLLOUT);
	test_silence(b.fd, 0);
	/* Its end wakes who waits. */
	a = test_native_raw(bus);
	check(!setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	n = fill(&a, b.name);
	start(&late, &a, b.name, n + 1);
	usleep(20000);
	check(!test_update(bus, BUS_REC_CLOSE, a.addr, 0, NULL));
	check(!pthread_join(late.thread, NULL));
	check(late.ret == -1 && late.err == EPIPE);
	check(events(&a) & POLLHUP && events(&a) & POLLOUT);
	return 0;
}
