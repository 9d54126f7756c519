// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Credentials are translated for who looks at them, as AF_UNIX does it: a
 * process that a pid namespace does not know is 0, a user that a user
 * namespace does not know is the overflow user; and nobody may claim to be
 * who he could not be in his own.
 */
#include "native-test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define NOBODY 65534
#define OUTSIDE 4711		/* what uids 0 to 9 are outside, from on */

static int bus;

static struct ucred peercred(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	ok(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len));
	return c;
}

static struct ucred next_creds(int fd)
{
	struct got g;

	check(nt_take(fd, &g, 0) > 0);
	check(g.has_cred);
	return g.cred;
}

static void is_cred(struct ucred c, pid_t pid, uid_t uid, gid_t gid)
{
	is(c.pid, pid);
	is(c.uid, uid);
	is(c.gid, gid);
}

static ssize_t claim(int fd, pid_t pid, uid_t uid, gid_t gid)
{
	struct ucred c = { pid, uid, gid };
	union { char b[CMSG_SPACE(sizeof(c))]; size_t align; } u = { 0 };
	struct iovec iov = { "claim", 5 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_CREDENTIALS;
	cm->cmsg_len = CMSG_LEN(sizeof(c));
	memcpy(CMSG_DATA(cm), &c, sizeof(c));
	return sendmsg(fd, &mh, MSG_NOSIGNAL);
}

static void write_file(const char *path, const char *text)
{
	int fd = ok(open(path, O_WRONLY));

	is(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* ---- in a pid namespace of its own ---- */

static void inside_pids(int sync)
{
	int fd = nt_connect(bus);
	char c;

	is(getpid(), 1);
	/* Who listens is not to be seen from here. */
	is_cred(peercred(fd), 0, getuid(), getgid());
	ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)));
	tell(fd, "from within");
	is(claim(fd, 1, getuid(), getgid()), 5);
	is_cred(next_creds(fd), 0, getuid(), getgid());
	is(read(sync, &c, 1), 0);
}

static void pids(void)
{
	struct peer p;
	int sync[2], status;
	pid_t pid;

	ok(pipe(sync));
	ok(unshare(CLONE_NEWPID));
	/* Not nt_fork(), whose child looks for its parent. */
	pid = ok(fork());
	if (!pid) {
		ok(prctl(PR_SET_PDEATHSIG, SIGKILL));
		close(sync[1]);
		inside_pids(sync[0]);
		_exit(0);
	}
	close(sync[0]);
	p = nt_accept(bus, -1);
	ok(setsockopt(p.end, SOL_SOCKET, SO_PASSCRED, &(int){ 1 },
		      sizeof(int)));
	is_cred(peercred(p.end), pid, getuid(), getgid());
	/* Sent before that was asked for: no matter. */
	is_cred(next_creds(p.end), pid, getuid(), getgid());
	is_cred(next_creds(p.end), pid, getuid(), getgid());
	tell(p.end, "from outside");
	close(sync[1]);
	ok(waitpid(pid, &status, 0));
	is(status, 0);
	close(p.end);
}

/* ---- in a user namespace of its own ---- */

static void inside_users(int mapped)
{
	char c;
	int fd;

	ok(unshare(CLONE_NEWUSER));
	/* Whoever is outside writes the map. */
	ok(kill(getpid(), SIGSTOP));
	ok(setresgid(0, 0, 0));
	ok(setresuid(0, 0, 0));
	is(read(mapped, &c, 1), 0);
	fd = nt_connect(bus);
	is_cred(peercred(fd), getppid(), NOBODY, NOBODY);
	ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)));
	tell(fd, "as root within");
	is(claim(fd, getpid(), 5, 6), 5);
	/* Whom there is not here. */
	refused(claim(fd, getpid(), 10, 0), EINVAL);
	refused(claim(fd, getpid(), 0, 10), EINVAL);
	/* Processes are another namespace's. */
	refused(claim(fd, getppid(), 0, 0), EPERM);
	is_cred(next_creds(fd), getppid(), NOBODY, NOBODY);
}

static void users(void)
{
	char path[64], map[64];
	struct peer p;
	int mapped[2], status;
	pid_t pid;

	ok(pipe(mapped));
	pid = nt_fork();
	if (!pid) {
		close(mapped[1]);
		inside_users(mapped[0]);
		_exit(0);
	}
	close(mapped[0]);
	is(ok(waitpid(pid, &status, WUNTRACED)), pid);
	check(WIFSTOPPED(status));
	snprintf(map, sizeof(map), "0 %d 10", OUTSIDE);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	write_file(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	write_file(path, map);
	ok(kill(pid, SIGCONT));
	close(mapped[1]);
	p = nt_accept(bus, -1);
	ok(setsockopt(p.end, SOL_SOCKET, SO_PASSCRED, &(int){ 1 },
		      sizeof(int)));
	is_cred(peercred(p.end), pid, OUTSIDE, OUTSIDE);
	is_cred(next_creds(p.end), pid, OUTSIDE, OUTSIDE);
	is_cred(next_creds(p.end), pid, OUTSIDE + 5, OUTSIDE + 6);
	tell(p.end, "from outside");
	ok(waitpid(pid, &status, 0));
	is(status, 0);
	close(p.end);
}

int main(void)
{
	if (getuid())
		nt_skip("not root");
	bus = nt_bus();
	users();
	/* Last: what is forked from then on is in it. */
	pids();
	close(bus);
	return 0;
}
