// SPDX-License-Identifier: LGPL-2.1-or-later
/* Socket filters on receivers, classic and extended, their own and the
 * master's: they shorten or drop, and see data and sender. */
#include "native-test.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>

#define F(...) (struct sock_fprog){ \
	sizeof((struct sock_filter[]){ __VA_ARGS__ }) / \
		sizeof(struct sock_filter), (struct sock_filter[]){ __VA_ARGS__ } }
#define RET(n) BPF_STMT(BPF_RET | BPF_K, n)
#define KEEP RET(0xffffffff)
#define DROP RET(0)
/* Starts with @c: the next, else the one after it. */
#define IF_STARTS(c) BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, c, 0, 1)
#define IF_SENDER(a) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			      SKF_AD_OFF + SKF_AD_MARK), \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(a), 0, 1)

static int bus;
static struct peer a, b, c;

static int own(int fd, struct sock_fprog f)
{
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f));
}

static int masters(int fd, struct sock_fprog f)
{
	return setsockopt(fd, SOL_BUS, BUS_FILTER, &f, sizeof(f));
}

static int detach(int fd)
{
	int none = 0;	/* every option of SOL_SOCKET has a value */

	return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none,
			  sizeof(none));
}

/* To all; b hears @text or, if NULL, nothing. */
static void at_b(const char *at, const char *sent, const char *text)
{
	nt_say(at, a.fd, EVERYBODY, sent);
	nt_heard(at, a.fd, a.addr, sent);
	nt_heard(at, c.fd, a.addr, sent);
	if (text)
		nt_heard(at, b.fd, a.addr, text);
	nt_silent(at, b.fd);
}
#define at_b(sent, text) NT_AT(at_b(NT_LINE, sent, text))

static void receivers(void)
{
	int w[2];

	ok(own(b.fd, F(RET(3))));
	at_b("shortened", "sho");
	at_b("ab", "ab");
	say(a.fd, b.addr, "unicast");
	heard(b.fd, a.addr, "uni");
	tell(b.end, "master");
	heard(b.fd, BUS_MASTER_ADDR, "mas");
	ok(own(b.fd, F(IF_STARTS('A'), KEEP, DROP)));
	at_b("Apple", "Apple");
	at_b("Banana", NULL);
	say(a.fd, b.addr, "Banana");
	silent(b.fd);
	silent(a.end);
	/* What is shorter than where it looks is dropped, as everywhere. */
	at_b("", NULL);
	ok(own(b.fd, F(IF_SENDER(c.addr), KEEP, DROP)));
	at_b("from a", NULL);
	say(c.fd, b.addr, "from c");
	heard(b.fd, c.addr, "from c");
	/* A file in a dropped message is nobody's. */
	ok(pipe(w));
	is(nt_send_fds(a.fd, b.addr, "x", &w[1], 1, 0), 1);
	close(w[1]);
	is(nt_poll(w[0], POLLIN, 0), POLLHUP);
	close(w[0]);
	ok(detach(b.fd));
	refused(detach(b.fd), ENOENT);
	at_b("from a", "from a");
}

static int load(uint32_t sender)
{
	struct bpf_insn prog[] = {
		{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1,
		  .off = offsetof(struct __sk_buff, mark) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = 2, .off = 1,
		  .imm = sender },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)prog,
		.insn_cnt = sizeof(prog) / sizeof(prog[0]),
		.license = (uintptr_t)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int set_bpf(int level, int option, int fd, int prog)
{
	return setsockopt(fd, level, option, &prog, sizeof(prog));
}

static void extended(void)
{
	int prog = ok(load(a.addr));

	ok(set_bpf(SOL_SOCKET, SO_ATTACH_BPF, b.fd, prog));
	at_b("two of it", "tw");
	say(c.fd, b.addr, "none of it");
	silent(b.fd);
	ok(detach(b.fd));
	ok(set_bpf(SOL_BUS, BUS_FILTER_BPF, b.end, prog));
	close(prog);
	at_b("two of it", "tw");
	say(c.fd, b.addr, "none of it");
	silent(b.fd);
	refused(set_bpf(SOL_BUS, BUS_FILTER_BPF, b.fd, -1), EPERM);
	refused(detach(b.fd), ENOENT);
	refused(set_bpf(SOL_BUS, BUS_FILTER_BPF, b.end, 2), EINVAL);
	refused(set_bpf(SOL_BUS, BUS_FILTER_BPF, b.end, 999), EBADF);
	at_b("still two", "st");
	ok(set_bpf(SOL_BUS, BUS_FILTER_BPF, b.end, -1));
	at_b("all", "all");
}

static void by_master(void)
{
	ok(masters(b.end, F(IF_STARTS('A'), RET(4), DROP)));
	at_b("Apple", "Appl");
	at_b("Banana", NULL);
	/* The client cannot: neither remove, nor replace, nor widen. */
	refused(masters(b.fd, F(KEEP)), EPERM);
	refused(detach(b.fd), ENOENT);
	ok(own(b.fd, F(KEEP)));
	at_b("Apple", "Appl");
	at_b("Banana", NULL);
	ok(own(b.fd, F(RET(2))));
	at_b("Apple", "Ap");
	ok(detach(b.fd));
	at_b("Apple", "Appl");
	/* Another in its place; a bad one leaves it. */
	ok(masters(b.end, F(RET(5))));
	at_b("Banana", "Banan");
	refused(masters(b.end, F(BPF_STMT(BPF_LD, 0))), EINVAL);
	at_b("Banana", "Banan");
	ok(setsockopt(b.end, SOL_BUS, BUS_FILTER, NULL, 0));
	at_b("Banana", "Banana");
	/* What comes to the master's end is filtered by its own. */
	ok(own(a.end, F(RET(1))));
	tell(a.fd, "up");
	heard(a.end, a.addr, "u");
	ok(detach(a.end));
}

/* Who drops a message needs no room for it. */
static void no_room(void)
{
	int n = nt_fill(a.fd, b.addr, "x");

	ok(masters(b.end, F(DROP)));
	ok(try_say(a.fd, b.addr, "y"));
	ok(try_say(a.fd, EVERYBODY, "y"));
	is(nt_drain(b.fd), n);
	heard(a.fd, a.addr, "y");
	heard(c.fd, a.addr, "y");
}

int main(void)
{
	bus = nt_bus();
	a = nt_peer(bus);
	b = nt_peer(bus);
	c = nt_peer(bus);
	receivers();
	by_master();
	extended();
	no_room();
	close(bus);
	return 0;
}
