// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending and receiving. */
#include "lib/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Room for all that a message can bring, so that nothing is cut off by the
 * order it comes in. */
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(AFBUS_MSG_MAX_FDS * sizeof(int)) +
		 CMSG_SPACE(sizeof(struct ucred)) +
		 CMSG_SPACE(sizeof(struct bus_info))];
};

static void put_fds(struct msghdr *mh, union control *ctl,
		    const struct afbus_msg *m)
{
	size_t len = m->n_fds * sizeof(int);
	struct cmsghdr *c;

	memset(ctl, 0, CMSG_SPACE(len));
	mh->msg_control = ctl->buf;
	mh->msg_controllen = CMSG_SPACE(len);
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), m->fds, len);
}

int afbus_msg_send(int fd, const struct afbus_msg *m, int flags)
{
	struct iovec iov = { m->data, m->len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct sockaddr_bus sa;
	union control ctl;
	ssize_t n;

	if (flags & ~MSG_DONTWAIT || m->n_fds > AFBUS_MSG_MAX_FDS)
		return -EINVAL;
	/* An address the socket has anyway: see the field's comment. */
	if (m->to != BUS_MASTER_ADDR) {
		afbus_sockaddr_set(&sa, NULL, m->to);
		mh.msg_name = &sa;
		mh.msg_namelen = sizeof(sa);
	}
	if (m->n_fds)
		put_fds(&mh, &ctl, m);
	n = sendmsg(fd, &mh, flags | MSG_NOSIGNAL);
	return n < 0 ? -errno : 0;
}

int afbus_send(int fd, uint64_t to, const void *data, size_t len, int flags)
{
	struct afbus_msg m = { .data = (void *)data, .len = len, .to = to };

	return afbus_msg_send(fd, &m, flags);
}

int afbus_multicast(int fd, unsigned int prefix, const void *data, size_t len,
		    int flags)
{
	if (prefix > UINT16_MAX)
		return -EINVAL;
	return afbus_send(fd, AFBUS_GROUP(prefix), data, len, flags);
}

/* ---- receiving ---- */

static void take_fds(struct afbus_msg *m, const struct cmsghdr *c)
{
	unsigned int i, n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (m->n_fds < m->fds_size) {
			m->fds[m->n_fds++] = fd;
		} else {
			close(fd);
			m->flags |= AFBUS_MSG_FDS_LOST;
		}
	}
}

static void take_creds(struct afbus_msg *m, const struct cmsghdr *c)
{
	struct ucred uc;

	if (c->cmsg_len < CMSG_LEN(sizeof(uc)))
		return;
	memcpy(&uc, CMSG_DATA(c), sizeof(uc));
	m->pid = uc.pid;
	m->uid = uc.uid;
	m->gid = uc.gid;
	m->flags |= AFBUS_MSG_CREDS;
}

static void take_info(struct afbus_msg *m, struct bus_info *info,
		      const struct cmsghdr *c)
{
	if (c->cmsg_len < CMSG_LEN(sizeof(*info)))
		return;
	memcpy(info, CMSG_DATA(c), sizeof(*info));
	m->flags |= AFBUS_MSG_INFO;
}

static void take_control(struct afbus_msg *m, struct bus_info *info,
			 struct msghdr *mh)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(m, c);
		else if (c->cmsg_level == SOL_SOCKET &&
			 c->cmsg_type == SCM_CREDENTIALS)
			take_creds(m, c);
		else if (c->cmsg_level == SOL_BUS && c->cmsg_type == BUS_INFO)
			take_info(m, info, c);
	}
	/* The kernel had no room in our table of descriptors, or we have
	 * passed none. */
	if (mh->msg_flags & MSG_CTRUNC)
		m->flags |= AFBUS_MSG_FDS_LOST;
}

static uint32_t reason_now(int fd)
{
	int reason = afbus_reason(fd);

	return reason < 0 ? BUS_REASON_NONE : reason;
}

/* What the caller gave stays, what the last message left goes. */
static void msg_reset(struct afbus_msg *m)
{
	*m = (struct afbus_msg){
		.data = m->data,
		.size = m->size,
		.fds = m->fds,
		.fds_size = m->fds_size,
	};
}

static int msg_end(struct afbus_msg *m, uint64_t addr, uint64_t seq,
		   uint32_t reason)
{
	m->from = addr;
	m->seq = seq;
	m->reason = reason;
	return -ENODATA;
}

int afbus_msg_recv(int fd, struct afbus_msg *m, int flags)
{
	struct iovec iov = { m->data, m->size };
	struct sockaddr_bus sa = { 0 };
	union control ctl;
	struct msghdr mh = {
		.msg_name = &sa,
		.msg_namelen = sizeof(sa),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ctl.buf,
		.msg_controllen = sizeof(ctl.buf),
	};
	struct bus_info info = { 0 };
	ssize_t n;

	if (flags & ~(MSG_DONTWAIT | MSG_PEEK))
		return -EINVAL;
	msg_reset(m);
	n = recvmsg(fd, &mh, flags | MSG_TRUNC | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	take_control(m, &info, &mh);
	if (info.kind == BUS_KIND_CLOSED)
		return msg_end(m, info.addr, info.seq, info.reason);
	/* A message always has a sender, also one without data. */
	if (!n && !mh.msg_namelen)
		return msg_end(m, 0, 0, reason_now(fd));
	m->len = n;
	m->from = sa.sbus_addr.s_addr;
	m->to = info.to;
	m->seq = info.seq;
	if (m->len > m->size)
		m->flags |= AFBUS_MSG_TRUNCATED;
	return 0;
}

ssize_t afbus_msg_next_len(int fd, int flags)
{
	struct sockaddr_bus sa;
	struct msghdr mh = { .msg_name = &sa, .msg_namelen = sizeof(sa) };
	ssize_t n;

	if (flags & ~MSG_DONTWAIT)
		return -EINVAL;
	n = recvmsg(fd, &mh, flags | MSG_PEEK | MSG_TRUNC);
	if (n < 0)
		return -errno;
	return n || mh.msg_namelen ? n : -ENODATA;
}

void afbus_msg_close_fds(struct afbus_msg *m)
{
	while (m->n_fds)
		close(m->fds[--m->n_fds]);
}
