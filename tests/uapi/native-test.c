// SPDX-License-Identifier: LGPL-2.1-or-later
#include "native-test.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

const char *volatile nt_at = "the start";

/* ---- failing ---- */

static void stuck(int sig)
{
	static const char text[] = "still waiting, last seen at ";
	const char *at = nt_at;

	(void)!write(2, text, sizeof(text) - 1);
	(void)!write(2, at, strlen(at));
	(void)!write(2, "\n", 1);
	_exit(1);
}

void nt_alarm(unsigned int seconds)
{
	alarm(seconds * nt_env("AFBUS_TEST_WAIT_MS", 20000) / 20000);
}

__attribute__((constructor)) static void start(void)
{
	signal(SIGALRM, stuck);
	nt_alarm(100);
}

void nt_fail(const char *at, const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "%s: ", at);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno: %s)\n", strerror(err));
	/* For those who look at it as the program ends, as walk-native.c. */
	errno = err;
	exit(1);
}

void nt_skip(const char *why)
{
	fprintf(stderr, "skipped: %s\n", why);
	exit(NT_SKIP);
}

long nt_ok(const char *at, const char *what, long ret)
{
	if (ret == -1)
		nt_fail(at, "%s failed", what);
	return ret;
}

void nt_is(const char *at, const char *what, long long ret, long long want)
{
	if (ret != want)
		nt_fail(at, "%s is %lld (%#llx), wanted %lld (%#llx)", what,
			ret, ret, want, want);
}

void nt_refused(const char *at, const char *what, long ret, int want)
{
	if (ret != -1)
		nt_fail(at, "%s returned %ld, wanted error \"%s\"", what, ret,
			strerror(want));
	if (errno != want)
		nt_fail(at, "%s: wanted error \"%s\"", what, strerror(want));
}

/* ---- buses ---- */

struct sockaddr_bus nt_path(const char *path)
{
	struct sockaddr_bus sa = { .sbus_family = AF_BUS };

	if (strlen(path) >= BUS_PATH_MAX)
		fail("too long: %s", path);
	memcpy(sa.sbus_path, path, strlen(path));
	if (*path == '@')
		sa.sbus_path[0] = 0;
	return sa;
}

struct sockaddr_bus nt_name(void)
{
	static int count;
	char name[64];

	snprintf(name, sizeof(name), "@native-%d-%d", (int)getpid(), count++);
	return nt_path(name);
}

static char folder[64];
static pid_t folder_owner;

static void remove_folder(void)
{
	int err = errno;
	struct dirent *e;
	DIR *d;

	if (getpid() != folder_owner)
		return;
	d = opendir(folder);
	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(folder);
	errno = err;
}

const char *nt_folder(void)
{
	if (!folder[0]) {
		strcpy(folder, "/tmp/afbus-test-XXXXXX");
		if (!mkdtemp(folder))
			fail("mkdtemp %s", folder);
		folder_owner = getpid();
		atexit(remove_folder);
	}
	return folder;
}

int nt_socket(void)
{
	int fd = socket(AF_BUS, SOCK_SEQPACKET | SOCK_CLOEXEC, BUS_PROTO_NONE);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT))
		nt_skip("no native AF_BUS in this kernel");
	return ok(fd);
}

int nt_bus_at(const struct sockaddr_bus *sa)
{
	int fd = nt_socket();

	ok(bind(fd, NT_SA(sa), sizeof(*sa)));
	nt_set_limits(fd, (struct bus_limits){ .stall_ms = NT_NEVER });
	ok(listen(fd, 10));
	return fd;
}

int nt_bus(void)
{
	struct sockaddr_bus sa = nt_name();

	return nt_bus_at(&sa);
}

struct bus_limits nt_limits(int bus)
{
	struct bus_limits l;
	socklen_t len = sizeof(l);

	ok(getsockopt(bus, SOL_BUS, BUS_LIMITS, &l, &len));
	is(len, sizeof(l));
	return l;
}

void nt_set_limits(int bus, struct bus_limits l)
{
	ok(setsockopt(bus, SOL_BUS, BUS_LIMITS, &l, sizeof(l)));
}

void nt_set(int fd, int option, int value)
{
	ok(setsockopt(fd, SOL_BUS, option, &value, sizeof(value)));
}

int nt_get(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ok(getsockopt(fd, level, option, &value, &len));
	is(len, sizeof(value));
	return value;
}

/* Since 6.16 the kernel tells it of families that it knows alone, and asks no
 * module. */
void nt_read_back(int fd, int option)
{
	struct utsname u;
	int major, minor;

	ok(uname(&u));
	check(sscanf(u.release, "%d.%d", &major, &minor) == 2);
	if (major > 6 || (major == 6 && minor >= 16)) {
		int on;
		socklen_t len = sizeof(on);

		refused(getsockopt(fd, SOL_SOCKET, option, &on, &len),
			EOPNOTSUPP);
	} else {
		is(nt_get(fd, SOL_SOCKET, option), 1);
	}
}

struct sockaddr_bus nt_getsockname(int fd)
{
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	memset(&sa, 0xff, sizeof(sa));
	ok(getsockname(fd, NT_SA(&sa), &len));
	is(len, sizeof(sa));
	return sa;
}

int nt_connect(int bus)
{
	struct sockaddr_bus sa = nt_getsockname(bus);
	int fd = nt_socket();

	ok(connect(fd, NT_SA(&sa), sizeof(sa)));
	return fd;
}

struct peer nt_accept(int bus, int fd)
{
	struct peer p = { .fd = fd };
	struct sockaddr_bus sa;
	socklen_t len = sizeof(sa);

	p.end = ok(accept4(bus, NT_SA(&sa), &len, SOCK_CLOEXEC));
	p.addr = sa.sbus_addr.s_addr;
	return p;
}

struct peer nt_guest(int bus)
{
	return nt_accept(bus, nt_connect(bus));
}

struct peer nt_peer(int bus)
{
	struct peer p = nt_guest(bus);

	ok(nt_join(p.end));
	return p;
}

void nt_close(struct peer *p)
{
	close(p->fd);
	close(p->end);
}

int nt_join(int end)
{
	return setsockopt(end, SOL_BUS, BUS_JOIN_BUS, NULL, 0);
}

int nt_add(int end, uint64_t addr)
{
	struct bus_addr a = { addr };

	return setsockopt(end, SOL_BUS, BUS_ADD_ADDR, &a, sizeof(a));
}

int nt_del(int end, uint64_t addr)
{
	struct bus_addr a = { addr };

	return setsockopt(end, SOL_BUS, BUS_DEL_ADDR, &a, sizeof(a));
}

/* ---- messages ---- */

ssize_t nt_to(int fd, uint64_t addr, const void *data, size_t len, int flags)
{
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = addr,
	};

	return sendto(fd, data, len, flags | MSG_NOSIGNAL, NT_SA(&sa),
		      sizeof(sa));
}

void nt_say(const char *at, int fd, uint64_t addr, const char *text)
{
	ssize_t n = nt_to(fd, addr, text, strlen(text), 0);

	if (n != (ssize_t)strlen(text))
		nt_fail(at, "sending \"%s\" to %#llx returned %zd", text,
			(unsigned long long)addr, n);
}

void nt_tell(const char *at, int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

	if (n != (ssize_t)strlen(text))
		nt_fail(at, "sending \"%s\" returned %zd", text, n);
}

ssize_t nt_send_fds(int fd, uint64_t addr, const char *text, const int *fds,
		    int n, int flags)
{
	struct sockaddr_bus sa = {
		.sbus_family = AF_BUS, .sbus_addr.s_addr = addr,
	};
	struct iovec iov = { (void *)text, strlen(text) };
	char cbuf[CMSG_SPACE((NT_FDS + 1) * sizeof(int))];
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(fd, &mh, flags | MSG_NOSIGNAL);
}

static void take_cmsg(struct got *g, struct cmsghdr *c)
{
	size_t len = c->cmsg_len - CMSG_LEN(0);

	if (c->cmsg_level == SOL_BUS && c->cmsg_type == BUS_INFO) {
		is(len, sizeof(g->info));
		memcpy(&g->info, CMSG_DATA(c), len);
		g->has_info = true;
	} else if (c->cmsg_level == SOL_SOCKET &&
		   c->cmsg_type == SCM_CREDENTIALS) {
		is(len, sizeof(g->cred));
		memcpy(&g->cred, CMSG_DATA(c), len);
		g->has_cred = true;
	} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		g->n_fds = len / sizeof(int);
		memcpy(g->fds, CMSG_DATA(c), len);
	}
}

ssize_t nt_take(int fd, struct got *g, int flags)
{
	struct sockaddr_bus sa = { 0 };
	struct iovec iov = { g->data, sizeof(g->data) - 1 };
	char cbuf[CMSG_SPACE(NT_FDS * sizeof(int)) + 512];
	struct msghdr mh = {
		.msg_name = &sa, .msg_namelen = sizeof(sa),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = cbuf, .msg_controllen = sizeof(cbuf),
	};
	struct cmsghdr *c;

	memset(g, 0, offsetof(struct got, data));
	g->has_info = g->has_cred = false;
	g->n_fds = 0;
	g->len = recvmsg(fd, &mh, flags);
	if (g->len < 0)
		return -1;
	g->data[g->len < NT_DATA ? g->len : NT_DATA - 1] = 0;
	g->flags = mh.msg_flags;
	g->namelen = mh.msg_namelen;
	g->from = sa.sbus_addr.s_addr;
	for (c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c))
		take_cmsg(g, c);
	return g->len;
}

void nt_heard(const char *at, int fd, uint64_t from, const char *text)
{
	struct got g;

	if (nt_take(fd, &g, MSG_DONTWAIT) < 0)
		nt_fail(at, "\"%s\" did not come", text);
	if (g.len != (ssize_t)strlen(text) || memcmp(g.data, text, g.len))
		nt_fail(at, "wanted \"%s\", got %zd bytes \"%s\" from %#llx",
			text, g.len, g.data, (unsigned long long)g.from);
	if (g.from != from)
		nt_fail(at, "wanted \"%s\" from %#llx, got it from %#llx", text,
			(unsigned long long)from, (unsigned long long)g.from);
}

void nt_silent(const char *at, int fd)
{
	struct got g;

	if (nt_take(fd, &g, MSG_DONTWAIT) >= 0)
		nt_fail(at, "wanted nothing, got %zd bytes \"%s\" from %#llx",
			g.len, g.data, (unsigned long long)g.from);
	if (errno != EAGAIN)
		nt_fail(at, "wanted nothing, got an error");
}

void nt_told_closed(const char *at, struct peer *p, enum bus_reason reason)
{
	struct got g;

	nt_set(p->end, BUS_PASS_INFO, 1);
	while (nt_take(p->end, &g, 0) > 0)
		;
	if (g.len < 0)
		nt_fail(at, "the end of %#llx was not told",
			(unsigned long long)p->addr);
	if (!g.has_info)
		nt_fail(at, "end of file without struct bus_info");
	if (g.info.kind != BUS_KIND_CLOSED || g.info.reason != reason ||
	    g.info.addr != p->addr)
		nt_fail(at, "wanted the end of %#llx for %d, got kind %u addr %#llx reason %u",
			(unsigned long long)p->addr, reason, g.info.kind,
			(unsigned long long)g.info.addr, g.info.reason);
}

struct bus_outage nt_outage(int fd)
{
	struct bus_outage o;
	socklen_t len = sizeof(o);

	ok(getsockopt(fd, SOL_BUS, BUS_TAKEOVER, &o, &len));
	is(len, sizeof(o));
	return o;
}

uint32_t nt_reason(int fd)
{
	uint32_t reason;
	socklen_t len = sizeof(reason);

	ok(getsockopt(fd, SOL_BUS, BUS_REASON, &reason, &len));
	is(len, sizeof(reason));
	return reason;
}

short nt_poll(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	ok(poll(&p, 1, ms));
	return p.revents;
}

int nt_fill(int fd, uint64_t addr, const char *text)
{
	int n = 0;

	while (try_say(fd, addr, text) >= 0)
		n++;
	if (errno != EAGAIN)
		fail("filling %#llx", (unsigned long long)addr);
	return n;
}

int nt_drain(int fd)
{
	struct got g;
	int n = 0;

	while (nt_take(fd, &g, MSG_DONTWAIT) > 0) {
		while (g.n_fds)
			close(g.fds[--g.n_fds]);
		n++;
	}
	return n;
}

/* ---- others ---- */

static void *bg_main(void *arg)
{
	struct bg *b = arg;

	b->tid = gettid();
	b->ret = b->fn(b->arg);
	b->err = errno;
	b->done = true;
	return NULL;
}

void bg_start(struct bg *b, long (*fn)(void *), void *arg)
{
	*b = (struct bg){ .fn = fn, .arg = arg };
	if (pthread_create(&b->thread, NULL, bg_main, b))
		fail("pthread_create");
}

/* proc(5): "running", "-1 SP PC" or the number of the call; and the state. */
static bool sleeps(pid_t tid)
{
	char path[64], text[512], *p;
	long call = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	p = fgets(text, sizeof(text), f);
	fclose(f);
	p = p ? strrchr(text, ')') : NULL;
	if (!p || p[1] != ' ' || p[2] != 'S')
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (fscanf(f, "%ld", &call) != 1)
		call = -1;
	fclose(f);
	return call >= 0 && call != SYS_futex;
}

void nt_asleep(const char *at, struct bg *b)
{
	while (!b->tid || !sleeps(b->tid)) {
		if (b->done)
			nt_fail(at, "did not block: returned %ld (%s)", b->ret,
				strerror(b->err));
		usleep(1000);
	}
}

long bg_end(struct bg *b)
{
	pthread_join(b->thread, NULL);
	errno = b->err;
	return b->ret;
}

long bg_send(void *arg)
{
	struct bg_send *s = arg;

	return nt_to(s->fd, s->addr, s->text, strlen(s->text), 0);
}

pid_t nt_fork(void)
{
	pid_t parent = getpid(), pid = ok(fork());

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		nt_alarm(100);
	}
	return pid;
}

void nt_reap(const char *at, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		nt_fail(at, "waitpid");
	if (status)
		nt_fail(at, "the child's status is %#x", status);
}

int nt_as(uid_t uid, void (*fn)(void *), void *arg)
{
	pid_t pid = nt_fork();
	int status;

	if (!pid) {
		if (uid) {
			ok(setgroups(0, NULL));
			ok(setresgid(uid, uid, uid));
			ok(setresuid(uid, uid, uid));
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		}
		fn(arg);
		_exit(0);
	}
	ok(waitpid(pid, &status, 0));
	return status;
}

void nt_lines_gone(const char *at, int most, int seconds)
{
	int i;

	for (i = 0; nt_proc_lines() > most; i++) {
		if (i >= 50 * seconds)
			nt_fail(at, "%d lines in /proc/net/bus, wanted %d",
				nt_proc_lines(), most);
		usleep(20000);
	}
}

void nt_unload(const char *at, const char *module, int seconds)
{
	int i;

	/* What was closed last may be on its way out. */
	for (i = 0; syscall(SYS_delete_module, module, O_NONBLOCK); i++) {
		if (errno == ENOENT)
			return;
		if (i >= 50 * seconds)
			nt_fail(at, "%s is in use", module);
		usleep(20000);
	}
}

int nt_proc_lines(void)
{
	FILE *f = fopen("/proc/net/bus", "r");
	char *line = NULL;
	size_t size = 0;
	int n = -1;

	if (!f)
		fail("/proc/net/bus");
	while (getline(&line, &size, f) > 0)
		n++;
	free(line);
	fclose(f);
	return n;
}

long nt_env(const char *name, long usual)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (!text || !*text)
		return usual;
	n = strtol(text, &end, 10);
	if (*end || n <= 0)
		fail("%s=%s is no number above 0", name, text);
	return n;
}
