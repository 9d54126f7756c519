// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake-lsm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static const char *file_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", getenv("BUS_LSM_DIR"), name);
	return path;
}

void lsm_need(const char *name)
{
	const char *have = getenv("BUS_LSM");

	if (!have || strcmp(have, name))
		raw_skip("the bus has no such security module");
}

int lsm_dial(const char *label)
{
	static unsigned int n;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), len;

	len = snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1,
		       FAKE_LSM_PREFIX "%d-%u/%s", (int)getpid(), n++, label);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa,
			   offsetof(struct sockaddr_un, sun_path) + 1 + len))
		fail("cannot have the label %s", label);
	raw_connect(fd);
	return fd;
}

struct raw *lsm_open(const char *label)
{
	return raw_login(lsm_dial(label), false);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(file_path(name), "w");

	if (!f)
		fail("cannot write %s", file_path(name));
	fputs(text, f);
	check(!fclose(f));
}

void lsm_policy(const char *lines)
{
	/* Whatever the bus does asks at once, so nothing is under way. */
	write_file("policy", lines);
	write_file("log", "");
}

/* Where a bus that may writes its decisions. */
static const char *log_prefix(void)
{
	bool audit = !geteuid() && prctl(PR_CAPBSET_READ, CAP_AUDIT_WRITE) == 1;

	return audit && !*getenv("BUS_LSM_NOAUDIT") ? "audit 1107: " :
						      "syslog: ";
}

static bool like(const char *text, const char *pattern)
{
	const char *prefix = log_prefix();
	size_t n = strlen(prefix);

	while (*pattern) {
		if (!strncmp(pattern, "%A", 2) && !strncmp(text, prefix, n)) {
			text += n;
			pattern += 2;
		} else if (!strncmp(pattern, "%d", 2) && isdigit(*text)) {
			while (isdigit(*text))
				text++;
			pattern += 2;
		} else if (*text++ != *pattern++) {
			return false;
		}
	}
	return !*text;
}

void lsm_expect_log(const char *lines)
{
	char text[8192];
	FILE *f = fopen(file_path("log"), "r");

	if (!f)
		fail("cannot read %s", file_path("log"));
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	if (!like(text, lines))
		fail("wanted\n%swas written, but\n%s", lines, text);
}

void lsm_tell_load(void)
{
	int fd = open(file_path("kernel"), O_WRONLY | O_CLOEXEC);

	check(fd >= 0 && write(fd, "", 1) == 1);
	close(fd);
}
