// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the library refuses or makes of its arguments by itself, with or
 * without the module; messages over a pair of AF_UNIX sockets. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/internal.h"

#define BAD_FLAG 0x8000

static void unknown_flags(void **state)
{
	struct afbus_msg m = { 0 };

	assert_int_equal(afbus_bus_create("@x", 1, BAD_FLAG), -EINVAL);
	assert_int_equal(afbus_bus_accept(-1, NULL, BAD_FLAG), -EINVAL);
	assert_int_equal(afbus_bus_accept(-1, NULL, AFBUS_REPLACE), -EINVAL);
	assert_int_equal(afbus_client_connect("@x", BAD_FLAG), -EINVAL);
	assert_int_equal(afbus_client_connect("@x", AFBUS_REPLACE), -EINVAL);
	assert_int_equal(afbus_member_create("@x", BAD_FLAG), -EINVAL);
	assert_int_equal(afbus_member_join("@x", AFBUS_REPLACE), -EINVAL);
	assert_int_equal(afbus_member_open("@x", BAD_FLAG), -EINVAL);
	assert_int_equal(afbus_msg_send(-1, &m, MSG_OOB), -EINVAL);
	assert_int_equal(afbus_msg_recv(-1, &m, MSG_WAITALL), -EINVAL);
	assert_int_equal(afbus_msg_next_len(-1, MSG_OOB), -EINVAL);
}

static void paths(void **state)
{
	char path[BUS_PATH_MAX + 1];

	memset(path, 'x', sizeof(path));
	path[BUS_PATH_MAX] = 0;
	assert_int_equal(afbus_bus_create("", 1, 0), -EINVAL);
	assert_int_equal(afbus_client_connect("@", 0), -EINVAL);
	assert_int_equal(afbus_member_open(path, 0), -ENAMETOOLONG);
}

static void descriptors(void **state)
{
	struct afbus_creds creds;
	struct bus_limits limits;
	struct afbus_msg m = { 0 };
	uint64_t addr;

	assert_int_equal(afbus_bus_accept(-1, NULL, 0), -EBADF);
	assert_int_equal(afbus_bus_get_limits(-1, &limits), -EBADF);
	assert_int_equal(afbus_bus_get_full(-1, &addr, 1), -EBADF);
	assert_int_equal(afbus_end_join(-1), -EBADF);
	assert_int_equal(afbus_end_get_addr(-1, &addr), -EBADF);
	assert_int_equal(afbus_end_get_creds(-1, &creds), -EBADF);
	assert_int_equal(afbus_end_set_filter(-1, NULL, 0), -EBADF);
	assert_int_equal(afbus_addr_add(-1, 1), -EBADF);
	assert_int_equal(afbus_client_get_addr(-1, &addr), -EBADF);
	assert_int_equal(afbus_client_set_priority(-1, 0), -EBADF);
	assert_int_equal(afbus_msg_send(-1, &m, 0), -EBADF);
	assert_int_equal(afbus_msg_recv(-1, &m, 0), -EBADF);
	assert_int_equal(afbus_reason(-1), -EBADF);
}

static void numbers(void **state)
{
	struct afbus_msg m = { .n_fds = AFBUS_MSG_MAX_FDS + 1 };

	assert_int_equal(afbus_client_set_priority(-1, -1), -EINVAL);
	assert_int_equal(afbus_client_set_priority(-1, BUS_PRIO_MAX + 1),
			 -EINVAL);
	assert_int_equal(afbus_multicast(-1, 0x10000, "x", 1, 0), -EINVAL);
	assert_int_equal(afbus_multicast(-1, 0xffff, "x", 1, 0), -EBADF);
	assert_int_equal(afbus_msg_send(-1, &m, 0), -EINVAL);
}

static int parameter(const char *text)
{
	char path[] = "/tmp/afbus-test-XXXXXX";
	int r, fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = family_read(path);
	unlink(path);
	return r;
}

static void family_of_the_module(void **state)
{
	assert_int_equal(parameter("18\n"), 18);
	assert_int_equal(parameter("27"), 27);
	assert_int_equal(parameter(""), -EINVAL);
	assert_int_equal(parameter("\n"), -EINVAL);
	assert_int_equal(parameter("0\n"), -EINVAL);
	assert_int_equal(parameter("-3\n"), -EINVAL);
	assert_int_equal(parameter("70000\n"), -EINVAL);
	assert_int_equal(parameter("18 x\n"), -EINVAL);
	assert_int_equal(family_read("/nonexistent"), -ENOENT);
	assert_true(afbus_family() > 0);
}

static void reasons(void **state)
{
	unsigned int i;

	for (i = 0; i <= BUS_REASON_FDS; i++)
		assert_string_not_equal(afbus_reason_text(i), "unknown");
	assert_string_equal(afbus_reason_text(BUS_REASON_FDS + 1), "unknown");
	assert_string_equal(afbus_reason_text(UINT32_MAX), "unknown");
}

/* ---- over AF_UNIX, which has the same messages without bus_info ---- */

static void pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
				    fds), 0);
}

static void sends_fds_and_data(void **state)
{
	int fds[2], room[2], sent[2], one = 1;
	char buf[8];
	struct afbus_msg out = {
		.data = "abc", .len = 3, .fds = sent, .n_fds = 2,
	};
	struct afbus_msg in = {
		.data = buf, .size = sizeof(buf), .fds = room, .fds_size = 2,
	};

	pair(fds);
	sent[0] = sent[1] = fds[0];
	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_PASSCRED, &one,
				    sizeof(one)), 0);
	assert_int_equal(afbus_msg_send(fds[0], &out, MSG_DONTWAIT), 0);
	assert_int_equal(afbus_msg_next_len(fds[1], MSG_DONTWAIT), 3);
	assert_int_equal(afbus_msg_recv(fds[1], &in, MSG_DONTWAIT), 0);
	assert_int_equal(in.len, 3);
	assert_memory_equal(buf, "abc", 3);
	assert_int_equal(in.n_fds, 2);
	assert_int_equal(fcntl(room[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(in.flags, AFBUS_MSG_CREDS);
	assert_int_equal(in.pid, getpid());
	assert_int_equal(in.uid, getuid());
	afbus_msg_close_fds(&in);
	assert_int_equal(in.n_fds, 0);
	assert_int_equal(fcntl(room[0], F_GETFD), -1);
	assert_int_equal(fcntl(room[1], F_GETFD), -1);
	close(fds[0]);
	close(fds[1]);
}

static void sockets_of_other_families(void **state)
{
	struct bus_limits limits;
	uint64_t addr = 4711;
	int fds[2];

	pair(fds);
	assert_int_equal(afbus_client_get_addr(fds[0], &addr), -EOPNOTSUPP);
	assert_int_equal(afbus_end_get_addr(fds[0], &addr), -EOPNOTSUPP);
	assert_int_equal(addr, 4711);
	assert_int_equal(afbus_bus_get_limits(fds[0], &limits), -EOPNOTSUPP);
	assert_int_equal(afbus_end_join(fds[0]), -EOPNOTSUPP);
	assert_int_equal(afbus_reason(fds[0]), -EOPNOTSUPP);
	close(fds[0]);
	close(fds[1]);
}

/* Too little room is told, and costs no descriptor. */
static void cuts_what_has_no_room(void **state)
{
	int fds[2], room[1], sent[3], next;
	char buf[2];
	struct afbus_msg out = {
		.data = "abcdef", .len = 6, .fds = sent, .n_fds = 3,
	};
	struct afbus_msg in = {
		.data = buf, .size = sizeof(buf), .fds = room, .fds_size = 1,
	};

	pair(fds);
	sent[0] = sent[1] = sent[2] = fds[0];
	next = dup(0);
	close(next);
	assert_int_equal(afbus_msg_send(fds[0], &out, 0), 0);
	assert_int_equal(afbus_msg_recv(fds[1], &in, 0), 0);
	assert_int_equal(in.len, 6);
	assert_memory_equal(buf, "ab", 2);
	assert_int_equal(in.n_fds, 1);
	assert_int_equal(in.flags,
			 AFBUS_MSG_TRUNCATED | AFBUS_MSG_FDS_LOST);
	afbus_msg_close_fds(&in);
	assert_int_equal(dup(0), next);
	close(next);
	close(fds[0]);
	close(fds[1]);
}

/* Nothing of the message before is left. */
static void reuses_the_structure(void **state)
{
	int fds[2];
	char buf[4];
	struct afbus_msg in = {
		.data = buf, .size = sizeof(buf), .n_fds = 9, .to = 1,
		.from = 2, .seq = 3, .flags = 4, .reason = 5, .pid = 6,
	};

	pair(fds);
	assert_int_equal(afbus_msg_recv(fds[1], &in, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(in.n_fds | in.to | in.from | in.seq | in.flags |
			 in.reason | in.pid, 0);
	assert_ptr_equal(in.data, buf);
	assert_int_equal(in.size, sizeof(buf));
	close(fds[0]);
	close(fds[1]);
}

static void end_of_the_stream(void **state)
{
	struct afbus_msg in = { 0 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	close(fds[0]);
	assert_int_equal(afbus_msg_next_len(fds[1], 0), -ENODATA);
	assert_int_equal(afbus_msg_recv(fds[1], &in, 0), -ENODATA);
	/* Would be a SIGPIPE. */
	assert_int_equal(afbus_send(fds[1], 0, "x", 1, 0), -EPIPE);
	close(fds[1]);
}

/* What is wrong with an address is told before there is a socket. */
static void test_dbus_addresses(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "", -EPROTONOSUPPORT },
		{ "unix:path=/x", -EPROTONOSUPPORT },
		{ "unix:path=/x;tcp:host=a", -EPROTONOSUPPORT },
		{ "xafbus:path=/x", -EPROTONOSUPPORT },
		{ "afbus:", -EINVAL },
		{ "afbus:guid=12", -EINVAL },
		{ "afbus:path=", -EINVAL },
		{ "afbus:path=,guid=1", -EINVAL },
		{ "afbus:xpath=/x", -EINVAL },
		{ "afbus:path=/x,abstract=y", -EINVAL },
		{ "afbus:path=%", -EINVAL },
		{ "afbus:path=%4", -EINVAL },
		{ "afbus:path=%zz", -EINVAL },
		{ "afbus:path=/a%00b", -EINVAL },
		{ "unix:path=/x;afbus:path=%", -EINVAL },
	};
	char longest[200] = "afbus:abstract=";
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(afbus_dbus_open(cases[i].text, 0),
				 cases[i].err);
	memset(longest + strlen(longest), 'x', 150);
	assert_int_equal(afbus_dbus_open(longest, 0), -ENAMETOOLONG);
	assert_int_equal(afbus_dbus_open("afbus:path=/x", AFBUS_CREDS),
			 -EINVAL);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	assert_int_equal(afbus_dbus_open(NULL, 0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dbus_addresses),
		cmocka_unit_test(unknown_flags),
		cmocka_unit_test(paths),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(numbers),
		cmocka_unit_test(family_of_the_module),
		cmocka_unit_test(reasons),
		cmocka_unit_test(sockets_of_other_families),
		cmocka_unit_test(sends_fds_and_data),
		cmocka_unit_test(cuts_what_has_no_room),
		cmocka_unit_test(reuses_the_structure),
		cmocka_unit_test(end_of_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
