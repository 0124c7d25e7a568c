// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/sqlite.h: the verb of a statement, in UTF-8 and UTF-16, wherever the text is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "operations.h"
#include "proto/sqlite.h"

static struct sqlite_text text;

/* The operation of the first `bytes` bytes; behind them stands what is no text. */
static __u32 look(const void *bytes, size_t n, bool wide)
{
	memset(text.text, 'x', sizeof(text.text));
	memcpy(text.text, bytes, n);
	sqlite_text_begin(&text, (__u32)n, wide);
	repeat(SQLITE_TEXT_BYTES, sqlite_text_step, &text);
	return sqlite_text_operation(&text);
}

static const char *operation_of(const char *sql)
{
	size_t n = strlen(sql) + 1;

	return operation_text[look(sql, n < SQLITE_TEXT_BYTES ? n : SQLITE_TEXT_BYTES, false)];
}

static const char *operation_of_wide(const char *sql)
{
	char wide[SQLITE_TEXT_BYTES] = "";
	size_t n = strlen(sql) + 1;

	for (size_t i = 0; i < n && 2 * i < sizeof(wide); i++)
		wide[2 * i] = sql[i];
	return operation_text[look(wide, 2 * n < sizeof(wide) ? 2 * n : sizeof(wide), true)];
}

static int fill(void **state)
{
	(void)state;
	return operations_fill(&operations);
}

static const struct {
	const char *sql, *operation;
} statements[] = {
	{"select 1", "select"},
	{"SELECT", "select"},
	{"sElEcT*from t", "select"},
	{"\n\t\f\r insert into t values (1)", "insert"},
	{";; ;update t set a = 1", "update"},
	{"-- select\ndelete from t", "delete"},
	{"--\n--\n\nreplace into t values (1)", "replace"},
	{"/* select */vacuum", "vacuum"},
	{"/** select **/analyze", "analyze"},
	{"/*/ select /*/ create table t(a)", "create"},
	{"/* one */ -- two\n/* three */ pragma user_version", "pragma"},
	{"begin immediate", "begin"},
	{"END", "end"},
	{"explain query plan select 1", "explain"},
	{"values (1)", "values"},
	{"selec 1", "other"},
	{"select1", "other"},
	{"select_", "other"},
	{"\xef\xbb\xbfselect", "other"}, /* a byte order mark */
	{"(select 1)", "other"},
	{"1", "other"},
	{"'select'", "other"},
	{"a_name_that_is_longer_than_any_of_sqlite", "other"},
	{"with x as (select 1) insert into t select * from x", "insert"},
	{"with x(a, b) as (select ')', 2), y as (delete) update t set a = 1", "update"},
	{"with recursive x(n) as (values (1) union all select n + 1 from x) select n from x", "select"},
	{"with \"select\" as (select 1) delete from t", "delete"},
	{"with [insert] as (select 1), `update` as (select 2) replace into t values (1)", "replace"},
	{"with x as /* delete */ (select 1) -- delete\n select 1", "select"},
	{"with x as (select 1", "with"},
	{"with", "with"},
};

static void a_statement_is_named_by_its_verb(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		const char *told = operation_of(statements[i].sql);

		if (strcmp(told, statements[i].operation) != 0)
			fail_msg("%s: %s, expected %s", statements[i].sql, told, statements[i].operation);
	}
}

static void utf_16_reads_like_utf_8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		const char *told = operation_of_wide(statements[i].sql);

		if (strcmp(told, statements[i].operation) != 0)
			fail_msg("%s: %s, expected %s", statements[i].sql, told, statements[i].operation);
	}
	/* U+0173 is no s, though its low byte is. */
	assert_string_equal(operation_text[look("\x73\x01"
						"e\0l\0e\0c\0t\0\0\0",
						14, true)],
			    "other");
}

static void text_that_says_nothing_is_no_operation(void **state)
{
	static const char *const rows[] = {"", " \n", ";", "-- select", "/* select */", "/* select", "-", "/"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (look(rows[i], strlen(rows[i]), false) != OPERATION_NONE)
			fail_msg("\"%s\": %s", rows[i], operation_of(rows[i]));
}

static void what_stands_behind_the_end_of_the_text_is_not_read(void **state)
{
	(void)state;
	assert_int_equal(look("select", 6, false), OPERATION_SQLITE_SELECT);
	assert_int_equal(look("selectx", 6, false), OPERATION_SQLITE_SELECT);
	assert_int_equal(look("select\0x", 8, false), OPERATION_SQLITE_SELECT);
	assert_int_equal(look("s\0e\0l\0e\0c\0t\0x", 13, true), OPERATION_SQLITE_SELECT);
	assert_int_equal(look("", 0, false), OPERATION_NONE);
}

static void a_long_comment_hides_the_verb(void **state)
{
	char sql[2 * SQLITE_TEXT_BYTES];

	(void)state;
	memset(sql, ' ', sizeof(sql));
	memcpy(sql + SQLITE_TEXT_BYTES - 7, "select 1", 9);
	assert_string_equal(operation_of(sql), "select");
	memset(sql, ' ', sizeof(sql));
	memcpy(sql + SQLITE_TEXT_BYTES, "select 1", 9);
	assert_int_equal(look(sql, SQLITE_TEXT_BYTES, false), OPERATION_NONE);
	memcpy(sql, "with x as (", 11);
	assert_int_equal(look(sql, SQLITE_TEXT_BYTES, false), OPERATION_SQLITE_WITH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_statement_is_named_by_its_verb),
		cmocka_unit_test(utf_16_reads_like_utf_8),
		cmocka_unit_test(text_that_says_nothing_is_no_operation),
		cmocka_unit_test(what_stands_behind_the_end_of_the_text_is_not_read),
		cmocka_unit_test(a_long_comment_hides_the_verb),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
