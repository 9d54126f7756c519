// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The daemon is followed by another one again and again, at random moments,
 * while 25 pairs of clients call each other and 10 clients broadcast, all as
 * fast as they can. At the end: every call has had its reply, every subscriber
 * every broadcast, once and in order; no connection is lost and no name; rules
 * that were added meanwhile hold; who has died meanwhile is said so once.
 *
 * $RESTARTS times (20 if unset, 3 in the VM). With the switch in the daemon it restarts itself
 * when it gets SIGUSR1. With the one in the kernel it is killed, and whoever has
 * started it (with-bus --persist) starts another; $RESTART_HOW is "clean": there
 * too SIGUSR1.
 */
#include "raw.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define PAIRS 25
#define CASTERS 10
#define WATCHERS 3
#define VICTIMS 64		/* names that come and go, at most */

static atomic_bool over;
static atomic_uint running;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The longest of them, and how many were long at all. */
struct pauses {
	uint64_t n, longest, longest_at, over_100ms, over_1s;
};

static void note_pause(struct pauses *p, uint64_t since)
{
	uint64_t took = now() - since;

	p->n++;
	p->over_100ms += took > 100000;
	p->over_1s += took > 1000000;
	if (took > p->longest) {
		p->longest = took;
		p->longest_at = since;
	}
}

static void add_pauses(struct pauses *sum, const struct pauses *p)
{
	sum->n += p->n;
	sum->over_100ms += p->over_100ms;
	sum->over_1s += p->over_1s;
	if (p->longest > sum->longest) {
		sum->longest = p->longest;
		sum->longest_at = p->longest_at;
	}
}

static void print_pauses(const char *whose, const struct pauses *p,
			 uint64_t begin)
{
	printf("%s: %llu calls, longest %llu us (begun after %llu us), %llu above 0.1 s, %llu above 1 s\n",
	       whose, (unsigned long long)p->n,
	       (unsigned long long)p->longest,
	       (unsigned long long)(p->longest_at - begin),
	       (unsigned long long)p->over_100ms,
	       (unsigned long long)p->over_1s);
}

/* ---- calls ---- */

static struct pair {
	char name[32];
	atomic_bool ready;
	uint64_t calls, replies, answered;
	struct pauses pauses;
} pairs[PAIRS];

/* Until somebody tells it that it was the last one. */
static void *answer(void *arg)
{
	struct pair *p = arg;
	struct raw *c = raw_open(false);
	bool last = false;
	struct msg m;

	raw_request_name(c, p->name, 0);
	p->ready = true;
	running++;
	while (!last) {
		raw_recv(c, &m);
		if (m.h.f.type == DBUS_TYPE_CALL) {
			raw_reply(c, &m, 0);
			p->answered++;
			last = msg_is(&m, DBUS_TYPE_CALL, "Last");
		}
		msg_free(&m);
	}
	raw_close(c);
	return NULL;
}

static void call_once(struct raw *c, struct pair *p, const char *member)
{
	struct spec s = {
		.path = "/", .interface = "test.Restart", .member = member,
		.destination = p->name, .bytes = p->calls % 5 * 700,
	};
	uint64_t since = now();
	uint32_t serial = raw_send(c, &s);
	struct msg m;

	p->calls++;
	raw_recv_reply(c, &m, serial);
	if (m.h.f.type != DBUS_TYPE_RETURN)
		fail("a call of %s has failed: %s", p->name, msg_str(&m));
	msg_free(&m);
	p->replies++;
	note_pause(&p->pauses, since);
}

static void *call(void *arg)
{
	struct pair *p = arg;
	struct raw *c;

	while (!p->ready)
		usleep(1000);
	c = raw_open(false);
	running++;
	while (!over)
		call_once(c, p, "Echo");
	call_once(c, p, "Last");
	/* No second answer to anything. */
	raw_expect_silence(c, 50);
	raw_close(c);
	return NULL;
}

/* ---- broadcasts ---- */

static struct caster {
	uint32_t id, sent;
} casters[CASTERS];

static void send_number(struct raw *c, struct caster *b, const char *member)
{
	struct spec s = {
		.type = DBUS_TYPE_SIGNAL, .path = "/",
		.interface = "test.Restart", .member = member,
		.has_u = true, .u = b->id << 24 | ++b->sent,
	};

	raw_send(c, &s);
}

static void *cast(void *arg)
{
	struct raw *c = raw_open(false);
	struct caster *b = arg;

	running++;
	while (!over && b->sent < 0xfffff0) {
		send_number(c, b, "Tick");
		/* As fast as the bus takes it, and no further ahead. */
		if (!(b->sent % 64))
			raw_ping(c);
	}
	send_number(c, b, "Tock");
	raw_ping(c);
	raw_close(c);
	return NULL;
}

static struct watcher {
	uint32_t last[CASTERS];
	uint64_t got;
} watchers[WATCHERS];

static void *watch(void *arg)
{
	struct watcher *w = arg;
	struct raw *c = raw_open(false);
	unsigned int left = CASTERS;
	struct msg m;

	raw_match(c, "type='signal',interface='test.Restart'");
	running++;
	while (left) {
		uint32_t v, id;

		raw_recv(c, &m);
		if (!msg_is(&m, DBUS_TYPE_SIGNAL, "Tick") &&
		    !msg_is(&m, DBUS_TYPE_SIGNAL, "Tock")) {
			msg_free(&m);
			continue;
		}
		v = msg_u32(&m);
		id = v >> 24;
		check(id < CASTERS);
		if ((v & 0xffffff) != w->last[id] + 1)
			fail("broadcast %u of %u came after %u", v & 0xffffff,
			     id, w->last[id]);
		w->last[id]++;
		w->got++;
		left -= msg_is(&m, DBUS_TYPE_SIGNAL, "Tock");
		msg_free(&m);
	}
	raw_close(c);
	return NULL;
}

/* ---- what is asked of the daemon ---- */

static struct raw *driver, *listener;
static struct pauses driver_pauses;

static void ask(struct raw *c, struct msg *m, const char *member,
		const char *arg0, const char *arg1)
{
	uint64_t since = now();

	raw_driver(c, m, member, arg0, arg1);
	note_pause(&driver_pauses, since);
}

/* The value, of type t, behind a key of the status. */
static uint64_t status_of(const char *key)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = "org.afbus.Status1",
		.member = "GetBus", .destination = DRIVER,
	};
	size_t n = strlen(key) + 1, at;
	const uint8_t *body, *p;
	uint64_t v = 0;
	struct msg m;

	raw_recv_reply(driver, &m, raw_send(driver, &s));
	check(m.h.f.type == DBUS_TYPE_RETURN);
	body = msg_body(&m);
	p = memmem(body, m.h.f.body_len, key, n);
	check(p);
	at = (size_t)(p - body) + n + 3;
	at = (at + 7) & ~(size_t)7;
	check(at + 8 <= m.h.f.body_len);
	memcpy(&v, body + at, sizeof(v));
	msg_free(&m);
	return v;
}

static bool kills(void)
{
	const char *how = getenv("RESTART_HOW");

	return raw_bus_is("kernel") && (!how || strcmp(how, "clean"));
}

static pid_t daemon_pid(void)
{
	const char *path = getenv("BUS_PID_FILE");
	FILE *f = path ? fopen(path, "r") : NULL;
	int pid = (int)raw_env("BUS_PID", 0);

	if (f) {
		check(fscanf(f, "%d", &pid) == 1);
		fclose(f);
	}
	return pid;
}

/* The one before may be dead already, and the next one not there. */
static void provoke(void)
{
	kill(daemon_pid(), kills() ? SIGKILL : SIGUSR1);
}

/* A client that has a name, dies while the daemon is not there. */
static void die_meanwhile(unsigned int i)
{
	char name[32], unique[32], rule[128];
	struct raw *c = raw_open(false);
	unsigned int ends = 0;
	struct msg m;

	snprintf(name, sizeof(name), "test.victim%u", i);
	snprintf(unique, sizeof(unique), "%s", c->name);
	raw_request_name(c, name, 0);
	provoke();
	raw_close(c);
	/* So does this: a rule comes while nobody is there to hear of it. */
	snprintf(rule, sizeof(rule),
		 "type='signal',member='Meanwhile%u'", i);
	ask(driver, &m, "AddMatch", rule, NULL);
	msg_free(&m);
	/* Both names have an end, and then it was all. */
	while (ends < 2) {
		raw_recv_member(listener, &m, "NameOwnerChanged");
		if (!strcmp(msg_str(&m), name) ||
		    !strcmp(msg_str(&m), unique)) {
			/* The last string is who has it: nobody. */
			ends += !m.data[m.len - 1] && !m.data[m.len - 2];
		}
		msg_free(&m);
	}
}

static void check_rule(unsigned int i)
{
	char member[32];
	struct msg m;

	snprintf(member, sizeof(member), "Meanwhile%u", i);
	raw_signal(listener, member, i, 0);
	raw_recv_member(driver, &m, member);
	msg_free(&m);
}

/* Nothing of it comes twice: what is still to come is only others' business. */
static void check_once(unsigned int n)
{
	struct msg m;

	raw_ping(listener);
	while (raw_poll(listener, &m, 200) == 1) {
		if (!strncmp(msg_str(&m), "test.victim", 11))
			fail("%s has died more than once of %u", msg_str(&m),
			     n);
		msg_free(&m);
	}
}

static void check_names(void)
{
	struct msg m;
	int i;

	for (i = 0; i < PAIRS; i++) {
		ask(driver, &m, "GetNameOwner", pairs[i].name, NULL);
		msg_free(&m);
	}
}

/* ---- */

static pthread_t threads[2 * PAIRS + CASTERS + WATCHERS];
static unsigned int n_threads;

static void start(void *(*run)(void *), void *arg)
{
	check(!pthread_create(&threads[n_threads++], NULL, run, arg));
}

static void start_all(void)
{
	unsigned int i;

	for (i = 0; i < PAIRS; i++) {
		snprintf(pairs[i].name, sizeof(pairs[i].name), "test.pair%u",
			 i);
		start(answer, &pairs[i]);
		start(call, &pairs[i]);
	}
	for (i = 0; i < WATCHERS; i++)
		start(watch, &watchers[i]);
	while (running < 2 * PAIRS + WATCHERS)
		usleep(1000);
	for (i = 0; i < CASTERS; i++) {
		casters[i].id = i;
		start(cast, &casters[i]);
	}
	while (running < n_threads)
		usleep(1000);
}

static void restart_often(unsigned int n)
{
	uint64_t before = status_of("Takeovers"), goal = before + n;
	unsigned int i, victims = 0;
	struct msg m;

	for (i = 0; status_of("Takeovers") < goal; i++) {
		usleep((unsigned int)rand() % 60000);
		if (i % 4 == 1 && victims < VICTIMS)
			die_meanwhile(victims++);
		else
			provoke();
		ask(driver, &m, "GetId", NULL, NULL);
		msg_free(&m);
	}
	for (i = 0; i < victims; i++)
		check_rule(i);
	check_once(victims);
	check(victims);
}

static void sum_up(uint64_t begin)
{
	uint64_t calls = 0, replies = 0, answered = 0, sent = 0;
	struct pauses pauses = { 0 };
	unsigned int i, w;

	for (i = 0; i < PAIRS; i++) {
		calls += pairs[i].calls;
		replies += pairs[i].replies;
		answered += pairs[i].answered;
		add_pauses(&pauses, &pairs[i].pauses);
	}
	check(calls == replies && calls == answered);
	for (i = 0; i < CASTERS; i++)
		sent += casters[i].sent;
	for (w = 0; w < WATCHERS; w++)
		check(watchers[w].got == sent);
	printf("%llu takeovers: %llu calls, as many replies; %llu broadcasts, each once to %d\n",
	       (unsigned long long)status_of("Takeovers"),
	       (unsigned long long)calls, (unsigned long long)sent, WATCHERS);
	print_pauses("peers", &pauses, begin);
	print_pauses("the driver", &driver_pauses, begin);
	printf("last outage %llu us\n",
	       (unsigned long long)status_of("LastOutageUSec"));
}

int main(void)
{
	uint64_t begin = now();
	unsigned int i;

	if (raw_bus_is("dbus-daemon") || raw_bus_is("dbus-broker"))
		raw_skip("it is not ours");
	srand((unsigned int)getpid());
	driver = raw_open(false);
	listener = raw_open(false);
	raw_match(listener, "type='signal',member='NameOwnerChanged'");
	start_all();
	/* A machine without virtual ones of its own takes its time. */
	restart_often((unsigned int)raw_env("RESTARTS",
					    raw_bus_is("kernel") ? 3 : 20));
	check_names();
	over = true;
	for (i = 0; i < n_threads; i++)
		check(!pthread_join(threads[i], NULL));
	sum_up(begin);
	raw_close(driver);
	raw_close(listener);
	return 0;
}
