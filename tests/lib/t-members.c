// SPDX-License-Identifier: LGPL-2.1-or-later
/* Open buses, with what comes beside the data of a message. */
#include "tests/lib/vm.h"

#include <fcntl.h>
#include <sys/stat.h>

static void opens(void)
{
	const char *path = vm_name();
	uint64_t a_addr, b_addr;
	int a, b;

	is(afbus_member_join(path, 0), -ECONNREFUSED);
	a = ok(afbus_member_open(path, 0));
	b = ok(afbus_member_open(path, 0));
	is(afbus_member_create(path, 0), -EADDRINUSE);
	is(afbus_client_connect(path, 0), -EPROTOTYPE);
	is(afbus_client_get_addr(a, &a_addr), 0);
	is(afbus_client_get_addr(b, &b_addr), 0);
	is(afbus_send(a, b_addr, "one", 3, 0), 0);
	is(afbus_send(b, AFBUS_ALL, "two", 3, 0), 0);
	vm_heard(b, a_addr, "one");
	vm_heard(b, b_addr, "two");
	vm_heard(a, b_addr, "two");
	is(afbus_send(a, BUS_MASTER_ADDR, "x", 1, 0), -EDESTADDRREQ);
	is(afbus_send(a, AFBUS_ADDR(3, 1), "x", 1, 0), -EHOSTUNREACH);
	is(afbus_addr_add(b, AFBUS_ADDR(3, 1)), 0);
	is(afbus_addr_add(a, AFBUS_ADDR(3, 1)), -EADDRINUSE);
	is(afbus_send(a, AFBUS_ADDR(3, 1), "three", 5, 0), 0);
	is(afbus_multicast(a, 3, "four", 4, 0), 0);
	vm_heard(b, a_addr, "three");
	vm_heard(b, a_addr, "four");
	vm_silent(a);
	is(afbus_addr_del(b, AFBUS_ADDR(3, 1)), 0);
	is(afbus_addr_add(a, AFBUS_ADDR(3, 1)), 0);
	/* It is there until the last has left. */
	close(a);
	a = ok(afbus_member_join(path, 0));
	close(a);
	close(b);
	is(afbus_member_join(path, 0), -ECONNREFUSED);
}

static void leftover_file(void)
{
	char dir[] = "/tmp/afbus-lib-XXXXXX", path[64];
	int a, b;

	check(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bus", dir);
	a = ok(afbus_member_open(path, 0));
	b = ok(afbus_member_open(path, AFBUS_REPLACE));
	is(afbus_send(a, AFBUS_ALL, "same bus", 8, 0), 0);
	is(afbus_msg_next_len(b, MSG_DONTWAIT), 8);
	close(a);
	close(b);
	is(afbus_member_open(path, 0), -ECONNREFUSED);
	a = ok(afbus_member_open(path, AFBUS_REPLACE));
	close(a);
	unlink(path);
	rmdir(dir);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* One message with two files to two members, and to one with room for one. */
static void files_and_credentials(void)
{
	const char *path = vm_name();
	int rx[3], pipes[2], got[2], tx, i, next;
	struct afbus_msg out = {
		.data = "files", .len = 5, .fds = pipes, .n_fds = 2,
		.to = AFBUS_GROUP(1),
	};
	char buf[2];
	struct afbus_msg in = {
		.data = buf, .size = sizeof(buf), .fds = got,
	};

	tx = ok(afbus_member_create(path, 0));
	for (i = 0; i < 3; i++) {
		rx[i] = ok(afbus_member_join(path, i ? AFBUS_CREDS : 0));
		is(afbus_addr_add(rx[i], AFBUS_ADDR(1, 1 + i)), 0);
	}
	is(pipe2(pipes, O_CLOEXEC), 0);
	next = dup(0);
	close(next);
	is(afbus_msg_send(tx, &out, 0), 0);
	for (i = 0; i < 3; i++) {
		in.fds_size = i == 2 ? 1 : 2;
		is(afbus_msg_recv(rx[i], &in, MSG_DONTWAIT), 0);
		is(in.len, 5);
		is(in.n_fds, in.fds_size);
		is(in.flags, AFBUS_MSG_INFO | AFBUS_MSG_TRUNCATED |
		   (i ? AFBUS_MSG_CREDS : 0) |
		   (i == 2 ? AFBUS_MSG_FDS_LOST : 0));
		check(same_file(got[0], pipes[0]));
		is(fcntl(got[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		if (i) {
			is(in.pid, getpid());
			is(in.uid, getuid());
			is(in.gid, getgid());
		}
		afbus_msg_close_fds(&in);
		is(dup(0), next);
		close(next);
	}
	/* What came can go on as it is. */
	in.fds_size = 2;
	in.size = 0;
	is(afbus_msg_send(tx, &out, 0), 0);
	is(afbus_msg_recv(rx[0], &in, MSG_DONTWAIT), 0);
	in.len = 0;
	is(afbus_client_get_addr(rx[1], &in.to), 0);
	is(afbus_msg_send(rx[0], &in, 0), 0);
	afbus_msg_close_fds(&in);
	is(afbus_msg_recv(rx[1], &in, MSG_DONTWAIT), 0);
	afbus_msg_close_fds(&in);
	is(afbus_msg_recv(rx[1], &in, MSG_DONTWAIT), 0);
	is(in.n_fds, 2);
	check(same_file(got[1], pipes[1]));
}

int main(void)
{
	vm_start();
	opens();
	leftover_file();
	files_and_credentials();
	return 0;
}
