// SPDX-License-Identifier: LGPL-2.1-or-later
/* Can it be read? The rest is found out by doing it. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/note_format.h"

static int check_text(const void *map, size_t len)
{
	struct rst_in in;
	int err = restart_check(&in, map, len);

	if (err == -EPROTO)
		return log_errno(err, "the state is of version %u.%u, this daemon reads %u.*",
				 in.head.version.major, in.head.version.minor,
				 rst_version.major);
	return err ? log_errno(err, "the state is damaged at byte %zu",
			       in.pos) : 0;
}

int handover_check(int memfd)
{
	struct stat st;
	void *map;
	int err;

	/* A switch in the kernel needs none. */
	if (memfd < 0)
		return 0;
	if (fstat(memfd, &st) < 0)
		return log_errno(-errno, "there is no state");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
	if (map == MAP_FAILED)
		return log_errno(-errno, "cannot read the state");
	err = check_text(map, (size_t)st.st_size);
	munmap(map, (size_t)st.st_size);
	return err;
}
