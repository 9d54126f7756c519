// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * As walk.c, for native buses: walks the paths that allocate or copy, once
 * each. A step that fails must say so to its caller: here sending is
 * synchronous and all or none, so nobody else has to be told. Exit status 0:
 * all did what they should; 3: a call said ENOMEM (EFAULT); other: a bug.
 */
#include "faults.h"

#include "tests/uapi/native-test.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <stddef.h>

#define LARGE 150000
/* More receivers than there is room for on the stack. */
#define MANY 9

/* The inode of a bus's path is being made: tmpfs says ENOSPC for ENOMEM. */
static bool making_path;

static bool was_told(int err)
{
	return err == ENOMEM || err == ENOBUFS || err == EFAULT ||
	       (err == ENOSPC && making_path);
}

/* The helpers of native-test.c exit with 1 and leave errno as they met it. */
static void at_exit(int status, void *arg)
{
	(void)arg;
	if (status == 1 && was_told(errno)) {
		fprintf(stderr, "told: a caller\n");
		_exit(FAULTS_TOLD);
	}
}

/* What was sent is there, or was never sent. */
static void all(struct peer *p, int n, uint64_t from, const char *text)
{
	int i;

	for (i = 0; i < n; i++)
		heard(p[i].fd, from, text);
}

static void send_all_or_none(struct peer *p, int n, uint64_t to,
			     const char *text)
{
	int err, i;

	if (nt_to(p[0].fd, to, text, strlen(text), 0) >= 0) {
		all(p, n, p[0].addr, text);
		return;
	}
	err = errno;
	for (i = 0; i < n; i++)
		silent(p[i].fd);
	errno = err;
	ok(-1);
}

static void part(struct peer *p, int n)
{
	while (n--)
		nt_close(&p[n]);
}

static void paths(void)
{
	char path[100];
	struct sockaddr_bus sa;
	struct peer p;
	int bus, fd;

	snprintf(path, sizeof(path), "%s/bus", nt_folder());
	sa = nt_path(path);
	making_path = true;
	bus = nt_bus_at(&sa);
	making_path = false;
	fd = nt_connect(bus);
	p = nt_accept(bus, fd);
	nt_close(&p);
	close(bus);
	unlink(path);
}

static void unicast(int bus)
{
	struct peer p[2] = { nt_peer(bus), nt_peer(bus) };
	char *big = calloc(1, LARGE);
	struct iovec iov = { big, LARGE };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	say(p[0].fd, p[1].addr, "small");
	heard(p[1].fd, p[0].addr, "small");
	tell(p[0].fd, "to the master");
	heard(p[0].end, p[0].addr, "to the master");
	tell(p[0].end, "from the master");
	heard(p[0].fd, BUS_MASTER_ADDR, "from the master");
	say(p[0].fd, p[1].addr + 1000, "to nobody");
	heard(p[0].end, p[0].addr, "to nobody");
	is(nt_to(p[0].fd, p[1].addr, big, LARGE, 0), LARGE);
	is(ok(recvmsg(p[1].fd, &mh, 0)), LARGE);
	free(big);
	part(p, 2);
}

static void multicast(int bus)
{
	struct peer p[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		p[i] = nt_peer(bus);
	send_all_or_none(p, MANY, EVERYBODY, "all");
	for (i = 0; i < MANY; i++)
		ok(nt_add(p[i].end, PREFIX(1) | (i + 1)));
	send_all_or_none(p, MANY, GROUP(1), "group");
	ok(nt_del(p[MANY - 1].end, PREFIX(1) | MANY));
	ok(setsockopt(p[MANY - 1].end, SOL_BUS, BUS_SET_EAVESDROP, NULL, 0));
	send_all_or_none(p, MANY, GROUP(1), "heard by one more");
	part(p, MANY);
}

static void take_files(int fd, int n)
{
	struct got g;

	ok(nt_take(fd, &g, MSG_DONTWAIT));
	/* MSG_CTRUNC tells that they were lost. */
	if (g.n_fds != n && g.flags & MSG_CTRUNC) {
		fprintf(stderr, "told: MSG_CTRUNC\n");
		_exit(FAULTS_TOLD);
	}
	is(g.n_fds, n);
	while (g.n_fds)
		close(g.fds[--g.n_fds]);
}

static void files(int bus)
{
	struct peer p[3] = { nt_peer(bus), nt_peer(bus), nt_peer(bus) };
	int w[2], i;

	ok(pipe2(w, O_CLOEXEC));
	nt_set(p[1].fd, BUS_PASS_INFO, 1);
	ok(nt_send_fds(p[0].fd, p[1].addr, "one", w, 2, 0));
	take_files(p[1].fd, 2);
	ok(nt_send_fds(p[0].fd, EVERYBODY, "many", w, 2, 0));
	for (i = 0; i < 3; i++)
		take_files(p[i].fd, 2);
	/* A socket, and what nobody reads. */
	ok(nt_send_fds(p[0].fd, p[1].addr, "itself", &p[2].fd, 1, 0));
	ok(nt_send_fds(p[0].fd, p[0].addr, "left", w, 2, 0));
	close(w[0]);
	close(w[1]);
	part(p, 3);
}

static void filters(int bus)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, 3),
	};
	struct sock_fprog f = { 1, code };
	struct peer p[2] = { nt_peer(bus), nt_peer(bus) };

	ok(setsockopt(p[1].end, SOL_BUS, BUS_FILTER, &f, sizeof(f)));
	ok(setsockopt(p[0].fd, SOL_SOCKET, SO_ATTACH_FILTER, &f, sizeof(f)));
	say(p[0].fd, EVERYBODY, "shorter");
	heard(p[0].fd, p[0].addr, "sho");
	heard(p[1].fd, p[0].addr, "sho");
	ok(setsockopt(p[1].end, SOL_BUS, BUS_FILTER, NULL, 0));
	part(p, 2);
}

static void full(int bus)
{
	struct peer p[2] = { nt_peer(bus), nt_peer(bus) };
	uint64_t who[8];
	socklen_t len = sizeof(who);

	if (!nt_fill(p[0].fd, p[1].addr, "more"))
		fail("nothing fits");
	if (was_told(errno))
		ok(-1);
	ok(getsockopt(bus, SOL_BUS, BUS_GET_QLENFULL, who, &len));
	nt_drain(p[1].fd);
	part(p, 2);
}

static void proc(void)
{
	char buf[4096];
	int fd = ok(open("/proc/net/bus", O_RDONLY));

	ok(read(fd, buf, sizeof(buf)));
	close(fd);
}

static void open_bus(void)
{
	struct sockaddr_bus sa = nt_name();
	struct got g;
	int a, b;

	a = ok(socket(AF_BUS, SOCK_DGRAM | SOCK_CLOEXEC, BUS_PROTO_NONE));
	b = ok(socket(AF_BUS, SOCK_DGRAM | SOCK_CLOEXEC, BUS_PROTO_NONE));
	ok(bind(a, NT_SA(&sa), sizeof(sa)));
	ok(connect(b, NT_SA(&sa), sizeof(sa)));
	ok(nt_add(b, PREFIX(3) | 1));
	ok(nt_to(b, EVERYBODY, "open", 4, 0));
	ok(nt_take(a, &g, MSG_DONTWAIT));
	ok(nt_take(b, &g, MSG_DONTWAIT));
	close(a);
	close(b);
}

static void walk(void)
{
	int bus;

	on_exit(at_exit, NULL);
	paths();
	bus = nt_bus();
	unicast(bus);
	multicast(bus);
	files(bus);
	filters(bus);
	full(bus);
	proc();
	open_bus();
	close(bus);
}

int main(int argc, char **argv)
{
	/* That of native-test.c is for one run. */
	alarm(0);
	return faults_main(argc, argv, walk);
}
