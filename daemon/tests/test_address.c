// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include "daemon/address.h"

static void good(void **state)
{
	char text[] = "unix:path=/a%20b,guid=00";
	struct address a;
	const char *why;

	assert_int_equal(address_parse(&a, text, &why), 0);
	assert_string_equal(a.transport, "unix");
	assert_string_equal(address_get(&a, "path"), "/a b");
	assert_string_equal(address_get(&a, "guid"), "00");
	assert_null(address_get(&a, "abstract"));
}

static void no_keys(void **state)
{
	char text[] = "systemd:";
	struct address a;
	const char *why;

	assert_int_equal(address_parse(&a, text, &why), 0);
	assert_int_equal(a.n, 0);
}

static void bad(void **state)
{
	static const char * const list[] = {
		"", "unix", ":path=/x", "unix:path", "unix:=x",
		"unix:path=/x,path=/y", "unix:path=%", "unix:path=%2",
		"unix:path=%gg", "unix:path=%00",
		"unix:a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1",
	};
	struct address a;
	const char *why;
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		strcpy(text, list[i]);
		why = NULL;
		assert_int_equal(address_parse(&a, text, &why), -EINVAL);
		assert_non_null(why);
	}
}

static void escaping(void **state)
{
	char *text = address_escape("/a b,\0;%", 8);

	assert_string_equal(text, "/a%20b%2c%00%3b%25");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(no_keys),
		cmocka_unit_test(bad),
		cmocka_unit_test(escaping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
