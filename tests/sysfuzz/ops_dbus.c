// SPDX-License-Identifier: LGPL-2.1-or-later
/* Adopted connections, what they write, and the master's tables. */
#include "sysfuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/policy.h"
#include "tests/uapi/bus-test.h"

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof((list)[0]))])

/* One more than there are. */
#define REC_TYPES (BUS_REC_ABOUT + 1)

static bool attach(int bus, int fd, unsigned int addr, uint32_t flags)
{
	struct bus_attach at = { .fd = fd, .flags = flags };
	socklen_t len = sizeof(at);

	if (getsockopt(bus, SOL_BUS, BUS_ATTACH, &at, &len))
		return false;
	put_addr(addr, at.addr);
	return true;
}

/* At a: the bus, at b: what is handed over; most often one of a new pair. */
bool op_attach(const struct rec *r)
{
	const struct rec pair = { .a = 0xc, .b = 0xd };

	if (r->c & 6)
		op_pair(&pair);
	return attach(slot(r->a), slot(r->b), r->b, r->c % 8 ? r->c & 1 : r->d);
}

static size_t add_rec(char *buf, size_t at, uint32_t type, uint64_t addr,
		      uint64_t cookie, const void *data, size_t len)
{
	struct bus_rec rec = {
		.len = (uint32_t)(sizeof(rec) + len), .type = type,
		.addr = addr, .cookie = cookie,
	};

	memcpy(buf + at, &rec, sizeof(rec));
	if (len)
		memcpy(buf + at + sizeof(rec), data, len);
	return at + ((sizeof(rec) + len + 7) & ~(size_t)7);
}

static size_t add_active(char *buf, size_t at, unsigned int slot)
{
	uint64_t addr = some_addr(slot % ADDRS);

	at = add_rec(buf, at, BUS_REC_ACTIVATE, addr, 0, NULL, 0);
	return add_rec(buf, at, BUS_REC_RESUME, addr, 0, NULL, 0);
}

static const char *const names[] = {
	"a.b", "a.c", "org.freedesktop.DBus", "a", "", ":1.5",
};

static const char *const rules[] = {
	"type='signal'", "", "arg0='x'", "eavesdrop=true",
	"path_namespace='/',arg1path='/a/'", "sender='a.b'", "garbage",
	"type='method_call',eavesdrop='true',destination='a.b'",
	"interface='a.b',member='M',arg0namespace='a'",
};

/* The longest that rec_data() makes. */
#define REC_ROOM 600

static size_t send_data(uint32_t d, char *to)
{
	struct bus_send how = {
		.from = d & 0x10 ? some_addr(d) : 0, .flags = d >> 5 & 3,
	};
	struct msg_spec s = {
		.type = DBUS_TYPE_SIGNAL, .serial = 1, .path = "/a/b",
		.interface = "a.b", .member = "M",
		.destination = d & 1 ? NULL : "a.b", .arg0 = "x",
		.body = 0,
	};
	size_t len;
	uint8_t *m = test_build(&s, &len);

	memcpy(to, &how, sizeof(how));
	memcpy(to + sizeof(how), m, len);
	free(m);
	return sizeof(how) + len;
}

/* What goes with a record: its length, at most REC_ROOM. */
static size_t rec_data(uint32_t type, uint32_t d, char *to)
{
	uint64_t addr = some_addr(d >> 3);
	const char *text = "";

	switch (type) {
	case BUS_REC_SEND:
		return send_data(d, to);
	case BUS_REC_FORWARD:
		memcpy(to, &addr, sizeof(addr));
		return d & 1 ? sizeof(addr) : 0;
	case BUS_REC_NOTE:
		memset(to, (int)d, REC_ROOM);
		return d % REC_ROOM;
	case BUS_REC_NAME:
	case BUS_REC_CLAIM:
		text = PICK(names, d);
		break;
	case BUS_REC_MATCH_ADD:
		text = PICK(rules, d);
		break;
	case BUS_REC_ABOUT:
		text = "uid=0";
		break;
	}
	memcpy(to, text, strlen(text));
	return strlen(text);
}

bool op_update(const struct rec *r)
{
	char buf[4096] __attribute__((aligned(8))), data[REC_ROOM];
	unsigned int n = 1 + r->d % 4, i, d = r->d >> 2;
	size_t len = 0;

	memset(buf, 0, sizeof(buf));
	for (i = 0; i < n; i++, d = d * 7 + 5) {
		uint32_t type = !(r->c % 32) ? d :
				1 + (r->c + i * (d & 3)) % REC_TYPES;
		uint64_t addr = type == BUS_REC_UNPARK ||
				(type == BUS_REC_NOTE && d & 8) ? 0 :
				some_addr(r->b + i);

		len = add_rec(buf, len, type, addr, d % 5, data,
			      rec_data(type, d, data));
	}
	if (r->c >> 5 == 7)
		buf[r->d % len] ^= (char)(r->d >> 16);
	if (r->c >> 5 == 6)
		len -= r->d % len;
	return !setsockopt(slot(r->a), SOL_BUS, BUS_UPDATE, buf,
			   (socklen_t)len);
}

/* A native client at @at, and its port's address with it. */
static bool native_client(int bus, const struct sockaddr_bus *sa,
			  socklen_t sa_len, unsigned int at)
{
	int fd = socket(family(), SOCK_SEQPACKET | SOCK_CLOEXEC |
			SOCK_NONBLOCK, BUS_PROTO_DBUS), card;
	struct sockaddr_bus peer;
	socklen_t len = sizeof(peer);

	if (!put(at, fd) || connect(fd, (const struct sockaddr *)sa, sa_len))
		return false;
	card = accept4(bus, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	if (card < 0)
		return false;
	close(card);
	put_addr(at, peer.sbus_addr.s_addr);
	return true;
}

/* At a: the bus; at a + 1, + 2: programs that are connected, and talk; at + 3,
 * + 4: native ones. */
bool op_dbus_bus(const struct rec *r)
{
	struct sockaddr_bus sa;
	socklen_t sa_len = abstract(&sa, r->c);
	int bus = socket(family(), SOCK_SEQPACKET | SOCK_CLOEXEC,
			 BUS_PROTO_DBUS), pair[2];
	char recs[512] __attribute__((aligned(8))) = { 0 };
	size_t len = 0;
	unsigned int i;
	uint64_t addr;

	impatient(bus);
	if (!put(r->a, bus) || bind(bus, (struct sockaddr *)&sa, sa_len))
		return false;
	short_limits(bus, r->d);
	if (listen(bus, 4))
		return false;
	for (i = 3; i <= 4; i++) {
		if (!native_client(bus, &sa, sa_len, r->a + i))
			return false;
		len = add_active(recs, len, r->a + i);
	}
	for (i = 1; i <= 2; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
			       SOCK_NONBLOCK, 0, pair))
			return false;
		put(r->a + i, pair[0]);
		if (!attach(bus, pair[1], r->a + i, BUS_ATTACH_FDS)) {
			close(pair[1]);
			return false;
		}
		close(pair[1]);
		addr = some_addr((r->a + i) % ADDRS);
		len = add_active(recs, len, r->a + i);
		len = add_rec(recs, len, BUS_REC_NAME, addr, 0, names[i - 1],
			      strlen(names[i - 1]));
		len = add_rec(recs, len, BUS_REC_MATCH_ADD, addr, 1, rules[0],
			      strlen(rules[0]));
	}
	return !setsockopt(bus, SOL_BUS, BUS_UPDATE, recs, (socklen_t)len);
}

/* A message that may be wrong; malloc()ed. */
static uint8_t *message(const struct rec *r, size_t *len)
{
	static const char *const words[] = { "x", "/a/b", "a.b" };
	static const size_t bodies[] = { 0, 0, 0, 1, 100, 4000, 9000, 80000 };
	char to[32];
	struct msg_spec s = {
		.type = 1 + r->c % 5, .flags = r->d % 4, .big = r->d & 4,
		.serial = 1 + r->d / 8 % 4, .path = "/a/b", .interface = "a.b",
		.member = "M", .destination = to,
		.reply_serial = r->c % 5 == 1 || r->c % 5 == 2 ?
				1 + r->d / 32 % 4 : 0,
		.body = PICK(bodies, r->d >> 7),
	};
	uint8_t *data;

	if (s.type == DBUS_TYPE_ERROR)
		s.error = "a.Error";
	if (!s.body && r->d & 1 << 10)
		s.arg0 = PICK(words, r->d >> 11);
	if (r->c >> 5 == 3)
		s.unix_fds = 1 + r->d % 3;
	switch (r->b >> 4 & 7) {
	case 0:
	case 1:
		s.destination = PICK(names, r->d >> 3);
		break;
	case 2:
		s.destination = NULL;
		break;
	default:
		snprintf(to, sizeof(to), ":1.%llu",
			 (unsigned long long)some_addr(r->b & 0xf));
	}
	data = test_build(&s, len);
	if (r->c >> 5 == 7)
		data[(r->d >> 13) % *len] ^= (uint8_t)(1U << (r->d >> 25 & 7));
	return data;
}

/* Of a program: its descriptors go with whatever byte is first. */
bool op_dbus_write(const struct rec *r)
{
	size_t len, from, to;
	char control[2048];
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct rec fds = *r;
	uint8_t *data = message(r, &len);
	bool sent;

	/* All of it, or its beginning, or its end. */
	from = r->d >> 29 == 1 ? r->d % len : 0;
	to = r->d >> 29 == 2 ? r->d % len : len;
	if (from > to)
		to = len;
	iov.iov_base = data + from;
	iov.iov_len = to - from;
	fds.c = r->c >> 5 == 3 || r->c >> 5 == 2 ? 0x10 | (r->c & 0xf) : 0;
	add_control(&m, control, sizeof(control), &fds);
	sent = sendmsg(slot(r->a), &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	free(data);
	return sent;
}

bool op_master_send(const struct rec *r)
{
	struct rec control = *r;
	size_t len;
	uint8_t *data = message(r, &len);
	bool sent;

	/* As somebody, every other time. */
	control.c = (uint8_t)(r->d & 1 << 8 ? 0x40 | r->c : r->c & 0x1f);
	sent = send_to(slot(r->a), some_addr(r->b), data, len, &control);
	free(data);
	return sent;
}

static size_t compile(void *mem, size_t size, const struct rec *r)
{
	struct policy_rule rules[4], *list[4];
	unsigned int i, d = r->d;
	int64_t len;

	for (i = 0; i < 4; i++, d = d * 7 + 3) {
		list[i] = &rules[i];
		policy_rule_init(&rules[i], d % POLICY_KINDS, d >> 2 & 1);
		rules[i].type = (uint8_t)(d >> 3) % 5;
		rules[i].log = d >> 5 & 1;
		rules[i].eavesdrop = d >> 6 & 1;
		rules[i].requested_reply = d >> 7 & 1;
		if (d >> 8 & 1)
			rules[i].str[POLICY_NAME] =
				(struct dbus_str){ "a.b", 3 };
		if (d >> 9 & 1)
			rules[i].str[POLICY_MEMBER] =
				(struct dbus_str){ "M", 1 };
	}
	len = policy_compile(mem, size, (const struct policy_rule **)list,
			     1 + r->c % 4);
	return len < 0 ? 0 : (size_t)len;
}

bool op_policy(const struct rec *r)
{
	uint64_t block[512] = { 0 };
	struct bus_policy *p = (struct bus_policy *)block;
	size_t len = 0;

	p->id = r->b % 5;
	if (r->c >> 5 != 6)
		len = compile(p->data, sizeof(block) - sizeof(*p), r);
	if (len && r->c >> 5 == 5)
		p->data[r->d % len] ^= (uint8_t)(r->d >> 16);
	return !setsockopt(slot(r->a), SOL_BUS, BUS_POLICY, p,
			   (socklen_t)(sizeof(*p) + len));
}
