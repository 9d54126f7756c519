// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The driver about itself: Introspectable and Properties, both from the
 * tables of interfaces.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/driver.h"

static const char head[] =
	"<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
	"\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n"
	"<node>\n";

static const char property_format[] =
	"    <property name=\"%s\" type=\"%s\" access=\"read\">\n"
	"      <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"const\"/>\n"
	"    </property>\n";

/* @attributes goes before the type. */
static void print_args(FILE *f, const char *sig, const char *attributes)
{
	size_t n;

	for (; *sig; sig += n) {
		n = dbus_signature_next(sig, strlen(sig));
		fprintf(f, "      <arg %stype=\"%.*s\"/>\n", attributes, (int)n,
			sig);
	}
}

static void print_signal_args(FILE *f, const struct signal *s)
{
	const char * const *name = s->names;
	const char *sig;
	size_t n;

	if (!*name) {
		print_args(f, s->args, "");
		return;
	}
	for (sig = s->args; *sig; sig += n) {
		n = dbus_signature_next(sig, strlen(sig));
		fprintf(f, "      <arg type=\"%.*s\" name=\"%s\"/>\n", (int)n,
			sig, *name++);
	}
}

static void print_methods(FILE *f, const struct method *m)
{
	for (; m && m->name; m++) {
		fprintf(f, "    <method name=\"%s\">\n", m->name);
		print_args(f, m->in, "direction=\"in\" ");
		print_args(f, m->out, "direction=\"out\" ");
		fputs("    </method>\n", f);
	}
}

static void print_properties(FILE *f, const struct property *p)
{
	for (; p && p->name; p++)
		fprintf(f, property_format, p->name, p->signature);
}

static void print_signals(FILE *f, const struct signal *s)
{
	for (; s && s->name; s++) {
		fprintf(f, "    <signal name=\"%s\">\n", s->name);
		print_signal_args(f, s);
		fputs("    </signal>\n", f);
	}
}

static void print_interface(FILE *f, const struct interface *i)
{
	fprintf(f, "  <interface name=\"%s\">\n", i->name);
	print_methods(f, i->methods);
	print_properties(f, i->properties);
	print_signals(f, i->signals);
	fputs("  </interface>\n", f);
}

/* What lies between names the driver's object in one step, as the reference
 * does; nothing else is below. */
static void print_child(FILE *f, struct dbus_str path)
{
	static const char driver[] = DBUS_DRIVER_PATH;
	size_t len = path.len == 1 ? 0 : path.len;

	if (path.len && len < strlen(driver) && driver[len] == '/' &&
	    !memcmp(path.s, driver, len ? len : 1))
		fprintf(f, "  <node name=\"%s\"/>\n", driver + len + 1);
}

static void print(FILE *f, bool canonical, struct dbus_str path)
{
	const struct interface * const *i;

	fputs(head, f);
	for (i = driver_interfaces; *i; i++)
		if (canonical || !(*i)->canonical)
			print_interface(f, *i);
	print_child(f, path);
	fputs("</node>\n", f);
}

/* malloc()ed, or NULL. */
static char *text_of(bool canonical, struct dbus_str path)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool ok;

	if (!f)
		return NULL;
	print(f, canonical, path);
	ok = !ferror(f);
	if (fclose(f) || !ok) {
		free(text);
		return NULL;
	}
	return text;
}

char *driver_introspect_text(void)
{
	return text_of(true, (struct dbus_str){ 0 });
}

static int introspect(struct call *c)
{
	char *text = text_of(call_on_canonical_path(c), c->m->h->path);

	if (!text)
		return call_failed(c, -ENOMEM);
	call_str(c, text);
	free(text);
	return 0;
}

static const struct interface *interface_arg(struct call *c)
{
	struct dbus_str name = wire_str(&c->args);
	const struct interface *i = driver_find_interface(c, name);

	if (!i)
		call_error(c, DBUS_ERROR("UnknownInterface"),
			   "Interface \"%.*s\" not found", STR(name));
	return i;
}

/* NULL with an error answered, here and above. */
static const struct property *property_arg(struct call *c,
					   const struct interface **ret)
{
	const struct interface *i = interface_arg(c);
	const struct property *p;
	struct dbus_str name;

	*ret = i;
	if (!i)
		return NULL;
	name = wire_str(&c->args);
	for (p = i->properties; p && p->name; p++)
		if (dbus_str_eq(name, p->name, strlen(p->name)))
			return p;
	call_error(c, DBUS_ERROR("UnknownProperty"),
		   "Property \"%s.%.*s\" not found", i->name, STR(name));
	return NULL;
}

static int get(struct call *c)
{
	const struct interface *i;
	const struct property *p = property_arg(c, &i);

	if (!p)
		return 0;
	call_reply(c, "v");
	msg_sig(&c->reply, p->signature);
	p->get(c);
	return 0;
}

static int get_all(struct call *c)
{
	const struct interface *i = interface_arg(c);
	const struct property *p;
	struct msg_array a;

	if (!i)
		return 0;
	call_reply(c, "a{sv}");
	a = msg_array_begin(&c->reply, 8);
	for (p = i->properties; p && p->name; p++) {
		msg_entry(&c->reply, p->name, p->signature);
		p->get(c);
	}
	msg_array_end(&c->reply, a);
	return 0;
}

static int set(struct call *c)
{
	const struct interface *i;
	const struct property *p = property_arg(c, &i);

	if (!p)
		return 0;
	return call_error(c, DBUS_ERROR("PropertyReadOnly"),
			  "Property '%s.%s' cannot be set", i->name, p->name);
}

static const struct method properties_methods[] = {
	{ "Get", "ss", "v", get },
	{ "GetAll", "s", "a{sv}", get_all },
	{ "Set", "ssv", "", set },
	{ NULL },
};

static const struct signal properties_signals[] = {
	{ "PropertiesChanged", "sa{sv}as",
	  { "interface_name", "changed_properties",
	    "invalidated_properties" } },
	{ NULL },
};

const struct interface properties_interface = {
	.name = "org.freedesktop.DBus.Properties",
	.canonical = true,
	.methods = properties_methods,
	.signals = properties_signals,
};

static const struct method introspectable_methods[] = {
	{ "Introspect", "", "s", introspect },
	{ NULL },
};

const struct interface introspectable_interface = {
	.name = "org.freedesktop.DBus.Introspectable",
	.methods = introspectable_methods,
};
