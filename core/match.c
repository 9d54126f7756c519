/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The grammar is the reference implementation's, not what one would guess:
 *
 *	rule  = *( key "=" value "," ), the last comma may be missing
 *	key   = may have white space before and behind it
 *	value = may not: white space belongs to it
 *
 * Outside apostrophes, backslash-apostrophe is an apostrophe and any other
 * backslash itself, but then also takes the next byte as it is. Between
 * apostrophes every byte is itself. Quoted and bare pieces may alternate.
 *
 * Where the reference differs from this by accident (it reads argument
 * numbers with a C base prefix, ends the rule at an empty key, and drops
 * what follows the sixteenth key), a rule that would be misread is refused
 * here, or understood as it is written.
 */
#include "core/match.h"

/* A value while it is read; nothing is written when out is NULL. */
struct token {
	const char *key;
	size_t key_len;
	char *out;
	size_t len;
};

struct reader {
	const char *p;
	const char *end;
	const char *why;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && is_space(*r->p))
		r->p++;
}

static int refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

/* 1: a key was read, 0: the end, or -EINVAL. */
static int read_key(struct reader *r, struct token *t)
{
	skip_space(r);
	t->key = r->p;
	while (r->p < r->end && *r->p != '=' && !is_space(*r->p))
		r->p++;
	t->key_len = (size_t)(r->p - t->key);
	skip_space(r);
	if (r->p == r->end && !t->key_len)
		return 0;
	if (!t->key_len)
		return refuse(r, "A key is empty");
	if (r->p == r->end || *r->p != '=')
		return refuse(r, "A key has no '=' behind it");
	r->p++;
	return 1;
}

static void put(struct token *t, char c)
{
	if (t->out)
		t->out[t->len] = c;
	t->len++;
}

static int read_value(struct reader *r, struct token *t)
{
	char state = 0;		/* or an open apostrophe, or a backslash */

	t->len = 0;
	while (r->p < r->end) {
		char c = *r->p++;

		if (!c)
			return refuse(r, "A value contains a NUL");
		if (state == '\\') {
			if (c != '\'')
				put(t, '\\');
			put(t, c);
			state = 0;
		} else if (c == '\'') {
			state ^= c;
		} else if (!state && c == '\\') {
			state = c;
		} else if (!state && c == ',') {
			return 0;
		} else {
			put(t, c);
		}
	}
	if (state == '\\')
		put(t, '\\');
	return state == '\'' ? refuse(r, "An apostrophe is not closed") : 0;
}

static int next_token(struct reader *r, struct token *t)
{
	int more = read_key(r, t);
	int err;

	if (more <= 0)
		return more;
	err = read_value(r, t);
	return err ? err : 1;
}

static bool is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(s, word, len);
}

static const char * const types[] = {
	[DBUS_TYPE_CALL] = "method_call",
	[DBUS_TYPE_RETURN] = "method_return",
	[DBUS_TYPE_ERROR] = "error",
	[DBUS_TYPE_SIGNAL] = "signal",
};

/*
 * Keys whose value is one string, and the order of the canonical text. The
 * two path keys share a place, and exclude each other.
 */
struct key {
	const char *name;
	u16 bit;
	u16 excludes;
	u16 off;		/* of the span in struct match_rule */
	bool (*ok)(const char *s, size_t len);
	const char *why;
};

#define SPAN(member) offsetof(struct match_rule, member)

static const struct key keys[] = {
	{ "sender", MATCH_SENDER, MATCH_SENDER, SPAN(sender),
	  dbus_bus_name_ok, "The sender is not a bus name" },
	{ "interface", MATCH_INTERFACE, MATCH_INTERFACE, SPAN(interface),
	  dbus_interface_ok, "The interface is not a valid name" },
	{ "member", MATCH_MEMBER, MATCH_MEMBER, SPAN(member),
	  dbus_member_ok, "The member is not a valid name" },
	{ "path", MATCH_PATH, MATCH_PATH | MATCH_PATH_NAMESPACE, SPAN(path),
	  dbus_path_ok, "The path is not a valid object path" },
	{ "path_namespace", MATCH_PATH_NAMESPACE,
	  MATCH_PATH | MATCH_PATH_NAMESPACE, SPAN(path),
	  dbus_path_ok, "The path namespace is not a valid object path" },
	{ "destination", MATCH_DESTINATION, MATCH_DESTINATION,
	  SPAN(destination),
	  dbus_bus_name_ok, "The destination is not a bus name" },
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static struct match_span *span(struct match_rule *m, const struct key *k)
{
	return (struct match_span *)((char *)m + k->off);
}

static struct dbus_str str_at(const struct match_rule *m, size_t off,
			      size_t len)
{
	return (struct dbus_str){ (const char *)m + off, (u32)len };
}

static struct dbus_str span_str(const struct match_rule *m,
				const struct key *k)
{
	const struct match_span *s;

	s = (const struct match_span *)((const char *)m + k->off);
	return str_at(m, s->off, s->len);
}

/* The handlers below return 1 when the value's bytes are to be kept. */
static int add_str(struct match_rule *m, struct reader *r,
		   const struct token *t, const struct key *k)
{
	if (m->keys & k->excludes)
		return refuse(r, "A key is given twice");
	if (!k->ok(t->out, t->len))
		return refuse(r, k->why);
	m->keys |= k->bit;
	span(m, k)->off = (u16)m->size;
	span(m, k)->len = (u16)t->len;
	return 1;
}

static int add_type(struct match_rule *m, struct reader *r,
		    const struct token *t)
{
	u8 i;

	if (m->keys & MATCH_TYPE)
		return refuse(r, "A key is given twice");
	for (i = DBUS_TYPE_CALL; i <= DBUS_TYPE_SIGNAL; i++) {
		if (!is(t->out, t->len, types[i]))
			continue;
		m->keys |= MATCH_TYPE;
		m->type = i;
		return 0;
	}
	return refuse(r, "The message type is unknown");
}

/* May be repeated, the last one counts. */
static int add_eavesdrop(struct match_rule *m, struct reader *r,
			 const struct token *t)
{
	if (is(t->out, t->len, "true"))
		m->keys |= MATCH_EAVESDROP;
	else if (is(t->out, t->len, "false"))
		m->keys &= (u16)~MATCH_EAVESDROP;
	else
		return refuse(r, "eavesdrop is neither 'true' nor 'false'");
	return 0;
}

static bool is_arg(const struct token *t)
{
	return t->key_len >= 3 && !memcmp(t->key, "arg", 3);
}

/* The number and what follows it; no leading zeroes. */
static int read_arg_key(struct match_arg *a, const struct token *t)
{
	size_t i = 3;
	u32 n = 0;

	while (i < t->key_len && i < 5 && t->key[i] >= '0' && t->key[i] <= '9')
		n = n * 10 + (u32)(t->key[i++] - '0');
	if (i == 3 || n > MATCH_MAX_ARG || (i == 5 && t->key[3] == '0'))
		return -EINVAL;
	a->index = (u8)n;
	if (i == t->key_len)
		a->kind = MATCH_ARG_STRING;
	else if (is(t->key + i, t->key_len - i, "path"))
		a->kind = MATCH_ARG_PATH;
	else if (!n && is(t->key + i, t->key_len - i, "namespace"))
		a->kind = MATCH_ARG_NAMESPACE;
	else
		return -EINVAL;
	return 0;
}

static int add_arg(struct match_rule *m, struct reader *r,
		   const struct token *t)
{
	struct match_arg a = { .off = (u16)m->size, .len = (u16)t->len };
	u8 i;

	if (read_arg_key(&a, t))
		return refuse(r, "An argument key is not of the known forms");
	if (a.kind == MATCH_ARG_NAMESPACE &&
	    !dbus_name_namespace_ok(t->out, t->len))
		return refuse(r, "arg0namespace is not a prefix of names");

	for (i = m->n_args; i && m->args[i - 1].index > a.index; i--)
		;
	if (i && m->args[i - 1].index == a.index)
		return refuse(r, "An argument is matched twice");
	memmove(&m->args[i + 1], &m->args[i], (m->n_args - i) * sizeof(a));
	m->args[i] = a;
	m->n_args++;
	return 1;
}

static int add_token(struct match_rule *m, struct reader *r,
		     const struct token *t)
{
	size_t i;

	if (is(t->key, t->key_len, "type"))
		return add_type(m, r, t);
	if (is(t->key, t->key_len, "eavesdrop"))
		return add_eavesdrop(m, r, t);
	if (is_arg(t))
		return add_arg(m, r, t);
	for (i = 0; i < N_KEYS; i++)
		if (is(t->key, t->key_len, keys[i].name))
			return add_str(m, r, t, &keys[i]);
	return refuse(r, "A key is unknown");
}

/*
 * First pass: the form alone, and how much room the second needs. Values of
 * "type" and the like count too, for they are written before they are known.
 */
static int measure(struct reader *r, size_t *args, size_t *bytes)
{
	struct token t = { .out = NULL };
	int more;

	*args = 0;
	*bytes = 0;
	while ((more = next_token(r, &t)) > 0) {
		*args += is_arg(&t);
		*bytes += t.len;
	}
	if (!more && *args > MATCH_MAX_ARG + 1)
		return refuse(r, "An argument is matched twice");
	return more;
}

static int fill(struct match_rule *m, struct reader *r)
{
	int more;

	for (;;) {
		struct token t = { .out = (char *)m + m->size };

		more = next_token(r, &t);
		if (more <= 0)
			return more;
		more = add_token(m, r, &t);
		if (more < 0)
			return more;
		if (more)
			m->size += (u32)t.len;
	}
}

int match_rule_parse(struct match_rule *mem, size_t size,
		     const char *text, size_t len, const char **why)
{
	struct reader r = { .p = text, .end = text + len };
	size_t args, bytes, strings;
	int err;

	if (len > MATCH_MAX_TEXT)
		return -EMSGSIZE;
	err = measure(&r, &args, &bytes);
	if (!err) {
		strings = sizeof(*mem) + args * sizeof(struct match_arg);
		if (strings + bytes > size)
			return -ENOSPC;
		memset(mem, 0, strings);
		mem->size = (u32)strings;
		r.p = text;
		err = fill(mem, &r);
	}
	if (err && why)
		*why = r.why;
	return err;
}

static bool same_str(struct dbus_str a, struct dbus_str b)
{
	return dbus_str_eq(a, b.s, b.len);
}

bool match_rule_equal(const struct match_rule *a, const struct match_rule *b)
{
	size_t i;

	if (a->keys != b->keys || a->type != b->type || a->n_args != b->n_args)
		return false;
	for (i = 0; i < N_KEYS; i++)
		if (!same_str(span_str(a, &keys[i]), span_str(b, &keys[i])))
			return false;
	for (i = 0; i < a->n_args; i++) {
		const struct match_arg *x = &a->args[i], *y = &b->args[i];

		if (x->index != y->index || x->kind != y->kind ||
		    !same_str(str_at(a, x->off, x->len),
			      str_at(b, y->off, y->len)))
			return false;
	}
	return true;
}

/* Text that may be longer than the room for it. */
struct text {
	char *out;
	size_t size;
	size_t len;
};

static void add_bytes(struct text *t, const char *s, size_t len)
{
	size_t room = t->len < t->size ? t->size - t->len : 0;

	if (room)
		memcpy(t->out + t->len, s, len < room ? len : room);
	t->len += len;
}

static void add_word(struct text *t, const char *s)
{
	add_bytes(t, s, strlen(s));
}

/* Bytes that every reader of rules takes as they are without quotes. */
static bool bare_ok(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] == ',' || s[i] == '\\')
			return false;
	return true;
}

/* Pieces between apostrophes, each quoted only if it must be. */
static void add_value(struct text *t, struct dbus_str v)
{
	size_t i, start = 0;

	for (i = 0; i <= v.len; i++) {
		bool bare;

		if (i < v.len && v.s[i] != '\'')
			continue;
		bare = bare_ok(v.s + start, i - start);
		add_word(t, bare ? "" : "'");
		add_bytes(t, v.s + start, i - start);
		add_word(t, bare ? "" : "'");
		if (i < v.len)
			add_word(t, "\\'");
		start = i + 1;
	}
}

static void add_pair(struct text *t, const char *key, struct dbus_str v)
{
	if (t->len)
		add_word(t, ",");
	add_word(t, key);
	add_word(t, "=");
	add_value(t, v);
}

static void add_arg_pair(struct text *t, const struct match_rule *m,
			 const struct match_arg *a)
{
	static const char * const suffix[] = {
		[MATCH_ARG_STRING] = "",
		[MATCH_ARG_PATH] = "path",
		[MATCH_ARG_NAMESPACE] = "namespace",
	};
	char key[sizeof("arg63namespace")] = "arg";
	size_t n = 3;

	if (a->index >= 10)
		key[n++] = (char)('0' + a->index / 10);
	key[n++] = (char)('0' + a->index % 10);
	memcpy(key + n, suffix[a->kind], strlen(suffix[a->kind]) + 1);
	add_pair(t, key, str_at(m, a->off, a->len));
}

static struct dbus_str word_str(const char *s)
{
	return (struct dbus_str){ s, (u32)strlen(s) };
}

size_t match_rule_text(const struct match_rule *r, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };
	size_t i;

	if (r->keys & MATCH_TYPE)
		add_pair(&t, "type", word_str(types[r->type]));
	for (i = 0; i < N_KEYS; i++)
		if (r->keys & keys[i].bit)
			add_pair(&t, keys[i].name, span_str(r, &keys[i]));
	if (r->keys & MATCH_EAVESDROP)
		add_pair(&t, "eavesdrop", word_str("true"));
	for (i = 0; i < r->n_args; i++)
		add_arg_pair(&t, r, &r->args[i]);
	if (size)
		out[t.len < size ? t.len : size - 1] = '\0';
	return t.len;
}

static bool arg_path(struct dbus_str want, struct dbus_str have)
{
	struct dbus_str min = want.len < have.len ? want : have;
	struct dbus_str max = want.len < have.len ? have : want;

	/* Prefix both ways, if the shorter one ends a path element. */
	if (min.len != max.len && (!min.len || min.s[min.len - 1] != '/'))
		return false;
	return !memcmp(min.s, max.s, min.len);
}

static bool arg_ok(u8 kind, struct dbus_str want, struct dbus_str have)
{
	switch (kind) {
	case MATCH_ARG_PATH:
		return arg_path(want, have);
	case MATCH_ARG_NAMESPACE:
		return dbus_name_in_namespace(have.s, have.len,
					      want.s, want.len);
	default:
		return same_str(want, have);
	}
}

/* The arguments of a body, one after the other. */
struct args {
	struct wire w;
	struct dbus_str sig;	/* what is left of it */
	u8 index;
};

/*
 * Contents that no rule looks at are jumped over: a long array must not cost
 * its length again for each of the rules that others have.
 */
static bool go_to(struct args *a, u8 index)
{
	while (a->sig.len && a->index < index && !wire_error(&a->w)) {
		size_t n = dbus_signature_next(a->sig.s, a->sig.len);

		wire_jump(&a->w, a->sig.s, n);
		a->sig.s += n;
		a->sig.len -= (u32)n;
		a->index++;
	}
	return a->sig.len && !wire_error(&a->w);
}

static bool eval_arg(const struct match_rule *r, const struct match_arg *want,
		     struct args *a)
{
	struct dbus_str have;

	if (!go_to(a, want->index))
		return false;
	if (a->sig.s[0] != 's' &&
	    (a->sig.s[0] != 'o' || want->kind != MATCH_ARG_PATH))
		return false;
	have = wire_str_raw(&a->w);
	a->sig.s++;
	a->sig.len--;
	a->index++;
	return have.s && arg_ok(want->kind, str_at(r, want->off, want->len),
				have);
}

static bool eval_args(const struct match_rule *r, const struct match_msg *m)
{
	struct args a = { .sig = m->h->signature };
	u8 i;

	if (!m->body)
		return false;
	wire_init(&a.w, m->body, m->body_len, m->h->f.big);
	for (i = 0; i < r->n_args; i++)
		if (!eval_arg(r, &r->args[i], &a))
			return false;
	return true;
}

void match_msg_strings(const struct match_msg *m, struct dbus_str *out, u8 n)
{
	struct args a = { .sig = m->h->signature };
	u8 i;

	memset(out, 0, n * sizeof(*out));
	if (!m->body)
		return;
	wire_init(&a.w, m->body, m->body_len, m->h->f.big);
	for (i = 0; i < n && go_to(&a, i); i++) {
		struct wire at = a.w;

		if (a.sig.s[0] == 's')
			out[i] = wire_str_raw(&at);
	}
}

static bool has(const struct match_rule *r, u16 key, struct match_span want,
		struct dbus_str have)
{
	return !(r->keys & key) ||
	       dbus_str_eq(have, (const char *)r + want.off, want.len);
}

/* A unique name and the driver's have no owner but themselves. */
static bool eval_sender(const struct match_rule *r, const struct match_msg *m)
{
	struct dbus_str want = str_at(r, r->sender.off, r->sender.len);

	if (!(r->keys & MATCH_SENDER) || same_str(m->sender, want))
		return true;
	if (want.s[0] == ':' || dbus_str_eq(want, DBUS_DRIVER_NAME,
					    sizeof(DBUS_DRIVER_NAME) - 1))
		return false;
	return m->owns && m->owns(m->ctx, want.s, want.len);
}

/* Known by another of its names, the receiver is the same. */
static bool eval_destination(const struct match_rule *r,
			     const struct match_msg *m)
{
	struct dbus_str want;

	if (has(r, MATCH_DESTINATION, r->destination, m->h->destination))
		return true;
	want = str_at(r, r->destination.off, r->destination.len);
	return m->h->destination.s && m->receives &&
	       m->receives(m->ctx, want.s, want.len);
}

static bool eval_path(const struct match_rule *r, const struct match_msg *m)
{
	struct dbus_str path = m->h->path;

	if (!(r->keys & MATCH_PATH_NAMESPACE))
		return has(r, MATCH_PATH, r->path, path);
	return path.s && dbus_path_in_namespace(path.s, path.len,
						(const char *)r + r->path.off,
						r->path.len);
}

bool match_rule_eval(const struct match_rule *r, const struct match_msg *m)
{
	const struct dbus_header *h = m->h;

	/* What is not for everybody takes a rule that eavesdrops. */
	if (h->destination.s && !(r->keys & MATCH_EAVESDROP))
		return false;
	if (r->keys & MATCH_TYPE && r->type != h->f.type)
		return false;
	return has(r, MATCH_MEMBER, r->member, h->member) &&
	       has(r, MATCH_INTERFACE, r->interface, h->interface) &&
	       eval_path(r, m) &&
	       eval_destination(r, m) &&
	       eval_sender(r, m) &&
	       (!r->n_args || eval_args(r, m));
}
