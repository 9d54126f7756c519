// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus-test.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void test_fail(const char *file, int line, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno: %s)\n", strerror(err));
	exit(1);
}

void test_check_err(const char *file, int line, const char *what, long ret,
		    int want)
{
	if (ret == -1 && errno == want)
		return;
	test_fail(file, line, "%s returned %ld, wanted error %s", what, ret,
		  strerror(want));
}

static int env(const char *name, int usual)
{
	const char *s = getenv(name);

	return s ? atoi(s) : usual;
}

int test_wait_ms(void)
{
	return env("AFBUS_TEST_WAIT_MS", 20000);
}

int test_socket(int proto)
{
	return socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, proto);
}

int test_bus(void)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };
	static int count;
	int fd = test_socket(BUS_PROTO_DBUS);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) {
		fprintf(stderr, "no AF_BUS in this kernel\n");
		exit(TEST_SKIP);
	}
	if (fd < 0)
		fail("socket");
	snprintf(sa.sbus_path + 1, sizeof(sa.sbus_path) - 1, "test-%d-%d",
		 (int)getpid(), count++);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		fail("bind");
	if (TEST_CLIENTS != TEST_ADOPTED && listen(fd, SOMAXCONN))
		fail("listen");
	return fd;
}

void test_limits(int bus, const struct bus_limits *l)
{
	if (setsockopt(bus, SOL_BUS, BUS_LIMITS, l, sizeof(*l)))
		fail("BUS_LIMITS");
}

struct sockaddr_bus test_persist(int bus, uint32_t ms)
{
	uint32_t most = env("AFBUS_TEST_LASTING_MS", INT_MAX);
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	if (ms > most)
		ms = most;
	if (setsockopt(bus, SOL_BUS, BUS_PERSIST, &ms, sizeof(ms)))
		fail("BUS_PERSIST");
	if (getsockname(bus, (struct sockaddr *)&sa, &len))
		fail("getsockname");
	return sa;
}

int test_bind(const struct sockaddr_bus *sa)
{
	int fd = test_socket(BUS_PROTO_DBUS), err;

	if (fd < 0)
		fail("socket");
	if (!bind(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

struct bus_outage test_outage(int bus)
{
	struct bus_outage o;
	socklen_t len = sizeof(o);

	if (getsockopt(bus, SOL_BUS, BUS_TAKEOVER, &o, &len))
		fail("BUS_TAKEOVER");
	return o;
}

int test_take_over(const struct sockaddr_bus *sa)
{
	int fd = test_bind(sa);

	if (fd < 0)
		fail("bind");
	if (!test_outage(fd).takeovers)
		fail("a new bus, and not the one that was");
	return fd;
}

static struct client client_of(int fd, uint64_t addr)
{
	struct client c = { .fd = fd, .addr = addr };

	snprintf(c.name, sizeof(c.name), ":1.%llu", (unsigned long long)addr);
	return c;
}

static struct client test_adopted_raw(int bus, uint32_t flags)
{
	struct bus_attach at = { .flags = flags };
	socklen_t len = sizeof(at);
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		fail("socketpair");
	at.fd = sv[1];
	if (getsockopt(bus, SOL_BUS, BUS_ATTACH, &at, &len))
		fail("BUS_ATTACH");
	close(sv[1]);
	return client_of(sv[0], at.addr);
}

static void activate(int bus, const struct client *c)
{
	if (test_update(bus, BUS_REC_ACTIVATE, c->addr, 0, NULL) ||
	    test_update(bus, BUS_REC_RESUME, c->addr, 0, NULL))
		fail("activate");
}

int test_connect(int bus)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int fd = test_socket(BUS_PROTO_DBUS);

	if (fd < 0 || getsockname(bus, (struct sockaddr *)&sa, &len) ||
	    connect(fd, (struct sockaddr *)&sa, len))
		fail("connect");
	return fd;
}

struct client test_native_raw(int bus)
{
	/* Or a thread could accept what another has connected. */
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);
	int fd, card;

	pthread_mutex_lock(&mutex);
	fd = test_connect(bus);
	card = accept4(bus, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);
	pthread_mutex_unlock(&mutex);
	if (card < 0)
		fail("accept");
	close(card);
	return client_of(fd, sa.sbus_addr.s_addr);
}

struct client test_native(int bus)
{
	struct client c = test_native_raw(bus);

	activate(bus, &c);
	return c;
}

bool test_is_native(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       domain == AF_BUS;
}

/* Mixed: every other one, and first those who can be told to take no fds. */
static bool next_is_native(uint32_t flags)
{
	static unsigned int n;

	if (TEST_CLIENTS == TEST_MIXED)
		return n++ % 2 && flags & BUS_ATTACH_FDS;
	return TEST_CLIENTS == TEST_NATIVE;
}

struct client test_client_raw(int bus, uint32_t flags)
{
	return next_is_native(flags) ? test_native_raw(bus) :
				       test_adopted_raw(bus, flags);
}

struct client test_client(int bus, uint32_t flags)
{
	struct client c = test_client_raw(bus, flags);

	activate(bus, &c);
	return c;
}


int test_update(int bus, uint32_t type, uint64_t addr, uint64_t cookie,
		const char *text)
{
	size_t n = text ? strlen(text) : 0;
	struct bus_rec *rec = calloc(1, sizeof(*rec) + n + 1);
	int ret;

	rec->len = sizeof(*rec) + n;
	rec->type = type;
	rec->addr = addr;
	rec->cookie = cookie;
	if (n)
		memcpy(rec->data, text, n);
	ret = setsockopt(bus, SOL_BUS, BUS_UPDATE, rec, rec->len);
	free(rec);
	return ret ? -errno : 0;
}

void batch_add(struct batch *b, uint32_t type, uint64_t addr, uint64_t cookie,
	       const void *data, size_t len)
{
	struct bus_rec rec = {
		.len = sizeof(rec) + len,
		.type = type,
		.addr = addr,
		.cookie = cookie,
	};
	size_t at = (b->len + 7) & ~7UL;

	b->data = realloc(b->data, at + rec.len);
	memset(b->data + b->len, 0, at - b->len);
	memcpy(b->data + at, &rec, sizeof(rec));
	if (len)
		memcpy(b->data + at + sizeof(rec), data, len);
	b->len = at + rec.len;
}

int batch_apply(int bus, struct batch *b)
{
	int ret = setsockopt(bus, SOL_BUS, BUS_UPDATE, b->data, b->len);
	int err = errno;

	free(b->data);
	*b = (struct batch){ 0 };
	return ret ? -err : 0;
}

void test_name(int bus, const char *name, uint64_t addr)
{
	if (test_update(bus, BUS_REC_NAME, addr, 0, name))
		fail("name %s", name);
}

void test_match(int bus, struct client *c, uint64_t cookie, const char *rule)
{
	if (test_update(bus, BUS_REC_MATCH_ADD, c->addr, cookie, rule))
		fail("match %s", rule);
}

/* ---- messages ---- */

struct out {
	uint8_t *p;
	size_t len;
	bool big;
};

static void pad(struct out *o, size_t to)
{
	while (o->len % to)
		o->p[o->len++] = 0;
}

static void put32(struct out *o, uint32_t v)
{
	int i;

	pad(o, 4);
	for (i = 0; i < 4; i++)
		o->p[o->len++] = v >> (8 * (o->big ? 3 - i : i));
}

static void put_str(struct out *o, const char *s)
{
	put32(o, strlen(s));
	memcpy(o->p + o->len, s, strlen(s) + 1);
	o->len += strlen(s) + 1;
}

static void put_sig(struct out *o, const char *s)
{
	o->p[o->len++] = strlen(s);
	memcpy(o->p + o->len, s, strlen(s) + 1);
	o->len += strlen(s) + 1;
}

static void field_start(struct out *o, uint8_t code, const char *sig)
{
	pad(o, 8);
	o->p[o->len++] = code;
	put_sig(o, sig);
}

static void field_str(struct out *o, uint8_t code, const char *sig,
		      const char *s)
{
	if (!s)
		return;
	field_start(o, code, sig);
	if (sig[0] == 'g')
		put_sig(o, s);
	else
		put_str(o, s);
}

static void field_u32(struct out *o, uint8_t code, uint32_t v)
{
	if (!v)
		return;
	field_start(o, code, "u");
	put32(o, v);
}

static void put_fields(struct out *o, const struct msg_spec *s)
{
	const char *sig = s->arg0 ? "s" : s->body ? "ay" : NULL;

	field_str(o, DBUS_FIELD_PATH, "o", s->path);
	field_str(o, DBUS_FIELD_INTERFACE, "s", s->interface);
	field_str(o, DBUS_FIELD_MEMBER, "s", s->member);
	field_str(o, DBUS_FIELD_ERROR_NAME, "s", s->error);
	field_u32(o, DBUS_FIELD_REPLY_SERIAL, s->reply_serial);
	field_str(o, DBUS_FIELD_DESTINATION, "s", s->destination);
	field_str(o, DBUS_FIELD_SENDER, "s", s->sender);
	field_str(o, DBUS_FIELD_SIGNATURE, "g", sig);
	field_u32(o, DBUS_FIELD_UNIX_FDS, s->unix_fds);
}

uint8_t *test_build(const struct msg_spec *s, size_t *len)
{
	struct out o = { .p = calloc(1, s->body + 4096), .big = s->big };
	size_t fields, body;
	struct out patch;

	o.p[o.len++] = s->big ? 'B' : 'l';
	o.p[o.len++] = s->type;
	o.p[o.len++] = s->flags;
	o.p[o.len++] = 1;
	put32(&o, 0);
	put32(&o, s->serial);
	put32(&o, 0);
	fields = o.len;
	put_fields(&o, s);
	fields = o.len - fields;
	pad(&o, 8);
	body = o.len;
	if (s->arg0) {
		put_str(&o, s->arg0);
	} else if (s->body) {
		put32(&o, s->body);
		memset(o.p + o.len, 'x', s->body);
		o.len += s->body;
	}
	*len = o.len;
	patch = (struct out){ .p = o.p, .len = 4, .big = s->big };
	put32(&patch, o.len - body);
	patch.len = 12;
	put32(&patch, fields);
	return o.p;
}

void batch_send(struct batch *b, uint64_t addr, struct bus_send how,
		const struct msg_spec *s)
{
	size_t len;
	uint8_t *msg = test_build(s, &len);
	uint8_t *data = malloc(sizeof(how) + len);

	memcpy(data, &how, sizeof(how));
	memcpy(data + sizeof(how), msg, len);
	batch_add(b, BUS_REC_SEND, addr, 0, data, sizeof(how) + len);
	free(data);
	free(msg);
}

static struct msghdr with_fds(struct iovec *iov, char *cbuf, size_t size,
			      const int *fds, int n)
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (!n)
		return mh;
	memset(cbuf, 0, size);
	mh.msg_control = cbuf;
	mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(&mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return mh;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, TEST_WAIT_MS) != 1)
		fail("nothing happened for %d ms", TEST_WAIT_MS);
}

void test_send_bytes(int fd, const void *data, size_t len, const int *fds,
		     int n_fds)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int))];
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		struct iovec iov = { (char *)data + done, len - done };
		struct msghdr mh = with_fds(&iov, cbuf, sizeof(cbuf), fds,
					    done ? 0 : n_fds);

		n = sendmsg(fd, &mh, MSG_NOSIGNAL);
		if (n < 0)
			fail("sendmsg");
		done += n;
	}
}

void test_send(int fd, const struct msg_spec *s, const int *fds, int n_fds)
{
	size_t len;
	uint8_t *data = test_build(s, &len);

	test_send_bytes(fd, data, len, fds, n_fds);
	free(data);
}

void test_call(struct client *c, const char *to, uint32_t serial, size_t body)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = serial, .path = "/o",
		.interface = "i.f", .member = "M", .destination = to,
		.body = body,
	};

	test_send(c->fd, &s, NULL, 0);
}

void test_signal(struct client *c, uint32_t serial, const char *member,
		 size_t body)
{
	struct msg_spec s = {
		.type = DBUS_TYPE_SIGNAL, .serial = serial, .path = "/o",
		.interface = "i.f", .member = member, .body = body,
	};

	test_send(c->fd, &s, NULL, 0);
}

static void take_cmsgs(struct msg *m, struct msghdr *mh)
{
	struct cmsghdr *c;

	m->truncated |= !!(mh->msg_flags & MSG_CTRUNC);
	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_RIGHTS) {
			m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
		} else if (c->cmsg_level == SOL_BUS &&
			   c->cmsg_type == BUS_INFO) {
			memcpy(&m->info, CMSG_DATA(c), sizeof(m->info));
		}
	}
}

/* All of @len bytes; false at end of file before the first. */
static bool read_all(int fd, struct msg *m, uint8_t *to, size_t len)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int)) + 64];
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		struct iovec iov = { to + done, len - done };
		struct msghdr mh = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
		};

		wait_for(fd, POLLIN);
		n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		if (n < 0)
			fail("recvmsg");
		if (!n && !done)
			return false;
		if (!n)
			fail("end of file inside a message");
		take_cmsgs(m, &mh);
		done += n;
	}
	return true;
}

static void parse(struct msg *m)
{
	if (dbus_frame_parse(&m->h.f, m->data, DBUS_MAX_MESSAGE) ||
	    m->h.f.total_len != m->len ||
	    dbus_header_parse(&m->h, m->data, m->h.f.header_len,
			      DBUS_MAX_MESSAGE))
		fail("received a malformed message");
}

/* A message as one datagram; what its end says is the end. */
static bool recv_native(int fd, struct msg *m)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int)) + 64];
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	ssize_t n;

	wait_for(fd, POLLIN);
	n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	if (n <= 0)
		return false;
	m->len = n;
	m->data = malloc(n);
	iov = (struct iovec){ m->data, n };
	if (recvmsg(fd, &mh, MSG_CMSG_CLOEXEC) != n)
		fail("recvmsg");
	take_cmsgs(m, &mh);
	parse(m);
	return true;
}

bool test_recv(struct client *c, struct msg *m)
{
	uint8_t fixed[DBUS_FIXED_LEN];
	struct dbus_frame f;

	memset(m, 0, sizeof(*m));
	if (test_is_native(c->fd))
		return recv_native(c->fd, m);
	if (!read_all(c->fd, m, fixed, sizeof(fixed)))
		return false;
	if (dbus_frame_parse(&f, fixed, DBUS_MAX_MESSAGE))
		fail("received a malformed message");
	m->len = f.total_len;
	m->data = malloc(m->len);
	memcpy(m->data, fixed, sizeof(fixed));
	if (!read_all(c->fd, m, m->data + sizeof(fixed),
		      m->len - sizeof(fixed)))
		fail("end of file inside a message");
	parse(m);
	return true;
}

void test_silence(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, ms))
		fail("something came (events %#x)", p.revents);
}

void test_master_recv(int bus, struct msg *m)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int)) +
		  CMSG_SPACE(sizeof(struct bus_info))];
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	ssize_t n;

	memset(m, 0, sizeof(*m));
	wait_for(bus, POLLIN);
	n = recv(bus, NULL, 0, MSG_PEEK | MSG_TRUNC);
	if (n < 0)
		fail("peek at the master");
	m->len = n;
	m->data = malloc(n + 1);
	iov = (struct iovec){ m->data, n };
	if (recvmsg(bus, &mh, MSG_CMSG_CLOEXEC) != n)
		fail("recvmsg at the master");
	take_cmsgs(m, &mh);
	if (m->info.kind == BUS_KIND_MESSAGE)
		parse(m);
}

int test_master_send(int bus, uint64_t addr, const struct msg_spec *s,
		     const int *fds, int n_fds)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int))];
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = addr,
	};
	struct iovec iov;
	struct msghdr mh;
	ssize_t n;

	iov.iov_base = test_build(s, &iov.iov_len);
	mh = with_fds(&iov, cbuf, sizeof(cbuf), fds, n_fds);
	mh.msg_name = &sa;
	mh.msg_namelen = sizeof(sa);
	n = sendmsg(bus, &mh, 0);
	free(iov.iov_base);
	return n < 0 ? -errno : 0;
}

int test_master_send_how(int bus, uint64_t addr, const struct bus_send *how,
			 const struct msg_spec *s)
{
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = addr,
	};
	union {
		struct cmsghdr head;
		char buf[CMSG_SPACE(sizeof(*how))];
	} control = { .head = {
		.cmsg_level = SOL_BUS,
		.cmsg_type = BUS_SEND,
		.cmsg_len = CMSG_LEN(sizeof(*how)),
	} };
	struct iovec iov;
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	memcpy(CMSG_DATA(&control.head), how, sizeof(*how));
	iov.iov_base = test_build(s, &iov.iov_len);
	n = sendmsg(bus, &mh, 0);
	free(iov.iov_base);
	return n < 0 ? -errno : 0;
}

void test_expect_closed(int bus, uint64_t addr, enum bus_reason reason)
{
	struct msg m;

	test_master_recv(bus, &m);
	if (m.info.kind != BUS_KIND_CLOSED || m.info.addr != addr ||
	    m.info.reason != reason)
		fail("wanted the end of %llu for %d, got kind %u addr %llu reason %u",
		     (unsigned long long)addr, reason, m.info.kind,
		     (unsigned long long)m.info.addr, m.info.reason);
	msg_free(&m);
	if (test_update(bus, BUS_REC_CLOSE, addr, 0, NULL))
		fail("close");
}

void test_master_show(int bus, const struct msg *m)
{
	char cbuf[CMSG_SPACE(BUS_TEST_FDS * sizeof(int))];
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = BUS_MONITORS,
	};
	struct iovec iov = { m->data, m->len };
	struct msghdr mh;

	if (!(m->info.flags & BUS_INFO_UNSEEN))
		return;
	mh = with_fds(&iov, cbuf, sizeof(cbuf), m->fds, m->n_fds);
	mh.msg_name = &sa;
	mh.msg_namelen = sizeof(sa);
	if (sendmsg(bus, &mh, MSG_NOSIGNAL) != (ssize_t)m->len)
		fail("show a message");
}

void msg_free(struct msg *m)
{
	while (m->n_fds)
		close(m->fds[--m->n_fds]);
	free(m->data);
	m->data = NULL;
}

struct bus_port_stats test_port_stats(int bus, uint64_t addr)
{
	struct bus_port_stats st = { .addr = addr };
	socklen_t len = sizeof(st);

	if (getsockopt(bus, SOL_BUS, BUS_PORT_STATS, &st, &len))
		fail("BUS_PORT_STATS");
	return st;
}

struct bus_stats test_stats(int bus)
{
	struct bus_stats st;
	socklen_t len = sizeof(st);

	if (getsockopt(bus, SOL_BUS, BUS_STATS, &st, &len))
		fail("BUS_STATS");
	return st;
}
