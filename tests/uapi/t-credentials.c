// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who the other side is: at connecting (SO_PEERCRED, SO_PEERPIDFD), and with
 * each message (SO_PASSCRED, SCM_CREDENTIALS), where nobody can lie. */
#include "native-test.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static int bus;

static void is_cred(const struct ucred *c, pid_t pid, uid_t uid, gid_t gid)
{
	is(c->pid, pid);
	is(c->uid, uid);
	is(c->gid, gid);
}

static struct ucred peercred(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len));
	return c;
}

static ssize_t claim(int fd, uint64_t to, struct ucred c)
{
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = to,
	};
	union { char b[CMSG_SPACE(sizeof(c))]; size_t align; } u = { 0 };
	struct iovec iov = { "claim", 5 };
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_CREDENTIALS;
	cm->cmsg_len = CMSG_LEN(sizeof(c));
	memcpy(CMSG_DATA(cm), &c, sizeof(c));
	return sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void stranger(void *arg)
{
	int fd = nt_connect(bus);
	struct ucred me = { getpid(), getuid(), getgid() };
	struct ucred lie = me;

	is(peercred(fd).pid, getppid());
	lie.pid = getppid();
	refused(claim(fd, BUS_MASTER_ADDR, lie), EPERM);
	lie = me;
	lie.uid = 0;
	refused(claim(fd, BUS_MASTER_ADDR, lie), EPERM);
	lie = me;
	lie.gid = 0;
	refused(claim(fd, BUS_MASTER_ADDR, lie), EPERM);
	is(claim(fd, BUS_MASTER_ADDR, me), 5);
	tell(fd, "plain");
}

static void of_stranger(void)
{
	struct ucred c;
	struct peer p;
	struct got g;
	int status;

	/* Asked for before it connects, so that nothing can be missed. */
	status = nt_as(NT_UID, stranger, NULL);
	is(status, 0);
	p = nt_accept(bus, -1);
	c = peercred(p.end);
	is(c.uid, NT_UID);
	is(c.gid, NT_UID);
	check(c.pid != getpid());
	status = 1;
	ok(setsockopt(p.end, SOL_SOCKET, SO_PASSCRED, &status, sizeof(status)));
	is(nt_take(p.end, &g, MSG_DONTWAIT), 5);
	check(g.has_cred);
	is(g.cred.uid, NT_UID);
	is(nt_take(p.end, &g, MSG_DONTWAIT), 5);
	check(g.has_cred);
	is(g.cred.uid, NT_UID);
	is(g.cred.gid, NT_UID);
	close(p.end);
}

static void with_messages(void)
{
	struct peer a = nt_peer(bus), b = nt_peer(bus), c = nt_peer(bus);
	struct ucred other = { getppid(), 1, 2 };
	struct got g;
	int one = 1;

	is_cred(&(struct ucred){ peercred(a.fd).pid, peercred(a.fd).uid,
		peercred(a.fd).gid }, getpid(), getuid(), getgid());
	say(a.fd, b.addr, "not asked for");
	is(nt_take(b.fd, &g, 0), 13);
	check(!g.has_cred);
	ok(setsockopt(b.fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	nt_read_back(b.fd, SO_PASSCRED);
	say(a.fd, EVERYBODY, "to all");
	is(nt_take(b.fd, &g, 0), 6);
	check(g.has_cred);
	is_cred(&g.cred, getpid(), getuid(), getgid());
	is(nt_take(c.fd, &g, 0), 6);
	check(!g.has_cred);
	tell(b.end, "the master's");
	is(nt_take(b.fd, &g, 0), 12);
	check(g.has_cred);
	is_cred(&g.cred, getpid(), getuid(), getgid());
	/* Who may may. */
	if (!getuid()) {
		is(claim(a.fd, b.addr, other), 5);
		is(nt_take(b.fd, &g, 0), 5);
		is_cred(&g.cred, getppid(), 1, 2);
	}
	/* A process there is not. */
	other.pid = 0x3fffffff;
	check(claim(a.fd, b.addr, other) == -1);
	silent(b.fd);
	nt_close(&a);
	nt_close(&b);
	nt_close(&c);
}

static void pidfd(void)
{
	int fd = -1, end, sync[2];
	socklen_t len = sizeof(fd);
	siginfo_t si = { 0 };
	pid_t pid;
	char c;

	ok(pipe(sync));
	pid = nt_fork();
	if (!pid) {
		nt_connect(bus);
		close(sync[1]);
		(void)!read(sync[0], &c, 1);
		_exit(7);
	}
	close(sync[0]);
	end = ok(accept(bus, NULL, NULL));
	if (getsockopt(end, SOL_SOCKET, SO_PEERPIDFD, &fd, &len)) {
		is(errno, ENOPROTOOPT);	/* older than Linux 6.5 */
		close(sync[1]);
		waitpid(pid, NULL, 0);
		return;
	}
	is(nt_poll(fd, POLLIN, 0), 0);
	close(sync[1]);
	ok(waitid(P_PIDFD, fd, &si, WEXITED));
	is(si.si_pid, pid);
	is(si.si_status, 7);
	close(fd);
	close(end);
}

int main(void)
{
	bus = nt_bus();
	if (!getuid())
		of_stranger();
	with_messages();
	pidfd();
	close(bus);
	return 0;
}
