// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/proto/redis.h: tables of conversations, every split point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exchanges.h"
#include "proto/redis.h"

EXCHANGE_PROTOCOL(redis)

static const struct {
	const char *what;
	struct line lines[8];
	const char *operations; /* names in the order of their answers, a ! behind those that failed */
	__u32 hits, misses, unasked;
	__u64 length;
} conversations[] = {
	{"a get that finds",
	 {ASK("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), ANSWER("$3\r\nfoo\r\n")},
	 "get",
	 1,
	 0,
	 0,
	 LENGTH_NONE},
	{"a get that does not find",
	 {ASK("*2\r\n$3\r\nget\r\n$1\r\nk\r\n"), ANSWER("$-1\r\n")},
	 "get",
	 0,
	 1,
	 0,
	 LENGTH_NONE},
	{"RESP3 null", {ASK("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), ANSWER("_\r\n")}, "get", 0, 1, 0, LENGTH_NONE},
	{"an error",
	 {ASK("*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n"), ANSWER("-WRONGTYPE Operation\r\n")},
	 "incr!",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"an unknown command",
	 {ASK("*1\r\n$6\r\nFOOBAR\r\n"), ANSWER("-ERR unknown command\r\n")},
	 "other!",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"a name of twenty bytes",
	 {ASK("*1\r\n$20\r\nGEORADIUSBYMEMBER_RO\r\n"), ANSWER("*0\r\n")},
	 "georadiusbymember_ro",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"a name longer than any",
	 {ASK("*1\r\n$30\r\nGEORADIUSBYMEMBER_ROGEORADIUSB\r\n"), ANSWER("-ERR\r\n")},
	 "other!",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"a pipeline",
	 {ASK("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n"),
	  ANSWER("+OK\r\n:2\r\n+PONG\r\n")},
	 "set incr ping",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"mget",
	 {ASK("*4\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
	  ANSWER("*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n3\r\n")},
	 "mget",
	 2,
	 1,
	 0,
	 LENGTH_NONE},
	{"inline",
	 {ASK("PING\r\nset a b\r\n\r\nGET a\n"), ANSWER("+PONG\r\n+OK\r\n$1\r\nb\r\n")},
	 "ping set get",
	 1,
	 0,
	 0,
	 LENGTH_NONE},
	{"a transaction",
	 {ASK("*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nEXEC\r\n"),
	  ANSWER("+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n")},
	 "multi get exec",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"nested",
	 {ASK("*1\r\n$7\r\nCOMMAND\r\n"), ANSWER("*2\r\n*2\r\n+a\r\n:-1\r\n%1\r\n+k\r\n*2\r\n_\r\n#t\r\n"),
	  ANSWER("")},
	 "command",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"the length of a list",
	 {ASK("*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$1\r\nx\r\n"), ANSWER(":42\r\n")},
	 "lpush",
	 0,
	 0,
	 0,
	 42},
	{"a long number",
	 {ASK("*2\r\n$4\r\nINCR\r\n$1\r\nq\r\n"), ANSWER(":-9223372036854775808\r\n")},
	 "incr",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"a push out of the way",
	 {ASK("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), ANSWER(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n$1\r\nv\r\n")},
	 "get",
	 1,
	 0,
	 0,
	 LENGTH_NONE},
	{"a subscriber, RESP2",
	 {ASK("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"),
	  ANSWER("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$"
		 "7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),
	  ASK("*1\r\n$4\r\nPING\r\n"),
	  ANSWER("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n")},
	 "subscribe ping",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"a subscriber, RESP3",
	 {ASK("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"),
	  ANSWER(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),
	  ASK("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), ANSWER("$1\r\nv\r\n")},
	 "subscribe get",
	 1,
	 0,
	 0,
	 LENGTH_NONE},
	{"attributes before a value",
	 {ASK("*2\r\n$3\r\nTTL\r\n$1\r\nk\r\n"), ANSWER("|1\r\n+ttl\r\n:3600\r\n:1\r\n")},
	 "ttl",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
	{"an answer to nothing",
	 {ANSWER("+OK\r\n"), ASK("*1\r\n$4\r\nPING\r\n"), ANSWER("+PONG\r\n")},
	 "ping",
	 0,
	 0,
	 1,
	 LENGTH_NONE},
	{"an answer with a long line",
	 {ASK("*1\r\n$4\r\nPING\r\n"), ANSWER("+0123456789012345678901234567890123456789\r\n")},
	 "ping",
	 0,
	 0,
	 0,
	 LENGTH_NONE},
};

static void test_conversations_give_their_operations_however_they_are_cut(void **state)
{
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		print_message("%s\n", conversations[i].what);
		dialogue_begin(&d, &redis_protocol);
		dialogue_lines(&d, conversations[i].lines, 8);
		assert_false(d.broken[0] || d.broken[1]);
		assert_string_equal(dialogue_text(&d), conversations[i].operations);
		assert_int_equal(d.hits, conversations[i].hits);
		assert_int_equal(d.misses, conversations[i].misses);
		assert_int_equal(d.unasked, conversations[i].unasked);
		assert_true(d.length == conversations[i].length);
		assert_true(dialogue_every_split(&redis_protocol, false, conversations[i].lines, 8, 64));
	}
}

#define KEY_63 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define KEY_127 "/" KEY_63 KEY_63

static void test_keys_of_operations_that_tell_a_length_are_shown_whole(void **state)
{
	static const struct {
		const char *request, *keys;
	} rows[] = {
		{"*3\r\n$5\r\nRPUSH\r\n$4\r\njobs\r\n$1\r\nx\r\n", "jobs "},
		{"*2\r\n$4\r\nllen\r\n$1\r\nq\r\n*2\r\n$4\r\nLLEN\r\n$2\r\nqq\r\n", "q qq "},
		{"*2\r\n$4\r\nLLEN\r\n$63\r\n" KEY_63 "\r\n", KEY_63 " "},
		{"*2\r\n$4\r\nLLEN\r\n$127\r\n" KEY_127 "\r\n", KEY_127 " "},
		{"*2\r\n$4\r\nLLEN\r\n$128\r\n/" KEY_127 "\r\n", ""},
		{"*2\r\n$4\r\nLLEN\r\n$0\r\n\r\n", ""},
		{"*1\r\n$4\r\nLLEN\r\n", ""},
		{"*2\r\n$3\r\nGET\r\n$4\r\njobs\r\n", ""},
		{"*2\r\n$4\r\nLPOP\r\n$4\r\njobs\r\n", ""},
		{"llen jobs\r\n", ""},
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].request);

		for (int wants = 0; wants < 2; wants++) {
			dialogue_begin(&d, &redis_protocol);
			d.wants_keys = wants;
			dialogue_call(&d, ASKING, rows[i].request, n);
			assert_false(d.broken[ASKING]);
			assert_true(d.asked_tail > 0);
			assert_string_equal(d.keys, wants ? rows[i].keys : "");
		}
		/* Cut in two, a key is shown whole or not at all, and the request is the same. */
		for (size_t cut = 1; cut < n; cut++) {
			__u32 asked = d.asked_tail;

			dialogue_begin(&d, &redis_protocol);
			d.wants_keys = true;
			dialogue_call(&d, ASKING, rows[i].request, cut);
			dialogue_call(&d, ASKING, rows[i].request + cut, n - cut);
			assert_false(d.broken[ASKING]);
			assert_int_equal(d.asked_tail, asked);
			assert_true(!*d.keys || strstr(rows[i].keys, d.keys));
		}
	}
}

/* dialogue_call() looks at each of the messages that were said to be alike. */
static void test_messages_that_are_alike(void **state)
{
	static const struct {
		struct line lines[2];
		__u32 repeated, hits, misses;
	} rows[] = {
		{{ASK("*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n*2\r\n$3\r\nGET\r\n$2\r\nk2\r\n*2\r\n$3\r\nGET\r\n$"
		      "2\r\nk3\r\n"),
		  ANSWER("$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n")},
		 4,
		 3,
		 0},
		{{ASK("*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n*2\r\n$3\r\nGET\r\n$2\r\nk2\r\n*2\r\n$3\r\nGET\r\n$"
		      "2\r\nk3\r\n"),
		  ANSWER("$-1\r\n$-1\r\n$1\r\nc\r\n")},
		 3,
		 1,
		 2},
		/* keys of other lengths, other names, another argument, a name in other letters */
		{{ASK("*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n*2\r\n$3\r\nGET\r\n$3\r\nk22\r\n"), ANSWER("_\r\n$-1\r\n")},
		 0,
		 0,
		 2},
		{{ASK("*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n*2\r\n$3\r\nTTL\r\n$2\r\nk1\r\n"), ANSWER("$1\r\na\r\n:1\r\n")},
		 0,
		 1,
		 0},
		{{ASK("*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n*2\r\n$3\r\nget\r\n$2\r\nk1\r\n"),
		  ANSWER("$1\r\na\r\n$1\r\na\r\n")},
		 1,
		 2,
		 0},
		{{ASK("*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$3\r\nabc\r\n*3\r\n$3\r\nSET\r\n$2\r\n$3\r\n$3\r\ndef\r\n"),
		  ANSWER("+OK\r\n+OK\r\n")},
		 2,
		 0,
		 0},
		{{ASK("*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$3\r\nabc\r\n*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$4\r\ndefg\r\n"),
		  ANSWER("+OK\r\n-ERR\r\n")},
		 0,
		 0,
		 0},
		{{ASK("*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$3\r\nabc\r\n*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$3\r\ndef\r\n"),
		  ANSWER("-ERR\r\n-ERR\r\n")},
		 2,
		 0,
		 0},
		/* more arguments than one step takes; answers of more than one value */
		{{ASK("*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n"),
		  ANSWER("*2\r\n$1\r\na\r\n$-1\r\n*2\r\n$1\r\na\r\n$-1\r\n")},
		 1,
		 2,
		 2},
		{{ASK("*4\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n*4\r\n$4\r\nMGET\r\n$1\r\na\r\n$"
		      "1\r\nb\r\n$1\r\nc\r\n"),
		  ANSWER("*0\r\n*0\r\n")},
		 1,
		 0,
		 0},
		{{ASK("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"), ANSWER("+PONG\r\n+PONG\r\n")}, 2, 0, 0},
	};
	static struct dialogue d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dialogue_begin(&d, &redis_protocol);
		dialogue_lines(&d, rows[i].lines, 2);
		assert_false(d.broken[0] || d.broken[1]);
		assert_int_equal(d.repeated, rows[i].repeated);
		assert_int_equal(d.hits, rows[i].hits);
		assert_int_equal(d.misses, rows[i].misses);
		assert_true(dialogue_every_split(&redis_protocol, false, rows[i].lines, 2, 128));
	}
}

static void test_starts(void **state)
{
	static const struct {
		const char *text;
		enum starts starts;
	} rows[] = {
		{"*1\r\n$4\r\nPING\r\n", STARTS_ASKING},
		{"*12\r\n$4", STARTS_ASKING},
		{"*1\r\n", STARTS_SHORT},
		{"PING\r\n", STARTS_ASKING},
		{"PING :irc", STARTS_NOT},
		{"GET / HT", STARTS_NOT},
		{"*0\r\n$1", STARTS_NOT},
		{"* OK IMAP", STARTS_NOT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u8 p[LOOK_BYTES];

		memset(p, '1', sizeof(p));
		memcpy(p, rows[i].text, strlen(rows[i].text));
		assert_int_equal(redis_starts(p, strlen(rows[i].text)), rows[i].starts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations_give_their_operations_however_they_are_cut),
		cmocka_unit_test(test_keys_of_operations_that_tell_a_length_are_shown_whole),
		cmocka_unit_test(test_messages_that_are_alike),
		cmocka_unit_test(test_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
