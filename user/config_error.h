/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * configuration file ──> [config_error]: the mistakes of one file, in the order of their places, for whoever prints
 * or logs them.
 */
#ifndef TAPSTAT_CONFIG_ERROR_H
#define TAPSTAT_CONFIG_ERROR_H

#include <stddef.h>
#include <stdio.h>

enum {
	CONFIG_MISTAKES = 20, /* kept of one file: what a person mends before looking again */
	CONFIG_MISTAKE_BYTES = 384,
};

struct config_mistake {
	unsigned int line, column; /* from 1; line 0: of the whole file */
	char text[CONFIG_MISTAKE_BYTES];
};

/* Zero it before use. */
struct config_error {
	size_t kept, found; /* mistakes in the array, and in the file */
	struct config_mistake mistake[CONFIG_MISTAKES];
};

/* Takes in one more; behind CONFIG_MISTAKES it is only counted. A text that is too long is cut. */
void config_error_add(struct config_error *why, unsigned int line, unsigned int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "PATH:LINE:COLUMN: TEXT" of mistake `i`, cut to `size` bytes with its NUL. */
void config_error_line(const struct config_error *why, const char *path, size_t i, char *out, size_t size);

/* One line for each mistake, `before` at the start of each. */
void config_error_print(const struct config_error *why, const char *path, const char *before, FILE *out);

#endif
