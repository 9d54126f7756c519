// SPDX-License-Identifier: LGPL-2.1-or-later
/* Open files travel with messages: to one, to many, to the master; nobody
 * keeps what nobody took. */
#include "native-test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static int fds_open(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A pipe whose writing end is to travel. */
static int in_pipe(int *w)
{
	int p[2];

	ok(pipe2(p, O_CLOEXEC));
	*w = p[1];
	return p[0];
}

/* No writer is left. */
static bool forgotten(int r)
{
	return nt_poll(r, POLLIN, 0) == POLLHUP;
}

static void take_and_write(int fd, int r)
{
	struct got g;
	char c = 0;

	ok(nt_take(fd, &g, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
	check(!strcmp(g.data, "file"));
	is(g.flags & MSG_CTRUNC, 0);
	is(g.n_fds, 1);
	check(fcntl(g.fds[0], F_GETFD) & FD_CLOEXEC);
	is(write(g.fds[0], "!", 1), 1);
	is(read(r, &c, 1), 1);
	is(c, '!');
	close(g.fds[0]);
}

static void unicast(struct peer *a, struct peer *b)
{
	int w, r = in_pipe(&w), twice[2];
	struct stat one, two;
	struct got g;

	is(nt_send_fds(a->fd, b->addr, "file", &w, 1, 0), 4);
	close(w);
	check(!forgotten(r));
	take_and_write(b->fd, r);
	check(forgotten(r));
	close(r);
	/* Several in their order, the master, zero bytes of data. */
	r = in_pipe(&w);
	twice[0] = r;
	twice[1] = w;
	is(nt_send_fds(a->fd, BUS_MASTER_ADDR, "", twice, 2, 0), 0);
	is(nt_take(a->end, &g, 0), 0);
	is(g.n_fds, 2);
	check(!(fcntl(g.fds[0], F_GETFD) & FD_CLOEXEC));
	is(fcntl(g.fds[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	is(fcntl(g.fds[1], F_GETFL) & O_ACCMODE, O_WRONLY);
	ok(fstat(r, &one));
	ok(fstat(g.fds[0], &two));
	is(one.st_ino, two.st_ino);
	close(g.fds[0]);
	close(g.fds[1]);
	is(send(a->end, "x", 1, 0), 1);
	heard(a->fd, BUS_MASTER_ADDR, "x");
	is(nt_send_fds(a->end, b->addr, "file", &w, 1, 0), 4);
	take_and_write(b->fd, r);
	close(r);
	close(w);
}

static void multicast(struct peer *p, int n)
{
	int w, r = in_pipe(&w), i;

	is(nt_send_fds(p[0].fd, EVERYBODY, "file", &w, 1, 0), 4);
	close(w);
	for (i = 0; i < n; i++) {
		check(!forgotten(r));
		take_and_write(p[i].fd, r);
	}
	check(forgotten(r));
	close(r);
}

/* Not taken in one way or another. */
static void dropped(int bus, struct peer *a, struct peer *b)
{
	int w, r = in_pipe(&w);
	struct peer c = nt_peer(bus);
	struct got g;
	char x[4];

	/* Looking yields descriptors of its own. */
	is(nt_send_fds(a->fd, b->addr, "file", &w, 1, 0), 4);
	ok(nt_take(b->fd, &g, MSG_PEEK));
	is(g.n_fds, 1);
	close(g.fds[0]);
	/* Read without asking for them. */
	is(recv(b->fd, x, 4, 0), 4);
	is(nt_send_fds(a->fd, b->addr, "file", &w, 1, 0), 4);
	{
		struct iovec iov = { x, 4 };
		char cbuf[CMSG_LEN(0)];
		struct msghdr mh = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
		};

		is(recvmsg(b->fd, &mh, 0), 4);
		check(mh.msg_flags & MSG_CTRUNC);
	}
	/* Never read. */
	is(nt_send_fds(a->fd, c.addr, "file", &w, 1, 0), 4);
	is(nt_send_fds(c.fd, BUS_MASTER_ADDR, "file", &w, 1, 0), 4);
	/* Not sent. */
	nt_fill(a->fd, c.addr, "x");
	refused(nt_send_fds(a->fd, c.addr, "x", &w, 1, MSG_DONTWAIT), EAGAIN);
	refused(nt_send_fds(a->fd, EVERYBODY, "x", &w, 1, MSG_DONTWAIT),
		EAGAIN);
	/* To nobody. */
	is(nt_send_fds(a->fd, GROUP(7), "file", &w, 1, 0), 4);
	close(w);
	check(!forgotten(r));
	nt_close(&c);
	check(nt_poll(r, POLLIN, -1) == POLLHUP);
	close(r);
}

int main(void)
{
	int bus = nt_bus(), before, i, bad = 999;
	struct peer p[5];

	for (i = 0; i < 5; i++)
		p[i] = nt_peer(bus);
	before = fds_open();
	unicast(&p[0], &p[1]);
	multicast(p, 5);
	dropped(bus, &p[0], &p[1]);
	refused(nt_send_fds(p[0].fd, p[1].addr, "x", &bad, 1, 0), EBADF);
	silent(p[1].fd);
	is(fds_open(), before);
	close(bus);
	return 0;
}
