// SPDX-License-Identifier: LGPL-2.1-or-later
/* sendmmsg(), recvmmsg(), readv(), writev(), read(), write(). */
#include "native-test.h"

#include <sys/uio.h>

#define N 8

static void mmsg(struct peer *a, struct peer *b)
{
	struct sockaddr_bus sa[N] = { 0 }, from[N];
	struct mmsghdr out[N] = { 0 }, in[N] = { 0 };
	char text[N], back[N][4];
	struct iovec iov[N], biov[N];
	int i;

	for (i = 0; i < N; i++) {
		text[i] = 'a' + i;
		iov[i] = (struct iovec){ &text[i], 1 };
		sa[i].sbus_family = AF_BUS;
		sa[i].sbus_addr.s_addr = i % 2 ? b->addr : EVERYBODY;
		out[i].msg_hdr = (struct msghdr){
			.msg_name = &sa[i], .msg_namelen = sizeof(sa[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
		};
		biov[i] = (struct iovec){ back[i], 4 };
		in[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &biov[i], .msg_iovlen = 1,
		};
	}
	is(sendmmsg(a->fd, out, N, MSG_NOSIGNAL), N);
	is(recvmmsg(b->fd, in, N, MSG_DONTWAIT, NULL), N);
	for (i = 0; i < N; i++) {
		is(out[i].msg_len, 1);
		is(in[i].msg_len, 1);
		is(back[i][0], text[i]);
		is(from[i].sbus_addr.s_addr, a->addr);
	}
	is(recvmmsg(a->fd, in, N, MSG_DONTWAIT, NULL), N / 2);
	is(back[1][0], 'c');
	/* Stops at the first that fails and tells how many went. */
	sa[2].sbus_family = AF_UNIX;
	is(sendmmsg(a->fd, out, N, MSG_NOSIGNAL), 2);
	is(recvmmsg(b->fd, in, N, MSG_DONTWAIT, NULL), 2);
	nt_drain(a->fd);
}

static void vectors(struct peer *a)
{
	char x[3], y[20];
	struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "defgh", 5 } };
	struct iovec in[] = { { x, 3 }, { y, 20 } };

	is(writev(a->fd, out, 3), 8);
	is(write(a->fd, "second", 6), 6);
	is(readv(a->end, in, 2), 8);
	check(!memcmp(x, "abc", 3) && !memcmp(y, "defgh", 5));
	is(read(a->end, y, sizeof(y)), 6);
	is(write(a->end, "third", 5), 5);
	is(read(a->fd, y, 2), 2);
	silent(a->fd);
	/* Positions make no sense. */
	refused(pwrite(a->fd, "x", 1, 0), ESPIPE);
	refused(lseek(a->fd, 0, SEEK_SET), ESPIPE);
}

int main(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	mmsg(&a, &b);
	vectors(&a);
	close(bus);
	return 0;
}
