// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * afbus status: what a bus says of itself, as an ordinary client asks it
 * (interface org.afbus.Status1 of the driver).
 */
#include "tools/command.h"
#include "tools/proc.h"
#include "tools/status.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define STATUS "org.afbus.Status1"

/* One a{sv}: what is shown of it is looked up by key. */
struct value {
	char *key;
	char *text;		/* printable */
	bool number;
};

struct dict {
	struct value *v;
	size_t n;
};

static void dict_free(struct dict *d)
{
	while (d->n) {
		free(d->v[--d->n].key);
		free(d->v[d->n].text);
	}
	free(d->v);
	memset(d, 0, sizeof(*d));
}

static const char *get(const struct dict *d, const char *key)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!strcmp(d->v[i].key, key))
			return d->v[i].text;
	return "-";
}

static int add(struct dict *d, const char *key, char *text, bool number)
{
	struct value *v;

	if (!text)
		return -ENOMEM;
	v = realloc(d->v, (d->n + 1) * sizeof(*v));
	if (!v) {
		free(text);
		return -ENOMEM;
	}
	d->v = v;
	v[d->n] = (struct value){ strdup(key), text, number };
	if (!v[d->n].key) {
		free(text);
		return -ENOMEM;
	}
	d->n++;
	return 0;
}

static char *join(char **list)
{
	size_t len = 1;
	char **s, *out;

	for (s = list; s && *s; s++)
		len += strlen(*s) + 1;
	out = calloc(1, len);
	for (s = list; out && s && *s; s++) {
		if (*out)
			strcat(out, ",");
		strcat(out, *s);
	}
	return out;
}

static char *decimal(uint64_t v)
{
	char *s;

	return asprintf(&s, "%" PRIu64, v) < 0 ? NULL : s;
}

static int read_list(sd_bus_message *m, struct dict *d, const char *key)
{
	char **list = NULL, **s, *text;
	int r = sd_bus_message_read_strv(m, &list);

	if (r < 0)
		return r;
	text = join(list);
	for (s = list; s && *s; s++)
		free(*s);
	free(list);
	return add(d, key, text, false);
}

/* The value inside the variant of type @type. */
static int read_value(sd_bus_message *m, struct dict *d, const char *key,
		      const char *type)
{
	const char *s;
	uint64_t t;
	uint32_t u;
	int r;

	switch (*type) {
	case 't':
		r = sd_bus_message_read(m, "t", &t);
		return r < 0 ? r : add(d, key, decimal(t), true);
	case 'u':
		r = sd_bus_message_read(m, "u", &u);
		return r < 0 ? r : add(d, key, decimal(u), true);
	case 's':
		r = sd_bus_message_read(m, "s", &s);
		return r < 0 ? r : add(d, key, strdup(s), false);
	case 'a':
		if (!strcmp(type, "as"))
			return read_list(m, d, key);
	}
	return sd_bus_message_skip(m, type);
}

static int read_entry(sd_bus_message *m, struct dict *d)
{
	const char *key, *type;
	char kind;
	int r;

	r = sd_bus_message_read(m, "s", &key);
	if (r < 0)
		return r;
	r = sd_bus_message_peek_type(m, &kind, &type);
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(m, 'v', type);
	if (r < 0)
		return r;
	r = read_value(m, d, key, type);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_dict(sd_bus_message *m, struct dict *d)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_entry(m, d);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* ---- output ---- */

void json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void json_dict(const struct dict *d)
{
	size_t i;

	putchar('{');
	for (i = 0; i < d->n; i++) {
		if (i)
			putchar(',');
		json_string(d->v[i].key);
		putchar(':');
		if (d->v[i].number)
			fputs(d->v[i].text, stdout);
		else
			json_string(d->v[i].text);
	}
	putchar('}');
}

static const struct {
	const char *key, *text;
} bus_lines[] = {
	{ "unicast_msgs", "messages peer to peer" },
	{ "unicast_bytes", "  bytes" },
	{ "broadcast_msgs", "broadcasts" },
	{ "broadcast_copies", "  copies delivered" },
	{ "master_driver", "to the daemon: for the driver" },
	{ "master_unknown", "  for names nobody has" },
	{ "master_inactive", "  before Hello" },
	{ "from_master", "from the daemon" },
	{ "held", "waits for a receiver's room" },
	{ "refused", "refused" },
	{ "evicted", "connections ended by the switch" },
	{ "ports", "ports" },
	{ "names", "well-known names" },
	{ "matches", "match rules" },
};

/* A daemon that knows of none is one from before there were any. */
static void show_takeovers(const struct dict *b)
{
	const char *n = get(b, "Takeovers"), *last = get(b, "LastOutageUSec");

	if (!strcmp(n, "-") || !strcmp(n, "0"))
		return;
	printf("  taken over %s times, the last time after %s us without a daemon\n",
	       n, strcmp(last, "0") ? last : "?");
}

static void show_bus(const struct dict *b)
{
	size_t i;

	printf("bus %s\n  switch %s, daemon pid %s, guid %s\n",
	       get(b, "Address"), get(b, "Switch"), get(b, "ProcessID"),
	       get(b, "Guid"));
	show_takeovers(b);
	for (i = 0; i < sizeof(bus_lines) / sizeof(bus_lines[0]); i++)
		printf("  %-32s %12s\n", bus_lines[i].text,
		       get(b, bus_lines[i].key));
}

static const struct {
	const char *key, *head;
	int width;		/* negative: flush left */
} columns[] = {
	{ "UniqueName", "port", -8 },
	{ "ProcessID", "pid", 7 },
	{ "UserID", "uid", 6 },
	{ "Program", "program", -16 },
	{ "queue_bytes", "queue", 9 },
	{ "sent_msgs", "sent", 9 },
	{ "sent_bytes", "bytes", 11 },
	{ "received_msgs", "received", 9 },
	{ "received_bytes", "bytes", 11 },
	{ "master_msgs", "daemon", 7 },
	{ "held", "waits", 6 },
	{ "refused", "refused", 8 },
	{ "matches", "rules", 6 },
	{ "Names", "names", 0 },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void show_port(const struct dict *p)
{
	size_t i;

	for (i = 0; i < N_COLUMNS; i++)
		printf("%s%*s", i ? " " : "", columns[i].width,
		       p ? get(p, columns[i].key) : columns[i].head);
	putchar('\n');
}

/* ---- asking ---- */

struct options {
	const char *address;
	const char *kernel;	/* the file, if that is to be shown */
	bool system, json;
};

static int complain(const char *what, int err)
{
	fprintf(stderr, "afbus status: %s: %s\n", what, strerror(-err));
	return 1;
}

static int connect_bus(const struct options *o, sd_bus **bus)
{
	int r;

	if (!o->address)
		return o->system ? sd_bus_open_system(bus) :
				   sd_bus_open_user(bus);
	r = sd_bus_new(bus);
	if (r >= 0)
		r = sd_bus_set_address(*bus, o->address);
	if (r >= 0)
		r = sd_bus_set_bus_client(*bus, 1);
	return r < 0 ? r : sd_bus_start(*bus);
}

static int ask(sd_bus *bus, const char *method, sd_bus_message **reply)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_call_method(bus, DRIVER, DRIVER_PATH, STATUS, method, &e,
			       reply, "");
	if (r < 0)
		fprintf(stderr, "afbus status: %s\n",
			sd_bus_error_has_name(&e, SD_BUS_ERROR_UNKNOWN_METHOD) ||
			sd_bus_error_has_name(&e, SD_BUS_ERROR_UNKNOWN_INTERFACE) ?
			"this bus is not run by afbusd" :
			e.message ? e.message : strerror(-r));
	sd_bus_error_free(&e);
	return r;
}

static int print_ports(sd_bus_message *m, bool json)
{
	struct dict d = { 0 };
	uint64_t addr;
	bool first = true;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(ta{sv})");
	while (r >= 0 &&
	       (r = sd_bus_message_enter_container(m, 'r', "ta{sv}")) > 0) {
		r = sd_bus_message_read(m, "t", &addr);
		if (r >= 0)
			r = read_dict(m, &d);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r >= 0 && json) {
			fputs(first ? "" : ",", stdout);
			json_dict(&d);
		} else if (r >= 0) {
			show_port(&d);
		}
		first = false;
		dict_free(&d);
	}
	return r;
}

static int print_all(sd_bus_message *b, sd_bus_message *p, bool json)
{
	struct dict d = { 0 };
	int r = read_dict(b, &d);

	if (r < 0)
		goto out;
	if (json) {
		fputs("{\"bus\":", stdout);
		json_dict(&d);
		fputs(",\"ports\":[", stdout);
	} else {
		show_bus(&d);
		putchar('\n');
		show_port(NULL);
	}
	r = print_ports(p, json);
	if (json)
		puts("]}");
out:
	dict_free(&d);
	return r;
}

/* What the kernel shows to everybody. */
static int show_kernel(const char *path, bool json)
{
	FILE *f = fopen(path, "re");
	int err;

	if (!f)
		return -errno;
	err = status_kernel(f, json);
	fclose(f);
	return err;
}

static int run_kernel(const struct options *o)
{
	int err = show_kernel(o->kernel, o->json);

	if (err == -ENOENT && !strcmp(o->kernel, PROC_NET_BUS)) {
		fprintf(stderr, "afbus status: no " PROC_NET_BUS
			": the module af_bus is not loaded\n");
		return 1;
	}
	return err ? complain(o->kernel, err) : 0;
}

static int run(const struct options *o)
{
	sd_bus_message *b = NULL, *p = NULL;
	sd_bus *bus = NULL;
	int r = connect_bus(o, &bus);

	if (r < 0) {
		sd_bus_unref(bus);
		if (!o->address && !show_kernel(PROC_NET_BUS, o->json))
			return 0;
		return complain(o->address ? o->address : "no bus to ask", r);
	}
	r = ask(bus, "GetBus", &b);
	if (r >= 0)
		r = ask(bus, "GetPorts", &p);
	if (r >= 0) {
		r = print_all(b, p, o->json);
		if (r < 0)
			complain("unexpected answer", r);
	}
	sd_bus_message_unref(b);
	sd_bus_message_unref(p);
	sd_bus_flush_close_unref(bus);
	return r < 0;
}

static void usage(FILE *f)
{
	fputs("usage: afbus status [--address=ADDRESS | --session | --system | --kernel]\n"
	      "                    [--json]\n"
	      "\n"
	      "Shows a bus run by afbusd: its switch, what was carried, and by whom. With\n"
	      "--kernel, or without a bus to ask, it shows all buses in the kernel, also\n"
	      "native ones.\n", f);
}

int cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "session", no_argument, NULL, 'u' },
		{ "system", no_argument, NULL, 's' },
		{ "kernel", optional_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "a:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'a': o.address = optarg; break;
		case 'u': o.system = false; break;
		case 's': o.system = true; break;
		case 'k': o.kernel = optarg ? optarg : PROC_NET_BUS; break;
		case 'j': o.json = true; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "afbus status: unexpected argument '%s'\n",
			argv[optind]);
		return EXIT_USAGE;
	}
	return o.kernel ? run_kernel(&o) : run(&o);
}
