/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a service file, which is also read as a command line. Words that are
 * quoted again and split again are the same words.
 */
#include <errno.h>
#include <string.h>

#include "core/names.h"
#include "daemon/service_file.h"

#include "fuzz.h"

static void put(char **to, const char *s, size_t len)
{
	memcpy(*to, s, len);
	*to += len;
	**to = 0;
}

/* In apostrophes, but for apostrophes. */
static void put_quoted(char **to, const char *word)
{
	put(to, " '", 2);
	for (; *word; word++)
		if (*word == '\'')
			put(to, "'\\''", 4);
		else
			put(to, word, 1);
	put(to, "'", 1);
}

static char *join(char **words, size_t len)
{
	char *text = malloc(len), *at = text;
	size_t i;

	CHECK(text);
	*at = 0;
	for (i = 0; words[i]; i++)
		put_quoted(&at, words[i]);
	CHECK((size_t)(at - text) < len);
	return text;
}

static void check_words(const char *command)
{
	char **words, **again, *text;
	const char *why = NULL;
	int err = service_words(&words, command, &why);
	size_t i;

	CHECK(!err || err == -EINVAL);
	if (err) {
		CHECK(why);
		return;
	}
	CHECK(words[0]);
	text = join(words, 8 * strlen(command) + 16);
	CHECK(!service_words(&again, text, &why));
	for (i = 0; words[i]; i++)
		CHECK(again[i] && !strcmp(words[i], again[i]));
	CHECK(!again[i]);
	service_words_free(again);
	service_words_free(words);
	free(text);
}

static void check_file(const char *text, size_t size)
{
	struct service_file f;
	const char *why = NULL;
	unsigned int line;
	int err = service_file_parse(&f, text, size, &why, &line);

	CHECK(!err || err == -EINVAL);
	if (err) {
		CHECK(why && !f.name && !f.exec);
		return;
	}
	CHECK(dbus_well_known_name_ok(f.name, strlen(f.name)));
	check_words(f.exec);
	service_file_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CHECK(text);
	memcpy(text, data, size);
	text[size] = 0;
	check_file(text, size);
	check_words(text);
	free(text);
	return 0;
}
