// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bpf/proto/mongodb.h: conversations and the operations they are, however they are cut; first bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exchanges.h"
#include "other_protocols.h"
#include "proto/mongodb.h"
#include "mongodb_vectors.h"

EXCHANGE_PROTOCOL(mongodb)

/* A message without its header; the documents' own lengths are not looked at on the top level. */
struct message {
	int side;
	__u32 id, to, opcode;
	const char *body;
	size_t n;
};

#define ASKS(id, opcode, body)                                \
	{                                                     \
		ASKING, id, 0, opcode, body, sizeof(body) - 1 \
	}
#define ANSWERS(to, opcode, body)                                   \
	{                                                           \
		ANSWERING, 1000, to, opcode, body, sizeof(body) - 1 \
	}

/* clang-format off */
#define NONE4 "\0\0\0\0"
#define NONE8 "\0\0\0\0\0\0\0\0"
#define MSG NONE4 "\0" NONE4 /* flags 0, a document of */
#define ONE "\1\0\0\0"
#define OK "\1ok\0\0\0\0\0\0\0\360\77\0" /* and the end of the document */
#define REPLY NONE4 NONE8 NONE4 ONE NONE4 /* flags, cursor, from, one document of */
#define COMMAND(name) MSG "\20" name "\0" ONE "\2$db\0\3\0\0\0db\0\0"
#define QUERY_COMMAND(name) NONE4 "admin.$cmd\0" NONE4 "\377\377\377\377" NONE4 "\20" name "\0" ONE "\0"
/* clang-format on */

static const struct {
	const char *what;
	struct message messages[8];
	const char *operations;
	__u32 unasked;
} conversations[] = {
	{"a command", {ASKS(1, 2013, COMMAND("find")), ANSWERS(1, 2013, MSG OK)}, "find", 0},
	{"names have no case", {ASKS(1, 2013, COMMAND("isMaster")), ANSWERS(1, 2013, MSG OK)}, "ismaster", 0},
	{"answers in another order",
	 {ASKS(1, 2013, COMMAND("find")), ASKS(2, 2013, COMMAND("insert")), ASKS(3, 2013, COMMAND("count")),
	  ANSWERS(3, 2013, MSG OK), ANSWERS(1, 2013, MSG OK), ANSWERS(2, 2013, MSG "\20ok\0" NONE4 "\0")},
	 "count find insert!",
	 0},
	{"names of 15, 16 and 17 bytes",
	 {ASKS(1, 2013, COMMAND("listCollections")), ASKS(2, 2013, COMMAND("abortTransaction")),
	  ASKS(3, 2013, COMMAND("commitTransaction")), ANSWERS(1, 2013, MSG OK), ANSWERS(2, 2013, MSG OK),
	  ANSWERS(3, 2013, MSG OK)},
	 "listcollections aborttransaction committransaction",
	 0},
	{"names that begin like them",
	 {ASKS(1, 2013, COMMAND("abortTransactions")), ASKS(2, 2013, COMMAND("commitTransactio")),
	  ASKS(3, 2013, COMMAND("commitTransactionPlease")), ANSWERS(1, 2013, MSG OK), ANSWERS(2, 2013, MSG OK),
	  ANSWERS(3, 2013, MSG OK)},
	 "other other other",
	 0},
	{"a long name",
	 {ASKS(1, 2013, COMMAND("_0123456789012345678901234567890123456789")), ANSWERS(1, 2013, MSG OK)},
	 "other",
	 0},
	{"a document without elements", {ASKS(1, 2013, MSG "\0"), ANSWERS(1, 2013, MSG "\0")}, "other", 0},
	{"a sequence before the command",
	 {ASKS(1, 2013,
	       NONE4 "\1\20\0\0\0docs\0\5\0\0\0\0xx"
		     "\0" NONE4 "\2insert\0\2\0\0\0c\0\0"),
	  ANSWERS(1, 2013, MSG OK)},
	 "insert",
	 0},
	{"a sequence behind it, and a checksum",
	 {ASKS(1, 2013, ONE "\0" NONE4 "\2insert\0\2\0\0\0c\0\0\1\16\0\0\0docs\0\5\0\0\0\0abcd"),
	  ANSWERS(1, 2013, ONE "\0" NONE4 OK "abcd")},
	 "insert",
	 0},
	{"a request that wants no answer",
	 {ASKS(1, 2013, "\2\0\0\0\0" NONE4 "\2insert\0\2\0\0\0c\0\0"), ASKS(2, 2013, COMMAND("ping")),
	  ANSWERS(2, 2013, MSG OK)},
	 "insert ping",
	 0},
	{"answers without end",
	 {ASKS(1, 2013, "\0\0\1\0\0" NONE4 "\20hello\0" ONE "\0"), ANSWERS(1, 2013, "\2\0\0\0\0" NONE4 OK),
	  ANSWERS(1000, 2013, "\2\0\0\0\0" NONE4 OK), ANSWERS(1000, 2013, MSG OK), ASKS(2, 2013, COMMAND("ping")),
	  ANSWERS(2, 2013, MSG OK)},
	 "hello ping",
	 0},
	{"failures",
	 {ASKS(1, 2013, COMMAND("a")), ANSWERS(1, 2013, MSG "\1ok\0" NONE8 "\2errmsg\0\4\0\0\0abc\0\0"),
	  ASKS(2, 2013, COMMAND("b")), ANSWERS(2, 2013, MSG "\22ok\0" NONE8 "\0"), ASKS(3, 2013, COMMAND("c")),
	  ANSWERS(3, 2013, MSG "\10ok\0\0\0"), ASKS(4, 2013, COMMAND("update")),
	  ANSWERS(4, 2013, MSG "\20n\0" ONE "\4writeErrors\0\5\0\0\0\0" OK)},
	 "other! other! other! update!",
	 0},
	{"no failures",
	 {ASKS(1, 2013, COMMAND("a")), ANSWERS(1, 2013, MSG "\3cursor\0\16\0\0\0\1ok\0" NONE8 "\0" OK),
	  ASKS(2, 2013, COMMAND("a")), ANSWERS(2, 2013, MSG "\20okay\0" NONE4 "\20o\0" NONE4 "\2ok\0\1\0\0\0\0\0"),
	  ASKS(3, 2013, COMMAND("a")), ANSWERS(3, 2013, MSG "\20writeErrorsOf\0" NONE4 "\10ok\0\1\0")},
	 "other other other",
	 0},
	{"names longer than the lookahead",
	 {ASKS(1, 2013, COMMAND("a")), ANSWERS(1, 2013,
					       MSG "\20a23456789012345\0" NONE4 "\20a234567890123456\0" NONE4
						   "\2a23456789012345678901234567890123\0\3\0\0\0ok\0\10ok\0\0\0")},
	 "other!",
	 0},
	{"a type that nobody knows",
	 {ASKS(1, 2013, COMMAND("a")), ANSWERS(1, 2013, MSG "\52a\0\1ok\0" NONE8)},
	 "other",
	 0},
	{"lengths that lie",
	 {ASKS(1, 2013, NONE4 "\1\377\377\377\377docs\0"), ASKS(2, 2013, NONE4 "\1\0\0\0\0docs\0"),
	  ANSWERS(1, 2013, MSG "\2a\0\377\377\377\377"), ANSWERS(2, 2013, MSG "\3a\0\1\0\0\0" OK),
	  ASKS(3, 2013, COMMAND("ping")), ANSWERS(3, 2013, MSG OK)},
	 "other other ping",
	 0},
	{"messages without a body",
	 {ASKS(1, 2013, ""), ASKS(2, 2012, ""), ASKS(3, 2004, ""), ANSWERS(1, 2013, ""), ANSWERS(2, 1, ""),
	  ANSWERS(3, 2012, "")},
	 "other other find",
	 0},
	{"compressed",
	 {ASKS(1, 2012, "\335\7\0\0\100\0\0\0\1abcdefghijklmnopqrstuvwxyz"),
	  ANSWERS(1, 2012, "\335\7\0\0\100\0\0\0\1abcdefghijklm")},
	 "other",
	 0},
	{"OP_QUERY: commands",
	 {ASKS(1, 2004, QUERY_COMMAND("isMaster")), ANSWERS(1, 1, REPLY OK), ASKS(2, 2004, QUERY_COMMAND("fnord")),
	  ANSWERS(2, 1, REPLY "\1ok\0" NONE8 "\0"),
	  ASKS(3, 2004, NONE4 "a.$cmd\0" NONE8 NONE4 "\3$query\0\20\0\0\0\20count\0" ONE "\0\0"),
	  ANSWERS(3, 1, REPLY OK)},
	 "ismaster other! count",
	 0},
	{"OP_QUERY: documents",
	 {ASKS(1, 2004, NONE4 "db.c\0" NONE8 NONE4 "\2a\0\1\0\0\0\0\0"), ANSWERS(1, 1, REPLY "\20ok\0" NONE4 "\0"),
	  ASKS(2, 2004, NONE4 "a_database.a$dollar$cmds.and.a.long.name\0" NONE8 NONE4 "\0"),
	  ANSWERS(2, 1, "\2\0\0\0" NONE8 NONE4 ONE NONE4 "\2$err\0\1\0\0\0\0\0"),
	  ASKS(3, 2005, NONE4 "db.c\0" NONE4 NONE8), ANSWERS(3, 1, ONE NONE8 NONE4 NONE4)},
	 "find find! getmore!",
	 0},
	{"requests that never had answers",
	 {ASKS(1, 2001, NONE4 "db.c\0" NONE4), ASKS(2, 2002, NONE4 "db.c\0"), ASKS(3, 2006, NONE4 "db.c\0"),
	  ASKS(4, 2007, NONE4 ONE NONE8), ASKS(5, 2013, COMMAND("ping")), ANSWERS(5, 2013, MSG OK)},
	 "update insert delete killcursors ping",
	 0},
	{"an answer to nothing",
	 {ANSWERS(7, 2013, MSG OK), ASKS(8, 2013, COMMAND("ping")), ANSWERS(7, 2013, MSG OK),
	  ANSWERS(8, 2013, MSG OK)},
	 "ping",
	 2},
};

static void message_add(struct bytes *b, const struct message *m)
{
	add_little(b, 16 + m->n, 4);
	add_little(b, m->id, 4);
	add_little(b, m->to, 4);
	add_little(b, m->opcode, 4);
	bytes_add(b, (const __u8 *)m->body, m->n);
}

/* The messages of one row as lines; their bytes stay in `b`. */
static void lines_of(struct line *lines, struct bytes *b, const struct message *messages, size_t n)
{
	size_t from[64];

	for (size_t i = 0; i < n; i++) {
		from[i] = b->n;
		if (messages[i].body)
			message_add(b, &messages[i]);
		lines[i] = (struct line){.side = messages[i].side, .len = b->n - from[i]};
	}
	for (size_t i = 0; i < n; i++)
		lines[i].text = messages[i].body ? (const char *)b->at + from[i] : NULL;
}

static void test_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		struct bytes b = {};
		struct line lines[8];

		print_message("%s\n", conversations[i].what);
		lines_of(lines, &b, conversations[i].messages, 8);
		dialogue_begin(&d, &mongodb_protocol);
		d.by_id = true;
		dialogue_lines(&d, lines, 8);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, conversations[i].operations);
		assert_int_equal(d.unasked, conversations[i].unasked);
		assert_false(dialogue_oldest(&d));
		assert_int_equal(d.stream[0].rq.state, 0);
		assert_int_equal(d.stream[1].rq.state, 0);
		assert_true(dialogue_every_split(&mongodb_protocol, true, lines, 8, 90 / SLOWER));
		bytes_free(&b);
	}
}

static void test_real_programs_are_understood_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(mongodb_vectors) / sizeof(mongodb_vectors[0]); i++) {
		print_message("%s\n", mongodb_vectors[i].what);
		dialogue_begin(&d, &mongodb_protocol);
		d.by_id = true;
		dialogue_lines(&d, mongodb_vectors[i].lines, 64);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, mongodb_vectors[i].operations);
		assert_int_equal(d.unasked, 0);
		assert_false(dialogue_oldest(&d));
		assert_true(dialogue_every_split(&mongodb_protocol, true, mongodb_vectors[i].lines, 64, 60 / SLOWER));
	}
}

static void test_values_of_every_type_are_passed_over(void **state)
{
	const struct message asks = ASKS(1, 2013, COMMAND("find"));
	static struct dialogue d;

	(void)state;
	for (__u8 ok = 0; ok < 2; ok++) {
		struct bytes b = {};
		__u8 document[5 + sizeof(mongodb_types)] = {};
		struct message messages[2] = {
			asks, {ANSWERING, 2, 1, 2013, (const char *)document, 5 + sizeof(mongodb_types) - 1}};
		struct line lines[2];

		memcpy(document + 5, mongodb_types, sizeof(mongodb_types) - 1);
		document[5 + sizeof(mongodb_types) - 1 - 2] = ok; /* the top byte of "ok" */
		lines_of(lines, &b, messages, 2);
		dialogue_begin(&d, &mongodb_protocol);
		d.by_id = true;
		dialogue_lines(&d, lines, 2);
		dialogue_operations_are(&d, ok ? "find" : "find!");
		assert_true(dialogue_every_split(&mongodb_protocol, true, lines, 2, 2000 / SLOWER / SLOWER));
		bytes_free(&b);
	}
}

static void test_no_name_is_longer_than_those_that_are_looked_for(void **state)
{
	(void)state;
	for (__u32 i = 1; i < OPERATION_COUNT; i++)
		if (operation_backend[i] == BACKEND_MONGODB)
			assert_true(strlen(operation_text[i]) <= MONGODB_LONGEST_NAME);
}

static enum starts starts_of(const void *text, size_t n, bool joined, __u8 poison)
{
	static struct guarded view;
	__u8 *p;

	if (!view.end)
		view = guarded_new(LOOK_BYTES);
	p = view.end - LOOK_BYTES;
	memset(p, poison, LOOK_BYTES);
	memcpy(p, text, min_u64(n, LOOK_BYTES));
	return joined ? mongodb_starts_joined(p, min_u64(n, LOOK_BYTES)) : mongodb_starts(p, min_u64(n, LOOK_BYTES));
}

static void test_starts(void **state)
{
	static const struct {
		struct message message;
		enum starts starts, joined;
	} rows[] = {
		{ASKS(1, 2013, COMMAND("ping")), STARTS_ASKING, STARTS_ASKING},
		{ASKS(1, 2013, "\0\0\1\0\0" NONE4 "\20hello\0" ONE "\0"), STARTS_ASKING, STARTS_ASKING},
		{ASKS(1, 2013, "\10\0\0\0\0" NONE4 "\20hello\0" ONE "\0"), STARTS_NOT, STARTS_NOT},
		{ASKS(1, 2013, "\0\0\0\0\2" NONE4 "\20hello\0" ONE "\0"), STARTS_NOT, STARTS_NOT},
		{ASKS(1, 2012, "\335\7\0\0\100\0\0\0\1abcd"), STARTS_ASKING, STARTS_ASKING},
		{ASKS(1, 2004, QUERY_COMMAND("isMaster")), STARTS_ASKING, STARTS_ASKING},
		{ASKS(1, 2002, NONE4 "db.c\0\0"), STARTS_ASKING, STARTS_ASKING},
		{ASKS(1, 2003, NONE4 "db.c\0\0"), STARTS_NOT, STARTS_NOT},
		{ASKS(1, 2013, NONE4), STARTS_NOT, STARTS_NOT},
		{ANSWERS(1, 2013, MSG OK), STARTS_NOT, STARTS_NOT}, /* the document's length is none */
		{ANSWERS(1, 2013, NONE4 "\0\21\0\0\0" OK), STARTS_NOT, STARTS_ANSWERING},
		{ANSWERS(1, 2013, ONE "\0\21\0\0\0" OK "abcd"), STARTS_NOT, STARTS_ANSWERING},
		{ANSWERS(1, 1, NONE4 NONE8 NONE4 ONE "\21\0\0\0" OK), STARTS_NOT, STARTS_ANSWERING},
		{ANSWERS(1, 2012, "\335\7\0\0\100\0\0\0\1abcd"), STARTS_NOT, STARTS_ANSWERING},
		{ANSWERS(1, 2004, QUERY_COMMAND("isMaster")), STARTS_NOT, STARTS_NOT},
		{ANSWERS(0, 1, REPLY OK), STARTS_NOT, STARTS_NOT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes b = {};

		message_add(&b, &rows[i].message);
		for (int poison = 0; poison < 256; poison++) {
			assert_int_equal(starts_of(b.at, b.n, false, poison), rows[i].starts);
			assert_int_equal(starts_of(b.at, b.n, true, poison), rows[i].joined);
			for (__u64 n = 1; n < b.n; n++) {
				enum starts starts = starts_of(b.at, n, false, poison);

				if (rows[i].starts == STARTS_ASKING)
					assert_int_equal(starts, n < 16 ? STARTS_SHORT : STARTS_ASKING);
			}
		}
		bytes_free(&b);
	}
	assert_int_equal(starts_of("GET / HTTP/1.1\r\n", 5, false, 0), STARTS_NOT);
}

static void test_starts_of_all_that_was_captured(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mongodb_vectors) / sizeof(mongodb_vectors[0]); i++) {
		for (const struct line *line = mongodb_vectors[i].lines; line->text; line++) {
			if (line->side == ASKING)
				assert_int_equal(starts_of(line->text, line->len, false, 0), STARTS_ASKING);
			assert_int_equal(starts_of(line->text, line->len, true, 0),
					 line->side == ASKING ? STARTS_ASKING : STARTS_ANSWERING);
		}
	}
}

static void test_other_streams_are_not_taken_for_it(void **state)
{
	enum { ROUNDS = 200000 / SLOWER };
	__u64 seed = 1;

	(void)state;
	for (size_t i = 0; i <= OTHER_PROTOCOLS; i++) {
		for (__u32 round = 0; round < ROUNDS; round++) {
			struct bytes b = {};

			while (b.n < LOOK_BYTES && i < OTHER_PROTOCOLS)
				other_protocols[i].write(&b, &seed, round & 1);
			if (i == OTHER_PROTOCOLS)
				add_random(&b, &seed, LOOK_BYTES);
			assert_int_equal(starts_of(b.at, b.n, false, 0), STARTS_NOT);
			assert_int_equal(starts_of(b.at, b.n, true, 0), STARTS_NOT);
			bytes_free(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_real_programs_are_understood_however_they_are_cut),
		cmocka_unit_test(test_values_of_every_type_are_passed_over),
		cmocka_unit_test(test_no_name_is_longer_than_those_that_are_looked_for),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_starts_of_all_that_was_captured),
		cmocka_unit_test(test_other_streams_are_not_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
