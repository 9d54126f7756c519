// SPDX-License-Identifier: LGPL-2.1-or-later
/* Control data that makes no sense is refused before anything is sent. */
#include "native-test.h"

static struct peer a, b;

/* A header of @len that says @level, @type, with @size bytes given. */
static ssize_t with(int level, int type, size_t len, size_t size)
{
	union { char b[256]; struct cmsghdr c; } u = { 0 };
	struct sockaddr_bus sa = nt_getsockname(b.fd);
	struct iovec iov = { "x", 1 };
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = size,
	};
	int *fds = (int *)CMSG_DATA(&u.c);

	u.c.cmsg_level = level;
	u.c.cmsg_type = type;
	u.c.cmsg_len = len;
	fds[0] = fds[1] = 2;
	return sendmsg(a.fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int main(void)
{
	int bus = nt_bus();
	struct got g;

	a = nt_peer(bus);
	b = nt_peer(bus);
	refused(with(SOL_SOCKET, SCM_RIGHTS, 3, CMSG_SPACE(4)), EINVAL);
	refused(with(SOL_SOCKET, SCM_RIGHTS, 4096, CMSG_SPACE(4)), EINVAL);
	refused(with(SOL_SOCKET, SCM_CREDENTIALS, CMSG_LEN(4), CMSG_SPACE(4)),
		EINVAL);
	refused(with(SOL_SOCKET, 99, CMSG_LEN(4), CMSG_SPACE(4)), EINVAL);
	silent(b.fd);
	/* No descriptors at all are none. */
	is(with(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(0), CMSG_SPACE(0)), 1);
	is(nt_take(b.fd, &g, MSG_DONTWAIT), 1);
	is(g.n_fds, 0);
	is(with(SOL_SOCKET, SCM_RIGHTS, CMSG_LEN(8), CMSG_SPACE(8)), 1);
	is(nt_take(b.fd, &g, MSG_DONTWAIT), 1);
	is(g.n_fds, 2);
	/* Nobody can send what only the kernel says. */
	if (with(SOL_BUS, BUS_INFO, CMSG_LEN(sizeof(struct bus_info)),
		 CMSG_SPACE(sizeof(struct bus_info))) == 1) {
		nt_set(b.fd, BUS_PASS_INFO, 1);
		is(nt_take(b.fd, &g, MSG_DONTWAIT), 1);
		check(g.has_info);
		is(g.info.addr, a.addr);
	}
	silent(b.fd);
	close(bus);
	return 0;
}
