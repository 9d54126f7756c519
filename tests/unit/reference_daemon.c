/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reference_daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static const char config[] =
	"<!DOCTYPE busconfig PUBLIC "
	"\"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
	"\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">"
	"<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>"
	"<policy context=\"default\">"
	"<allow send_destination=\"*\" eavesdrop=\"true\"/>"
	"<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";

static pid_t daemon_pid;

static void exec_daemon(int out, const char *file)
{
	char arg[64], fd[32];

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(arg, sizeof(arg), "--config-file=%s", file);
	snprintf(fd, sizeof(fd), "--print-address=%d", out);
	execlp("dbus-daemon", "dbus-daemon", arg, "--nofork", fd,
	       (char *)NULL);
	_exit(77);
}

bool reference_daemon_start(char *address, size_t size)
{
	char file[] = "/tmp/afbus-reference-XXXXXX";
	int out[2], fd = mkstemp(file);
	ssize_t n;

	if (fd < 0 || pipe(out) ||
	    write(fd, config, sizeof(config) - 1) != sizeof(config) - 1)
		abort();
	close(fd);
	daemon_pid = fork();
	if (!daemon_pid)
		exec_daemon(out[1], file);
	close(out[1]);
	n = read(out[0], address, size - 1);
	close(out[0]);
	unlink(file);
	if (n <= 0)
		return false;
	address[n] = '\0';
	address[strcspn(address, "\n")] = '\0';
	return true;
}

void reference_daemon_stop(void)
{
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
}
