// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/cookies.h"

struct home {
	char dir[64], ring[96], file[128], lock[160];
};

static int set_up(void **state)
{
	struct home *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	*state = h;
	strcpy(h->dir, "/tmp/afbus-cookies-XXXXXX");
	if (!mkdtemp(h->dir))
		return -1;
	snprintf(h->ring, sizeof(h->ring), "%s/.dbus-keyrings", h->dir);
	snprintf(h->file, sizeof(h->file), "%s/%s", h->ring,
		 SASL_COOKIE_CONTEXT);
	snprintf(h->lock, sizeof(h->lock), "%s.lock", h->file);
	return 0;
}

static int tear_down(void **state)
{
	struct home *h = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", h->dir);
	free(h);
	return system(command);
}

static void put(const struct home *h, const char *path, const char *text)
{
	FILE *f;

	mkdir(h->ring, 0700);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void one_is_made_and_used_again(void **state)
{
	struct home *h = *state;
	struct sasl_cookie a, b;
	struct stat st;

	assert_int_equal(cookies_get(h->dir, &a), 0);
	assert_int_equal(strlen(a.secret), 48);
	assert_int_equal(cookies_get(h->dir, &b), 0);
	assert_int_equal(a.id, b.id);
	assert_string_equal(a.secret, b.secret);
	assert_int_equal(stat(h->ring, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(h->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access(h->lock, F_OK), -1);
}

static void old_ones_go_and_young_ones_stay(void **state)
{
	struct home *h = *state;
	long long now = time(NULL);
	struct sasl_cookie c;
	char text[512], line[256] = "";
	FILE *f;

	snprintf(text, sizeof(text),
		 "1 %lld aa\n2 %lld bb\nnonsense\n3 %lld xyz\n4 %lld dd\n",
		 now - 421, now - 310, now, now + 400);
	put(h, h->file, text);
	assert_int_equal(cookies_get(h->dir, &c), 0);
	assert_true(c.id > 4 || strlen(c.secret) == 48);
	/* Somebody may still be about to use the second. */
	f = fopen(h->file, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_memory_equal(line, "2 ", 2);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, c.secret));
	assert_null(fgets(line, sizeof(line), f));
	fclose(f);
	snprintf(text, sizeof(text), "9 %lld ab12\n", now - 100);
	put(h, h->file, text);
	assert_int_equal(cookies_get(h->dir, &c), 0);
	assert_int_equal(c.id, 9);
	assert_string_equal(c.secret, "ab12");
}

static void a_lock_is_respected_for_a_while(void **state)
{
	struct home *h = *state;
	struct timespec long_ago[2] = { { 1000 }, { 1000 } };
	struct sasl_cookie c;

	put(h, h->lock, "");
	assert_int_equal(cookies_get(h->dir, &c), -EBUSY);
	assert_int_equal(utimensat(AT_FDCWD, h->lock, long_ago, 0), 0);
	assert_int_equal(cookies_get(h->dir, &c), 0);
}

static void others_must_not_look(void **state)
{
	struct home *h = *state;
	struct sasl_cookie c;

	mkdir(h->ring, 0700);
	chmod(h->ring, 0750);
	assert_int_equal(cookies_get(h->dir, &c), -EPERM);
}

static void no_links(void **state)
{
	struct home *h = *state;
	struct sasl_cookie c;

	assert_int_equal(symlink("/tmp", h->ring), 0);
	assert_true(cookies_get(h->dir, &c) < 0);
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOME(one_is_made_and_used_again),
		WITH_HOME(old_ones_go_and_young_ones_stay),
		WITH_HOME(a_lock_is_respected_for_a_while),
		WITH_HOME(others_must_not_look),
		WITH_HOME(no_links),
	};

	return cmocka_run_group_tests_name("cookies", tests, NULL, NULL);
}
