// SPDX-License-Identifier: LGPL-2.1-or-later
/* SO_TIMESTAMP: when a message was sent, also to several. */
#include "native-test.h"

#include <sys/time.h>

static bool stamp(int fd, struct timeval *tv)
{
	union { char b[CMSG_SPACE(sizeof(*tv))]; size_t align; } u;
	char c[16];
	struct iovec iov = { c, sizeof(c) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *cm;

	check(recvmsg(fd, &mh, MSG_DONTWAIT) > 0);
	for (cm = CMSG_FIRSTHDR(&mh); cm; cm = CMSG_NXTHDR(&mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_TIMESTAMP)
			continue;
		memcpy(tv, CMSG_DATA(cm), sizeof(*tv));
		return true;
	}
	return false;
}

int main(void)
{
	int bus = nt_bus(), one = 1;
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct timeval before, after, tv, tv2;

	say(a.fd, b.addr, "x");
	check(!stamp(b.fd, &tv));
	ok(setsockopt(b.fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)));
	ok(setsockopt(c.fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)));
	gettimeofday(&before, NULL);
	say(a.fd, EVERYBODY, "x");
	gettimeofday(&after, NULL);
	check(!stamp(a.fd, &tv));
	check(stamp(b.fd, &tv));
	check(stamp(c.fd, &tv2));
	check(!timercmp(&tv, &before, <));
	check(!timercmp(&tv, &after, >));
	check(!timercmp(&tv2, &before, <));
	check(!timercmp(&tv2, &after, >));
	close(bus);
	return 0;
}
