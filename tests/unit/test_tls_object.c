// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/tls_object.h: which socket carries an object, whose object it is, and when what it carries ends. A
 * request without an answer tells: it counts as unanswered at that moment.
 */
#include "tls_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct connection sock, other_sock;

static int begin(void **state)
{
	(void)state;
	world_begin();
	socket_begin(&sock, PORT);
	socket_begin(&other_sock, PORT + 1);
	return 0;
}

static bool is_known(__u64 object)
{
	return map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(current_task.tgid, object)}) != NULL;
}

/* Whether the end of the socket is the end of what is outstanding. */
static bool ends_with(struct connection *c)
{
	__u64 before = unanswered();

	socket_destroyed(c);
	return unanswered() == before + 1;
}

/* ---- Joined by I/O inside a call --------------------------------------------------------------------------------
 */

static void a_socket_is_joined_to_the_object_in_whose_call_its_thread_is(void **state)
{
	hook_fn *const hooks[] = {ts_tls_read, ts_tls_write, ts_tls_handshake};

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		for (enum label_direction dir = 0; dir < DIRECTION_COUNT; dir++) {
			begin(state);
			tls_makes(OBJECT);
			tls_entry_at(hooks[i], LIBRARY_OPENSSL, STACK, OBJECT, TLS_RECORD, NULL);
			socket_io(&sock, dir);
			tls_return_at(LIBRARY_OPENSSL, STACK, -1);
			tls_reads(OBJECT, ASKED);
			assert_false(ends_with(&other_sock));
			assert_true(ends_with(&sock));
			assert_int_equal(shared.states_live, 0);
		}
}

static void a_socket_outside_of_calls_is_joined_to_none(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	socket_io(&sock, DIRECTION_SENT);
	assert_false(ends_with(&sock));
}

static void a_joined_socket_stays_with_its_object(void **state)
{
	(void)state;
	tls_reads_from(OBJECT, &sock, ASKED);
	tls_reads_from(OTHER_OBJECT, &sock, ASKED);
	tls_frees(OTHER_OBJECT);
	assert_int_equal(unanswered(), 1); /* it has no socket to wait for */
	assert_true(ends_with(&sock));
}

static void in_tls_inside_tls_the_socket_is_that_of_the_inner_object(void **state)
{
	(void)state;
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK, OBJECT, ASKED, NULL);
	tls_entry_at(ts_tls_read, LIBRARY_OPENSSL, STACK - 512, OTHER_OBJECT, ASKED, NULL);
	socket_io(&sock, DIRECTION_RECEIVED);
	tls_return_at(LIBRARY_OPENSSL, STACK - 512, sizeof(ASKED) - 1);
	tls_return_at(LIBRARY_OPENSSL, STACK, -1);
	assert_true(ends_with(&sock));
	assert_false(is_known(OTHER_OBJECT));
}

static void behind_a_call_its_thread_is_inside_no_object(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	socket_io(&sock, DIRECTION_SENT); /* not read: nothing to claim either */
	tls_writes(OTHER_OBJECT, ASKED);
	assert_false(ends_with(&sock));
}

/* ---- Claimed behind a read of the socket (memory BIO) -----------------------------------------------------------
 */

/* The thread has called the library before, reads the socket, and hands the record to an object. */
static void an_object_read_behind_its_socket_claims_it(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	clock_ns += TLS_CLAIM_NS - 10000000;
	tls_reads(OBJECT, ASKED);
	socket_io(&sock, DIRECTION_SENT); /* the socket learns of it */
	assert_true(ends_with(&sock));
}

static void a_claim_holds_before_the_socket_has_learnt_of_it(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	tls_reads(OBJECT, ASKED);
	assert_true(ends_with(&sock));
	assert_int_equal(connections_of_any_library(VISIBLE_NO), 0);
}

static void a_socket_that_was_claimed_is_not_waited_for(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	tls_reads(OBJECT, ASKED);
	for (int i = 0; i < 2 * TLS_BLIND_EVENTS; i++)
		socket_io(&sock, DIRECTION_SENT);
	assert_int_equal(connections_of_any_library(VISIBLE_NO), 0);
	assert_int_equal(connections_of_any_library(VISIBLE_YES), 1);
}

static void what_a_socket_read_long_ago_is_not_claimed(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	clock_ns += TLS_CLAIM_NS + 1000000;
	tls_reads(OBJECT, ASKED);
	assert_false(ends_with(&sock));
}

static void what_another_thread_read_is_not_claimed(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	run_as(PROCESS, PROCESS + 1);
	tls_reads(OBJECT, ASKED);
	assert_false(ends_with(&sock));
}

static void what_was_written_is_not_claimed(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_SENT);
	tls_reads(OBJECT, ASKED);
	assert_false(ends_with(&sock));
}

static void a_write_of_an_object_claims_nothing(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	tls_writes(OBJECT, ASKED);
	assert_false(ends_with(&sock));
}

static void a_socket_is_claimed_once(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	socket_io(&sock, DIRECTION_RECEIVED);
	tls_reads(OBJECT, ASKED);
	tls_reads(OTHER_OBJECT, ASKED);
	assert_true(ends_with(&sock));
	assert_true(is_known(OTHER_OBJECT));
}

static void an_object_that_has_its_socket_claims_no_other(void **state)
{
	(void)state;
	tls_reads_from(OBJECT, &sock, ASKED);
	socket_io(&other_sock, DIRECTION_RECEIVED);
	tls_reads(OBJECT, ASKED);
	assert_false(ends_with(&other_sock));
	assert_true(is_known(OBJECT));
	socket_destroyed(&sock);
	assert_int_equal(unanswered(), 2);
}

/* ---- Ends -------------------------------------------------------------------------------------------------------
 */

static void an_object_without_its_socket_ends_when_it_is_freed(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	tls_frees(OBJECT);
	assert_int_equal(unanswered(), 1);
	assert_int_equal(shared.states_live, 0);
	assert_false(is_known(OBJECT));
}

static void an_object_with_its_socket_ends_with_it_and_once(void **state)
{
	(void)state;
	for (int freed_first = 0; freed_first < 2; freed_first++) {
		begin(state);
		tls_reads_from(OBJECT, &sock, ASKED);
		if (freed_first)
			tls_frees(OBJECT);
		assert_int_equal(unanswered(), 0);
		assert_true(ends_with(&sock));
		if (!freed_first)
			tls_frees(OBJECT);
		assert_int_equal(unanswered(), 1);
		assert_int_equal(shared.states_live, 0);
		assert_false(is_known(OBJECT));
	}
}

static void an_object_on_a_socket_that_tells_no_end_ends_when_it_is_freed(void **state)
{
	(void)state;
	sock.sk.__sk_common.skc_family = AF_UNIX;
	tls_reads_from(OBJECT, &sock, ASKED);
	tls_frees(OBJECT);
	assert_int_equal(unanswered(), 1);
}

static void a_reused_address_is_another_connection(void **state)
{
	(void)state;
	tls_reads_from(OBJECT, &sock, ASKED);
	tls_frees(OBJECT);
	tls_makes(OBJECT); /* at the same address, before the old socket is gone */
	assert_int_equal(unanswered(), 1);
	tls_reads_from(OBJECT, &other_sock, ASKED);
	assert_false(ends_with(&sock));
	assert_true(is_known(OBJECT));
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	socket_destroyed(&other_sock);
	assert_int_equal(unanswered(), 1);
	assert_int_equal(shared.states_live, 0);
}

static void an_object_that_is_cleared_is_another_connection(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	tls_clears(OBJECT);
	assert_int_equal(unanswered(), 1);
	tls_reads(OBJECT, ASKED);
	assert_true(tls_conn_find(tls_key(PROCESS, OBJECT))->flags & CONN_FRESH);
	tls_clears(OTHER_OBJECT); /* by SSL_new() itself */
	assert_false(is_known(OTHER_OBJECT));
}

static void the_end_of_a_websocket_is_judged_by_its_close(void **state)
{
	(void)state;
	for (int closes = 0; closes < 2; closes++) {
		begin(state);
		tls_makes(OBJECT);
		tls_reads_from(OBJECT, &sock, UPGRADE);
		tls_writes(OBJECT, SWITCHED);
		if (closes)
			tls_writes(OBJECT, "\x88\x02\x03\xe8");
		socket_destroyed(&sock);
		assert_int_equal(cell(CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED), closes);
		assert_int_equal(cell(CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR), !closes);
	}
}

static void a_peer_that_comes_back_over_tls_reconnects(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		tls_makes(OBJECT);
		tls_reads_from(OBJECT, i ? &other_sock : &sock, UPGRADE);
		tls_writes(OBJECT, SWITCHED);
		assert_int_equal(cell(CELL_WS_RECONNECTIONS + RECONNECT_REASON_CONNECTION_LOST), i);
		socket_destroyed(i ? &other_sock : &sock);
	}
}

/* ---- Processes --------------------------------------------------------------------------------------------------
 */

static void forked(int child)
{
	current_parent.tgid = PROCESS;
	run_as(child, child);
}

static void a_child_goes_on_with_its_parents_object(void **state)
{
	(void)state;
	for (int parent_frees = 0; parent_frees < 2; parent_frees++) {
		begin(state);
		tls_reads_from(OBJECT, &sock, ASKED);
		if (parent_frees)
			tls_frees(OBJECT);
		forked(PROCESS + 1);
		tls_writes(OBJECT, ANSWERED);
		assert_int_equal(answered(), 1);
		assert_int_equal(shared.states_live, 2); /* the socket's and the object's */
		tls_reads(OBJECT, ASKED);
		run_as(PROCESS, PROCESS);
		assert_false(is_known(OBJECT));
		assert_int_equal(scan(OBJECT)->listed, 0);
		tls_frees(OBJECT);
		assert_int_equal(unanswered(), 0);
		run_as(PROCESS + 1, PROCESS + 1);
		assert_true(ends_with(&sock));
		assert_int_equal(shared.states_live, 0);
		assert_int_equal(connections_of_any_library(VISIBLE_YES), 1);
	}
}

static void a_child_of_another_process_has_an_object_of_its_own(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	current_parent.tgid = PROCESS + 7;
	run_as(PROCESS + 1, PROCESS + 1);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 0);
}

static void the_scan_ends_what_processes_left_behind(void **state)
{
	(void)state;
	for (int executes = 0; executes < 2; executes++) {
		begin(state);
		tls_reads(OBJECT, ASKED);
		assert_int_equal(scan(OBJECT)->protocol[PROTOCOL_HTTP], 1);
		if (executes) {
			the_process.exec_id++;
		} else {
			current_threads.live.counter = 0;
			ts_task_exit(&current_task);
		}
		assert_int_equal(unanswered(), 0);
		assert_int_equal(scan(OBJECT)->protocol[PROTOCOL_HTTP], 0);
		assert_int_equal(unanswered(), 1);
		assert_int_equal(shared.states_live, 0);
		assert_int_equal(scan(OBJECT)->listed, 0);
	}
}

static void the_scan_leaves_alone_what_a_process_still_uses(void **state)
{
	(void)state;
	tls_reads(OBJECT, ASKED);
	ts_task_exit(&current_task); /* one of its threads */
	assert_int_equal(scan(OBJECT)->listed, 1);
	tls_writes(OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
}

/* ---- Connections that speak TLS, counted ------------------------------------------------------------------------
 */

static void a_connection_whose_plaintext_is_seen_counts_once(void **state)
{
	(void)state;
	tls_makes(OBJECT);
	for (int i = 0; i < 2 * TLS_BLIND_EVENTS; i++)
		tls_reads_from(OBJECT, &sock, ASKED);
	tls_frees(OBJECT);
	socket_destroyed(&sock);
	assert_int_equal(connections_counted(LIBRARY_OPENSSL, VISIBLE_YES), 1);
	assert_int_equal(connections_of_any_library(VISIBLE_YES), 1);
	assert_int_equal(connections_of_any_library(VISIBLE_NO), 0);
}

static void a_library_that_can_not_be_looked_into_counts_as_not_visible(void **state)
{
	static const struct {
		const char *description;
		int events;
		bool destroyed;
		__u64 counted;
	} lives[] = {
		{"short, and over", 1, true, 1},
		{"it may still be joined", TLS_BLIND_EVENTS - 1, false, 0},
		{"long", TLS_BLIND_EVENTS, false, 1},
		{"longer", 3 * TLS_BLIND_EVENTS, false, 1},
		{"long, and over", 3 * TLS_BLIND_EVENTS, true, 1},
	};
	static __u32 java = LIBRARY_JAVA, process = PROCESS;

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		begin(state);
		map_update(MAP_SHAPE(&library_by_process), &process, &java, BPF_ANY);
		for (int event = 0; event < lives[i].events; event++)
			socket_io(&sock, event & 1);
		if (lives[i].destroyed)
			socket_destroyed(&sock);
		if (connections_counted(LIBRARY_JAVA, VISIBLE_NO) != lives[i].counted)
			fail_msg("%s: counted %llu times", lives[i].description,
				 connections_counted(LIBRARY_JAVA, VISIBLE_NO));
		assert_int_equal(connections_of_any_library(VISIBLE_NO), lives[i].counted);
	}
}

static void a_process_of_which_no_library_is_known_counts_as_unknown(void **state)
{
	(void)state;
	socket_io(&sock, DIRECTION_SENT);
	socket_destroyed(&sock);
	assert_int_equal(connections_counted(LIBRARY_UNKNOWN, VISIBLE_NO), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_socket_is_joined_to_the_object_in_whose_call_its_thread_is),
		TEST(a_socket_outside_of_calls_is_joined_to_none),
		TEST(a_joined_socket_stays_with_its_object),
		TEST(in_tls_inside_tls_the_socket_is_that_of_the_inner_object),
		TEST(behind_a_call_its_thread_is_inside_no_object),
		TEST(an_object_read_behind_its_socket_claims_it),
		TEST(a_claim_holds_before_the_socket_has_learnt_of_it),
		TEST(a_socket_that_was_claimed_is_not_waited_for),
		TEST(what_a_socket_read_long_ago_is_not_claimed),
		TEST(what_another_thread_read_is_not_claimed),
		TEST(what_was_written_is_not_claimed),
		TEST(a_write_of_an_object_claims_nothing),
		TEST(a_socket_is_claimed_once),
		TEST(an_object_that_has_its_socket_claims_no_other),
		TEST(an_object_without_its_socket_ends_when_it_is_freed),
		TEST(an_object_with_its_socket_ends_with_it_and_once),
		TEST(an_object_on_a_socket_that_tells_no_end_ends_when_it_is_freed),
		TEST(a_reused_address_is_another_connection),
		TEST(an_object_that_is_cleared_is_another_connection),
		TEST(the_end_of_a_websocket_is_judged_by_its_close),
		TEST(a_peer_that_comes_back_over_tls_reconnects),
		TEST(a_child_goes_on_with_its_parents_object),
		TEST(a_child_of_another_process_has_an_object_of_its_own),
		TEST(the_scan_ends_what_processes_left_behind),
		TEST(the_scan_leaves_alone_what_a_process_still_uses),
		TEST(a_connection_whose_plaintext_is_seen_counts_once),
		TEST(a_library_that_can_not_be_looked_into_counts_as_not_visible),
		TEST(a_process_of_which_no_library_is_known_counts_as_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
