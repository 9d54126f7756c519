// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/service_file.h"

static int parse(struct service_file *f, const char *text, unsigned int *line)
{
	const char *why = NULL;
	int err = service_file_parse(f, text, strlen(text), &why, line);

	if (err)
		assert_non_null(why);
	return err;
}

static void whole(void **state)
{
	static const char text[] =
		"# a comment\n"
		"\n"
		"[Other]\nName=x.y\n"
		"[D-BUS Service]\r\n"
		"Name = a.b\r\n"
		"Name=c.d\n"
		"Exec=/bin/x\\s1\\t\\\\ \n"
		"Exec[de]=/bin/y \\q\n"
		"User=root\n"
		"SystemdService=x.service\n"
		"Unknown=1\n"
		"[D-BUS Service]\n"
		"Name=e.f";
	struct service_file f;
	unsigned int line;

	assert_int_equal(parse(&f, text, &line), 0);
	assert_string_equal(f.name, "a.b");
	assert_string_equal(f.exec, "/bin/x 1\t\\ ");
	assert_string_equal(f.user, "root");
	assert_string_equal(f.unit, "x.service");
	service_file_done(&f);
	assert_null(f.name);
}

static void least(void **state)
{
	struct service_file f;
	unsigned int line;

	assert_int_equal(parse(&f, "[D-BUS Service]\nName=a.b\nExec=", &line),
			 0);
	assert_string_equal(f.exec, "");
	assert_null(f.user);
	assert_null(f.unit);
	service_file_done(&f);
}

#define HEAD "[D-BUS Service]\nName=a.b\nExec=x\n"

static void refused(void **state)
{
	static const struct { const char *text; unsigned int line; } bad[] = {
		{ "", 0 },
		{ "[Other]\nName=a.b\nExec=x\n", 0 },
		{ "Name=a.b\n" HEAD, 1 },
		{ "[D-BUS Service]\nExec=x\n", 0 },
		{ "[D-BUS Service]\nName=a.b\n", 0 },
		{ "[D-BUS Service]\nName=ab\nExec=x\n", 0 },
		{ "[D-BUS Service]\nName=:1.2\nExec=x\n", 0 },
		{ "[D-BUS Service\nName=a.b\nExec=x\n", 1 },
		{ "[]\n", 1 },
		{ "[a[b]\n", 1 },
		{ "[a\tb]\n", 1 },
		{ HEAD "nothing\n", 4 },
		{ HEAD "a b=c\n", 4 },
		{ HEAD "=c\n", 4 },
		{ HEAD "x=\\q\n", 4 },
		{ HEAD "x=\\", 4 },
		{ HEAD "x=\xff\n", 0 },
	};
	struct service_file f;
	unsigned int line;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(&f, bad[i].text, &line), -EINVAL);
		assert_int_equal(line, bad[i].line);
		assert_null(f.name);
	}
}

static void too_large(void **state)
{
	char *text = malloc(SERVICE_FILE_MAX + 1);
	struct service_file f;
	const char *why;
	unsigned int line;

	memset(text, '\n', SERVICE_FILE_MAX + 1);
	memcpy(text, HEAD, strlen(HEAD));
	assert_int_equal(service_file_parse(&f, text, SERVICE_FILE_MAX + 1,
					    &why, &line), -EINVAL);
	assert_int_equal(service_file_parse(&f, text, SERVICE_FILE_MAX, &why,
					    &line), 0);
	service_file_done(&f);
	free(text);
}

static void words(void **state)
{
	static const struct { const char *text; const char *words[5]; } good[] = {
		{ "a", { "a" } },
		{ " a\tb\nc ", { "a", "b", "c" } },
		{ "a 'b c' d", { "a", "b c", "d" } },
		{ "a'b'\"c\"d", { "abcd" } },
		{ "'' \"\"", { "", "" } },
		{ "'a\\b\"'", { "a\\b\"" } },
		{ "\"a\\\"b\\\\c\\d\\`\\$\"", { "a\"b\\c\\d`$" } },
		{ "\"a\\\nb\"", { "a\nb" } },
		{ "a\\ b \\'c\\\"", { "a b", "'c\"" } },
		{ "a\\\nb", { "ab" } },
		{ "a # b c\nd", { "a", "d" } },
		{ "a$HOME ~ *", { "a$HOME", "~", "*" } },
	};
	const char *why;
	char **v;
	size_t i, n;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(service_words(&v, good[i].text, &why), 0);
		for (n = 0; good[i].words[n]; n++) {
			assert_non_null(v[n]);
			assert_string_equal(v[n], good[i].words[n]);
		}
		assert_null(v[n]);
		service_words_free(v);
	}
}

static void no_words(void **state)
{
	static const char * const bad[] = {
		"", " ", "# x", "'a", "\"a", "a\\", "\"a\\\"", "a 'b\" c",
	};
	const char *why;
	char **v;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		assert_int_equal(service_words(&v, bad[i], &why), -EINVAL);
		assert_non_null(why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(least),
		cmocka_unit_test(refused),
		cmocka_unit_test(too_large),
		cmocka_unit_test(words),
		cmocka_unit_test(no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
