// SPDX-License-Identifier: LGPL-2.1-or-later
#include "raw.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "linux/bus.h"

#define RECV_MIN (64U << 10)

int raw_wait_ms(void)
{
	const char *s = getenv("AFBUS_TEST_WAIT_MS");

	return s ? atoi(s) : 60000;
}

void raw_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(errno));
	_exit(1);
}

void raw_skip(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	_exit(RAW_SKIP);
}

bool raw_bus_is(const char *kind)
{
	const char *e = getenv("BUS_KIND");

	return e && !strcmp(e, kind);
}

unsigned long raw_env(const char *name, unsigned long def)
{
	const char *e = getenv(name);

	return e ? strtoul(e, NULL, 10) : def;
}

/* ---- connections ---- */

static size_t unescape(char *to, size_t size, const char *s, size_t len)
{
	size_t i, n = 0;
	unsigned int v;

	for (i = 0; i < len && n + 1 < size; i++) {
		if (s[i] == '%' && i + 2 < len &&
		    sscanf(s + i + 1, "%2x", &v) == 1) {
			to[n++] = v;
			i += 2;
		} else {
			to[n++] = s[i];
		}
	}
	return n;
}

static socklen_t parse_address(struct sockaddr_un *sa, const char *addr)
{
	const char *key = strstr(addr, "path=");
	const char *abs = strstr(addr, "abstract=");
	bool abstract = !key || (abs && abs < key);
	const char *s = abstract ? abs : key;
	char *to = sa->sun_path + abstract;
	size_t n;

	if (!s || strncmp(addr, "unix:", 5))
		fail("cannot use address %s", addr);
	s = strchr(s, '=') + 1;
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	n = unescape(to, sizeof(sa->sun_path) - 1, s, strcspn(s, ",;"));
	return offsetof(struct sockaddr_un, sun_path) + n + 1;
}

void raw_connect(int fd)
{
	const char *addr = getenv("DBUS_SESSION_BUS_ADDRESS");
	struct sockaddr_un sa;
	socklen_t len;

	if (!addr)
		raw_skip("no DBUS_SESSION_BUS_ADDRESS");
	len = parse_address(&sa, addr);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		fail("connect to %s", addr);
}

/* ---- native clients ---- */

int raw_dial_native(void)
{
	const char *path = getenv("BUS_NATIVE_PATH");
	int fd = socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, BUS_PROTO_DBUS);
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };

	if (!path)
		raw_skip("the bus has no native clients");
	check(fd >= 0);
	check(strlen(path) < sizeof(sa.sbus_path));
	strcpy(sa.sbus_path, path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail("connect to %s", path);
	return fd;
}

/* Every one, or every other one. */
static bool next_is_native(void)
{
	const char *kind = getenv("BUS_CLIENTS");
	static unsigned int n;

	if (kind && !strcmp(kind, "mixed"))
		return n++ % 2;
	return kind && !strcmp(kind, "native");
}

static bool is_native(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       domain == AF_BUS;
}

/* Of the message at @data; of all of it if that is none, or not whole. */
static size_t datagram(const void *data, size_t len)
{
	struct dbus_frame f;

	if (len < DBUS_FIXED_LEN ||
	    dbus_frame_parse(&f, data, DBUS_MAX_MESSAGE) || f.total_len > len)
		return len;
	return f.total_len;
}

/* ---- connections ---- */

int raw_dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0);
	raw_connect(fd);
	return fd;
}

struct raw *raw_wrap(int fd)
{
	struct raw *c = calloc(1, sizeof(*c));

	check(c);
	c->fd = fd;
	c->native = is_native(fd);
	return c;
}

void raw_close(struct raw *c)
{
	if (!c)
		return;
	close(c->fd);
	while (c->n_fds)
		close(c->fds[--c->n_fds]);
	free(c->buf);
	free(c);
}

size_t raw_handshake(char *buf, size_t size, bool pass_fds)
{
	char uid[16], hex[33];
	size_t i;
	int n;

	snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	for (i = 0; uid[i]; i++)
		sprintf(hex + 2 * i, "%02x", uid[i]);
	buf[0] = 0;
	n = snprintf(buf + 1, size - 1, "AUTH EXTERNAL %s\r\n%sBEGIN\r\n", hex,
		     pass_fds ? "NEGOTIATE_UNIX_FD\r\n" : "");
	return n + 1;
}

static void make_room(struct raw *c, size_t n)
{
	if (c->pos) {
		memmove(c->buf, c->buf + c->pos, c->len - c->pos);
		c->len -= c->pos;
		c->pos = 0;
	}
	if (c->cap - c->len >= n)
		return;
	c->cap = c->cap * 2 > c->len + n ? c->cap * 2 : c->len + n;
	c->buf = realloc(c->buf, c->cap);
	check(c->buf);
}

static void take_cmsgs(struct raw *c, struct msghdr *mh)
{
	struct cmsghdr *cm;
	size_t n;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		check(c->n_fds + n <= 4 * RAW_MAX_FDS);
		memcpy(c->fds + c->n_fds, CMSG_DATA(cm), n * sizeof(int));
		c->n_fds += n;
	}
}

static size_t room_for(const struct raw *c)
{
	int n = 0;

	if (c->native && ioctl(c->fd, FIONREAD, &n) < 0)
		fail("FIONREAD");
	return n > RECV_MIN ? n : RECV_MIN;
}

/* 1: got something; 0: end of file; -1: nothing for @ms. */
static int fill(struct raw *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	char cbuf[CMSG_SPACE(RAW_MAX_FDS * sizeof(int))];
	struct iovec iov;
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	ssize_t n;

	/* A fuzzer's clock rings in between; the wait may be longer for it. */
	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return -1;
	make_room(c, room_for(c));
	iov.iov_base = c->buf + c->len;
	iov.iov_len = c->cap - c->len;
	do {
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	/* A native client's end may have a reason. */
	if (n < 0 && errno != ECONNRESET &&
	    !(c->native && (errno == EBADMSG || errno == ETIMEDOUT ||
			    errno == EDQUOT)))
		fail("recvmsg");
	if (n <= 0)
		return 0;
	take_cmsgs(c, &mh);
	c->len += n;
	return 1;
}

void raw_answers(struct raw *c, int n)
{
	uint8_t *end;

	while (n) {
		end = c->len > c->pos ?
			memchr(c->buf + c->pos, '\n', c->len - c->pos) : NULL;
		if (end) {
			c->pos = end + 1 - c->buf;
			n--;
			continue;
		}
		if (fill(c, RAW_WAIT_MS) <= 0)
			fail("no answer in the handshake");
	}
}

struct raw *raw_auth(int fd, bool pass_fds)
{
	struct raw *c = raw_wrap(fd);
	char buf[128];
	size_t n = raw_handshake(buf, sizeof(buf), pass_fds);

	c->pass_fds = pass_fds || c->native;
	if (c->native)
		return c;
	raw_write(c, buf, n, NULL, 0);
	raw_answers(c, pass_fds ? 2 : 1);
	return c;
}

struct raw *raw_open(bool pass_fds)
{
	return raw_login(next_is_native() ? raw_dial_native() : raw_dial(),
			 pass_fds);
}

struct raw *raw_login(int fd, bool pass_fds)
{
	struct raw *c = raw_auth(fd, pass_fds);
	struct msg m;

	raw_driver(c, &m, "Hello", NULL, NULL);
	snprintf(c->name, sizeof(c->name), "%s", msg_str(&m));
	msg_free(&m);
	raw_recv_member(c, &m, "NameAcquired");
	msg_free(&m);
	return c;
}

/* ---- building ---- */

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
	size_t len = strlen(s);

	put32(o, len);
	memcpy(o->p + o->len, s, len + 1);
	o->len += len + 1;
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

static const char *signature(const struct spec *s, char *sig)
{
	size_t i, n = 0;

	if (s->dict || s->array)
		n = (size_t)sprintf(sig, "%s", s->dict ? "a{ss}" : "as");
	for (i = 0; !n && i < 8 && s->args[i]; i++)
		;
	for (; !s->dict && !s->array && n < i; n++)
		sig[n] = 's';
	if (s->has_u)
		sig[n++] = 'u';
	sig[n] = 0;
	if (s->bytes)
		strcpy(sig + n, "ay");
	return sig[0] ? sig : NULL;
}

static void put_fields(struct out *o, const struct spec *s)
{
	char sig[16];

	field_str(o, DBUS_FIELD_PATH, "o", s->path);
	field_str(o, DBUS_FIELD_INTERFACE, "s", s->interface);
	field_str(o, DBUS_FIELD_MEMBER, "s", s->member);
	field_str(o, DBUS_FIELD_ERROR_NAME, "s", s->error);
	field_u32(o, DBUS_FIELD_REPLY_SERIAL, s->reply_serial);
	field_str(o, DBUS_FIELD_DESTINATION, "s", s->destination);
	field_str(o, DBUS_FIELD_SENDER, "s", s->sender);
	field_str(o, DBUS_FIELD_SIGNATURE, "g", signature(s, sig));
	field_u32(o, DBUS_FIELD_UNIX_FDS, s->unix_fds);
}

static void put_body(struct out *o, const struct spec *s)
{
	struct out array = *o;
	size_t i, start;

	if (s->dict || s->array)
		put32(o, 0);
	pad(o, s->dict ? 8 : 1);
	start = o->len;
	for (i = 0; i < 8 && s->args[i]; i++)
		put_str(o, s->args[i]);
	if (s->dict || s->array)
		put32(&array, (uint32_t)(o->len - start));
	if (s->has_u)
		put32(o, s->u);
	if (!s->bytes)
		return;
	put32(o, s->bytes);
	for (i = 0; i < s->bytes; i++)
		o->p[o->len++] = (uint8_t)(i * 7 + (i >> 8));
}

uint8_t *raw_build(struct raw *c, const struct spec *s, size_t *len)
{
	struct out o = { .p = malloc(s->bytes + 16384), .big = s->big };
	size_t fields, body;
	struct out patch = o;

	check(o.p);
	o.p[o.len++] = s->big ? 'B' : 'l';
	o.p[o.len++] = s->type ? s->type : DBUS_TYPE_CALL;
	o.p[o.len++] = s->flags;
	o.p[o.len++] = 1;
	put32(&o, 0);
	put32(&o, s->serial ? s->serial : ++c->serial);
	put32(&o, 0);
	put_fields(&o, s);
	fields = o.len - DBUS_FIXED_LEN;
	pad(&o, 8);
	body = o.len;
	put_body(&o, s);
	*len = o.len;
	patch.len = 4;
	put32(&patch, o.len - body);
	patch.len = 12;
	put32(&patch, fields);
	return o.p;
}

/* ---- sending ---- */

static void with_fds(struct msghdr *mh, char *cbuf, const int *fds,
		     unsigned int n)
{
	struct cmsghdr *c;

	mh->msg_control = cbuf;
	mh->msg_controllen = CMSG_SPACE(n * sizeof(int));
	memset(cbuf, 0, mh->msg_controllen);
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

void raw_write(struct raw *c, const void *data, size_t len, const int *fds,
	       unsigned int n_fds)
{
	char cbuf[CMSG_SPACE(RAW_MAX_FDS * sizeof(int))];
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		struct iovec iov = { (char *)data + done, len - done };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

		if (c->native)
			iov.iov_len = datagram(iov.iov_base, iov.iov_len);
		if (n_fds && !done)
			with_fds(&mh, cbuf, fds, n_fds);
		n = sendmsg(c->fd, &mh, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		/* What the test sees of it is the end. */
		if (n < 0 && c->native && errno == EBADMSG)
			return;
		if (n < 0)
			fail("sendmsg");
		done += n;
	}
}

bool raw_try_write(struct raw *c, const void *data, size_t len, size_t *done)
{
	ssize_t n = send(c->fd, (const char *)data + *done, len - *done,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n <= 0)
		return false;
	*done += n;
	return true;
}

uint32_t raw_send_fds(struct raw *c, const struct spec *s, const int *fds,
		      unsigned int n)
{
	size_t len;
	uint8_t *data = raw_build(c, s, &len);

	raw_write(c, data, len, fds, n);
	free(data);
	return s->serial ? s->serial : c->serial;
}

uint32_t raw_send(struct raw *c, const struct spec *s)
{
	return raw_send_fds(c, s, NULL, 0);
}

/* ---- receiving ---- */

static bool have_message(struct raw *c, struct msg *m)
{
	struct dbus_frame f;

	if (c->len - c->pos < DBUS_FIXED_LEN)
		return false;
	if (dbus_frame_parse(&f, c->buf + c->pos, DBUS_MAX_MESSAGE))
		fail("received what is no message");
	if (c->len - c->pos < f.total_len) {
		if (c->cap < f.total_len)
			make_room(c, f.total_len);
		return false;
	}
	m->len = f.total_len;
	m->data = malloc(m->len);
	check(m->data);
	memcpy(m->data, c->buf + c->pos, m->len);
	c->pos += m->len;
	if (dbus_header_parse(&m->h, m->data, f.header_len, DBUS_MAX_MESSAGE))
		fail("received a malformed header");
	return true;
}

static void take_fds(struct raw *c, struct msg *m)
{
	m->n_fds = m->h.unix_fds;
	if (m->n_fds > c->n_fds)
		fail("message of %u fds has %u", m->n_fds, c->n_fds);
	memcpy(m->fds, c->fds, m->n_fds * sizeof(int));
	c->n_fds -= m->n_fds;
	memmove(c->fds, c->fds + m->n_fds, c->n_fds * sizeof(int));
}

int raw_poll(struct raw *c, struct msg *m, int ms)
{
	int r;

	memset(m, 0, sizeof(*m));
	while (!have_message(c, m)) {
		r = fill(c, ms);
		if (r <= 0)
			return r;
	}
	take_fds(c, m);
	return 1;
}

void raw_recv(struct raw *c, struct msg *m)
{
	int r = raw_poll(c, m, RAW_WAIT_MS);

	if (r < 0)
		fail("%s: nothing came", c->name);
	if (!r)
		fail("%s: disconnected", c->name);
}

void raw_recv_member(struct raw *c, struct msg *m, const char *member)
{
	for (;;) {
		raw_recv(c, m);
		if (dbus_str_eq(m->h.member, member, strlen(member)))
			return;
		msg_free(m);
	}
}

void raw_recv_reply(struct raw *c, struct msg *m, uint32_t serial)
{
	for (;;) {
		raw_recv(c, m);
		if ((m->h.f.type == DBUS_TYPE_RETURN ||
		     m->h.f.type == DBUS_TYPE_ERROR) &&
		    m->h.reply_serial == serial)
			return;
		msg_free(m);
	}
}

void raw_expect_eof(struct raw *c)
{
	struct msg m;
	int r;

	while ((r = raw_poll(c, &m, RAW_WAIT_MS)) > 0)
		msg_free(&m);
	if (r < 0)
		fail("%s: still connected", c->name);
}

void raw_expect_silence(struct raw *c, int ms)
{
	struct msg m;
	int r = raw_poll(c, &m, ms);

	if (r >= 0)
		fail("%s: %s instead of silence", c->name,
		     r ? "a message" : "end of file");
}

void msg_free(struct msg *m)
{
	while (m->n_fds)
		close(m->fds[--m->n_fds]);
	free(m->data);
	m->data = NULL;
}

bool msg_is(const struct msg *m, uint8_t type, const char *member)
{
	return m->h.f.type == type &&
	       dbus_str_eq(m->h.member, member, strlen(member));
}

const uint8_t *msg_body(const struct msg *m)
{
	return m->data + m->h.f.header_len;
}

const char *msg_str(const struct msg *m)
{
	if (!m->h.signature.len || m->h.signature.s[0] != 's')
		return "";
	return (const char *)msg_body(m) + 4;
}

uint32_t msg_u32(const struct msg *m)
{
	struct wire w;

	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	return wire_u32(&w);
}

/* ---- what tests do often ---- */

static void driver_reply(struct raw *c, struct msg *m, const struct spec *s)
{
	raw_recv_reply(c, m, raw_send(c, s));
	if (m->h.f.type == DBUS_TYPE_ERROR)
		fail("%s: %.*s: %s", s->member, (int)m->h.error_name.len,
		     m->h.error_name.s, msg_str(m));
}

void raw_driver(struct raw *c, struct msg *reply, const char *member,
		const char *arg0, const char *arg1)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { arg0, arg1 },
	};

	driver_reply(c, reply, &s);
}

uint32_t raw_request_name(struct raw *c, const char *name, uint32_t flags)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "RequestName", .destination = DRIVER,
		.args = { name }, .has_u = true, .u = flags,
	};
	struct msg m;
	uint32_t r;

	driver_reply(c, &m, &s);
	r = msg_u32(&m);
	msg_free(&m);
	return r;
}

void raw_release_name(struct raw *c, const char *name)
{
	struct msg m;

	raw_driver(c, &m, "ReleaseName", name, NULL);
	msg_free(&m);
}

void raw_match(struct raw *c, const char *rule)
{
	struct msg m;

	raw_driver(c, &m, "AddMatch", rule, NULL);
	msg_free(&m);
}

void raw_ping(struct raw *c)
{
	struct msg m;

	raw_driver(c, &m, "GetId", NULL, NULL);
	msg_free(&m);
}

void raw_ping_peer(struct raw *c, struct raw *peer)
{
	struct spec s = {
		.path = "/peer", .interface = "test.Peer", .member = "PingPeer",
		.destination = peer->name,
	};
	uint32_t serial = raw_send(c, &s);
	struct msg m;

	raw_recv_member(peer, &m, "PingPeer");
	raw_reply(peer, &m, 0);
	msg_free(&m);
	raw_recv_reply(c, &m, serial);
	check(m.h.f.type == DBUS_TYPE_RETURN);
	msg_free(&m);
}

void raw_reply(struct raw *c, const struct msg *call, size_t bytes)
{
	struct spec s = {
		.type = DBUS_TYPE_RETURN, .reply_serial = call->h.f.serial,
		.bytes = bytes,
	};
	char to[64];

	snprintf(to, sizeof(to), "%.*s", (int)call->h.sender.len,
		 call->h.sender.s);
	s.destination = to;
	raw_send(c, &s);
}

void raw_signal(struct raw *c, const char *member, uint32_t n, size_t bytes)
{
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/test",
		.interface = "test.Iface", .member = member,
		.has_u = true, .u = n, .bytes = bytes,
	};

	raw_send(c, &s);
}
