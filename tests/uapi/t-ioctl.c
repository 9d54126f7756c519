// SPDX-License-Identifier: LGPL-2.1-or-later
/* FIONREAD: bytes of the next message; SIOCOUTQ: bytes not read yet by those
 * this socket sent to. */
#include "native-test.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

static int of(int fd, unsigned long what)
{
	int n = -1;

	ok(ioctl(fd, what, &n));
	return n;
}

int main(void)
{
	int bus = nt_bus(), n;
	struct peer a = nt_peer(bus), b = nt_peer(bus);

	is(of(b.fd, FIONREAD), 0);
	is(of(a.fd, SIOCOUTQ), 0);
	say(a.fd, b.addr, "four");
	say(a.fd, b.addr, "seven77");
	is(of(b.fd, FIONREAD), 4);
	n = of(a.fd, SIOCOUTQ);
	check(n >= 11);
	heard(b.fd, a.addr, "four");
	is(of(b.fd, FIONREAD), 7);
	check(of(a.fd, SIOCOUTQ) < n);
	check(of(a.fd, SIOCOUTQ) >= 7);
	heard(b.fd, a.addr, "seven77");
	is(of(b.fd, FIONREAD), 0);
	is(of(a.fd, SIOCOUTQ), 0);
	/* To several: until the last has read it. */
	say(a.fd, EVERYBODY, "all");
	is(of(a.fd, FIONREAD), 3);
	heard(a.fd, a.addr, "all");
	check(of(a.fd, SIOCOUTQ) >= 3);
	heard(b.fd, a.addr, "all");
	is(of(a.fd, SIOCOUTQ), 0);
	/* With the master. */
	tell(a.fd, "up");
	is(of(a.end, FIONREAD), 2);
	check(of(a.fd, SIOCOUTQ) >= 2);
	heard(a.end, a.addr, "up");
	is(of(a.fd, SIOCOUTQ), 0);
	tell(a.end, "down");
	is(of(a.fd, FIONREAD), 4);
	check(of(a.end, SIOCOUTQ) >= 4);
	check(ioctl(a.fd, 0x1234, &n) == -1);
	check(errno == ENOTTY || errno == EINVAL);
	/* A receiver that goes gives back what it held. */
	heard(a.fd, BUS_MASTER_ADDR, "down");
	say(a.fd, b.addr, "lost");
	nt_close(&b);
	is(of(a.fd, SIOCOUTQ), 0);
	close(bus);
	return 0;
}
