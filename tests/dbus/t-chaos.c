// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clients that do everything at random: messages of all sizes to anybody,
 * signals, files, rules, names, garbage, sudden ends, not reading. Two that
 * behave go on meanwhile. The seed is printed; $CHAOS_SEED repeats it.
 */
#include "raw.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define MADMEN 5
#define DEFAULT_MS 1500

static uint32_t state;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

static size_t some_size(void)
{
	static const uint32_t sizes[] = { 1, 100, 1100, 9000, 40000, 300000 };

	return rnd(4) ? rnd(sizes[rnd(6)]) : 0;
}

static void drain(struct raw *c, int max)
{
	struct msg m;

	while (max-- && raw_poll(c, &m, 0) > 0)
		msg_free(&m);
}

/* Writes as long as the bus takes it; false: it did not, or c is gone. */
static bool put(struct raw *c, const uint8_t *data, size_t len, bool fds)
{
	size_t done = 0;
	int tries = 0;
	int own[2] = { c->fd, 2 };

	if (fds && len) {
		struct raw tmp = *c;

		raw_write(&tmp, data, 1, own, 1 + rnd(2));
		done = 1;
	}
	while (done < len) {
		if (raw_try_write(c, data, len, &done))
			continue;
		if (++tries > 20)
			return false;
		drain(c, 10);
		usleep(1000);
	}
	return true;
}

static struct spec random_spec(char *to, size_t size)
{
	static const char *const names[] = {
		"test.chaos.A", "test.chaos.B", DRIVER,
	};
	struct spec s = {
		.path = "/chaos", .interface = "test.Chaos", .member = "Any",
		.bytes = some_size(), .big = !rnd(5), .flags = rnd(2),
		.destination = to,
	};

	snprintf(to, size, ":1.%u", 1 + rnd(40));
	switch (rnd(6)) {
	case 0:
		s.type = DBUS_TYPE_SIGNAL;
		s.destination = NULL;
		break;
	case 1:
		s.destination = names[rnd(3)];
		break;
	case 2:
		s.type = DBUS_TYPE_RETURN;
		s.reply_serial = 1 + rnd(20);
		break;
	}
	return s;
}

static bool send_random(struct raw *c)
{
	char to[32];
	struct spec s = random_spec(to, sizeof(to));
	bool fds = c->pass_fds && !rnd(8), ok;
	uint8_t *data;
	size_t len;

	s.unix_fds = fds ? 1 : 0;
	data = raw_build(c, &s, &len);
	if (!rnd(60))
		data[rnd(len)] ^= 1 << rnd(8);
	if (!rnd(100))
		len = rnd(len);
	ok = put(c, data, len, fds);
	free(data);
	return ok;
}

static bool ask_driver(struct raw *c)
{
	static const char *const members[] = {
		"AddMatch", "AddMatch", "RemoveMatch", "RequestName",
		"ReleaseName", "GetNameOwner", "ListNames", "Nonsense",
	};
	static const char *const args[] = {
		"interface='test.Chaos'", "test.chaos.A", "test.chaos.B",
		"type='signal',path_namespace='/chaos'", "garbage,,=",
	};
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = members[rnd(8)], .destination = DRIVER,
		.args = { args[rnd(5)] }, .has_u = !rnd(2), .u = rnd(8),
	};
	uint8_t *data;
	size_t len;
	bool ok;

	data = raw_build(c, &s, &len);
	ok = put(c, data, len, false);
	free(data);
	return ok;
}

static bool step(struct raw *c)
{
	switch (rnd(12)) {
	case 0:
		usleep(rnd(2000));
		return true;
	case 1:
	case 2:
		return ask_driver(c);
	case 3:
	case 4:
	case 5:
		drain(c, 1 + rnd(100));
		return true;
	default:
		return send_random(c);
	}
}

/* Everything may end this process, but not the bus. */
static void madman(uint32_t seed)
{
	state = seed * 2654435761U | 1;
	fclose(stderr);
	for (;;) {
		struct raw *c = raw_open(rnd(2));
		int n = rnd(300);

		while (n-- && step(c))
			;
		if (!rnd(3))
			shutdown(c->fd, rnd(3));
		raw_close(c);
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

int main(void)
{
	uint32_t seed = raw_env("CHAOS_SEED", getpid() * 31 + time(NULL));
	uint64_t end = now_ms() + raw_env("CHAOS_MS", DEFAULT_MS);
	struct raw *a = raw_open(true), *b = raw_open(false);
	pid_t pids[MADMEN] = { 0 };
	int i;

	fprintf(stderr, "CHAOS_SEED=%u\n", seed);
	do {
		for (i = 0; i < MADMEN; i++) {
			if (pids[i] && !waitpid(pids[i], NULL, WNOHANG))
				continue;
			pids[i] = fork();
			if (!pids[i])
				madman(seed++ * MADMEN + i);
		}
		raw_ping_peer(a, b);
		raw_ping_peer(b, a);
		raw_ping(a);
		usleep(1000);
	} while (now_ms() < end);
	for (i = 0; i < MADMEN; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	raw_ping_peer(a, b);
	raw_close(a);
	raw_close(b);
	return 0;
}
