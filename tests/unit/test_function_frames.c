// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf/function_frames.h against a plain list of calls, in the order of their begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "function_frames.h"

/* The same table, as anybody would write it. */
struct list {
	size_t n;
	struct frame call[FRAMES];
};

static void list_remove(struct list *list, size_t at)
{
	memmove(&list->call[at], &list->call[at + 1], (list->n - at - 1) * sizeof(list->call[0]));
	list->n--;
}

/* Its place; list->n: it is not there. */
static size_t list_find(const struct list *list, __u64 depth, __u32 probe)
{
	size_t at = 0;

	while (at < list->n && (list->call[at].depth != depth || list->call[at].probe != probe))
		at++;
	return at;
}

/* The row of the call that had to go; 0: none. */
static __u32 list_begin(struct list *list, struct frame call)
{
	size_t at = list_find(list, call.depth, call.probe);
	__u32 gone = 0;

	if (at == list->n && list->n == FRAMES)
		at = 0; /* the oldest */
	if (at < list->n) {
		gone = list->call[at].row;
		list_remove(list, at);
	}
	list->call[list->n++] = call;
	return gone;
}

static __u32 frames_begin(struct frames *frames, struct frame call)
{
	struct frame *frame = &frames->frame[frames_place(frames, call.depth, call.probe)];
	__u32 gone = frame->begun_ns ? frame->row : 0;

	*frame = call;
	return gone;
}

static __u32 frames_end(struct frames *frames, __u64 depth, __u32 probe)
{
	__u32 at = frames_find(frames, depth, probe);

	if (at >= FRAMES)
		return 0;
	frames->frame[at].begun_ns = 0;
	return frames->frame[at].row;
}

static void any_sequence_ends_as_in_a_plain_list(void **state)
{
	enum { STEPS = 200000 };
	struct frames frames = {0};
	struct list list = {0};
	__u64 now = 1000000;

	(void)state;
	srandom(1);
	for (__u32 step = 1; step <= STEPS; step++) {
		/* Now and then so many that the table is full; depths as of stacks, the top bit included. */
		long spread = step / 1000 % 2 ? 5 : 12;
		__u64 depth = 0xfffffffffffff000 + (__u64)(random() % spread) * 8;
		__u32 probe = (__u32)(random() % 3), gone = 0;
		size_t at = list_find(&list, depth, probe);

		if (random() % 5 < 3) {
			struct frame call = {.begun_ns = now += 64, .depth = depth, .row = step, .probe = probe};

			assert_int_equal(frames_begin(&frames, call), list_begin(&list, call));
			continue;
		}
		if (at < list.n) {
			gone = list.call[at].row;
			list_remove(&list, at);
		}
		assert_int_equal(frames_end(&frames, depth, probe), gone);
		assert_int_equal(frames_are_empty(&frames), !list.n);
	}
}

static void what_a_free_place_was_left_with_is_no_call(void **state)
{
	struct frames frames = {0};

	(void)state;
	frames_begin(&frames, (struct frame){.begun_ns = 1000, .depth = 16, .row = 7, .probe = 1});
	assert_int_equal(frames_end(&frames, 16, 1), 7);
	assert_int_equal(frames_end(&frames, 16, 1), 0);
	assert_int_equal(frames_find(&frames, 0, 0), FRAME_NONE);
	assert_true(frames_are_empty(&frames));
}

static void equal_depths_of_different_probes_are_different_calls(void **state)
{
	struct frames frames = {0};

	(void)state;
	assert_int_equal(frames_begin(&frames, (struct frame){.begun_ns = 1000, .depth = 16, .row = 7, .probe = 1}),
			 0);
	assert_int_equal(frames_begin(&frames, (struct frame){.begun_ns = 2000, .depth = 16, .row = 8, .probe = 2}),
			 0);
	assert_int_equal(frames_begin(&frames, (struct frame){.begun_ns = 3000, .depth = 16, .row = 9, .probe = 1}),
			 7);
	assert_int_equal(frames_end(&frames, 16, 1), 9);
	assert_int_equal(frames_end(&frames, 16, 2), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_ends_as_in_a_plain_list),
		cmocka_unit_test(what_a_free_place_was_left_with_is_no_call),
		cmocka_unit_test(equal_depths_of_different_probes_are_different_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
