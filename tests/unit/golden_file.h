/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts that are compared with files of the repository; UPDATE_GOLDEN=1 in the environment writes these anew. */
#ifndef TAPSTAT_TESTS_GOLDEN_FILE_H
#define TAPSTAT_TESTS_GOLDEN_FILE_H

#include <stdio.h>
#include <stdlib.h>

#include "buffer.h"

static inline void golden_compare(const char *path, const char *text, size_t n)
{
	struct buffer found = {0}, golden = {0};
	char chunk[4096];
	size_t bytes;
	FILE *file;

	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(text, 1, n, file), n);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	while ((bytes = fread(chunk, 1, sizeof(chunk), file)))
		buffer_append(&golden, chunk, bytes);
	fclose(file);
	buffer_append(&found, text, n);
	buffer_char(&found, '\0');
	buffer_char(&golden, '\0');
	assert_string_equal(found.data, golden.data);
	buffer_free(&found);
	buffer_free(&golden);
}

#endif
