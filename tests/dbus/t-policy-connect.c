// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may connect: the bus's own user, and whom the policy lets in. */
#include "conf.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Both are in every Debian's /etc/passwd. */
#define NOBODY 65534
#define DAEMON 1

/* Does the bus talk to somebody who is @uid, with group @gid? */
static bool may_connect(uid_t uid, gid_t gid)
{
	struct spec hello = {
		.destination = DRIVER, .path = DRIVER_PATH,
		.interface = DRIVER, .member = "Hello",
	};
	struct raw *c;
	struct msg m;
	char buf[128];
	uint8_t *data;
	size_t len;
	int status;
	pid_t pid = fork();

	check(pid >= 0);
	if (pid) {
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		      WEXITSTATUS(status) <= 1);
		return !WEXITSTATUS(status);
	}
	check(!setgroups(1, &gid) && !setgid(gid) && !setuid(uid));
	c = raw_wrap(raw_dial());
	raw_write(c, buf, raw_handshake(buf, sizeof(buf), false), NULL, 0);
	raw_answers(c, 1);
	data = raw_build(c, &hello, &len);
	if (send(c->fd, data, len, MSG_NOSIGNAL) < 0)
		_exit(1);
	_exit(raw_poll(c, &m, RAW_WAIT_MS) == 1 ? 0 : 1);
}

#define SHOW(policy) \
	conf_load(c, CONF_DEFAULT(CONF_ALL) policy)

int main(void)
{
	struct raw *c;

	conf_need();
	if (getuid())
		raw_skip("only root can be somebody else");
	c = raw_open(false);
	/* So that others reach the socket at all. */
	check(!system("chmod 711 \"$(dirname \"$BUS_CONFIG\")\""));
	SHOW("");
	check(may_connect(0, 0));
	check(!may_connect(NOBODY, NOBODY));
	SHOW("<policy context='default'><allow user='*'/></policy>");
	check(may_connect(NOBODY, NOBODY));
	SHOW("<policy context='default'><allow user='65534'/></policy>");
	check(may_connect(NOBODY, NOBODY));
	check(!may_connect(DAEMON, DAEMON));
	SHOW("<policy context='default'><allow group='*'/></policy>");
	check(may_connect(NOBODY, NOBODY));
	SHOW("<policy context='default'><allow user='*'/></policy>"
	     "<policy context='mandatory'><deny user='nobody'/></policy>");
	check(!may_connect(NOBODY, NOBODY));
	check(may_connect(DAEMON, DAEMON));
	SHOW("<policy context='default'><deny user='root'/></policy>");
	check(!may_connect(0, 0));
	SHOW("");
	check(may_connect(0, 0));
	raw_close(c);
	return 0;
}
