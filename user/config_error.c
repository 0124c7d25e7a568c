/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* configuration file ──> [config_error]: see config_error.h. */
#include "config_error.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_before(const struct config_mistake *mistake, unsigned int line, unsigned int column)
{
	return mistake->line < line || (mistake->line == line && mistake->column <= column);
}

void config_error_add(struct config_error *why, unsigned int line, unsigned int column, const char *format, ...)
{
	size_t i = why->kept;
	va_list args;

	why->found++;
	if (why->kept == CONFIG_MISTAKES)
		return;
	while (i && !is_before(&why->mistake[i - 1], line, column))
		i--;
	memmove(&why->mistake[i + 1], &why->mistake[i], (why->kept - i) * sizeof(*why->mistake));
	why->mistake[i].line = line;
	why->mistake[i].column = column;
	va_start(args, format);
	vsnprintf(why->mistake[i].text, CONFIG_MISTAKE_BYTES, format, args);
	va_end(args);
	why->kept++;
}

void config_error_line(const struct config_error *why, const char *path, size_t i, char *out, size_t size)
{
	const struct config_mistake *mistake = &why->mistake[i];

	if (mistake->line)
		snprintf(out, size, "%s:%u:%u: %s", path, mistake->line, mistake->column, mistake->text);
	else
		snprintf(out, size, "%s: %s", path, mistake->text);
}

void config_error_print(const struct config_error *why, const char *path, const char *before, FILE *out)
{
	char line[PATH_MAX + CONFIG_MISTAKE_BYTES];

	for (size_t i = 0; i < why->kept; i++) {
		config_error_line(why, path, i, line, sizeof(line));
		fprintf(out, "%s%s\n", before, line);
	}
	if (why->found > why->kept)
		fprintf(out, "%s%s: %zu more mistakes\n", before, path, why->found - why->kept);
}
