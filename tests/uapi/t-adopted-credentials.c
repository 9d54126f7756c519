// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages between adopted clients carry nobody's credentials, whoever asks
 * for them (SO_PASSCRED): with files, from the master, in other namespaces.
 * Above all not those of root, whose the kernel's workers are.
 */
#include "bus-test.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* The next message's credentials; its files are closed. */
static struct ucred next_creds(int fd)
{
	char data[65536], cbuf[1024];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct ucred creds = { -1, -1, -1 };
	struct cmsghdr *c;
	int file;

	check(recvmsg(fd, &mh, 0) > 0);
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&creds, CMSG_DATA(c), sizeof(creds));
		} else if (c->cmsg_type == SCM_RIGHTS) {
			memcpy(&file, CMSG_DATA(c), sizeof(file));
			close(file);
		}
	}
	return creds;
}

/* A thread of the kernel has no program. */
static bool is_thread(pid_t pid)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, target, sizeof(target)) < 0 && errno == ENOENT;
}

/* With files some process has to be named: then it is none of the clients'. */
static void are_nobodys(int fd, const char *what)
{
	struct ucred c = next_creds(fd);

	if ((c.pid && !is_thread(c.pid)) || c.uid != NOBODY ||
	    c.gid != NOBODY)
		fail("%s: pid %d, uid %u, gid %u", what, (int)c.pid,
		     (unsigned int)c.uid, (unsigned int)c.gid);
}

static struct msg_spec spec(const char *to, unsigned int n_fds, size_t body)
{
	return (struct msg_spec){
		.type = DBUS_TYPE_CALL, .flags = DBUS_FLAG_NO_REPLY,
		.serial = 7, .path = "/o",
		.member = "M", .destination = to, .unix_fds = n_fds,
		.body = body,
	};
}

static void ask_for_creds(int fd)
{
	int one = 1;

	check(!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
}

static void of_messages(int bus, struct client *a, struct client *b)
{
	struct msg_spec s = spec(b->name, 0, 0);
	int file = dup(STDOUT_FILENO);

	test_send(a->fd, &s, NULL, 0);
	are_nobodys(b->fd, "a short message");
	s.body = 9000;
	test_send(a->fd, &s, NULL, 0);
	are_nobodys(b->fd, "a long message");
	s = spec(b->name, 1, 0);
	test_send(a->fd, &s, &file, 1);
	are_nobodys(b->fd, "a message with a file");
	s.sender = "org.freedesktop.DBus";
	check(!test_master_send(bus, b->addr, &s, &file, 1));
	are_nobodys(b->fd, "the master's with a file");
	s.unix_fds = 0;
	check(!test_master_send(bus, b->addr, &s, NULL, 0));
	are_nobodys(b->fd, "the master's");
	close(file);
}

static void elsewhere(struct client *a, struct client *b)
{
	struct msg_spec s = spec(b->name, 0, 0);
	int status;
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		check(!unshare(CLONE_NEWUSER));
		are_nobodys(b->fd, "in a user namespace");
		_exit(0);
	}
	test_send(a->fd, &s, NULL, 0);
	check(waitpid(pid, &status, 0) == pid && !status);
}

int main(void)
{
	int bus = test_bus();
	struct client a = test_client(bus, BUS_ATTACH_FDS);
	struct client b = test_client(bus, BUS_ATTACH_FDS);

	ask_for_creds(b.fd);
	of_messages(bus, &a, &b);
	/* What the sender asks for changes nothing. */
	ask_for_creds(a.fd);
	of_messages(bus, &a, &b);
	elsewhere(&a, &b);
	return 0;
}
