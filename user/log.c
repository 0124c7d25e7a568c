/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [log], beside the path: see log.h. */
#include "log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "utf8.h"

const char *const log_level_text[LOG_LEVEL_COUNT] = {"debug", "info", "warn", "error"};
const char *const log_format_text[LOG_FORMAT_COUNT] = {"logfmt", "json"};

static enum log_level threshold = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

void log_configure(enum log_level level, enum log_format format)
{
	threshold = level;
	line_format = format;
}

/* logfmt and JSON quote alike; JSON alone insists that its text is UTF-8. */
static void append_quoted(struct buffer *out, const char *text)
{
	size_t left = strlen(text);

	buffer_char(out, '"');
	while (left) {
		size_t n = utf8_sequence(text, left);
		unsigned char c = (unsigned char)*text;

		if (!n) {
			buffer_text(out, "\\ufffd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			buffer_char(out, '\\');
			buffer_char(out, (char)c);
		} else if (c == '\n') {
			buffer_text(out, "\\n");
		} else if (c == '\t') {
			buffer_text(out, "\\t");
		} else if (c < 0x20 || c == 0x7f) {
			char escape[8];

			snprintf(escape, sizeof(escape), "\\u%04x", c);
			buffer_text(out, escape);
		} else {
			buffer_append(out, text, n);
		}
		text += n;
		left -= n;
	}
	buffer_char(out, '"');
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return true;
	}
	return false;
}

static void append_pair(struct buffer *out, enum log_format format, const char *key, const char *value, bool quote)
{
	if (format == LOG_FORMAT_JSON) {
		buffer_char(out, out->len && out->data[out->len - 1] != '\n' ? ',' : '{');
		append_quoted(out, key);
		buffer_char(out, ':');
		append_quoted(out, value);
		return;
	}
	if (out->len && out->data[out->len - 1] != '\n')
		buffer_char(out, ' ');
	buffer_text(out, key);
	buffer_char(out, '=');
	if (quote || needs_quotes(value))
		append_quoted(out, value);
	else
		buffer_text(out, value);
}

void log_render(struct buffer *out, enum log_level level, enum log_format format, const struct timespec *when,
		const char *msg, va_list pairs)
{
	char seconds[32], ts[48];
	const char *key;
	struct tm tm;

	gmtime_r(&when->tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ts, sizeof(ts), "%s.%03ldZ", seconds, when->tv_nsec / 1000000);
	append_pair(out, format, "ts", ts, false);
	append_pair(out, format, "level", log_level_text[level], false);
	append_pair(out, format, "msg", msg, true);
	while ((key = va_arg(pairs, const char *))) {
		const char *value = va_arg(pairs, const char *);

		append_pair(out, format, key, value ? value : "", false);
	}
	buffer_text(out, format == LOG_FORMAT_JSON ? "}\n" : "\n");
}

void log_write(enum log_level level, const char *msg, ...)
{
	static struct buffer line; /* kept: tapstat logs seldom and never from two threads */
	const char *at;
	struct timespec now;
	size_t left;
	va_list pairs;

	if (level < threshold)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	buffer_clear(&line);
	va_start(pairs, msg);
	log_render(&line, level, line_format, &now, msg, pairs);
	va_end(pairs);
	if (line.failed)
		return;
	for (at = line.data, left = line.len; left;) {
		ssize_t n = write(STDERR_FILENO, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody reads the log: nobody to tell */
		at += n;
		left -= (size_t)n;
	}
}
