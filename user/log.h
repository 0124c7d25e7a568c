/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [log], beside the path: one line on standard error for each event, logfmt or JSON. Only the top of the program
 * logs; what is below returns errors.
 */
#ifndef TAPSTAT_LOG_H
#define TAPSTAT_LOG_H

#include <stdarg.h>
#include <time.h>

struct buffer;

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_COUNT };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON, LOG_FORMAT_COUNT };

/* Texts of --log.level and --log.format, in the order of the enumerations. */
extern const char *const log_level_text[LOG_LEVEL_COUNT];
extern const char *const log_format_text[LOG_FORMAT_COUNT];

/* What is below `level` is left out from now on. Before the first call: info, logfmt. */
void log_configure(enum log_level level, enum log_format format);

/* Key and value strings follow `msg` in pairs; the macros below add the closing NULL. */
void log_write(enum log_level level, const char *msg, ...) __attribute__((sentinel));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__, NULL)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)

/* Appends the line, newline included, that log_write() would write at `when`. */
void log_render(struct buffer *out, enum log_level level, enum log_format format, const struct timespec *when,
		const char *msg, va_list pairs);

#endif
