// SPDX-License-Identifier: LGPL-2.1-or-later
/* Types nested as deep as the specification lets them ("Valid Signatures",
 * "Summary of D-Bus marshalling") go through; deeper costs only the sender. */
#include "raw.h"

/* A call of M at /o, to @to. */
struct out {
	uint8_t data[1024];
	size_t len;
};

static void put(struct out *o, const void *p, size_t n)
{
	memcpy(o->data + o->len, p, n);
	o->len += n;
}

static void put_u32(struct out *o, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			 (uint8_t)(v >> 24) };

	put(o, b, 4);
}

static void align(struct out *o, size_t n)
{
	while (o->len % n)
		o->data[o->len++] = 0;
}

static void put_signature(struct out *o, const char *s, size_t n)
{
	uint8_t len = (uint8_t)n;

	put(o, &len, 1);
	put(o, s, n);
	put(o, "", 1);
}

static void field(struct out *o, uint8_t code, const char *type)
{
	align(o, 8);
	put(o, &code, 1);
	put_signature(o, type, strlen(type));
}

static void put_string(struct out *o, const char *s)
{
	align(o, 4);
	put_u32(o, (uint32_t)strlen(s));
	put(o, s, strlen(s) + 1);
}

static void begin(struct out *o, const char *to, uint32_t body_len)
{
	static const uint8_t fixed[4] = { 'l', DBUS_TYPE_CALL,
					  DBUS_FLAG_NO_REPLY, 1 };

	o->len = 0;
	put(o, fixed, 4);
	put_u32(o, body_len);
	put_u32(o, 7);			/* serial */
	put_u32(o, 0);			/* length of the fields, see end() */
	field(o, DBUS_FIELD_PATH, "o");
	put_string(o, "/o");
	field(o, DBUS_FIELD_MEMBER, "s");
	put_string(o, "M");
	field(o, DBUS_FIELD_DESTINATION, "s");
	put_string(o, to);
}

static void end(struct out *o)
{
	uint32_t n = (uint32_t)o->len - 16;

	memcpy(o->data + 12, &n, 4);	/* tests run on little endian */
	align(o, 8);
}

/* Arrays of arrays of bytes; the outermost is empty. */
static void arrays(struct out *o, const char *to, unsigned int depth)
{
	char signature[256];

	memset(signature, 'a', depth);
	signature[depth] = 'y';
	begin(o, to, 4);
	field(o, DBUS_FIELD_SIGNATURE, "g");
	put_signature(o, signature, depth + 1);
	end(o);
	put_u32(o, 0);
}

/* Structures of structures of a byte. */
static void structs(struct out *o, const char *to, unsigned int depth)
{
	char signature[256];

	memset(signature, '(', depth);
	signature[depth] = 'y';
	memset(signature + depth + 1, ')', depth);
	begin(o, to, 1);
	field(o, DBUS_FIELD_SIGNATURE, "g");
	put_signature(o, signature, 2 * depth + 1);
	end(o);
	put(o, "x", 1);
}

/* A field that nobody knows, of variants in variants. */
static void variants(struct out *o, const char *to, unsigned int depth)
{
	begin(o, to, 0);
	field(o, 77, "v");
	while (depth--)
		put_signature(o, depth ? "v" : "y", 1);
	put(o, "x", 1);
	end(o);
}

static const struct {
	const char *what;
	void (*build)(struct out *o, const char *to, unsigned int depth);
	unsigned int most, more;
} cases[] = {
	{ "arrays", arrays, 32, 33 },
	{ "structures", structs, 32, 33 },
	{ "variants", variants, 50, 100 },
};

int main(void)
{
	struct raw *victim = raw_open(false), *c;
	struct out o;
	struct msg m;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "%s\n", cases[i].what);
		c = raw_open(false);
		cases[i].build(&o, victim->name, cases[i].most);
		raw_write(c, o.data, o.len, NULL, 0);
		raw_recv_member(victim, &m, "M");
		msg_free(&m);
		cases[i].build(&o, victim->name, cases[i].more);
		raw_write(c, o.data, o.len, NULL, 0);
		raw_expect_eof(c);
		raw_close(c);
		raw_ping(victim);
	}
	raw_expect_silence(victim, 50);
	raw_close(victim);
	return 0;
}
