// SPDX-License-Identifier: LGPL-2.1-or-later
#include "model.h"

#define E "org.freedesktop.DBus.Error."

#define ALLOW_REPLACEMENT 1
#define REPLACE 2
#define DO_NOT_QUEUE 4

const char *const model_names[MODEL_NAMES] = {
	"model.n0", "model.n1", "model.n2", "model.n3",
};

/* ---- lines ---- */

void lines_init(struct lines *l)
{
	l->first = NULL;
	l->end = &l->first;
}

struct line *lines_add(struct lines *l)
{
	struct line *line = calloc(1, sizeof(*line));

	check(line);
	*l->end = line;
	l->end = &line->next;
	return line;
}

void lines_free(struct lines *l)
{
	while (l->first) {
		struct line *next = l->first->next;

		free(l->first);
		l->first = next;
	}
	lines_init(l);
}

static void drop(struct lines *l, struct line **at)
{
	struct line *line = *at;

	*at = line->next;
	if (!line->next)
		l->end = at;
	free(line);
}

/* May the line at @at, which is not the first, come now? */
static bool may_be_next(const struct line *first, const struct line *at,
			bool any_sender)
{
	if (at == first || (at->group && at->group == first->group))
		return true;
	if (!any_sender)
		return false;
	for (; first != at; first = first->next)
		if (!strcmp(first->from, at->from))
			return false;
	return true;
}

static bool take(struct lines *l, const char *text, bool any_sender)
{
	struct line **at;

	for (at = &l->first; *at; at = &(*at)->next) {
		if (!strcmp((*at)->text, text) &&
		    may_be_next(l->first, *at, any_sender)) {
			drop(l, at);
			return true;
		}
	}
	return false;
}

bool lines_differ(struct lines *expected, struct lines *got, bool any_sender,
		  char *why, size_t size)
{
	while (expected->first && got->first) {
		if (!take(expected, got->first->text, any_sender)) {
			snprintf(why, size, "expected <%s>, got <%s>",
				 expected->first->text, got->first->text);
			return true;
		}
		drop(got, &got->first);
	}
	if (expected->first)
		snprintf(why, size, "nothing instead of <%s>",
			 expected->first->text);
	else if (got->first)
		snprintf(why, size, "too much: <%s>", got->first->text);
	return expected->first || got->first;
}

/* ---- messages as text ---- */

static const char *word(const char *s)
{
	return s ? s : "-";
}

static const char *sender_name(const struct model *m, int from)
{
	return from == MODEL_DRIVER ? DRIVER : m->clients[from].name;
}

static void say(char *text, size_t size, const char *from,
		const struct said *s, const char *body)
{
	snprintf(text, size, "%u from %s: %s %s %s %s to %s, %s %u (%s)",
		 s->type, from, word(s->path), word(s->interface),
		 word(s->member), word(s->error), word(s->destination),
		 s->reply_serial ? "reply to" : "serial",
		 s->reply_serial ? s->reply_serial :
		 strcmp(from, DRIVER) ? s->serial : 0, body);
}

/* What errors of the driver say is theirs. */
static bool driver_error(const char *from, uint8_t type)
{
	return type == DBUS_TYPE_ERROR && !strcmp(from, DRIVER);
}

static void line_of_said(struct line *line, const struct model *m,
			 const struct said *s)
{
	const char *from = sender_name(m, s->from);
	char body[200] = "";
	size_t n = 0, i;

	for (i = 0; i < MODEL_CLIENTS && s->args[i]; i++)
		n += (size_t)snprintf(body + n, sizeof(body) - n, "'%s' ",
				      s->args[i]);
	if (s->has_u)
		snprintf(body + n, sizeof(body) - n, "%u ", s->u);
	snprintf(line->from, sizeof(line->from), "%s", from);
	line->u = s->u;
	say(line->text, sizeof(line->text), from, s,
	    driver_error(from, s->type) ? "" : body);
}

static char *str_dup(struct dbus_str s)
{
	return s.s ? strndup(s.s, s.len) : NULL;
}

static size_t add_str(char *body, size_t at, size_t size, struct dbus_str s)
{
	check(s.s);
	return at + (size_t)snprintf(body + at, size - at, "'%.*s' ",
				     (int)s.len, s.s);
}

static void body_text(const struct msg *m, char *body, size_t size,
		      uint32_t *u)
{
	struct dbus_str sig = m->h.signature;
	struct wire w;
	size_t n = 0, i;

	wire_init(&w, msg_body(m), m->h.f.body_len, m->h.f.big);
	/* An array of strings is shown as they are. */
	if (sig.len == 2 && sig.s[0] == 'a') {
		wire_u32(&w);
		while (!wire_error(&w) && w.pos < w.len)
			n = add_str(body, n, size, wire_str(&w));
		sig.len = 0;
	}
	for (i = 0; i < sig.len && n < size; i++) {
		if (sig.s[i] == 's') {
			n = add_str(body, n, size, wire_str(&w));
		} else {
			*u = wire_u32(&w);
			n += (size_t)snprintf(body + n, size - n, "%u ", *u);
		}
	}
	check(!wire_error(&w));
}

void line_of_msg(struct line *line, const struct msg *m)
{
	char *strings[] = {
		str_dup(m->h.path), str_dup(m->h.interface),
		str_dup(m->h.member), str_dup(m->h.error_name),
		str_dup(m->h.destination), str_dup(m->h.sender),
	};
	struct said s = {
		.type = m->h.f.type, .serial = m->h.f.serial,
		.reply_serial = m->h.reply_serial, .path = strings[0],
		.interface = strings[1], .member = strings[2],
		.error = strings[3], .destination = strings[4],
	};
	char body[200] = "";
	size_t i;

	if (!driver_error(strings[5], s.type))
		body_text(m, body, sizeof(body), &line->u);
	snprintf(line->from, sizeof(line->from), "%s", strings[5]);
	say(line->text, sizeof(line->text), strings[5], &s, body);
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free(strings[i]);
}

/* ---- rules ---- */

struct rule {
	const char *text;
	const char *sender, *interface, *path, *path_namespace, *member;
	const char *arg0, *arg0namespace, *arg2;
};

static const struct rule rules[] = {
	{ "" },
	{ "type='signal',interface='test.Model'", .interface = "test.Model" },
	{ "member=Beta", .member = "Beta" },
	{ "path_namespace='/m/a'", .path_namespace = "/m/a" },
	{ "path='/m/b',member='Alpha'", .path = "/m/b", .member = "Alpha" },
	{ "arg0='x'", .arg0 = "x" },
	{ "arg0namespace='model',interface='test.Model'",
	  .arg0namespace = "model", .interface = "test.Model" },
	{ "sender='model.n0'", .sender = "model.n0" },
	{ "sender='model.n1',path_namespace='/'", .sender = "model.n1" },
	{ "sender='org.freedesktop.DBus',member='NameOwnerChanged'",
	  .sender = DRIVER, .member = "NameOwnerChanged" },
	{ "member='NameOwnerChanged',arg0='model.n1'",
	  .member = "NameOwnerChanged", .arg0 = "model.n1" },
	{ "arg0namespace='model',arg2=''", .arg0namespace = "model",
	  .arg2 = "" },
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

unsigned int model_n_rules(void)
{
	return N_RULES;
}

const char *model_rule_text(unsigned int rule)
{
	return rules[rule].text;
}

static bool is(const char *want, const char *have)
{
	return !want || (have && !strcmp(want, have));
}

static bool below(const char *want, const char *have, char separator)
{
	size_t n;

	if (!want)
		return true;
	n = strlen(want);
	return have && !strncmp(have, want, n) &&
	       (!have[n] || have[n] == separator);
}

static bool is_from(const struct model *m, const char *want, int from)
{
	if (!want)
		return true;
	if (from == MODEL_DRIVER)
		return !strcmp(want, DRIVER);
	return model_find(m, want) == from;
}

static bool matches(const struct model *m, const struct rule *r,
		    const struct said *s)
{
	return is_from(m, r->sender, s->from) &&
	       is(r->interface, s->interface) && is(r->path, s->path) &&
	       below(r->path_namespace, s->path, '/') &&
	       is(r->member, s->member) && is(r->arg0, s->args[0]) &&
	       below(r->arg0namespace, s->args[0], '.') &&
	       is(r->arg2, s->args[2]);
}

/* ---- who hears what ---- */

static void tell(struct model *m, int client, const struct said *s)
{
	struct line *line;

	if (!m->clients[client].live)
		return;
	line = lines_add(&m->clients[client].expected);
	line->group = m->group;
	line_of_said(line, m, s);
}

static void tell_all(struct model *m, const struct said *s)
{
	unsigned int i, r;

	for (i = 0; i < MODEL_CLIENTS; i++) {
		for (r = 0; m->clients[i].live && r < N_RULES; r++) {
			if (!m->clients[i].rules[r] ||
			    !matches(m, &rules[r], s))
				continue;
			tell(m, (int)i, s);
			break;
		}
	}
}

static void signal_of_driver(struct model *m, int client, const char *member,
			     const char *name)
{
	struct said s = {
		.type = DBUS_TYPE_SIGNAL, .from = MODEL_DRIVER,
		.path = DRIVER_PATH, .interface = DRIVER, .member = member,
		.destination = m->clients[client].name, .args = { name },
	};

	tell(m, client, &s);
}

static void owner_changed(struct model *m, const char *name, int old, int new)
{
	struct said s = {
		.type = DBUS_TYPE_SIGNAL, .from = MODEL_DRIVER,
		.path = DRIVER_PATH, .interface = DRIVER,
		.member = "NameOwnerChanged",
		.args = { name, old < 0 ? "" : m->clients[old].name,
			  new < 0 ? "" : m->clients[new].name },
	};

	tell_all(m, &s);
}

static void answer(struct model *m, int client, struct said *s,
		   uint32_t serial)
{
	s->type = s->error ? DBUS_TYPE_ERROR : DBUS_TYPE_RETURN;
	s->from = MODEL_DRIVER;
	s->destination = m->clients[client].name;
	s->reply_serial = serial;
	tell(m, client, s);
}

static void answer_u(struct model *m, int client, uint32_t serial, uint32_t u)
{
	struct said s = { .has_u = true, .u = u };

	answer(m, client, &s, serial);
}

static void answer_error(struct model *m, int client, uint32_t serial,
			 const char *error)
{
	struct said s = { .error = error };

	answer(m, client, &s, serial);
}

/* ---- names ---- */

static int owner(const struct model *m, int name)
{
	return m->names[name].n ? m->names[name].queue[0].client : -1;
}

int model_find(const struct model *m, const char *to)
{
	int i;

	for (i = 0; i < MODEL_NAMES; i++)
		if (!strcmp(to, model_names[i]))
			return owner(m, i);
	for (i = 0; i < MODEL_CLIENTS; i++)
		if (m->clients[i].live && !strcmp(to, m->clients[i].name))
			return i;
	return -1;
}

static int place(const struct model *m, int name, int client)
{
	unsigned int i;

	for (i = 0; i < m->names[name].n; i++)
		if (m->names[name].queue[i].client == client)
			return (int)i;
	return -1;
}

static void leave(struct model *m, int name, int client)
{
	int at = place(m, name, client);
	struct model_owner *q = m->names[name].queue;

	if (at < 0)
		return;
	m->names[name].n--;
	memmove(q + at, q + at + 1,
		(m->names[name].n - (unsigned int)at) * sizeof(*q));
}

static void enter(struct model *m, int name, unsigned int at,
		  struct model_owner o)
{
	struct model_owner *q = m->names[name].queue;

	memmove(q + at + 1, q + at, (m->names[name].n - at) * sizeof(*q));
	q[at] = o;
	m->names[name].n++;
}

/* After the queue has changed: who hears that the first is another one. */
static void new_owner(struct model *m, int name, int old)
{
	int new = owner(m, name);

	if (old == new)
		return;
	if (old >= 0)
		signal_of_driver(m, old, "NameLost", model_names[name]);
	owner_changed(m, model_names[name], old, new);
	if (new >= 0)
		signal_of_driver(m, new, "NameAcquired", model_names[name]);
}

static uint32_t request(struct model *m, int name, struct model_owner o)
{
	struct model_owner *first = &m->names[name].queue[0], old;
	int at = place(m, name, o.client);

	if (!m->names[name].n) {
		enter(m, name, 0, o);
		return 1;
	}
	if (!at) {
		*first = o;
		return 4;
	}
	if (o.flags & REPLACE && first->flags & ALLOW_REPLACEMENT) {
		old = *first;
		leave(m, name, o.client);
		leave(m, name, old.client);
		enter(m, name, 0, o);
		if (!(old.flags & DO_NOT_QUEUE))
			enter(m, name, 1, old);
		return 1;
	}
	if (o.flags & DO_NOT_QUEUE) {
		leave(m, name, o.client);
		return 3;
	}
	if (o.flags & REPLACE) {
		/* It will be the next. */
		leave(m, name, o.client);
		enter(m, name, 1, o);
	} else if (at > 0) {
		m->names[name].queue[at] = o;
	} else {
		enter(m, name, m->names[name].n, o);
	}
	return 2;
}

void model_request_name(struct model *m, int client, uint32_t serial, int name,
			uint32_t flags)
{
	int old = owner(m, name);
	uint32_t result;

	result = request(m, name, (struct model_owner){ client, flags });
	new_owner(m, name, old);
	answer_u(m, client, serial, result);
}

void model_release_name(struct model *m, int client, uint32_t serial, int name)
{
	int old = owner(m, name);

	if (old < 0) {
		answer_u(m, client, serial, 2);
		return;
	}
	if (place(m, name, client) < 0) {
		answer_u(m, client, serial, 3);
		return;
	}
	leave(m, name, client);
	new_owner(m, name, old);
	answer_u(m, client, serial, 1);
}

void model_get_owner(struct model *m, int client, uint32_t serial, int name)
{
	int o = owner(m, name);
	struct said s = { .error = o < 0 ? E "NameHasNoOwner" : NULL };

	if (o >= 0)
		s.args[0] = m->clients[o].name;
	answer(m, client, &s, serial);
}

void model_has_owner(struct model *m, int client, uint32_t serial, int name)
{
	answer_u(m, client, serial, owner(m, name) >= 0);
}

void model_list_queue(struct model *m, int client, uint32_t serial, int name)
{
	struct said s = { .error = owner(m, name) < 0 ? E "NameHasNoOwner" :
				   NULL };
	unsigned int i;

	for (i = 0; i < m->names[name].n; i++)
		s.args[i] = m->clients[m->names[name].queue[i].client].name;
	answer(m, client, &s, serial);
}

void model_add_match(struct model *m, int client, uint32_t serial,
		     unsigned int rule)
{
	struct said s = { 0 };

	m->clients[client].rules[rule]++;
	answer(m, client, &s, serial);
}

void model_remove_match(struct model *m, int client, uint32_t serial,
			unsigned int rule)
{
	unsigned int *n = &m->clients[client].rules[rule];
	struct said s = { .error = *n ? NULL : E "MatchRuleNotFound" };

	*n -= *n > 0;
	answer(m, client, &s, serial);
}

/* ---- messages ---- */

static void forget_call(struct model *m, unsigned int i)
{
	m->calls[i] = m->calls[--m->n_calls];
}

/* Whether @s answers a call that its receiver waits for. */
static bool is_answer(struct model *m, const struct said *s, int to)
{
	unsigned int i;

	for (i = 0; i < m->n_calls; i++) {
		const struct model_call *c = &m->calls[i];

		if (c->caller == to && c->callee == s->from &&
		    c->serial == s->reply_serial) {
			forget_call(m, i);
			return true;
		}
	}
	return false;
}

static void nobody(struct model *m, const struct said *s)
{
	bool start = !(s->flags & DBUS_FLAG_NO_AUTO_START);

	answer_error(m, s->from, s->serial,
		     start ? E "ServiceUnknown" : E "NameHasNoOwner");
}

void model_say(struct model *m, const struct said *s)
{
	bool reply = s->type == DBUS_TYPE_RETURN || s->type == DBUS_TYPE_ERROR;
	int to;

	if (!s->destination) {
		tell_all(m, s);
		return;
	}
	to = model_find(m, s->destination);
	if (to < 0) {
		nobody(m, s);
		return;
	}
	if (reply && !is_answer(m, s, to) && m->strict) {
		answer_error(m, s->from, s->serial, E "AccessDenied");
		return;
	}
	if (s->type == DBUS_TYPE_CALL && !(s->flags & DBUS_FLAG_NO_REPLY)) {
		check(m->n_calls < MODEL_CALLS);
		m->calls[m->n_calls++] = (struct model_call){
			.caller = s->from, .callee = to, .serial = s->serial,
		};
	}
	tell(m, to, s);
}

/* ---- clients ---- */

void model_init(struct model *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < MODEL_CLIENTS; i++) {
		lines_init(&m->clients[i].expected);
		m->clients[i].rules = calloc(N_RULES, sizeof(unsigned int));
		check(m->clients[i].rules);
	}
}

void model_connect(struct model *m, int client, const char *name)
{
	snprintf(m->clients[client].name, sizeof(m->clients[client].name),
		 "%s", name);
	owner_changed(m, name, -1, client);
	m->clients[client].live = true;
}

static void no_answers(struct model *m, int client)
{
	unsigned int i = 0;

	while (i < m->n_calls) {
		struct model_call c = m->calls[i];

		if (c.caller != client && c.callee != client) {
			i++;
			continue;
		}
		forget_call(m, i);
		if (c.callee == client)
			answer_error(m, c.caller, c.serial, E "NoReply");
	}
}

void model_disconnect(struct model *m, int client)
{
	int i, old;

	/* In which order names are given up nobody says. */
	m->group = ++m->groups;
	m->clients[client].live = false;
	memset(m->clients[client].rules, 0, N_RULES * sizeof(unsigned int));
	lines_free(&m->clients[client].expected);
	for (i = 0; i < MODEL_NAMES; i++) {
		old = owner(m, i);
		leave(m, i, client);
		new_owner(m, i, old);
	}
	owner_changed(m, m->clients[client].name, client, -1);
	no_answers(m, client);
	m->group = 0;
}
