// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/postgresql.h: tables of conversations, captured ones too, every split point; what is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "postgresql_vectors.h"
#include "proto/postgresql.h"

#include "other_protocols.h"

EXCHANGE_PROTOCOL(postgresql)

/* Messages for the tables. */
#define START "\0\0\0\021\0\003\0\0user\0me\0\0"
#define SSL "\0\0\0\010\004\322\026/"
#define GSSENC "\0\0\0\010\004\322\0260"
#define CANCEL "\0\0\0\020\004\322\026.\0\0\0\1\0\0\0\2"
#define PARSE "P\0\0\0\020\0select 1\0\0\0"
#define BIND "B\0\0\0\014\0\0\0\0\0\0\0\0"
#define BIND_A "B\0\0\0\015\0a\0\0\0\0\0\0\0"
#define BIND_B "B\0\0\0\015\0b\0\0\0\0\0\0\0"
#define EXECUTE "E\0\0\0\011\0\0\0\0\0"
#define SYNC "S\0\0\0\004"
#define FLUSH "H\0\0\0\004"
#define WELCOME "R\0\0\0\010\0\0\0\0S\0\0\0\011a\0bc\0K\0\0\0\014\0\0\0\1\0\0\0\2" IDLE
#define PARSED "1\0\0\0\004"
#define BOUND "2\0\0\0\004"
#define ROW "D\0\0\0\013\0\1\0\0\0\0011"
#define SELECTED "C\0\0\0\015SELECT 1\0"
#define INSERTED "C\0\0\0\017INSERT 0 1\0"
#define ERROR "E\0\0\0\024SERROR\0Mno, no\0\0"
#define IDLE "Z\0\0\0\005I"
#define IN_BLOCK "Z\0\0\0\005T"
#define IN_FAILED "Z\0\0\0\005E"

static const struct {
	const char *what;
	struct line lines[8];
	const char *operations; /* in the order of their answers, a ! behind those that failed */
	__u32 unasked, outstanding;
	bool hidden, in_transaction;
} conversations[] = {
	{.what = "a session and a query",
	 {ASK(START), ANSWER(WELCOME), ASK("Q\0\0\0\015select 1\0"), ANSWER("T\0\0\0\006\0\0" ROW SELECTED IDLE)},
	 "select"},
	{.what = "encryption refused, twice",
	 {ASK(GSSENC), ANSWER("N"), ASK(SSL), ANSWER("N"), ASK(START), ANSWER(WELCOME)},
	 ""},
	{.what = "TLS", {ASK(SSL), ANSWER("S"), ASK("\026\003\001")}, "", .outstanding = 1, .hidden = true},
	{.what = "GSSAPI", {ASK(GSSENC), ANSWER("G"), ASK("\0\0\1")}, "", .outstanding = 1, .hidden = true},
	{.what = "a cancellation", {ASK(CANCEL)}, ""},
	{.what = "a password refused",
	 {ASK(START), ANSWER("R\0\0\0\010\0\0\0\003"), ASK("p\0\0\0\010no!\0"), ANSWER(ERROR)},
	 "",
	 .outstanding = 1},
	{.what = "a query that does not wait for the session's start",
	 {ASK(START "Q\0\0\0\015select 1\0"), ANSWER(WELCOME ROW SELECTED IDLE)},
	 "select"},
	{.what = "statements of one query",
	 {ASK("Q\0\0\0\017begin;x;y\0\0"), ANSWER("C\0\0\0\012BEGIN\0" INSERTED SELECTED IN_BLOCK)},
	 "begin insert select",
	 .in_transaction = true},
	{.what = "the second statement of a query fails",
	 {ASK("Q\0\0\0\015insert;x\0"), ANSWER(INSERTED ERROR IN_FAILED)},
	 "insert other!",
	 .in_transaction = true},
	{.what = "nothing in a query", {ASK("Q\0\0\0\005\0"), ANSWER("I\0\0\0\004" IDLE)}, "other"},
	{.what = "blanks before what fails",
	 {ASK("Q\0\0\0\051\n\t\t      \n\r  ( (\n          UPDATE \"t\"\0"), ANSWER(ERROR IDLE)},
	 "update!"},
	{.what = "only blanks", {ASK("Q\0\0\0\021            \0"), ANSWER("I\0\0\0\004" IDLE)}, "other"},
	{.what = "a long verb that fails, and one that is none",
	 {ASK("Q\0\0\0\024DEALLOCATE all\0\0Q\0\0\0\020checkpoint\0\0Q\0\0\0\027checkpointcheckpt\0\0"),
	  ANSWER(ERROR IDLE ERROR IDLE ERROR IDLE)},
	 "deallocate! checkpoint! other!"},
	{.what = "an unknown tag", {ASK("Q\0\0\0\015select 1\0"), ANSWER("C\0\0\0\010FOO\0" IDLE)}, "other"},
	{.what = "extended", {ASK(PARSE BIND EXECUTE SYNC), ANSWER(PARSED BOUND ROW SELECTED IDLE)}, "select"},
	{.what = "extended, failed", {ASK(PARSE BIND EXECUTE SYNC), ANSWER(PARSED BOUND ERROR IDLE)}, "select!"},
	{.what = "a statement that cannot be parsed", {ASK(PARSE SYNC), ANSWER(ERROR IDLE)}, "other!"},
	{.what = "an error at the end of an implicit transaction",
	 {ASK(PARSE BIND EXECUTE SYNC), ANSWER(PARSED BOUND INSERTED ERROR IDLE)},
	 "insert other!"},
	{.what = "a pipeline of several parts, one of which stops in its middle",
	 {ASK(PARSE BIND EXECUTE BIND EXECUTE BIND EXECUTE SYNC BIND EXECUTE SYNC SYNC BIND EXECUTE SYNC),
	  ANSWER(PARSED BOUND SELECTED BOUND ERROR IDLE BOUND INSERTED IDLE IDLE BOUND SELECTED IDLE)},
	 "select select! insert select"},
	{.what = "a part that fails before its first execution, others behind it",
	 {ASK(PARSE SYNC BIND EXECUTE SYNC), ANSWER(ERROR IDLE BOUND SELECTED IDLE)},
	 "other! select"},
	{.what = "the statement that a portal is of",
	 {ASK("P\0\0\0\020a\0insert;\0\0\0" BIND_A EXECUTE BIND_B EXECUTE BIND_A EXECUTE SYNC),
	  ASK(BIND_A EXECUTE SYNC BIND_B EXECUTE SYNC BIND EXECUTE SYNC),
	  ANSWER(PARSED BOUND SELECTED BOUND SELECTED BOUND ERROR IDLE ERROR IDLE ERROR IDLE ERROR IDLE)},
	 "select select insert! insert! other! other!"},
	{.what = "a statement whose name is long",
	 {ASK("P\0\0\0\045a_name_longer_than_any\0insert;\0\0\0" BIND_A EXECUTE SYNC), ANSWER(PARSED ERROR IDLE)},
	 "other!"},
	{.what = "rows in portions",
	 {ASK(PARSE BIND EXECUTE FLUSH), ANSWER(PARSED BOUND ROW "s\0\0\0\004"), ASK(EXECUTE SYNC),
	  ANSWER(ROW SELECTED IDLE)},
	 "select"},
	{.what = "nothing in a statement",
	 {ASK(PARSE "D\0\0\0\006P\0" BIND EXECUTE "C\0\0\0\006S\0" SYNC),
	  ANSWER(PARSED "t\0\0\0\006\0\0n\0\0\0\004" BOUND "I\0\0\0\0043\0\0\0\004" IDLE)},
	 "other"},
	{.what = "what nobody asked for",
	 {ANSWER("A\0\0\0\017\0\0\0\1abc\0d\0\0N\0\0\0\005\0S\0\0\0\010a\0b\0"), ASK("Q\0\0\0\015select 1\0"),
	  ANSWER("N\0\0\0\005\0" SELECTED "A\0\0\0\013\0\0\0\1a\0\0" IDLE), ANSWER(ERROR)},
	 "select"},
	{.what = "an answer to what was not seen",
	 {ANSWER(SELECTED IDLE), ASK(SYNC), ANSWER(IDLE)},
	 "",
	 .unasked = 1},
	{.what = "copied in, and given up",
	 {ASK("Q\0\0\0\011copy\0"), ANSWER("G\0\0\0\007\0\0\0"), ASK("d\0\0\0\007a\tbd\0\0\0\004f\0\0\0\006x\0"),
	  ANSWER(ERROR IDLE)},
	 "copy!"},
	{.what = "copied in by an Execute whose Sync the server passes over",
	 {ASK(PARSE BIND EXECUTE SYNC), ANSWER(PARSED BOUND "G\0\0\0\007\0\0\0"), ASK("d\0\0\0\007a\tb"),
	  ASK("c\0\0\0\004" SYNC PARSE BIND EXECUTE SYNC),
	  ANSWER("C\0\0\0\013COPY 7\0" IDLE PARSED BOUND SELECTED IDLE), ASK(PARSE SYNC), ANSWER(ERROR IDLE)},
	 "copy select other!"},
	{.what = "copied in by an Execute that waits with its Sync",
	 {ASK(PARSE BIND EXECUTE FLUSH), ANSWER(PARSED BOUND "G\0\0\0\007\0\0\0"), ASK("d\0\0\0\007a\tb"),
	  ASK("c\0\0\0\004" SYNC PARSE BIND EXECUTE SYNC),
	  ANSWER("C\0\0\0\013COPY 7\0" IDLE PARSED BOUND SELECTED IDLE)},
	 "copy select"},
	{.what = "copied in by a Query behind a Sync",
	 {ASK(SYNC), ANSWER(IDLE), ASK("Q\0\0\0\011copy\0"), ANSWER("G\0\0\0\007\0\0\0"), ASK("c\0\0\0\004"),
	  ANSWER("C\0\0\0\013COPY 0\0" IDLE), ASK(PARSE SYNC), ANSWER(ERROR IDLE)},
	 "copy other!"},
	{.what = "a portal whose name ends as a statement's",
	 {ASK("P\0\0\0\020a\0insert;\0\0\0B\0\0\0\017xa\0b\0\0\0\0\0\0\0" EXECUTE SYNC), ANSWER(PARSED ERROR IDLE)},
	 "other!"},
	{.what = "a Query does away with the unnamed statement",
	 {ASK(PARSE SYNC "Q\0\0\0\014insert;\0" BIND EXECUTE SYNC), ANSWER(PARSED IDLE INSERTED IDLE ERROR IDLE)},
	 "insert other!"},
	{.what = "a name that ends with its message",
	 {ASK("P\0\0\0\026abcdefg\0insert;\0\0\0B\0\0\0\014\0abcdefg" EXECUTE SYNC), ANSWER(PARSED ERROR IDLE)},
	 "insert!"},
	{.what = "a tag that ends with its message",
	 {ASK("Q\0\0\0\015select 1\0"), ANSWER("C\0\0\0\012SELECT" IDLE)},
	 "select"},
	{.what = "a server that does not know TLS", {ASK(SSL), ANSWER(ERROR)}, "", .outstanding = 1},
	{.what = "a function call",
	 {ASK("F\0\0\0\016\0\0\003\275\0\0\0\0\0\0F\0\0\0\016\0\0\003\275\0\0\0\0\0\0"),
	  ANSWER("V\0\0\0\010\377\377\377\377" IDLE ERROR IDLE)},
	 "call call!"},
};

#define CAPTURED(name, operations_, ...)                                                                   \
	{                                                                                                  \
		.what = #name, .lines = name##_lines, .n = sizeof(name##_lines) / sizeof(name##_lines[0]), \
		.operations = operations_, __VA_ARGS__                                                     \
	}

static const struct {
	const char *what;
	const struct line *lines;
	size_t n;
	const char *operations;
	__u32 outstanding;
	bool hidden;
} captured[] = {
	CAPTURED(psql, "insert select other!"),
	CAPTURED(psql_copy, "begin select! rollback other select create copy copy copy vacuum"),
	CAPTURED(pgbench_simple, "select select"),
	CAPTURED(pgbench_extended, "select select"),
	CAPTURED(pgbench_prepared, "select select"),
	CAPTURED(pgbench_tpcb, "begin update select update update insert commit"),
	CAPTURED(pgbench_pipeline, "select select!"),
	CAPTURED(psycopg2, "begin select insert update! rollback begin declare fetch fetch fetch commit"),
	CAPTURED(psycopg3, "begin select select select insert! rollback deallocate begin copy select update commit"),
	CAPTURED(asyncpg, "select other! begin select commit insert insert"),
	CAPTURED(libpq_copy, "copy copy! begin select call commit"),
	CAPTURED(replication, "", .hidden = true, .outstanding = 1),
};

static __u32 outstanding(const struct dialogue *d)
{
	__u32 n = 0;

	for (__u32 i = 0; i < d->asked_tail; i++)
		n += !d->asked[i].taken;
	return n;
}

static void test_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		print_message("%s\n", conversations[i].what);
		dialogue_begin(&d, &postgresql_protocol);
		dialogue_lines(&d, conversations[i].lines, 8);
		assert_false(d.broken[0] || d.broken[1]);
		assert_string_equal(dialogue_text(&d), conversations[i].operations);
		assert_int_equal(d.unasked, conversations[i].unasked);
		assert_int_equal(d.hidden, conversations[i].hidden);
		assert_int_equal(outstanding(&d), conversations[i].outstanding);
		assert_int_equal(d.queue.told[1] & POSTGRESQL_IN_TRANSACTION, conversations[i].in_transaction);
		assert_true(
			dialogue_every_split(&postgresql_protocol, false, conversations[i].lines, 8, 64 / SLOWER));
	}
}

static void test_captured_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(captured) / sizeof(captured[0]); i++) {
		print_message("%s\n", captured[i].what);
		dialogue_begin(&d, &postgresql_protocol);
		dialogue_lines(&d, captured[i].lines, captured[i].n);
		assert_false(d.broken[0] || d.broken[1]);
		assert_string_equal(dialogue_text(&d), captured[i].operations);
		assert_int_equal(d.unasked, 0);
		assert_int_equal(d.hidden, captured[i].hidden);
		assert_int_equal(outstanding(&d), captured[i].outstanding);
		assert_true(dialogue_every_split(&postgresql_protocol, false, captured[i].lines, captured[i].n, 0));
	}
}

/* 100 MB in one message, each way, without a step inside of it. */
static void test_long_messages_are_passed_over(void **state)
{
	static struct dialogue d;
	static __u8 zeros[1 << 20];

	(void)state;
	dialogue_begin(&d, &postgresql_protocol);
	dialogue_call(&d, ASKING, "Q\006\100\0\004insert", 11);
	for (int i = 0; i < 100; i++)
		dialogue_call(&d, ASKING, zeros, sizeof(zeros) - (i ? 0 : 6));
	dialogue_call(&d, ANSWERING, "D\006\100\0\004", 5);
	for (int i = 0; i < 100; i++)
		dialogue_call(&d, ANSWERING, zeros, sizeof(zeros));
	assert_int_equal(d.n_done, 0);
	dialogue_call(&d, ANSWERING, ERROR IDLE, sizeof(ERROR IDLE) - 1);
	assert_string_equal(dialogue_text(&d), "insert!");
	assert_int_equal(outstanding(&d), 0);
}

static void test_what_is_no_message_is_malformed(void **state)
{
	static const struct {
		const char *what;
		struct line line;
	} rows[] = {
		{"an unknown type of the client", ASK("Z\0\0\0\005I")},
		{"an unknown type of the server", ANSWER("Q\0\0\0\005\0")},
		{"a length below itself", ASK("Q\0\0\0\003ab")},
		{"the same of the server", ANSWER("D\0\0\0\003ab")},
		{"more than 1 GiB", ASK("d\100\0\0\1")},
		{"the same of the server", ANSWER("d\377\377\377\377")},
		{"a Sync with a body", ASK("S\0\0\0\005\0")},
		{"a BindComplete with a body", ANSWER("2\0\0\0\005\0")},
		{"ready, in a state that does not exist", ANSWER("Z\0\0\0\005X")},
		{"ready, without a state", ANSWER("Z\0\0\0\004")},
		{"a Parse without the end of its name", ASK("P\0\0\0\010abcd")},
		{"a long one", ASK("P\0\0\0\020abcdabcdabcd")},
		{"a Bind without its counts", ASK("B\0\0\0\004\0\0\0\0\004")},
		{"protocol 2", ASK("\0\0\0\011\0\002\0\0\0")},
		{"a start that is too long", ASK("\0\1\0\0\0\003\0\0u")},
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dialogue_begin(&d, &postgresql_protocol);
		dialogue_lines(&d, &rows[i].line, 1);
		if (!d.broken[rows[i].line.side])
			fail_msg("%s is not malformed", rows[i].what);
		assert_true(dialogue_every_split(&postgresql_protocol, false, &rows[i].line, 1, 64));
	}
	dialogue_begin(&d, &postgresql_protocol);
	dialogue_call(&d, ASKING, SSL, 8);
	dialogue_call(&d, ANSWERING, "X", 1);
	assert_true(d.broken[ANSWERING]);
}

typedef enum starts first_bytes(const __u8 *p, __u32 avail);

static enum starts starts_joined(const __u8 *p, __u32 avail)
{
	return postgresql_starts_joined(p, avail);
}

static enum starts starts_of(first_bytes *says, const void *bytes, __u64 n, __u8 poison)
{
	__u8 p[LOOK_BYTES];

	memset(p, poison, sizeof(p));
	if (n)
		memcpy(p, bytes, min_u64(n, sizeof(p)));
	return says(p, min_u64(n, sizeof(p)));
}

static void test_starts(void **state)
{
	static const struct {
		struct line line;
		enum starts fresh, joined;
	} rows[] = {
		{ASK(START), STARTS_ASKING, STARTS_NOT},
		{ASK(SSL), STARTS_ASKING, STARTS_NOT},
		{ASK(GSSENC), STARTS_ASKING, STARTS_NOT},
		{ASK(CANCEL), STARTS_ASKING, STARTS_NOT},
		{ASK("\0\0\0\011\0\003\0\002\0"), STARTS_ASKING, STARTS_NOT},
		{ASK("\0\0\0\011\0\002\0\0\0"), STARTS_NOT, STARTS_NOT},
		{ASK("\0\0\0\010\004\322\026-"), STARTS_NOT, STARTS_NOT},
		{ASK("\0\0\0\0\0\0\0\0\0\0\0"), STARTS_NOT, STARTS_NOT},
		{ASK("\0\0\0\021\0\003\0\0USER\0"), STARTS_NOT, STARTS_NOT},
		{ASK("Q\0\0\0\015select 1\0"), STARTS_NOT, STARTS_ASKING},
		{ASK("Q\0\0\0\015select 1\0" SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("Q\0\0\0\015select 1\0x"), STARTS_NOT, STARTS_NOT},
		{ASK("Q\0\0\0\015select 1;"), STARTS_NOT, STARTS_NOT},
		{ASK("Q\0\0\0\015sel\1ct 1\0"), STARTS_NOT, STARTS_NOT},
		{ASK("Q\0\0\0\006;\0"), STARTS_NOT, STARTS_ASKING},
		/* MySQL: a packet of 81 bytes that prepares a statement */
		{ASK("Q\0\0\0\026select a, b, c, d, e, f from "), STARTS_NOT, STARTS_NOT},
		{ASK("QUIT\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK(PARSE BIND EXECUTE SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("P\0\0\0\016a\0begin\0\0\0" SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("POST / HTTP/1.1\r\n\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK(BIND EXECUTE SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK(BIND_A EXECUTE SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("B\0\0\0\014\0\0\0\0\0\1\0\0"), STARTS_NOT, STARTS_ASKING},
		{ASK("B\0\0\0\014\0\0\1\0\0\0\0\0"), STARTS_NOT, STARTS_NOT},
		{ASK(EXECUTE SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("E\0\0\0\020C_1\0\0\0\0\0" SYNC), STARTS_NOT, STARTS_NOT},
		{ASK("E\0\0\0\014C_1\0\0\0\0\0" SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("D\0\0\0\006P\0" SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("C\0\0\0\010S_1\0" SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK("D\0\0\0\006X\0" SYNC), STARTS_NOT, STARTS_NOT},
		{ASK(SYNC), STARTS_NOT, STARTS_ASKING},
		{ASK(FLUSH), STARTS_NOT, STARTS_ASKING},
		{ASK("S\0\0\0\005"), STARTS_NOT, STARTS_NOT},
		{ASK("F\0\0\0\030\0\0\003\275\0\1\0\1\0\1\0\0\0\004\0\002\0\0\0\1"), STARTS_NOT, STARTS_ASKING},
		{ASK("d\0\0\0\010abcd"), STARTS_NOT, STARTS_NOT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		first_bytes *says[] = {postgresql_starts_, starts_joined};
		enum starts expected[] = {rows[i].fresh, rows[i].joined};
		const struct line *line = &rows[i].line;

		for (int j = 0; j < 2; j++) {
			for (int poison = 0; poison < 256; poison += 85) {
				if (starts_of(says[j], line->text, line->len, poison) != expected[j])
					fail_msg("row %zu, %s", i, j ? "joined" : "fresh");
				/* With fewer bytes it is not known, or known already. */
				for (__u64 n = 0; n < line->len && expected[j] == STARTS_ASKING; n++)
					if (starts_of(says[j], line->text, n, poison) == STARTS_NOT && n < LOOKAHEAD)
						fail_msg("row %zu, %s, of %llu bytes", i, j ? "joined" : "fresh", n);
			}
		}
	}
}

/* Every request of the captured conversations tells the protocol, but for the start, copied data, the goodbye, and
 * the Bind of a portal that has a name. */
static void test_requests_are_recognised_in_mid_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(captured) / sizeof(captured[0]); i++) {
		for (size_t j = 0; j < captured[i].n; j++) {
			const struct line *line = &captured[i].lines[j];

			if (line->side != ASKING || !line->text[0] || strchr("dcX", line->text[0]) ||
			    (line->text[0] == 'B' && line->text[5]))
				continue;
			if (starts_of(starts_joined, line->text, line->len, 0xa5) != STARTS_ASKING)
				fail_msg("%s, line %zu", captured[i].what, j);
		}
	}
}

enum {
	RANDOM_STREAMS = 100000000 / SLOWER,
	OTHER_STREAMS = 200000 / SLOWER, /* of each protocol */
};

static void test_random_bytes_and_other_protocols_are_not_taken_for_it(void **state)
{
	static const char requests[] = "QPBEDSCFH";
	__u64 seed = 7, taken[2] = {}, words[LOOK_BYTES / 8];

	(void)state;
	for (int round = 0; round < RANDOM_STREAMS; round++) {
		for (size_t i = 0; i < sizeof(words) / 8; i++)
			words[i] = random_next(&seed);
		/* Half of them are made as like as can be had for nothing. */
		if (round & 1)
			words[0] = (words[0] & ~0xffffULL) | (__u8)requests[round / 2 % 9];
		taken[0] += postgresql_starts((__u8 *)words, LOOK_BYTES) == STARTS_ASKING;
		taken[1] += postgresql_starts_joined((__u8 *)words, LOOK_BYTES) == STARTS_ASKING;
	}
	print_message("random: fresh %llu, joined %llu of %d\n", taken[0], taken[1], RANDOM_STREAMS);
	assert_int_equal(taken[0], 0);
	assert_true(taken[1] <= RANDOM_STREAMS / 1000000);

	for (int i = 0; i < OTHER_PROTOCOLS; i++) {
		taken[0] = taken[1] = 0;
		for (int round = 0; round < OTHER_STREAMS; round++) {
			struct bytes b = {};
			__u64 from;

			for (int messages = 1 + random_below(&seed, 3); messages; messages--)
				other_protocols[i].write(&b, &seed, round & 1);
			from = round & 2 && b.n ? random_below(&seed, b.n) : 0;
			taken[0] += starts_of(postgresql_starts_, b.at + from, b.n - from, 0) == STARTS_ASKING;
			taken[1] += starts_of(starts_joined, b.at + from, b.n - from, 0) == STARTS_ASKING;
			bytes_free(&b);
		}
		print_message("%s: fresh %llu, joined %llu of %d\n", other_protocols[i].name, taken[0], taken[1],
			      OTHER_STREAMS);
		assert_int_equal(taken[0], 0);
		if (other_protocols[i].write != write_postgresql)
			assert_int_equal(taken[1], 0);
	}
}

/* The first word is looked at as far as the lookahead goes. */
static void test_no_operation_has_a_longer_name_than_is_waited_for(void **state)
{
	(void)state;
	for (int i = OPERATION_POSTGRESQL_OTHER; i <= OPERATION_POSTGRESQL_VALUES; i++)
		assert_true(strlen(operation_text[i]) < POSTGRESQL_WORD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_captured_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_long_messages_are_passed_over),
		cmocka_unit_test(test_what_is_no_message_is_malformed),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_requests_are_recognised_in_mid_stream),
		cmocka_unit_test(test_random_bytes_and_other_protocols_are_not_taken_for_it),
		cmocka_unit_test(test_no_operation_has_a_longer_name_than_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
