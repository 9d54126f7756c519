// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clients that do at random what clients do, and a model (model.h) that knows
 * what each of them must see: every message of the bus, in its order.
 *
 * A step is one client's burst, written at once: calls of the driver, calls of
 * others, answers, signals, or its end. Or all clients write messages at the
 * same time; then each receiver must see each sender's in order, and all
 * receivers the same order.
 *
 * The seed is printed; AFBUS_TEST_SEED repeats it, AFBUS_TEST_SECONDS (2, and 10
 * in the VM) is for how long.
 */
#include "conf.h"
#include "model.h"

#include <pthread.h>
#include <stdarg.h>
#include <time.h>

/* Replies only by whom they are asked of, once; as on a system bus. */
#define STRICT CONF_DEFAULT("<allow own='*'/>" \
	"<allow send_type='method_call'/><allow send_type='signal'/>" \
	"<allow send_type='method_return'/><allow send_type='error'/>" \
	"<allow receive_sender='*'/>")

#define BURST 6
#define HISTORY 40
#define CROWD 64	/* messages of a step of all at once */

static struct model model;
static struct raw *clients[MODEL_CLIENTS];
static struct raw *watcher;	/* sees that the bus has noticed an end */
static uint32_t state;
static uint32_t counter;	/* makes each message another one */

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % n;
}

#define PICK(a) ((a)[rnd(sizeof(a) / sizeof((a)[0]))])

/* ---- what was done last, told when something goes wrong ---- */

static char history[HISTORY][160];
static unsigned int n_history;

__attribute__((format(printf, 1, 2)))
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(history[n_history++ % HISTORY], sizeof(history[0]), fmt, ap);
	va_end(ap);
}

static void tell_history(void)
{
	unsigned int i = n_history < HISTORY ? 0 : n_history - HISTORY;

	for (; i < n_history; i++)
		fprintf(stderr, "%u: %s\n", i, history[i % HISTORY]);
}

/* ---- writing ---- */

struct burst {
	int client;
	uint8_t *data;
	size_t len;
};

static uint32_t put(struct burst *b, const struct spec *s)
{
	struct raw *c = clients[b->client];
	size_t len;
	uint8_t *data = raw_build(c, s, &len);

	b->data = realloc(b->data, b->len + len);
	check(b->data);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	free(data);
	return c->serial;
}

static void write_burst(struct burst *b)
{
	if (b->len)
		raw_write(clients[b->client], b->data, b->len, NULL, 0);
	free(b->data);
	b->data = NULL;
	b->len = 0;
}

/* ---- what a client may do ---- */

static uint32_t call_driver(struct burst *b, const char *member,
			    const char *arg, const uint32_t *u)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = DRIVER, .args = { arg }, .has_u = u,
		.u = u ? *u : 0,
	};

	note("%s: %s(%s, %u)", clients[b->client]->name, member, arg, s.u);
	return put(b, &s);
}

static void request_name(struct burst *b)
{
	uint32_t flags = rnd(8);
	int name = (int)rnd(MODEL_NAMES);

	model_request_name(&model, b->client,
			   call_driver(b, "RequestName", model_names[name],
				       &flags), name, flags);
}

static void release_name(struct burst *b)
{
	int name = (int)rnd(MODEL_NAMES);

	model_release_name(&model, b->client,
			   call_driver(b, "ReleaseName", model_names[name],
				       NULL), name);
}

static void look_up(struct burst *b)
{
	static const struct {
		const char *member;
		void (*model)(struct model *m, int client, uint32_t serial,
			      int name);
	} calls[] = {
		{ "GetNameOwner", model_get_owner },
		{ "NameHasOwner", model_has_owner },
		{ "ListQueuedOwners", model_list_queue },
	};
	unsigned int i = rnd(3);
	int name = (int)rnd(MODEL_NAMES);

	calls[i].model(&model, b->client,
		       call_driver(b, calls[i].member, model_names[name],
				   NULL), name);
}

static void add_match(struct burst *b)
{
	unsigned int rule = rnd(model_n_rules());

	model_add_match(&model, b->client,
			call_driver(b, "AddMatch", model_rule_text(rule),
				    NULL), rule);
}

static void remove_match(struct burst *b)
{
	unsigned int rule = rnd(model_n_rules());

	model_remove_match(&model, b->client,
			   call_driver(b, "RemoveMatch", model_rule_text(rule),
				       NULL), rule);
}

/* As raw.h and as the model want it. */
static void say(struct burst *b, const struct said *what)
{
	struct spec s = {
		.type = what->type, .flags = what->flags, .path = what->path,
		.interface = what->interface, .member = what->member,
		.error = what->error, .destination = what->destination,
		.reply_serial = what->reply_serial,
		.args = { what->args[0], what->args[1], what->args[2] },
		.has_u = what->has_u, .u = what->u, .big = what->u & 1,
	};
	struct said said = *what;

	said.from = b->client;
	said.serial = put(b, &s);
	note("%s: type %u flags %u %s %s to %s, %u, reply to %u",
	     clients[b->client]->name, s.type, s.flags,
	     s.path ? s.path : "", s.member ? s.member : "",
	     s.destination ? s.destination : "all", s.u, s.reply_serial);
	model_say(&model, &said);
}

/* Where @known, of somebody who is there. */
static const char *some_name(bool known)
{
	unsigned int tries;
	const char *name;

	for (tries = 0; tries < 20; tries++) {
		unsigned int i = rnd(MODEL_NAMES + MODEL_CLIENTS);

		name = i < MODEL_NAMES ? model_names[i] :
					 model.clients[i - MODEL_NAMES].name;
		if (*name && (!known || model_find(&model, name) >= 0))
			return name;
	}
	return NULL;
}

static void message(struct burst *b, bool known)
{
	static const char *const paths[] = { "/m/a", "/m/a/c", "/m/ab", "/m/b" };
	static const char *const members[] = { "Alpha", "Beta" };
	static const char *const words[] = { "x", "y", "", "model.x", "models" };
	bool call = rnd(3) == 0;
	struct said s = {
		.type = call ? DBUS_TYPE_CALL : DBUS_TYPE_SIGNAL,
		.flags = rnd(4), .path = PICK(paths), .member = PICK(members),
		.interface = rnd(3) ? "test.Model" : "test.Other",
		.args = { PICK(words), PICK(words), PICK(words) },
		.has_u = true, .u = ++counter,
	};

	if (call || !rnd(3))
		s.destination = some_name(known);
	if (s.type == DBUS_TYPE_SIGNAL || s.destination)
		say(b, &s);
}

/* To somebody who waits for one, or to nobody who does. */
static void reply(struct burst *b, bool known)
{
	struct said s = {
		.type = rnd(3) ? DBUS_TYPE_RETURN : DBUS_TYPE_ERROR,
		.has_u = true, .u = ++counter,
	};
	unsigned int i;

	if (s.type == DBUS_TYPE_ERROR)
		s.error = "test.Model.Error";
	for (i = 0; i < model.n_calls; i++) {
		const struct model_call *c = &model.calls[i];

		if (c->callee != b->client)
			continue;
		s.reply_serial = c->serial;
		s.destination = model.clients[c->caller].name;
		say(b, &s);
		return;
	}
	if (known)
		return;
	s.reply_serial = 1 + rnd(100);
	s.destination = some_name(true);
	say(b, &s);
}

/* ---- reading ---- */

static void read_until(int client, uint32_t serial, struct lines *got)
{
	struct raw *c = clients[client];
	struct msg m;
	bool end;

	do {
		raw_recv(c, &m);
		end = m.h.reply_serial == serial &&
		      m.h.f.type == DBUS_TYPE_RETURN &&
		      dbus_str_eq(m.h.sender, DRIVER, strlen(DRIVER));
		/* Somebody may install a service on this machine. */
		if (!end && !msg_is(&m, DBUS_TYPE_SIGNAL,
				    "ActivatableServicesChanged"))
			line_of_msg(lines_add(got), &m);
		msg_free(&m);
	} while (!end);
}

static uint32_t ask_for_end(struct raw *c)
{
	struct spec s = {
		.path = DRIVER_PATH, .interface = DRIVER, .member = "GetId",
		.destination = DRIVER,
	};

	return raw_send(c, &s);
}

static void read_round(struct lines *got)
{
	uint32_t serials[MODEL_CLIENTS];
	int i;

	for (i = 0; i < MODEL_CLIENTS; i++)
		if (clients[i])
			serials[i] = ask_for_end(clients[i]);
	for (i = 0; i < MODEL_CLIENTS; i++)
		if (clients[i])
			read_until(i, serials[i], &got[i]);
}

/*
 * What every client gets. After the first round the bus has done what each of
 * them had asked for, so with the second comes all that there is.
 */
static void read_all(struct lines *got)
{
	int i;

	for (i = 0; i < MODEL_CLIENTS; i++)
		lines_init(&got[i]);
	read_round(got);
	read_round(got);
}

static void compare(struct lines *got, bool any_sender)
{
	char why[1200];
	int i;

	for (i = 0; i < MODEL_CLIENTS; i++) {
		if (!lines_differ(&model.clients[i].expected, &got[i],
				  any_sender, why, sizeof(why)))
			continue;
		tell_history();
		fail("%s: %s", clients[i]->name, why);
	}
}

/* ---- clients that come and go ---- */

static void join(int i)
{
	clients[i] = raw_open(false);
	note("%s joins", clients[i]->name);
	model_connect(&model, i, clients[i]->name);
}

static void end(int i)
{
	struct msg m;
	bool seen;

	note("%s ends", clients[i]->name);
	raw_close(clients[i]);
	clients[i] = NULL;
	do {
		raw_recv_member(watcher, &m, "NameOwnerChanged");
		seen = !strcmp(msg_str(&m), model.clients[i].name);
		msg_free(&m);
	} while (!seen);
	model_disconnect(&model, i);
}

/* ---- steps ---- */

static void step_one(int i)
{
	struct burst b = { .client = i };
	unsigned int n = 1 + rnd(BURST);

	while (n--) {
		switch (rnd(12)) {
		case 0:
		case 1:
			request_name(&b);
			break;
		case 2:
			release_name(&b);
			break;
		case 3:
			add_match(&b);
			break;
		case 4:
			remove_match(&b);
			break;
		case 5:
			look_up(&b);
			break;
		case 6:
		case 7:
			reply(&b, false);
			break;
		default:
			if (model.n_calls < MODEL_CALLS - 1)
				message(&b, false);
		}
	}
	write_burst(&b);
	/* Whatever was written before the end arrives. */
	if (!rnd(20))
		end(i);
}

/*
 * after[i] has the messages that somebody got after message i. All receivers
 * can have got them in one order if that leads from none back to itself.
 */
static void check_one_order(const struct lines *got, uint32_t base)
{
	uint64_t after[CROWD] = { 0 }, seen;
	const struct line *line;
	uint32_t i, k;
	int c;

	for (c = 0; c < MODEL_CLIENTS; c++) {
		seen = 0;
		for (line = got[c].first; line; line = line->next) {
			uint64_t bit = 1ULL << (line->u - base);

			for (i = 0; i < CROWD; i++)
				if (seen & 1ULL << i)
					after[i] |= bit;
			seen |= bit;
		}
	}
	for (k = 0; k < CROWD; k++)
		for (i = 0; i < CROWD; i++)
			if (after[i] & 1ULL << k)
				after[i] |= after[k];
	for (i = 0; i < CROWD; i++)
		if (after[i] & 1ULL << i)
			fail("not one order: message %u", base + i);
}

static void *write_thread(void *b)
{
	write_burst(b);
	return NULL;
}

static void write_together(struct burst *bursts)
{
	pthread_t threads[MODEL_CLIENTS];
	int i;

	for (i = 0; i < MODEL_CLIENTS; i++)
		check(!pthread_create(&threads[i], NULL, write_thread,
				      &bursts[i]));
	for (i = 0; i < MODEL_CLIENTS; i++)
		pthread_join(threads[i], NULL);
}

/*
 * Messages alone, so that what each brings about does not depend on which is
 * first. Answers come before calls, or they might come before what they answer.
 */
static void step_all(void)
{
	struct burst bursts[MODEL_CLIENTS] = { 0 };
	struct lines got[MODEL_CLIENTS];
	uint32_t base = counter + 1;
	unsigned int n = 2 * rnd(CROWD / 2 - MODEL_CLIENTS);
	int i;

	note("all at once:");
	for (i = 0; i < MODEL_CLIENTS; i++) {
		bursts[i].client = i;
		if (clients[i])
			reply(&bursts[i], true);
	}
	while (n--) {
		i = (int)rnd(MODEL_CLIENTS);
		if (clients[i] && model.n_calls < MODEL_CALLS - 1)
			message(&bursts[i], true);
	}
	check(counter - base < CROWD || counter < base);
	write_together(bursts);
	read_all(got);
	check_one_order(got, base);
	compare(got, true);
}

static void step(void)
{
	struct lines got[MODEL_CLIENTS];
	int i = (int)rnd(MODEL_CLIENTS);

	if (!clients[i]) {
		join(i);
	} else if (!rnd(5)) {
		step_all();
		return;
	} else {
		step_one(i);
	}
	read_all(got);
	compare(got, false);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int main(void)
{
	uint64_t end = now_ms() + 1000 * raw_env("AFBUS_TEST_SECONDS",
					 raw_bus_is("kernel") ? 10 : 2);
	unsigned int steps = 0;

	state = (uint32_t)raw_env("AFBUS_TEST_SEED", 0);
	if (!state)
		state = (uint32_t)(time(NULL) * 7919 + getpid()) | 1;
	fprintf(stderr, "AFBUS_TEST_SEED=%u\n", state);
	watcher = raw_open(false);
	raw_match(watcher, "type='signal',sender='" DRIVER "',"
		  "member='NameOwnerChanged',arg2=''");
	model_init(&model);
	model.strict = rnd(2);
	if (model.strict)
		conf_load(watcher, STRICT);
	do {
		step();
		steps++;
	} while (now_ms() < end);
	fprintf(stderr, "%u steps, %u messages\n", steps, counter);
	return 0;
}
