// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writes the seeds of the fuzz targets: messages that GLib marshalled, in
 * both byte orders, and rules and names as programs use them.
 *
 *	make_corpus tests/fuzz/corpus
 */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define DRIVER "org.freedesktop.DBus"

struct message {
	GDBusMessageType type;
	const char *path, *interface, *member, *error, *to, *from;
	const char *body;	/* GVariant text */
};

static const struct message messages[] = {
	{ G_DBUS_MESSAGE_TYPE_METHOD_CALL, "/org/freedesktop/DBus", DRIVER,
	  "Hello", NULL, DRIVER, NULL, NULL },
	{ G_DBUS_MESSAGE_TYPE_METHOD_CALL, "/org/freedesktop/DBus", DRIVER,
	  "RequestName", NULL, DRIVER, ":1.3", "('org.example.Name', @u 4)" },
	{ G_DBUS_MESSAGE_TYPE_METHOD_CALL, "/", NULL, "Ping", NULL, ":1.42",
	  NULL, NULL },
	{ G_DBUS_MESSAGE_TYPE_METHOD_CALL, "/org/example/Object", PROPERTIES,
	  "Set", NULL, "org.example.Name", ":1.9",
	  "('org.example.I', 'Prop', <[('a', <@y 1>), ('b', <'x'>)]>)" },
	{ G_DBUS_MESSAGE_TYPE_METHOD_RETURN, NULL, NULL, NULL, NULL, ":1.3",
	  DRIVER, "(@u 1,)" },
	{ G_DBUS_MESSAGE_TYPE_METHOD_RETURN, NULL, NULL, NULL, NULL, ":1.9",
	  ":1.42", "([{'k': <[1.5, 2.5]>, 'l': <(@n 1, @x 2)>}],)" },
	{ G_DBUS_MESSAGE_TYPE_ERROR, NULL, NULL, NULL,
	  "org.freedesktop.DBus.Error.UnknownMethod", ":1.9", NULL,
	  "('No such method',)" },
	{ G_DBUS_MESSAGE_TYPE_SIGNAL, "/org/freedesktop/DBus", DRIVER,
	  "NameOwnerChanged", NULL, NULL, DRIVER,
	  "('org.example.Name', '', ':1.42')" },
	{ G_DBUS_MESSAGE_TYPE_SIGNAL, "/org/example/Object", PROPERTIES,
	  "PropertiesChanged", NULL, NULL, ":1.42",
	  "('org.example.I', {'A': <@b true>, 'B': <'text'>, "
	  "'C': <{'x': <@t 7>}>}, ['D', 'E'])" },
	{ G_DBUS_MESSAGE_TYPE_SIGNAL, "/a/b", "a.b", "C", NULL, ":1.5", NULL,
	  "(objectpath '/a/b/c', signature 'a{sv}', @as [], @a(tt) [], "
	  "<<<<@y 1>>>>, [[@q 1, 2], []], handle 0)" },
	{ G_DBUS_MESSAGE_TYPE_SIGNAL, "/a", "a.b", "C", NULL, NULL, NULL,
	  "(b'bytes', 'h\303\251', ((((@i 1, ''),),),), @ab [true, false], "
	  "@ad [0.5], @a{ys} {1: 'x'})" },
};

static const char * const rules[] = {
	"", "type='signal'", "type='signal',sender='org.freedesktop.DBus',"
	"interface='org.freedesktop.DBus',member='NameOwnerChanged',"
	"path='/org/freedesktop/DBus',arg0='org.example.Name'",
	"eavesdrop='true'", "type='method_call',destination=':1.42',"
	"eavesdrop=true", "path_namespace='/org/example'",
	"arg0namespace='org.example'", "arg0path='/a/b/',arg1='a{sv}'",
	"type='signal', interface='org.freedesktop.DBus.Properties',"
	"arg0='org.example.I',", "arg0='it'\\''s',arg63path='/',arg2=\\',"
	"member='M'", "sender=':1.5',arg1='h\303\251'", " type ='error'",
};

/* Rules that a message matches, or almost; fuzz_rules.c tells who has which
 * name. */
static const struct {
	guint message;
	const char *rule;
} matching[] = {
	{ 3, "eavesdrop=true,destination='c.d',member='Set'" },
	{ 3, "eavesdrop='true',type='method_call',arg1='Prop'" },
	{ 7, "type=signal,path='/org/freedesktop/DBus',arg0='org.example.Name',"
	  "arg1=,arg2=':1.42'" },
	{ 7, "interface='org.freedesktop.DBus',arg0namespace='org.example'" },
	{ 8, "path_namespace='/org',sender='a.b',member=PropertiesChanged" },
	{ 8, "arg0='org.example'\\'" },
	{ 9, "eavesdrop=true,path_namespace='/a/b',arg0path='/a/'" },
	{ 9, "eavesdrop=true,path='/a/b',interface='a.b',member='C',"
	  "arg0path='/a/b/c'" },
	{ 9, "eavesdrop=true,arg0path='/a/b'" },
	{ 9, "eavesdrop=true,arg63='x',arg0path='/a/b/c/'" },
	{ 9, "arg64='x'" },
	{ 9, "eavesdrop=true,arg0='/a/b/c'" },
	{ 10, "arg1='h\303\251',path='/a'" },
};

static const char * const names[] = {
	"org.freedesktop.DBus", "a", "a.b", "a-b.c_d", ":1.1",
	":1.18446744073709551615", ":1.0", "/", "/org/freedesktop/DBus",
	"/a_1/2", "NameOwnerChanged", "_x", "a..b", ".a", "a.", "/a/", "1.a",
};

static const char *top;

static void put_file(const char *target, const char *name, GString *bytes)
{
	char *dir = g_build_filename(top, target, NULL);
	char *path = g_build_filename(dir, name, NULL);
	GError *e = NULL;

	g_mkdir_with_parents(dir, 0755);
	if (!g_file_set_contents(path, bytes->str, (gssize)bytes->len, &e))
		g_error("%s", e->message);
	g_free(path);
	g_free(dir);
}

static GDBusMessage *make(const struct message *t)
{
	GDBusMessage *m = g_dbus_message_new();

	g_dbus_message_set_message_type(m, t->type);
	g_dbus_message_set_serial(m, 7);
	if (t->path)
		g_dbus_message_set_path(m, t->path);
	if (t->interface)
		g_dbus_message_set_interface(m, t->interface);
	if (t->member)
		g_dbus_message_set_member(m, t->member);
	if (t->error)
		g_dbus_message_set_error_name(m, t->error);
	if (t->to)
		g_dbus_message_set_destination(m, t->to);
	if (t->from)
		g_dbus_message_set_sender(m, t->from);
	if (t->type == G_DBUS_MESSAGE_TYPE_ERROR ||
	    t->type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
		g_dbus_message_set_reply_serial(m, 3);
	if (t->body)
		g_dbus_message_set_body(m, g_variant_new_parsed(t->body));
	return m;
}

/* The value alone: byte order, signature, what is behind the header. */
static void put_wire(const char *name, GDBusMessage *m, GString *blob,
		     gboolean big)
{
	const char *sig = g_dbus_message_get_signature(m);
	gsize body = blob->len;
	GVariant *v = g_dbus_message_get_body(m);
	GString *s = g_string_new(NULL);
	const guint8 *b = (const guint8 *)blob->str;
	guint32 len;

	if (!v)
		return;
	memcpy(&len, b + 4, 4);
	body -= big ? GUINT32_FROM_BE(len) : GUINT32_FROM_LE(len);
	/* One struct, which is laid out as its members are. */
	g_string_append_c(s, big ? 1 : 0);
	g_string_append_c(s, (char)(strlen(sig) + 2));
	g_string_append_printf(s, "(%s)", sig);
	g_string_append_len(s, blob->str + body, (gssize)(blob->len - body));
	put_file("wire", name, s);
	g_string_free(s, TRUE);
}

/* The message behind all rules. */
static void put_index(const char *name, const guchar *blob, gsize len)
{
	GString *s = g_string_new(NULL);
	guint r;

	g_string_append_c(s, (char)G_N_ELEMENTS(rules));
	for (r = 0; r < G_N_ELEMENTS(rules); r++) {
		g_string_append(s, rules[r]);
		g_string_append_c(s, '\0');
	}
	g_string_append_len(s, (const char *)blob, (gssize)len);
	put_file("match_index", name, s);
	g_string_free(s, TRUE);
}

static void put_message(guint i, gboolean big)
{
	GDBusMessage *m = make(&messages[i]);
	GError *e = NULL;
	GString *s = g_string_new(NULL);
	char name[64];
	guchar *blob;
	gsize len;
	guint r;

	g_dbus_message_set_byte_order(m, big ?
				      G_DBUS_MESSAGE_BYTE_ORDER_BIG_ENDIAN :
				      G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);
	blob = g_dbus_message_to_blob(m, &len,
				      G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING,
				      &e);
	if (!blob)
		g_error("%s", e->message);
	g_string_append_len(s, (char *)blob, (gssize)len);
	g_snprintf(name, sizeof(name), "message-%02u-%s", i,
		   big ? "big" : "little");
	put_file("header", name, s);
	put_file("reference", name, s);
	put_wire(name, m, s, big);
	put_index(name, blob, len);

	/* Every rule once, each message with some. */
	for (r = 0; r < G_N_ELEMENTS(rules); r++) {
		if ((r + i) % 4 || (guint)big != r % 2)
			continue;
		g_string_assign(s, rules[r]);
		g_string_append_c(s, '\0');
		g_string_append_len(s, (char *)blob, (gssize)len);
		g_snprintf(name, sizeof(name), "rule-%02u-message-%02u", r, i);
		put_file("match", name, s);
	}
	for (r = 0; r < G_N_ELEMENTS(matching); r++) {
		if (matching[r].message != i || (guint)big != r % 2)
			continue;
		g_string_assign(s, matching[r].rule);
		g_string_append_c(s, '\0');
		g_string_append_len(s, (char *)blob, (gssize)len);
		g_snprintf(name, sizeof(name), "matching-%02u", r);
		put_file("rules", name, s);
	}
	g_string_free(s, TRUE);
	g_free(blob);
	g_object_unref(m);
}

int main(int argc, char **argv)
{
	guint i;

	if (argc != 2)
		g_error("usage: make_corpus FOLDER");
	top = argv[1];
	for (i = 0; i < G_N_ELEMENTS(messages); i++) {
		put_message(i, FALSE);
		put_message(i, TRUE);
	}
	for (i = 0; i < G_N_ELEMENTS(names); i++) {
		GString *s = g_string_new(names[i]);
		char name[32];

		g_snprintf(name, sizeof(name), "name-%02u", i);
		put_file("names", name, s);
		g_string_free(s, TRUE);
	}
	return 0;
}
