// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/net/bus: a stable head, a line for every native bus and socket of it,
 * readable by everybody. */
#include "native-test.h"

static const char head[] =
	"kind addr uid pid flags queue sent sent_bytes received master held "
	"refused ended proto name";

struct line {
	char kind[16];
	unsigned long long addr, queue, sent;
	unsigned int uid;
	int pid;
	char name[128];
};

/* The lines with @name somewhere in their last column, or of @addr. */
static int lines(const char *name, uint64_t addr, struct line *l, int max)
{
	char text[512];
	FILE *f = fopen("/proc/net/bus", "r");
	struct line x;
	int n = 0;

	check(f && fgets(text, sizeof(text), f));
	text[strcspn(text, "\n")] = 0;
	if (strcmp(text, head))
		fail("the head is \"%s\"", text);
	while (fgets(text, sizeof(text), f)) {
		check(strchr(text, '\n'));
		is(sscanf(text, "%15s %llu %u %d %*s %llu %llu %*s %*s %*s %*s %*s %*s %*s %127s",
			  x.kind, &x.addr, &x.uid, &x.pid, &x.queue, &x.sent,
			  x.name), 7);
		if (name ? !strstr(x.name, name) : x.addr != addr ||
		    strcmp(x.kind, "bus") == 0)
			continue;
		check(n < max);
		l[n++] = x;
	}
	fclose(f);
	return n;
}

static void readable(void *arg)
{
	struct line l[1];

	is(lines(arg, 0, l, 1), 1);
}

int main(void)
{
	char path[BUS_PATH_MAX];
	struct sockaddr_bus sa;
	struct line l[8];
	struct peer a, b;
	int bus, before, i, clients = 0;

	close(nt_socket());
	before = nt_proc_lines();
	snprintf(path, sizeof(path), "%s/shown", nt_folder());
	sa = nt_path(path);
	bus = nt_bus_at(&sa);
	is(nt_proc_lines(), before + 1);
	is(lines(path, 0, l, 8), 1);
	check(!strcmp(l[0].kind, "bus"));
	check(!strcmp(l[0].name, path));
	is(l[0].addr, 0);
	a = nt_peer(bus);
	b = nt_peer(bus);
	/* Both sides of each. */
	is(nt_proc_lines(), before + 5);
	say(a.fd, b.addr, "x");
	for (i = lines(NULL, b.addr, l, 8) - 1; i >= 0; i--) {
		if (strcmp(l[i].kind, "port"))
			continue;
		clients++;
		is(l[i].pid, getpid());
		is(l[i].uid, getuid());
		check(l[i].queue > 0);
	}
	is(clients, 1);
	is(lines(path, 0, l, 8), 1);
	is(l[0].addr, 2);
	nt_drain(b.fd);
	nt_close(&b);
	is(nt_proc_lines(), before + 3);
	if (!getuid())
		is(nt_as(NT_UID, readable, path), 0);
	nt_close(&a);
	close(bus);
	is(nt_proc_lines(), before);
	return 0;
}
