// SPDX-License-Identifier: LGPL-2.1-or-later
/* The module stays while a socket is there, whatever it is; it can go when
 * the last has gone, and comes again by itself. */
#include "native-test.h"

#include <fcntl.h>
#include <sys/syscall.h>

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static void is_held(void)
{
	refused(unload("af_bus"), EWOULDBLOCK);
}

static void goes(void)
{
	int i;

	/* What was closed last may be on its way out. */
	for (i = 0; unload("af_bus"); i++) {
		check(i < 1000);
		is(errno, EWOULDBLOCK);
		usleep(20000);
	}
}

static void held_by_each(void)
{
	int fd = nt_socket(), bus;
	struct peer p, q;

	is_held();
	close(fd);
	bus = nt_bus();
	is_held();
	p = nt_peer(bus);
	q = nt_peer(bus);
	nt_fill(p.fd, q.addr, "x");
	is(nt_send_fds(p.fd, EVERYBODY, "x", &p.fd, 1, MSG_DONTWAIT), -1);
	is(nt_send_fds(q.fd, p.addr, "x", &p.fd, 1, MSG_DONTWAIT), -1);
	is(nt_send_fds(p.fd, p.addr, "x", &q.end, 1, 0), 1);
	close(bus);
	is_held();
	close(p.end);
	close(q.end);
	close(q.fd);
	is_held();
	close(p.fd);
	goes();
}

static long shout(void *arg)
{
	int fd = *(int *)arg, n = 0;

	while (nt_to(fd, EVERYBODY, "x", 1, MSG_DONTWAIT) == 1 ||
	       errno == EAGAIN)
		n++;
	return n;
}

/* Right after heavy traffic that closing ends. */
static void in_traffic(void)
{
	int bus = nt_bus(), i;
	struct peer p[4];
	struct bg b[4];

	for (i = 0; i < 4; i++)
		p[i] = nt_peer(bus);
	for (i = 0; i < 4; i++)
		bg_start(&b[i], shout, &p[i].fd);
	for (i = 0; i < 500; i++)
		nt_drain(p[i % 4].fd);
	is_held();
	close(bus);
	for (i = 0; i < 4; i++) {
		bg_end(&b[i]);
		nt_close(&p[i]);
	}
	goes();
}

int main(void)
{
	int i;

	if (getuid())
		nt_skip("not root");
	close(nt_socket());
	if (unload("af_bus_dbus"))
		is(errno, ENOENT);
	for (i = 0; i < 3; i++) {
		held_by_each();
		in_traffic();
	}
	/* Back again for the others. */
	close(nt_socket());
	return 0;
}
