// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets and messages; whole buses, so that programs get somewhere. */
#include "sysfuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/un.h>

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])
#define SA(x) ((struct sockaddr *)(x))
#define BARE offsetof(struct sockaddr_bus, sbus_path)

struct world world;

/* ---- slots ---- */

int slot(unsigned int n)
{
	return world.fds[n % SLOTS];
}

bool put(unsigned int n, int fd)
{
	int old = __atomic_exchange_n(&world.fds[n % SLOTS], fd,
				      __ATOMIC_SEQ_CST);

	if (old >= 0)
		close(old);
	return fd >= 0;
}

void put_addr(unsigned int n, uint64_t addr)
{
	world.addrs[n % ADDRS] = addr;
}

uint64_t some_addr(unsigned int n)
{
	static const uint64_t special[] = {
		BUS_MASTER_ADDR, BUS_CLIENT_MASK,
		BUS_CLIENT_MASK | 1ULL << 48, 1ULL << 48 | 1, 2ULL << 48 | 1,
		1, BUS_MONITORS, ~0ULL,
	};

	return (n & 0x30) == 0x30 ? PICK(special, n) : world.addrs[n % ADDRS];
}

int family(void)
{
	static int known;
	FILE *f;

	if (!known) {
		f = fopen("/sys/module/af_bus/parameters/family", "r");
		if (!f || fscanf(f, "%d", &known) != 1)
			known = AF_BUS_DEFAULT;
		if (f)
			fclose(f);
	}
	return known;
}

void impatient(int fd)
{
	struct timeval tv = { .tv_usec = 3000 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

/* What a bus promises to do in some time it does soon: after a program nobody
 * waits. */
void short_limits(int bus, uint32_t d)
{
	struct bus_limits l = {
		.stall_ms = 1 + d % 50, .fd_ms = 1 + d / 50 % 50,
	};

	if (d & 1 << 20)
		l.queue_bytes = 64 << 10;
	if (d & 1 << 21)
		l.user_bytes = 64 << 10;
	if (d & 1 << 22)
		l.message_fds = 1 + d % 4;
	if (d & 1 << 23)
		l.queue_fds = 1 + d % 8;
	if (d & 1 << 24)
		l.reply_ms = 1 + d % 20;
	if (d & 1 << 25)
		l.replies = 1 + d % 4;
	if (d & 1 << 26)
		l.message_bytes = 4096;
	setsockopt(bus, SOL_BUS, BUS_LIMITS, &l, sizeof(l));
}

socklen_t abstract(struct sockaddr_bus *sa, unsigned int n)
{
	memset(sa, 0, sizeof(*sa));
	sa->sbus_family = (__kernel_sa_family_t)family();
	snprintf(sa->sbus_path + 1, sizeof(sa->sbus_path) - 1,
		 "sysfuzz-%d-%u-%u", getpid(), world.turn, n % 4);
	return sizeof(*sa);
}

static int new_socket(int type, int proto)
{
	int fd = socket(family(), type | SOCK_CLOEXEC, proto);

	if (fd >= 0)
		impatient(fd);
	return fd;
}

static bool op_socket(const struct rec *r)
{
	static const int types[] = {
		SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_SEQPACKET, SOCK_DGRAM,
		SOCK_SEQPACKET, SOCK_SEQPACKET | SOCK_NONBLOCK, SOCK_STREAM,
	};

	return put(r->a, new_socket(PICK(types, r->d),
				    r->c % 16 ? r->c & 1 : r->c >> 4));
}

static bool op_bind(const struct rec *r)
{
	struct sockaddr_bus sa;
	socklen_t len = abstract(&sa, r->c);
	bool path = r->c & 0x40;
	int fd = slot(r->a);

	if (path)
		snprintf(sa.sbus_path, sizeof(sa.sbus_path), "/tmp/sysfuzz-%d",
			 getpid());
	if ((r->c & 0xb0) == 0xb0)
		len = r->d % (sizeof(sa) + 2);
	if (bind(fd, SA(&sa), len))
		return false;
	if (path)
		unlink(sa.sbus_path);
	short_limits(fd, r->d);
	return true;
}

static bool op_listen(const struct rec *r)
{
	return !listen(slot(r->a), (int)(r->d % 6) - 1);
}

/* As the bus at b is. */
static int matching_socket(int bus)
{
	int type = -1, proto = -1;
	socklen_t len = sizeof(int);

	getsockopt(bus, SOL_SOCKET, SO_TYPE, &type, &len);
	getsockopt(bus, SOL_SOCKET, SO_PROTOCOL, &proto, &len);
	return new_socket(type, proto);
}

static bool op_connect(const struct rec *r)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	if (r->c & 2)
		put(r->a, matching_socket(slot(r->b)));
	if (r->c & 1)
		getsockname(slot(r->b), SA(&sa), &len);
	else
		len = abstract(&sa, r->c);
	if ((r->c & 0xb0) == 0xb0)
		len = r->d % (sizeof(sa) + 2);
	return !connect(slot(r->a), SA(&sa), len);
}

static int accept_one(int bus, unsigned int addr, int flags)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int fd = accept4(bus, SA(&sa), &len, flags | SOCK_CLOEXEC);

	if (fd >= 0) {
		impatient(fd);
		put_addr(addr, sa.sbus_addr.s_addr);
	}
	return fd;
}

/* Most often somebody knocks just before; by chance that is rare. */
static bool op_accept(const struct rec *r)
{
	const struct rec knock = { .a = 0xe, .b = r->a, .c = 3 };

	if (r->c & 6)
		op_connect(&knock);
	return put(r->b, accept_one(slot(r->a), r->b,
				    r->c & 1 ? SOCK_NONBLOCK : 0));
}

static bool op_names(const struct rec *r)
{
	struct sockaddr_bus sa;
	socklen_t len = r->d % (sizeof(sa) + 2);

	return !(r->c & 1 ? getsockname : getpeername)(slot(r->a), SA(&sa),
						       &len);
}

static bool op_shutdown(const struct rec *r)
{
	return !shutdown(slot(r->a), r->c % 4);
}

static bool op_close(const struct rec *r)
{
	put(r->a, -1);
	return true;
}

static bool op_dup(const struct rec *r)
{
	return put(r->b, fcntl(slot(r->a), F_DUPFD_CLOEXEC, FIRST_FD));
}

/* ---- messages ---- */

int message_flags(uint32_t d)
{
	static const int flags[] = {
		0, 0, 0, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_MORE, MSG_EOR,
		MSG_WAITALL, MSG_ERRQUEUE, MSG_CMSG_CLOEXEC, MSG_CONFIRM,
		MSG_PEEK | MSG_TRUNC, MSG_ZEROCOPY, MSG_DONTROUTE, MSG_FASTOPEN,
	};

	return PICK(flags, d) | MSG_NOSIGNAL |
	       ((d >> 8) % 4 ? MSG_DONTWAIT : 0);
}

static void *add_cmsg(struct msghdr *m, size_t size, int level, int type,
		      size_t len)
{
	char *at = (char *)m->msg_control + m->msg_controllen;
	struct cmsghdr *c = (struct cmsghdr *)at;

	if (m->msg_controllen + CMSG_SPACE(len) > size)
		return NULL;
	memset(at, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	m->msg_controllen += CMSG_SPACE(len);
	return CMSG_DATA(c);
}

static void add_fds(struct msghdr *m, size_t size, const struct rec *r)
{
	static const unsigned int counts[] = { 1, 1, 2, 3, 16, 60, 253, 0 };
	unsigned int n = PICK(counts, r->d), i;
	int *fds = add_cmsg(m, size, SOL_SOCKET, SCM_RIGHTS, n * sizeof(int));

	for (i = 0; fds && i < n; i++)
		fds[i] = r->d & 0x100 ? slot(r->c + i) : slot(r->c);
}

static void add_cred(struct msghdr *m, size_t size, const struct rec *r)
{
	struct ucred *c = add_cmsg(m, size, SOL_SOCKET, SCM_CREDENTIALS,
				   sizeof(*c));

	if (!c)
		return;
	c->pid = r->d & 1 ? 1 : getpid();
	c->uid = getuid();
	c->gid = getgid();
}

static void add_from(struct msghdr *m, size_t size, const struct rec *r)
{
	struct bus_send *s = add_cmsg(m, size, SOL_BUS, BUS_SEND, sizeof(*s));

	if (!s)
		return;
	s->from = some_addr(r->c);
	s->flags = r->d % 16 ? r->d >> 4 & BUS_SEND_UNSEEN : r->d;
}

static void add_garbage(struct msghdr *m, size_t size, const struct rec *r)
{
	static const int types[] = { SCM_RIGHTS, SCM_CREDENTIALS, 3, BUS_SEND,
				     BUS_INFO };
	struct cmsghdr *c = (struct cmsghdr *)
		((char *)m->msg_control + m->msg_controllen);
	void *data = add_cmsg(m, size, r->d & 1 ? SOL_BUS : SOL_SOCKET,
			      PICK(types, r->d >> 1), r->d % 40);

	if (data)
		memset(data, r->c, r->d % 40);
	if (data && r->d & 0x1000)
		c->cmsg_len = r->d >> 16;
}

void add_control(struct msghdr *m, char *buf, size_t size, const struct rec *r)
{
	static void (*const add[])(struct msghdr *m, size_t size,
				   const struct rec *r) = {
		add_fds, add_cred, add_from, add_garbage,
	};
	unsigned int i;

	m->msg_control = buf;
	m->msg_controllen = 0;
	for (i = 0; i < 4; i++)
		if (r->c & 1U << (4 + i) && r->d >> 12 & 3)
			add[i](m, size, r);
	if (!m->msg_controllen)
		m->msg_control = NULL;
}

bool send_to(int fd, uint64_t addr, const void *data, size_t len,
	     const struct rec *r)
{
	struct sockaddr_bus sa = {
		.sbus_family = (__kernel_sa_family_t)family(),
		.sbus_addr = { addr },
	};
	struct iovec iov[2] = {
		{ (void *)data, len / 2 },
		{ (char *)data + len / 2, len - len / 2 },
	};
	char control[2048];
	struct msghdr m = {
		.msg_name = &sa, .msg_namelen = BARE,
		.msg_iov = iov, .msg_iovlen = 2,
	};

	if (r->d & 1 << 29)
		m.msg_namelen = r->d & 1 << 30 ? 0 : sizeof(sa);
	if (r->d & 1 << 28)
		m.msg_namelen = r->d % (sizeof(sa) + 2);
	add_control(&m, control, sizeof(control), r);
	return sendmsg(fd, &m, message_flags(r->d >> 9)) >= 0;
}

static bool op_send(const struct rec *r)
{
	static const size_t sizes[] = { 0, 1, 5, 100, 3000, 5000, 70000,
					300000 };
	static char data[300000];

	return send_to(slot(r->a), some_addr(r->b), data,
		       PICK(sizes, r->d >> 4), r);
}

static bool op_recv(const struct rec *r)
{
	static const size_t sizes[] = { 0, 8, 20, 64, 200, 1200 };
	struct sockaddr_bus sa;
	char control[1200] __attribute__((aligned(8))), data[4096];
	struct iovec iov = { data, r->d >> 16 & 1 ? 4 : sizeof(data) };
	struct msghdr m = {
		.msg_name = r->d >> 17 & 1 ? NULL : &sa,
		.msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = PICK(sizes, r->c),
	};
	struct cmsghdr *c;
	size_t i, n;
	bool kept = false;

	if (recvmsg(slot(r->a), &m, message_flags(r->d)) < 0)
		return false;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int *fds = (int *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			if (kept || !(r->b & 1))
				close(fds[i]);
			else
				kept = put(r->b, fds[i]);
		}
	}
	return true;
}

/* ---- whole buses ---- */

static int new_bus(int type, int proto, struct sockaddr_bus *sa,
		   const struct rec *r)
{
	int fd = new_socket(type, proto);

	if (bind(fd, SA(sa), abstract(sa, r->c))) {
		close(fd);
		return -1;
	}
	short_limits(fd, r->d);
	return fd;
}

/* At a: the bus; at a + 1, + 2: clients; at a + 3, + 4: the master's ends. */
static bool op_native_bus(const struct rec *r)
{
	struct sockaddr_bus sa;
	int bus = new_bus(SOCK_SEQPACKET, BUS_PROTO_NONE, &sa, r), fd, end;
	struct bus_addr a = { 1ULL << 48 | 1 };
	unsigned int i;

	if (!put(r->a, bus) || listen(bus, 4))
		return false;
	for (i = 1; i <= 2; i++) {
		fd = new_socket(SOCK_SEQPACKET, BUS_PROTO_NONE);
		if (!put(r->a + i, fd) || connect(fd, SA(&sa), sizeof(sa)))
			return false;
		end = accept_one(bus, r->a + i, 0);
		if (!put(r->a + i + 2, end))
			return false;
		setsockopt(end, SOL_BUS, BUS_JOIN_BUS, NULL, 0);
		a.s_addr += i;
		setsockopt(end, SOL_BUS, BUS_ADD_ADDR, &a, sizeof(a));
	}
	return true;
}

/* The bus at a gets another master, who is given ends that nobody has. */
static bool op_successor(const struct rec *r)
{
	uint32_t ms = 1 + r->d % 50;
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int old = slot(r->a), fd;
	unsigned int i;

	if (getsockname(old, SA(&sa), &len) ||
	    setsockopt(old, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)))
		return false;
	fd = matching_socket(old);
	if (r->c & 0x10)
		put(r->a, -1);
	for (i = 1; i <= 4; i++)
		if (r->c & 1 << (i - 1))
			put(r->a + i, -1);
	put(r->a, -1);
	if (bind(fd, SA(&sa), sizeof(sa))) {
		close(fd);
		return false;
	}
	short_limits(fd, r->d);
	for (i = 3; i <= 4; i++)
		if (r->c & 8 << i)
			put(r->a + i, accept_one(fd, r->a + i, SOCK_NONBLOCK));
	return put(r->a, fd);
}

static bool op_open_bus(const struct rec *r)
{
	struct sockaddr_bus sa, me;
	socklen_t len = sizeof(me);
	int bus = new_bus(SOCK_DGRAM, BUS_PROTO_NONE, &sa, r), fd;

	fd = new_socket(SOCK_DGRAM, BUS_PROTO_NONE);
	put(r->a, bus);
	put(r->a + 1, fd);
	if (connect(fd, SA(&sa), sizeof(sa)))
		return false;
	getsockname(fd, SA(&me), &len);
	put_addr(r->a, me.sbus_addr.s_addr);
	return true;
}

/* Other sockets, to adopt and to send. */
bool op_pair(const struct rec *r)
{
	static const int types[] = { SOCK_STREAM, SOCK_STREAM, SOCK_SEQPACKET,
				     SOCK_DGRAM };
	int fds[2];

	if (socketpair(AF_UNIX, PICK(types, r->c) | SOCK_CLOEXEC |
		       SOCK_NONBLOCK, 0, fds))
		return false;
	put(r->a, fds[0]);
	return put(r->b, fds[1]);
}

/* Where things most often are: 0 a bus with 1, 2; 5 one with 6, 7 and 8, 9; a
 * one with b; c and d a pair; e, f anything. */
const struct op ops[] = {
	{ "socket", op_socket, 2, true, "ef", "0", true },
	{ "bind", op_bind, 2, true, "ef", "0" },
	{ "listen", op_listen, 2, true, "5e", "0" },
	{ "connect", op_connect, 3, true, "ef34", "05ea" },
	{ "accept", op_accept, 3, true, "05e", "f89" },
	{ "names", op_names, 1, true, "0123456789abcdef", "0" },
	{ "shutdown", op_shutdown, 1, true, "12346789ab", "0" },
	{ "close", op_close, 3, true, "0123456789abcdef", "0" },
	{ "dup", op_dup, 1, true, "0123456789abcdef", "ef" },
	{ "send", op_send, 8, true, "6789ab", "6789ab" },
	{ "recv", op_recv, 8, true, "6789ab01234", "ef" },
	{ "native-bus", op_native_bus, 4, true, "5", "0", true },
	{ "open-bus", op_open_bus, 2, true, "a", "0", true },
	{ "pair", op_pair, 2, true, "c", "d" },
	{ "dbus-bus", op_dbus_bus, 6, true, "0", "0", true },
	{ "attach", op_attach, 3, true, "0", "cd" },
	{ "dbus-write", op_dbus_write, 12, true, "1234c", "1234" },
	{ "master-send", op_master_send, 4, true, "0", "1234cd" },
	{ "policy", op_policy, 2, true, "0", "01234" },
	{ "update", op_update, 6, true, "0", "1234cd" },
	{ "setsockopt", op_setsockopt, 5, true, "0589a", "6789" },
	{ "getsockopt", op_getsockopt, 4, true, "012346789ab", "1234cd" },
	{ "socket-option", op_socket_option, 2, true, "0126789abc", "0" },
	{ "filter", op_filter, 2, true, "6789ab", "e" },
	{ "edge", op_edge, 2, false, "012346789ab", "0" },
	{ "ioctl", op_ioctl, 1, true, "012346789ab", "0" },
	{ "poll", op_poll, 2, true, "012346789ab", "012346789abef" },
	{ "splice", op_splice, 1, true, "126789ab", "0" },
	{ "proc", op_proc, 1, true, "0", "0" },
	{ "successor", op_successor, 3, true, "5", "0" },
};
const unsigned int n_ops = sizeof(ops) / sizeof(ops[0]);

/* ---- before and after a program ---- */

static uint8_t *make_edge(void)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + page, (size_t)page, PROT_NONE))
		_exit(3);
	return p + page;
}

void world_begin(void)
{
	unsigned int i;

	if (!world.edge)
		world.edge = make_edge();
	world.turn++;
	for (i = 0; i < SLOTS; i++)
		world.fds[i] = -1;
	for (i = 0; i < ADDRS; i++)
		world.addrs[i] = 0;
}

void world_end(void)
{
	close_range(FIRST_FD, ~0U, 0);
}
