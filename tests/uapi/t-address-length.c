// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses that are too short, too long or of another family; short ones
 * that are told back are cut, not overrun. */
#include "native-test.h"

#include <stddef.h>
#include <sys/un.h>

static void binding(void)
{
	struct sockaddr_bus sa = nt_name(), wrong = nt_name();
	struct { struct sockaddr_bus sa; char more[64]; } large = { sa };
	int fd = nt_socket();

	wrong.sbus_family = AF_UNIX;
	refused(bind(fd, NT_SA(&wrong), sizeof(wrong)), EAFNOSUPPORT);
	refused(bind(fd, NT_SA(&sa), 0), EINVAL);
	refused(bind(fd, NT_SA(&sa), sizeof(sa.sbus_family)), EINVAL);
	refused(bind(fd, NT_SA(&sa), NT_BARE), EINVAL);
	refused(bind(fd, NT_SA(&large), sizeof(large)), EINVAL);
	refused(bind(fd, NT_SA(&sa), 4096), EINVAL);
	/* Only as long as it needs be. */
	ok(bind(fd, NT_SA(&sa), NT_BARE + 1 + strlen(sa.sbus_path + 1)));
	check(!memcmp(nt_getsockname(fd).sbus_path, sa.sbus_path,
		      BUS_PATH_MAX));
	close(fd);
}

static void connecting(void)
{
	struct sockaddr_bus sa = nt_name(), wrong = sa;
	struct { struct sockaddr_bus sa; char more[64]; } large = { sa };
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	int bus = nt_bus_at(&sa), fd = nt_socket();

	wrong.sbus_family = AF_UNIX;
	refused(connect(fd, NT_SA(&wrong), sizeof(wrong)), EAFNOSUPPORT);
	refused(connect(fd, NT_SA(&sa), 0), EINVAL);
	refused(connect(fd, NT_SA(&sa), NT_BARE), EINVAL);
	refused(connect(fd, NT_SA(&large), sizeof(large)), EINVAL);
	check(connect(fd, &un, sizeof(un)) == -1);
	ok(connect(fd, NT_SA(&sa), NT_BARE + 1 + strlen(sa.sbus_path + 1)));
	close(fd);
	close(bus);
}

static ssize_t to(int fd, const void *sa, socklen_t len)
{
	return sendto(fd, "x", 1, MSG_NOSIGNAL, sa, len);
}

static void sending(void)
{
	int bus = nt_bus();
	struct peer a = nt_peer(bus), b = nt_peer(bus);
	struct { struct sockaddr_bus sa; char more[64]; } sa = {
		.sa = nt_getsockname(b.fd),
	};

	refused(to(a.fd, &sa, sizeof(sa.sa.sbus_family)), EINVAL);
	refused(to(a.fd, &sa, NT_BARE - 1), EINVAL);
	refused(to(a.fd, &sa, sizeof(sa)), EINVAL);
	sa.sa.sbus_family = AF_UNIX;
	check(to(a.fd, &sa, sizeof(sa.sa)) == -1);
	check(errno == EAFNOSUPPORT || errno == EINVAL);
	silent(b.fd);
	silent(a.end);
	/* The path may be there, empty, or left out. */
	sa.sa = nt_getsockname(b.fd);
	is(to(a.fd, &sa, sizeof(sa.sa)), 1);
	heard(b.fd, a.addr, "x");
	memset(sa.sa.sbus_path, 0, BUS_PATH_MAX);
	is(to(a.fd, &sa, sizeof(sa.sa)), 1);
	heard(b.fd, a.addr, "x");
	is(to(a.fd, &sa, NT_BARE), 1);
	heard(b.fd, a.addr, "x");
	close(bus);
}

static void telling(void)
{
	int bus = nt_bus();
	struct sockaddr_bus full = nt_getsockname(bus);
	char buf[sizeof(full)];
	socklen_t len = 4;

	memset(buf, 0x55, sizeof(buf));
	ok(getsockname(bus, NT_SA(buf), &len));
	is(len, sizeof(full));
	check(!memcmp(buf, &full, 4));
	check(buf[4] == 0x55);
	len = 0;
	ok(getsockname(bus, NT_SA(buf), &len));
	is(len, sizeof(full));
	len = -1;
	refused(getsockname(bus, NT_SA(buf), &len), EINVAL);
	len = sizeof(full);
	refused(getsockname(bus, (void *)8, &len), EFAULT);
	close(bus);
}

int main(void)
{
	close(nt_socket());
	binding();
	connecting();
	sending();
	telling();
	return 0;
}
