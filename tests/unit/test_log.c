/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Log lines: what is quoted and escaped in logfmt and in JSON, and what the level leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "log.h"

static const struct timespec when = {.tv_sec = 1700000000, .tv_nsec = 42999999};
static struct buffer line;

static const char *render(enum log_format format, const char *msg, ...)
{
	va_list pairs;

	buffer_clear(&line);
	va_start(pairs, msg);
	log_render(&line, LOG_LEVEL_WARN, format, &when, msg, pairs);
	va_end(pairs);
	buffer_char(&line, '\0');
	return line.data;
}

static void logfmt_quotes_the_message_and_what_needs_it(void **state)
{
	(void)state;
	assert_string_equal(
		render(LOG_FORMAT_LOGFMT, "listening", "address", "[::]:10219", "path", "/a b", "empty", "", "eq",
		       "a=b", "quote", "a\"b", "back", "a\\b", "lines", "a\nb\tc\x01", "bytes", "\xff", "utf8",
		       "\xc3\xbc", NULL),
		"ts=2023-11-14T22:13:20.042Z level=warn msg=\"listening\" address=[::]:10219 path=\"/a b\" "
		"empty=\"\" eq=\"a=b\" quote=\"a\\\"b\" back=\"a\\\\b\" lines=\"a\\nb\\tc\\u0001\" "
		"bytes=\"\\ufffd\" utf8=\"\xc3\xbc\"\n");
}

static void json_is_one_object_that_gives_the_texts_back(void **state)
{
	json_error_t error;
	json_t *object = json_loads(
		render(LOG_FORMAT_JSON, "a \"message\"", "err", "lines\nand\x02\x7f \\ \xc3\xbc", NULL), 0, &error);

	(void)state;
	assert_non_null(object);
	assert_int_equal(json_object_size(object), 4);
	assert_string_equal(json_string_value(json_object_get(object, "ts")), "2023-11-14T22:13:20.042Z");
	assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(object, "msg")), "a \"message\"");
	assert_string_equal(json_string_value(json_object_get(object, "err")), "lines\nand\x02\x7f \\ \xc3\xbc");
	json_decref(object);
	/* Bytes that are no UTF-8 would be no JSON. */
	object = json_loads(render(LOG_FORMAT_JSON, "m", "bytes", "\xff\xc0", NULL), 0, &error);
	assert_non_null(object);
	json_decref(object);
}

static void the_level_leaves_out_what_is_below(void **state)
{
	char text[512] = "";
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_configure(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
	log_debug("debug");
	log_info("info");
	log_warn("warn", "key", "value");
	log_error("error");
	dup2(saved, STDERR_FILENO);
	close(ends[1]);
	for (size_t used = 0; (n = read(ends[0], text + used, sizeof(text) - 1 - used)) > 0;)
		used += (size_t)n;
	close(ends[0]);
	close(saved);
	assert_null(strstr(text, "level=debug"));
	assert_null(strstr(text, "level=info"));
	assert_non_null(strstr(text, " level=warn msg=\"warn\" key=value\n"));
	assert_non_null(strstr(text, " level=error msg=\"error\"\n"));
}

static int free_line(void **state)
{
	(void)state;
	buffer_free(&line);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logfmt_quotes_the_message_and_what_needs_it),
		cmocka_unit_test(json_is_one_object_that_gives_the_texts_back),
		cmocka_unit_test(the_level_leaves_out_what_is_below),
	};

	return cmocka_run_group_tests(tests, NULL, free_line);
}
