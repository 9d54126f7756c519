// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The group messaging of TIPC: reliable, in order, and with flow control, so
 * the nearest relative in the kernel.
 */
#include "tools/bench/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/tipc.h>

#define SENDER_INSTANCE 1
#define RECEIVER_INSTANCE 2
#define FIRST_TYPE 4711
/* Of one process; no two are to be the same. */
#define GROUPS_MAX 64

static int join(uint32_t type, uint32_t instance, uint32_t flags)
{
	struct tipc_group_req req = {
		.type = type, .instance = instance,
		.scope = TIPC_NODE_SCOPE, .flags = flags,
	};
	int fd, err;

	fd = socket(AF_TIPC, SOCK_RDM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_TIPC, TIPC_GROUP_JOIN, &req, sizeof(req))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Members get to know each other in their own time. A member that comes is
 * told as an empty message out of band. */
static int tipc_ready(struct wire *w)
{
	unsigned int n = w->n;
	char buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh;

	while (n) {
		mh = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
		if (recvmsg(w->collect, &mh, 0) < 0)
			return -errno;
		if ((mh.msg_flags & (MSG_OOB | MSG_EOR)) == MSG_OOB)
			n--;
	}
	return 0;
}

static int tipc_open(struct wire *w)
{
	static uint32_t groups;
	struct sockaddr_tipc sa;
	socklen_t len = sizeof(sa);

	w->tipc_type = FIRST_TYPE + getpid() * GROUPS_MAX + groups++;
	w->collect = join(w->tipc_type, SENDER_INSTANCE,
			  TIPC_GROUP_MEMBER_EVTS);
	if (w->collect < 0)
		return w->collect;
	if (getsockname(w->collect, (struct sockaddr *)&sa, &len))
		return -errno;
	w->tipc_sender.ref = sa.addr.id.ref;
	w->tipc_sender.node = sa.addr.id.node;
	return 0;
}

static int tipc_add(struct wire *w, unsigned int i)
{
	w->rx = join(w->tipc_type, RECEIVER_INSTANCE, 0);
	return w->rx < 0 ? w->rx : 0;
}

static int tipc_reply(struct wire *w, const void *data, size_t len)
{
	struct sockaddr_tipc sa = {
		.family = AF_TIPC,
		.addrtype = TIPC_SOCKET_ADDR,
		.addr.id = { w->tipc_sender.ref, w->tipc_sender.node },
	};

	return sendto(w->rx, data, len, 0, (struct sockaddr *)&sa,
		      sizeof(sa)) < 0 ? -errno : 0;
}

/* To the group, the sender excepted. */
int wire_tipc_send(struct wire *w, const void *data, size_t len)
{
	return send(w->collect, data, len, 0) < 0 ? -errno : 0;
}

const struct wire_kind wire_tipc = {
	"tipc", tipc_open, tipc_add, tipc_ready, tipc_reply,
};
