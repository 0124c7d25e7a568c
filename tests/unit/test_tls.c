// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/tls.h: what calls of a TLS library make of their arguments and results, who calls, and who is wanted.
 */
#include "tls_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int begin(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

/* ---- Kinds of functions -----------------------------------------------------------------------------------------
 */

/* A pair of functions that read and write. */
struct functions {
	const char *description;
	hook_fn *read, *write;
	enum label_library library;
	bool ex; /* the number of bytes is left where the fourth argument points */
};

static const struct functions pairs[] = {
	{"SSL_read, SSL_write", ts_tls_read, ts_tls_write, LIBRARY_OPENSSL, false},
	{"SSL_read_ex, SSL_write_ex", ts_tls_read_ex, ts_tls_write_ex, LIBRARY_OPENSSL, true},
	{"the same of BoringSSL", ts_tls_read, ts_tls_write, LIBRARY_BORINGSSL, false},
	{"gnutls_record_recv, gnutls_record_send", ts_tls_read, ts_tls_write, LIBRARY_GNUTLS, false},
};

static void call(const struct functions *f, hook_fn *hook, const char *text)
{
	size_t n = 0;

	tls_entry_at(hook, f->library, STACK, OBJECT, text, f->ex ? &n : NULL);
	n = strlen(text);
	tls_return_at(f->library, STACK, f->ex ? 1 : (__s64)n);
}

static void each_pair_of_functions_passes_plaintext_both_ways(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct functions *f = &pairs[i];

		begin(state);
		call(f, f->read, ASKED);
		call(f, f->write, ANSWERED);
		if (answered() != 1 || unparsed() || connections_counted(f->library, VISIBLE_YES) != 1)
			fail_msg("%s: %llu requests, %llu bytes not parsed", f->description, answered(), unparsed());
	}
}

static void the_role_is_that_of_who_reads_the_request(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	assert_int_equal(conn_role(tls_conn_find(tls_key(PROCESS, OBJECT))), ROLE_SERVER);
	tls_writes(OTHER_OBJECT, ASKED);
	assert_int_equal(conn_role(tls_conn_find(tls_key(PROCESS, OTHER_OBJECT))), ROLE_CLIENT);
}

/* Calls behind a request whose answer is outstanding, none of which passes the answer. */
static void a_call_that_passes_nothing_counts_nothing(void **state)
{
	static size_t n = sizeof(ANSWERED) - 1;
	static const struct {
		const char *description;
		hook_fn *hook;
		size_t *passed;
		__s64 result;
	} calls[] = {
		{"SSL_write: an error", ts_tls_write, NULL, -1},
		{"SSL_write: closed", ts_tls_write, NULL, 0},
		{"gnutls_record_send: GNUTLS_E_AGAIN", ts_tls_write, NULL, -28},
		{"SSL_write_ex: refused", ts_tls_write_ex, &n, 0},
		{"SSL_write_ex: its number can't be read", ts_tls_write_ex, NULL, 1},
		{"SSL_sendfile: an error", ts_tls_sendfile, NULL, -1},
		{"SSL_sendfile: nothing", ts_tls_sendfile, NULL, 0},
		{"SSL_do_handshake: done", ts_tls_handshake, NULL, 1},
		{"SSL_read: an error", ts_tls_read, NULL, -1},
		{"SSL_read_ex: refused", ts_tls_read_ex, &n, 0},
	};
	/* A return of 1 from a handshake is no byte: nor is one of an _ex function. */
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		begin(state);
		tls_reads(OBJECT, ASKED);
		/* One that has a fourth argument needs one that can't be read for nothing to pass. */
		user_unreadable = calls[i].passed ? NULL : (void *)16;
		tls_entry_at(calls[i].hook, LIBRARY_OPENSSL, STACK, OBJECT, ANSWERED,
			     calls[i].passed ? calls[i].passed : (size_t *)16);
		tls_return_at(LIBRARY_OPENSSL, STACK, calls[i].result);
		user_unreadable = NULL;
		if (answered() || unanswered() || unparsed())
			fail_msg("%s: counted", calls[i].description);
		tls_writes(OBJECT, ANSWERED);
		if (answered() != 1)
			fail_msg("%s: out of step behind it", calls[i].description);
	}
}

static void a_client_whose_peer_closed_has_no_answer(void **state)
{
	(void)state;
	tls_writes(OBJECT, ASKED);
	assert_int_equal(unanswered(), 0);
	tls_call(ts_tls_read, OBJECT, ANSWERED, 0);
	assert_int_equal(unanswered(), 1);
	assert_int_equal(answered(), 0);
}

static void a_write_of_nothing_is_no_end(void **state)
{
	(void)state;
	tls_writes(OBJECT, ASKED);
	tls_call(ts_tls_write, OBJECT, "", 0);
	tls_reads(OBJECT, ANSWERED);
	assert_int_equal(unanswered(), 0);
	assert_int_equal(answered(), 1);
}

static void a_server_whose_client_has_no_more_to_say_still_answers(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	tls_call(ts_tls_read, OBJECT, NULL, 0);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(unanswered(), 0);
	assert_int_equal(answered(), 1);
}

static void a_write_repeated_without_a_buffer_is_of_the_bytes_of_the_one_before(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	tls_call(ts_tls_write, OBJECT, ANSWERED, -28);
	tls_call(ts_tls_write, OBJECT, NULL, -28); /* again in vain */
	tls_call(ts_tls_write, OBJECT, NULL, sizeof(ANSWERED) - 1);
	assert_int_equal(answered(), 1);
	assert_int_equal(unparsed(), 0);
}

static void bytes_of_a_file_pass_though_they_are_nowhere_to_be_read(void **state)
{
	static const struct {
		const char *description;
		__s64 part[4];
	} bodies[] = {
		{"in two calls", {2000, 3000}},
		{"in one call", {5000}},
		{"with a rest from memory", {4998, -2}},
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		begin(state);
		tls_reads(OBJECT, ASKED);
		tls_writes(OBJECT, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
		for (const __s64 *part = bodies[i].part; *part; part++)
			if (*part > 0)
				tls_call(ts_tls_sendfile, OBJECT, (void *)5 /* a descriptor */, *part);
			else
				tls_writes(OBJECT, "hi");
		if (answered() != 1 || unparsed())
			fail_msg("%s: %llu requests, %llu bytes not parsed", bodies[i].description, answered(),
				 unparsed());
		tls_reads(OBJECT, ASKED);
		tls_writes(OBJECT, ANSWERED);
		if (answered() != 2)
			fail_msg("%s: the next request is not counted", bodies[i].description);
	}
}

static void a_file_that_is_no_body_is_not_parsed(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	user_unreadable = (void *)5;
	tls_call(ts_tls_sendfile, OBJECT, (void *)5, 100);
	assert_int_equal(self_cells.cell[SELF_UNPARSED + UNPARSED_SPLICE], 100);
	assert_int_equal(unparsed(), 100);
}

/* What a call of gnutls_record_recv_packet() leaves: struct mbuffer_st of GnuTLS, up to its size. */
struct packet {
	void *previous, *next;
	size_t mark;
	const char *data;
	unsigned int size;
};

/* Receives what is behind `mark` bytes of a packet that says it has `more` than that. */
static void receive_packet(const char *data, size_t mark, unsigned int more)
{
	static struct packet packet, *left = &packet;
	size_t bytes = strlen(data);

	packet = (struct packet){.mark = mark, .data = data, .size = (unsigned int)bytes + more};
	tls_call(ts_tls_packet, OBJECT, &left, (__s64)(bytes - mark));
}

static void a_packet_passes_what_is_left_of_it(void **state)
{
	(void)state;
	receive_packet("....." ASKED, 5, 0);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	assert_int_equal(unparsed(), 0);
}

static void a_packet_laid_out_in_another_way_is_not_parsed(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	tls_writes(OBJECT, ANSWERED);
	receive_packet(ASKED, 0, 1);
	assert_int_equal(unparsed(), strlen(ASKED));
	assert_int_equal(answered(), 1);
}

/* A call of gnutls_record_uncork() on this object, in which gnutls_record_send() is called on that one. */
static void uncork(__u64 object, __u64 sends, const char *text)
{
	tls_entry_at(ts_tls_uncork, LIBRARY_GNUTLS, STACK, object, NULL, NULL);
	tls_entry_at(ts_tls_write, LIBRARY_GNUTLS, STACK - 64, sends, text, NULL);
	tls_return_at(LIBRARY_GNUTLS, STACK - 64, (__s64)strlen(text));
	tls_return_at(LIBRARY_GNUTLS, STACK, (__s64)strlen(text));
}

static void what_was_corked_passes_once(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED ASKED);
	tls_writes(OBJECT, ANSWERED);
	tls_writes(OBJECT, ANSWERED);
	uncork(OBJECT, OBJECT, ANSWERED ANSWERED);
	assert_int_equal(answered(), 2);
	assert_int_equal(unparsed(), 0);
	tls_reads(OBJECT, ASKED);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 3);
}

/* TLS inside TLS: the outer library calls the inner one to have its records sent. */
static void what_another_object_sends_while_one_is_uncorked_passes(void **state)
{
	(void)state;
	tls_reads(OTHER_OBJECT, ASKED);
	uncork(OBJECT, OTHER_OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	assert_int_equal(unparsed(), 0);
}

static void an_object_is_new_where_its_maker_says_so(void **state)
{
	static __u64 session = OTHER_OBJECT; /* where gnutls_init() leaves it */

	(void)state;
	tls_makes(OBJECT);
	assert_true(map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(PROCESS, OBJECT)}));
	tls_entry_at(ts_tls_new_at, LIBRARY_GNUTLS, STACK, (__u64)&session, NULL, NULL);
	tls_return_at(LIBRARY_GNUTLS, STACK, 0);
	assert_true(map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(PROCESS, OTHER_OBJECT)}));
}

static void no_object_is_made_where_memory_is_short(void **state)
{
	(void)state;
	tls_makes(0);
	user_unreadable = (void *)16;
	tls_entry_at(ts_tls_new_at, LIBRARY_GNUTLS, STACK, 16, NULL, NULL);
	tls_return_at(LIBRARY_GNUTLS, STACK, -25);
	assert_null(map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(PROCESS, 0)}));
}

/* The answer to a request that nobody saw comes first: only a connection known from its start knows better. */
static void an_object_seen_from_its_beginning_is_parsed_from_its_first_byte(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	tls_reads(OBJECT, ASKED);
	assert_true(tls_conn_find(tls_key(PROCESS, OBJECT))->flags & CONN_FRESH);
	tls_reads(OTHER_OBJECT, ASKED);
	assert_false(tls_conn_find(tls_key(PROCESS, OTHER_OBJECT))->flags & CONN_FRESH);
}

static void a_websocket_inside_tls_is_followed_as_one_outside(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	tls_reads(OBJECT, UPGRADE);
	tls_writes(OBJECT, SWITCHED);
	tls_reads(OBJECT, "\x81\x82\x01\x02\x03\x04\x69\x6b");
	tls_writes(OBJECT, "\x81\x02hi");
	assert_string_equal(websocket_counted(OBJECT),
			    "opened timed server <text <bytes=2 >text >bytes=2 text-answered");
}

/* ---- Entries and returns ----------------------------------------------------------------------------------------
 */

static void a_return_without_its_entry_counts_nothing(void **state)
{
	(void)state;
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	tls_reads(OBJECT, ASKED);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ANSWERED) - 1);
	tls_entry_at(ts_tls_write, LIBRARY_OPENSSL, STACK, OBJECT, ANSWERED, NULL);
	tls_return_at(LIBRARY_OPENSSL, STACK - 64, sizeof(ANSWERED) - 1); /* another function's */
	assert_int_equal(answered(), 0);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ANSWERED) - 1);
	assert_int_equal(answered(), 1);
}

static void tls_inside_tls_is_two_objects(void **state)
{
	(void)state;
	/* The outer object's BIO is the inner one. */
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OBJECT, ASKED, NULL);
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK - 512, OTHER_OBJECT, TLS_RECORD, NULL);
	tls_return_at(LIBRARY_OPENSSL, STACK - 512, sizeof(TLS_RECORD) - 1);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	assert_int_equal(tls_conn_find(tls_key(PROCESS, OTHER_OBJECT))->protocol, PROTOCOL_TLS);
}

static void coroutines_may_return_in_any_order(void **state)
{
	enum { COROUTINES = 4 };
	static const int orders[][COROUTINES] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}};

	for (size_t order = 0; order < sizeof(orders) / sizeof(orders[0]); order++) {
		begin(state);
		for (__u64 i = 0; i < COROUTINES; i++)
			tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK + 4096 * i, OBJECT + 64 * i, ASKED, NULL);
		for (int i = 0; i < COROUTINES; i++)
			tls_return_at(LIBRARY_OPENSSL, STACK + 4096 * (__u64)orders[order][i], sizeof(ASKED) - 1);
		for (__u64 i = 0; i < COROUTINES; i++)
			tls_writes(OBJECT + 64 * i, ANSWERED);
		assert_int_equal(answered(), COROUTINES);
		assert_int_equal(unparsed(), 0);
	}
}

static void an_entry_replaces_a_call_that_was_left_at_its_depth(void **state)
{
	(void)state;
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OTHER_OBJECT, ASKED, NULL); /* left by longjmp() */
	tls_reads(OBJECT, ASKED);
	assert_null(tls_conn_find(tls_key(PROCESS, OTHER_OBJECT)));
	assert_non_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
}

static void the_calls_of_threads_are_apart(void **state)
{
	(void)state;
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OBJECT, ASKED, NULL);
	run_as(PROCESS, PROCESS + 1);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	assert_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
	run_as(PROCESS, PROCESS);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	assert_non_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
}

static void equal_addresses_of_two_processes_are_two_objects(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	run_as(PROCESS + 1, PROCESS + 1);
	tls_reads(OBJECT, ASKED);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	run_as(PROCESS, PROCESS);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 2);
	assert_int_equal(shared.states_live, 2);
}

static void another_program_in_the_process_does_not_return_from_the_calls_of_the_old_one(void **state)
{
	(void)state;
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OBJECT, ASKED, NULL);
	ts_task_exec(&current_task);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	assert_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
}

static void a_thread_that_ends_leaves_no_call_to_the_next_of_its_number(void **state)
{
	(void)state;
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OBJECT, ASKED, NULL);
	ts_task_exit(&current_task);
	tls_return_at(LIBRARY_OPENSSL, STACK, sizeof(ASKED) - 1);
	assert_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
	assert_false(the_process.ended); /* other threads go on */
}

/* ---- Who is wanted ----------------------------------------------------------------------------------------------
 */

static void nothing_of_a_process_that_is_not_selected_is_seen(void **state)
{
	(void)state;
	settings_set()->selecting = settings_set()->selecting_process = 1;
	the_process.selected = 0;
	tls_makes(OBJECT);
	tls_reads(OBJECT, ASKED);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 0);
	assert_int_equal(connections_of_any_library(VISIBLE_YES), 0);
	assert_null(map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(PROCESS, OBJECT)}));
}

static void tapstat_does_not_look_at_its_own_tls(void **state)
{
	(void)state;
	shared.self_tgid = PROCESS;
	tls_reads(OBJECT, ASKED);
	assert_null(tls_conn_find(tls_key(PROCESS, OBJECT)));
}

static void a_port_selects_once_the_socket_is_known(void **state)
{
	static struct connection c;
	static const struct {
		__u16 wanted;
		__u64 answered;
	} ports[] = {{PORT, 2}, {PORT + 1, 0}};

	for (size_t i = 0; i < 2; i++) {
		begin(state);
		settings_set()->selecting = 1;
		settings_set()->selectors.ports = 1;
		settings_set()->selectors.port[0] = ports[i].wanted;
		tls_reads(OBJECT, ASKED); /* whose is it? */
		tls_writes(OBJECT, ANSWERED);
		assert_int_equal(answered(), 0);
		socket_begin(&c, PORT);
		c.conn = (struct conn){.protocol = PROTOCOL_TLS, .series = SERIES_NONE};
		c.has_state = true;
		tls_reads_from(OBJECT, &c, ASKED);
		tls_writes(OBJECT, ANSWERED);
		tls_reads(OBJECT, ASKED);
		tls_writes(OBJECT, ANSWERED);
		assert_int_equal(answered(), ports[i].answered);
	}
}

/* ---- Limits -----------------------------------------------------------------------------------------------------
 */

static void what_has_no_room_is_counted_as_dropped(void **state)
{
	const struct {
		const char *description;
		const void *map;
		__u64 max_connections;
		enum label_dropped reason;
	} limits[] = {
		{"callers", &tls_callers, 65536, DROPPED_MAX_TLS_OBJECTS},
		{"objects", &tls_objects, 65536, DROPPED_MAX_TLS_OBJECTS},
		{"states", &conns_by_key, 65536, DROPPED_NO_MEMORY},
		{"--max-connections", NULL, 0, DROPPED_MAX_CONNECTIONS},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		begin(state);
		map_full = limits[i].map;
		settings_set()->max_connections = (__u32)limits[i].max_connections;
		tls_reads(OBJECT, ASKED);
		if (tls_conn_find(tls_key(PROCESS, OBJECT)))
			fail_msg("%s: followed all the same", limits[i].description);
		if (!self_cells.cell[SELF_DROPPED + limits[i].reason])
			fail_msg("%s: not counted", limits[i].description);
		assert_int_equal(shared.states_live, 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(each_pair_of_functions_passes_plaintext_both_ways),
		TEST(the_role_is_that_of_who_reads_the_request),
		TEST(a_call_that_passes_nothing_counts_nothing),
		TEST(a_client_whose_peer_closed_has_no_answer),
		TEST(a_write_of_nothing_is_no_end),
		TEST(a_server_whose_client_has_no_more_to_say_still_answers),
		TEST(a_write_repeated_without_a_buffer_is_of_the_bytes_of_the_one_before),
		TEST(bytes_of_a_file_pass_though_they_are_nowhere_to_be_read),
		TEST(a_file_that_is_no_body_is_not_parsed),
		TEST(a_packet_passes_what_is_left_of_it),
		TEST(a_packet_laid_out_in_another_way_is_not_parsed),
		TEST(what_was_corked_passes_once),
		TEST(what_another_object_sends_while_one_is_uncorked_passes),
		TEST(an_object_is_new_where_its_maker_says_so),
		TEST(no_object_is_made_where_memory_is_short),
		TEST(an_object_seen_from_its_beginning_is_parsed_from_its_first_byte),
		TEST(a_websocket_inside_tls_is_followed_as_one_outside),
		TEST(a_return_without_its_entry_counts_nothing),
		TEST(tls_inside_tls_is_two_objects),
		TEST(coroutines_may_return_in_any_order),
		TEST(an_entry_replaces_a_call_that_was_left_at_its_depth),
		TEST(the_calls_of_threads_are_apart),
		TEST(equal_addresses_of_two_processes_are_two_objects),
		TEST(another_program_in_the_process_does_not_return_from_the_calls_of_the_old_one),
		TEST(a_thread_that_ends_leaves_no_call_to_the_next_of_its_number),
		TEST(nothing_of_a_process_that_is_not_selected_is_seen),
		TEST(tapstat_does_not_look_at_its_own_tls),
		TEST(a_port_selects_once_the_socket_is_known),
		TEST(what_has_no_room_is_counted_as_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
