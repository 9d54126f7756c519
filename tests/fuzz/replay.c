// SPDX-License-Identifier: LGPL-2.1-or-later
/* Runs a fuzz target over the files and folders given; TAP on stdout. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

static unsigned int count;

/* A copy of exactly the size: a sanitizer sees one byte too far. */
static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
		perror(path);
		return 1;
	}
	rewind(f);
	data = malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		return 1;
	}
	fclose(f);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	printf("ok %u - %s\n", ++count, strrchr(path, '/') ?
	       strrchr(path, '/') + 1 : path);
	return 0;
}

static int run_dir(DIR *dir, const char *path)
{
	struct dirent *e;
	int r = 0;

	while (!r && (e = readdir(dir))) {
		char file[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		r = run_file(file);
	}
	closedir(dir);
	return r;
}

int main(int argc, char **argv)
{
	int i, r = 0;

	for (i = 1; !r && i < argc; i++) {
		DIR *dir = opendir(argv[i]);

		r = dir ? run_dir(dir, argv[i]) : run_file(argv[i]);
	}
	printf("1..%u\n", count);
	return r;
}
