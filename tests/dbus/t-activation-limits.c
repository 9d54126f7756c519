// SPDX-License-Identifier: LGPL-2.1-or-later
/* A service that does not come in time is ended, and not too many may be
 * waited for. By with-bus: 3 s, and 5. */
#include "services.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define E "org.freedesktop.DBus.Error."

static pid_t process_of(const char *name)
{
	FILE *f = fopen(service_log(name), "r");
	int pid = 0;

	check(f);
	/* The latest one. */
	while (fscanf(f, " started %d", &pid) == 1)
		;
	check(pid);
	fclose(f);
	return pid;
}

/* Reaped too. */
static void expect_gone(pid_t pid)
{
	struct timespec ms = { 0, 1000000 };
	int i;

	for (i = 0; i < RAW_WAIT_MS && !kill(pid, 0); i++)
		nanosleep(&ms, NULL);
	check(kill(pid, 0) < 0 && errno == ESRCH);
}

static void too_slow(struct raw *c)
{
	struct raw *other = raw_open(false);
	char steps[512];
	struct msg m;
	uint32_t serial;

	snprintf(steps, sizeof(steps), "count=%s sleep=100000",
		 service_log("test.Slow"));
	service_add("test.Slow", steps);
	serial = service_send_start(other, "test.Slow");
	service_expect_error(c, "test.Slow", E "TimedOut",
			     "Failed to activate service 'test.Slow': timed out (service_start_timeout=3000ms)");
	raw_recv_reply(other, &m, serial);
	check(dbus_str_eq(m.h.error_name, E "TimedOut",
			  strlen(E "TimedOut")));
	msg_free(&m);
	expect_gone(process_of("test.Slow"));
	raw_close(other);
}

/* One that is in time is left alone afterwards. */
static void in_time(struct raw *c)
{
	struct timespec s = { 3, 500000000 };

	service_add("test.Fast", "sleep=50 own=test.Fast serve");
	service_expect(c, "test.Fast", "Echo", "a", "a");
	nanosleep(&s, NULL);
	service_expect(c, "test.Fast", "Echo", "b", "b");
}

static void too_many(struct raw *c)
{
	uint32_t serials[6];
	struct msg m;
	int i;

	service_add("test.Wait", "sleep=200 own=test.Wait serve");
	for (i = 0; i < 6; i++)
		serials[i] = service_send_start(c, "test.Wait");
	raw_recv_reply(c, &m, serials[5]);
	check(dbus_str_eq(m.h.error_name, E "LimitsExceeded",
			  strlen(E "LimitsExceeded")));
	check(!strcmp(msg_str(&m),
		      "The maximum number of pending activations has been reached, activation of test.Wait failed (max_pending_service_starts=5)"));
	msg_free(&m);
	for (i = 0; i < 5; i++) {
		raw_recv_reply(c, &m, serials[i]);
		check(m.h.f.type == DBUS_TYPE_RETURN && msg_u32(&m) == 1);
		msg_free(&m);
	}
}

int main(void)
{
	struct raw *c = raw_open(false);

	too_slow(c);
	in_time(c);
	too_many(c);
	/* Those who have waited do not count any more. */
	too_slow(c);
	raw_close(c);
	return 0;
}
