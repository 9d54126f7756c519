// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"

struct bad {
	const char *text;	/* within <busconfig>, from its second line */
	const char *where;
	const char *why;
};

static const struct bad bad_rows[] = {
	{ "<what/>", "t.conf:2:1: ", "Element <what> not allowed" },
	{ "\n  <fork a='b'/>", "t.conf:3:3: ", "Attribute \"a\" is invalid" },
	{ "<fork>x</fork>", "t.conf:2:8: ", "No text content expected" },
	{ "stray<fork/>", "t.conf:2:6: ", "No text content expected" },
	{ "<user></user>", "t.conf:2:7: ", "expected to have content" },
	{ "<user> </user>", "t.conf:2:8: ", "expected to have content" },
	{ "<user><fork/></user>", "t.conf:2:7: ",
	  "<fork> not allowed inside <user>" },
	{ "<policy/>", "t.conf:2:1: ", "exactly one of" },
	{ "<policy context='default' user='root'/>", "t.conf:2:1: ",
	  "exactly one of" },
	{ "<policy context='x'/>", "t.conf:2:1: ", "not \"x\"" },
	{ "<policy at_console='x'/>", "t.conf:2:1: ", "at_console" },
	{ "<allow own='*'/>", "t.conf:2:1: ", "<allow> not allowed inside" },
	{ "<limit>1</limit>", "t.conf:2:1: ", "\"name\" attribute" },
	{ "<limit name='x'>1</limit>", "t.conf:2:18: ",
	  "There is no limit called \"x\"" },
	{ "<limit name='auth_timeout'>x</limit>", "t.conf:2:29: ",
	  "could not parse as integer" },
	{ "<limit name='auth_timeout'>1x</limit>", "t.conf:2:30: ",
	  "could not parse as integer" },
	{ "<limit name='auth_timeout'>-1</limit>", "t.conf:2:30: ",
	  "must be a positive number" },
	{ "<limit name='auth_timeout'>3000000000</limit>", "t.conf:2:38: ",
	  "too large" },
	{ "<include ignore_missing='maybe'>x</include>", "t.conf:2:1: ",
	  "\"yes\" or \"no\"" },
	{ "<apparmor mode='x'/>", "t.conf:2:1: ", "Mode attribute" },
	{ "<selinux><associate own='a.b'/></selinux>", "t.conf:2:10: ",
	  "Element <associate> must have" },
	{ "<fork>", "t.conf:2:", "mismatched tag" },
	{ "<fork a='1' a='2'/>", "t.conf:2:", "duplicate attribute" },
};

/* The same for attributes of a rule. */
static const struct bad bad_rules[] = {
	{ "", "", "must have one or more attributes" },
	{ "log='true'", "", "must have one or more attributes" },
	{ "min_fds='1'", "", "must have one or more attributes" },
	{ "what='x'", "", "Attribute \"what\" is invalid" },
	{ "send_member='M'", "", "must specify an interface or a path" },
	{ "receive_member='M'", "", "must specify an interface or a path" },
	{ "own='a' user='b'", "", "cannot be combined" },
	{ "own='a' own_prefix='b'", "", "cannot be combined" },
	{ "own='a' send_type='signal'", "", "cannot be combined" },
	{ "own='a' eavesdrop='true'", "", "cannot be combined" },
	{ "user='*' min_fds='1'", "", "cannot be combined" },
	{ "send_type='signal' receive_type='signal'", "",
	  "send and receive attributes" },
	{ "send_interface='a.b' send_error='a.b'", "", "send_error cannot" },
	{ "receive_interface='a.b' receive_error='a.b'", "",
	  "receive_error cannot" },
	{ "send_destination='a.b' send_destination_prefix='a'", "",
	  "send_destination_prefix" },
	{ "send_type='x'", "", "Bad message type \"x\"" },
	{ "receive_type='x'", "", "Bad message type \"x\"" },
	{ "eavesdrop='x'", "", "must be true or false" },
	{ "send_type='signal' eavesdrop='yes'", "", "must be true or false" },
	{ "send_requested_reply='1'", "", "must be true or false" },
	{ "receive_requested_reply='1'", "", "must be true or false" },
	{ "send_broadcast='1'", "", "must be true or false" },
	{ "send_broadcast='true' send_destination='a.b'", "",
	  "cannot match anything" },
	{ "send_type='signal' min_fds='x'", "", "must be an integer" },
	{ "send_type='signal' max_fds='-1'", "", "must be an integer" },
	{ "send_type='signal' max_fds='33554433'", "", "must be an integer" },
};

static struct config *parse(const char *text, char why[CONFIG_WHY_MAX])
{
	struct config *c = NULL;
	int err = config_parse(&c, "t.conf", text, strlen(text), why);

	assert_true(err == 0 || err == -EINVAL);
	assert_int_equal(!err, !!c);
	return c;
}

static struct config *parse_good(const char *inside)
{
	char why[CONFIG_WHY_MAX] = "", *text;
	struct config *c;

	assert_true(asprintf(&text, "<busconfig>\n%s</busconfig>", inside) > 0);
	c = parse(text, why);
	if (!c)
		fail_msg("%s: %s", inside, why);
	free(text);
	return c;
}

static void expect_bad(const char *text, const char *where, const char *what)
{
	char why[CONFIG_WHY_MAX] = "";

	if (parse(text, why))
		fail_msg("taken: %s", text);
	if (strncmp(why, where, strlen(where)) || !strstr(why, what))
		fail_msg("%s: said \"%s\", wanted \"%s...%s\"", text, why,
			 where, what);
}

static void bad_files_are_refused_with_their_place(void **state)
{
	char text[1024];
	size_t i;

	for (i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		snprintf(text, sizeof(text), "<busconfig>\n%s</busconfig>",
			 bad_rows[i].text);
		expect_bad(text, bad_rows[i].where, bad_rows[i].why);
	}
	expect_bad("", "t.conf:1:1: ", "no element found");
	expect_bad("<what/>", "t.conf:1:1: ", "at root");
	expect_bad("<busconfig/><busconfig/>", "t.conf:1:", "junk after");
}

static void bad_rules_are_refused(void **state)
{
	static const char *const elements[] = { "allow", "deny" };
	char text[1024];
	size_t i, j;

	for (i = 0; i < sizeof(bad_rules) / sizeof(bad_rules[0]); i++) {
		for (j = 0; j < 2; j++) {
			snprintf(text, sizeof(text),
				 "<busconfig><policy context='default'>\n  <%s %s/></policy></busconfig>",
				 elements[j], bad_rules[i].text);
			expect_bad(text, "t.conf:2:3: ", bad_rules[i].why);
		}
	}
}

static void connect_rules_are_the_bus_s(void **state)
{
	expect_bad("<busconfig><policy user='0'><allow user='*'/></policy></busconfig>",
		   "t.conf:1:", "cannot be per-user");
	expect_bad("<busconfig><policy group='0'><deny group='*'/></policy></busconfig>",
		   "t.conf:1:", "cannot be per-group");
}

static void everything_is_taken(void **state)
{
	struct config *c = parse_good(
		"<type> system </type><user>0</user><fork/><syslog/>"
		"<keep_umask/><allow_anonymous/><pidfile>/run/x</pidfile>"
		"<listen>unix:path=/a</listen><listen>unix:path=/b</listen>"
		"<auth>EXTERNAL</auth><servicedir>/s</servicedir>"
		"<servicedir>/t</servicedir><servicedir>/s</servicedir>"
		"<servicehelper>/h</servicehelper>"
		"<selinux><associate own='a.b' context='x_t'/></selinux>"
		"<apparmor mode='disabled'/><type>session</type>");

	assert_string_equal(c->type, "session");
	assert_string_equal(c->user, "0");
	assert_true(c->fork && c->syslog && c->keep_umask &&
		    c->allow_anonymous);
	assert_string_equal(c->pidfile, "/run/x");
	assert_int_equal(c->listen.n, 2);
	assert_string_equal(c->listen.v[1], "unix:path=/b");
	assert_int_equal(c->auth.n, 1);
	assert_int_equal(c->n_servicedirs, 2);
	assert_string_equal(c->servicedirs[1].path, "/t");
	assert_string_equal(c->servicehelper, "/h");
	assert_int_equal(c->n_associates, 1);
	assert_string_equal(c->associates[0].context, "x_t");
	assert_int_equal(c->apparmor, CONFIG_APPARMOR_DISABLED);
	config_free(c);
}

static void limits_have_their_units(void **state)
{
	struct config *c = parse_good(
		"<limit name='auth_timeout'>5</limit>"
		"<limit name='max_outgoing_bytes'>0x100000</limit>"
		"<limit name='max_names_per_connection'> 7 </limit>"
		"<limit name='max_containers'>7</limit>");
	struct limits def;

	limits_default(&def);
	assert_int_equal(c->limits.auth_timeout, 5000);
	assert_int_equal(c->limits.outgoing_bytes, 1048576);
	assert_true(c->limits.has_outgoing_bytes);
	assert_false(c->limits.has_outgoing_fds);
	assert_int_equal(c->limits.names_per_connection, 7);
	assert_int_equal(c->limits.replies_per_connection,
			 def.replies_per_connection);
	assert_true(c->limits.reply_timeout == LIMIT_NEVER);
	config_free(c);
}

static void session_service_dirs_come_from_the_environment(void **state)
{
	struct config *c;
	size_t i;
	static const struct config_servicedir want[] = {
		{ "/run/u/dbus-1/services",
		  CONFIG_DIR_STRICT | CONFIG_DIR_NO_WATCH },
		{ "/home/u/data/dbus-1/services" },
		{ "/x/dbus-1/services" },
		{ "/y/dbus-1/services" },
		{ CONFIG_DATADIR "/services" },
	};

	setenv("XDG_RUNTIME_DIR", "/run/u", 1);
	setenv("XDG_DATA_HOME", "/home/u/data", 1);
	setenv("XDG_DATA_DIRS", "/x:/y", 1);
	c = parse_good("<standard_session_servicedirs/>");
	assert_int_equal(c->n_servicedirs, 5);
	for (i = 0; i < 5; i++) {
		assert_string_equal(c->servicedirs[i].path, want[i].path);
		assert_int_equal(c->servicedirs[i].flags, want[i].flags);
	}
	config_free(c);
}

/* ---- several files ---- */

struct files {
	char dir[64];
};

static void put(const struct files *f, const char *name, const char *inside)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "<busconfig>%s</busconfig>\n", inside);
	assert_int_equal(fclose(out), 0);
}

static int set_up(void **state)
{
	struct files *f = calloc(1, sizeof(*f));
	char path[128];

	assert_non_null(f);
	*state = f;
	strcpy(f->dir, "/tmp/afbus-config-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(path, sizeof(path), "%s/d.d", f->dir);
	return mkdir(path, 0700);
}

static int tear_down(void **state)
{
	struct files *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", f->dir);
	free(f);
	return system(command);
}

static int load(const struct files *f, struct config **c,
		char why[CONFIG_WHY_MAX])
{
	char path[128];

	*c = NULL;
	why[0] = 0;
	snprintf(path, sizeof(path), "%s/main.conf", f->dir);
	return config_load(c, path, why);
}

static void what_is_included_counts_from_there(void **state)
{
	struct files *f = *state;
	char why[CONFIG_WHY_MAX];
	struct config *c;

	put(f, "main.conf", "<type>a</type><listen>1</listen>"
	    "<limit name='max_connections_per_user'>1</limit>"
	    "<include>other.conf</include>"
	    "<limit name='max_names_per_connection'>3</limit>"
	    "<listen>3</listen>");
	put(f, "other.conf", "<type>b</type><listen>2</listen><fork/>"
	    "<limit name='max_connections_per_user'>2</limit>"
	    "<limit name='max_names_per_connection'>2</limit>");
	assert_int_equal(load(f, &c, why), 0);
	assert_string_equal(c->type, "b");
	assert_true(c->fork);
	assert_int_equal(c->listen.n, 3);
	assert_string_equal(c->listen.v[1], "2");
	assert_int_equal(c->limits.connections_per_user, 2);
	assert_int_equal(c->limits.names_per_connection, 3);
	config_free(c);
}

static void what_is_missing_may_be(void **state)
{
	struct files *f = *state;
	char why[CONFIG_WHY_MAX];
	struct config *c;

	put(f, "main.conf", "<include ignore_missing='yes'>no.conf</include>"
	    "<includedir>no.d</includedir><include if_selinux_enabled='yes' "
	    "selinux_root_relative='yes' ignore_missing='yes'>x</include>");
	assert_int_equal(load(f, &c, why), 0);
	config_free(c);
	put(f, "main.conf", "<type>a</type>"
	    "<include ignore_missing='yes'>other.conf</include>");
	put(f, "other.conf", "<type>b</type><include>no.conf</include>");
	assert_int_equal(load(f, &c, why), 0);
	assert_string_equal(c->type, "a");
	config_free(c);
	put(f, "main.conf", "<include>no.conf</include>");
	assert_int_equal(load(f, &c, why), -ENOENT);
	assert_non_null(strstr(why, "/no.conf\": No such file"));
}

static void errors_are_where_they_are(void **state)
{
	struct files *f = *state;
	char why[CONFIG_WHY_MAX];
	struct config *c;

	put(f, "main.conf", "<include>other.conf</include>");
	put(f, "other.conf", "\n\n<what/>");
	assert_int_equal(load(f, &c, why), -EINVAL);
	assert_non_null(strstr(why, "/other.conf:3:1: Element <what>"));
}

static void a_circle_is_noticed(void **state)
{
	struct files *f = *state;
	char why[CONFIG_WHY_MAX];
	struct config *c;

	put(f, "main.conf", "<include>other.conf</include>");
	put(f, "other.conf", "<include>main.conf</include>");
	assert_int_equal(load(f, &c, why), -ELOOP);
	assert_non_null(strstr(why, "Circular inclusion"));
}

static void a_folder_s_files_in_order_without_the_bad_ones(void **state)
{
	struct files *f = *state;
	char why[CONFIG_WHY_MAX];
	struct config *c;

	put(f, "main.conf", "<listen>0</listen><includedir>d.d</includedir>");
	put(f, "d.d/b.conf", "<listen>b</listen><user>b</user>");
	put(f, "d.d/a.conf", "<listen>a</listen><user>a</user>");
	put(f, "d.d/c.conf", "<listen>c</listen><user>c</user><what/>");
	put(f, "d.d/d.conf.bak", "<listen>d</listen>");
	assert_int_equal(load(f, &c, why), 0);
	assert_int_equal(c->listen.n, 3);
	assert_string_equal(c->listen.v[1], "a");
	assert_string_equal(c->listen.v[2], "b");
	assert_string_equal(c->user, "b");
	assert_int_equal(c->confdirs.n, 1);
	config_free(c);
}

/* What Debian's packages install. */
static void the_installed_files_load(void **state)
{
	static const char *const files[] = {
		CONFIG_SYSTEM_FILE, CONFIG_SESSION_FILE,
	};
	char why[CONFIG_WHY_MAX] = "";
	struct config *c;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (access(files[i], R_OK))
			continue;
		if (config_load(&c, files[i], why))
			fail_msg("%s", why);
		assert_string_equal(c->type, i ? "session" : "system");
		assert_int_equal(policy_set_is_open(c->policy), i);
		assert_int_equal(c->listen.n, 1);
		config_free(c);
	}
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files_are_refused_with_their_place),
		cmocka_unit_test(bad_rules_are_refused),
		cmocka_unit_test(connect_rules_are_the_bus_s),
		cmocka_unit_test(everything_is_taken),
		cmocka_unit_test(limits_have_their_units),
		cmocka_unit_test(session_service_dirs_come_from_the_environment),
		WITH_FILES(what_is_included_counts_from_there),
		WITH_FILES(what_is_missing_may_be),
		WITH_FILES(errors_are_where_they_are),
		WITH_FILES(a_circle_is_noticed),
		WITH_FILES(a_folder_s_files_in_order_without_the_bad_ones),
		cmocka_unit_test(the_installed_files_load),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
