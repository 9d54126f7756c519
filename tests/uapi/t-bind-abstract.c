// SPDX-License-Identifier: LGPL-2.1-or-later
/* Abstract names: taken once, free again afterwards, no file, told back. */
#include "native-test.h"

static void try(const struct sockaddr_bus *sa, int want)
{
	int fd = nt_socket();

	if (want)
		refused(connect(fd, NT_SA(sa), sizeof(*sa)), want);
	else
		ok(connect(fd, NT_SA(sa), sizeof(*sa)));
	close(fd);
}

int main(void)
{
	struct sockaddr_bus sa = nt_name(), other = nt_name(), back;
	struct sockaddr_bus empty = nt_path("@");
	int bus = nt_bus_at(&sa), fd = nt_socket();

	try(&sa, 0);
	try(&other, ECONNREFUSED);
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), EADDRINUSE);
	refused(bind(fd, NT_SA(&empty), sizeof(empty)), EINVAL);
	ok(bind(fd, NT_SA(&other), sizeof(other)));
	refused(bind(fd, NT_SA(&other), sizeof(other)), EINVAL);
	/* Bound, but does not listen yet. */
	try(&other, ECONNREFUSED);
	ok(listen(fd, 1));
	try(&other, 0);
	back = nt_getsockname(fd);
	is(back.sbus_family, AF_BUS);
	is(back.sbus_addr.s_addr, BUS_MASTER_ADDR);
	check(!memcmp(back.sbus_path, other.sbus_path, BUS_PATH_MAX));
	close(bus);
	try(&sa, ECONNREFUSED);
	bus = nt_bus_at(&sa);
	try(&sa, 0);
	/* The longest there can be. */
	close(fd);
	fd = nt_socket();
	memset(other.sbus_path + 1, 'x', BUS_PATH_MAX - 1);
	ok(bind(fd, NT_SA(&other), sizeof(other)));
	ok(listen(fd, 1));
	back = nt_getsockname(fd);
	check(!memcmp(back.sbus_path, other.sbus_path, BUS_PATH_MAX));
	try(&other, 0);
	other.sbus_path[BUS_PATH_MAX - 1] = 0;
	try(&other, ECONNREFUSED);
	close(fd);
	close(bus);
	return 0;
}
