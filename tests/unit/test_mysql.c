// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/mysql.h: conversations, captured and made, every split point; what is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exchanges.h"
#include "mysql_vectors.h"
#include "other_protocols.h"
#include "proto/mysql.h"

EXCHANGE_PROTOCOL(mysql)

#define OK "\7\0\0\1\0\0\0\2\0\0\0"
#define ZEROS_23 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETING                       \
	"\104\0\0\0\012"               \
	"8.0.36\0"                     \
	"\1\0\0\0"                     \
	"abcdefgh\0"                   \
	"\377\377\377\2\0\377\337\025" \
	"\0\0\0\0\0\0\0\0\0\0"         \
	"abcdefghijkl\0"               \
	"abcdefghijklmno\0"
#define LOGIN_IN_TLS "\43\0\0\2\5\252\0\1\0\0\0\1\41" ZEROS_23 "u\0\0"
#define LOGIN(low, high) "\43\0\0\1" low high "\0\0\0\1\41" ZEROS_23 "u\0\0"
#define DEFINITION(n) "\27\0\0" n "\3def\0\0\0\0011\0\014\077\0\1\0\0\0\3\201\0\0\0\0"
#define END(n) "\5\0\0" n "\376\0\0\2\0"

enum { LINES = 12 };

static const struct {
	const char *what;
	struct line lines[LINES];
	const char *operations; /* names in the order of their answers, a ! behind those that failed */
	bool hidden;
} conversations[] = {
	{"a new connection", /* MySQL 8: caching_sha2_password, fast */
	 {ANSWER(GREETING), ASK(LOGIN("\5\242", "\0\1")), ANSWER("\2\0\0\2\1\3\7\0\0\3\0\0\0\2\0\0\0"),
	  ASK("\1\0\0\0\016"), ANSWER(OK)},
	 "ping",
	 false},
	{"another way to log in",
	 {ANSWER(GREETING), ASK(LOGIN("\5\242", "\0\1")), ANSWER("\10\0\0\2\376plugin\0"), ASK("\3\0\0\3abc"),
	  ANSWER("\2\0\0\4\1\4"), ASK("\1\0\0\5\2"), ANSWER("\7\0\0\6\0\0\0\2\0\0\0"), ASK("\1\0\0\0\016"),
	  ANSWER(OK)},
	 "ping",
	 false},
	{"TLS",
	 {ANSWER(GREETING), ASK("\40\0\0\1\5\256\0\1\0\0\0\1\41" ZEROS_23),
	  ASK("\26\3\1\2\0\1\0\1\374\3\3 and so on")},
	 "",
	 true},
	{"inside TLS",
	 {ASK(LOGIN_IN_TLS), ANSWER("\2\0\0\3\1\4"), ASK("\2\0\0\4u\0"), ANSWER("\7\0\0\5\0\0\0\2\0\0\0"),
	  ASK("\11\0\0\0\3select 1"), ANSWER("\1\0\0\1\1" DEFINITION("\2") "\2\0\0\3\0011\7\0\0\4\376\0\0\2\0\0\0")},
	 "select",
	 false},
	{"zlib", {ANSWER(GREETING), ASK(LOGIN("\45\242", "\0\1")), ANSWER("\7\0\0\2\0\0\0\2\0\0\0")}, "", true},
	{"zstd", {ANSWER(GREETING), ASK(LOGIN("\5\242", "\0\5")), ANSWER("\7\0\0\2\0\0\0\2\0\0\0")}, "", true},
	{"no connection for this host", {ANSWER("\27\0\0\0\377\020\4Too many connections")}, "", false},
	{"a connection that the server ends",
	 {ASK("\1\0\0\0\016"), ANSWER(OK "\30\0\0\0\377\277\17#HY000Session timeout")},
	 "ping",
	 false},
	{"a command that crosses the server's end of the connection",
	 {ASK("\1\0\0\0\016"), ANSWER("\30\0\0\0\377\277\17#HY000Session timeout")},
	 "ping!",
	 false},
	{"words behind white space, comments and parentheses",
	 {ASK("\16\0\0\0\3 \n\t  select 1"), ANSWER(OK), ASK("\33\0\0\0\3/* a * b **/ -- c\ncommit  "), ANSWER(OK),
	  ASK("\22\0\0\0\3# insert\n((select"), ANSWER(OK), ASK("\33\0\0\0\3/*!40101 SET NAMES utf8 */"), ANSWER(OK),
	  ASK("\24\0\0\0\3/*M!100100 UPDATE*/"), ANSWER(OK)},
	 "select commit select set update",
	 false},
	{"no word",
	 {ASK("\1\0\0\0\3"), ANSWER("\3\0\0\1\377\51\4"), ASK("\4\0\0\0\3/*!"), ANSWER("\3\0\0\1\377\51\4"),
	  ASK("\5\0\0\0\3/* a"), ANSWER("\3\0\0\1\377\51\4"), ASK("\3\0\0\0\3''"), ANSWER("\3\0\0\1\377\51\4"),
	  ASK("\26\0\0\0\3deallocatedeallocated"), ANSWER("\3\0\0\1\377\51\4")},
	 "other! other! other! other! other!",
	 false},
	{"a word right behind the window",
	 {ASK("\51\0\0\0\3/*aaaaaaaaaaaaaaaaaaaaaaaaaaa*/ rollback"), ANSWER(OK)},
	 "rollback",
	 false},
	{"attributes of a query",
	 {ASK("\13\0\0\0\3\0\1select 1"), ANSWER(OK), ASK("\26\0\0\0\3\1\1\0\1\376\0\4call\1xselect 1"), ANSWER(OK)},
	 "select other",
	 false},
	{"a result, with EOF packets",
	 {ASK("\11\0\0\0\3select 1"), ANSWER("\1\0\0\1\1" DEFINITION("\2") END("\3") "\2\0\0\4\0011" END("\5"))},
	 "select",
	 false},
	{"rows that begin like other packets", /* NULL, an empty text, 251 bytes and more */
	 {ASK("\11\0\0\0\3select 1"),
	  ANSWER("\1\0\0\1\1" DEFINITION("\2") "\1\0\0\3\373\1\0\0\4\0\7\0\0\5\374\4\0abcd\7\0\0\6\376\0\0\2\0\0\0")},
	 "select",
	 false},
	{"an error among the rows",
	 {ASK("\11\0\0\0\3select 1"), ANSWER("\1\0\0\1\1" DEFINITION("\2") "\2\0\0\3\0011\12\0\0\4\377\51\4#70100x")},
	 "select!",
	 false},
	{"definitions that are left out: MariaDB",
	 {ASK("\12\0\0\0\027\1\0\0\0\0\1\0\0\0"), ANSWER("\2\0\0\1\1\0\2\0\0\2\0\1\7\0\0\3\376\0\0\2\0\0\0")},
	 "stmt_execute",
	 false},
	{"definitions that are left out: MySQL",
	 {ANSWER(GREETING), ASK(LOGIN("\5\242", "\0\3")), ANSWER("\7\0\0\2\0\0\0\2\0\0\0"),
	  ASK("\11\0\0\0\3select 1"), ANSWER("\2\0\0\1\0\1\2\0\0\2\0011\7\0\0\3\376\0\0\2\0\0\0"),
	  ASK("\11\0\0\0\3select 1"),
	  ANSWER("\2\0\0\1\1\1" DEFINITION("\2") "\2\0\0\3\0011\7\0\0\4\376\0\0\2\0\0\0")},
	 "select select",
	 false},
	{"a cursor, opened and fetched from",
	 {ASK("\12\0\0\0\027\1\0\0\0\1\1\0\0\0"), ANSWER("\1\0\0\1\1" DEFINITION("\2") "\5\0\0\3\376\0\0\102\0"),
	  ASK("\11\0\0\0\034\1\0\0\0\1\0\0\0"), ANSWER("\3\0\0\1\0\0\1\5\0\0\2\376\0\0\202\0")},
	 "stmt_execute stmt_fetch",
	 false},
	{"a statement whose definitions end with EOF, which nobody said",
	 {ASK("\11\0\0\0\026select 1"), ANSWER("\14\0\0\1\0\1\0\0\0\1\0\0\0\0\0\0" DEFINITION("\2") END("\3")),
	  ASK("\11\0\0\0\026select 1"), ANSWER("\14\0\0\1\0\1\0\0\0\1\0\0\0\0\0\0" DEFINITION("\2") END("\3")),
	  ASK("\1\0\0\0\016"), ANSWER(OK)},
	 "stmt_prepare stmt_prepare ping",
	 false},
	{"a file",
	 {ASK("\7\0\0\0\3load x"), ANSWER("\5\0\0\1\373file"), ASK("\4\0\0\2data\0\0\0\3"),
	  ANSWER("\7\0\0\4\0\0\0\2\0\0\0"), ASK("\1\0\0\0\016"), ANSWER(OK)},
	 "load ping",
	 false},
	{"a file that is refused",
	 {ASK("\7\0\0\0\3load x"), ANSWER("\5\0\0\1\373file"), ASK("\0\0\0\2"), ANSWER("\12\0\0\3\377\51\4#70100x"),
	  ASK("\1\0\0\0\016"), ANSWER(OK)},
	 "load! ping",
	 false},
	{"commands without answers",
	 {ASK("\5\0\0\0\031\1\0\0\0\11\0\0\0\030\1\0\0\0\0\0ab\1\0\0\0\016\1\0\0\0\1"), ANSWER(OK)},
	 "stmt_close stmt_send_long_data quit ping",
	 false},
	{"replication", {ASK("\13\0\0\0\022\4\0\0\0\0\0\1\0\0\0"), ANSWER("\1\0\0\1\0")}, "", true},
};

static void test_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		print_message("%s\n", conversations[i].what);
		dialogue_begin(&d, &mysql_protocol);
		dialogue_lines(&d, conversations[i].lines, LINES);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, conversations[i].operations);
		assert_int_equal(d.hidden, conversations[i].hidden);
		assert_int_equal(d.unasked, 0);
		assert_true(dialogue_every_split(&mysql_protocol, false, conversations[i].lines, LINES, 64));
	}
}

static void test_captured_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(mysql_vectors) / sizeof(mysql_vectors[0]); i++) {
		print_message("%s\n", mysql_vectors[i].what);
		dialogue_begin(&d, &mysql_protocol);
		dialogue_lines(&d, mysql_vectors[i].lines, mysql_vectors[i].n);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, mysql_vectors[i].operations);
		assert_int_equal(d.unasked, 0);
		assert_true(dialogue_every_split(&mysql_protocol, false, mysql_vectors[i].lines, mysql_vectors[i].n,
						 24 / SLOWER));
	}
}

/* From each command on that is recognised, what follows is the same as for a connection seen from its beginning. */
static void test_captured_conversations_can_be_joined(void **state)
{
	static struct dialogue all, rest;
	int joined = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(mysql_vectors) / sizeof(mysql_vectors[0]); i++) {
		const struct line *lines = mysql_vectors[i].lines;
		size_t n = mysql_vectors[i].n;

		dialogue_begin(&all, &mysql_protocol);
		dialogue_lines(&all, lines, n);
		for (size_t from = 3; from < n && !all.hidden; from++) {
			__u8 p[LOOK_BYTES] = {};
			__u32 avail = min_u64(lines[from].len, sizeof(p));

			memcpy(p, lines[from].text, avail);
			if (lines[from].side != ASKING || mysql_starts_joined(p, avail) != STARTS_ASKING)
				continue;
			joined++;
			dialogue_begin(&rest, &mysql_protocol);
			dialogue_lines(&rest, lines + from, n - from);
			assert_false(rest.broken[0] || rest.broken[1] || rest.unasked);
			assert_true(rest.n_done && rest.n_done <= all.n_done);
			assert_memory_equal(rest.done, all.done + all.n_done - rest.n_done,
					    rest.n_done * sizeof(rest.done[0]));
		}
	}
	print_message("joined %d times\n", joined);
	assert_true(joined > 50);
}

static void test_packets_of_16_megabytes_cost_a_step_each(void **state)
{
	static struct dialogue d;
	static __u8 big[0xffffff + 4];

	(void)state;
	dialogue_begin(&d, &mysql_protocol);
	memset(big, '\377', sizeof(big));
	memcpy(big, "\377\377\377\0\3insert ", 12);
	dialogue_call(&d, ASKING, big, sizeof(big));
	big[3] = 1;
	dialogue_call(&d, ASKING, big, sizeof(big));
	dialogue_call(&d, ASKING, "\0\0\0\2", 4);
	dialogue_call(&d, ANSWERING, "\7\0\0\3\0\0\0\2\0\0\0", 11);
	dialogue_call(&d, ASKING, "\11\0\0\0\3select 1", 13);
	dialogue_call(&d, ANSWERING, "\1\0\0\1\1" DEFINITION("\2"), 5 + 27);
	big[3] = 3;
	big[4] = MYSQL_END; /* the length of the first value takes eight bytes */
	dialogue_call(&d, ANSWERING, big, sizeof(big));
	dialogue_call(&d, ANSWERING, "\2\0\0\4\376\0\7\0\0\5\376\0\0\2\0\0\0", 6 + 11);
	assert_false(d.broken[0] || d.broken[1]);
	dialogue_operations_are(&d, "insert select");

	dialogue_call(&d, ASKING, big, 4); /* no command begins with number 3 */
	dialogue_call(&d, ASKING, "\16\16\16\16", 4);
	assert_true(d.broken[0]);
}

static void test_sequence_numbers_run_over(void **state)
{
	static struct dialogue d;
	__u8 definition[] = DEFINITION("\0"), row[] = "\2\0\0\0\0011";
	int number = 1;

	(void)state;
	dialogue_begin(&d, &mysql_protocol);
	dialogue_call(&d, ASKING, "\11\0\0\0\3select 1", 13);
	dialogue_call(&d, ANSWERING, "\3\0\0\1\374\373\0", 7); /* 251 columns */
	for (int i = 0; i < 251; i++) {
		definition[3] = ++number;
		dialogue_call(&d, ANSWERING, definition, sizeof(definition) - 1);
	}
	for (int i = 0; i < 300; i++) {
		row[3] = ++number;
		dialogue_call(&d, ANSWERING, row, sizeof(row) - 1);
	}
	assert_int_equal(d.n_done, 0);
	dialogue_call(&d, ANSWERING, "\7\0\0\51\376\0\0\3\0\0\0", 11); /* 553 & 255 */
	assert_false(d.broken[0] || d.broken[1]);
	dialogue_operations_are(&d, "select");
}

static void test_transactions_are_told(void **state)
{
	static struct dialogue d;

	(void)state;
	dialogue_begin(&d, &mysql_protocol);
	dialogue_call(&d, ASKING, "\6\0\0\0\3begin", 10);
	dialogue_call(&d, ANSWERING, "\7\0\0\1\0\0\0\3\0\0\0", 11);
	assert_true(d.queue.told[1] & MYSQL_IN_TRANSACTION);
	dialogue_call(&d, ASKING, "\11\0\0\0\3select 1", 13);
	dialogue_call(&d, ANSWERING, "\1\0\0\1\1" DEFINITION("\2") "\7\0\0\3\376\0\0\3\0\0\0", 5 + 27 + 11);
	assert_true(d.queue.told[1] & MYSQL_IN_TRANSACTION);
	dialogue_call(&d, ASKING, "\7\0\0\0\3commit", 11);
	dialogue_call(&d, ANSWERING, OK, 11);
	assert_false(d.queue.told[1] & MYSQL_IN_TRANSACTION);
	dialogue_operations_are(&d, "begin select commit");
}

static void test_what_breaks_the_protocol(void **state)
{
	static const struct {
		const char *what;
		struct line lines[4];
	} rows[] = {
		{"a command with a number", {ASK("\1\0\0\1\016     ")}},
		{"an empty command", {ASK("\0\0\0\0        ")}},
		{"an unknown command", {ASK("\1\0\0\0\052     ")}},
		{"a command too short", {ASK("\3\0\0\0\027\1\1     ")}},
		{"a command of this file's own", {ASK("\11\0\0\0\042\1\1\1\1\1\1\1\1")}},
		{"an answer with another number", {ASK("\1\0\0\0\016"), ANSWER("\7\0\0\2\0\0\0\2\0\0\0")}},
		{"an empty answer", {ASK("\1\0\0\0\016"), ANSWER("\0\0\0\1           ")}},
		{"an OK too short", {ASK("\1\0\0\0\016"), ANSWER("\4\0\0\1\0\0\0\2           ")}},
		{"a number of columns and more", {ASK("\1\0\0\0\3"), ANSWER("\4\0\0\1\2\0\0\2           ")}},
		{"a number left out",
		 {ASK("\1\0\0\0\3"), ANSWER("\1\0\0\1\1" DEFINITION("\2") "\2\0\0\4\0011            ")}},
		{"an end among definitions",
		 {ASK("\1\0\0\0\3"), ANSWER("\1\0\0\1\2" DEFINITION("\2") END("\3") "    ")}},
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		dialogue_begin(&d, &mysql_protocol);
		dialogue_lines(&d, rows[i].lines, 4);
		assert_true(d.broken[0] || d.broken[1]);
		assert_int_equal(d.n_done, 0);
		assert_true(dialogue_every_split(&mysql_protocol, false, rows[i].lines, 4, 64));
	}
}

static enum starts starts(const char *text, __u32 avail, bool joined)
{
	__u8 p[LOOK_BYTES];

	memset(p, '1', sizeof(p));
	if (avail)
		memcpy(p, text, min_u64(avail, LOOK_BYTES));
	return joined ? mysql_starts_joined(p, min_u64(avail, LOOK_BYTES))
		      : mysql_starts(p, min_u64(avail, LOOK_BYTES));
}

static void test_starts(void **state)
{
#define BYTES(text) text, sizeof(text) - 1
	static const struct {
		const char *text;
		__u32 avail;
		enum starts starts, joined;
	} rows[] = {
		{BYTES(GREETING), STARTS_ANSWERING, STARTS_NOT},
		{GREETING, 9, STARTS_SHORT, STARTS_NOT},
		{GREETING, 3, STARTS_SHORT, STARTS_SHORT},
		{BYTES("GE"), STARTS_NOT, STARTS_SHORT},
		{BYTES("GET"), STARTS_NOT, STARTS_NOT},
		{BYTES("\35\0\0\0\377\0\0#08004"), STARTS_NOT, STARTS_NOT},
		{BYTES("\144\0\0\0\01210.11.6-Maria"), STARTS_ANSWERING, STARTS_NOT},
		{BYTES("\144\0\0\0\01210.x1.6-Maria"), STARTS_NOT, STARTS_NOT},
		{BYTES("\144\0\0\1\01210.11.6-Maria"), STARTS_NOT, STARTS_NOT},
		{BYTES("\27\0\0\0\377\020\4Too many connections"), STARTS_ANSWERING, STARTS_NOT},
		{BYTES("\35\0\0\0\377\020\4#08004Too many connections"), STARTS_ANSWERING, STARTS_NOT},
		{BYTES("\27\0\0\0\377\0\0Too many connections"), STARTS_NOT, STARTS_NOT},
		{BYTES(LOGIN_IN_TLS), STARTS_ASKING, STARTS_NOT},
		{BYTES(LOGIN("\5\252", "\0\1")), STARTS_NOT, STARTS_NOT},
		{BYTES("\11\0\0\0\3select 1"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\7\0\0\0\3COMMIT"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\11\0\0\0\3selecti1"), STARTS_NOT, STARTS_NOT},
		{BYTES("\11\0\0\0\3selec"), STARTS_NOT, STARTS_SHORT},
		{BYTES("\13\0\0\0\3\0\1select 1"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\11\0\0\0\026select ?"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\5\0\0\0\3ping"), STARTS_NOT, STARTS_NOT},
		{BYTES("\1\0\0\0\016"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\1\0\0\0\016\1"), STARTS_NOT, STARTS_NOT},
		{BYTES("\12\0\0\0\027\1\0\0\0\0\1\0\0\0"), STARTS_NOT, STARTS_ASKING},
		{BYTES("\12\0\0\0\027\1\0\0\0\0\2\0\0\0"), STARTS_NOT, STARTS_NOT},
	};

	(void)state;
	if (!operations.flags[OPERATION_REDIS_GET])
		assert_int_equal(operations_fill(&operations), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		assert_int_equal(starts(rows[i].text, rows[i].avail, false), rows[i].starts);
		assert_int_equal(starts(rows[i].text, rows[i].avail, true), rows[i].joined);
	}
}

static void test_hardly_anything_else_is_taken_for_it(void **state)
{
	enum { TRIES = 400000 / SLOWER };
	__u32 taken = 0, of = 0;
	__u64 seed = 1;

	(void)state;
	for (int i = 0; i < OTHER_PROTOCOLS; i++) {
		for (int j = 0; j < TRIES / OTHER_PROTOCOLS; j++) {
			struct bytes b = {};
			__u32 from;

			other_protocols[i].write(&b, &seed, j & 1);
			from = j & 2 || !b.n ? 0 : random_below(&seed, b.n);
			taken += starts((const char *)b.at + from, b.n - from, false) >= STARTS_ASKING;
			taken += starts((const char *)b.at + from, b.n - from, true) >= STARTS_ASKING;
			of++;
			bytes_free(&b);
		}
	}
	for (int j = 0; j < 10 * TRIES; j++) {
		char random[16];

		for (int k = 0; k < 16; k += 8)
			store64((__u8 *)random + k, random_next(&seed));
		if (j & 1) /* lengths as they are */
			memset(random + 1 + (j >> 1 & 1), 0, 3 - (j >> 1 & 1));
		taken += starts(random, 5 + random_below(&seed, 12), false) >= STARTS_ASKING;
		taken += starts(random, 5 + random_below(&seed, 12), true) >= STARTS_ASKING;
		of++;
	}
	print_message("%u of %u streams taken for MySQL\n", taken, of);
	/* Random bytes with the length of a short command now and then are one, in mid-stream: they count nothing
	 * until an answer parses, too. */
	assert_true(taken <= of / 500000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_captured_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_captured_conversations_can_be_joined),
		cmocka_unit_test(test_packets_of_16_megabytes_cost_a_step_each),
		cmocka_unit_test(test_sequence_numbers_run_over),
		cmocka_unit_test(test_transactions_are_told),
		cmocka_unit_test(test_what_breaks_the_protocol),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_hardly_anything_else_is_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
