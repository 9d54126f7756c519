// SPDX-License-Identifier: LGPL-2.1-or-later
/* A bus with a path is a file like AF_UNIX's: mode, existing files, folders,
 * what unlinking and renaming do. */
#include "native-test.h"

#include <fcntl.h>
#include <sys/stat.h>

static char path[BUS_PATH_MAX];

static struct sockaddr_bus in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", nt_folder(), name);
	return nt_path(path);
}

static void try(const struct sockaddr_bus *sa, int want)
{
	int fd = nt_socket();

	if (want)
		refused(connect(fd, NT_SA(sa), sizeof(*sa)), want);
	else
		ok(connect(fd, NT_SA(sa), sizeof(*sa)));
	close(fd);
}

static void mode_of(const char *name, mode_t mask, mode_t want)
{
	struct sockaddr_bus sa = in_folder(name);
	struct stat st;
	mode_t old = umask(mask);
	int bus = nt_bus_at(&sa);

	umask(old);
	ok(stat(path, &st));
	check(S_ISSOCK(st.st_mode));
	is(st.st_mode & 07777, want);
	is(st.st_uid, geteuid());
	try(&sa, 0);
	close(bus);
	/* The file stays, nobody listens. */
	try(&sa, ECONNREFUSED);
	ok(unlink(path));
	try(&sa, ENOENT);
}

static void taken(void)
{
	struct sockaddr_bus sa = in_folder("taken");
	int fd, bus = nt_bus_at(&sa);

	fd = nt_socket();
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), EADDRINUSE);
	sa = in_folder("file");
	close(ok(open(path, O_CREAT | O_EXCL | O_WRONLY, 0666)));
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), EADDRINUSE);
	/* Not a bus. */
	try(&sa, ECONNREFUSED);
	sa = in_folder("none/x");
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), ENOENT);
	sa = in_folder("file/x");
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), ENOTDIR);
	/* After all that it can still be bound, once. */
	sa = in_folder("good");
	ok(bind(fd, NT_SA(&sa), sizeof(sa)));
	sa = in_folder("better");
	refused(bind(fd, NT_SA(&sa), sizeof(sa)), EINVAL);
	refused(access(path, F_OK), ENOENT);
	close(fd);
	close(bus);
}

static void moved(void)
{
	struct sockaddr_bus sa = in_folder("old"), new;
	int bus = nt_bus_at(&sa);
	struct peer p = nt_guest(bus);
	char old[BUS_PATH_MAX];

	strcpy(old, path);
	new = in_folder("new");
	ok(rename(old, path));
	try(&sa, ENOENT);
	try(&new, 0);
	ok(unlink(path));
	try(&new, ENOENT);
	/* Who is in stays in. */
	tell(p.fd, "hello");
	heard(p.end, p.addr, "hello");
	/* The path is free for another bus. */
	close(nt_bus_at(&sa));
	nt_close(&p);
	close(bus);
}

static void relative(void)
{
	struct sockaddr_bus sa = nt_path("relative");
	int bus;

	ok(chdir(nt_folder()));
	bus = nt_bus_at(&sa);
	try(&sa, 0);
	sa = nt_getsockname(bus);
	check(!strcmp(sa.sbus_path, "relative"));
	close(bus);
	sa = in_folder("relative");
	try(&sa, ECONNREFUSED);
	ok(chdir("/"));
}

int main(void)
{
	close(nt_socket());
	mode_of("a", 0, 0777);
	mode_of("b", 022, 0755);
	mode_of("c", 0777, 0);
	taken();
	moved();
	relative();
	return 0;
}
