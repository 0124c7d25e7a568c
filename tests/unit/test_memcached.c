// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bpf/proto/memcached.h: conversations and the operations they are, however they are cut; first bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exchanges.h"
#include "other_protocols.h"
#include "proto/memcached.h"
#include "memcached_vectors.h"

EXCHANGE_PROTOCOL(memcached)

/* clang-format off */
#define ZEROS "\0\0\0\0\0\0\0\0"
#define REQUEST(opcode, key, extras, body) "\x80" opcode "\0" key extras "\0\0\0" "\0\0\0" body "\0\0\0\1" ZEROS
#define RESPONSE(opcode, key, extras, status, body) "\x81" opcode "\0" key extras "\0\0" status "\0\0\0" body "\0\0\0\1" ZEROS
/* clang-format on */
#define KEY_260                                                            \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"01234567890123456789012345678901234567890123456789012345678901234567"

static const struct {
	const char *what;
	struct line lines[8];
	const char *operations;
	__u32 hits, misses, unasked;
} conversations[] = {
	{"a hit", {ASK("get k\r\n"), ANSWER("VALUE k 0 3\r\nfoo\r\nEND\r\n")}, "get", 1, 0, 0},
	{"a miss", {ASK("get k\r\n"), ANSWER("END\r\n")}, "get", 0, 1, 0},
	{"bare line feeds", {ASK("get k\n"), ANSWER("END\r\n")}, "get", 0, 1, 0},
	{"blanks", {ASK("get  a   b \r\n"), ANSWER("END\r\n")}, "get", 0, 2, 0},
	{"three keys, one value",
	 {ASK("gets a b c\r\n"), ANSWER("VALUE b 0 2 77\r\n\r\n\r\nEND\r\n")},
	 "gets",
	 1,
	 2,
	 0},
	{"of four keys the misses are not known",
	 {ASK("get a b c d\r\n"), ANSWER("VALUE b 0 0\r\n\r\nEND\r\n")},
	 "get",
	 1,
	 0,
	 0},
	{"a time before the keys", {ASK("gat 100 a b\r\n"), ANSWER("VALUE a 0 1\r\nx\r\nEND\r\n")}, "gat", 1, 1, 0},
	{"a value that looks like answers",
	 {ASK("get k\r\nget k\r\n"), ANSWER("VALUE k 0 12\r\nEND\r\nERROR\r\n\r\nEND\r\nEND\r\n")},
	 "get get",
	 1,
	 1,
	 0},
	{"a value that looks like commands",
	 {ASK("set k 0 0 14\r\nget a\r\nget b\r\n\r\nget c\r\n"), ANSWER("STORED\r\nEND\r\n")},
	 "set get",
	 0,
	 1,
	 0},
	{"a long key", {ASK("get " KEY_260 "\r\nget a\r\n"), ANSWER("CLIENT_ERROR\r\nEND\r\n")}, "get! get", 0, 1, 0},
	{"the key of an answer is long",
	 {ASK("get " KEY_260 "\r\nget a\r\n"), ANSWER("VALUE " KEY_260 " 0 1\r\na\r\nEND\r\nEND\r\n")},
	 "get get",
	 1,
	 1,
	 0},
	{"keys at the lookahead's end",
	 {ASK("get 12345678901234 123456789012345 1234567890123456\r\nget a\r\n"), ANSWER("END\r\nEND\r\n")},
	 "get get",
	 0,
	 4,
	 0},
	{"storage",
	 {ASK("set k 4294967295 -1 2\r\nab\r\nadd k 0 0 0\r\n\r\nreplace k 0 0 1\r\na\r\nappend k 0 0 1\r\na\r\n"
	      "prepend k 0 0 1\r\na\r\ncas k 0 0 1 18446744073709551615\r\na\r\n"),
	  ANSWER("STORED\r\nNOT_STORED\r\nSTORED\r\nSTORED\r\nSERVER_ERROR out of memory\r\nEXISTS\r\n")},
	 "set add replace append prepend! cas",
	 0,
	 0,
	 0},
	{"noreply",
	 {ASK("set k 0 0 1 noreply\r\na\r\ncas k 0 0 1 7 noreply\r\na\r\ndelete k noreply\r\nincr k 1 noreply\r\n"
	      "touch k 1 noreply\r\nflush_all noreply\r\nversion\r\n"),
	  ANSWER("VERSION 1.6.18\r\n")},
	 "set cas delete incr touch flush_all version",
	 0,
	 0,
	 0},
	{"a key called noreply",
	 {ASK("get noreply\r\ndelete noreply\r\nset noreply 0 0 1\r\na\r\n"), ANSWER("END\r\nDELETED\r\nSTORED\r\n")},
	 "get delete set",
	 0,
	 1,
	 0},
	{"noreply only at the end", {ASK("delete k noreply 0\r\n"), ANSWER("CLIENT_ERROR\r\n")}, "delete!", 0, 0, 0},
	{"numbers",
	 {ASK("incr k 5\r\ndecr k 1\r\nincr n 1\r\n"), ANSWER("0\r\n18446744073709551615\r\nNOT_FOUND\r\n")},
	 "incr decr incr",
	 0,
	 0,
	 0},
	{"a length that is none: no block",
	 {ASK("set k 0 0 abc\r\nversion\r\nset k 0 0 -1\r\nversion\r\n"),
	  ANSWER("CLIENT_ERROR bad\r\nVERSION\r\nCLIENT_ERROR bad\r\nVERSION\r\n")},
	 "set! version set! version",
	 0,
	 0,
	 0},
	{"errors",
	 {ASK("fnord\r\nGET k\r\n\r\nget\r\nshutdown\r\nabcdefghijklmnopqrstuvwxyz noreply\r\n"),
	  ANSWER("ERROR\r\nERROR\r\nERROR\r\nERROR\r\nERROR: shutdown not enabled\r\nERROR\r\n")},
	 "other! other! other! get! shutdown! other!",
	 0,
	 0,
	 0},
	{"statistics",
	 {ASK("stats\r\nstats reset\r\nstats cachedump 1 1\r\nlru_crawler metadump all\r\n"),
	  ANSWER("STAT pid 1\r\nSTAT version 1.6\r\nEND\r\nRESET\r\nITEM k [1 b; 0 s]\r\nEND\r\n"
		 "key=abcdefghijklmnopqrst exp=-1\nkey=k exp=-1\nEND\r\n")},
	 "stats stats stats other",
	 0,
	 0,
	 0},
	{"quit is not answered", {ASK("version\r\nquit\r\n"), ANSWER("VERSION 1.6\r\n")}, "quit version", 0, 0, 0},
	{"watching hides what follows",
	 {ASK("version\r\n"), ANSWER("VERSION 1\r\n"), ASK("watch\r\n")},
	 "version",
	 0,
	 0,
	 0},
	{"an answer to nothing", {ANSWER("STORED\r\n"), ASK("mn\r\n"), ANSWER("MN\r\n")}, "mn", 0, 0, 1},
	{"meta",
	 {ASK("mg a v\r\nmg a\r\nmg a s t v\r\nms a 2 T0\r\nhi\r\nmd a\r\nma a v\r\nme a\r\nmg a b k O123 t\r\n"),
	  ANSWER("EN\r\nHD\r\nVA 2 s2 t-1\r\nhi\r\nHD\r\nNF\r\nVA 2\r\n12\r\nME a exp=-1\r\nHD ka O123 t-1\r\n")},
	 "mg mg mg ms md ma me mg",
	 3,
	 1,
	 0},
	{"quiet gets: silence is a miss",
	 {ASK("mg a v q\r\nmg b v q\r\nmg c v q\r\nmn\r\n"), ANSWER("VA 1\r\na\r\nMN\r\n")},
	 "mg mg mg mn",
	 1,
	 2,
	 0},
	{"six of them without a word",
	 {ASK("mg a q\r\nmg b q\r\nmg c q\r\nmg d q\r\nmg e q\r\nmg f q\r\nmn\r\n"), ANSWER("MN\r\n")},
	 "mg mg mg mg mg mg mn",
	 0,
	 6,
	 0},
	{"quiet ones of several kinds",
	 {ASK("ms a 1 q\r\na\r\nmd b q\r\nmg q q\r\nma c q\r\nmg q\r\n"), ANSWER("NS\r\nEX\r\nHD\r\nEN\r\n")},
	 "ms md mg ma mg",
	 1,
	 1,
	 0},
	{"errors break silence", {ASK("mg a v q\r\nmn\r\n"), ANSWER("CLIENT_ERROR x\r\nMN\r\n")}, "mg! mn", 0, 0, 0},
	{"binary: a hit, a miss",
	 {ASK(REQUEST("\0", "\1", "\0", "\1") "k" REQUEST("\0", "\1", "\0", "\1") "k"),
	  ANSWER(RESPONSE("\0", "\0", "\4", "\0", "\5") "\0\0\0\0v" RESPONSE("\0", "\0", "\0", "\1",
									     "\11") "Not found")},
	 "get get",
	 1,
	 1,
	 0},
	{"binary: statuses",
	 {ASK(REQUEST("\2", "\1", "\10", "\11") ZEROS "k" REQUEST("\3", "\1", "\10", "\11") ZEROS
	      "k" REQUEST("\16", "\1", "\0", "\2") "kv" REQUEST("\5", "\1", "\24", "\25") ZEROS ZEROS
	      "\0\0\0\0k" REQUEST("\60", "\0", "\0", "\0")),
	  ANSWER(RESPONSE("\2", "\0", "\0", "\2", "\0") RESPONSE("\3", "\0", "\0", "\1", "\0")
			 RESPONSE("\16", "\0", "\0", "\5", "\0") RESPONSE("\5", "\0", "\0", "\6", "\0")
				 RESPONSE("\60", "\0", "\0", "\201", "\0"))},
	 "add replace append incr! other!",
	 0,
	 0,
	 0},
	{"binary: quiet",
	 {ASK(REQUEST("\15", "\1", "\0", "\1") "a" REQUEST("\15", "\1", "\0", "\1") "b" REQUEST("\21", "\1", "\10",
												"\11") ZEROS
	      "c" REQUEST("\24", "\1", "\0", "\1") "d" REQUEST("\0", "\1", "\0", "\1") "e"),
	  ANSWER(RESPONSE("\15", "\0", "\4", "\0", "\5") "\0\0\0\0v" RESPONSE("\24", "\0", "\0", "\1", "\0")
			 RESPONSE("\0", "\0", "\4", "\0", "\5") "\0\0\0\0v")},
	 "get get set delete get",
	 2,
	 1,
	 0},
	{"binary: statistics and a quiet quit",
	 {ASK(REQUEST("\20", "\0", "\0", "\0") REQUEST("\12", "\0", "\0", "\0") REQUEST("\27", "\0", "\0", "\0")),
	  ANSWER(RESPONSE("\20", "\3", "\0", "\0", "\4") "pid1" RESPONSE(
		  "\20", "\3", "\0", "\0", "\4") "pid1" RESPONSE("\20", "\0", "\0", "\0", "\0")
			 RESPONSE("\12", "\0", "\0", "\0", "\0"))},
	 "quit stats noop",
	 0,
	 0,
	 0},
	{"binary: authentication in steps",
	 {ASK(REQUEST("\41", "\4", "\0", "\6") "SCRAxy" REQUEST("\42", "\4", "\0", "\4") "SCRA"),
	  ANSWER(RESPONSE("\41", "\0", "\0", "\41", "\0") RESPONSE("\42", "\0", "\0", "\40", "\0"))},
	 "sasl_auth sasl_step!",
	 0,
	 0,
	 0},
};

static void test_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		print_message("%s\n", conversations[i].what);
		dialogue_begin(&d, &memcached_protocol);
		dialogue_lines(&d, conversations[i].lines, 8);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, conversations[i].operations);
		assert_int_equal(d.hits, conversations[i].hits);
		assert_int_equal(d.misses, conversations[i].misses);
		assert_int_equal(d.unasked, conversations[i].unasked);
		assert_false(dialogue_oldest(&d));
		assert_true(dialogue_every_split(&memcached_protocol, false, conversations[i].lines, 8, 64 / SLOWER));
	}
}

static void test_real_programs_are_understood_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(memcached_vectors) / sizeof(memcached_vectors[0]); i++) {
		print_message("%s\n", memcached_vectors[i].what);
		dialogue_begin(&d, &memcached_protocol);
		dialogue_lines(&d, memcached_vectors[i].lines, 64);
		assert_false(d.broken[0] || d.broken[1]);
		dialogue_operations_are(&d, memcached_vectors[i].operations);
		assert_int_equal(d.hits, memcached_vectors[i].hits);
		assert_int_equal(d.misses, memcached_vectors[i].misses);
		assert_true(d.unasked <= 1); /* the answer to a quit, for which clients need not wait */
		assert_false(dialogue_oldest(&d));
		assert_true(dialogue_every_split(&memcached_protocol, false, memcached_vectors[i].lines, 64,
						 24 / SLOWER));
	}
}

static void test_a_line_of_64_kib_is_one_request(void **state)
{
	static struct dialogue d;
	static char text[65536];

	(void)state;
	memcpy(text, "get", 3);
	for (size_t i = 3; i < sizeof(text) - 2; i++)
		text[i] = i % 51 == 3 ? ' ' : 'k';
	memcpy(text + sizeof(text) - 2, "\r\n", 2);
	for (size_t size = 1; size < sizeof(text); size = size * 3 + 1) {
		dialogue_begin(&d, &memcached_protocol);
		for (size_t at = 0; at < sizeof(text); at += size)
			dialogue_call(&d, ASKING, text + at, min_u64(size, sizeof(text) - at));
		dialogue_call(&d, ANSWERING, "END\r\n", 5);
		dialogue_operations_are(&d, "get");
		assert_int_equal(d.misses, 0);
	}
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
	return joined ? memcached_starts_joined(p, min_u64(n, LOOK_BYTES))
		      : memcached_starts(p, min_u64(n, LOOK_BYTES));
}

static void test_starts(void **state)
{
	static const struct {
		struct line line;
		enum starts starts, joined;
	} rows[] = {
		{ASK("get k\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("get 0123456789012345\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("set k 0 0 1\r\na\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("set k 0 0 3\r\n\1\2\3"), STARTS_ASKING, STARTS_NOT},
		{ASK("prepend k 0 0 1\r\na\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("mg k v\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("mn\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("version\r\n"), STARTS_ASKING, STARTS_NOT},
		{ASK("stats \r\n"), STARTS_ASKING, STARTS_NOT},
		{ASK("stats\r\n"), STARTS_ASKING, STARTS_NOT},
		{ASK("cache_memlimit 10\r\n"), STARTS_ASKING, STARTS_ASKING},
		{ASK("g"), STARTS_SHORT, STARTS_SHORT},
		{ASK("get"), STARTS_SHORT, STARTS_SHORT},
		{ASK("get "), STARTS_SHORT, STARTS_SHORT},
		{ASK("mn\r"), STARTS_SHORT, STARTS_SHORT},
		{ASK("get\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("GET / HTTP/1.1\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("Get k\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("ehlo x\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("quit\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("watch default\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("noop\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("other x\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("\r\n"), STARTS_NOT, STARTS_NOT},
		{ASK("abcdefghijklmnopqrstuvwxyz"), STARTS_NOT, STARTS_NOT},
		{ASK(REQUEST("\0", "\1", "\0", "\1") "k"), STARTS_ASKING, STARTS_ASKING},
		{ASK(REQUEST("\1", "\1", "\10", "\12")), STARTS_ASKING, STARTS_ASKING},
		{ASK(REQUEST("\12", "\0", "\0", "\0")), STARTS_ASKING, STARTS_ASKING},
		{ASK(REQUEST("\20", "\5", "\0", "\5") "items"), STARTS_ASKING, STARTS_ASKING},
		{ASK("\x80\0\0\1\0\0\0\0\0\0"), STARTS_SHORT, STARTS_SHORT},
		{ASK(REQUEST("\0", "\1", "\0", "\0") "k"), STARTS_NOT, STARTS_NOT},
		{ASK(REQUEST("\0", "\1", "\4", "\5") "k"), STARTS_NOT, STARTS_NOT},
		{ASK(REQUEST("\0", "\0", "\0", "\0")), STARTS_NOT, STARTS_NOT},
		{ASK(REQUEST("\50", "\1", "\0", "\1") "k"), STARTS_NOT, STARTS_NOT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int poison = 0; poison < 256; poison++) {
			assert_int_equal(starts_of(rows[i].line.text, rows[i].line.len, false, poison),
					 rows[i].starts);
			assert_int_equal(starts_of(rows[i].line.text, rows[i].line.len, true, poison),
					 rows[i].joined);
			for (__u64 n = 1; rows[i].starts != STARTS_NOT && n < rows[i].line.len; n++)
				assert_int_not_equal(starts_of(rows[i].line.text, n, false, poison), STARTS_NOT);
		}
	}
}

static void test_starts_of_all_that_was_captured(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(memcached_vectors) / sizeof(memcached_vectors[0]); i++) {
		const struct line *line = &memcached_vectors[i].lines[0];

		assert_int_equal(starts_of(line->text, line->len, false, 0), STARTS_ASKING);
	}
}

static void test_other_streams_are_not_taken_for_it(void **state)
{
	enum { ROUNDS = 200000 / SLOWER };
	__u64 seed = 1;

	(void)state;
	for (size_t i = 0; i <= OTHER_PROTOCOLS; i++) {
		__u32 taken[2] = {};

		if (i < OTHER_PROTOCOLS && other_protocols[i].write == write_memcached)
			continue;
		for (__u32 round = 0; round < ROUNDS; round++) {
			struct bytes b = {};

			while (b.n < LOOK_BYTES && i < OTHER_PROTOCOLS)
				other_protocols[i].write(&b, &seed, round & 1);
			if (i == OTHER_PROTOCOLS)
				add_random(&b, &seed, LOOK_BYTES);
			taken[0] += starts_of(b.at, b.n, false, 0) != STARTS_NOT;
			taken[1] += starts_of(b.at, b.n, true, 0) != STARTS_NOT;
			bytes_free(&b);
		}
		if (taken[0])
			print_message("%s: %u, joined %u of %d\n",
				      i < OTHER_PROTOCOLS ? other_protocols[i].name : "random", taken[0], taken[1],
				      ROUNDS);
		assert_true(taken[0] <= 1 + ROUNDS / 5000); /* text of lower-case words: "me " */
		assert_true(taken[1] <= 1 + ROUNDS / 10000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_real_programs_are_understood_however_they_are_cut),
		cmocka_unit_test(test_a_line_of_64_kib_is_one_request),
		cmocka_unit_test(test_starts),
		cmocka_unit_test(test_starts_of_all_that_was_captured),
		cmocka_unit_test(test_other_streams_are_not_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
