// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two native clients of afbusd, which lies beside the tests: Hello, a signal
 * from one to the other with a descriptor, its length beforehand, the end.
 */
#include "vm.h"

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[] = "/tmp/afbus-lib-XXXXXX";
static char path[64], address[160];
static pid_t daemon_pid;

static void stop(void)
{
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	unlink(path);
	rmdir(dir);
}

static void start(void)
{
	char exe[PATH_MAX + 32], arg[128];
	ssize_t n = readlink("/proc/self/exe", exe, PATH_MAX);
	int p[2], got;

	check(n > 0);
	exe[n] = 0;
	strcat(dirname(exe), "/../../daemon/afbusd");
	check(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a bus", dir);
	snprintf(arg, sizeof(arg), "--address=afbus:path=%s/a%%20bus", dir);
	check(!pipe(p));
	daemon_pid = fork();
	check(daemon_pid >= 0);
	if (!daemon_pid) {
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		execl(exe, exe, "--session", "--nofork", "--print-address=1",
		      arg, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	atexit(stop);
	/* It prints where it is when it listens. */
	got = read(p[0], address, sizeof(address) - 1);
	check(got > 0 && address[got - 1] == '\n');
	address[got - 1] = 0;
	close(p[0]);
}

/* A call without a reply to @to, with @fds descriptors. */
static size_t build(uint8_t *m, const char *to, uint32_t fds)
{
	static const char names[][8] = { "/o", "M" };
	const uint8_t head[16] = {
		__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 'B' : 'l', 1, 1, 1,
	};
	const uint8_t field[][4] = {
		{ 1, 1, 'o', 0 }, { 3, 1, 's', 0 }, { 6, 1, 's', 0 },
		{ 9, 1, 'u', 0 },
	};
	const uint32_t one = 1;
	uint32_t len;
	size_t at = 16;
	int i;

	memset(m, 0, 256);
	memcpy(m, head, sizeof(head));
	memcpy(m + 8, &one, sizeof(one));
	for (i = 0; i < 3; i++) {
		const char *s = i == 2 ? to : names[i];

		at = (at + 7) & ~(size_t)7;
		len = strlen(s);
		memcpy(m + at, field[i], 4);
		memcpy(m + at + 4, &len, 4);
		memcpy(m + at + 8, s, len + 1);
		at += 8 + len + 1;
	}
	at = (at + 7) & ~(size_t)7;
	memcpy(m + at, field[3], 4);
	memcpy(m + at + 4, &fds, 4);
	at += 8;
	len = at - 16;
	memcpy(m + 12, &len, 4);
	return at;
}

/* Hello's NameAcquired is the first thing it is sent. */
static int log_in(char name[AFBUS_DBUS_NAME])
{
	int fd = ok(afbus_dbus_open(address, 0));
	uint8_t buf[1024];
	struct afbus_msg m = { .data = buf, .size = sizeof(buf) };

	is(afbus_dbus_hello(fd, name, AFBUS_DBUS_NAME), 0);
	check(name[0] == ':');
	is(afbus_msg_recv(fd, &m, 0), 0);
	check(buf[1] == 4 && m.len <= sizeof(buf));
	is(afbus_msg_recv(fd, &m, MSG_DONTWAIT), -EAGAIN);
	return fd;
}

static void talk(int a, int b, const char *to)
{
	uint8_t out[256], in[512];
	int fd, p[2];
	struct afbus_msg m = { .data = out, .fds = p, .n_fds = 1 };
	struct afbus_msg got = {
		.data = in, .size = sizeof(in), .fds = &fd, .fds_size = 1,
	};
	struct stat x, y;
	ssize_t len;

	check(!pipe(p));
	m.len = build(out, to, 1);
	is(afbus_msg_send(a, &m, 0), 0);
	len = afbus_msg_next_len(b, 0);
	/* It has got its sender. */
	check(len > (ssize_t)m.len);
	is(afbus_msg_recv(b, &got, 0), 0);
	is(got.len, len);
	is(got.n_fds, 1);
	check(!fstat(p[0], &x) && !fstat(fd, &y) && x.st_ino == y.st_ino);
	afbus_msg_close_fds(&got);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	char one[AFBUS_DBUS_NAME], two[AFBUS_DBUS_NAME], list[256];
	uint8_t buf[256];
	struct afbus_msg m = { .data = buf, .size = sizeof(buf) };
	int a, b;

	vm_start();
	start();
	a = log_in(one);
	b = log_in(two);
	check(strcmp(one, two));
	talk(a, b, two);
	talk(b, a, one);
	is(afbus_send(a, 0, "nonsense", 8, 0), -EBADMSG);
	is(afbus_msg_recv(a, &m, 0), -EBADMSG);
	is(afbus_reason(a), BUS_REASON_PROTOCOL);
	close(a);
	/* Another transport in front, and by the environment. */
	snprintf(list, sizeof(list), "unix:path=/nowhere;%s", address);
	check(!setenv("DBUS_SESSION_BUS_ADDRESS", list, 1));
	a = ok(afbus_dbus_open(NULL, AFBUS_NONBLOCK));
	is(afbus_msg_recv(a, &m, 0), -EAGAIN);
	is(afbus_dbus_hello(a, one, 3), -ENOSPC);
	/* Twice is an error, and the daemon answers so. */
	is(afbus_dbus_hello(b, two, sizeof(two)), -EPROTO);
	kill(daemon_pid, SIGTERM);
	check(waitpid(daemon_pid, NULL, 0) == daemon_pid);
	daemon_pid = 0;
	is(afbus_msg_recv(b, &m, 0), -ENODATA);
	is(afbus_dbus_open(list, 0), -ENOENT);
	return 0;
}
