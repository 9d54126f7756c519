// SPDX-License-Identifier: LGPL-2.1-or-later
/* How afbus recv and listen show a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/native.h"

static void shows(const struct afbus_msg *m, enum format format,
		  const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	print_msg(f, m, format);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static struct afbus_msg of(const char *data, size_t len)
{
	return (struct afbus_msg){
		.data = (void *)data, .len = len, .size = len,
		.from = 3, .to = AFBUS_GROUP(7), .seq = 12,
	};
}

static void data_alone(const char *data, const char *want)
{
	struct afbus_msg m = of(data, strlen(data));
	char line[256];

	snprintf(line, sizeof(line), "%s\n", want);
	shows(&m, FORMAT_DATA, line);
	shows(&m, FORMAT_RAW, data);
}

static void escapes(void **state)
{
	data_alone("plain", "plain");
	data_alone("", "");
	data_alone("caf\xc3\xa9", "caf\xc3\xa9");
	data_alone("a\nb\tc", "a\\x0ab\\x09c");
	data_alone("back\\slash", "back\\\\slash");
	data_alone("\x1b[2J", "\\x1b[2J");
	/* The same sequence as a character above ASCII. */
	data_alone("\xc2\x9b" "2J", "\\xc2\\x9b2J");
	data_alone("\xc2\xa0", "\xc2\xa0");
	data_alone("\xff", "\\xff");
}

static void text(void **state)
{
	struct afbus_msg m = of("hi", 2);

	shows(&m, FORMAT_TEXT, "12 3 > 7.*: hi\n");
	m.flags = AFBUS_MSG_CREDS;
	m.pid = 42;
	m.uid = 1000;
	m.gid = 100;
	m.n_fds = 2;
	shows(&m, FORMAT_TEXT,
	      "12 3 > 7.* pid 42 uid 1000 gid 100 fds 2: hi\n");
}

static void json(void **state)
{
	struct afbus_msg m = of("a\"\\\n", 4);

	shows(&m, FORMAT_JSON,
	      "{\"seq\":12,\"from\":\"3\",\"to\":\"7.*\",\"fds\":0,"
	      "\"text\":\"a\\\"\\\\\\u000a\"}\n");
	m = of("\xff\0", 2);
	m.flags = AFBUS_MSG_CREDS;
	shows(&m, FORMAT_JSON,
	      "{\"seq\":12,\"from\":\"3\",\"to\":\"7.*\",\"pid\":0,\"uid\":0,"
	      "\"gid\":0,\"fds\":0,\"hex\":\"ff00\"}\n");
}

/* Only what had room is there. */
static void cut(void **state)
{
	char *two = malloc(2);
	struct afbus_msg m = of(memcpy(two, "ab", 2), 2);

	m.len = 5000;
	m.flags = AFBUS_MSG_TRUNCATED;
	shows(&m, FORMAT_TEXT, "12 3 > 7.* cut from 5000 bytes: ab\n");
	shows(&m, FORMAT_DATA, "ab\n");
	shows(&m, FORMAT_RAW, "ab");
	shows(&m, FORMAT_JSON,
	      "{\"seq\":12,\"from\":\"3\",\"to\":\"7.*\",\"fds\":0,"
	      "\"cut_from\":5000,\"text\":\"ab\"}\n");
	free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(text),
		cmocka_unit_test(json),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
