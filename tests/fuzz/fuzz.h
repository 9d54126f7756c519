/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets share. A target is a file with one function of
 * libFuzzer's interface; replay.c runs the same function over stored inputs.
 */
#ifndef AFBUS_TESTS_FUZZ_H
#define AFBUS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert(), but whatever the build's flags are. */
#define CHECK(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", \
				__FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

#endif
