// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Masters that are killed at any moment, one after the other, while clients ask
 * them and peers talk: every question is answered once, and each answer's signal,
 * numbered by a note, is heard once and in order. One batch for all of it is
 * what makes that so.
 *
 * $PERSIST_KILLS times (40).
 */
#include "bus-test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLERS 4
#define LISTENERS 3
#define PAIRS 3

static const struct bus_send plain;
static atomic_bool over;
static struct client callers[CALLERS], listeners[LISTENERS];
static struct client pairs[PAIRS][2];
static uint32_t asked[CALLERS], sent[PAIRS];

/* ---- the master: a process of its own ---- */

static uint32_t read_counter(int bus)
{
	static union {
		struct bus_dump head;
		uint8_t data[1 << 16];
	} d;
	socklen_t len = sizeof(d);
	const struct bus_rec *rec;
	uint32_t n = 0;
	size_t at;

	check(!getsockopt(bus, SOL_BUS, BUS_DUMP, &d, &len));
	for (at = 0; at < d.head.len; at = (at + rec->len + 7) & ~7UL) {
		rec = (const void *)(d.head.data + at);
		if (rec->type == BUS_REC_NOTE && !rec->addr)
			memcpy(&n, rec->data, sizeof(n));
	}
	return n;
}

static void answer(int bus, const struct msg *m, uint32_t *counter)
{
	char to[32];
	struct msg_spec reply = {
		.type = DBUS_TYPE_RETURN, .serial = 1,
		.reply_serial = m->h.f.serial, .sender = DBUS_DRIVER_NAME,
		.destination = to,
	};
	struct msg_spec tell = {
		.type = DBUS_TYPE_SIGNAL, .serial = ++*counter, .path = "/o",
		.interface = "i.f", .member = "Answered",
		.sender = DBUS_DRIVER_NAME, .body = 500,
	};
	struct batch b = { 0 };

	snprintf(to, sizeof(to), ":1.%llu", (unsigned long long)m->info.addr);
	batch_add(&b, BUS_REC_NOTE, 0, 1, counter, sizeof(*counter));
	batch_send(&b, BUS_CLIENT_MASK, plain, &tell);
	batch_send(&b, m->info.addr, plain, &reply);
	batch_add(&b, BUS_REC_RESUME, m->info.addr, 0, NULL, 0);
	check(!batch_apply(bus, &b));
}

static void serve(int bus)
{
	uint32_t counter = read_counter(bus);
	struct msg m;

	for (;;) {
		test_master_recv(bus, &m);
		check(m.info.kind == BUS_KIND_MESSAGE);
		answer(bus, &m, &counter);
		msg_free(&m);
	}
}

static pid_t master(const struct sockaddr_bus *sa, int bus)
{
	pid_t pid = fork();

	check(pid >= 0);
	if (pid)
		return pid;
	serve(bus < 0 ? test_take_over(sa) : bus);
	_exit(1);
}

static void kill_masters(const struct sockaddr_bus *sa, pid_t pid)
{
	const char *s = getenv("PERSIST_KILLS");
	int i, status, n = s ? atoi(s) : 40;

	for (i = 0; i < n; i++) {
		usleep(rand() % 30000);
		check(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
		/* It may have found a mistake. */
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		if (i % 2)
			usleep(rand() % 10000);
		pid = master(sa, -1);
	}
	over = true;
	while (over)
		usleep(1000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- clients ---- */

static void *ask(void *arg)
{
	struct client *c = arg;
	struct msg_spec s = {
		.type = DBUS_TYPE_CALL, .path = "/o", .interface = "i.f",
		.member = "M", .destination = DBUS_DRIVER_NAME, .body = 3000,
	};
	struct msg m;

	while (!over) {
		s.serial = ++asked[c - callers];
		test_send(c->fd, &s, NULL, 0);
		check(test_recv(c, &m));
		if (m.h.f.type != DBUS_TYPE_RETURN ||
		    m.h.reply_serial != s.serial)
			fail("%s asked %u, and was told %u", c->name, s.serial,
			     m.h.reply_serial);
		msg_free(&m);
	}
	test_silence(c->fd, 50);
	return NULL;
}

static void *talk(void *arg)
{
	struct client *c = arg;
	uint32_t *n = &sent[(c - pairs[0]) / 2];
	struct msg m;

	while (!over) {
		test_call(c, c[1].name, ++*n, 100);
		check(test_recv(&c[1], &m) && m.h.f.serial == *n);
		msg_free(&m);
	}
	return NULL;
}

static void *hear(void *arg)
{
	struct client *c = arg;
	uint32_t n = 0;
	struct msg m;

	for (;;) {
		check(test_recv(c, &m));
		if (m.h.f.type == DBUS_TYPE_CALL)
			break;
		if (m.h.f.serial != ++n)
			fail("%s heard %u, wanted %u", c->name, m.h.f.serial,
			     n);
		msg_free(&m);
	}
	msg_free(&m);
	return (void *)(uintptr_t)n;
}

/* ---- */

static void *all_clients(void *arg)
{
	pthread_t t[CALLERS + PAIRS], h[LISTENERS];
	uint32_t total = 0, i;
	void *heard;

	(void)arg;
	for (i = 0; i < LISTENERS; i++)
		pthread_create(&h[i], NULL, hear, &listeners[i]);
	for (i = 0; i < CALLERS; i++)
		pthread_create(&t[i], NULL, ask, &callers[i]);
	for (i = 0; i < PAIRS; i++)
		pthread_create(&t[CALLERS + i], NULL, talk, pairs[i]);
	for (i = 0; i < CALLERS + PAIRS; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < CALLERS; i++)
		total += asked[i];
	for (i = 0; i < LISTENERS; i++) {
		/* Behind all that was said before. */
		test_call(&pairs[0][0], listeners[i].name, 1, 0);
		pthread_join(h[i], &heard);
		if ((uintptr_t)heard != total)
			fail("%u questions, and %s heard of %lu", total,
			     listeners[i].name, (unsigned long)heard);
	}
	printf("%u questions, answered once and heard of once\n", total);
	check(total > 0 && sent[0] > 0);
	over = false;
	return NULL;
}

static void connect_all(int bus)
{
	int i, j;

	for (i = 0; i < CALLERS; i++)
		callers[i] = test_client(bus, 0);
	for (i = 0; i < LISTENERS; i++) {
		listeners[i] = test_client(bus, 0);
		test_match(bus, &listeners[i], 1, "member='Answered'");
	}
	for (i = 0; i < PAIRS; i++)
		for (j = 0; j < 2; j++)
			pairs[i][j] = test_client(bus, 0);
}

int main(void)
{
	int bus = test_bus();
	struct sockaddr_bus sa = test_persist(bus, 60000);
	pthread_t clients;
	pid_t pid;

	srand(getpid());
	connect_all(bus);
	pid = master(&sa, bus);
	close(bus);
	pthread_create(&clients, NULL, all_clients, NULL);
	kill_masters(&sa, pid);
	pthread_join(clients, NULL);
	bus = test_take_over(&sa);
	test_persist(bus, 0);
	return 0;
}
