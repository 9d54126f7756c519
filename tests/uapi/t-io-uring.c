// SPDX-License-Identifier: LGPL-2.1-or-later
/* io_uring sends and receives, also what has to wait first. */
#include "native-test.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void setup(void)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, 16, &p);
	if (ring.fd < 0 && (errno == ENOSYS || errno == EPERM))
		nt_skip("no io_uring here");
	ok(ring.fd);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4,
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
		  IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, p.sq_entries * sizeof(*ring.sqes),
			 PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
			 IORING_OFF_SQES);
	check(sq != MAP_FAILED && cq != MAP_FAILED &&
	      (void *)ring.sqes != MAP_FAILED);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

static void submit(int op, int fd, struct msghdr *mh, uint64_t id)
{
	unsigned int tail = *ring.sq_tail, i = tail & *ring.sq_mask;

	ring.sqes[i] = (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (uintptr_t)mh, .len = 1,
		.user_data = id,
	};
	ring.sq_array[i] = i;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	is(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0), 1);
}

static int done(uint64_t id)
{
	unsigned int head = *ring.cq_head;
	struct io_uring_cqe *c;

	ok(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS,
		   NULL, 0));
	check(__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) != head);
	c = &ring.cqes[head & *ring.cq_mask];
	is(c->user_data, id);
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return c->res;
}

static bool idle(void)
{
	return __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) ==
	       *ring.cq_head;
}

int main(void)
{
	int bus = nt_bus(), n;
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct sockaddr_bus to = nt_getsockname(b.fd), from = { 0 };
	char data[8] = "message", back[16] = "";
	struct iovec out = { data, 7 }, in = { back, sizeof(back) };
	struct msghdr omh = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &out, .msg_iovlen = 1,
	}, imh = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &in, .msg_iovlen = 1,
	};
	struct got g;

	setup();
	/* There is one, and there is none yet. */
	submit(IORING_OP_SENDMSG, a.fd, &omh, 1);
	is(done(1), 7);
	submit(IORING_OP_RECVMSG, b.fd, &imh, 2);
	is(done(2), 7);
	is(from.sbus_addr.s_addr, a.addr);
	check(!memcmp(back, data, 7));
	submit(IORING_OP_RECVMSG, b.fd, &imh, 3);
	check(idle());
	say(a.fd, b.addr, "later");
	is(done(3), 5);
	/* A full receiver: done when there is room. */
	n = nt_fill(a.fd, b.addr, "x");
	submit(IORING_OP_SENDMSG, a.fd, &omh, 4);
	check(idle());
	ok(nt_take(b.fd, &g, MSG_DONTWAIT));
	is(done(4), 7);
	is(nt_drain(b.fd), n);
	/* The peer's end ends it. */
	submit(IORING_OP_RECVMSG, b.fd, &imh, 5);
	close(b.end);
	is(done(5), 0);
	/* Refusals come back. */
	to.sbus_path[1]++;
	submit(IORING_OP_SENDMSG, a.fd, &omh, 6);
	is(done(6), -EHOSTUNREACH);
	close(bus);
	return 0;
}
