// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options, filters, bad pointers, and the rest of what one does with sockets. */
#include "sysfuzz.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

/* One more than there are, and 0. */
#define OPTIONS (BUS_DUMP + 2)

/* What waits no longer than short_limits() says. */
static bool set_limits(int fd, const struct rec *r)
{
	struct bus_limits l = { .stall_ms = 1 + r->d % 50 };

	l.fd_ms = l.stall_ms;
	if (r->c & 0x40)
		memcpy((char *)&l + r->d % 44 / 4 * 4, &r->d, sizeof(r->d));
	if (l.stall_ms > 100)
		l.stall_ms = 100;
	if (l.fd_ms > 100)
		l.fd_ms = 100;
	if (r->c & 0x80) {
		short_limits(fd, r->d);
		return true;
	}
	return !setsockopt(fd, SOL_BUS, BUS_LIMITS, &l, sizeof(l));
}

static bool set_addr(int fd, int option, const struct rec *r)
{
	struct bus_addr a = { some_addr(r->b) };

	return !setsockopt(fd, SOL_BUS, option, &a,
			   r->c >> 5 == 7 ? r->d % 16 : sizeof(a));
}

static bool set_int(int fd, int option, const struct rec *r)
{
	static const int values[] = { 0, 1, 2, 10, 2048, 65535, 65536, -1 };
	int n = r->c & 0x80 ? (int)r->d : PICK(values, r->d);

	/* After a program nobody waits. */
	if (option == BUS_PERSIST && n > 0)
		n = 1 + n % 50;
	return !setsockopt(fd, SOL_BUS, option, &n,
			   r->c >> 5 == 7 ? r->d % 8 : sizeof(n));
}

static bool set_keep(int fd, const struct rec *r)
{
	struct bus_keep k = {
		.id = r->d % 4,
		.fd = r->d & 0x100 ? -1 : slot(r->b),
		.pad = r->c >> 5 == 7,
	};

	return !setsockopt(fd, SOL_BUS, BUS_KEEP, &k, sizeof(k));
}

bool op_setsockopt(const struct rec *r)
{
	static const int known[] = {
		BUS_ADD_ADDR, BUS_DEL_ADDR, BUS_JOIN_BUS, BUS_SET_EAVESDROP,
		BUS_UNSET_EAVESDROP, BUS_SET_SENDBUF, BUS_SET_MAXQLEN,
		BUS_LIMITS, BUS_PASS_INFO, BUS_PERSIST, BUS_PERSIST,
		BUS_TAKEOVER, BUS_KEEP,
	};
	int fd = slot(r->a);
	int option = r->c & 0x20 ? r->c % OPTIONS : PICK(known, r->c);

	switch (option) {
	case BUS_LIMITS:
		return set_limits(fd, r);
	case BUS_ADD_ADDR:
	case BUS_DEL_ADDR:
		return set_addr(fd, option, r);
	case BUS_KEEP:
		return set_keep(fd, r);
	default:
		return set_int(fd, option, r);
	}
}

bool op_getsockopt(const struct rec *r)
{
	static const socklen_t sizes[] = { 0, 4, 8, 24, 120, 256 };
	uint64_t buf[32] = { some_addr(r->b), r->d };
	socklen_t len = PICK(sizes, r->d);

	if (r->c & 0x80)
		len = sizeof(buf);
	return !getsockopt(slot(r->a), r->c & 0x40 ? SOL_SOCKET : SOL_BUS,
			   r->c % OPTIONS, buf, &len);
}

bool op_socket_option(const struct rec *r)
{
	static const int options[] = {
		SO_PRIORITY, SO_PASSCRED, SO_RCVBUF, SO_SNDBUF, SO_RCVBUFFORCE,
		SO_SNDBUFFORCE, SO_PEEK_OFF, SO_TIMESTAMP, SO_RXQ_OVFL,
		SO_RCVLOWAT, SO_ZEROCOPY, SO_BUSY_POLL, SO_KEEPALIVE,
	};
	static const int values[] = { 0, 1, 2, 7, 4096, 100000, -1, 1 << 30 };
	int n = PICK(values, r->d);

	return !setsockopt(slot(r->a), SOL_SOCKET, PICK(options, r->c), &n,
			   sizeof(n));
}

bool op_filter(const struct rec *r)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, r->d % 8),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, r->d >> 8, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, r->d % 3 ? r->d >> 4 : 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
	};
	struct sock_fprog p = { r->c & 0x80 ? r->d % 5 : 4, code };
	int fd = slot(r->a), other = slot(r->b);

	switch (r->c % 6) {
	case 0:
		return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p,
				   sizeof(p));
	case 1:
		return !setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0);
	case 2:
		return !setsockopt(fd, SOL_BUS, BUS_FILTER, NULL, 0);
	case 3:
		return !setsockopt(fd, SOL_BUS, BUS_FILTER_BPF, &other,
				   sizeof(other));
	default:
		return !setsockopt(fd, SOL_BUS, BUS_FILTER, &p, sizeof(p));
	}
}

/* Pointers to the last bytes before nothing. */
bool op_edge(const struct rec *r)
{
	uint8_t *p = world.edge - r->d % 64;
	socklen_t len = r->d >> 8 & 127;
	struct iovec iov = { p, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = slot(r->a);

	memset(p, (int)r->c, r->d % 64);
	if (r->d >> 16 & 1) {
		m.msg_control = p;
		m.msg_controllen = len;
		iov.iov_base = &m;
		iov.iov_len = sizeof(m);
	}
	switch ((r->d >> 20) % 6) {
	case 0:
		return !setsockopt(fd, SOL_BUS, r->c % OPTIONS, p, len);
	case 1:
		return !getsockopt(fd, SOL_BUS, r->c % OPTIONS, p, &len);
	case 2:
		return !getsockopt(fd, SOL_BUS, r->c % OPTIONS, &m,
				   (socklen_t *)(world.edge - r->d % 8));
	case 3:
		return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	case 4:
		return recvmsg(fd, &m, MSG_DONTWAIT) >= 0;
	default:
		return !getsockname(fd, (struct sockaddr *)p, &len);
	}
}

bool op_ioctl(const struct rec *r)
{
	static const unsigned long requests[] = {
		FIONREAD, SIOCOUTQ, SIOCINQ, FIOASYNC, SIOCATMARK,
		SIOCGSTAMP_OLD, SIOCSPGRP, FIONBIO,
	};
	int n[8] = { r->d & 1 };

	return !ioctl(slot(r->a), PICK(requests, r->c), n);
}

bool op_poll(const struct rec *r)
{
	struct epoll_event e = {
		.events = EPOLLIN | EPOLLOUT | (r->c & 1 ? EPOLLET : 0),
	};
	struct pollfd p[2] = {
		{ slot(r->a), POLLIN | POLLOUT, 0 },
		{ slot(r->b), POLLIN, 0 },
	};
	int ep;
	bool done;

	if (r->c & 2)
		return poll(p, 2, r->d % 3) > 0;
	ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(ep, EPOLL_CTL_ADD, slot(r->a), &e);
	done = epoll_wait(ep, &e, 1, r->d % 2) > 0;
	/* To go on for as long as the program. */
	if (r->c & 4)
		put(r->b, ep);
	else
		close(ep);
	return done;
}

bool op_splice(const struct rec *r)
{
	int pipes[2], file = memfd_create("sysfuzz", MFD_CLOEXEC);
	size_t len = 1 + r->d % 9000;
	bool done;

	if (ftruncate(file, (off_t)len) || pipe2(pipes, O_CLOEXEC | O_NONBLOCK))
		return false;
	if (r->c & 1)
		done = sendfile(slot(r->a), file, NULL, len) > 0;
	else if (r->c & 2)
		done = splice(slot(r->a), NULL, pipes[1], NULL, len,
			      SPLICE_F_NONBLOCK) > 0;
	else
		done = sendfile(pipes[1], file, NULL, len) > 0 &&
		       splice(pipes[0], NULL, slot(r->a), NULL, len,
			      SPLICE_F_NONBLOCK) > 0;
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	return done;
}

bool op_proc(const struct rec *r)
{
	char buf[4096];
	int fd = open("/proc/net/bus", O_RDONLY | O_CLOEXEC);
	bool done = read(fd, buf, 1 + r->d % sizeof(buf)) > 0;

	close(fd);
	return done;
}
