// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tests of bpf/tls.h for Go, where the caller is a goroutine: it moves between threads, and its stack in memory.
 */
#include "tls_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct goroutine goroutine, other;

static int begin(void **state)
{
	(void)state;
	world_begin();
	goroutine_begin(&goroutine);
	goroutine_begin(&other);
	return 0;
}

static bool is_followed(__u64 object)
{
	return tls_conn_find(tls_key(PROCESS, object)) != NULL;
}

static bool is_noted(const struct goroutine *caller)
{
	return map_lookup(MAP_SHAPE(&tls_callers), &(__u64){tls_key(PROCESS, (__u64)caller->g)}) != NULL;
}

static void go_reads(struct goroutine *caller, __u64 object, const char *text)
{
	go_entry(ts_go_read, caller, object, text);
	go_return(caller, false, (__s64)strlen(text));
}

static void go_writes(struct goroutine *caller, __u64 object, const char *text)
{
	go_entry(ts_go_write, caller, object, text);
	go_return(caller, true, (__s64)strlen(text));
}

/* A method that is only probed at its entry. */
static void go_object(hook_fn *hook, __u64 object)
{
	struct pt_regs regs = go_registers(&goroutine);

#if defined(__TARGET_ARCH_x86)
	regs.ax = object;
#else
	regs.regs[0] = object;
#endif
	assert_int_equal(hook(&regs), 0);
}

static void reads_and_writes_pass_plaintext(void **state)
{
	(void)state;
	go_reads(&goroutine, OBJECT, ASKED);
	go_writes(&goroutine, OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	assert_int_equal(connections_counted(LIBRARY_GO, VISIBLE_YES), 1);
}

static void a_goroutine_returns_on_another_thread(void **state)
{
	(void)state;
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED);
	run_as(PROCESS, PROCESS + 1);
	go_entry(ts_go_read, &other, OTHER_OBJECT, ASKED);
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	run_as(PROCESS, PROCESS);
	go_return(&other, false, sizeof(ASKED) - 1);
	go_writes(&goroutine, OBJECT, ANSWERED);
	go_writes(&other, OTHER_OBJECT, ANSWERED);
	assert_int_equal(answered(), 2);
}

static void a_stack_that_moves_is_the_same_call(void **state)
{
	static struct goroutine moved;

	(void)state;
	goroutine_begin(&moved);
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED);
	memcpy(goroutine.g, moved.g, sizeof(goroutine.g)); /* the goroutine itself stays */
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	assert_true(is_followed(OBJECT));
}

static void an_entry_that_runs_twice_is_one_call(void **state)
{
	(void)state;
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED);
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED); /* the stack has grown */
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	assert_false(is_noted(&goroutine));
	go_writes(&goroutine, OBJECT, ANSWERED);
	assert_int_equal(answered(), 1);
	assert_int_equal(unparsed(), 0);
}

static void a_goroutine_is_forgotten_behind_its_call(void **state)
{
	(void)state;
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED);
	assert_true(is_noted(&goroutine));
	go_return(&goroutine, false, -1);
	assert_false(is_noted(&goroutine));
}

static void a_goroutine_of_a_process_that_is_not_selected_is_never_noted(void **state)
{
	(void)state;
	settings_set()->selecting = settings_set()->selecting_process = 1;
	the_process.selected = 0;
	go_object(ts_go_begin, OBJECT);
	go_spill(&goroutine, OBJECT, ASKED, 4096); /* ... nor does its return tell anything */
	go_reads(&goroutine, OBJECT, ASKED);
	assert_false(is_noted(&goroutine));
	assert_null(map_lookup(MAP_SHAPE(&tls_objects), &(__u64){tls_key(PROCESS, OBJECT)}));
	assert_int_equal(connections_of_any_library(VISIBLE_YES), 0);
}

static void io_in_the_call_of_a_goroutine_joins_its_object(void **state)
{
	static struct connection sock;

	(void)state;
	socket_begin(&sock, PORT);
	go_entry(ts_go_read, &goroutine, OBJECT, ASKED);
	run_as(PROCESS, PROCESS + 5);
	current_goroutine = (__u64)goroutine.g;
	socket_io(&sock, DIRECTION_RECEIVED);
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	socket_destroyed(&sock);
	assert_int_equal(unanswered(), 1);
	assert_int_equal(connections_counted(LIBRARY_GO, VISIBLE_NO), 0);
}

/* ---- Calls that were waiting when their entry came to be probed -------------------------------------------------
 */

static void a_call_that_waited_when_the_probe_came_passes_plaintext(void **state)
{
	(void)state;
	go_spill(&goroutine, OBJECT, ASKED, 4096);
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	go_spill(&goroutine, OBJECT, ANSWERED, sizeof(ANSWERED) - 1);
	go_return(&goroutine, true, sizeof(ANSWERED) - 1);
	assert_int_equal(answered(), 1);
	assert_int_equal(connections_counted(LIBRARY_GO, VISIBLE_YES), 1);
}

static void nonsense_in_the_spill_area_is_no_call(void **state)
{
	static const struct {
		const char *description;
		__u64 object;
		const char *buffer;
		__u64 bytes;
		__s64 result;
	} spills[] = {
		{"no object", 0, ASKED, 4096, sizeof(ASKED) - 1},
		{"an object at an odd address", OBJECT + 8, ASKED, 4096, sizeof(ASKED) - 1},
		{"no buffer", OBJECT, NULL, 4096, sizeof(ASKED) - 1},
		{"more bytes than the buffer takes", OBJECT, ASKED, sizeof(ASKED) - 2, sizeof(ASKED) - 1},
		{"a buffer larger than any", OBJECT, ASKED, 1ULL << 31, sizeof(ASKED) - 1},
		{"an error", OBJECT, ASKED, 4096, -1},
	};

	for (size_t i = 0; i < sizeof(spills) / sizeof(spills[0]); i++) {
		begin(state);
		go_spill(&goroutine, spills[i].object, spills[i].buffer, spills[i].bytes);
		go_return(&goroutine, false, spills[i].result);
		if (shared.states_live || connections_of_any_library(VISIBLE_YES))
			fail_msg("%s: taken for a call", spills[i].description);
	}
}

static void a_spill_area_that_can_not_be_read_is_no_call(void **state)
{
	(void)state;
	go_spill(&goroutine, OBJECT, ASKED, 4096);
	user_unreadable = (char *)goroutine_frame(&goroutine) + GO_SPILL_OFFSET;
	go_return(&goroutine, false, sizeof(ASKED) - 1);
	assert_int_equal(shared.states_live, 0);
}

static void a_buffer_that_can_not_be_read_counts_as_unparsed(void **state)
{
	(void)state;
	go_spill(&goroutine, OBJECT, (void *)16, 4096);
	user_unreadable = (void *)16;
	go_return(&goroutine, false, 100);
	assert_int_equal(answered() + unanswered(), 0);
	assert_int_equal(self_cells.cell[SELF_UNPARSED + UNPARSED_FAULT], 100);
}

/* ---- Objects ----------------------------------------------------------------------------------------------------
 */

static void a_handshake_begins_and_close_ends_a_connection(void **state)
{
	(void)state;
	go_object(ts_go_begin, OBJECT);
	go_reads(&goroutine, OBJECT, ASKED);
	assert_true(tls_conn_find(tls_key(PROCESS, OBJECT))->flags & CONN_FRESH);
	go_object(ts_go_end, OBJECT);
	assert_int_equal(unanswered(), 1);
	assert_int_equal(shared.states_live, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(reads_and_writes_pass_plaintext),
		TEST(a_goroutine_returns_on_another_thread),
		TEST(a_stack_that_moves_is_the_same_call),
		TEST(an_entry_that_runs_twice_is_one_call),
		TEST(a_goroutine_is_forgotten_behind_its_call),
		TEST(a_goroutine_of_a_process_that_is_not_selected_is_never_noted),
		TEST(io_in_the_call_of_a_goroutine_joins_its_object),
		TEST(a_call_that_waited_when_the_probe_came_passes_plaintext),
		TEST(nonsense_in_the_spill_area_is_no_call),
		TEST(a_spill_area_that_can_not_be_read_is_no_call),
		TEST(a_buffer_that_can_not_be_read_counts_as_unparsed),
		TEST(a_handshake_begins_and_close_ends_a_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
