// SPDX-License-Identifier: LGPL-2.1-or-later
/* Programs of 32 and 64 bits are on one bus: addresses with a path, groups,
 * files, credentials and places in the order mean the same to both. Skipped
 * without the other program, which is this one in the folder of the others. */
#include "native-test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "layout.h"

#define OTHERS 7

/* "uapi/t-two-widths" is "uapi32/t-two-widths", and the reverse. */
static const char *other(void)
{
	static char path[PATH_MAX + 64];
	char me[PATH_MAX], *name;
	ssize_t n = ok(readlink("/proc/self/exe", me, sizeof(me) - 1));

	me[n] = 0;
	name = strrchr(me, '/');
	check(name);
	n = name - me - (sizeof(long) == 8 ? 0 : 2);
	snprintf(path, sizeof(path), "%.*s%s/t-two-widths", (int)n, me,
		 sizeof(long) == 8 ? "32" : "");
	if (access(path, X_OK))
		nt_skip("no program of the other width is built");
	return path;
}

static void tell_all(int fd)
{
	struct ucred cred = { getpid(), getuid(), getgid() };
	union { char b[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(cred))];
		struct cmsghdr c; } u = { 0 };
	struct sockaddr_bus sa = nt_getsockname(fd);
	struct iovec iov = { "hello", 5 };
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &u, .msg_controllen = sizeof(u),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	int file = ok(memfd_create("t-two-widths", MFD_CLOEXEC));

	is(write(file, "file", 4), 4);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(c), &file, sizeof(file));
	c = CMSG_NXTHDR(&mh, c);
	check(c);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	sa.sbus_addr.s_addr = GROUP(OTHERS);
	is(sendmsg(fd, &mh, MSG_NOSIGNAL), 5);
	close(file);
}

/* What tell_all() said, by @pid at @from. */
static void told_all(int fd, uint64_t from, pid_t pid)
{
	char text[8] = "";
	struct got g;

	is(nt_take(fd, &g, 0), 5);
	check(!memcmp(g.data, "hello", 5));
	check(g.from == from);
	is(g.flags & MSG_CTRUNC, 0);
	check(g.has_info && g.has_cred);
	check(g.info.addr == from && g.info.to == GROUP(OTHERS));
	check(g.info.seq > 0);
	is(g.cred.pid, pid);
	is(g.n_fds, 1);
	is(pread(g.fds[0], text, sizeof(text), 0), 4);
	check(!strcmp(text, "file"));
	close(g.fds[0]);
}

static void listen_to_all(int fd)
{
	int one = 1;

	nt_set(fd, BUS_PASS_INFO, 1);
	ok(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
}

/* The other program, a client at the bus @path. */
static void be_client(const char *path)
{
	struct sockaddr_bus sa = nt_path(path), me;
	struct got g;
	int fd = nt_socket();

	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	listen_to_all(fd);
	/* Accepted and joined. */
	is(nt_take(fd, &g, 0), 4);
	me = nt_getsockname(fd);
	check(!strcmp(me.sbus_path, path));
	tell_all(fd);
	told_all(fd, me.sbus_addr.s_addr, getpid());
	is(nt_take(fd, &g, 0), 3);
	check(!memcmp(g.data, "bye", 3));
}

/* The other program with @argument, as a child. */
static pid_t run(const char *argument)
{
	const char *program = other();
	pid_t pid = nt_fork();

	if (pid)
		return pid;
	execl(program, program, argument, NULL);
	_exit(errno == ENOEXEC ? NT_SKIP : 1);
}

static void can_run(void)
{
	int status;

	ok(waitpid(run("nothing"), &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NT_SKIP)
		nt_skip("this kernel does not run programs of the other width");
	is(status, 0);
}

static int new_bus(char *path, size_t size)
{
	struct sockaddr_bus sa;
	int bus;

	snprintf(path, size, "%s/bus", nt_folder());
	sa = nt_path(path);
	bus = nt_bus_at(&sa);
	return bus;
}

int main(int argc, char **argv)
{
	struct sockaddr_bus who;
	socklen_t len = sizeof(who);
	char path[BUS_PATH_MAX];
	struct peer mine;
	int bus, end;
	pid_t pid;

	if (argc > 1) {
		if (strcmp(argv[1], "nothing"))
			be_client(argv[1]);
		return 0;
	}
	can_run();
	bus = new_bus(path, sizeof(path));
	mine = nt_peer(bus);
	listen_to_all(mine.fd);
	ok(nt_add(mine.end, PREFIX(OTHERS) | 1));
	pid = run(path);
	end = ok(accept(bus, NT_SA(&who), &len));
	ok(nt_join(end));
	ok(nt_add(end, PREFIX(OTHERS) | 2));
	tell(end, "come");
	told_all(mine.fd, who.sbus_addr.s_addr, pid);
	say(mine.fd, who.sbus_addr.s_addr, "bye");
	reap(pid);
	nt_close(&mine);
	close(bus);
	return 0;
}
