// SPDX-License-Identifier: LGPL-2.1-or-later
/* A master with two clients: who came, who may talk, who hears what. */
#include "tests/lib/vm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static void arrives(int bus, const char *path)
{
	struct pollfd p = { .fd = bus, .events = POLLIN };
	struct afbus_creds creds;
	uint64_t addr, own, again;
	int fd, end;

	is(poll(&p, 1, 0), 0);
	is(afbus_bus_accept(bus, &addr, 0), -EAGAIN);
	fd = ok(afbus_client_connect(path, 0));
	is(poll(&p, 1, 0), 1);
	end = ok(afbus_bus_accept(bus, &addr, AFBUS_NONBLOCK));
	is(afbus_client_get_addr(fd, &own), 0);
	is(afbus_end_get_addr(end, &again), 0);
	check(own && own == addr && again == addr);
	check(AFBUS_ADDR_PREFIX(own) == 0);
	is(afbus_end_get_creds(end, &creds), 0);
	is(creds.pid, getpid());
	is(creds.uid, getuid());
	is(creds.gid, getgid());
	is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	is(fcntl(end, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	is(fcntl(end, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	is(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	close(end);
}

static void joins(int bus, const char *path)
{
	struct peer a = vm_guest(bus, path), b = vm_peer(bus, path);
	struct afbus_msg m;
	uint64_t seq;

	is(afbus_send(a.fd, b.addr, "x", 1, 0), -EHOSTUNREACH);
	is(afbus_send(a.fd, BUS_MASTER_ADDR, "please", 6, 0), 0);
	vm_hear(a.end, &m, a.addr, "please");
	is(m.to, BUS_MASTER_ADDR);
	is(m.flags, AFBUS_MSG_INFO);
	seq = m.seq;
	is(afbus_send(a.end, BUS_MASTER_ADDR, "come in", 7, 0), 0);
	vm_hear(a.fd, &m, BUS_MASTER_ADDR, "come in");
	check(m.seq > seq);
	is(afbus_end_join(a.end), 0);
	is(afbus_end_join(a.end), -EISCONN);
	is(afbus_send(a.fd, b.addr, "hello", 5, 0), 0);
	vm_hear(b.fd, &m, a.addr, "hello");
	is(m.to, b.addr);
	vm_silent(a.fd);
	vm_close(&a);
	vm_close(&b);
}

static void groups(int bus, const char *path)
{
	struct peer a = vm_peer(bus, path), b = vm_peer(bus, path);
	struct afbus_msg m, n;

	is(afbus_addr_add(a.fd, AFBUS_ADDR(7, 1)), -EPERM);
	is(afbus_addr_add(a.end, AFBUS_ADDR(7, 1)), 0);
	is(afbus_addr_add(b.end, AFBUS_ADDR(7, 1)), -EADDRINUSE);
	is(afbus_addr_add(b.end, AFBUS_ADDR(7, 2)), 0);
	is(afbus_addr_add(b.end, AFBUS_GROUP(7)), -EINVAL);
	is(afbus_multicast(a.fd, 7, "both", 4, 0), 0);
	vm_hear(a.fd, &m, a.addr, "both");
	vm_hear(b.fd, &n, a.addr, "both");
	is(m.to, AFBUS_GROUP(7));
	is(n.to, AFBUS_GROUP(7));
	is(m.seq, n.seq);
	is(afbus_addr_del(b.end, AFBUS_ADDR(7, 2)), 0);
	is(afbus_addr_del(b.end, AFBUS_ADDR(7, 2)), -EADDRNOTAVAIL);
	is(afbus_multicast(a.fd, 7, "me", 2, 0), 0);
	vm_heard(a.fd, a.addr, "me");
	vm_silent(b.fd);
	is(afbus_multicast(b.fd, 0, "all", 3, 0), 0);
	vm_heard(a.fd, b.addr, "all");
	vm_heard(b.fd, b.addr, "all");
	/* What nobody has comes to the master, which sees where it went. */
	is(afbus_send(a.fd, AFBUS_ADDR(9, 1), "lost", 4, 0), 0);
	vm_hear(a.end, &m, a.addr, "lost");
	is(m.to, AFBUS_ADDR(9, 1));
	vm_close(&a);
	vm_close(&b);
}

/* A file, its mode, and one that is left over. */
static void files(void)
{
	char dir[] = "/tmp/afbus-lib-XXXXXX", path[64];
	struct pollfd p = { .events = POLLIN };
	struct stat st;
	int bus, fd;

	check(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bus", dir);
	is(afbus_client_connect(path, 0), -ENOENT);
	umask(027);
	bus = ok(afbus_bus_create(path, 4, 0));
	p.fd = bus;
	is(lstat(path, &st), 0);
	check(S_ISSOCK(st.st_mode));
	is(st.st_mode & 0777, 0750);
	/* A bus that is there stays, and nobody notices. */
	is(afbus_bus_create(path, 4, AFBUS_REPLACE), -EADDRINUSE);
	is(poll(&p, 1, 0), 0);
	is(afbus_member_open(path, AFBUS_REPLACE), -EPROTOTYPE);
	fd = ok(afbus_client_connect(path, 0));
	close(fd);
	close(bus);
	is(afbus_client_connect(path, 0), -ECONNREFUSED);
	is(afbus_bus_create(path, 4, 0), -EADDRINUSE);
	bus = ok(afbus_bus_create(path, 4, AFBUS_REPLACE));
	fd = ok(afbus_client_connect(path, 0));
	is(afbus_member_join(path, 0), -EPROTOTYPE);
	close(fd);
	close(bus);
	unlink(path);
	/* Other files are nobody's to replace. */
	close(ok(open(path, O_CREAT | O_WRONLY, 0600)));
	is(afbus_bus_create(path, 4, AFBUS_REPLACE), -EADDRINUSE);
	is(unlink(path), 0);
	rmdir(dir);
}

int main(void)
{
	const char *path = vm_name();
	int bus;

	vm_start();
	bus = ok(afbus_bus_create(path, 4, AFBUS_NONBLOCK));
	arrives(bus, path);
	joins(bus, path);
	groups(bus, path);
	close(bus);
	files();
	return 0;
}
